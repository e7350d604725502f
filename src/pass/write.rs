//! Pass 3: every row standardized and written to its side.
//!
//! A unit makes at most one shard a side; a block makes one row group in each. Columns are encoded
//! on any number of threads and appended in order.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::encode::{EncodedLeaf, encode_leaf, leaves};
use super::fit::pages_read;
use super::footers::already_written;
use super::histograms::Histograms;
use super::leaves::{BlockSource, Leaf};
use super::scaling::Scaling;
use super::{Context, Routed, RowsOf, SplitPlan};
use crate::artifact::JobId;
use crate::artifact::partial::PartialFile;
use crate::engine::{Feed, Pass};
use crate::error::Result;
use crate::kernel::{Scaler, Side, WRITTEN_SIDES};
use crate::sink::shard::{RowGroup, Shard, ShardFormat, ShardWriter};
use crate::sink::staging::{put_in_place, shard_name};
use crate::sink::{Partials, SpoolPlace};
use crate::source::blocks::{Block, block_rows, blocks};
use crate::source::table::{OpenUnit, Table};
use crate::spec::{Dtype, OnInf};

/// All that pass 3 needs.
#[derive(Debug, Clone, Copy)]
pub struct WriteJob<'a> {
    /// The run around it.
    pub context: Context<'a>,
    /// Units that are written already.
    pub partials: &'a Partials,
    /// What is read.
    pub table: &'a Table,
    /// Where each row goes.
    pub plan: &'a SplitPlan<'a>,
    /// Which rows, and by which of its sides.
    pub rows: RowsOf,
    /// What is applied to the features, in their order.
    pub scaler: &'a Scaler,
    /// What shards look like.
    pub format: &'a ShardFormat,
    /// Where columns wait that don't fit the budget.
    pub spool: &'a Path,
    /// Type of the features.
    pub dtype: Dtype,
    /// What happens to infinities.
    pub on_inf: OnInf,
    /// Which way the scaler goes, and where it is from.
    pub scaling: Scaling,
    /// The sides that are written, in order.
    pub written: &'a [Side],
    /// The directory of each of them.
    pub directories: &'a [PathBuf],
    /// Where the shards of each are until they are whole: there as well, if nobody else writes them.
    pub unfinished: &'a [PathBuf],
    /// Part of every shard's name.
    pub job: &'a JobId,
}

/// What pass 3 leaves of one unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WritePartial {
    /// The unit's number.
    pub unit: usize,
    /// The shard of each side that has rows, by [`Side::index`].
    pub shards: [Option<Shard>; WRITTEN_SIDES],
    /// How its standardized values are distributed.
    pub histograms: Histograms,
}

/// What pass 3 leaves.
#[derive(Debug)]
pub struct Written {
    /// One partial per unit, in order; their histograms are taken out.
    pub partials: Vec<WritePartial>,
    /// The histograms of all units, merged.
    pub histograms: Histograms,
}

impl<'a> WriteJob<'a> {
    /// The name of a unit's shards.
    pub(super) fn shard_name(&self, unit: usize) -> String {
        shard_name(self.context.known.units + unit as u64, self.job)
    }

    /// A block of an open unit, with all that its leaves need.
    pub(super) fn source<'s>(
        &'s self,
        open: &'s OpenUnit<'s>,
        routed: &'s Routed,
        block: &'s Block,
    ) -> BlockSource<'s>
    where
        'a: 's,
    {
        BlockSource {
            open,
            inputs: self.context.inputs,
            sides: &routed.sides,
            folds: routed.folds.as_ref(),
            written: self.written,
            block,
            format: self.format,
            spool: SpoolPlace {
                memory: self.context.memory,
                directory: self.spool,
            },
            segments: None,
            dtype: self.dtype,
            on_inf: self.on_inf,
            scaling: self.scaling,
            cancel: self.context.cancel,
        }
    }
}

impl WritePartial {
    /// That of a unit without rows.
    pub(super) fn empty(unit: usize) -> Self {
        Self {
            unit,
            shards: Default::default(),
            histograms: Histograms::default(),
        }
    }

    /// The shard of a side.
    pub fn shard(&self, side: Side) -> Option<&Shard> {
        self.shards.get(side.index())?.as_ref()
    }
}

