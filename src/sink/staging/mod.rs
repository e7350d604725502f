//! The staging directory: `.OUT.prep/` beside `OUT`, where an output is made until it is whole.
//!
//! ```text
//! .OUT.prep/   lock  job.json  units  partials/  cache/  out/
//! ```
//!
//! Invariant: only the owner of the lock writes in it, and `OUT` itself stays as it was until
//! [`Staging::commit`]. What a stopped run left is taken up by the next run of the same job, and
//! removed by that of another.

mod destination;
mod inherit;
mod leftovers;
mod probe;
mod units;
mod work;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use super::commit;
use super::files::{create_directory, sync_directory, write_synced};
use super::lock::{Lock, Publishing};
use super::partials::{PARTIALS, Partials, Proof};
use crate::artifact::JobId;
use crate::engine::Cancel;
use crate::error::{Error, OutputError, Place, Result};
use crate::spec::{OutputSpec, Overwrite};

pub(super) use destination::{Destination, Occupant};
pub(super) use probe::RenameSupport;
pub use units::UnitList;
pub use work::{Work, put_in_place};

/// What `out/` is called, which becomes `OUT`.
const OUT: &str = "out";
/// Where text becomes columns.
pub(super) const CACHE: &str = "cache";
/// What each unit is read from, if other processes are to do them.
const UNITS: &str = "units";
/// Says whose work the directory holds.
const JOB: &str = "job.json";
/// The old generation between the two steps of `--overwrite=two-step`.
pub(super) const OLD: &str = "old";

/// The place where one run makes its output; locked while it exists.
///
/// ```
/// use prep_stream::engine::Cancel;
/// use prep_stream::sink::{Staging, staging::shard_name, write_synced};
/// use prep_stream::spec::Overwrite;
///
/// # let job: prep_stream::artifact::JobId = serde_json::from_str("\"1a2b3c4d5e6f\"")?;
/// # let folder = tempfile::tempdir()?;
/// let out = folder.path().join("standardized");
/// let staging = Staging::open(&out, Overwrite::Never, &job)?;
/// let shard = staging.side_dir("train")?.join(shard_name(0, &job));
/// write_synced(&shard, b"rows")?;
/// assert!(!out.exists());
/// staging.commit(&Cancel::default())?;
/// assert!(out.join("train/part-0000000-1a2b3c4d.parquet").exists());
/// assert!(out.join("_SUCCESS").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Staging {
    destination: Destination,
    overwrite: Overwrite,
    renames: RenameSupport,
    lock: Lock,
    partials: Partials,
    is_published: bool,
    /// Bytes of disk that the run was expected to take.
    needed: Cell<u64>,
}

impl Staging {
    /// Checks that `out` may and can be made, then locks and prepares its staging directory.
    ///
    /// `out` must not exist, be an empty directory, or, with `overwrite`, be an output of `prep`.
    ///
    /// # Errors
    /// [`OutputError`] saying why `out` can't be made; nothing is written then.
    /// [`crate::error::ErrorKind::Locked`] if another run makes it.
    pub fn open(out: &Path, overwrite: Overwrite, job: &JobId) -> Result<Self> {
        Self::open_locked(out, overwrite, false, job)
    }

    /// The same for the output that `spec` asks for, which may break another machine's lock.
    ///
    /// # Errors
    /// Those of [`Staging::open`].
    pub fn open_as(spec: &OutputSpec, job: &JobId) -> Result<Self> {
        Self::open_locked(&spec.path, spec.overwrite, spec.break_lock, job)
    }

