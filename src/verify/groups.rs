//! The sides of whole groups whose classes keep their shares, again: `--stratify` with `group:`.
//!
//! Keys are counted by class in ranges of their hashes, as many as it takes for one to fit: all ranges once for
//! the rows of each class, and once more for the side of each group, unless one range holds all. Limit: the
//! hashes of test and of val groups are held, 8 bytes each; with folds, those of all folds but the last.

use std::collections::BTreeMap;

use super::ranks::{Exact, HeldOut, Read, held_out, shares};
use super::rows::Span;
use super::sides::{TEST, TRAIN, VAL};
use crate::engine::Memory;
use crate::error::Result;
use crate::source::discover::InputFile;

const KEY_BYTES: u64 = 8;
/// What of the memory the counts of a range may take, and the keys that are held: a fifth each.
const SHARE: u64 = 5;
/// The fewest counts that are worth a range.
const COUNTS_MIN: usize = 1 << 12;

/// Sides of whole groups.
#[derive(Debug)]
pub(super) struct Grouped {
    pub(super) exact: Exact,
    /// Hashes of the keys of test and val, ascending, once they are known.
    test: Vec<u64>,
    val: Vec<u64>,
    /// Likewise of each fold but the last.
    pub(super) folds: Vec<Vec<u64>>,
}

/// How many rows of one key have one class: key, class, rows.
pub(super) type Count = (u64, u64, u64);

/// What counts and keys may take of the memory.
#[derive(Clone, Copy)]
pub(super) struct Room<'a> {
    memory: &'a Memory,
    bytes: u64,
}

impl<'a> Room<'a> {
    pub(super) fn new(memory: &'a Memory, memory_max: u64) -> Self {
        let bytes = memory_max / SHARE;
        Self { memory, bytes }
    }

    /// The most counts of a range.
    pub(super) fn counts_max(self) -> usize {
        let counts = self.bytes / size_of::<Count>() as u64;
        usize::try_from(counts)
            .unwrap_or(usize::MAX)
            .max(COUNTS_MIN)
    }

    /// Makes sure that so many keys can be held.
    pub(super) fn check_keys(self, keys: usize) -> Result<()> {
        let held = keys as u64 * KEY_BYTES;
        let what = || "the keys of the groups held out".to_owned();
        self.memory
            .check_worker_fits(held.saturating_sub(self.bytes), what)
    }
}

/// How far the groups of a class have come.
struct Filling {
    part: HeldOut,
    rows: u64,
    side: u8,
}

/// Bytes that are held of keys within `memory_max`.
pub(super) fn keys_bytes(memory_max: u64) -> u64 {
    2 * (memory_max / SHARE)
}

impl Grouped {
    /// No group has a side yet.
    pub(super) fn new(exact: Exact) -> Self {
        Self {
            exact,
            test: Vec::new(),
            val: Vec::new(),
            folds: Vec::new(),
        }
    }

    /// The side of the key with this hash.
    pub(super) fn side(&self, hash: u64) -> u8 {
        let is_in = |keys: &[u64]| keys.binary_search(&hash).is_ok();
        match (is_in(&self.test), is_in(&self.val)) {
            (true, _) => TEST,
            (false, true) => VAL,
            (false, false) => TRAIN,
        }
    }

