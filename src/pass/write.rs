//! Pass 3: every row standardized and written to its side.
//!
//! A unit makes at most one shard a side; a block makes one row group in each. Columns are encoded
//! on any number of threads and appended in order.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::histograms::{Histograms, SideCounts};
use super::leaves::{BlockSource, Leaf};
use super::route::SIDES;
use super::{Context, SplitPlan, partial_name};
use crate::artifact::JobId;
use crate::engine::Pass;
use crate::error::Result;
use crate::kernel::{Scaler, Side, Sides};
use crate::schema::Role;
use crate::sink::Partials;
use crate::sink::shard::{RowGroup, Shard, ShardFormat, ShardWriter};
use crate::sink::staging::shard_name;
use crate::source::blocks::{block_rows, blocks};
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
    /// What is applied to the features, in their order.
    pub scaler: &'a Scaler,
    /// What shards look like.
    pub format: &'a ShardFormat,
    /// Type of the features.
    pub dtype: Dtype,
    /// What happens to infinities.
    pub on_inf: OnInf,
    /// The directory of each side: train, test.
    pub directories: [&'a Path; SIDES],
    /// Part of every shard's name.
    pub job: &'a JobId,
}

/// What pass 3 leaves of one unit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WritePartial {
    /// The unit's number.
    pub unit: usize,
    /// The shard of each side that has rows: train, test.
    pub shards: [Option<Shard>; SIDES],
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
            histograms.merge(&std::mem::replace(
                &mut partial.histograms,
                Histograms::new(0),
            ));
            partials.push(partial);
            Ok(())
        },
    )?;
    for side in 0..SIDES {
        if partials
            .iter()
            .all(|partial| partial.shards[side].is_none())
        {
            let path = shard_path(job, side, 0);
            let shard = ShardWriter::create(&path, job.format)?.finish()?;
            match partials.first_mut() {
                Some(partial) => partial.shards[side] = Some(shard),
                None => {
                    let mut shards = [None, None];
                    shards[side] = Some(shard);
                    partials.push(WritePartial {
                        unit: 0,
                        shards,
                        histograms: Histograms::new(0),
                    });
                }
            }
        }
    }
    Ok(Written {
        partials,
        histograms,
    })
}

/// The files of `partials`.
pub fn shard_paths(job: &WriteJob<'_>, partials: &[WritePartial]) -> Vec<PathBuf> {
    let of_partial = |partial: &WritePartial| {
        let shards = partial.shards.iter().enumerate();
        let present = shards.filter(|(_, shard)| shard.is_some());
        present
            .map(|(side, _)| shard_path(job, side, partial.unit))
            .collect::<Vec<_>>()
    };
    partials.iter().flat_map(of_partial).collect()
}

/// A unit that is written already, or is now.
fn take_up_unit(
    job: &WriteJob<'_>,
    leaves: &[Leaf],
    index: usize,
    threads: usize,
) -> Result<WritePartial> {
    let name = partial_name(Pass::Write, index);
    if let Some(partial) = job.partials.take_up(&name) {
        let rows = job.table.units[index].rows as u64;
        job.context.advanced(Pass::Write, rows, 0);
        return Ok(partial);
    }
    let partial = write_unit(job, leaves, index, threads)?;
    let shards = partial.shards.iter().enumerate();
    let files = shards.filter_map(|(side, shard)| {
        let written = shard.as_ref()?.written;
        Some(job.partials.file(&shard_path(job, side, index), written))
    });
    job.partials.keep(&name, &partial, files.collect())?;
    Ok(partial)
}

fn shard_path(job: &WriteJob<'_>, side: usize, unit: usize) -> PathBuf {
    job.directories[side].join(shard_name(unit as u64, job.job))
}