/// Runs pass 3.
///
/// # Errors
/// When a column can't be read or a shard can't be written.
pub fn write(job: &WriteJob<'_>) -> Result<Written> {
    let units = &job.table.units;
    let leaves = leaves(job);
    let (lanes, columns) = job.context.lanes(units.len());
    let mut partials = Vec::with_capacity(units.len());
    let mut histograms = Histograms::new(job.scaler.columns().len());
    job.context.ordered_on(lanes, units.len()).run(
        |index| take_up_unit(job, &leaves, index, columns),
        |_, mut partial| {
            // Merged at once: those of all units would grow with the rows.
            histograms.merge(&std::mem::take(&mut partial.histograms));
            partials.push(partial);
            Ok(())
        },
    )?;
    fill_empty_sides(job, &mut partials)?;
    Ok(Written {
        partials,
        histograms,
    })
}

/// Writes a shard of no rows for every side that has none.
pub(super) fn fill_empty_sides(job: &WriteJob<'_>, partials: &mut Vec<WritePartial>) -> Result<()> {
    if job.context.known.inputs > 0 {
        // Every side has shards already.
        return Ok(());
    }
    for (place, side) in job.written.iter().enumerate() {
        if partials
            .iter()
            .all(|partial| partial.shard(*side).is_none())
        {
            let path = shard_path(job, place, 0);
            let shard = ShardWriter::create(&path, job.format)?.finish()?;
            if partials.is_empty() {
                partials.push(WritePartial::empty(0));
            }
            partials[0].shards[side.index()] = Some(shard);
        }
    }
    Ok(())
}

/// The files of `partials`.
pub fn shard_paths(job: &WriteJob<'_>, partials: &[WritePartial]) -> Vec<PathBuf> {
    let of_partial = |partial: &WritePartial| {
        let sides = job.written.iter().enumerate();
        let present = sides.filter(|(_, side)| partial.shard(**side).is_some());
        present
            .map(|(place, _)| shard_path(job, place, partial.unit))
            .collect::<Vec<_>>()
    };
    partials.iter().flat_map(of_partial).collect()
}

/// A unit that is written already, or is now.
pub(super) fn take_up_unit(
    job: &WriteJob<'_>,
    leaves: &[Leaf],
    index: usize,
    threads: usize,
) -> Result<WritePartial> {
    let (partial, is_new) = write_unit(job, leaves, index, threads)?;
    if is_new {
        let files = shard_files(job, &partial);
        job.partials
            .keep(&unit_name(job, partial.unit), &partial, files)?;
    }
    Ok(partial)
}

/// The same, and whether nobody has kept it.
pub(super) fn write_unit(
    job: &WriteJob<'_>,
    leaves: &[Leaf],
    index: usize,
    threads: usize,
) -> Result<(WritePartial, bool)> {
    let unit = &job.table.units[index];
    if let Some(partial) = already_written(job, &unit_name(job, unit.index))? {
        job.context.advanced(Pass::Write, unit.rows as u64, 0);
        return Ok((partial, false));
    }
    let partial = write_shards(job, leaves, index, threads)?;
    for (place, side) in job.written.iter().enumerate() {
        if partial.shard(*side).is_some() {
            let unfinished = job.unfinished[place].join(job.shard_name(unit.index));
            put_in_place(&unfinished, &shard_path(job, place, unit.index))?;
        }
    }
    Ok((partial, true))
}

/// What the partial of a unit is called.
fn unit_name(job: &WriteJob<'_>, unit: usize) -> String {
    write_name(job.rows, unit)
}

/// What the partial of a unit is called of which these rows are written.
pub(super) fn write_name(rows: RowsOf, unit: usize) -> String {
    format!("{}-{unit:07}", write_kind(rows))
}

/// What partials are called of units of which these rows are written, but for the number.
pub fn write_kind(rows: RowsOf) -> String {
    match rows {
        RowsOf::Fold(fold) => format!("{fold}-{}", Pass::Write),
        RowsOf::Sides | RowsOf::AllFolds => Pass::Write.to_string(),
    }
}

/// The shards of a unit, as its partial speaks of them.
pub(super) fn shard_files(job: &WriteJob<'_>, partial: &WritePartial) -> Vec<PartialFile> {
    let sides = job.written.iter().enumerate();
    let files = sides.filter_map(|(place, side)| {
        let written = partial.shard(*side)?.written;
        let path = shard_path(job, place, partial.unit);
        Some(job.partials.file(&path, written))
    });
    files.collect()
}

