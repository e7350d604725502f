//! The folds of whole groups whose classes keep their shares, again: `--folds` with `--stratify` and `group:`.
//!
//! Read twice, or range by range as with sides: for the rows of each class and the largest groups; and to deal.

use std::collections::BTreeMap;

use super::groups::{Count, Grouped, Room};
use super::ranks::Read;
use super::rows::Span;
use crate::error::Result;
use crate::source::discover::InputFile;

/// Counts of the groups that are dealt before all others, at most.
const FIRST_COUNTS: usize = 65_536;

/// A group by its rows, its hash and its counts.
type Group = (u64, u64, Vec<Count>);

/// The rows of each class, and the groups that are dealt first.
type ClassesAndFirst = (BTreeMap<u64, u64>, Vec<Group>);

/// The groups that are dealt first, among those seen so far.
#[derive(Default)]
struct First {
    groups: Vec<Group>,
    counts: usize,
    /// Rows and hash of the one at which they end: it and what comes after it are dealt by their hashes.
    end: Option<(u64, u64)>,
}

/// What is dealt.
struct Dealing {
    /// Rows of each class.
    all: BTreeMap<u64, u64>,
    /// The same of each fold.
    of_folds: Vec<BTreeMap<u64, u64>>,
    rows: Vec<u64>,
}

impl Grouped {
    /// The fold of the key with this hash.
    pub(super) fn fold(&self, hash: u64) -> usize {
        let is_in = |keys: &Vec<u64>| keys.binary_search(&hash).is_ok();
        let fold = self.folds.iter().position(is_in);
        fold.unwrap_or(self.folds.len())
    }

