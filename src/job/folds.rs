//! The story of a run with folds: split, fit a scaler for each fold from one reading, write all rows once
//! with the number of their fold, or both sides of every fold.

use std::path::PathBuf;

use super::record::{self, Found};
use super::run::Run;
use super::{Split, arrivals, fit_units, report, split, warnings};
use crate::artifact::JobId;
use crate::artifact::manifest::{Maker, ManifestFile, ManifestShard};
use crate::engine::Pass;
use crate::error::{Error, Result, UsageError};
use crate::kernel::{Fold, Scaler, Side};
use crate::pass::{self, Fitted, Plan, RowsOf, Scaling, SplitTotal, WriteJob, Written};
use crate::report::RunReport;
use crate::sink::shard::ShardFormat;
use crate::sink::{Staging, write_synced};
use crate::spec::{FoldSpec, JobSpec, OnInf, Size, SplitBy};

/// Where all rows are, each with the number of its fold.
pub(super) const DATA: &str = "data";
/// The side that they are on there.
pub(super) const SIDE: Side = Side::Test;

/// Refuses what folds don't go together with.
///
/// # Errors
/// [`UsageError::Conflict`].
pub(super) fn check(spec: &JobSpec) -> Result<()> {
    let split = &spec.split;
    if split.folds.is_none() {
        return Ok(());
    }
    let no_sides = "there is no test side beside the folds: every row is a test row of one of them";
    let no_train = "the output has no one train side";
    let conflicts = [
        (
            split.test_size != Size::ZERO,
            "--test-size",
            no_sides,
            "hold out a test side by another run, and keep it out of the folds with --where",
        ),
        (
            split.val_size.is_some(),
            "--val-size",
            no_sides,
            "the test rows of a fold are its validation rows",
        ),
        (
            matches!(split.by, SplitBy::Time(_)),
            "--split-by time:",
            "all folds but the last would be fitted on what came later",
            "run once for each --cutoff",
        ),
        (
            matches!(split.by, SplitBy::Column(_)),
            "--split-by column:",
            "the column says sides, and no folds",
            "make folds by row, content or group:NAME",
        ),
        (
            spec.output.shuffle,
            "--shuffle",
            "it puts the rows of sides in order, and there are none",
            "shuffle the rows of data/ by what reads them",
        ),
        (
            spec.output.audit,
            "--audit",
            no_train,
            "audit a run with sides",
        ),
        (
            spec.output.validate,
            "--validate",
            no_train,
            "validate a run with sides",
        ),
    ];
    let mut met = conflicts.into_iter().filter(|(is_met, ..)| *is_met);
    met.next().map_or(Ok(()), |(_, second, reason, hint)| {
        let (first, reason) = ("--folds", reason.to_owned());
        Err(Error::from(UsageError::Conflict {
            first,
            second,
            reason,
        })
        .hint(hint))
    })
}

/// One set of shards.
struct Part {
    written: Written,
    /// The sides in it, each with the name of its directory.
    sides: Vec<(Side, String)>,
}

/// The three passes, and the records of what they found.
pub(super) fn make(
    run: &Run<'_>,
    plan: Plan,
    job: &JobId,
    staging: &Staging,
    folds: FoldSpec,
) -> Result<RunReport> {
    let (spec, context, partials) = (run.spec, run.context(), staging.partials());
    let Split {
        prepared,
        plan: split_plan,
        sides: total,
    } = split(run, plan.rows, staging)?;
    let table = &prepared.table;

    let fitted = fit_units(run, table, &split_plan, staging)?.finish_each(spec.fit.ddof);
    warnings::after_fit(run, table, &fitted);

    let format = ShardFormat::new(&prepared.output, &table.schema, spec.output.compression)?;
    if folds.materialized {
        run.expect_rows(table.rows() * folds.count.get());
    }
    let parts = run.pass(Pass::Write, || {
        let none = Scaler::default();
        let by_side = WriteJob {
            context,
            partials,
            table,
            plan: &split_plan,
            rows: RowsOf::Sides,
            scaler: &none,
            format: &format,
            spool: &staging.cache_dir(),
            dtype: spec.output.dtype,
            on_inf: spec.fit.on_inf,
            scaling: Scaling::Fitted,
            written: &[],
            directories: &[],
            unfinished: &[],
            job,
        };
        let all = undivided(&by_side, &none);
        let (parts, paths) = match folds.materialized {
            true => write_folds(run, staging, &all, folds, (&fitted, &total))?,
            false => write_data(staging, &all, &total)?,
        };
        staging.keep_only(&paths)?;
        Ok(parts)
    })?;

    pass::check_unchanged(context, &plan.fingerprints)?;
    arrivals::warn_of(run);
    run.took_up(partials.taken_up());
    let files = scalers(run, &prepared, &fitted, folds, staging)?;
    let shards = parts
        .iter()
        .flat_map(|part| shards(run, job, part))
        .collect();
    let found = Found {
        fingerprints: &plan.fingerprints,
        prepared: &prepared,
        sides: &total,
        made_by: Maker::Stream,
    };
    let out = staging.out_dir();
    let report = record::publish(run, job, found, &fitted, shards, files, &out)?;
    report::before_publishing(run, staging)?;
    Ok(report)
}

