//! Pass 3: every row standardized and written to its side.
//!
//! A unit makes at most one shard a side; a block makes one row group in each. Columns are encoded
//! on any number of threads and appended in order.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::leaves::{BlockSource, Leaf};
use super::route::SIDES;
use super::{Context, SplitPlan, partial_name};
use crate::artifact::JobId;
use crate::engine::Pass;
use crate::error::Result;
use crate::kernel::{Scaler, Side, Sides};
use crate::schema::Role;
use crate::sink::shard::{RowGroup, Shard, ShardFormat, ShardWriter};
use crate::sink::staging::shard_name;
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
}

/// Runs pass 3; returns one partial per unit, in order.
///
/// # Errors
/// When a column can't be read or a shard can't be written.
pub fn write(job: &WriteJob<'_>) -> Result<Vec<WritePartial>> {
    let units = &job.table.units;
    let leaves = leaves(job);
    let (lanes, columns) = job.context.lanes(units.len());
    let mut partials = job
        .context
        .ordered_on(lanes, units.len())
        .collect(|index| take_up_unit(job, &leaves, index, columns))?;
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
                    partials.push(WritePartial { unit: 0, shards });
                }
            }
        }
    }
    Ok(partials)
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
    let open = OpenUnit::new(job.table, &job.table.units[index], job.context.memory);
    let sides = job.plan.sides(&open)?;
    let mut writers = Vec::with_capacity(SIDES);
    for (side, rows) in rows_by_side(&sides).into_iter().enumerate() {
        let path = shard_path(job, side, index);
        writers.push(match rows {
            0 => None,
            _ => Some(ShardWriter::create(&path, job.format)?),
        });
    }
    for block in blocks(open.unit, block_rows(&job.table.schema)) {
        write_block(job, leaves, &open, &sides, &block, &mut writers, threads)?;
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
    open: &OpenUnit<'_>,
    sides: &Sides,
    block: &Block,
    writers: &mut [Option<ShardWriter>],
    threads: usize,
) -> Result<()> {
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
    let source = BlockSource {
        open,
        inputs: job.context.inputs,
        sides,
        block,
        format: job.format,
        spool: SpoolPlace {
            memory: job.context.memory,
            directory: job.spool,
        },
        dtype: job.dtype,
        on_inf: job.on_inf,
        cancel: job.context.cancel,
    };
    job.context.ordered_on(threads, leaves.len()).run(
        |index| {
            let leaf = leaves[index];
            let scaler = leaf
                .feature
                .and_then(|feature| job.scaler.columns().get(feature));
            source.encode(leaf, scaler)
        },
        |_, columns| {
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