    fn open_locked(
        out: &Path,
        overwrite: Overwrite,
        break_lock: bool,
        job: &JobId,
    ) -> Result<Self> {
        let destination = Destination::resolve(out)?;
        leftovers::admitted(&destination, overwrite)?;
        let was_nearly_tidy = destination.is_nearly_tidy();
        let mut lock = Lock::acquire(&destination.staging, out, break_lock).inspect_err(|_| {
            // Only an empty directory goes, such as one just made; any other is not ours to remove.
            std::fs::remove_dir(&destination.staging).unwrap_or_default();
        })?;
        match prepare(&destination, &mut lock, overwrite, job, was_nearly_tidy) {
            Ok(Prepared {
                renames,
                is_published,
            }) => Ok(Self {
                partials: Partials::new(&destination.staging, job),
                destination,
                overwrite,
                renames,
                lock,
                is_published,
                needed: Cell::new(0),
            }),
            Err(error) => Err(leftovers::after_removal(error, &destination.staging, lock)),
        }
    }

    /// Checks whether `out` could be made, and writes nothing.
    ///
    /// # Errors
    /// Those of [`Staging::open`] that can be known without the lock.
    pub fn check(out: &Path, overwrite: Overwrite) -> Result<()> {
        leftovers::admitted(&Destination::resolve(out)?, overwrite)
    }

    /// Whether `OUT` is this job's already: a run of it was stopped after its last rename, and only
    /// [`Staging::abandon`] is left to do.
    pub fn is_published(&self) -> bool {
        self.is_published
    }

    /// Whether `OUT` was made by this job, and every shard is there with the size it had.
    pub fn output_is_current(&self) -> bool {
        self.destination.holds(self.partials.job())
    }

    /// Results of finished units.
    pub fn partials(&self) -> &Partials {
        &self.partials
    }

    /// The directory that becomes `OUT`.
    pub fn out_dir(&self) -> PathBuf {
        self.destination.staging.join(OUT)
    }

    /// The directory of one side's shards, `train` or `test`, made if need be.
    ///
    /// # Errors
    /// [`OutputError::Io`] if it can't be made.
    pub fn side_dir(&self, side: &str) -> Result<PathBuf> {
        let path = self.out_dir().join(side);
        create_directory(&path)?;
        Ok(path)
    }

    /// Where text becomes columns.
    pub fn cache_dir(&self) -> PathBuf {
        self.destination.staging.join(CACHE)
    }

    /// Removes everything from the directory that becomes `OUT` except `files`: what is there of an
    /// earlier run or generation is no part of it.
    ///
    /// # Errors
    /// [`OutputError::Io`] if something can't be listed or removed.
    pub fn keep_only(&self, files: &[PathBuf]) -> Result<()> {
        leftovers::keep_only(&self.out_dir(), &files.iter().cloned().collect())
    }

    /// Makes sure that the filesystem has room for a job that takes about `needed` bytes in all,
    /// some of which an earlier run may have written already.
    ///
    /// # Errors
    /// [`OutputError::NoSpace`] with both numbers.
    pub fn check_free_space(&self, needed: u64) -> Result<()> {
        let staging = &self.destination.staging;
        let written = leftovers::bytes_below(&self.out_dir())?
            .saturating_add(leftovers::bytes_below(&self.cache_dir())?);
        let needed = needed.saturating_sub(written);
        self.needed.set(needed);
        let free = probe::free_bytes(staging)?;
        if free < needed {
            return Err(Error::from(OutputError::NoSpace { needed, free })
                .at(Place::path(&self.destination.given))
                .hint("free some space, or choose an --out on another filesystem"));
        }
        Ok(())
    }

    /// Adds `_SUCCESS`, publishes `out/` as `OUT` by one rename once all of it is on disk, and
    /// removes the rest. A stop that is asked for before the rename is heard; one after it is too late.
    ///
    /// # Errors
    /// [`OutputError`] or [`crate::error::ErrorKind::Interrupted`]; `OUT` is as it was unless the
    /// message says that the output is complete. What was made stays for the next run of the same job.
    pub fn commit(mut self, cancel: &Cancel) -> Result<()> {
        let out = self.out_dir();
        self.lock.check_held(&self.destination.given)?;
        let published = Publishing::new(self.partials.job(), &out)
            .and_then(|publishing| self.lock.set_publishing(Some(publishing)))
            .and_then(|()| {
                let how = (self.overwrite, self.renames);
                commit::publish(&self.destination, &out, how, cancel)
            });
        match published {
            Ok(()) => leftovers::remove_staging(&self.destination.staging, self.lock)
                .map_err(|error| error.hint(commit::COMPLETE)),
            Err(error) => Err(leftovers::after_failure(error, self)),
        }
    }

