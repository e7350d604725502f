//! Partials: the results of finished pieces of work, kept in `.OUT.prep/partials/` until the output is
//! whole.
//!
//! Nothing here is synced to disk: after a power cut a partial, or a file that it speaks of, may be
//! torn; then its checksum doesn't match, and the work is done again.

mod words;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::Written;
use super::files::{io_error, list};
use super::lock::host_name;
use super::ranges::{Covered, Leaving, Ranges};
use crate::artifact::JobId;
use crate::artifact::partial::{PartialFile, seal, unseal};
use crate::engine::Pass;
use crate::error::{Error, OutputError, Place, Result};
use crate::source::file_digest;

/// Where partials are, below the staging directory.
pub(super) const PARTIALS: &str = "partials";

/// What shows that a file that belongs to a result is still what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Its checksum: it is read whole.
    Checksums,
    /// Its size.
    Sizes,
}

/// The partials of one job.
#[derive(Debug)]
pub struct Partials {
    staging: PathBuf,
    job: JobId,
    /// What processes have left of ranges of units.
    ranges: Ranges,
    taken_up: AtomicU64,
    /// Part of the names of files that aren't whole yet; no other process has it.
    attempt: String,
    /// Whether every result must be there already, and how its files are proven then.
    complete: Option<Proof>,
}

impl Partials {
    pub(super) fn new(staging: &Path, job: &JobId) -> Self {
        Self::of_process(staging, job, None)
    }

    /// The same for a process that does a pass of some units.
    pub(super) fn of_process(staging: &Path, job: &JobId, own: Option<(Pass, Range<u64>)>) -> Self {
        Self {
            staging: staging.to_path_buf(),
            ranges: Ranges::new(&staging.join(PARTIALS), job, own),
            job: job.clone(),
            taken_up: AtomicU64::new(0),
            attempt: attempt_name(),
            complete: None,
        }
    }

    /// From now on a result that isn't there whole is an error: this process does none of the work.
    pub(super) fn expect_all(&mut self, proof: Proof) {
        self.complete = Some(proof);
    }

    /// Whether a file counts as what it was if it has the size.
    pub fn trusts_sizes(&self) -> bool {
        self.complete == Some(Proof::Sizes)
    }

