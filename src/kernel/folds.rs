//! `Folds`: which fold of a cross-validation each row of a block is in, and the sides that one makes.
//!
//! ```text
//! fold = floor(h K / 2^64)                        of K folds, by a hash of its own
//! fold = how many cuts h is not below             with classes: cuts at the ranks that `deal` says
//! ```
//!
//! Invariant: a row that is used is in exactly one fold, so it is a test row once and a train row K - 1
//! times. Rows become train rows through [`Folds::held_out`] alone, where those of the fold itself are
//! test: no fit for a fold can see the fold. Limit: 100 folds, a byte a row.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Side, Sides, Threshold};

#[cfg(test)]
mod tests;

/// The fewest folds: one to test on, another to train on.
const FOLDS_MIN: u8 = 2;

/// The most folds: each is fitted for, and has files of its own.
const FOLDS_MAX: u8 = 100;

/// What stands for a row that is in no fold.
const NO_FOLD: u8 = u8::MAX;

/// One of the folds, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fold(u8);

/// How many folds there are.
///
/// ```
/// use prep_stream::kernel::FoldCount;
///
/// let five = FoldCount::new(5).ok_or("from 2 to 100")?;
/// let number = |hash| five.of_hash(hash).number();
/// assert_eq!((number(0), number(1 << 63), number(u64::MAX)), (0, 2, 4));
/// assert_eq!(FoldCount::new(1), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct FoldCount(u8);

/// The fold of each row of a block.
///
/// ```
/// use prep_stream::kernel::{FoldCount, Folds, Side};
///
/// let two = FoldCount::new(2).ok_or("too few")?;
/// let mut folds = Folds::default();
/// [Some(0), Some(u64::MAX), None].into_iter().for_each(|hash| folds.push(hash.map(|hash| two.of_hash(hash))));
/// let sides = folds.held_out(two.of_hash(0));
/// let of_rows: Vec<_> = (0..3).filter_map(|row| sides.side(row)).collect();
/// assert_eq!(of_rows, [Side::Test, Side::Train, Side::LeftOut]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folds {
    of_rows: Vec<u8>,
}

impl Fold {
    /// Its number, from 0.
    pub fn number(self) -> usize {
        self.0.into()
    }
}

impl fmt::Display for Fold {
    /// As its files are called: `fold-3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fold-{}", self.0)
    }
}

impl FoldCount {
    /// From 2 to 100 folds.
    pub fn new(count: u64) -> Option<Self> {
        let count = u8::try_from(count).ok()?;
        (FOLDS_MIN..=FOLDS_MAX)
            .contains(&count)
            .then_some(Self(count))
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.into()
    }

    /// All folds, in order.
    pub fn folds(self) -> impl ExactSizeIterator<Item = Fold> + Clone {
        (0..self.0).map(Fold)
    }

    /// The last of them.
    pub fn last(self) -> Fold {
        Fold(self.0 - 1)
    }

    /// The fold of a hash: each gets the same share of all hashes.
    #[inline]
    pub fn of_hash(self, hash: u64) -> Fold {
        let share = (u128::from(hash) * u128::from(self.0)) >> 64;
        // Below the number of folds, since the hash is below 2^64.
        Fold(u8::try_from(share).unwrap_or(self.0 - 1))
    }

    /// The fold of a hash that these cuts part, ascending, one fewer than there are folds.
    #[inline]
    pub fn of_cuts(self, cuts: &[Threshold], hash: u64) -> Fold {
        let cuts = &cuts[..cuts.len().min(usize::from(self.0) - 1)];
        let fold = cuts.partition_point(|cut| !cut.contains(hash));
        Fold(u8::try_from(fold).unwrap_or(self.0 - 1))
    }

    /// About where folds end among the hashes, the last one apart.
    pub fn ends(self) -> Vec<u64> {
        let end = |fold: u8| (u128::from(fold) << 64) / u128::from(self.0);
        let ends = (1..self.0).map(|fold| u64::try_from(end(fold)).unwrap_or(u64::MAX));
        ends.collect()
    }
}

impl TryFrom<u64> for FoldCount {
    type Error = String;

    fn try_from(count: u64) -> Result<Self, String> {
        Self::new(count)
            .ok_or_else(|| format!("{count} folds, there are {FOLDS_MIN} to {FOLDS_MAX}"))
    }
}

