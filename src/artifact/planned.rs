//! Planned units: what the work directory says of each unit, so that a process opens only the files of its
//! own, and knows them again. Units of text are read from the cache, where planning has left it as columns.
//!
//! Lines of a ledger ([`super::ledger`]): one a unit, and one for all of them.

use serde::{Deserialize, Serialize};

use super::manifest::hex128;
use super::{escape_name, unescape_name};
use crate::source::discover::{Fingerprint, InputFile};

/// An input file as it was planned with, in a few bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// Which of the bases its path begins with, if it does.
    #[serde(rename = "base")]
    base: usize,
    /// Its path below the root, escaped.
    #[serde(rename = "path")]
    relative: String,
    /// Where it is below its base, if that is something else.
    #[serde(rename = "at", default, skip_serializing_if = "Option::is_none")]
    below: Option<String>,
    bytes: u64,
    modified_ns: i64,
    #[serde(with = "hex128")]
    digest: u128,
}

/// A file of the cache, where text is columns: found below the work directory, wherever that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStore {
    /// Its name in the cache.
    pub name: String,
    /// Number of the input, among all, whose rows it holds.
    pub input: usize,
    /// Index of its first row in that input.
    pub first_row: u64,
    /// Its size.
    pub bytes: u64,
    /// XXH3-128 of its bytes.
    #[serde(with = "hex128")]
    pub xxh3_128: u128,
}

/// A unit: its files, and which row groups of the first and the last of them are its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedUnit {
    /// Number of the first of `files` among all inputs; the others follow it.
    pub first_input: usize,
    /// Every input from the first to the last that has rows of it.
    pub files: Vec<PlannedFile>,
    /// Of text: number of the first of `stores` among all files of the cache; the others follow it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub first_store: usize,
    /// Of text: every file of the cache from the first to the last that has rows of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stores: Vec<PlannedStore>,
    /// The input and the row group that it begins with; of text, the file of the cache.
    pub first: (usize, usize),
    /// Those that it ends with.
    pub last: (usize, usize),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What holds for all units.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTable {
    /// Rows of all units.
    pub rows: u64,
    /// Their bytes before compression.
    #[serde(default)]
    pub bytes: u64,
    /// Directories that paths begin with, escaped.
    pub bases: Vec<String>,
    /// One file of each schema there is, in order: they settle the schema of the table.
    pub schemas: Vec<(usize, PlannedFile)>,
    /// The same of text: files of the cache.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached: Vec<PlannedStore>,
}

impl PlannedTable {
    /// The directory that `file`'s path begins with, and its place below.
    fn base_of(file: &InputFile) -> (Vec<u8>, Option<String>) {
        use std::os::unix::ffi::OsStrExt;
        let path = file.path.as_os_str().as_bytes();
        let rest = path.strip_suffix(file.relative.as_slice());
        match rest.and_then(|rest| rest.strip_suffix(b"/")) {
            Some(base) => (base.to_vec(), None),
            None => {
                let name = file.path.file_name().unwrap_or_default().as_bytes();
                let base = path.strip_suffix(name).unwrap_or(path);
                let base = base.strip_suffix(b"/").unwrap_or(base);
                (base.to_vec(), Some(escape_name(name)))
            }
        }
    }

    /// Takes note of a file, and where it is.
    pub fn file(&mut self, file: &InputFile, print: &Fingerprint) -> PlannedFile {
        let (base, below) = Self::base_of(file);
        let base = escape_name(&base);
        // There are few, and neighbours share one.
        let known = self.bases.iter().rposition(|known| *known == base);
        let base = known.unwrap_or_else(|| {
            self.bases.push(base);
            self.bases.len() - 1
        });
        PlannedFile {
            base,
            relative: escape_name(&file.relative),
            below,
            bytes: print.bytes,
            modified_ns: print.modified_ns,
            digest: print.digest,
        }
    }

    /// Where a file is, its path below the root, and what it was; `None` if no such thing was written.
    pub fn found(&self, file: &PlannedFile) -> Option<(Vec<u8>, Vec<u8>, Fingerprint)> {
        let relative = unescape_name(&file.relative)?;
        let mut path = unescape_name(self.bases.get(file.base)?)?;
        path.push(b'/');
        match &file.below {
            Some(below) => path.extend(unescape_name(below)?),
            None => path.extend_from_slice(&relative),
        }
        let print = Fingerprint {
            bytes: file.bytes,
            modified_ns: file.modified_ns,
            digest: file.digest,
        };
        Some((path, relative, print))
    }
}
