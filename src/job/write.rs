//! Pass 3, and with `--shuffle` pass 4: from a scaler to shards.

use std::path::PathBuf;

use super::run::Run;
use crate::artifact::JobId;
use crate::engine::Pass;
use crate::error::Result;
use crate::kernel::{Scaler, Side};
use crate::pass::{
    self, AllRows, Prepared, RowsOf, Scaling, Shuffle, SplitPlan, SplitTotal, WriteJob, Written,
};
use crate::sink::Staging;
use crate::sink::shard::ShardFormat;

/// What is written, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned<'a> {
    pub prepared: &'a Prepared,
    pub split: &'a SplitPlan<'a>,
    pub sides: &'a SplitTotal,
    pub scaler: &'a Scaler,
    /// The sides that are written, in order.
    pub written: &'a [Side],
}

/// Writes the shards of every side, and leaves nothing else among them.
pub(super) fn write(
    run: &Run<'_>,
    planned: &Planned<'_>,
    job: &JobId,
    staging: &Staging,
) -> Result<Written> {
    let (spec, table) = (run.spec, &planned.prepared.table);
    let output = &planned.prepared.output;
    let format = ShardFormat::new(output, &table.schema, spec.output.compression)?;
    let directories = side_directories(planned.written, staging)?;
    let cache = staging.cache_dir();
    let write = WriteJob {
        context: run.context(),
        partials: staging.partials(),
        table,
        plan: planned.split,
        rows: RowsOf::Sides,
        scaler: planned.scaler,
        format: &format,
        spool: &cache,
        dtype: spec.output.dtype,
        on_inf: spec.fit.on_inf,
        scaling: Scaling::Fitted,
        written: planned.written,
        directories: &directories,
        unfinished: &directories,
        job,
    };
    let written = if spec.output.shuffle {
        let all = AllRows {
            rows: table.rows(),
            bytes: table.bytes(),
        };
        let shuffle = Shuffle::new(&write, all, planned.sides, spec.split.seed, cache.clone());
        let scattered = run.pass(Pass::Write, || pass::scatter(&write, &shuffle))?;
        run.pass(Pass::Shuffle, || pass::gather(&write, &shuffle, scattered))?
    } else {
        run.pass(Pass::Write, || pass::write(&write))?
    };
    staging.keep_only(&pass::shard_paths(&write, &written.partials))?;
    Ok(written)
}

fn side_directories(sides: &[Side], staging: &Staging) -> Result<Vec<PathBuf>> {
    let directories = sides.iter().map(|side| staging.side_dir(side.name()));
    directories.collect()
}