    /// Finds the side of every group; `hashes` gives those of the keys of a span's rows. `None` if there
    /// are fewer rows than asked for.
    ///
    /// # Errors
    /// When a column can't be read, or the keys don't fit the memory.
    pub(super) fn settle(
        &mut self,
        inputs: &[InputFile],
        read: &mut Read<'_>,
        hashes: impl Fn(&Span<'_>) -> Result<Vec<u64>>,
        room: Room<'_>,
    ) -> Result<Option<()>> {
        self.exact.edges = self.exact.edges_of_bins(inputs, read)?;
        if let Some(folds) = self.exact.folds {
            self.settle_folds(inputs, read, hashes, (folds, room))?;
            return Ok(Some(()));
        }
        let counts_max = room.counts_max();
        let mut ranges = 1_u128;
        let (classes, mut all) = loop {
            let mut classes: BTreeMap<u64, u64> = BTreeMap::new();
            let mut last = None;
            for range in 0..ranges {
                let of = (range, ranges, counts_max);
                last = self.counts(inputs, read, &hashes, of)?;
                let Some(counts) = &last else {
                    break;
                };
                for (_, class, rows) in groups(counts) {
                    *classes.entry(class).or_default() += rows;
                }
            }
            match last {
                Some(counts) => break (classes, (ranges == 1).then_some(counts)),
                None => ranges *= 2,
            }
        };
        let Some(mut fillings) = self.fillings(&classes) else {
            return Ok(None);
        };
        for range in 0..ranges {
            let counts = match all.take() {
                Some(counts) => Some(counts),
                None => self.counts(inputs, read, &hashes, (range, ranges, counts_max))?,
            };
            for (hash, class, rows) in groups(&counts.unwrap_or_default()) {
                match fillings.get_mut(&class).map(|filling| filling.side(rows)) {
                    Some(TEST) => self.test.push(hash),
                    Some(VAL) => self.val.push(hash),
                    _ => {}
                }
            }
            room.check_keys(self.test.len() + self.val.len())?;
        }
        Ok(Some(()))
    }

    /// What each class is to give to test and val; `None` if there are fewer rows than asked for.
    fn fillings(&self, classes: &BTreeMap<u64, u64>) -> Option<BTreeMap<u64, Filling>> {
        let sizes: Vec<u64> = classes.values().copied().collect();
        let all = held_out(self.exact.test, self.exact.val, sizes.iter().sum())?;
        let parts = shares(&sizes, all).into_iter().map(|part| Filling {
            part,
            rows: 0,
            side: TEST,
        });
        Some(classes.keys().copied().zip(parts).collect())
    }

    /// The counts of the keys in one of so many ranges, ascending; `None` if there are more of them.
    pub(super) fn counts(
        &self,
        inputs: &[InputFile],
        read: &mut Read<'_>,
        hashes: impl Fn(&Span<'_>) -> Result<Vec<u64>>,
        (range, ranges, counts_max): (u128, u128, usize),
    ) -> Result<Option<Vec<Count>>> {
        let mut counts: Vec<Count> = Vec::new();
        let mut is_full = false;
        self.exact.each_hash(inputs, read, hashes, |class, hash| {
            if is_full || (u128::from(hash) * ranges) >> 64 != range {
                return;
            }
            counts.push((hash, class, 1));
            if counts.len() >= counts_max {
                add_up(&mut counts);
                is_full = counts.len() > counts_max / 2;
            }
        })?;
        add_up(&mut counts);
        Ok((!is_full).then_some(counts))
    }
}

impl Filling {
    /// The side of the next group: test up to where its rows are nearest to what test is to have, then val
    /// up to where those of both are.
    fn side(&mut self, rows: u64) -> u8 {
        let (without, with) = (self.rows, self.rows + rows);
        self.rows = with;
        let comes_nearer = |wanted: u64| with.abs_diff(wanted) < without.abs_diff(wanted);
        if self.side == TEST && !comes_nearer(self.part.test) {
            self.side = VAL;
        }
        if self.side == VAL && !comes_nearer(self.part.both) {
            self.side = TRAIN;
        }
        self.side
    }
}

/// Sorts counts and makes one of those of one key and class.
fn add_up(counts: &mut Vec<Count>) {
    counts.sort_unstable();
    counts.dedup_by(|next, kept| {
        let is_same = (next.0, next.1) == (kept.0, kept.1);
        kept.2 += if is_same { next.2 } else { 0 };
        is_same
    });
}

/// Each group: its key's hash, the class of most of its rows, of several the lowest, and its rows.
fn groups(counts: &[Count]) -> impl Iterator<Item = (u64, u64, u64)> {
    counts.chunk_by(|one, next| one.0 == next.0).map(|group| {
        let mut most = (0, 0);
        for (_, class, rows) in group {
            if *rows > most.1 {
                most = (*class, *rows);
            }
        }
        let hash = group.first().map_or(0, |count| count.0);
        (hash, most.0, group.iter().map(|count| count.2).sum())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::text::TextBatch;
    use crate::verify::ranks::Size;
    use crate::verify::sides::mix;

    /// The keys of test and val for keys of these hashes, one a row, and how often they were read.
    fn held(keys: &[u64], memory_max: u64) -> (Vec<u64>, Vec<u64>, usize) {
        let mut grouped = Grouped::new(Exact {
            test: Size::Share(2 * 10_u64.pow(17)),
            val: Size::Share(10_u64.pow(17)),
            seed: 42,
            stratify: None,
            edges: Vec::new(),
            folds: None,
            thresholds: BTreeMap::new(),
        });
        let batch = TextBatch {
            first_row: 0,
            rows: keys.len(),
            columns: Vec::new(),
            source_bytes: 0,
            source_digest: 0,
        };
        let mut readings = 0;
        let mut read = |take: &mut dyn FnMut(&Span<'_>, &[bool]) -> Result<()>| {
            readings += 1;
            let (names, input) = (&[][..], 0);
            let span = Span::Text {
                batch: &batch,
                names,
                input,
            };
            take(&span, &vec![true; keys.len()])
        };
        let memory = Memory::new(1 << 30, 1);
        let room = Room::new(&memory, memory_max);
        let settled = grouped.settle(&[], &mut read, |_| Ok(keys.to_vec()), room);
        assert_eq!(settled.unwrap(), Some(()));
        (grouped.test, grouped.val, readings)
    }

    #[test]
    fn keys_that_do_not_fit_at_once_are_counted_range_by_range_and_get_the_same_sides() {
        let keys: Vec<u64> = (0..30_000).map(|row| mix(row % 9000)).collect();
        let (test, val, once) = held(&keys, 1 << 30);
        assert_eq!(once, 1);
        assert!((1700..1900).contains(&test.len()), "{}", test.len());
        assert!(test.last() < val.first());
        let (same_test, same_val, readings) = held(&keys, 0);
        assert!((same_test, same_val) == (test, val));
        assert!(readings > 8, "{readings}");
    }

    #[test]
    fn a_group_has_the_class_of_most_of_its_rows_and_of_several_the_lowest() {
        let mut counts = vec![
            (5, 2, 1),
            (3, 9, 1),
            (5, 1, 1),
            (3, 9, 1),
            (3, 4, 1),
            (5, 2, 1),
            (5, 1, 1),
        ];
        add_up(&mut counts);
        assert_eq!(counts, [(3, 4, 1), (3, 9, 2), (5, 1, 2), (5, 2, 2)]);
        assert_eq!(groups(&counts).collect::<Vec<_>>(), [(3, 9, 3), (5, 1, 4)]);
    }

    #[test]
    fn groups_fill_test_then_val_as_nearly_as_they_are_large() {
        let sides = |test, both, groups: &[u64]| -> Vec<u8> {
            let (part, rows, side) = (HeldOut { test, both }, 0, TEST);
            let mut filling = Filling { part, rows, side };
            groups.iter().map(|rows| filling.side(*rows)).collect()
        };
        assert_eq!(sides(10, 15, &[6, 6, 4, 9]), [TEST, TEST, VAL, TRAIN]);
        assert_eq!(sides(3, 3, &[4, 1, 1]), [TEST, TRAIN, TRAIN]);
        assert_eq!(sides(2, 4, &[4, 1, 1]), [VAL, TRAIN, TRAIN]);
    }
}