    /// Finds the fold of every group.
    ///
    /// # Errors
    /// When a column can't be read, or the keys don't fit the memory.
    pub(super) fn settle_folds(
        &mut self,
        inputs: &[InputFile],
        read: &mut Read<'_>,
        hashes: impl Fn(&Span<'_>) -> Result<Vec<u64>>,
        (folds, room): (usize, Room<'_>),
    ) -> Result<()> {
        let counts_max = room.counts_max();
        let mut ranges = 1_u128;
        let (all, first) = loop {
            let of = (ranges, counts_max);
            match self.classes_and_first(inputs, read, &hashes, of)? {
                Some(found) => break found,
                None => ranges *= 2,
            }
        };
        let mut dealing = Dealing {
            all,
            of_folds: vec![BTreeMap::new(); folds],
            rows: vec![0; folds],
        };
        let dealt = first.into_iter();
        let dealt = dealt.map(|(_, hash, group)| (hash, dealing.fold(&group)));
        let dealt: BTreeMap<u64, usize> = dealt.collect();
        self.folds = vec![Vec::new(); folds.saturating_sub(1)];
        for range in 0..ranges {
            let of = (range, ranges, counts_max);
            let counts = self.counts(inputs, read, &hashes, of)?.unwrap_or_default();
            for group in by_key(&counts) {
                let hash = group[0].0;
                let fold = dealt.get(&hash).copied();
                let fold = fold.unwrap_or_else(|| dealing.fold(group));
                self.folds
                    .get_mut(fold)
                    .into_iter()
                    .for_each(|keys| keys.push(hash));
            }
            room.check_keys(self.folds.iter().map(Vec::len).sum())?;
        }
        Ok(())
    }

    /// The rows of each class, and the groups that are dealt first; `None` if one of so many ranges has too
    /// many counts.
    fn classes_and_first(
        &self,
        inputs: &[InputFile],
        read: &mut Read<'_>,
        hashes: impl Fn(&Span<'_>) -> Result<Vec<u64>>,
        (ranges, counts_max): (u128, usize),
    ) -> Result<Option<ClassesAndFirst>> {
        let (mut all, mut first) = (BTreeMap::new(), First::default());
        for range in 0..ranges {
            let of = (range, ranges, counts_max);
            let Some(counts) = self.counts(inputs, read, &hashes, of)? else {
                return Ok(None);
            };
            for (_, class, rows) in &counts {
                *all.entry(*class).or_insert(0) += rows;
            }
            by_key(&counts).for_each(|group| first.add(group));
        }
        Ok(Some((all, first.finish())))
    }
}

impl First {
    fn add(&mut self, group: &[Count]) {
        let rows = group.iter().map(|(_, _, rows)| rows).sum();
        let hash = group[0].0;
        if self.end.is_none_or(|end| is_before((rows, hash), end)) {
            self.counts += group.len();
            self.groups.push((rows, hash, group.to_vec()));
        }
        if self.counts > 4 * FIRST_COUNTS {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.groups
            .sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut counts = 0;
        let fitting = self.groups.iter().take_while(|(_, _, group)| {
            counts += group.len();
            counts <= FIRST_COUNTS
        });
        let fitting = fitting.count();
        if let Some((rows, hash, _)) = self.groups.get(fitting) {
            self.end = Some((*rows, *hash));
        }
        self.groups.truncate(fitting);
        self.counts = self.groups.iter().map(|(_, _, group)| group.len()).sum();
    }

    /// The groups, in the order in which they are dealt.
    fn finish(mut self) -> Vec<Group> {
        self.cut();
        self.groups
    }
}

/// Whether a group, by its rows and its hash, is dealt before another.
fn is_before(one: (u64, u64), other: (u64, u64)) -> bool {
    one.0 > other.0 || (one.0 == other.0 && one.1 < other.1)
}

impl Dealing {
    /// The fold in which the squares of the shares grow least; of several that with fewest rows, or the first.
    fn fold(&mut self, group: &[Count]) -> usize {
        let growth = |fold: usize| {
            group.iter().fold(0.0, |sum, (_, class, rows)| {
                let there = self.of_folds[fold].get(class).copied().unwrap_or(0) as f64;
                let all = self.all.get(class).copied().unwrap_or(1) as f64;
                sum + there * *rows as f64 / (all * all)
            })
        };
        let folds = (0..self.rows.len()).map(|fold| (growth(fold), self.rows[fold], fold));
        let best = folds.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let fold = best.map_or(0, |(_, _, fold)| fold);
        for (_, class, rows) in group {
            self.rows[fold] += rows;
            *self.of_folds[fold].entry(*class).or_insert(0) += rows;
        }
        fold
    }
}

fn by_key(counts: &[Count]) -> impl Iterator<Item = &[Count]> {
    counts.chunk_by(|one, next| one.0 == next.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_end_at_the_first_that_does_not_fit_whatever_the_order() {
        let size = |hash: u64| hash * 7919 % 1000 + 2;
        let group = |hash: u64| [(hash, 0, size(hash) - 1), (hash, 1, 1)];
        let first = |order: &mut dyn Iterator<Item = u64>| {
            let mut first = First::default();
            order.for_each(|hash| first.add(&group(hash)));
            let groups = first.finish().into_iter();
            groups.map(|(_, hash, _)| hash).collect::<Vec<_>>()
        };
        let mut expected: Vec<u64> = (0..400_000).collect();
        expected.sort_by_key(|hash| (std::cmp::Reverse(size(*hash)), *hash));
        expected.truncate(FIRST_COUNTS / 2);
        assert!(first(&mut (0..400_000)) == expected);
        assert!(first(&mut (0..400_000).rev()) == expected);
    }

    #[test]
    fn a_group_goes_where_its_classes_are_scarce() {
        let mut dealing = Dealing {
            all: BTreeMap::from([(7, 6), (8, 2)]),
            of_folds: vec![BTreeMap::new(); 2],
            rows: vec![0; 2],
        };
        let mut fold = |class, rows| dealing.fold(&[(0, class, rows)]);
        let folds = [fold(7, 3), fold(7, 2), fold(8, 1), fold(7, 1), fold(8, 1)];
        assert_eq!(folds, [0, 1, 1, 1, 0]);
    }
}
