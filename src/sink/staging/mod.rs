//! The staging directory: `.OUT.prep/` beside `OUT`, where an output is made until it is whole.
//!
//! ```text
//! .OUT.prep/   lock  job.json  partials/  cache/  out/
//! ```
//!
//! Invariant: only the owner of the lock writes in it, and `OUT` itself stays as it was until
//! [`Staging::commit`]. Whatever a killed run left is removed by the next one.
//!
//! Limit: nothing is resumed yet, so a run always starts with an empty staging directory.

mod destination;
mod probe;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use super::commit;
use super::files::{create_directory, io_error, list, remove, sync_directory, write_synced};
use super::lock::{LOCK_NAME, Lock};
use crate::artifact::JobId;
use crate::error::{Error, OutputError, Place, Result};
use crate::spec::Overwrite;

pub(super) use destination::{Destination, Occupant};
pub(super) use probe::RenameSupport;

/// What `out/` is called, which becomes `OUT`.
const OUT: &str = "out";
/// The old generation between the two steps of `--overwrite=two-step`.
pub(super) const OLD: &str = "old";

/// The place where one run makes its output; locked while it exists.
///
/// ```
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
/// staging.commit()?;
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
        let destination = Destination::resolve(out)?;
        destination.admit(overwrite)?;
        let lock = Lock::acquire(&destination.staging, out).inspect_err(|_| {
            // Only an empty directory goes, such as one just made; any other is not ours to remove.
            std::fs::remove_dir(&destination.staging).unwrap_or_default();
        })?;
        match prepare(&destination, overwrite, job) {
            Ok(renames) => Ok(Self {
                destination,
                overwrite,
                renames,
                lock,
            }),
            Err(error) => Err(after_removal(error, &destination.staging, lock)),
        }
    }

    /// Checks whether `out` could be made, and writes nothing.
    ///
    /// # Errors
    /// Those of [`Staging::open`] that can be known without the lock.
    pub fn check(out: &Path, overwrite: Overwrite) -> Result<()> {
        Destination::resolve(out)?.admit(overwrite)
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
        self.destination.staging.join("cache")
    }

    /// Where finished units leave their results.
    pub fn partials_dir(&self) -> PathBuf {
        self.destination.staging.join("partials")
    }

    /// Makes sure that the filesystem has room for `needed` more bytes.
    ///
    /// # Errors
    /// [`OutputError::NoSpace`] with both numbers.
    pub fn check_free_space(&self, needed: u64) -> Result<()> {
        let free = probe::free_bytes(&self.destination.staging)?;
        if free < needed {
            return Err(Error::from(OutputError::NoSpace { needed, free })
                .at(Place::path(&self.destination.given))
                .hint("free some space, or choose an --out on another filesystem"));
        }
        Ok(())
    }

    /// Adds `_SUCCESS`, publishes `out/` as `OUT` by one rename once all of it is on disk, and
    /// removes the rest.
    ///
    /// # Errors
    /// [`OutputError`]; `OUT` is as it was unless the message says that the output is complete.
    pub fn commit(self) -> Result<()> {
        let out = self.out_dir();
        let published = commit::publish(&self.destination, &out, self.overwrite, self.renames);
        let staging = self.destination.staging;
        match published {
            Ok(()) => {
                remove_staging(&staging, self.lock).map_err(|error| error.hint(commit::COMPLETE))
            }
            Err(error) => Err(after_removal(error, &staging, self.lock)),
        }
    }

    /// Removes everything this run has made.
    ///
    /// # Errors
    /// [`OutputError::Io`] if something can't be removed; the next run tries again.
    pub fn abandon(self) -> Result<()> {
        remove_staging(&self.destination.staging, self.lock)
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

fn prepare(destination: &Destination, overwrite: Overwrite, job: &JobId) -> Result<RenameSupport> {
    let staging = &destination.staging;
    commit::restore_old(destination)?;
    // Another run may have finished between the first look and the lock.
    destination.admit(overwrite)?;
    empty(staging)?;
    let renames = probe::rename_support(staging)?;
    if overwrite == Overwrite::Exchange && !renames.exchange {
        return Err(Error::from(OutputError::NoExchange)
            .at(Place::path(&destination.given))
            .hint("use --overwrite=two-step: for a moment neither data set is there"));
    }
    let record = serde_json::json!({
        "format": "prep job",
        "format_version": 1,
        "prep_version": env!("CARGO_PKG_VERSION"),
        "job": job,
    });
    write_synced(&staging.join("job.json"), format!("{record}\n").as_bytes())?;
    for name in [OUT, "cache", "partials"] {
        create_directory(&staging.join(name))?;
    }
    sync_directory(staging)?;
    Ok(renames)
}

/// Removes all but the lock and an old generation, which only a completed commit removes.
fn empty(staging: &Path) -> Result<()> {
    for (path, is_directory) in list(staging)? {
        if !path.ends_with(LOCK_NAME) && !path.ends_with(OLD) {
            remove(&path, is_directory)?;
        }
    }
    Ok(())
}

fn remove_staging(staging: &Path, lock: Lock) -> Result<()> {
    empty(staging)?;
    if staging.join(OLD).exists() {
        // The lock file stays as well: it says that this directory is ours.
        return Ok(());
    }
    lock.release()?;
    match std::fs::remove_dir(staging) {
        // Another run may already be at work in it.
        Err(source)
            if !matches!(
                source.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
            ) =>
        {
            Err(io_error("remove the staging directory", staging, source))
        }
        _ => Ok(()),
    }
}

/// Cleans up after a failure, whose error matters more than one of the cleaning.
fn after_removal(error: Error, staging: &Path, lock: Lock) -> Error {
    match remove_staging(staging, lock) {
        Ok(()) => error,
        Err(left) => error.hint(format!("the staging directory is left: {}", left.kind())),
    }
}
