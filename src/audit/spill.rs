//! `Spill`: a nameless file in the output directory for what doesn't fit the memory budget.
//!
//! Invariant: it has no name once it is open, so that nothing is left of it however the run ends.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{Error, OutputError, Place, Result};

/// A file that only grows, and the place for its errors.
#[derive(Debug)]
pub(super) struct Spill {
    file: File,
    place: Place,
    bytes: u64,
}

/// Where something was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub start: u64,
    pub bytes: usize,
}

impl Spill {
    /// Opens one in `dir`.
    pub(super) fn create(dir: &Path) -> Result<Self> {
        let place = Place::path(dir);
        let file = nameless(dir).map_err(|source| {
            let action = "create a temporary file";
            Error::from(OutputError::Io { action, source })
                .at(place.clone())
                .hint("give the audit more --memory, or make the directory writable")
        })?;
        Ok(Self {
            file,
            place,
            bytes: 0,
        })
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<Extent> {
        let extent = Extent {
            start: self.bytes,
            bytes: bytes.len(),
        };
        self.file
            .write_all_at(bytes, extent.start)
            .map_err(|source| self.failed("write a temporary file", source))?;
        self.bytes += bytes.len() as u64;
        Ok(extent)
    }

    /// Reads back what was appended.
    pub(super) fn read(&self, extent: Extent) -> Result<Vec<u8>> {
        let mut bytes = vec![0; extent.bytes];
        self.file
            .read_exact_at(&mut bytes, extent.start)
            .map_err(|source| self.failed("read a temporary file", source))?;
        Ok(bytes)
    }

    fn failed(&self, action: &'static str, source: std::io::Error) -> Error {
        Error::from(OutputError::Io { action, source }).at(self.place.clone())
    }
}

fn nameless(dir: &Path) -> std::io::Result<File> {
    let flag = i32::try_from(rustix::fs::OFlags::TMPFILE.bits()).unwrap_or(0);
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    let opened = options.clone().custom_flags(flag).mode(0o600).open(dir);
    opened.or_else(|_| {
        // Some network filesystems have no nameless files: a name, gone at once, does as well.
        let path = dir.join(format!(".audit-{}", std::process::id()));
        let file = options.create_new(true).mode(0o600).open(&path)?;
        fs::remove_file(&path)?;
        Ok(file)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_appended_is_read_back_and_leaves_no_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::create(dir.path()).unwrap();
        let first = spill.append(b"abc").unwrap();
        let second = spill.append(b"defgh").unwrap();
        assert_eq!(spill.read(second).unwrap(), b"defgh");
        assert_eq!(spill.read(first).unwrap(), b"abc");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
