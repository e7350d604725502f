//! Scatter: the rows of a unit, standardized, each to the segment of the shard that it ends up in.
//!
//! Leaf by leaf, like shards are written, but to any of thousands of segments: what they get waits in
//! memory until it makes a chunk of 2 MiB. The rows' own hashes are one leaf more.

use parquet::data_type::{DataType, Int64Type};
use serde::{Deserialize, Serialize};

use super::{RowShape, Scattered, Shuffle, partial_name};
use crate::artifact::partial::PartialFile;
use crate::engine::Pass;
use crate::error::Result;
use crate::kernel::{Domain, row_hashes};
use crate::pass::Histograms;
use crate::pass::encode::{encode_leaf, leaves};
use crate::pass::leaves::{BlockSource, Leaf};
use crate::pass::write::{WriteJob, open_unit, stored_bytes};
use crate::sink::Leaving;
use crate::sink::segments::{ChunkId, SegmentFile, SegmentWriter};
use crate::sink::staging::put_in_place;
use crate::source::blocks::{block_rows, blocks};
use crate::source::file_digest;

/// Bytes of a leaf's rows that are written at once.
const CHUNK_BYTES: usize = 2 << 20;
/// Rows hashed at a time.
const RUN_ROWS: usize = 64 << 10;

/// What pass 3 leaves of one unit.
#[derive(Debug, Serialize, Deserialize)]
struct ScatterPartial {
    /// Name of its segment file.
    name: String,
    file: SegmentFile,
    histograms: Histograms,
}

/// Runs pass 3 for rows that are going to be shuffled.
///
/// # Errors
/// When a column can't be read or a segment file can't be written.
pub fn scatter(job: &WriteJob<'_>, shuffle: &Shuffle) -> Result<Scattered> {
    let units = &job.table.units;
    let leaves = leaves(job);
    let (lanes, columns) = job.context.lanes(units.len());
    let mut scattered = Scattered {
        files: Vec::with_capacity(units.len()),
        histograms: Histograms::new(job.scaler.columns().len()),
    };
    job.context.ordered_on(lanes, units.len()).run(
        |index| {
            let (partial, is_new) = unit(job, shuffle, &leaves, index, columns)?;
            if is_new {
                let name = partial_name(Pass::Write, units[index].index);
                let files = vec![segment_file(job, shuffle, &partial)];
                job.partials.keep(&name, &partial, files)?;
            }
            Ok(partial)
        },
        |_, partial| {
            scattered.histograms.merge(&partial.histograms);
            let path = shuffle.directory.join(partial.name);
            scattered.files.push((path, partial.file));
            Ok(())
        },
    )?;
    Ok(scattered)
}

/// The same for the units of a part of the table, whose results are left for whoever gathers them. What is
/// done before an error is left as well.
///
/// # Errors
/// When a column can't be read or a segment file can't be written.
pub fn scatter_units(
    job: &WriteJob<'_>,
    shuffle: &Shuffle,
    mut leaving: Leaving<'_>,
) -> Result<()> {
    let leaves = leaves(job);
    let units = job.table.units.len();
    let (lanes, columns) = job.context.lanes(units);
    let done = job.context.ordered_on(lanes, units).run(
        |index| unit(job, shuffle, &leaves, index, columns),
        |_, (partial, _)| {
            let file = segment_file(job, shuffle, &partial);
            leaving.push(&partial, vec![file])
        },
    );
    done.and(leaving.finish(&()))
}

fn segment_file(job: &WriteJob<'_>, shuffle: &Shuffle, partial: &ScatterPartial) -> PartialFile {
    let path = shuffle.directory.join(&partial.name);
    job.partials.file(&path, partial.file.written)
}

/// A unit that is scattered already, or is now, and whether nobody has kept it.
fn unit(
    job: &WriteJob<'_>,
    shuffle: &Shuffle,
    leaves: &[Leaf],
    index: usize,
    threads: usize,
) -> Result<(ScatterPartial, bool)> {
    let unit = &job.table.units[index];
    let name = partial_name(Pass::Write, unit.index);
    let found: Option<ScatterPartial> = job.partials.already(&name)?;
    let Some(partial) = found else {
        return Ok((scatter_unit(job, shuffle, leaves, index, threads)?, true));
    };
    // What is gathered goes into shards, whose checksums would hold for whatever was read.
    if job.partials.trusts_sizes() {
        let written = partial.file.written;
        let path = shuffle.directory.join(&partial.name);
        let read = file_digest(&path, || job.context.cancel.check().is_ok());
        job.context.cancel.check()?;
        if !read.is_ok_and(|read| read == (written.bytes, written.digest)) {
            return Err(job.partials.damaged(&name));
        }
    }
    job.context.advanced(Pass::Write, unit.rows as u64, 0);
    Ok((partial, false))
}

fn scatter_unit(
    job: &WriteJob<'_>,
    shuffle: &Shuffle,
    leaves: &[Leaf],
    index: usize,
    threads: usize,
) -> Result<ScatterPartial> {
    let open = open_unit(job, index)?;
    let routed = job.plan.routed(job.partials, &open, job.rows)?;
    let name = shuffle.name(open.unit.index);
    let place = shuffle.directory.join(&name);
    let unfinished = shuffle.attempt.as_ref();
    let unfinished = unfinished.map_or_else(|| place.clone(), |attempt| attempt.join(&name));
    let writer = SegmentWriter::create(&unfinished, shuffle.segments())?;
    let mut histograms = Histograms::new(job.scaler.columns().len());
    for (number, block) in (0..).zip(blocks(open.unit, block_rows(&job.table.schema))) {
        let source = job.source(&open, &routed, &block);
        let segments = BlockSegments::new(&source, shuffle, &writer, number)?;
        segments.scatter_hashes(&source, shuffle, leaves.len())?;
        let source = BlockSource {
            segments: Some(&segments),
            ..source
        };
        job.context.ordered_on(threads, leaves.len()).run(
            |index| encode_leaf(job, leaves[index], &source),
            |index, encoded| {
                if let (Some(feature), Some(counted)) = (leaves[index].feature, encoded.counted) {
                    histograms.merge_feature(feature, &counted);
                }
                Ok(())
            },
        )?;
        job.context.advanced(Pass::Write, block.rows as u64, 0);
    }
    job.context.advanced(Pass::Write, 0, stored_bytes(&open)?);
    let file = writer.finish()?;
    put_in_place(&unfinished, &place)?;
    Ok(ScatterPartial {
        name,
        file,
        histograms,
    })
}

