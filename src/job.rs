//! The story on one screen; a placeholder that the job itself replaces.

use crate::engine::{Cancel, Observer};
use crate::error::{Error, InputError, Result};
use crate::report::{PlanReport, RunReport};
use crate::spec::JobSpec;

/// Runs the job.
///
/// # Errors
/// Whatever stops it.
pub fn stream(_spec: &JobSpec, cancel: &Cancel, _observer: &dyn Observer) -> Result<RunReport> {
    cancel.check()?;
    Err(Error::from(InputError::NoFiles { searched: 0 }))
}

/// Says what the job would do.
///
/// # Errors
/// Whatever would stop it before it reads data.
pub fn plan(_spec: &JobSpec, cancel: &Cancel, _observer: &dyn Observer) -> Result<PlanReport> {
    cancel.check()?;
    Err(Error::from(InputError::NoFiles { searched: 0 }))
}