    /// The result called `name` that an earlier, stopped run of this job has left, if it is there
    /// with all its files, each as it was.
    pub fn take_up<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let is_whole = |file: &PartialFile| match self.trusts_sizes() {
            true => self.has_size(file),
            false => is_unchanged(&self.staging.join(&file.path), file),
        };
        let (content, _) = self.read_if(name, |files| files.iter().all(is_whole))?;
        self.taken_up.fetch_add(1, Ordering::Relaxed);
        Some(content)
    }

    /// The same, where units are done by other processes.
    ///
    /// # Errors
    /// [`OutputError::WorkMissing`] if it isn't there whole, and all of them must be.
    pub fn already<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        match self.take_up(name) {
            None if self.complete.is_some() => Err(self.damaged(name)),
            found => Ok(found),
        }
    }

    /// The error of a result that isn't there whole, or a file of which isn't.
    pub fn damaged(&self, name: &str) -> Error {
        let what = name.to_owned();
        Error::from(OutputError::WorkMissing { what })
            .at(Place::path(self.path(name)))
            .hint("it, or a shard of it, is damaged: remove it and do the unit again")
    }

    /// The error of a result that isn't there whole, and that only the process that plans can find.
    pub fn lost(&self, name: &str) -> Error {
        let what = name.to_owned();
        Error::from(OutputError::WorkMissing { what })
            .at(Place::path(self.path(name)))
            .hint("it takes all rows to find it again: make the plan again")
    }

    /// The same as [`Partials::already`], or what `make` makes; and whether it is that.
    ///
    /// # Errors
    /// Those of [`Partials::already`] and of `make`.
    pub fn already_or<T: DeserializeOwned>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<(T, bool)> {
        match self.already(name)? {
            Some(found) => Ok((found, false)),
            None => Ok((make()?, true)),
        }
    }

    /// Whether the result called `name` is there whole, and its files have the size they had.
    pub fn is_kept(&self, name: &str) -> bool {
        let are_there = |files: &[PartialFile]| files.iter().all(|file| self.has_size(file));
        self.read_if::<IgnoredAny>(name, are_there).is_some()
    }

    fn has_size(&self, file: &PartialFile) -> bool {
        let metadata = fs::metadata(self.staging.join(&file.path));
        metadata.is_ok_and(|metadata| metadata.len() == file.bytes)
    }

    /// Keeps a result, and what it says of the files that belong to it, for another run to take up.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Io`] if it can't be written.
    pub fn keep<T: Serialize>(
        &self,
        name: &str,
        content: &T,
        files: Vec<PartialFile>,
    ) -> Result<()> {
        let path = self.path(name);
        let bytes = seal(&self.job, name, content, files)?;
        // Another process may keep the same result at this moment.
        let beside = path.with_file_name(format!(".{name}.{}", self.attempt));
        fs::write(&beside, bytes)
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|source| io_error("write a partial result", &path, source))
    }

    /// The result called `name` that this run has kept or taken up.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Io`] if something has removed or changed it since.
    pub fn kept<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        self.read_without_files(name).ok_or_else(|| {
            let source = io::Error::from(io::ErrorKind::NotFound);
            io_error("read a partial result again", &self.path(name), source)
        })
    }

    /// The result called `name`, whatever became of its files.
    pub fn read_without_files<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        Some(self.read(name)?.0)
    }

    /// What holds for all of a range of units that a process has left.
    pub fn summary<T: DeserializeOwned>(&self, pass: Pass, units: &Range<u64>) -> Option<T> {
        self.ranges.summary(pass, units)
    }

    /// Units 0 to `units`, without gap or overlap, as their results can be read; not all may be there.
    pub fn cover(&self, pass: Pass, units: u64) -> Vec<Covered> {
        self.ranges.cover(pass, units)
    }

    /// Gathers results called `kind` from unit `first` on in `directory`, to leave them as one file.
    pub(super) fn leave(&self, kind: String, first: u64, directory: &Path) -> Result<Leaving<'_>> {
        Leaving::new(&self.ranges, kind, first, directory)
    }

    pub(super) fn job(&self) -> &JobId {
        &self.job
    }

    /// How many results of an earlier run were taken up.
    pub fn taken_up(&self) -> u64 {
        self.taken_up.load(Ordering::Relaxed)
    }

    /// What a partial says of a file at `path`, which must be below the staging directory.
    pub fn file(&self, path: &Path, written: Written) -> PartialFile {
        let below = path.strip_prefix(&self.staging).unwrap_or(path);
        PartialFile {
            path: below.to_string_lossy().into_owned(),
            bytes: written.bytes,
            xxh3_128: written.digest,
        }
    }

    /// The files that any partial speaks of; those and the partials are worth keeping.
    pub(super) fn files(&self) -> Result<BTreeSet<PathBuf>> {
        let mut kept = BTreeSet::new();
        for (path, _) in list(&self.staging.join(PARTIALS))? {
            let is_alone = path.extension().is_some_and(|suffix| suffix == "json");
            let name = path.file_stem().and_then(|name| name.to_str());
            let name = name.filter(|_| is_alone);
            if let Some((_, files)) = name.and_then(|name| self.read::<IgnoredAny>(name)) {
                kept.extend(files.iter().map(|file| self.staging.join(&file.path)));
                kept.insert(path);
            }
        }
        for (path, files) in self.ranges.files() {
            kept.extend(files.iter().map(|file| self.staging.join(&file.path)));
            kept.insert(path);
        }
        Ok(kept)
    }

    /// What can't be read is as good as missing: the work is done again.
    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<(T, Vec<PartialFile>)> {
        self.read_if(name, |_| true)
    }

    /// The same, if its files are such as is asked for; several attempts may have left some.
    fn read_if<T: DeserializeOwned>(
        &self,
        name: &str,
        are_wanted: impl Fn(&[PartialFile]) -> bool,
    ) -> Option<(T, Vec<PartialFile>)> {
        let alone = fs::read(self.path(name)).ok();
        let alone = alone.and_then(|bytes| unseal(&self.job, name, &bytes));
        let alone = alone.filter(|(_, files): &(T, Vec<PartialFile>)| are_wanted(files));
        alone.or_else(|| {
            let line = self.ranges.read(name, are_wanted)?;
            Some((line.content, line.files))
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.staging.join(PARTIALS).join(format!("{name}.json"))
    }
}

/// A name that no other attempt at a piece of work has, on any machine that shares the directory.
pub(super) fn attempt_name() -> String {
    let random = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.subsec_nanos());
    let host = host_name().replace('/', "_");
    format!("{host}-{}-{nanos}-{}", std::process::id(), random.trim())
}

fn is_unchanged(path: &Path, expected: &PartialFile) -> bool {
    file_digest(path, || true).is_ok_and(|found| found == (expected.bytes, expected.xxh3_128))
}
