//! Ranges: what processes leave of ranges of units, one ledger each, found by unit.
//!
//! Ranges of one pass may overlap, and a damaged one may lie over a whole one: the first that has the unit
//! whole, and its files, counts, since all of them have the same. Limit: the directory is listed once a process, unless
//! it finds what it needs under the name of its own range.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::files::list;
use super::ledger::{Ledger, LedgerWriter};
use crate::artifact::JobId;
use crate::artifact::partial::PartialFile;
use crate::engine::Pass;
use crate::error::Result;

/// Ends the name of every ledger of partials.
const SUFFIX: &str = ".lines";

/// A unit's result, and the files that belong to it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnitLine<T> {
    pub(super) files: Vec<PartialFile>,
    pub(super) content: T,
}

/// Units whose results can be read together, or one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Covered {
    /// A range with what holds for all of it.
    Range(Range<u64>),
    /// A unit that no such range begins at.
    Unit(u64),
}

/// Ranges of one pass.
#[derive(Debug, Default)]
struct Listed {
    /// By first unit.
    ranges: Vec<Range<u64>>,
    /// Units of the longest.
    longest: u64,
}

/// The ledgers of one job.
#[derive(Debug)]
pub(super) struct Ranges {
    directory: PathBuf,
    job: JobId,
    /// What this process is at.
    own: Option<(Pass, Range<u64>)>,
    listed: OnceLock<BTreeMap<String, Listed>>,
}

impl Ranges {
    /// Those in `directory`.
    pub(super) fn new(directory: &Path, job: &JobId, own: Option<(Pass, Range<u64>)>) -> Self {
        Self {
            directory: directory.to_path_buf(),
            job: job.clone(),
            own,
            listed: OnceLock::new(),
        }
    }

    /// The result called `name`, such as `fit-0000012`, if it is there whole in any of them, and its files
    /// are such as is asked for.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        name: &str,
        are_wanted: impl Fn(&[PartialFile]) -> bool,
    ) -> Option<UnitLine<T>> {
        let (kind, number) = name.rsplit_once('-')?;
        let unit: u64 = number.parse().ok()?;
        let line = |range: &Range<u64>| {
            let found: Option<UnitLine<T>> = self.line(kind, range, unit);
            found.filter(|line| are_wanted(&line.files))
        };
        if let Some((pass, own)) = &self.own
            && own.contains(&unit)
        {
            let found = line(own);
            // Of one unit alone there is nothing else, or it is as well done again.
            let is_all = pass.to_string() == kind && own.end - own.start == 1;
            if found.is_some() || is_all {
                return found;
            }
        }
        let listed = self.listed().get(kind)?;
        let after = listed.ranges.partition_point(|range| range.start <= unit);
        let mut before = listed.ranges[..after].iter().rev();
        before
            .by_ref()
            .take_while(|range| unit - range.start < listed.longest)
            .filter(|range| range.contains(&unit))
            .find_map(line)
    }

    /// What holds for all of a range, if it is there whole.
    pub(super) fn summary<T: DeserializeOwned>(&self, pass: Pass, units: &Range<u64>) -> Option<T> {
        self.open(&pass.to_string(), units)?.summary()
    }

    /// Units 0 to `units`, without gap or overlap: the longest range at each place, or the unit alone.
    pub(super) fn cover(&self, pass: Pass, units: u64) -> Vec<Covered> {
        let listed = self.listed().get(&pass.to_string());
        let ranges = listed.map_or(&[][..], |listed| &listed.ranges);
        let mut longest: BTreeMap<u64, u64> = BTreeMap::new();
        for range in ranges.iter().filter(|range| range.end <= units) {
            let end = longest.entry(range.start).or_default();
            *end = range.end.max(*end);
        }
        let mut covered = Vec::new();
        let mut unit = 0;
        while unit < units {
            let next = match longest.get(&unit) {
                Some(end) => Covered::Range(unit..*end),
                None => Covered::Unit(unit),
            };
            unit = match &next {
                Covered::Range(range) => range.end,
                Covered::Unit(unit) => unit + 1,
            };
            covered.push(next);
        }
        covered
    }

    /// Every ledger with a whole result, and the files of all of these.
    pub(super) fn files(&self) -> Vec<(PathBuf, Vec<PartialFile>)> {
        let mut found = Vec::new();
        for (kind, listed) in self.listed() {
            for range in &listed.ranges {
                let lines = range
                    .clone()
                    .filter_map(|unit| self.line::<serde::de::IgnoredAny>(kind, range, unit));
                let lines: Vec<Vec<PartialFile>> = lines.map(|line| line.files).collect();
                if !lines.is_empty() {
                    found.push((self.path(kind, range), lines.concat()));
                }
            }
        }
        found
    }

    fn line<T: DeserializeOwned>(
        &self,
        kind: &str,
        range: &Range<u64>,
        unit: u64,
    ) -> Option<UnitLine<T>> {
        self.open(kind, range)?.line(unit)
    }

    fn open(&self, kind: &str, range: &Range<u64>) -> Option<Ledger> {
        let ledger = Ledger::open(&self.path(kind, range), &self.job, kind, range.start);
        ledger.filter(|ledger| ledger.end() == range.end)
    }

    fn path(&self, kind: &str, range: &Range<u64>) -> PathBuf {
        let Range { start, end } = range;
        self.directory
            .join(format!("{kind}-{start:07}-{end:07}{SUFFIX}"))
    }

    /// What was there when it was first asked for; a directory that can't be listed has none.
    fn listed(&self) -> &BTreeMap<String, Listed> {
        self.listed.get_or_init(|| {
            let mut listed: BTreeMap<String, Listed> = BTreeMap::new();
            for (path, _) in list(&self.directory).unwrap_or_default() {
                let name = path.file_name().and_then(|name| name.to_str());
                if let Some((kind, range)) = name.and_then(parse) {
                    let of_kind = listed.entry(kind.to_owned()).or_default();
                    of_kind.longest = of_kind.longest.max(range.end - range.start);
                    of_kind.ranges.push(range);
                }
            }
            for of_kind in listed.values_mut() {
                of_kind.ranges.sort_by_key(|range| (range.start, range.end));
            }
            listed
        })
    }
}

