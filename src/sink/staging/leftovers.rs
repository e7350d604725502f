//! What stays in the staging directory after a run, and what doesn't.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::super::files::{io_error, list, remove};
use super::super::lock::{LOCK_NAME, Lock};
use super::super::partials::PARTIALS;
use super::{CACHE, Destination, OLD, Staging, probe};
use crate::error::{Error, ErrorKind, InputError, OutputError, Result, escape_path};
use crate::spec::Overwrite;

/// Makes sure that the output may be made. Where it may not, an empty staging directory goes: a run
/// that was stopped at its very end leaves one, and nobody else would remove it.
pub(super) fn admitted(destination: &Destination, overwrite: Overwrite) -> Result<()> {
    destination.admit(overwrite).inspect_err(|_| {
        std::fs::remove_dir(&destination.staging).unwrap_or_default();
    })
}

/// Removes all but the lock, an old generation, which only a completed commit removes, and what
/// `is_kept` wants.
pub(super) fn empty(staging: &Path, is_kept: impl Fn(&str) -> bool) -> Result<()> {
    for (path, is_directory) in list(staging)? {
        let name = path.file_name().and_then(|name| name.to_str());
        if !name.is_some_and(|name| name == LOCK_NAME || name == OLD || is_kept(name)) {
            remove(&path, is_directory)?;
        }
    }
    Ok(())
}

/// Removes what no run makes below `path`: links, special files, and files that have a second name
/// elsewhere. Writing to one of those would write outside of the staging directory.
pub(super) fn keep_plain(path: &Path) -> Result<()> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(io_error("look at the file", path, source)),
    };
    if metadata.is_dir() {
        return list(path)?
            .iter()
            .try_for_each(|(path, _)| keep_plain(path));
    }
    match metadata.is_file() && metadata.nlink() == 1 {
        true => Ok(()),
        false => remove(path, false),
    }
}

/// Removes the old generation of `--overwrite=two-step` once the new one is in its place.
pub(super) fn remove_old(staging: &Path) -> Result<()> {
    let old = staging.join(OLD);
    match old.is_dir() {
        true => remove(&old, true),
        false => Ok(()),
    }
}

/// Removes every file below `root` that is not among `files`.
pub(super) fn keep_only(root: &Path, files: &BTreeSet<PathBuf>) -> Result<()> {
    for (path, is_directory) in list(root)? {
        if is_directory {
            keep_only(&path, files)?;
        } else if !files.contains(&path) {
            remove(&path, false)?;
        }
    }
    Ok(())
}

/// Bytes of all files below `root`.
pub(super) fn bytes_below(root: &Path) -> Result<u64> {
    let mut bytes = 0;
    for (path, is_directory) in list(root)? {
        bytes += if is_directory {
            bytes_below(&path)?
        } else {
            let metadata = std::fs::symlink_metadata(&path);
            metadata
                .map_err(|source| io_error("look at the file", &path, source))?
                .len()
        };
    }
    Ok(bytes)
}

/// Removes the directory, the lock last.
pub(super) fn remove_staging(staging: &Path, lock: Lock) -> Result<()> {
    empty(staging, |_| false)?;
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
pub(super) fn after_removal(error: Error, staging: &Path, lock: Lock) -> Error {
    match remove_staging(staging, lock) {
        Ok(()) => error,
        Err(left) => error.hint(format!("the staging directory is left: {}", left.kind())),
    }
}

/// Keeps what the same command can go on with, if it may succeed another time.
pub(super) fn after_failure(error: Error, staged: Staging) -> Error {
    if let Err(lost) = staged.lock.check_held(&staged.destination.given) {
        // Everything here is the other run's by now.
        return lost;
    }
    let staging = staged.destination.staging.clone();
    let room = free_space(&error, &staged);
    let is_kept = may_succeed_later(&error) && keep_finished(&staged);
    if !is_kept {
        let error = after_removal(error, &staging, staged.lock);
        return match room {
            Some(room) => error.hint(room),
            None => error,
        };
    }
    let kept = format!(
        "the same command goes on with the finished work in \"{}\"",
        escape_path(&staging)
    );
    let left = staged
        .lock
        .leave()
        .err()
        .map(|left| left.kind().to_string());
    let hints: Vec<String> = room.into_iter().chain([kept]).chain(left).collect();
    error.hint(hints.join("; "))
}

/// What to say of a full disk: how full, and what was expected.
fn free_space(error: &Error, staged: &Staging) -> Option<String> {
    let is_full = matches!(
        error.kind(),
        ErrorKind::Output(OutputError::Io { source, .. })
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    );
    let free = is_full.then(|| probe::free_bytes(&staged.destination.staging).ok())??;
    let needed = staged.needed.get();
    Some(format!(
        "{free} bytes are free, the run needed {needed} or more: free some space and run again"
    ))
}

/// Whether the fault lies outside the job: a signal, the disk, a budget, a file system that is away, a
/// unit of another process or the process of a unit,
/// or a label that no network can be trained to predict, which the job can do without.
fn may_succeed_later(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Interrupted { .. }
            | ErrorKind::Budget { .. }
            | ErrorKind::Isolated { .. }
            | ErrorKind::Train(_)
            | ErrorKind::Output(
                OutputError::Io { .. }
                    | OutputError::NoSpace { .. }
                    | OutputError::WorkMissing { .. }
            )
            | ErrorKind::Input(InputError::Io { .. })
    )
}

/// Removes unfinished files; says whether any work was finished. Half of a clean-up is no harm: the
/// next run checks every file that it takes up.
fn keep_finished(staged: &Staging) -> bool {
    let keep = || -> Result<bool> {
        let files = staged.partials.files()?;
        let staging = &staged.destination.staging;
        for directory in [
            staged.out_dir(),
            staging.join(CACHE),
            staging.join(PARTIALS),
        ] {
            keep_only(&directory, &files)?;
        }
        Ok(!files.is_empty())
    };
    keep().unwrap_or(false)
}
