//! The story of a run: plan, split, fit, write, commit, report.

mod arrivals;
mod audit;
mod bad_files;
mod fold_report;
mod folds;
mod outlook;
mod record;
mod report;
mod run;
mod validate;
mod warnings;
mod write;

use crate::artifact::JobId;
use crate::engine::{Cancel, Observer, Pass};
use crate::error::Result;
use crate::pass::{self, Plan, Prepared, Rows, SplitPlan, SplitTotal};
use crate::report::{PlanReport, RunReport, UnchangedReport};
use crate::sink::Staging;
use crate::source::discover::{Discovery, discover};
use crate::spec::JobSpec;

pub use audit::{audit, judge};
use record::{Found, Results};
pub use report::report;
use run::Run;
pub use validate::{check, validate, validation_of};

/// How a run ended that didn't fail.
#[derive(Debug)]
pub enum Outcome {
    /// The output was made.
    Written(Box<RunReport>),
    /// The output is there already, made by this very job.
    Unchanged(UnchangedReport),
}

impl Outcome {
    /// How many files were left out because they couldn't be read.
    pub fn bad_files(&self) -> u64 {
        match self {
            Self::Written(report) => report.inputs.bad.len() as u64,
            Self::Unchanged(report) => report.bad_files,
        }
    }
}

/// Splits, fits on train only, and writes standardized shards of every side.
///
/// The output directory appears whole, by one rename, or not at all. After a run that was stopped,
/// the same job goes on with the units that it had finished.
///
/// # Errors
/// Whatever went wrong first; then the output directory is as it was before.
pub fn stream(spec: &JobSpec, cancel: &Cancel, observer: &dyn Observer) -> Result<Outcome> {
    without_bad_files(spec, cancel, observer, |found| {
        stream_found(&Run::new(spec, found, cancel, observer))
    })
}

/// Does `work` with the files that there are; again without those that turn out to be bad, if the
/// spec has it so.
fn without_bad_files<R>(
    spec: &JobSpec,
    cancel: &Cancel,
    observer: &dyn Observer,
    work: impl Fn(&Discovery) -> Result<R>,
) -> Result<R> {
    pass::check_split(&spec.split)?;
    folds::check(spec)?;
    validate::check_label(spec)?;
    Staging::check(&spec.output.path, spec.output.overwrite)?;
    let mut found = discover(&spec.input, &spec.output.path)?;
    loop {
        match work(&found) {
            Ok(done) => return Ok(done),
            Err(error) => bad_files::set_aside(spec, &mut found, error, cancel, observer)?,
        }
    }
}

/// What is to be done, and the job that it is; refused if it can't be done within the budget.
fn planned(run: &Run<'_>) -> Result<(Plan, JobId)> {
    let (spec, found) = (run.spec, run.found);
    let plan = run.pass(Pass::Plan, || pass::plan(run.context(), spec, found.format))?;
    let job = JobId::new(
        spec,
        crate::VERSION,
        found.files.iter().zip(&plan.fingerprints),
    )?;
    run.check_budget(&plan)?;
    Ok((plan, job))
}

fn stream_found(run: &Run<'_>) -> Result<Outcome> {
    let spec = run.spec;
    let (plan, job) = planned(run)?;
    let staging = Staging::open_as(&spec.output, &job)?;
    if staging.is_published() || (spec.output.if_changed && staging.output_is_current()) {
        staging.abandon()?;
        return Ok(Outcome::Unchanged(run.unchanged(&job)));
    }
    let made = staging
        .check_free_space(run.disk_bytes(&plan))
        .and_then(|()| match spec.split.folds {
            Some(folds) => folds::make(run, plan, &job, &staging, folds),
            None => make(run, plan, &job, &staging),
        })
        .and_then(|report| run.cancel.check().map(|()| report));
    match made {
        Ok(report) => {
            run.last_pass(Pass::Commit, || staging.commit(run.cancel))?;
            warnings::after_commit(run);
            Ok(Outcome::Written(Box::new(run.finish(report))))
        }
        Err(error) => Err(staging.put_away(error)),
    }
}

/// What pass 1 leaves.
struct Split<'a> {
    prepared: Prepared,
    plan: SplitPlan<'a>,
    sides: SplitTotal,
}

/// Pass 1.
fn split<'r>(run: &'r Run<'_>, rows: Rows, staging: &Staging) -> Result<Split<'r>> {
    let (spec, context, partials) = (run.spec, run.context(), staging.partials());
    let split = run.pass(Pass::Split, || {
        let cache = staging.cache_dir();
        let prepared = pass::settle(context, spec, rows, &cache, partials)?;
        let mut plan = SplitPlan::new(context, &prepared.table.schema, &spec.split)?;
        let sides = pass::split(context, partials, &prepared.table, &mut plan, &cache)?;
        Ok(Split {
            prepared,
            plan,
            sides,
        })
    })?;
    let table = &split.prepared.table;
    run.expect_rows(table.rows());
    warnings::after_split(run, table, &split.sides);
    Ok(split)
}

/// The three passes, and the records of what they found.
fn make(run: &Run<'_>, plan: Plan, job: &JobId, staging: &Staging) -> Result<RunReport> {
    let (spec, context, partials) = (run.spec, run.context(), staging.partials());
    let Split {
        prepared,
        plan: split_plan,
        sides,
    } = split(run, plan.rows, staging)?;
    let table = &prepared.table;
    let sides_written = split_plan.written(&sides);

    let fitted = run.pass(Pass::Fit, || {
        let weights = spec.columns.weights.as_deref();
        let total = pass::fit(context, partials, table, &split_plan, weights)?;
        pass::check_infinities(context, table, &total, spec.fit.on_inf)?;
        Ok(total.finish(spec.fit.ddof))
    })?;
    warnings::after_fit(run, table, std::slice::from_ref(&fitted));

    let planned = write::Planned {
        prepared: &prepared,
        split: &split_plan,
        sides: &sides,
        scaler: &fitted.scaler,
        written: &sides_written,
    };
    let written = write::write(run, &planned, job, staging)?;

    pass::check_rows(&sides, &written.partials)?;
    pass::check_unchanged(context, &plan.fingerprints)?;
    arrivals::warn_of(run);
    run.took_up(partials.taken_up());
    let results = Results {
        found: Found {
            fingerprints: &plan.fingerprints,
            prepared: &prepared,
            sides: &sides,
        },
        fitted: &fitted,
        sides_written: &sides_written,
        written: &written,
    };
    let report = record::write(run, job, &results, &staging.out_dir())?;
    let report = audit::before_publishing(run, staging, report)?;
    let report = validate::before_publishing(run, staging, report)?;
    report::before_publishing(run, staging)?;
    Ok(report)
}

/// What would happen: files, columns, roles, units; reads footers and headers only.
///
/// # Errors
/// What [`stream`] would fail with before its first row.
pub fn plan(spec: &JobSpec, cancel: &Cancel, observer: &dyn Observer) -> Result<PlanReport> {
    without_bad_files(spec, cancel, observer, |found| {
        let run = Run::new(spec, found, cancel, observer);
        let (plan, job) = planned(&run)?;
        Ok(outlook::report(&run, &job, &plan))
    })
}