    /// Leaves the directory to the processes that do the job's units, and to the one that commits.
    ///
    /// # Errors
    /// [`OutputError::Io`] if the lock can't be given up.
    pub fn leave(self) -> Result<()> {
        self.lock.leave()
    }

    /// From now on all work must have been done: a result that isn't there whole is an error.
    pub fn expect_all(&mut self, proof: Proof) {
        self.partials.expect_all(proof);
    }

    /// Removes everything this run has made.
    ///
    /// # Errors
    /// [`OutputError::Io`] if something can't be removed; the next run tries again.
    pub fn abandon(self) -> Result<()> {
        leftovers::remove_staging(&self.destination.staging, self.lock)
    }

    /// Puts the directory away after `error`: finished work is kept if the same command may succeed
    /// another time, everything else is removed. Returns the error with a hint that says so.
    #[must_use]
    pub fn put_away(self, error: Error) -> Error {
        leftovers::after_failure(error, self)
    }
}

/// A shard's file name, which no other job's shard has.
///
/// ```
/// use prep_stream::sink::staging::shard_name;
/// # use prep_stream::artifact::JobId;
/// # let job: JobId = serde_json::from_str("\"1a2b3c4d5e6f\"").unwrap();
/// assert_eq!(shard_name(12, &job), "part-0000012-1a2b3c4d.parquet");
/// ```
pub fn shard_name(unit: u64, job: &JobId) -> String {
    format!("part-{unit:07}-{}.parquet", job.short())
}

/// What [`prepare`] found out.
struct Prepared {
    renames: RenameSupport,
    is_published: bool,
}

fn prepare(
    destination: &Destination,
    lock: &mut Lock,
    overwrite: Overwrite,
    job: &JobId,
    was_nearly_tidy: bool,
) -> Result<Prepared> {
    let staging = &destination.staging;
    let published = Prepared {
        renames: RenameSupport::NONE,
        is_published: true,
    };
    if let Some(publishing) = Publishing::recorded(staging)
        && publishing.is_done(&destination.output)
    {
        leftovers::remove_old(staging)?;
        if publishing.job == *job {
            return Ok(published);
        }
    }
    // Whoever wants the output made again says so; for anyone else this is what the command makes.
    if was_nearly_tidy && overwrite == Overwrite::Never && destination.holds(job) {
        return Ok(published);
    }
    lock.set_publishing(None)?;
    commit::restore_old(destination)?;
    // Another run may have finished between the first look and the lock.
    destination.admit(overwrite)?;
    let record = job_record(job);
    let is_same_job = std::fs::read(staging.join(JOB)).is_ok_and(|found| found == record);
    leftovers::empty(staging, |name| {
        is_same_job && [JOB, UNITS, OUT, CACHE, PARTIALS].contains(&name)
    })?;
    for name in [JOB, UNITS, OUT, CACHE, PARTIALS] {
        leftovers::keep_plain(&staging.join(name))?;
    }
    let renames = probe::rename_support(staging)?;
    if overwrite == Overwrite::Exchange && !renames.exchange {
        return Err(Error::from(OutputError::NoExchange)
            .at(Place::path(&destination.given))
            .hint("use --overwrite=two-step: for a moment neither data set is there"));
    }
    for name in [OUT, CACHE, PARTIALS] {
        create_directory(&staging.join(name))?;
    }
    write_synced(&staging.join(JOB), &record)?;
    sync_directory(staging)?;
    Ok(Prepared {
        renames,
        is_published: false,
    })
}

fn job_record(job: &JobId) -> Vec<u8> {
    let record = serde_json::json!({
        "format": "prep job",
        "format_version": 1,
        "prep_version": env!("CARGO_PKG_VERSION"),
        "job": job,
    });
    format!("{record}\n").into_bytes()
}
