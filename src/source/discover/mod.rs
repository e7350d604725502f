//! Finding the input files: which entries are read, which are skipped and why, in which order.
//!
//! The result depends on the names and contents of the directories alone, never on the order of the
//! arguments or of the directory listings: files come sorted by relative path, and a file reached
//! twice is read once, under the name that its outermost root gives it. Symbolic links to
//! directories are followed below an argument only on request, and each directory once.
//!
//! Limit: everything found is kept in memory, about 300 bytes a file.

mod arguments;
mod classify;
mod fingerprint;
mod hive;
mod overlap;
mod pattern;
mod planned;
mod recognize;
mod select;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Error, InputError, Result};
use crate::spec::{Format, InputSpec};

pub use classify::{Codec, SkipReason};
pub(crate) use fingerprint::CHANGED_HINT;
pub use fingerprint::{Fingerprint, as_found, fingerprint, unchanged};
pub use planned::as_planned;

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where to open it.
    pub path: PathBuf,
    /// Its path below the root, as stored, components joined by `/`; the split hashes it.
    pub relative: Vec<u8>,
    /// How it is read.
    pub format: Format,
    /// How its bytes are compressed as a whole; always [`Codec::Plain`] for Parquet.
    pub codec: Codec,
    /// Its size when it was found.
    pub bytes: u64,
    /// When it was last modified.
    pub modified: SystemTime,
    /// The `key=value` folders below the root, outermost first, percent-decoded; `None` is Hive's
    /// name for null. Empty unless [`InputSpec::hive`].
    pub hive: Vec<(String, Option<String>)>,
}

impl InputFile {
    /// Whether fields are separated by tabs unless the dialect says otherwise.
    pub fn is_tab_separated(&self) -> bool {
        self.format == Format::Csv && classify::is_tab_separated(&self.relative)
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// Files of one format, sorted by the bytes of their relative paths; at least one.
    pub files: Vec<InputFile>,
    /// The format of all files.
    pub format: Format,
    /// Entries left out; a skipped directory counts once.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Files that turned out to be unreadable and were taken out, sorted by relative path.
    pub bad: Vec<BadFile>,
}

/// A file that can't be read as what it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BadFile {
    /// Its relative path, as [`InputFile::relative`].
    pub relative: Vec<u8>,
    /// Its size.
    pub bytes: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            select::escape_bytes(&self.relative),
            self.reason
        )
    }
}

/// Finds the input files of a job.
///
/// Each path of the spec is a file, a directory (read recursively) or, if no such entry exists, a
/// glob. Relative paths count from a directory itself, a file's parent, or a glob's longest prefix
/// without a wildcard, unless [`InputSpec::root`] is given. A file named in full is taken whatever
/// its extension if [`InputSpec::format`] is given or it begins with the Parquet magic; markers,
/// checksums and empty files are skipped even then.
///
/// ```
/// use prep_stream::source::discover::discover;
/// use prep_stream::spec::InputSpec;
///
/// # let folder = tempfile::tempdir()?;
/// # for name in ["b.csv", "a.csv.gz", ".a.csv.gz.swp"] { std::fs::write(folder.path().join(name), "x")?; }
/// let input = InputSpec::new(vec![folder.path().to_path_buf()]);
/// let found = discover(&input, "standardized".as_ref())?;
/// let names: Vec<&[u8]> = found.files.iter().map(|file| file.relative.as_slice()).collect();
/// assert_eq!(names, [&b"a.csv.gz"[..], b"b.csv"]);
/// assert_eq!(found.skipped.values().sum::<u64>(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A path that doesn't exist, a pattern without matches, an entry that can't be read, formats
/// mixed, one relative path twice, a file that is too young for [`InputSpec::settle`], differing
/// `key=value` folders, an output that overlaps an input, and no files at all.
pub fn discover(input: &InputSpec, output: &Path) -> Result<Discovery> {
    let targets = arguments::resolve(input)?;
    overlap::refuse_output_inside(&targets, output)?;
    let mut found = select::Found::default();
    for target in &targets {
        walk::collect(target, input, &mut found)?;
    }
    overlap::refuse_output_behind(&found.linked, output)?;
    let mut files = select::distinct(found.candidates, &mut found.skipped)?;
    let format = select::settle_format(&mut files, input.format, &mut found.skipped)?;
    if files.is_empty() {
        return Err(no_files(found.searched, &found.skipped));
    }
    overlap::refuse_input_inside(&files, output)?;
    if let Some(settle) = input.settle {
        select::refuse_unsettled(&files, settle, SystemTime::now())?;
    }
    if input.hive {
        hive::read_keys(&mut files)?;
    }
    Ok(Discovery {
        files: files.into_iter().map(|candidate| candidate.file).collect(),
        format,
        skipped: found.skipped,
        bad: Vec::new(),
    })
}

fn no_files(searched: u64, skipped: &BTreeMap<SkipReason, u64>) -> Error {
    let error = Error::from(InputError::NoFiles { searched });
    if skipped.is_empty() {
        return error.hint("check --in");
    }
    let reasons: Vec<String> = skipped
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    let is_link = |reason: &SkipReason| {
        matches!(
            reason,
            SkipReason::LinkOutside | SkipReason::LinkToDirectory
        )
    };
    let follow = match skipped.keys().any(is_link) {
        true => "; --follow-symlinks follows links",
        false => "",
    };
    error.hint(format!("skipped: {}{follow}", reasons.join(", ")))
}
