//! Pass 4, gather: a shard's segments of all units, put in the order of their hashes.
//!
//! The order is found once for a shard; then its leaves are gathered one by one, on any number of
//! threads, and make one row group.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{RowShape, Scattered, Shuffle, partial_name};
use crate::engine::Pass;
use crate::error::{Error, Result};
use crate::kernel::ShuffleOrder;
use crate::pass::write::{WriteJob, WritePartial, Written, fill_empty_sides, shard_path};
use crate::sink::segments::{Segment, SegmentFile, damaged, read_segments};
use crate::sink::shard::{Shard, ShardWriter};

/// What pass 4 leaves of one shard.
#[derive(Debug, Serialize, Deserialize)]
struct GatherPartial {
    shard: Option<Shard>,
}

/// Runs pass 4.
///
/// # Errors
/// When a segment file can't be read or a shard can't be written.
pub fn gather(job: &WriteJob<'_>, shuffle: &Shuffle, scattered: Scattered) -> Result<Written> {
    let shards = shuffle.all_shards();
    let (lanes, columns) = job.context.lanes(shards.len());
    let mut partials: Vec<WritePartial> = Vec::new();
    job.context.ordered_on(lanes, shards.len()).run(
        |index| {
            let (place, shard) = shards[index];
            let path = shard_path(job, place, shard);
            let name = partial_name(Pass::Shuffle, index);
            if let Some(partial) = job.partials.take_up::<GatherPartial>(&name) {
                let rows = partial.shard.as_ref().map_or(0, |shard| shard.rows);
                job.context.advanced(Pass::Shuffle, rows, 0);
                return Ok(partial);
            }
            let segment = shuffle.first_segment(place) + shard;
            let rows = ShardRows::open(job, &scattered.files, segment)?;
            let shard = rows.write(&path, columns)?;
            let files = shard.iter();
            let files = files.map(|shard| job.partials.file(&path, shard.written));
            let files = files.collect();
            let partial = GatherPartial { shard };
            job.partials.keep(&name, &partial, files)?;
            Ok(partial)
        },
        |index, partial| {
            let (place, shard) = shards[index];
            while partials.len() <= shard {
                partials.push(WritePartial::empty(partials.len()));
            }
            partials[shard].shards[job.written[place].index()] = partial.shard;
            Ok(())
        },
    )?;
    fill_empty_sides(job, &mut partials)?;
    Ok(Written {
        partials,
        histograms: scattered.histograms,
    })
}

/// The rows of one shard, in segments of all units.
pub(super) struct ShardRows<'a> {
    pub(super) job: &'a WriteJob<'a>,
    /// Segment files, and what each holds of the shard.
    segments: Vec<(PathBuf, Vec<Segment>)>,
    /// The place of each row in the shard, in the order that segments have it in.
    pub(super) places: Vec<u32>,
}

impl<'a> ShardRows<'a> {
    fn open(
        job: &'a WriteJob<'a>,
        files: &[(PathBuf, SegmentFile)],
        segment: usize,
    ) -> Result<Self> {
        let mut rows = Self {
            job,
            segments: Vec::with_capacity(files.len()),
            places: Vec::new(),
        };
        for (path, file) in files {
            let segments = file.segments(path, segment)?;
            rows.segments.push((path.clone(), segments));
        }
        let hashes = job.format.schema().num_columns();
        let count = rows.bytes_of(hashes) / size_of::<u64>() as u64;
        let mut order = ShuffleOrder::with_capacity(usize::try_from(count).unwrap_or(0));
        rows.each_chunk(hashes, |bytes| {
            let (hashes, _) = bytes.as_chunks();
            hashes
                .iter()
                .for_each(|hash| order.push(u64::from_le_bytes(*hash)));
            Ok(())
        })?;
        rows.places = order.places();
        Ok(rows)
    }

    /// Writes the shard as one row group; `None` if it has no rows.
    fn write(&self, path: &Path, threads: usize) -> Result<Option<Shard>> {
        if self.places.is_empty() {
            return Ok(None);
        }
        let leaves = self.job.format.schema().num_columns();
        let mut writer = ShardWriter::create(path, self.job.format)?;
        let mut group = writer.begin_row_group();
        self.job.context.ordered_on(threads, leaves).feed(
            |leaf| self.encode(leaf),
            |feed| {
                (0..leaves).try_for_each(|_| {
                    let column = feed.take()?;
                    group.append(column, |placed| feed.later(|| placed.write()))
                })
            },
        )?;
        group.finish()?;
        let bytes = (0..=leaves).map(|leaf| self.bytes_of(leaf)).sum();
        let rows = self.places.len() as u64;
        self.job.context.advanced(Pass::Shuffle, rows, bytes);
        writer.finish().map(Some)
    }

    /// Bytes of a leaf.
    pub(super) fn bytes_of(&self, leaf: usize) -> u64 {
        let segments = self.segments.iter();
        let of_leaf = segments.flat_map(|(_, segments)| of_leaf(segments, leaf));
        of_leaf.map(|segment| u64::from(segment.bytes)).sum()
    }

    /// Calls `take` with the bytes of a leaf, some whole rows at a time.
    fn each_chunk(&self, leaf: usize, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let mut bytes = Vec::new();
        for (path, segments) in &self.segments {
            self.job.context.cancel.check()?;
            read_segments(path, of_leaf(segments, leaf), &mut bytes, &mut take)?;
        }
        Ok(())
    }

    /// Calls `take` with each row of a leaf, and with its place.
    pub(super) fn each_row(
        &self,
        leaf: usize,
        shape: RowShape,
        mut take: impl FnMut(usize, &[u8]),
    ) -> Result<()> {
        let mut places = self.places.iter();
        self.each_chunk(leaf, |bytes| {
            let mut start = 0;
            while start < bytes.len() {
                let end = shape.read(bytes, start, |_| ());
                let (Some(end), Some(place)) = (end, places.next()) else {
                    return Err(self.damaged());
                };
                take(*place as usize, &bytes[start..end]);
                start = end;
            }
            Ok(())
        })?;
        match places.next() {
            Some(_) => Err(self.damaged()),
            None => Ok(()),
        }
    }

    pub(super) fn damaged(&self) -> Error {
        damaged(self.job.spool)
    }
}

fn of_leaf(segments: &[Segment], leaf: usize) -> &[Segment] {
    let first = segments.partition_point(|segment| (segment.leaf as usize) < leaf);
    let end = segments.partition_point(|segment| segment.leaf as usize <= leaf);
    &segments[first..end]
}