/// The shard of the side at `place` among those that are written.
pub(super) fn shard_path(job: &WriteJob<'_>, place: usize, unit: usize) -> PathBuf {
    job.directories[place].join(job.shard_name(unit))
}

fn write_shards(
    job: &WriteJob<'_>,
    leaves: &[Leaf],
    index: usize,
    threads: usize,
) -> Result<WritePartial> {
    let number = job.table.units[index].index;
    let open = open_unit(job, index)?;
    let routed = job.plan.routed(job.partials, &open, job.rows)?;
    let sides = &routed.sides;
    let mut writers = Vec::with_capacity(job.written.len());
    for (place, side) in job.written.iter().enumerate() {
        let path = job.unfinished[place].join(job.shard_name(number));
        writers.push(match sides.rows_on(*side) {
            0 => None,
            _ => Some(ShardWriter::create(&path, job.format)?),
        });
    }
    let mut histograms = Histograms::new(job.scaler.columns().len());
    let blocks = blocks(open.unit, block_rows(&job.table.schema));
    let sources: Vec<_> = blocks
        .iter()
        .map(|block| job.source(&open, &routed, block))
        .collect();
    // All blocks at once: at the end of each, threads would wait for its last column.
    let columns = sources.len() * leaves.len();
    job.context.ordered_on(threads, columns).feed(
        |index| {
            let (block, leaf) = (index / leaves.len(), index % leaves.len());
            encode_leaf(job, leaves[leaf], &sources[block])
        },
        |feed| {
            sources.iter().try_for_each(|source| {
                write_block(job, leaves, source, &mut writers, &mut histograms, feed)?;
                let rows = source.block.rows as u64;
                job.context.advanced(Pass::Write, rows, 0);
                Ok(())
            })
        },
    )?;
    job.context.advanced(Pass::Write, 0, stored_bytes(&open)?);
    let mut shards: [Option<Shard>; WRITTEN_SIDES] = Default::default();
    for (side, writer) in job.written.iter().zip(writers) {
        shards[side.index()] = writer.map(ShardWriter::finish).transpose()?;
    }
    Ok(WritePartial {
        unit: number,
        shards,
        histograms,
    })
}

/// A unit, which must be what pass 2 has read if there was one.
pub(super) fn open_unit<'a>(job: &'a WriteJob<'_>, index: usize) -> Result<OpenUnit<'a>> {
    let unit = &job.table.units[index];
    let open = OpenUnit::new(job.table, unit, job.context.memory);
    Ok(match job.scaling {
        Scaling::Fitted => open.comparing(pages_read(job.partials, unit.index)?),
        Scaling::Frozen | Scaling::Inverse => open,
    })
}

/// Bytes of a unit's pieces as they are stored.
pub(super) fn stored_bytes(open: &OpenUnit<'_>) -> Result<u64> {
    open.unit.pieces.iter().try_fold(0, |bytes, piece| {
        let group = open.file(piece)?.metadata().row_group(piece.row_group);
        Ok(bytes + u64::try_from(group.compressed_size()).unwrap_or(0))
    })
}

/// Writes a block whose columns `feed` returns one after another.
fn write_block(
    job: &WriteJob<'_>,
    leaves: &[Leaf],
    source: &BlockSource<'_>,
    writers: &mut [Option<ShardWriter>],
    histograms: &mut Histograms,
    feed: &mut Feed<'_, EncodedLeaf>,
) -> Result<()> {
    let rows = source
        .sides
        .rows_within(source.block.first, source.block.rows);
    let mut groups: Vec<Option<RowGroup<'_>>> = Vec::with_capacity(job.written.len());
    for (writer, side) in writers.iter_mut().zip(job.written) {
        let writer = writer.as_mut().filter(|_| rows[side.index()] > 0);
        groups.push(writer.map(ShardWriter::begin_row_group));
    }
    for leaf in leaves {
        let encoded = feed.take()?;
        if let (Some(feature), Some(counted)) = (leaf.feature, encoded.counted) {
            histograms.merge_feature(feature, &counted);
        }
        for (group, column) in groups.iter_mut().zip(encoded.columns) {
            if let Some(group) = group {
                group.append(column, |placed| feed.later(|| placed.write()))?;
            }
        }
    }
    groups.into_iter().flatten().try_for_each(RowGroup::finish)
}
