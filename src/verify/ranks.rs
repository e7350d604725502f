//! Exact sizes and shares, again: `--test-size 1000`, `--stratify`, and folds of classes.
//!
//! Two readings of all keys: the first counts the rows of each class by the highest eight bits of their
//! hashes, the second collects the hashes of the few counters that a wanted rank lies in. One before
//! them samples numbers, if classes are bins of them. Limit: one hash in 128 is held, with a count.

use std::collections::BTreeMap;

use super::keys::hash_of;
use super::rows::Span;
use super::sides::row_hashes;
use super::values::{Held, each};
use crate::error::Result;
use crate::source::discover::InputFile;

/// The constant of classes, and that of the sample that bins are made of.
const CLASS: u64 = 0xf380_f604_ba8f_6316;
const BINS: u64 = 0xb900_9e59_59b2_5dba;

/// Numbers that bins are made of.
const SAMPLE_ROWS: usize = 16_384;

/// Counters of a class.
const COUNTERS: usize = 256;

/// How large a side is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// A share of the rows, in units of 10^-18.
    Share(u64),
    Rows(u64),
}

/// Rows on the test side, and on test and val together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeldOut {
    pub(super) test: u64,
    pub(super) both: u64,
}

/// Sides of exact sizes.
#[derive(Debug)]
pub(super) struct Exact {
    pub(super) test: Size,
    pub(super) val: Size,
    pub(super) seed: u64,
    /// Column that classes are made of, and how many bins, if any.
    pub(super) stratify: Option<(String, Option<usize>)>,
    /// Where the bins of numbers end.
    pub(super) edges: Vec<f64>,
    /// How many folds there are in place of sides.
    pub(super) folds: Option<usize>,
    /// Where the sides, or the folds, of each class end, once it is known.
    pub(super) thresholds: BTreeMap<u64, Vec<u128>>,
}

/// Hashes of one class whose highest bits are the same, and how often each is there.
type Bin = BTreeMap<u64, u64>;

