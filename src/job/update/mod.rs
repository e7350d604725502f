//! The story of an update: files that are new are added to an output, standardized by its scaler as it is.
//!
//! Invariant: of known files no row is read, and no shard of theirs is written again. The rows that are
//! added go where a fresh run over everything would put them, and the merged moments are those that it would
//! fit, bit for bit. Limit: splits whose sides follow from a row alone ([`check`]).

mod base;
mod records;
mod settings;

use super::run::Run;
use super::{
    Outcome, Split, arrivals, before_publishing, fit_units, planned, publish, split, stream_found,
};
use super::{stream_head, without_bad_files, write};
use crate::artifact::JobId;
use crate::engine::{Cancel, Observer};
use crate::error::{DataError, Error, Place, Result, UsageError};
use crate::kernel::Side;
use crate::pass::{self, Plan, Prepared, Rows};
use crate::report::RunReport;
use crate::sink::Staging;
use crate::source::text::ColumnType;
use crate::spec::JobSpec;

pub(super) use base::MERGED;
use base::{Base, REFIT};
use records::Added;

/// Adds the files that are new to the output that is there; makes it if there is none.
///
/// # Errors
/// When the output was made with other settings, or a file that it was made from changed or is gone;
/// whatever else went wrong first. Then the output is as it was before.
pub(super) fn update(spec: &JobSpec, cancel: &Cancel, observer: &dyn Observer) -> Result<Outcome> {
    check(spec)?;
    without_bad_files(spec, cancel, observer, |found| {
        Staging::recover(&spec.output)?;
        let Some(base) = Base::read(spec)? else {
            let run = Run::new(spec, found, cancel, observer);
            let (plan, job) = planned(&run, &stream_head(spec))?;
            return stream_found(&run, plan, &job);
        };
        let found = base.sort_out(found, &spec.output.path)?;
        let run = Run::new(spec, &found, cancel, observer).adding_to(base.known());
        if found.files.len() == base.known().inputs {
            return nothing_new(&run, &base);
        }
        let head = ("prep update", &base.manifest.job, stream_head(spec));
        let (mut plan, job) = planned(&run, &head)?;
        if let Rows::Text(text) = &mut plan.rows {
            text.types = text_types(&base);
        }
        let disk_bytes = run.disk_bytes().saturating_add(plan.settled_bytes(spec));
        let make = |staging: &Staging| make(&run, &base, plan, &job, staging);
        let made = publish(&run, &job, disk_bytes, make)?;
        Ok(Outcome::of(&run, &job, made, |report| run.finish(report)))
    })
}

/// Refuses what moves rows once there are more of them, or needs all of them.
pub(super) fn check(spec: &JobSpec) -> Result<()> {
    let split = &spec.split;
    let refused = |second: &'static str, reason: &str| {
        let (first, reason) = ("--update", reason.to_owned());
        Err(Error::from(UsageError::Conflict {
            first,
            second,
            reason,
        })
        .hint("make everything again where anything changed: --update --refit, or --if-changed"))
    };
    if split.is_exact() {
        let second = "--stratify, sizes in rows or time: without --cutoff";
        return refused(second, "rows would change sides when others are added");
    }
    if split.folds.is_some() {
        return refused("--folds", "the scaler of each fold would be another");
    }
    if spec.output.shuffle {
        return refused(
            "--shuffle",
            "new rows would have to go between those that are there",
        );
    }
    Ok(())
}

/// Only what a run may have left that was stopped is tidied up.
fn nothing_new(run: &Run<'_>, base: &Base) -> Result<Outcome> {
    let job = base.job();
    Staging::open_as(&run.spec.output, &job)?.abandon()?;
    Ok(Outcome::Unchanged(run.unchanged(&job)))
}

/// What the columns of text are so far.
fn text_types(base: &Base) -> Vec<(String, ColumnType)> {
    let types = base.manifest.columns.iter().map(|column| {
        let of = match column.input_type.as_str() {
            "int64" => ColumnType::Int64,
            "float64" => ColumnType::Float64,
            _ => ColumnType::Text,
        };
        (column.name.clone(), of)
    });
    types.collect()
}

/// The three passes over what is new, and the records of everything.
fn make(
    run: &Run<'_>,
    base: &Base,
    plan: Plan,
    job: &JobId,
    staging: &Staging,
) -> Result<RunReport> {
    let (spec, context, partials) = (run.spec, run.context(), staging.partials());
    base.check_still_there(&spec.output.path)?;
    let Split {
        prepared,
        plan: split_plan,
        sides,
    } = split(run, plan.rows, staging)?;
    check_columns(run, base, &prepared)?;
    let table = &prepared.table;
    let fitted = fit_units(run, table, &split_plan, staging)?.finish(spec.fit.ddof);
    let written_before = |side: &Side| base.histograms.sides.iter().any(|name| name == side.name());
    let now = split_plan.written(&sides);
    let sides_written: Vec<Side> = Side::WRITTEN
        .into_iter()
        .filter(|side| now.contains(side) || written_before(side))
        .collect();
    let planned = write::Planned {
        prepared: &prepared,
        split: &split_plan,
        sides: &sides,
        scaler: base.scaler.scaler(),
        written: &sides_written,
    };
    let written = write::write(run, &planned, job, staging)?;
    pass::check_rows(&sides, &written.partials)?;
    pass::check_unchanged(context, &plan.fingerprints)?;
    arrivals::warn_of(run);
    run.took_up(partials.taken_up());
    for shard in &base.manifest.shards {
        run.cancel.check()?;
        staging.inherit(&shard.path)?;
    }
    let added = Added {
        base,
        fingerprints: &plan.fingerprints,
        prepared: &prepared,
        sides: &sides,
        fitted: &fitted,
        sides_written: &sides_written,
        written: &written,
    };
    let report = records::write(run, job, &added, &staging.out_dir())?;
    before_publishing(run, staging, report)
}

/// Refuses new files that make another table of everything.
fn check_columns(run: &Run<'_>, base: &Base, prepared: &Prepared) -> Result<()> {
    let shown = |name: &str, role: &str, what: &str| format!("\"{name}\" ({role}, {what})");
    let none = || "not there".to_owned();
    let now: Vec<String> = super::record::columns_written(prepared)
        .iter()
        .map(|column| shown(&column.name, &column.role, &column.output_type))
        .collect();
    let before = base.manifest.columns.iter();
    let before: Vec<String> = before
        .map(|column| shown(&column.name, &column.role, &column.output_type))
        .collect();
    let columns = 0..now.len().max(before.len());
    let Some(index) = columns
        .into_iter()
        .find(|index| now.get(*index) != before.get(*index))
    else {
        return Ok(());
    };
    let found = now.get(index).cloned().unwrap_or_else(none);
    let expected = before.get(index).cloned().unwrap_or_else(none);
    let number = index + 1;
    Err(Error::from(DataError::OutputColumns {
        number,
        found,
        expected,
    })
    .at(Place::path(&run.spec.output.path))
    .hint(REFIT))
}
