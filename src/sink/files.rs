//! Durable files and directories, and errors that name them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::engine::Cancel;
use crate::error::{Error, OutputError, Place, Result};

/// Writes a file whole, replacing what was there, and waits until it is on disk.
///
/// # Errors
/// [`OutputError::Io`] naming the path.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file =
        File::create(path).map_err(|source| io_error("create the file", path, source))?;
    file.write_all(bytes)
        .map_err(|source| io_error("write the file", path, source))?;
    sync_file(&file, path)
}

/// Writes a file beside what is there and puts it in its place by a rename: readers see the old one or
/// the new one, whole.
///
/// # Errors
/// [`OutputError::Io`] naming the path.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = directory.join(format!(".{name}.{}", std::process::id()));
    let written = write_synced(&beside, bytes).and_then(|()| {
        fs::rename(&beside, path).map_err(|source| io_error("rename the file", path, source))
    });
    if written.is_err() {
        // The first error counts; what can't be removed either is a dot file that nothing reads.
        fs::remove_file(&beside).unwrap_or_default();
    }
    written.and_then(|()| sync_directory(directory))
}

/// Waits until a file's bytes are on disk; `path` is for the error.
///
/// # Errors
/// [`OutputError::Io`] naming the path.
pub fn sync_file(file: &File, path: &Path) -> Result<()> {
    file.sync_all()
        .map_err(|source| io_error("sync the file", path, source))
}

/// Waits until the names in a directory are on disk.
pub(super) fn sync_directory(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    match synced {
        // Some network and FUSE filesystems have no such call for directories.
        Err(source) if source.kind() == io::ErrorKind::InvalidInput => Ok(()),
        other => other.map_err(|source| io_error("sync the directory", path, source)),
    }
}

/// Waits until every file and directory of a tree is on disk, leaves first; or until a stop is asked for.
pub(super) fn sync_tree(root: &Path, cancel: &Cancel) -> Result<()> {
    for (path, is_directory) in list(root)? {
        cancel.check()?;
        if is_directory {
            sync_tree(&path, cancel)?;
        } else {
            let file =
                File::open(&path).map_err(|source| io_error("open the file", &path, source))?;
            sync_file(&file, &path)?;
        }
    }
    sync_directory(root)
}

/// The entries of a directory, each with whether it is a directory itself.
pub(super) fn list(directory: &Path) -> Result<Vec<(PathBuf, bool)>> {
    let read = || -> io::Result<Vec<(PathBuf, bool)>> {
        fs::read_dir(directory)?
            .map(|entry| {
                let entry = entry?;
                Ok((entry.path(), entry.file_type()?.is_dir()))
            })
            .collect()
    };
    read().map_err(|source| io_error("list the directory", directory, source))
}

/// Makes one directory; it may exist.
pub(super) fn create_directory(path: &Path) -> Result<()> {
    match fs::create_dir(path) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(io_error("create the directory", path, source))
        }
        _ => Ok(()),
    }
}

/// Removes a file or a whole directory; it may be gone.
pub(super) fn remove(path: &Path, is_directory: bool) -> Result<()> {
    let removed = if is_directory {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(io_error("empty the staging directory", path, source))
        }
        _ => Ok(()),
    }
}

/// An [`OutputError::Io`] at its path.
pub(super) fn io_error(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::from(OutputError::Io { action, source }).at(Place::path(path))
}

/// A file from an offset on, whatever others write elsewhere in it.
pub(super) struct FilePart<'a> {
    pub(super) file: &'a File,
    pub(super) offset: u64,
}

impl Write for FilePart<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.file.write_at(bytes, self.offset)?;
        self.offset += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