impl From<FoldCount> for u64 {
    fn from(count: FoldCount) -> Self {
        count.get()
    }
}

impl fmt::Display for FoldCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Folds {
    /// Appends a row; `None` if it is left out.
    #[inline]
    pub fn push(&mut self, fold: Option<Fold>) {
        self.of_rows.push(fold.map_or(NO_FOLD, |fold| fold.0));
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.of_rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.of_rows.is_empty()
    }

    /// The number of each row's fold, 8 a word.
    pub fn to_words(&self) -> Vec<u64> {
        let words = self.of_rows.chunks(8).map(|rows| {
            let rows = rows.iter().rev();
            rows.fold(0, |word, fold| word << 8 | u64::from(*fold))
        });
        words.collect()
    }

    /// How many words `rows` rows take.
    pub fn words_max(rows: usize) -> usize {
        rows.div_ceil(8)
    }

    /// The folds of `rows` rows from what [`Folds::to_words`] gave; `None` if it can't have been that.
    pub fn of_words(rows: usize, words: &[u64]) -> Option<Self> {
        if words.len() != Self::words_max(rows) {
            return None;
        }
        let mut of_rows: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let rest = of_rows.split_off(rows);
        let is_fold = |fold: &u8| *fold < FOLDS_MAX || *fold == NO_FOLD;
        let could_be = of_rows.iter().all(is_fold) && rest.iter().all(|byte| *byte == 0);
        could_be.then_some(Self { of_rows })
    }

    /// How many rows are in each of `count` folds.
    pub fn rows_by_fold(&self, count: FoldCount) -> Vec<u64> {
        let mut rows = vec![0; count.folds().len()];
        for fold in &self.of_rows {
            if let Some(rows) = rows.get_mut(usize::from(*fold)) {
                *rows += 1;
            }
        }
        rows
    }

    /// The sides that a fold makes: its rows are test, those of the others train.
    pub fn held_out(&self, fold: Fold) -> Sides {
        self.sides(|other| match other == fold.0 {
            true => Side::Test,
            false => Side::Train,
        })
    }

    /// All rows on one side, and that no side of train rows: what isn't divided can't be fitted on.
    pub fn undivided(&self) -> Sides {
        self.sides(|_| Side::Test)
    }

    fn sides(&self, side_of: impl Fn(u8) -> Side) -> Sides {
        let mut sides = Sides::default();
        for word in self.of_rows.chunks(64) {
            let bits = word.iter().rev().fold((0, 0), |(low, high), fold| {
                let side = match *fold {
                    NO_FOLD => Side::LeftOut,
                    fold => side_of(fold),
                };
                let bits = side.bits();
                ((low << 1) | bits.0, (high << 1) | bits.1)
            });
            sides.push_words(bits.0, bits.1, word.len());
        }
        sides
    }

    /// Appends the numbers of the folds of rows `first..first + rows`; those of rows that are left out
    /// mean nothing.
    ///
    /// # Panics
    /// If there are fewer rows.
    pub fn numbers(&self, first: usize, rows: usize, into: &mut Vec<i32>) {
        let known = self.of_rows.len();
        assert!(
            first <= known && rows <= known - first,
            "rows {first} and {rows} more asked for, folds are known for {known}",
        );
        into.extend(
            self.of_rows[first..first + rows]
                .iter()
                .map(|fold| i32::from(*fold)),
        );
    }
}

/// Deals classes of these sizes, one after the other, row by row to the folds in turn: how many rows of
/// each class each fold gets, within one of each other, and so are all rows of the folds. It is how
/// scikit-learn's `StratifiedKFold` allocates.
///
/// ```
/// use prep_stream::kernel::{FoldCount, deal};
///
/// let two = FoldCount::new(2).ok_or("too few")?;
/// assert_eq!(deal(&[3, 1, 2], two), [[2, 1], [0, 1], [1, 1]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn deal(classes: &[u64], folds: FoldCount) -> Vec<Vec<u64>> {
    let count = folds.get();
    let mut start = 0_u64;
    classes
        .iter()
        .map(|class| {
            let end = start.saturating_add(*class);
            // Of the places before `end`, those that are a fold's own.
            let before = |end: u64, fold: u64| end.saturating_sub(fold).div_ceil(count);
            let dealt = (0..count).map(|fold| before(end, fold) - before(start, fold));
            let dealt = dealt.collect();
            start = end;
            dealt
        })
        .collect()
}
