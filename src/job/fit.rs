//! The story of a fit: passes 1 and 2 of a run, and a scaler that other data can be standardized by.

use serde::Serialize;

use super::record::{self, Results};
use super::run::Run;
use super::{Fitting, Outcome, arrivals, planned, publish, split_and_fit, without_bad_files};
use crate::artifact::JobId;
use crate::engine::{Cancel, Observer};
use crate::error::Result;
use crate::pass::{self, Plan};
use crate::report::RunReport;
use crate::sink::Staging;
use crate::spec::{Format, JobSpec};

/// Splits and fits on train only; the output holds `scaler.json` and records, no shards. What `spec` says
/// of shards isn't looked at.
///
/// # Errors
/// Whatever went wrong first; then the output directory is as it was before.
pub fn fit(spec: &JobSpec, cancel: &Cancel, observer: &dyn Observer) -> Result<Outcome> {
    without_bad_files(spec, cancel, observer, |found| {
        let run = Run::new(spec, found, cancel, observer);
        let (plan, job) = planned(&run, &head(spec))?;
        // Text is parsed into a cache; a scaler alone takes next to nothing.
        let disk_bytes = match found.format {
            Format::Parquet => 0,
            Format::Csv => run.disk_bytes(),
        };
        let make = |staging: &Staging| make(&run, plan, &job, staging);
        let made = publish(&run, &job, disk_bytes, make)?;
        Ok(Outcome::of(&run, &job, made, |report| run.finish(report)))
    })
}

/// What decides the output beside the inputs.
fn head(spec: &JobSpec) -> impl Serialize + '_ {
    ("prep fit", crate::VERSION, record::fit_spec(spec))
}

fn make(run: &Run<'_>, plan: Plan, job: &JobId, staging: &Staging) -> Result<RunReport> {
    let Fitting {
        prepared,
        split_plan,
        sides,
        fitted,
    } = split_and_fit(run, plan.rows, staging)?;
    pass::check_unchanged(run.context(), &plan.fingerprints)?;
    arrivals::warn_of(run);
    run.took_up(staging.partials().taken_up());
    staging.keep_only(&[])?;
    let results = Results {
        fingerprints: &plan.fingerprints,
        prepared: &prepared,
        fitted: &fitted,
        sides: &sides,
        sides_written: &split_plan.written(&sides),
        written: None,
    };
    record::write(run, job, &results, &staging.out_dir())
}
