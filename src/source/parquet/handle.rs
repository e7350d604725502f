//! `Handle`: a file that is open while it is read, and closed again when many others have been opened
//! since.
//!
//! A unit may be of a hundred small files, and every thread works on one: all of them open at once
//! would be more than many systems allow. Invariant: the file that is opened again is the one that
//! was open before, or that is an error. Limit: a quarter of the descriptors that the process may
//! have, and those that are being read at this moment.

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use rustix::process::{Resource, getrlimit};

use crate::error::InputError;

/// The handles with an open file, the one opened first in front.
static OPEN: Mutex<VecDeque<Weak<Handle>>> = Mutex::new(VecDeque::new());
/// Most files that stay open, and fewest.
const OPEN_MAX: u64 = 256;
const OPEN_MIN: u64 = 4;

/// One input file.
#[derive(Debug)]
pub(super) struct Handle {
    path: PathBuf,
    identity: Identity,
    file: Mutex<Option<Arc<File>>>,
}

/// What tells a file from another under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Handle {
    /// Opens `path`.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, InputError> {
        let (file, identity) = opened(path, "open the file")?;
        let handle = Arc::new(Self {
            path: path.to_path_buf(),
            identity,
            file: Mutex::new(Some(Arc::new(file))),
        });
        admit(&handle);
        Ok(handle)
    }

    /// Its size when it was opened first.
    pub(super) fn bytes(&self) -> u64 {
        self.identity.bytes
    }

    /// The file, opened again if it was closed meanwhile.
    pub(super) fn file(self: &Arc<Self>) -> Result<Arc<File>, InputError> {
        let mut held = lock(&self.file);
        if let Some(file) = held.as_ref() {
            return Ok(Arc::clone(file));
        }
        let (file, identity) = opened(&self.path, "open the file again")?;
        if identity != self.identity {
            return Err(replaced(self.identity, identity));
        }
        let file = Arc::new(file);
        *held = Some(Arc::clone(&file));
        // No two locks at once: another thread may be about to close this one.
        drop(held);
        admit(self);
        Ok(file)
    }
}

/// Takes note of an open file, and closes the oldest ones beyond the limit.
fn admit(handle: &Arc<Handle>) {
    let mut open = lock(&OPEN);
    open.push_back(Arc::downgrade(handle));
    let too_many = open.len().saturating_sub(open_max());
    let oldest: Vec<Weak<Handle>> = open.drain(..too_many).collect();
    drop(open);
    for handle in oldest.iter().filter_map(Weak::upgrade) {
        lock(&handle.file).take();
    }
}

/// How many files may stay open.
fn open_max() -> usize {
    static MAX: OnceLock<usize> = OnceLock::new();
    *MAX.get_or_init(|| {
        let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        usize::try_from((allowed / 4).clamp(OPEN_MIN, OPEN_MAX)).unwrap_or(4)
    })
}

fn opened(path: &Path, action: &'static str) -> Result<(File, Identity), InputError> {
    let open = || -> io::Result<(File, Metadata)> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok((file, metadata))
    };
    let (file, metadata) = open().map_err(|source| InputError::Io { action, source })?;
    let identity = Identity {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    };
    Ok((file, identity))
}

fn replaced(before: Identity, now: Identity) -> InputError {
    let (what, before, after) = if before.bytes != now.bytes {
        ("size", before.bytes.to_string(), now.bytes.to_string())
    } else if (before.device, before.inode) != (now.device, now.inode) {
        ("inode", before.inode.to_string(), now.inode.to_string())
    } else {
        let time = |(seconds, nanoseconds)| format!("{seconds}.{nanoseconds:09}");
        let (before, now) = (time(before.modified), time(now.modified));
        ("modification time in seconds since 1970", before, now)
    };
    InputError::Changed {
        what,
        before,
        after,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole values are put in and taken out, so a poisoned lock still guards a valid one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn a_closed_file_is_opened_again_and_another_in_its_place_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..600)
            .map(|index| folder.path().join(format!("{index}")))
            .collect();
        for (index, path) in paths.iter().enumerate() {
            std::fs::write(path, format!("{index:04}")).unwrap();
        }
        let handles: Vec<_> = paths
            .iter()
            .map(|path| Handle::open(path).unwrap())
            .collect();
        let is_open = |handle: &&Arc<Handle>| lock(&handle.file).is_some();
        assert!(handles.iter().filter(is_open).count() <= open_max());
        for (index, handle) in handles.iter().enumerate() {
            let mut text = [0; 4];
            handle.file().unwrap().read_exact_at(&mut text, 0).unwrap();
            assert_eq!(text, format!("{index:04}").as_bytes());
        }
        assert!(handles.iter().filter(is_open).count() <= open_max());
        assert!(!is_open(&&handles[0]), "the first is closed by now");
        std::fs::remove_file(&paths[0]).unwrap();
        std::fs::write(&paths[0], "none").unwrap();
        assert!(handles[0].file().is_err());
        assert!(handles[599].file().is_ok());
    }
}
