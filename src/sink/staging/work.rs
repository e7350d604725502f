//! `Work`: the staging directory of a job as the processes see it that do its units.
//!
//! None of them holds the lock: any number may be at work, and the same unit may be done twice at the same
//! time. Invariant: what one of them writes is under a name of its own until it is whole; then a rename
//! puts it in its place, where another's may be, which has the same bytes.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::files::{create_directory, io_error, remove};
use super::super::lock::Publishing;
use super::super::partials::{Partials, attempt_name};
use super::super::ranges::Leaving;
use super::{CACHE, Destination, JOB, OUT, Staging, UNITS, UnitList, job_record};
use crate::artifact::JobId;
use crate::engine::Pass;
use crate::error::{Error, OutputError, Place, Result};
use crate::spec::OutputSpec;

/// Where what isn't whole yet is, each process having a directory of its own in it.
const ATTEMPTS: &str = "attempts";

/// The work of one process on some units of a job.
#[derive(Debug)]
pub struct Work {
    staging: PathBuf,
    partials: Partials,
    attempt: PathBuf,
}

impl Work {
    /// Joins the work on `out`, which `prep plan` has prepared, to do a pass of some units, or to look at
    /// it; `None` if `out` is made already.
    ///
    /// # Errors
    /// [`OutputError::NoWork`] if no such work is going on.
    pub fn join(out: &Path, job: &JobId, own: Option<(Pass, Range<u64>)>) -> Result<Option<Self>> {
        let destination = Destination::resolve(out)?;
        let staging = destination.staging.clone();
        // Its directory may be left of a commit that was stopped after its last rename.
        if destination.holds(job) {
            return Ok(None);
        }
        let found = fs::read(staging.join(JOB));
        if !found.is_ok_and(|found| found == job_record(job)) {
            return Err(Error::from(OutputError::NoWork)
                .at(Place::path(&staging))
                .hint("another job has taken its place, or it was removed: make the plan again"));
        }
        let attempts = staging.join(ATTEMPTS);
        create_directory(&attempts)?;
        let attempt = attempts.join(attempt_name());
        create_directory(&attempt)?;
        Ok(Some(Self {
            partials: Partials::of_process(&staging, job, own),
            staging,
            attempt,
        }))
    }

    /// Removes what a commit of `job` has left that was stopped after its last rename; not the work on
    /// another job.
    ///
    /// # Errors
    /// [`OutputError::Io`] if something can't be removed, or another process is at it.
    pub fn tidy(output: &OutputSpec, job: &JobId) -> Result<()> {
        let destination = Destination::resolve(&output.path)?;
        let is_published = Publishing::recorded(&destination.staging)
            .is_some_and(|last| last.job == *job && last.is_done(&destination.output));
        match is_published || destination.is_nearly_tidy() {
            true => Staging::open_as(output, job)?.abandon(),
            false => Ok(()),
        }
    }

    /// Results of finished units.
    pub fn partials(&self) -> &Partials {
        &self.partials
    }

    /// Gathers results called `kind`, mostly as their pass is, from unit `first` on, to leave them as one file.
    ///
    /// # Errors
    /// [`OutputError::Io`] if that can't be made.
    pub fn leave(&self, kind: String, first: u64) -> Result<Leaving<'_>> {
        self.partials.leave(kind, first, &self.attempt)
    }

    /// The list of units that `prep plan` has left.
    ///
    /// # Errors
    /// [`OutputError::WorkMissing`] if it isn't there whole.
    pub fn units(&self) -> Result<UnitList> {
        UnitList::open(&self.staging.join(UNITS), self.partials.job())
    }

    /// Where text is columns, and what is too much to hold is.
    pub fn cache_dir(&self) -> PathBuf {
        self.staging.join(CACHE)
    }

    /// Where this process writes what isn't whole yet.
    pub fn attempt(&self) -> &Path {
        &self.attempt
    }

    /// The directory of one side's shards, made if need be, and that of this process.
    ///
    /// # Errors
    /// [`OutputError::Io`] if one can't be made.
    pub fn side_dirs(&self, side: &str) -> Result<(PathBuf, PathBuf)> {
        let whole = self.staging.join(OUT).join(side);
        let own = self.attempt.join(side);
        create_directory(&whole)?;
        create_directory(&own)?;
        Ok((whole, own))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What stays, `prep commit` removes.
        remove(&self.attempt, true).unwrap_or_default();
    }
}

/// Puts a whole file in its place, where one of the same bytes may be.
///
/// # Errors
/// [`OutputError::Io`] naming the path.
pub fn put_in_place(file: &Path, place: &Path) -> Result<()> {
    match file == place {
        true => Ok(()),
        false => fs::rename(file, place)
            .map_err(|source| io_error("put the shard in its place", place, source)),
    }
}
