//! What a new generation of an output takes over from the one before it: its shards, under a second name
//! where the file system has links, else copied (sharing blocks where it can).
//!
//! Invariant: nothing here changes the output that is there; what is taken over is never written to.

use std::fs::{self, File};
use std::path::Path;

use super::super::commit;
use super::super::files::{create_directory, io_error, remove, sync_file};
use super::super::lock::{Lock, Publishing};
use super::{Destination, OLD, Occupant, Staging};
use crate::error::Result;
use crate::spec::OutputSpec;

impl Staging {
    /// Takes over a file of the output that is there, `path` below it, into the one that is being made.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Io`] if it can be neither linked nor copied.
    pub fn inherit(&self, path: &str) -> Result<()> {
        let (from, to) = (
            self.destination.output.join(path),
            self.out_dir().join(path),
        );
        if let Some(directory) = to.parent() {
            create_directory(directory)?;
        }
        link_or_copy(&from, &to)
    }

    /// Puts the output back that a run with `--overwrite=two-step` has moved away, if it was stopped before
    /// the new one was in its place: there is something to add to, after all.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Locked`] if that run goes on; [`crate::error::OutputError::Io`].
    pub fn recover(spec: &OutputSpec) -> Result<()> {
        let destination = Destination::resolve(&spec.path)?;
        let is_moved = destination.staging.join(OLD).is_dir()
            && matches!(destination.occupant()?, Occupant::Nothing | Occupant::Empty);
        if !is_moved {
            return Ok(());
        }
        let lock = Lock::acquire(&destination.staging, &spec.path, spec.break_lock)?;
        let is_done = Publishing::recorded(&destination.staging)
            .is_some_and(|publishing| publishing.is_done(&destination.output));
        if !is_done {
            commit::restore_old(&destination)?;
        }
        lock.leave()
    }
}

fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    // A name of an earlier attempt may be one of the same file: copying onto that would empty both.
    remove(to, false)?;
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    // No links here, or none between these two, or too many of this file.
    let failed = |source| io_error("take over the shard", from, source);
    fs::copy(from, to).map_err(failed)?;
    sync_file(&File::open(to).map_err(failed)?, to)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_file_gets_a_second_name_however_often_it_is_taken_over() {
        let here = tempfile::tempdir().unwrap();
        let (from, to) = (here.path().join("a"), here.path().join("b"));
        fs::write(&from, b"rows").unwrap();
        for _ in 0..2 {
            link_or_copy(&from, &to).unwrap();
            assert_eq!(fs::metadata(&to).unwrap().nlink(), 2);
            assert_eq!(fs::read(&to).unwrap(), b"rows");
        }
        assert!(link_or_copy(&here.path().join("none"), &to).is_err());
    }

    #[test]
    fn between_two_file_systems_a_file_is_copied() {
        let memory = Path::new("/dev/shm");
        let here = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
        if device(memory).is_none() || device(memory) == device(here.path()) {
            eprintln!("skipped: no second file system");
            return;
        }
        let there = tempfile::tempdir_in(memory).unwrap();
        let (from, to) = (there.path().join("a"), here.path().join("a"));
        fs::write(&from, b"rows").unwrap();
        link_or_copy(&from, &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"rows");
    }
}
