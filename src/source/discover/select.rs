//! From candidates to the list: each file once, one format, no two of one relative path, none young.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::InputFile;
use super::classify::SkipReason;
use crate::error::{Error, InputError, Place, Result, escape_path};
use crate::spec::Format;

/// A file that may be read, with what tells it from the same file under another name.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Its path without links and dots.
    pub(super) real: PathBuf,
    /// Whether its last component is a symbolic link.
    pub(super) is_link: bool,
    /// The file.
    pub(super) file: InputFile,
}

/// What the walks gathered.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files, in no order.
    pub(super) candidates: Vec<Candidate>,
    /// Entries left out so far.
    pub(super) skipped: BTreeMap<SkipReason, u64>,
    /// Directories that links led to, without links and dots.
    pub(super) linked: BTreeSet<PathBuf>,
    /// Entries looked at.
    pub(super) searched: u64,
    /// Entries that a glob matched.
    pub(super) matched: u64,
}

impl Found {
    /// Counts one entry that is left out.
    pub(super) fn skip(&mut self, reason: SkipReason) {
        count(&mut self.skipped, reason, 1);
    }
}

fn count(skipped: &mut BTreeMap<SkipReason, u64>, reason: SkipReason, entries: usize) {
    if entries > 0 {
        *skipped.entry(reason).or_default() += entries as u64;
    }
}

/// Keeps each file once and sorts by relative path.
///
/// Of several names the one that is no link wins, then the one with the longest relative path (its
/// root is the outermost): the arguments' order must not move rows between sides.
pub(super) fn distinct(
    mut candidates: Vec<Candidate>,
    skipped: &mut BTreeMap<SkipReason, u64>,
) -> Result<Vec<Candidate>> {
    let before = candidates.len();
    candidates.sort_by(|a, b| rank(a).cmp(&rank(b)));
    candidates.dedup_by(|later, kept| later.real == kept.real);
    count(skipped, SkipReason::Duplicate, before - candidates.len());
    candidates.sort_by(|a, b| a.file.relative.cmp(&b.file.relative));
    for pair in candidates.windows(2) {
        let [first, second] = [&pair[0].file, &pair[1].file];
        if first.relative == second.relative {
            return Err(Error::from(InputError::SameRelativePath {
                relative: escape_bytes(&first.relative),
                first: escape_path(&first.path),
                second: escape_path(&second.path),
            })
            .hint("give a directory that holds both as --root"));
        }
    }
    Ok(candidates)
}

/// Orders the names of one file, best first.
fn rank(candidate: &Candidate) -> (&Path, bool, Reverse<usize>, &[u8], &Path) {
    let relative = candidate.file.relative.as_slice();
    (
        &candidate.real,
        candidate.is_link,
        Reverse(relative.len()),
        relative,
        &candidate.file.path,
    )
}

/// Keeps the files of the wanted format, or makes sure that there is only one.
pub(super) fn settle_format(
    candidates: &mut Vec<Candidate>,
    wanted: Option<Format>,
    skipped: &mut BTreeMap<SkipReason, u64>,
) -> Result<Format> {
    if let Some(wanted) = wanted {
        let before = candidates.len();
        candidates.retain(|candidate| candidate.file.format == wanted);
        count(skipped, SkipReason::OtherFormat, before - candidates.len());
        return Ok(wanted);
    }
    let first_of = |format: Format| {
        let mut files = candidates.iter().map(|candidate| &candidate.file);
        files.find(|file| file.format == format)
    };
    match (first_of(Format::Parquet), first_of(Format::Csv)) {
        (Some(parquet), Some(csv)) => Err(Error::from(InputError::MixedFormats {
            parquet: escape_path(&parquet.path),
            csv: escape_path(&csv.path),
        })
        .hint("choose one with --format parquet or --format csv")),
        (None, Some(_)) => Ok(Format::Csv),
        _ => Ok(Format::Parquet),
    }
}

/// Refuses files that something may still be writing.
pub(super) fn refuse_unsettled(
    candidates: &[Candidate],
    settle: Duration,
    now: SystemTime,
) -> Result<()> {
    for Candidate { file, .. } in candidates {
        // A time in the future counts as "just now".
        let age = now.duration_since(file.modified).unwrap_or_default();
        if age < settle {
            return Err(Error::from(InputError::Unsettled {
                age: humantime::format_duration(Duration::from_secs(age.as_secs())).to_string(),
                settle: humantime::format_duration(settle).to_string(),
            })
            .at(Place::path(&file.path))
            .hint("run again once whatever writes it is done, or lower --settle"));
        }
    }
    Ok(())
}

/// Bytes of a relative path as messages print them.
pub(super) fn escape_bytes(bytes: &[u8]) -> String {
    use std::os::unix::ffi::OsStrExt;
    escape_path(Path::new(std::ffi::OsStr::from_bytes(bytes)))
}