/// The kind and the units of a ledger with this file name.
fn parse(name: &str) -> Option<(&str, Range<u64>)> {
    let (rest, end) = name.strip_suffix(SUFFIX)?.rsplit_once('-')?;
    let (kind, start) = rest.rsplit_once('-')?;
    let range = start.parse().ok()?..end.parse().ok()?;
    (range.start < range.end && !kind.starts_with('.')).then_some((kind, range))
}

/// The results of a range of units, gathered until they are left as one file.
#[derive(Debug)]
pub struct Leaving<'a> {
    ranges: &'a Ranges,
    kind: String,
    first: u64,
    writer: LedgerWriter,
}

impl<'a> Leaving<'a> {
    /// Gathers results called `kind` from unit `first` on, in a file in `directory` until all are there.
    pub(super) fn new(
        ranges: &'a Ranges,
        kind: String,
        first: u64,
        directory: &Path,
    ) -> Result<Self> {
        let path = directory.join(format!("{kind}{SUFFIX}"));
        Ok(Self {
            writer: LedgerWriter::create(path, &ranges.job, &kind, first)?,
            ranges,
            kind,
            first,
        })
    }

    /// Adds the result of the next unit, and what it says of the files that belong to it.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Io`] if it can't be written.
    pub fn push<T: Serialize>(&mut self, content: &T, files: Vec<PartialFile>) -> Result<()> {
        self.writer.push(&UnitLine { files, content })
    }

    /// Leaves what was gathered, if anything was, and what holds for all of it.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Io`] if it can't be written.
    pub fn finish<T: Serialize>(self, summary: &T) -> Result<()> {
        let units = self.first..self.writer.next();
        if units.is_empty() {
            return Ok(());
        }
        let place = self.ranges.path(&self.kind, &units);
        self.writer.finish(summary, &place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> JobId {
        JobId::of_digit('a')
    }

    /// Leaves ranges whose units hold their own number, and `offset` more.
    fn leave(directory: &Path, units: Range<u64>, offset: u64) {
        let ranges = Ranges::new(directory, &job(), None);
        let mut leaving = Leaving::new(&ranges, "fit".to_owned(), units.start, directory).unwrap();
        for unit in units.clone() {
            leaving.push(&(unit + offset), Vec::new()).unwrap();
        }
        leaving.finish(&units.sum::<u64>()).unwrap();
    }

    fn read(ranges: &Ranges, unit: u64) -> Option<u64> {
        let found = ranges.read(&format!("fit-{unit:07}"), <[PartialFile]>::is_empty)?;
        Some(found.content)
    }

    #[test]
    fn a_unit_is_found_in_any_range_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        for units in [0..2, 1..5, 4..6, 9..10] {
            leave(folder.path(), units, 0);
        }
        let ranges = Ranges::new(folder.path(), &job(), None);
        let found: Vec<_> = (0..11).filter_map(|unit| read(&ranges, unit)).collect();
        assert_eq!(found, [0, 1, 2, 3, 4, 5, 9]);
        assert!(ranges.read::<u64>("write-0000001", |_| true).is_none());
        assert!(ranges.read::<u64>("fit-total", |_| true).is_none());
        assert!(ranges.read::<u64>("fit-0000001", |_| false).is_none());
        assert_eq!(ranges.summary::<u64>(Pass::Fit, &(1..5)), Some(10));
        let cover = [
            Covered::Range(0..2),
            Covered::Unit(2),
            Covered::Unit(3),
            Covered::Range(4..6),
            Covered::Unit(6),
        ];
        assert_eq!(ranges.cover(Pass::Fit, 7), cover);
    }

    #[test]
    fn a_damaged_range_gives_way_to_a_whole_one_and_one_under_another_name_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        leave(folder.path(), 0..4, 0);
        leave(folder.path(), 0..3, 0);
        let whole = std::fs::read(path("fit-0000000-0000004.lines")).unwrap();
        std::fs::write(path("fit-0000000-0000004.lines"), &whole[..whole.len() - 1]).unwrap();
        std::fs::write(path("fit-0000004-0000008.lines"), &whole).unwrap();
        std::fs::write(path("fit-0000000-0000005.lines"), &whole).unwrap();
        let ranges = Ranges::new(folder.path(), &job(), None);
        let found: Vec<_> = (0..9).filter_map(|unit| read(&ranges, unit)).collect();
        assert_eq!(found, [0, 1, 2]);
        assert_eq!(ranges.summary::<u64>(Pass::Fit, &(0..4)), None);
    }

    #[test]
    fn a_process_finds_its_own_range_without_looking_at_others() {
        let folder = tempfile::tempdir().unwrap();
        leave(folder.path(), 3..4, 100);
        leave(folder.path(), 2..6, 0);
        let ranges = Ranges::new(folder.path(), &job(), Some((Pass::Fit, 3..4)));
        assert_eq!(read(&ranges, 3), Some(103));
        assert!(ranges.listed.get().is_none());
        assert_eq!(read(&ranges, 5), Some(5));
    }
}
