//! Groups of rows dealt to folds, so that each fold has its share of every class as nearly as groups allow.
//!
//! ```text
//! order   the largest groups first, as many as have 65,536 counts together; then the others by their hashes
//! fold    sum over the group's classes of  (rows of the class in the fold) (those in the group) / (all)^2
//!         is least; of several folds, the one of fewest rows; of those, the first
//! ```
//!
//! What is least is how much the squares of the folds' shares grow: the same as the variance of a class's shares
//! over the folds, which is what scikit-learn's `StratifiedGroupKFold` goes by. Invariant: terms are added in the
//! order of the classes, so the result follows from the counts, bit for bit.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Fold, FoldCount, KeyRows};

/// Counts of the groups that are dealt first, at most.
const LARGEST_COUNTS: usize = 1 << 16;

/// The largest groups of all that were offered, whatever the order.
#[derive(Debug, Default)]
pub struct LargestGroups {
    /// By their rows, the most first, then by their hashes.
    groups: BTreeMap<(Reverse<u64>, u64), Vec<KeyRows>>,
    counts: usize,
    /// The first in that order for which there was no room.
    refused: Option<(Reverse<u64>, u64)>,
}

/// Rows dealt so far.
#[derive(Debug)]
pub struct GroupFolds {
    count: FoldCount,
    /// Of each class: the square of its rows, and those in each fold.
    classes: BTreeMap<u64, (f64, Vec<u64>)>,
    /// Rows in each fold.
    rows: Vec<u64>,
}

impl LargestGroups {
    /// Takes in a group by the counts of its classes.
    pub fn offer(&mut self, group: &[KeyRows]) {
        let Some(first) = group.first() else {
            return;
        };
        let rows = group.iter().map(|counted| counted.rows).sum();
        let place = (Reverse(rows), first.hash);
        if self.refused.is_some_and(|refused| place >= refused) {
            return;
        }
        self.counts += group.len();
        self.groups.insert(place, group.to_vec());
        while self.counts > LARGEST_COUNTS
            && let Some((place, group)) = self.groups.pop_last()
        {
            self.counts -= group.len();
            self.refused = Some(place);
        }
    }

    /// The groups, the largest first.
    pub fn into_groups(self) -> impl Iterator<Item = Vec<KeyRows>> {
        self.groups.into_values()
    }
}

impl GroupFolds {
    /// Nothing dealt yet of classes that have so many rows.
    pub fn new(count: FoldCount, classes: &BTreeMap<u64, u64>) -> Self {
        let none = vec![0; count.folds().len()];
        let of_class = |(class, rows): (&u64, &u64)| {
            let rows = *rows as f64;
            (*class, (rows * rows, none.clone()))
        };
        Self {
            count,
            classes: classes.iter().map(of_class).collect(),
            rows: none,
        }
    }

    /// The fold of the next group.
    ///
    /// ```
    /// use prep_stream::kernel::{FoldCount, GroupFolds, KeyRows};
    ///
    /// let two = FoldCount::new(2).ok_or("too few")?;
    /// let mut folds = GroupFolds::new(two, &[(7, 6), (8, 2)].into());
    /// let mut fold = |class, rows| folds.fold(&[KeyRows { hash: 0, class, rows }]).number();
    /// assert_eq!([fold(7, 3), fold(7, 2), fold(8, 1), fold(7, 1), fold(8, 1)], [0, 1, 1, 1, 0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fold(&mut self, group: &[KeyRows]) -> Fold {
        let growth = |fold: Fold| {
            let terms = group.iter().filter_map(|counted| {
                let (all, of_folds) = self.classes.get(&counted.class)?;
                Some(of_folds[fold.number()] as f64 * counted.rows as f64 / all)
            });
            terms.fold(0.0, |sum, term| sum + term)
        };
        let mut best: Option<(f64, u64, Fold)> = None;
        for fold in self.count.folds() {
            let (growth, rows) = (growth(fold), self.rows[fold.number()]);
            let is_better = best.is_none_or(|(least, fewest, _)| {
                growth < least || (growth <= least && rows < fewest)
            });
            if is_better {
                best = Some((growth, rows, fold));
            }
        }
        let fold = best.map_or(self.count.last(), |(_, _, fold)| fold);
        for counted in group {
            self.rows[fold.number()] += counted.rows;
            if let Some((_, of_folds)) = self.classes.get_mut(&counted.class) {
                of_folds[fold.number()] += counted.rows;
            }
        }
        fold
    }

    /// Rows in each fold.
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn group(hash: u64, rows: &[u64]) -> Vec<KeyRows> {
        let of_class = |(class, rows): (u64, &u64)| KeyRows {
            hash,
            class,
            rows: *rows,
        };
        (0..).zip(rows).map(of_class).collect()
    }

    #[test]
    fn the_largest_groups_are_kept_whatever_the_order_and_no_smaller_one_in_between() {
        let size = |hash: u64| hash * 7919 % 1000 + 1;
        // Two counts each: room for half of them.
        let groups = |hash: u64| group(hash, &[size(hash), 1]);
        let kept = |order: &mut dyn Iterator<Item = u64>| {
            let mut largest = LargestGroups::default();
            order.for_each(|hash| largest.offer(&groups(hash)));
            largest
                .into_groups()
                .map(|group| group[0].hash)
                .collect::<Vec<_>>()
        };
        let count = LARGEST_COUNTS as u64;
        let mut expected: Vec<u64> = (0..count).collect();
        expected.sort_by_key(|hash| (Reverse(size(*hash)), *hash));
        expected.truncate(LARGEST_COUNTS / 2);
        assert!(kept(&mut (0..count)) == expected);
        assert!(kept(&mut (0..count).rev()) == expected);
    }

    proptest! {
        #[test]
        fn every_class_is_spread_as_evenly_as_its_largest_group_allows(
            groups in prop::collection::vec((0..3_usize, 1..40_u64), 1..80),
            folds in 2..8_u64,
        ) {
            let count = FoldCount::new(folds).unwrap();
            let (mut all, mut largest) = (BTreeMap::new(), [0; 3]);
            for (class, rows) in &groups {
                *all.entry(*class as u64).or_insert(0) += rows;
                largest[*class] = largest[*class].max(*rows);
            }
            let mut dealt = GroupFolds::new(count, &all);
            let mut of_classes = vec![[0; 3]; count.folds().len()];
            for (hash, (class, rows)) in (0..).zip(&groups) {
                let counted = KeyRows { hash, class: *class as u64, rows: *rows };
                of_classes[dealt.fold(&[counted]).number()][*class] += rows;
            }
            for class in 0..3 {
                let of_folds = of_classes.iter().map(|rows| rows[class]);
                let (most, fewest) = (of_folds.clone().max().unwrap(), of_folds.min().unwrap());
                prop_assert!(most - fewest <= largest[class], "{of_classes:?}");
            }
            let rows: u64 = groups.iter().map(|(_, rows)| rows).sum();
            prop_assert_eq!(dealt.rows().iter().sum::<u64>(), rows);
        }
    }
}
