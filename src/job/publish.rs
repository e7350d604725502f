//! Publishing: an output is made in its staging directory and appears whole, or not at all.

use super::run::Run;
use super::warnings;
use crate::artifact::JobId;
use crate::engine::Pass;
use crate::error::Result;
use crate::sink::Staging;

/// Makes the output of `job` by `make`, for which about `disk_bytes` are needed, and publishes it.
///
/// `None` if it is there already: an earlier run of this job was stopped after its last rename, or
/// `--if-changed` is in force.
///
/// # Errors
/// Whatever went wrong first; then the output is as it was, and finished work is kept.
pub(super) fn publish<R>(
    run: &Run<'_>,
    job: &JobId,
    disk_bytes: u64,
    make: impl FnOnce(&Staging) -> Result<R>,
) -> Result<Option<R>> {
    let output = &run.spec.output;
    let mut staging = Staging::open_as(output, job)?;
    if let Some(proof) = run.does_no_unit() {
        staging.expect_all(proof);
    }
    if staging.is_published() || (output.if_changed && staging.output_is_current()) {
        staging.abandon()?;
        return Ok(None);
    }
    let made = staging
        .check_free_space(disk_bytes)
        .and_then(|()| make(&staging))
        .and_then(|report| run.cancel.check().map(|()| report));
    match made {
        Ok(report) => {
            run.last_pass(Pass::Commit, || staging.commit(run.cancel))?;
            warnings::after_commit(run);
            Ok(Some(report))
        }
        Err(error) => Err(staging.put_away(error)),
    }
}