/// Calls what it is given with each span and whether each of its rows is used.
pub(super) type Read<'a> =
    dyn FnMut(&mut dyn FnMut(&Span<'_>, &[bool]) -> Result<()>) -> Result<()> + 'a;

impl Exact {
    /// The class of each row of a span: 0 without classes.
    pub(super) fn classes(&self, span: &Span<'_>, inputs: &[InputFile]) -> Result<Vec<u64>> {
        let mut classes = vec![0; span.rows()];
        let Some((column, bins)) = &self.stratify else {
            return Ok(classes);
        };
        each(span, column, inputs, &mut |row, _, held| {
            let held = match bins {
                Some(_) => held.number().map_or(Held::Null, |number| self.bin(number)),
                None => held,
            };
            classes[row] = hash_of(0, CLASS, &held);
        })?;
        Ok(classes)
    }

    fn bin(&self, number: f64) -> Held {
        let begun = self.edges.iter().filter(|edge| **edge <= number);
        Held::Whole(begun.count() as i128)
    }

    /// Finds where the sides of each class end; `hashes` gives those of a span's rows. `None` if there
    /// are fewer rows than asked for.
    ///
    /// # Errors
    /// When a column can't be read.
    pub(super) fn settle(
        &mut self,
        inputs: &[InputFile],
        read: &mut Read<'_>,
        hashes: impl Fn(&Span<'_>) -> Result<Vec<u64>>,
    ) -> Result<Option<()>> {
        self.edges = self.edges_of_bins(inputs, read)?;
        let mut counts: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        self.each_hash(inputs, read, &hashes, |class, hash| {
            let counters = counts.entry(class).or_insert_with(|| vec![0; COUNTERS]);
            counters[counter_of(hash)] += 1;
        })?;
        let sizes: Vec<u64> = counts
            .values()
            .map(|counters| counters.iter().sum())
            .collect();
        let Some(ranks) = self.ranks(&sizes) else {
            return Ok(None);
        };
        let ranks: BTreeMap<u64, Vec<u64>> = counts.keys().copied().zip(ranks).collect();
        let mut bins: BTreeMap<(u64, usize), Bin> = BTreeMap::new();
        for (class, ranks) in &ranks {
            for rank in ranks {
                if let Some((counter, _)) = counter_at(&counts[class], *rank) {
                    bins.insert((*class, counter), Bin::new());
                }
            }
        }
        self.each_hash(inputs, read, &hashes, |class, hash| {
            if let Some(bin) = bins.get_mut(&(class, counter_of(hash))) {
                *bin.entry(hash).or_default() += 1;
            }
        })?;
        for (class, ranks) in ranks {
            let threshold = |rank: u64| match counter_at(&counts[&class], rank) {
                Some((counter, below)) => at_rank(&bins[&(class, counter)], rank - below),
                None => 1 << 64,
            };
            let thresholds = ranks.into_iter().map(threshold).collect();
            self.thresholds.insert(class, thresholds);
        }
        Ok(Some(()))
    }

    /// The ranks that sides or folds end at, in classes of these sizes; `None` if there are fewer rows.
    fn ranks(&self, classes: &[u64]) -> Option<Vec<Vec<u64>>> {
        if let Some(folds) = self.folds {
            return Some(dealt(classes, folds));
        }
        let all = held_out(self.test, self.val, classes.iter().sum())?;
        let parts = shares(classes, all).into_iter();
        Some(parts.map(|part| vec![part.test, part.both]).collect())
    }

    /// Calls `take` with class and hash of every row that is used.
    pub(super) fn each_hash(
        &self,
        inputs: &[InputFile],
        read: &mut Read<'_>,
        hashes: impl Fn(&Span<'_>) -> Result<Vec<u64>>,
        mut take: impl FnMut(u64, u64),
    ) -> Result<()> {
        read(&mut |span, used| {
            let rows = self.classes(span, inputs)?.into_iter().zip(hashes(span)?);
            let used = rows.zip(used).filter(|(_, used)| **used);
            used.for_each(|((class, hash), _)| take(class, hash));
            Ok(())
        })
    }

    /// Where bins of as many rows each end, by a sample of the rows whose own hashes are lowest.
    pub(super) fn edges_of_bins(
        &self,
        inputs: &[InputFile],
        read: &mut Read<'_>,
    ) -> Result<Vec<f64>> {
        let Some((column, Some(bins))) = &self.stratify else {
            return Ok(Vec::new());
        };
        let mut sample: Vec<(u64, f64)> = Vec::new();
        read(&mut |span, used| {
            let hashes: Vec<u64> = row_hashes(self.seed, BINS, span, inputs).collect();
            each(span, column, inputs, &mut |row, _, held| {
                if let (Some(number), true) = (held.number(), used[row]) {
                    sample.push((hashes[row], number + 0.0));
                }
            })?;
            sample.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            sample.truncate(SAMPLE_ROWS);
            Ok(())
        })?;
        let mut numbers: Vec<f64> = sample.into_iter().map(|(_, number)| number).collect();
        numbers.sort_unstable_by(f64::total_cmp);
        let at = |bin: usize| numbers.get(bin * numbers.len() / bins).copied();
        let mut edges: Vec<f64> = (1..*bins).filter_map(at).collect();
        edges.dedup();
        // A bin that would end at the least number holds nothing.
        edges.retain(|edge| numbers.first().is_some_and(|least| least < edge));
        Ok(edges)
    }
}

fn counter_of(hash: u64) -> usize {
    usize::from(hash.to_be_bytes()[0])
}

/// The counter that the hash of this rank is in, and how many are in those before; `None` at the end.
fn counter_at(counters: &[u64], rank: u64) -> Option<(usize, u64)> {
    let mut below = 0;
    for (counter, count) in counters.iter().enumerate() {
        if rank < below + count {
            return Some((counter, below));
        }
        below += count;
    }
    None
}

/// The threshold that parts hashes at a rank, equal ones together on the nearer side.
fn at_rank(bin: &Bin, rank: u64) -> u128 {
    let mut below = 0;
    for (hash, count) in bin {
        let above = below + count;
        if rank < above {
            let is_lower = rank - below <= above - rank;
            return u128::from(*hash) + u128::from(!is_lower);
        }
        below = above;
    }
    1 << 64
}

/// The rows to hold out of `rows`; `None` if there are fewer.
pub(super) fn held_out(test: Size, val: Size, rows: u64) -> Option<HeldOut> {
    let share = |units: u64| {
        let product = u128::from(units) * u128::from(rows);
        u64::try_from(product.div_ceil(10_u128.pow(18))).unwrap_or(u64::MAX)
    };
    let of = |size: Size| match size {
        Size::Share(units) => share(units),
        Size::Rows(rows) => rows,
    };
    let both = match (test, val) {
        (Size::Share(test), Size::Share(val)) => share(test + val),
        _ => of(test).saturating_add(of(val)),
    };
    (both <= rows).then(|| HeldOut {
        test: of(test),
        both,
    })
}

/// What each class gives: its exact part, rounded down or up by largest remainders.
pub(super) fn shares(classes: &[u64], all: HeldOut) -> Vec<HeldOut> {
    let rows = u128::from(classes.iter().sum::<u64>().max(1));
    // Rounded down, rounded up, and the remainder.
    let part = |class: u64, of: u64| {
        let product = u128::from(class) * u128::from(of);
        let up = u64::try_from(product.div_ceil(rows)).unwrap_or(u64::MAX);
        let down = u64::try_from(product / rows).unwrap_or(u64::MAX);
        (down, up, product % rows)
    };
    let both: Vec<_> = classes.iter().map(|class| part(*class, all.both)).collect();
    let both = by_remainders(&both, all.both);
    let test: Vec<_> = classes
        .iter()
        .zip(&both)
        .map(|(class, both)| {
            let (down, up, remainder) = part(*class, all.test);
            let (val_down, val_up, _) = part(*class, all.both - all.test);
            let down = down.max(both.saturating_sub(val_up));
            (down, up.min(both.saturating_sub(val_down)), remainder)
        })
        .collect();
    let test = by_remainders(&test, all.test);
    let parts = test.into_iter().zip(both);
    parts.map(|(test, both)| HeldOut { test, both }).collect()
}

/// The ranks that the folds of each class end at, but the last: a class gives every fold as many rows, and
/// one more to the folds whose turn it is.
fn dealt(classes: &[u64], folds: usize) -> Vec<Vec<u64>> {
    let count = folds.max(1) as u64;
    let mut turn = 0;
    let of_class = |class: &u64| {
        let mut rows = vec![class / count; folds];
        for _ in 0..class % count {
            rows[turn] += 1;
            turn = (turn + 1) % folds;
        }
        let mut end = 0;
        rows.pop();
        for rows in &mut rows {
            end += *rows;
            *rows = end;
        }
        rows
    };
    classes.iter().map(of_class).collect()
}

fn by_remainders(parts: &[(u64, u64, u128)], total: u64) -> Vec<u64> {
    let mut rounded: Vec<u64> = parts.iter().map(|(down, _, _)| *down).collect();
    let mut left = total.saturating_sub(rounded.iter().sum());
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| parts[*b].2.cmp(&parts[*a].2).then(a.cmp(b)));
    for class in order {
        let (down, up, _) = parts[class];
        let more = up.saturating_sub(down).min(left);
        rounded[class] += more;
        left -= more;
    }
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_give_their_exact_parts_rounded_by_largest_remainders() {
        let of = |classes: &[u64], test, both| {
            let parts = shares(classes, HeldOut { test, both });
            parts
                .iter()
                .map(|part| (part.test, part.both - part.test))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&[5, 4, 1], 2, 4), [(1, 1), (1, 1), (0, 0)]);
        assert_eq!(of(&[50, 30, 20], 20, 30), [(10, 5), (6, 3), (4, 2)]);
        assert_eq!(
            held_out(Size::Rows(3), Size::Share(5 * 10_u64.pow(17)), 9),
            Some(HeldOut { test: 3, both: 8 })
        );
        assert_eq!(held_out(Size::Rows(10), Size::Share(0), 9), None);
    }

    #[test]
    fn classes_are_dealt_in_turns() {
        assert_eq!(dealt(&[3, 1, 2], 2), [[2], [0], [1]]);
        assert_eq!(dealt(&[7, 4], 3), [[3, 5], [1, 3]]);
        assert_eq!(dealt(&[], 3), Vec::<Vec<u64>>::new());
    }

    #[test]
    fn equal_hashes_are_parted_on_the_nearer_side() {
        let bin = Bin::from([(10, 3), (20, 1), (30, 5)]);
        let at = |rank| at_rank(&bin, rank);
        assert_eq!([0, 1, 2, 3, 4, 6, 7].map(at), [10, 10, 11, 20, 30, 30, 31]);
    }
}
