//! `Sides`: which side each row of a block is on, and the only door from a column to its train rows.
//!
//! Invariant: one bit a row, set for test; bits past the end are zero. [`TrainRows`] has no other
//! constructor than [`Sides::train`], so a fit on unsplit rows does not compile.

use num_traits::Float;

#[cfg(test)]
mod tests;

/// A side of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Held out: never reaches a fit.
    Test,
    /// What is fitted on.
    Train,
}

/// The side of each row of a block, one bit a row.
///
/// ```
/// use prep_stream::kernel::{NumericRows, Side, Sides, Welford};
///
/// let mut sides = Sides::default();
/// for side in [Side::Train, Side::Test, Side::Train] {
///     sides.push(side);
/// }
/// let mut welford = Welford::<f64>::default();
/// welford.extend(sides.train(0, NumericRows { values: &[1.0, 9e9, 3.0], valid: None }));
/// assert_eq!(welford.finish(0).mean(), 2.0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sides {
    words: Vec<u64>,
    rows: usize,
    test_rows: u64,
}

/// A numeric column over consecutive rows.
#[derive(Debug, Clone, Copy)]
pub struct NumericRows<'a, T = f64> {
    /// One value a row; a null row holds any value, by custom NaN.
    pub values: &'a [T],
    /// One bit a row, set where there is a value; bit 0 of word 0 is the first row of `values`.
    /// `None`: no nulls.
    pub valid: Option<&'a [u64]>,
}

/// A numeric column together with the knowledge which of its rows are train rows.
///
/// Only [`Sides::train`] makes one: values that were never split can't be fitted.
///
/// ```compile_fail
/// use prep_stream::kernel::{NumericRows, Welford};
///
/// let mut welford = Welford::<f64>::default();
/// welford.extend(NumericRows { values: &[1.0, 2.0], valid: None });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TrainRows<'a, T = f64> {
    sides: &'a Sides,
    first: usize,
    column: NumericRows<'a, T>,
}

impl Sides {
    /// Forgets all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.words.clear();
        self.rows = 0;
        self.test_rows = 0;
    }

    /// Appends one row.
    pub fn push(&mut self, side: Side) {
        self.push_word(u64::from(side == Side::Test), 1);
    }

    /// Appends `count` rows, at most 64: bit 0 first, set for test.
    #[inline]
    pub(super) fn push_word(&mut self, word: u64, count: usize) {
        debug_assert!(count <= 64, "{count} rows in a word of 64");
        if count == 0 {
            return;
        }
        let word = word & low_bits(count);
        let used = self.rows % 64;
        match self.words.last_mut() {
            Some(last) if used != 0 => {
                *last |= word << used;
                if used + count > 64 {
                    self.words.push(word >> (64 - used));
                }
            }
            _ => self.words.push(word),
        }
        self.rows += count;
        self.test_rows += u64::from(word.count_ones());
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many rows are on a side.
    pub fn rows_on(&self, side: Side) -> u64 {
        match side {
            Side::Test => self.test_rows,
            Side::Train => self.rows as u64 - self.test_rows,
        }
    }

    /// The side of one row; `None` past the end.
    pub fn side(&self, row: usize) -> Option<Side> {
        (row < self.rows).then(|| match self.word(row) & 1 {
            1 => Side::Test,
            _ => Side::Train,
        })
    }

    /// The sides of the 64 rows from `first` on: bit 0 first, set for test; zero past the end.
    #[inline]
    pub fn word(&self, first: usize) -> u64 {
        word_at(&self.words, first)
    }

    /// The train rows among `column`, whose first value is row `first` of these sides.
    ///
    /// # Panics
    /// If the column reaches past the rows whose side is known, or `valid` is too short for it: a
    /// row without a side must never be taken for a train row.
    pub fn train<'a, T: Float>(
        &'a self,
        first: usize,
        column: NumericRows<'a, T>,
    ) -> TrainRows<'a, T> {
        self.check_range(first, column.values.len());
        if let Some(valid) = column.valid {
            let (bits, rows) = (valid.len() * 64, column.values.len());
            assert!(
                bits >= rows,
                "validity has {bits} bits, the column {rows} rows"
            );
        }
        TrainRows {
            sides: self,
            first,
            column,
        }
    }

    /// Asserts that rows `first..first + rows` have a side.
    pub(super) fn check_range(&self, first: usize, rows: usize) {
        let known = self.rows;
        assert!(
            first <= known && rows <= known - first,
            "rows {first} and {rows} more asked for, sides are known for {known}",
        );
    }
}

impl<'a, T> TrainRows<'a, T> {
    /// How many rows the column has, on both sides.
    pub(super) fn rows(&self) -> usize {
        self.column.values.len()
    }

    /// All values, those of test rows included: to be read through [`TrainRows::selected`] only.
    pub(super) fn values(&self) -> &'a [T] {
        self.column.values
    }

    /// Of the 64 rows from `row` on: a bit for each train row, and one for each that has a value.
    #[inline]
    pub(super) fn selected(&self, row: usize) -> (u64, u64) {
        let rows = low_bits(self.rows().saturating_sub(row).min(64));
        let train = !self.sides.word(self.first + row) & rows;
        let valid = self
            .column
            .valid
            .map_or(u64::MAX, |words| word_at(words, row));
        (train, train & valid)
    }
}

/// The 64 bits from bit `first` on; zero past the end.
#[inline]
pub(super) fn word_at(words: &[u64], first: usize) -> u64 {
    let (index, shift) = (first / 64, first % 64);
    let low = words.get(index).copied().unwrap_or(0) >> shift;
    if shift == 0 {
        return low;
    }
    low | (words.get(index + 1).copied().unwrap_or(0) << (64 - shift))
}

/// A word whose lowest `count` bits are set, `count` at most 64.
#[inline]
pub(super) fn low_bits(count: usize) -> u64 {
    if count >= 64 {
        u64::MAX
    } else {
        (1 << count) - 1
    }
}
