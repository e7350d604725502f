//! What the process that plans does by itself, since it takes all rows: text becomes columns. The rest is for
//! whoever does the units, which are listed.

use crate::engine::Pass;
use crate::error::{OutputError, Result};
use crate::job::run::Run;
use crate::pass::{self, Plan, Prepared, Rows};
use crate::sink::Staging;

/// Readies a job for the processes that do its units, and lists those.
///
/// # Errors
/// What pass 1 fails with, where it has to be begun.
pub(in crate::job) fn prepare(run: &Run<'_>, plan: Plan, staging: &Staging) -> Result<Plan> {
    let Plan { fingerprints, rows } = plan;
    let prepared = match rows {
        Rows::Table(prepared) => *prepared,
        text @ Rows::Text(_) => {
            let prepared = run.pass(Pass::Split, || parsed(run, text, staging))?;
            pass::check_unchanged(run.context(), &fingerprints)?;
            prepared
        }
    };
    let files = &run.found.files;
    staging.list_units(|each| pass::list_units(files, &fingerprints, &prepared, each))?;
    let rows = Rows::Table(Box::new(prepared));
    Ok(Plan { fingerprints, rows })
}

/// Text as a table over the cache.
fn parsed(run: &Run<'_>, rows: Rows, staging: &Staging) -> Result<Prepared> {
    let (cache, partials) = (staging.cache_dir(), staging.partials());
    pass::settle(run.context(), run.spec, rows, &cache, partials)
}

/// The table of a plan that was readied.
pub(in crate::job) fn table(plan: &Plan) -> Result<&Prepared> {
    match &plan.rows {
        Rows::Table(prepared) => Ok(prepared),
        Rows::Text(_) => {
            let what = "parsed text".to_owned();
            Err(OutputError::WorkMissing { what }.into())
        }
    }
}
