//! The story of a run: plan, split, fit, write, commit, report.

mod arrivals;
mod audit;
mod bad_files;
mod fit;
mod fold_report;
mod folds;
mod isolate;
mod merge;
mod outlook;
mod publish;
mod record;
mod report;
mod run;
mod scaler;
mod side_report;
mod transform;
mod units;
mod update;
mod validate;
mod warnings;
mod write;

use serde::Serialize;

use crate::artifact::JobId;
use crate::artifact::manifest::Maker;
use crate::engine::{Cancel, Observer, Pass};
use crate::error::Result;
use crate::pass::{self, FitTotal, Fitted, Plan, Prepared, Rows, SplitPlan, SplitTotal};
use crate::report::{InputReport, PlanReport, RunReport, TransformReport, UnchangedReport};
use crate::sink::Staging;
use crate::source::discover::{Discovery, discover};
use crate::source::table::Table;
use crate::spec::JobSpec;

pub use audit::{audit, judge};
pub use fit::fit;
pub use isolate::stream_isolated;
pub use merge::merge;
use publish::publish;
use record::{Found, Results};
pub use report::report;
use run::Run;
pub use scaler::read as read_scaler;
pub use transform::transform;
pub use units::{Planned, commit, plan_units, unit};
pub use validate::{check, validate, validation_of};

/// How a run ended that didn't fail.
#[derive(Debug)]
pub enum Outcome<R = RunReport> {
    /// The output was made.
    Written(Box<R>),
    /// The output is there already, made by this very job.
    Unchanged(UnchangedReport),
}

impl<R> Outcome<R> {
    /// What was made, with what is known only after the commit; or that there was nothing to do.
    fn of(run: &Run<'_>, job: &JobId, made: Option<R>, finish: impl FnOnce(R) -> R) -> Self {
        match made {
            Some(report) => Self::Written(Box::new(finish(report))),
            None => Self::Unchanged(run.unchanged(job)),
        }
    }

    fn bad_files_of(&self, inputs: impl FnOnce(&R) -> &InputReport) -> u64 {
        match self {
            Self::Written(report) => inputs(report).bad.len() as u64,
            Self::Unchanged(report) => report.bad_files,
        }
    }
}

impl Outcome {
    /// How many files were left out because they couldn't be read.
    pub fn bad_files(&self) -> u64 {
        self.bad_files_of(|report| &report.inputs)
    }
}

impl Outcome<TransformReport> {
    /// How many files were left out because they couldn't be read.
    pub fn bad_files(&self) -> u64 {
        self.bad_files_of(|report| &report.inputs)
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
    if spec.output.update {
        return update::update(spec, cancel, observer);
    }
    without_bad_files(spec, cancel, observer, |found| {
        let run = Run::new(spec, found, cancel, observer);
        let (plan, job) = planned(&run, &stream_head(spec))?;
        stream_found(&run, plan, &job)
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

/// What is to be done, and the job that it is, as `head` and the inputs say; refused if it can't be done
/// within the budget.
fn planned(run: &Run<'_>, head: &impl Serialize) -> Result<(Plan, JobId)> {
    let (spec, found) = (run.spec, run.found);
    let plan = run.pass(Pass::Plan, || pass::plan(run.context(), spec, found.format))?;
    let job = JobId::new(head, found.files.iter().zip(&plan.fingerprints))?;
    run.check_budget(&plan)?;
    Ok((plan, job))
}

/// What decides the output of `prep stream`, beside its inputs.
fn stream_head(spec: &JobSpec) -> impl Serialize + '_ {
    ("prep job", crate::VERSION, spec)
}

/// Makes and publishes what was planned.
fn stream_found(run: &Run<'_>, plan: Plan, job: &JobId) -> Result<Outcome> {
    stream_planned(run, plan, job, |plan, _| Ok(plan))
}

/// The same once `before` has done in the staging directory what it does, and returned what is planned then.
fn stream_planned(
    run: &Run<'_>,
    plan: Plan,
    job: &JobId,
    before: impl FnOnce(Plan, &Staging) -> Result<Plan>,
) -> Result<Outcome> {
    let disk_bytes = run
        .disk_bytes()
        .saturating_add(plan.settled_bytes(run.spec))
        .saturating_add(run.shuffle_disk_bytes(&plan));
    let make = |staging: &Staging| {
        let plan = before(plan, staging)?;
        match run.spec.split.folds {
            Some(folds) => folds::make(run, plan, job, staging, folds),
            None => make(run, plan, job, staging),
        }
    };
    let made = publish(run, job, disk_bytes, make)?;
    Ok(Outcome::of(run, job, made, |report| run.finish(report)))
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
        let sides = match run.takes_kept_sides() {
            true => plan.take_kept(partials)?,
            false => pass::split(context, partials, &prepared.table, &mut plan, &cache)?,
        };
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
    let (context, partials) = (run.context(), staging.partials());
    let Split {
        prepared,
        plan: split_plan,
        sides,
    } = split(run, plan.rows, staging)?;
    let table = &prepared.table;
    let sides_written = split_plan.written(&sides);
    let fitted = fit_on_train(run, table, &split_plan, staging)?;

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
            made_by: Maker::Stream,
        },
        fitted: &fitted,
        sides_written: &sides_written,
        written: &written,
    };
    let report = record::write(run, job, &results, &staging.out_dir())?;
    before_publishing(run, staging, report)
}

/// What is asked for to be looked at in an output, or drawn of it, before it appears.
fn before_publishing(run: &Run<'_>, staging: &Staging, report: RunReport) -> Result<RunReport> {
    let report = audit::before_publishing(run, staging, report)?;
    let report = validate::before_publishing(run, staging, report)?;
    report::before_publishing(run, staging)?;
    Ok(report)
}

/// Pass 2: what standardizes the features, fitted on the train rows.
fn fit_on_train(
    run: &Run<'_>,
    table: &Table,
    plan: &SplitPlan<'_>,
    staging: &Staging,
) -> Result<Fitted> {
    let fitted = fit_units(run, table, plan, staging)?.finish(run.spec.fit.ddof);
    warnings::after_fit(run, table, std::slice::from_ref(&fitted));
    Ok(fitted)
}

/// What pass 2 finds in all units.
fn fit_units(
    run: &Run<'_>,
    table: &Table,
    plan: &SplitPlan<'_>,
    staging: &Staging,
) -> Result<FitTotal> {
    let (spec, context) = (run.spec, run.context());
    run.pass(Pass::Fit, || {
        let weights = spec.columns.weights.as_deref();
        let total = pass::fit(context, staging.partials(), table, plan, weights)?;
        pass::check_infinities(context, table, &total, spec.fit.on_inf)?;
        Ok(total)
    })
}

/// What would happen: files, columns, roles, units; reads footers and headers only.
///
/// # Errors
/// What [`stream`] would fail with before its first row.
pub fn plan(spec: &JobSpec, cancel: &Cancel, observer: &dyn Observer) -> Result<PlanReport> {
    without_bad_files(spec, cancel, observer, |found| {
        let run = Run::new(spec, found, cancel, observer);
        let (plan, job) = planned(&run, &stream_head(spec))?;
        Ok(outlook::report(&run, &job, &plan))
    })
}
