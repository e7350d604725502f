//! What the process that plans does by itself, since it takes all rows: text becomes columns, and sides that
//! take several readings of the table are found and kept. The rest is for whoever does the units, which are
//! listed.

use crate::engine::Pass;
use crate::error::{OutputError, Result};
use crate::job::run::Run;
use crate::pass::{self, Plan, Prepared, Rows, SplitPlan};
use crate::sink::Staging;
use crate::source::table::Table;

/// Readies a job for the processes that do its units, and lists those.
///
/// # Errors
/// What pass 1 fails with, where it has to be begun.
pub(in crate::job) fn prepare(run: &Run<'_>, plan: Plan, staging: &Staging) -> Result<Plan> {
    let Plan { fingerprints, rows } = plan;
    let finds_sides = run.spec.split.needs_further_readings();
    let prepared = match rows {
        Rows::Table(prepared) if !finds_sides => *prepared,
        rows => {
            let (cache, partials) = (staging.cache_dir(), staging.partials());
            let prepared = run.pass(Pass::Split, || {
                let prepared = pass::settle(run.context(), run.spec, rows, &cache, partials)?;
                if finds_sides {
                    find_sides(run, &prepared.table, staging)?;
                }
                Ok(prepared)
            })?;
            pass::check_unchanged(run.context(), &fingerprints)?;
            prepared
        }
    };
    let files = &run.found.files;
    staging.list_units(|each| pass::list_units(files, &fingerprints, &prepared, each))?;
    let rows = Rows::Table(Box::new(prepared));
    Ok(Plan { fingerprints, rows })
}

/// Finds the side of every row, unless a plan that was made before has.
fn find_sides(run: &Run<'_>, table: &Table, staging: &Staging) -> Result<()> {
    let (context, spec, partials) = (run.context(), &run.spec.split, staging.partials());
    run.take_kept_sides();
    let mut plan = SplitPlan::new(context, &table.schema, spec)?;
    let kept = plan.take_kept(partials);
    if kept.and_then(|_| plan.each_kept(partials, table)).is_ok() {
        return Ok(());
    }
    let mut plan = SplitPlan::new(context, &table.schema, spec)?;
    let total = pass::split(context, partials, table, &mut plan, &staging.cache_dir())?;
    plan.keep_all(partials, table, &total)
}

/// The table of a plan that was readied.
///
/// # Errors
/// If it wasn't.
pub(in crate::job) fn table(plan: &Plan) -> Result<&Prepared> {
    match &plan.rows {
        Rows::Table(prepared) => Ok(prepared),
        Rows::Text(_) => {
            let what = "parsed text".to_owned();
            Err(OutputError::WorkMissing { what }.into())
        }
    }
}
