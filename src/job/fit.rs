//! The story of a fit: passes 1 and 2 of a run, and a scaler that other data can be standardized by.

use serde::Serialize;

use super::record::{self, Found};
use super::run::Run;
use super::{Outcome, Split, arrivals, fit_on_train, planned, publish, split, without_bad_files};
use crate::artifact::JobId;
use crate::artifact::manifest::{Maker, ManifestFile};
use crate::engine::{Cancel, Observer};
use crate::error::{Error, Result, UsageError};
use crate::pass::{self, Plan};
use crate::report::RunReport;
use crate::sink::{Staging, write_synced};
use crate::spec::{ColumnSpec, FitSpec, Format, InputSpec, JobSpec, SplitSpec};

/// Splits and fits on train only; the output holds `scaler.json` and records, no shards. What `spec` says
/// of shards isn't looked at.
///
/// # Errors
/// Whatever went wrong first; then the output directory is as it was before.
pub fn fit(spec: &JobSpec, cancel: &Cancel, observer: &dyn Observer) -> Result<Outcome> {
    check(spec)?;
    without_bad_files(spec, cancel, observer, |found| {
        let run = Run::new(spec, found, cancel, observer);
        let (plan, job) = planned(&run, &head(spec))?;
        // Text is parsed into a cache; a scaler alone takes next to nothing.
        let disk_bytes = match found.format {
            Format::Parquet => plan.settled_bytes(spec),
            Format::Csv => run.disk_bytes(),
        };
        let make = |staging: &Staging| make(&run, plan, &job, staging);
        let made = publish(&run, &job, disk_bytes, make)?;
        Ok(Outcome::of(&run, &job, made, |report| run.finish(report)))
    })
}

/// What decides the output beside the inputs.
fn head(spec: &JobSpec) -> impl Serialize + '_ {
    ("prep fit", crate::VERSION, recorded(spec))
}

/// What decides the output, as the manifest records it.
#[derive(Debug, Serialize)]
pub(super) struct Recorded<'a> {
    input: &'a InputSpec,
    split: &'a SplitSpec,
    columns: &'a ColumnSpec,
    fit: &'a FitSpec,
}

/// The part of a spec that decides a scaler.
pub(super) fn recorded(spec: &JobSpec) -> Recorded<'_> {
    Recorded {
        input: &spec.input,
        split: &spec.split,
        columns: &spec.columns,
        fit: &spec.fit,
    }
}

/// Refuses folds: each has a scaler of its own.
fn check(spec: &JobSpec) -> Result<()> {
    if spec.split.folds.is_none() {
        return Ok(());
    }
    let reason = "prep fit leaves one scaler, folds have one each".to_owned();
    let (first, second) = ("--folds", "prep fit");
    Err(Error::from(UsageError::Conflict {
        first,
        second,
        reason,
    })
    .hint("prep stream --folds leaves the scaler of every fold"))
}

fn make(run: &Run<'_>, plan: Plan, job: &JobId, staging: &Staging) -> Result<RunReport> {
    let Split {
        prepared,
        plan: split_plan,
        sides,
    } = split(run, plan.rows, staging)?;
    let fitted = fit_on_train(run, &prepared.table, &split_plan, staging)?;
    pass::check_unchanged(run.context(), &plan.fingerprints)?;
    arrivals::warn_of(run);
    run.took_up(staging.partials().taken_up());
    staging.keep_only(&[])?;
    let found = Found {
        fingerprints: &plan.fingerprints,
        prepared: &prepared,
        sides: &sides,
        made_by: Maker::Fit,
    };
    let out = staging.out_dir();
    let scaler = record::scaler_file(run, &prepared, &fitted, None)?;
    write_synced(&out.join("scaler.json"), &scaler)?;
    let files = vec![ManifestFile::new("scaler.json", &scaler)];
    let fitted = std::slice::from_ref(&fitted);
    record::publish(run, job, found, fitted, Vec::new(), files, &out)
}