/// Where the rows of a block go.
#[derive(Debug)]
pub(in crate::pass) struct BlockSegments<'a> {
    writer: &'a SegmentWriter,
    block: u32,
    /// Of each side that is written, the segment of each of its rows.
    of_rows: Vec<Vec<u32>>,
    count: usize,
}

impl<'a> BlockSegments<'a> {
    fn new(
        source: &BlockSource<'_>,
        shuffle: &Shuffle,
        writer: &'a SegmentWriter,
        block: u32,
    ) -> Result<Self> {
        let mut of_rows = vec![Vec::new(); source.written.len()];
        each_run(source, shuffle, |place, hashes| {
            of_rows[place].extend(hashes.iter().map(|hash| {
                u32::try_from(shuffle.segment(place, hash.cast_unsigned())).unwrap_or(u32::MAX)
            }));
            Ok(())
        })?;
        Ok(Self {
            writer,
            block,
            of_rows,
            count: shuffle.segments(),
        })
    }

    /// A leaf of the block, no rows yet.
    pub(in crate::pass) fn scatter(&self, leaf: usize, shape: RowShape) -> Scatter<'_> {
        Scatter {
            segments: self,
            shape,
            id: ChunkId {
                leaf: u32::try_from(leaf).unwrap_or(u32::MAX),
                block: self.block,
                chunk: 0,
            },
            rows: vec![0; self.of_rows.len()],
            parts: vec![Vec::new(); self.count],
            bytes: 0,
        }
    }

    fn scatter_hashes(
        &self,
        source: &BlockSource<'_>,
        shuffle: &Shuffle,
        leaf: usize,
    ) -> Result<()> {
        let mut scatter = self.scatter(leaf, RowShape::HASHES);
        each_run(source, shuffle, |place, hashes| {
            scatter.put::<Int64Type>(place, hashes, None, None)
        })?;
        scatter.finish()
    }
}

/// Calls `take` with the hashes of some rows of a side after the other, as signed numbers; their order
/// within the side is that of the input.
fn each_run(
    source: &BlockSource<'_>,
    shuffle: &Shuffle,
    mut take: impl FnMut(usize, &[i64]) -> Result<()>,
) -> Result<()> {
    let mut hashes = Vec::new();
    let mut of_sides = vec![Vec::new(); source.written.len()];
    let mut row = source.block.first;
    for slice in &source.block.slices {
        let piece = &source.open.unit.pieces[slice.piece];
        let key = shuffle.keys[source.open.store(piece).input];
        let first = piece.first_row + slice.start as u64;
        for start in (0..slice.rows).step_by(RUN_ROWS) {
            let rows = RUN_ROWS.min(slice.rows - start);
            let in_file = first + start as u64..first + (start + rows) as u64;
            row_hashes(shuffle.seed, Domain::SHUFFLE, key, in_file, &mut hashes);
            for hash in &hashes {
                let side = source.sides.side(row);
                let place = source.written.iter().position(|other| side == Some(*other));
                if let Some(place) = place {
                    of_sides[place].push(hash.cast_signed());
                }
                row += 1;
            }
            for (place, hashes) in of_sides.iter_mut().enumerate() {
                take(place, hashes)?;
                hashes.clear();
            }
        }
    }
    Ok(())
}

/// Takes the rows of one leaf of a block to their segments.
#[derive(Debug)]
pub(in crate::pass) struct Scatter<'a> {
    segments: &'a BlockSegments<'a>,
    shape: RowShape,
    id: ChunkId,
    /// Of each side, how many rows it got.
    rows: Vec<usize>,
    /// Of each segment, what it gets next.
    parts: Vec<Vec<u8>>,
    bytes: usize,
}

impl Scatter<'_> {
    /// Takes rows of the side at `place`: values, and levels where the leaf has them.
    pub(in crate::pass) fn put<T: DataType>(
        &mut self,
        place: usize,
        values: &[T::T],
        definition: Option<&[i16]>,
        repetition: Option<&[i16]>,
    ) -> Result<()> {
        let slots = definition.map_or(values.len(), <[i16]>::len);
        let mut values = values.iter();
        let mut segment = 0;
        for slot in 0..slots {
            let repetition = repetition.map_or(0, |levels| levels[slot]);
            if repetition == 0 {
                if self.bytes >= CHUNK_BYTES {
                    self.write()?;
                }
                let row = &mut self.rows[place];
                segment = self.segments.of_rows[place][*row] as usize;
                *row += 1;
            }
            let definition = definition.map_or(self.shape.top, |levels| levels[slot]);
            let part = &mut self.parts[segment];
            let before = part.len();
            self.shape
                .put(part, repetition, definition, || values.next());
            self.bytes += part.len() - before;
        }
        Ok(())
    }

    /// Writes what isn't yet.
    pub(in crate::pass) fn finish(mut self) -> Result<()> {
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        self.segments.writer.append(self.id, &mut self.parts)?;
        self.id.chunk += 1;
        self.bytes = 0;
        Ok(())
    }
}
