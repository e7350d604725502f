//! `Overlap`: fingerprints that more than one side has.
//!
//! Invariant: counts follow from the fingerprints alone; the candidates kept are those of the smallest
//! rows, whatever the partitions. Limit: a candidate is a suspicion until its rows were compared,
//! since two different rows may share 64 bits; so many are kept, and compared, and no more.

use std::collections::BinaryHeap;

use super::prints::{Prints, Record};
use crate::engine::{Cancel, Ordered};
use crate::error::Result;

/// Pairs of rows that are kept for comparison, for each pair of sides.
pub(super) const CANDIDATES_MAX: usize = 1000;

/// What two sides have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Common {
    /// Fingerprints on both sides.
    pub prints: u64,
    /// Rows with them, on the earlier and the later side.
    pub rows: [u64; 2],
    /// Pairs of such rows.
    pub pairs: u128,
    /// First rows of both sides, ordered by the later side's.
    pub candidates: Vec<Candidate>,
}

/// A row of each side that look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// The later side's row first: candidates are ordered by it.
    pub later_row: u64,
    pub earlier_row: u64,
    /// Rows with this fingerprint on the earlier and the later side.
    pub copies: [u64; 2],
}

/// What all sides have in common, and each in itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Overlap {
    /// By pairs of sides, in the order of [`side_pairs`].
    pub common: Vec<Common>,
    /// Distinct fingerprints of each side.
    pub distinct: Vec<u64>,
    /// Pairs of rows of the first side that share a fingerprint.
    pub train_pairs: u128,
}

/// The pairs of `sides` sides, earlier first.
pub(super) fn side_pairs(sides: usize) -> Vec<(usize, usize)> {
    (0..sides)
        .flat_map(|earlier| (earlier + 1..sides).map(move |later| (earlier, later)))
        .collect()
}

/// Looks through all fingerprints, which are used up.
pub(super) fn overlap(
    prints: &Prints,
    sides: usize,
    threads: usize,
    cancel: &Cancel,
) -> Result<Overlap> {
    let ordered = Ordered {
        threads,
        count: prints.partitions(),
        cancel,
    };
    let mut total = Tally::new(sides);
    ordered.run(
        |index| {
            let mut tally = Tally::new(sides);
            let records = prints.load(index)?;
            records
                .chunk_by(|a, b| a.print == b.print)
                .for_each(|group| tally.take(group));
            Ok(tally)
        },
        |_, tally| {
            total.merge(tally);
            Ok(())
        },
    )?;
    Ok(total.finish())
}

/// Counts in the making; the heaps hold the candidates of the smallest rows.
struct Tally {
    overlap: Overlap,
    heaps: Vec<BinaryHeap<Candidate>>,
}

impl Tally {
    fn new(sides: usize) -> Self {
        let pairs = side_pairs(sides).len();
        Self {
            overlap: Overlap {
                common: vec![Common::default(); pairs],
                distinct: vec![0; sides],
                train_pairs: 0,
            },
            heaps: vec![BinaryHeap::new(); pairs],
        }
    }

    /// Takes all records of one fingerprint, sorted.
    fn take(&mut self, group: &[Record]) {
        let sides = self.overlap.distinct.len();
        // Most fingerprints are those of one row.
        if let [record] = group
            && record.copies() == 1
        {
            self.overlap.distinct[record.side() % sides] += 1;
            return;
        }
        let (mut rows, mut copies) = (vec![0; sides], vec![0_u64; sides]);
        for record in group.iter().filter(|record| record.side() < sides) {
            if copies[record.side()] == 0 {
                rows[record.side()] = record.row();
            }
            copies[record.side()] += record.copies();
        }
        for (distinct, copies) in self.overlap.distinct.iter_mut().zip(&copies) {
            *distinct += u64::from(*copies > 0);
        }
        let train = u128::from(copies.first().copied().unwrap_or(0));
        self.overlap.train_pairs += train * train.saturating_sub(1) / 2;
        if group.len() == 1 {
            return;
        }
        for (index, (earlier, later)) in side_pairs(sides).into_iter().enumerate() {
            let both = [copies[earlier], copies[later]];
            if both[0] == 0 || both[1] == 0 {
                continue;
            }
            let common = &mut self.overlap.common[index];
            common.prints += 1;
            common.rows[0] += both[0];
            common.rows[1] += both[1];
            common.pairs += u128::from(both[0]) * u128::from(both[1]);
            keep(
                &mut self.heaps[index],
                Candidate {
                    later_row: rows[later],
                    earlier_row: rows[earlier],
                    copies: both,
                },
            );
        }
    }

    fn merge(&mut self, other: Self) {
        let (mine, theirs) = (&mut self.overlap, other.overlap);
        for (mine, theirs) in mine.common.iter_mut().zip(theirs.common) {
            mine.prints += theirs.prints;
            mine.rows[0] += theirs.rows[0];
            mine.rows[1] += theirs.rows[1];
            mine.pairs += theirs.pairs;
        }
        for (mine, theirs) in mine.distinct.iter_mut().zip(theirs.distinct) {
            *mine += theirs;
        }
        mine.train_pairs += theirs.train_pairs;
        for (mine, theirs) in self.heaps.iter_mut().zip(other.heaps) {
            theirs
                .into_iter()
                .for_each(|candidate| keep(mine, candidate));
        }
    }

    fn finish(mut self) -> Overlap {
        for (common, heap) in self.overlap.common.iter_mut().zip(self.heaps) {
            common.candidates = heap.into_sorted_vec();
        }
        self.overlap
    }
}

fn keep(heap: &mut BinaryHeap<Candidate>, candidate: Candidate) {
    heap.push(candidate);
    if heap.len() > CANDIDATES_MAX {
        heap.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(sides: &[&[u64]], bytes_max: u64, threads: usize) -> Overlap {
        let dir = tempfile::tempdir().unwrap();
        let prints = Prints::new(dir.path(), 100, bytes_max, threads);
        for (side, keys) in sides.iter().enumerate() {
            prints.extend(side, 0, keys).unwrap();
        }
        overlap(&prints, sides.len(), threads, &Cancel::default()).unwrap()
    }

    #[test]
    fn what_two_sides_share_is_counted_with_its_first_rows() {
        let spread = |keys: &[u64]| {
            keys.iter()
                .map(|key| crate::kernel::mix(*key))
                .collect::<Vec<_>>()
        };
        let (train, val, test) = (
            spread(&[1, 2, 3, 2, 9]),
            spread(&[4, 4]),
            spread(&[5, 4, 2, 2]),
        );
        for (bytes_max, threads) in [(16, 1), (64, 3), (1 << 20, 2)] {
            let found = look(&[&train, &val, &test], bytes_max, threads);
            assert_eq!(found.distinct, [4, 1, 3]);
            assert_eq!(found.train_pairs, 1);
            assert_eq!(found.common[0], Common::default());
            let candidate = Candidate {
                later_row: 2,
                earlier_row: 1,
                copies: [2, 2],
            };
            let expected = Common {
                prints: 1,
                rows: [2, 2],
                pairs: 4,
                candidates: vec![candidate],
            };
            assert_eq!(found.common[1], expected);
            let candidate = Candidate {
                later_row: 1,
                earlier_row: 0,
                copies: [2, 1],
            };
            let expected = Common {
                prints: 1,
                rows: [2, 1],
                pairs: 2,
                candidates: vec![candidate],
            };
            assert_eq!(found.common[2], expected);
        }
    }
}