/// The same job for rows of no fold in particular, which are written as they are: no scaler, no policy.
pub(super) fn undivided<'a>(job: &WriteJob<'a>, none: &'a Scaler) -> WriteJob<'a> {
    WriteJob {
        rows: RowsOf::AllFolds,
        scaler: none,
        on_inf: OnInf::Error,
        ..*job
    }
}

/// Writes all rows once.
fn write_data(
    staging: &Staging,
    all: &WriteJob<'_>,
    total: &SplitTotal,
) -> Result<(Vec<Part>, Vec<PathBuf>)> {
    let (part, paths) = write(staging, all, vec![(SIDE, DATA.to_owned())])?;
    pass::check_rows(total, &part.written.partials)?;
    Ok((vec![part], paths))
}

/// Writes both sides of every fold.
fn write_folds(
    run: &Run<'_>,
    staging: &Staging,
    all: &WriteJob<'_>,
    folds: FoldSpec,
    (fitted, total): (&[Fitted], &SplitTotal),
) -> Result<(Vec<Part>, Vec<PathBuf>)> {
    let (mut parts, mut paths) = (Vec::new(), Vec::new());
    for (fold, fitted) in folds.count.folds().zip(fitted) {
        let of_fold = WriteJob {
            rows: RowsOf::Fold(fold),
            scaler: &fitted.scaler,
            on_inf: run.spec.fit.on_inf,
            ..*all
        };
        staging.side_dir(&fold.to_string())?;
        let sides = [Side::Train, Side::Test];
        let sides = sides.map(|side| (side, format!("{fold}/{}", side.name())));
        let (part, of_part) = write(staging, &of_fold, sides.to_vec())?;
        pass::check_rows(&total.held_out(fold), &part.written.partials)?;
        parts.push(part);
        paths.extend(of_part);
    }
    Ok((parts, paths))
}

/// Writes the rows of one job to the directories of these sides.
fn write(
    staging: &Staging,
    job: &WriteJob<'_>,
    sides: Vec<(Side, String)>,
) -> Result<(Part, Vec<PathBuf>)> {
    let directories = sides.iter().map(|(_, name)| staging.side_dir(name));
    let directories = directories.collect::<Result<Vec<_>>>()?;
    let written: Vec<Side> = sides.iter().map(|(side, _)| *side).collect();
    let job = WriteJob {
        written: &written,
        directories: &directories,
        unfinished: &directories,
        ..*job
    };
    let written = pass::write(&job)?;
    let paths = pass::shard_paths(&job, &written.partials);
    Ok((Part { written, sides }, paths))
}

fn shards(run: &Run<'_>, job: &JobId, part: &Part) -> Vec<ManifestShard> {
    record::shards(run, job, &part.written, &part.sides)
}

/// Writes the scaler of every fold.
fn scalers(
    run: &Run<'_>,
    prepared: &pass::Prepared,
    fitted: &[Fitted],
    folds: FoldSpec,
    staging: &Staging,
) -> Result<Vec<ManifestFile>> {
    let mut files = Vec::with_capacity(fitted.len());
    for (fold, fitted) in folds.count.folds().zip(fitted) {
        let (name, bytes) = (
            scaler_file_name(fold),
            record::scaler_file(run, prepared, fitted, Some(fold))?,
        );
        write_synced(&staging.out_dir().join(&name), &bytes)?;
        files.push(ManifestFile::new(&name, &bytes));
    }
    Ok(files)
}

/// `scaler-fold-3.json`.
fn scaler_file_name(fold: Fold) -> String {
    format!("scaler-{fold}.json")
}
