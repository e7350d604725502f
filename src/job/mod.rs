//! The story of a run: plan, split, fit, write, commit, report.

mod outlook;
mod record;
mod run;
mod warnings;

use crate::artifact::JobId;
use crate::engine::{Cancel, Observer, Pass};
use crate::error::Result;
use crate::pass::{self, Plan, SplitPlan, WriteJob};
use crate::report::{PlanReport, RunReport};
use crate::sink::Staging;
use crate::sink::shard::ShardFormat;
use crate::source::discover::discover;
use crate::spec::JobSpec;

use record::Results;
use run::Run;

/// Splits, fits on train only, and writes standardized shards of both sides.
///
/// The output directory appears whole, by one rename, or not at all.
///
/// # Errors
/// Whatever went wrong first; then the output directory is as it was before.
pub fn stream(spec: &JobSpec, cancel: &Cancel, observer: &dyn Observer) -> Result<RunReport> {
    Staging::check(&spec.output.path, spec.output.overwrite)?;
    let found = discover(&spec.input, &spec.output.path)?;
    let run = Run::new(spec, &found, cancel, observer);
    let plan = run.pass(Pass::Plan, || pass::plan(run.context(), spec, found.format))?;
    let job = JobId::new(
        spec,
        crate::VERSION,
        found.files.iter().zip(&plan.fingerprints),
    )?;
    run.check_budget(&plan)?;
    let staging = Staging::open(&spec.output.path, spec.output.overwrite, &job)?;
    let made = staging
        .check_free_space(run.disk_bytes())
        .and_then(|()| make(&run, plan, &job, &staging))
        .and_then(|report| cancel.check().map(|()| report));
    match made {
        Ok(report) => {
            run.last_pass(Pass::Commit, || staging.commit())?;
            Ok(run.finish(report))
        }
        Err(error) => Err(match staging.abandon() {
            Ok(()) => error,
            Err(left) => error.hint(format!("the staging directory is left: {}", left.kind())),
        }),
    }
}

/// The three passes, and the records of what they found.
fn make(run: &Run<'_>, plan: Plan, job: &JobId, staging: &Staging) -> Result<RunReport> {
    let (spec, context) = (run.spec, run.context());

    let (prepared, split_plan, sides) = run.pass(Pass::Split, || {
        let prepared = pass::settle(context, spec, plan.rows, &staging.cache_dir())?;
        let split_plan = SplitPlan::new(context, &prepared.table, &spec.split);
        let sides = pass::split(context, &prepared.table, &split_plan)?;
        Ok((prepared, split_plan, sides))
    })?;
    let table = &prepared.table;
    run.expect_rows(table.rows());
    warnings::after_split(run, table, sides);

    let fitted = run.pass(Pass::Fit, || {
        let total = pass::fit(context, table, &split_plan)?;
        pass::check_infinities(context, table, &total, spec.fit.on_inf)?;
        Ok(total.finish(spec.fit.ddof))
    })?;
    warnings::after_fit(run, table, &fitted);

    let format = ShardFormat::new(&prepared.output, &table.schema, spec.output.compression)?;
    let written = run.pass(Pass::Write, || {
        let directories = [staging.side_dir("train")?, staging.side_dir("test")?];
        pass::write(&WriteJob {
            context,
            table,
            plan: &split_plan,
            scaler: &fitted.scaler,
            format: &format,
            dtype: spec.output.dtype,
            on_inf: spec.fit.on_inf,
            directories: [&directories[0], &directories[1]],
            job,
        })
    })?;

    pass::check_unchanged(context, &plan.fingerprints)?;
    let results = Results {
        fingerprints: &plan.fingerprints,
        prepared: &prepared,
        fitted: &fitted,
        sides,
        written: &written,
    };
    record::write(run, job, &results, &staging.out_dir())
}

/// What would happen: files, columns, roles, units; reads footers and headers only.
///
/// # Errors
/// What [`stream`] would fail with before its first row.
pub fn plan(spec: &JobSpec, cancel: &Cancel, observer: &dyn Observer) -> Result<PlanReport> {
    Staging::check(&spec.output.path, spec.output.overwrite)?;
    let found = discover(&spec.input, &spec.output.path)?;
    let run = Run::new(spec, &found, cancel, observer);
    let plan = run.pass(Pass::Plan, || pass::plan(run.context(), spec, found.format))?;
    let job = JobId::new(
        spec,
        crate::VERSION,
        found.files.iter().zip(&plan.fingerprints),
    )?;
    run.check_budget(&plan)?;
    Ok(outlook::report(&run, &job, &plan))
}