/// The leaves of the output, in order.
fn leaves(job: &WriteJob<'_>) -> Vec<Leaf> {
    let schema = job.format.schema();
    let mut features = 0;
    let feature_of: Vec<Option<usize>> = job
        .table
        .schema
        .columns
        .iter()
        .map(|column| {
            (column.role == Role::Feature).then(|| {
                features += 1;
                features - 1
            })
        })
        .collect();
    let mut leaves: Vec<Leaf> = Vec::with_capacity(schema.num_columns());
    for output in 0..schema.num_columns() {
        let column = schema.get_column_root_idx(output);
        let before = leaves
            .iter()
            .rev()
            .take_while(|leaf| leaf.column == column)
            .count();
        leaves.push(Leaf {
            column,
            offset: before,
            output,
            feature: feature_of[column],
        });
    }
    leaves
}

fn write_unit(
    job: &WriteJob<'_>,
    leaves: &[Leaf],
    index: usize,
    threads: usize,
) -> Result<WritePartial> {
    let open = OpenUnit::new(job.table, &job.table.units[index]);
    let sides = job.plan.sides(&open)?;
    let mut writers = Vec::with_capacity(SIDES);
    for (side, rows) in rows_by_side(&sides).into_iter().enumerate() {
        let path = shard_path(job, side, index);
        writers.push(match rows {
            0 => None,
            _ => Some(ShardWriter::create(&path, job.format)?),
        });
    }
    let mut histograms = Histograms::new(job.scaler.columns().len());
    for block in blocks(open.unit, block_rows(&job.table.schema)) {
        let source = BlockSource {
            open: &open,
            inputs: job.context.inputs,
            sides: &sides,
            block: &block,
            format: job.format,
            dtype: job.dtype,
            on_inf: job.on_inf,
            cancel: job.context.cancel,
        };
        write_block(job, leaves, &source, &mut writers, &mut histograms, threads)?;
        job.context.advanced(Pass::Write, block.rows as u64, 0);
    }
    job.context.advanced(Pass::Write, 0, stored_bytes(&open)?);
    let mut shards = [None, None];
    for (shard, writer) in shards.iter_mut().zip(writers) {
        *shard = writer.map(ShardWriter::finish).transpose()?;
    }
    Ok(WritePartial {
        unit: index,
        shards,
        histograms,
    })
}

/// Bytes of a unit's pieces as they are stored.
fn stored_bytes(open: &OpenUnit<'_>) -> Result<u64> {
    open.unit.pieces.iter().try_fold(0, |bytes, piece| {
        let group = open.file(piece)?.metadata().row_group(piece.row_group);
        Ok(bytes + u64::try_from(group.compressed_size()).unwrap_or(0))
    })
}

fn rows_by_side(sides: &Sides) -> [u64; SIDES] {
    [sides.rows_on(Side::Train), sides.rows_on(Side::Test)]
}

fn write_block(
    job: &WriteJob<'_>,
    leaves: &[Leaf],
    source: &BlockSource<'_>,
    writers: &mut [Option<ShardWriter>],
    histograms: &mut Histograms,
    threads: usize,
) -> Result<()> {
    let (sides, block) = (source.sides, source.block);
    let test = (block.first..block.first + block.rows)
        .filter(|row| sides.side(*row) == Some(Side::Test))
        .count();
    let has_rows = [test < block.rows, test > 0];
    let mut groups: Vec<Option<RowGroup<'_>>> = Vec::with_capacity(SIDES);
    for (writer, has_rows) in writers.iter_mut().zip(has_rows) {
        let group = writer
            .as_mut()
            .filter(|_| has_rows)
            .map(ShardWriter::begin_row_group);
        groups.push(group.transpose()?);
    }
    job.context.ordered_on(threads, leaves.len()).run(
        |index| {
            let leaf = leaves[index];
            let scaler = leaf
                .feature
                .and_then(|feature| job.scaler.columns().get(feature));
            let mut counts = leaf.feature.map(|_| SideCounts::default());
            let columns = source.encode(leaf, scaler, counts.as_mut())?;
            Ok((columns, counts.map(SideCounts::finish)))
        },
        |index, (columns, counted)| {
            if let (Some(feature), Some(counted)) = (leaves[index].feature, counted) {
                histograms.merge_feature(feature, &counted);
            }
            for (group, column) in groups.iter_mut().zip(columns) {
                if let Some(group) = group {
                    group.append(column)?;
                }
            }
            Ok(())
        },
    )?;
    groups.into_iter().flatten().try_for_each(RowGroup::finish)
}
