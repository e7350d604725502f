//! `Sides`: which side each row of a block is on, and the only door from a column to its train rows.
//!
//! Invariant: two bits a row, in two planes; bits past the end are zero, and the second plane is empty
//! as long as every row is train or test, so that two sides cost one bit a row. [`TrainRows`] has no
//! other constructor than [`Sides::train`], so a fit on unsplit rows does not compile.
//!
//! ```text
//! plane   train  test  val  left out
//! low       0      1    0      1
//! high      0      0    1      1
//! ```

use num_traits::Float;

#[cfg(test)]
mod tests;

/// A side of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// What is fitted on.
    Train,
    /// Held out to choose between models: never reaches a fit.
    Val,
    /// Held out to the end: never reaches a fit.
    Test,
    /// On no side: neither fitted on nor written.
    LeftOut,
}

/// How many sides are written.
pub const WRITTEN_SIDES: usize = 3;

impl Side {
    /// The sides that are written, in the order of reports.
    pub const WRITTEN: [Self; WRITTEN_SIDES] = [Self::Train, Self::Val, Self::Test];

    /// Its place among [`Side::WRITTEN`]; the one after them for rows that are left out.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its name, which is also that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
            Self::LeftOut => "left out",
        }
    }

    /// Its bits in the two planes, low and high.
    pub(super) fn bits(self) -> (u64, u64) {
        match self {
            Self::Train => (0, 0),
            Self::Test => (1, 0),
            Self::Val => (0, 1),
            Self::LeftOut => (1, 1),
        }
    }

    /// The inverse, from the lowest bit of each word.
    pub(super) fn of_bits(low: u64, high: u64) -> Self {
        match (low & 1, high & 1) {
            (0, 0) => Self::Train,
            (1, 0) => Self::Test,
            (0, _) => Self::Val,
            _ => Self::LeftOut,
        }
    }
}

/// The side of each row of a block.
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
    low: Vec<u64>,
    high: Vec<u64>,
    rows: usize,
    by_side: [u64; WRITTEN_SIDES + 1],
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
        self.low.clear();
        self.high.clear();
        self.rows = 0;
        self.by_side = Default::default();
    }

    /// Appends one row.
    pub fn push(&mut self, side: Side) {
        let (low, high) = side.bits();
        self.append(low, high, 1);
        self.by_side[side.index()] += 1;
    }

    /// Appends `count` rows, at most 64: bit 0 first, a bit of each plane.
    #[inline]
    pub(super) fn push_words(&mut self, low: u64, high: u64, count: usize) {
        debug_assert!(count <= 64, "{count} rows in a word of 64");
        if count == 0 {
            return;
        }
        let (low, high) = (low & low_bits(count), high & low_bits(count));
        self.append(low, high, count);
        for (total, rows) in self.by_side.iter_mut().zip(rows_by_side(low, high, count)) {
            *total += rows;
        }
    }

    /// Appends the rows of `other`; those whose bit isn't set in `kept` are left out. Bit 0 of word 0
    /// is the first row.
    ///
    /// # Panics
    /// If `kept` is too short.
    pub fn append_kept(&mut self, other: &Self, kept: &[u64]) {
        let (bits, rows) = (kept.len() * 64, other.rows);
        assert!(bits >= rows, "{bits} bits say what is kept of {rows} rows");
        for (first, kept) in (0..rows).step_by(64).zip(kept) {
            let (low, high) = other.words(first);
            self.push_words(low | !kept, high | !kept, (rows - first).min(64));
        }
    }

    /// Appends `count` rows, at least 1, to the planes; bits past them are zero.
    #[inline]
    fn append(&mut self, low: u64, high: u64, count: usize) {
        if high != 0 || !self.high.is_empty() {
            self.high.resize(self.low.len(), 0);
            append(&mut self.high, self.rows, high, count);
        }
        append(&mut self.low, self.rows, low, count);
        self.rows += count;
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
        self.by_side[side.index()]
    }

    /// How many of the rows `first..first + rows` are on each side, by [`Side::index`].
    ///
    /// # Panics
    /// If there are fewer rows.
    pub fn rows_within(&self, first: usize, rows: usize) -> [u64; WRITTEN_SIDES + 1] {
        self.check_range(first, rows);
        let mut within = [0; WRITTEN_SIDES + 1];
        for row in (0..rows).step_by(64) {
            let (low, high) = self.words(first + row);
            let count = (rows - row).min(64);
            let mask = low_bits(count);
            for (total, rows) in within
                .iter_mut()
                .zip(rows_by_side(low & mask, high & mask, count))
            {
                *total += rows;
            }
        }
        within
    }

    /// The side of one row; `None` past the end.
    pub fn side(&self, row: usize) -> Option<Side> {
        (row < self.rows).then(|| {
            let (low, high) = self.words(row);
            Side::of_bits(low, high)
        })
    }

    /// The bits, in the low and the high plane, of the 64 rows from `first` on: bit 0 first, zero past
    /// the end.
    #[inline]
    pub(super) fn words(&self, first: usize) -> (u64, u64) {
        (word_at(&self.low, first), word_at(&self.high, first))
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

    /// The planes, one after the other, the second one left out if it is empty.
    pub fn to_words(&self) -> Vec<u64> {
        [self.low.as_slice(), &self.high].concat()
    }

    /// How many words `rows` rows take at most.
    pub fn words_max(rows: usize) -> usize {
        rows.div_ceil(64).saturating_mul(2)
    }

    /// The sides of `rows` rows from what [`Sides::to_words`] gave; `None` if it can't have been that.
    pub fn of_words(rows: usize, mut words: Vec<u64>) -> Option<Self> {
        let plane = rows.div_ceil(64);
        if words.len() != plane && words.len() != 2 * plane {
            return None;
        }
        let mut sides = Self {
            high: words.split_off(plane),
            low: words,
            rows,
            by_side: [0; WRITTEN_SIDES + 1],
        };
        let past = !low_bits(rows - 64 * (rows / 64));
        let ends = [sides.low.last(), sides.high.last()];
        if !rows.is_multiple_of(64) && ends.into_iter().flatten().any(|end| end & past != 0) {
            return None;
        }
        sides.by_side = sides.rows_within(0, rows);
        Some(sides)
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
    /// How many rows the column has, on all sides.
    pub(super) fn rows(&self) -> usize {
        self.column.values.len()
    }

    /// All values, those of other rows included: to be read through [`TrainRows::selected`] only.
    pub(super) fn values(&self) -> &'a [T] {
        self.column.values
    }

    /// Of the 64 rows from `row` on: a bit for each train row, and one for each that has a value.
    #[inline]
    pub(super) fn selected(&self, row: usize) -> (u64, u64) {
        let rows = low_bits(self.rows().saturating_sub(row).min(64));
        let (low, high) = self.sides.words(self.first + row);
        let train = !(low | high) & rows;
        let valid = self
            .column
            .valid
            .map_or(u64::MAX, |words| word_at(words, row));
        (train, train & valid)
    }
}

/// Appends the lowest `count` bits of `word`, at least 1, to a plane that holds `rows` bits.
#[inline]
fn append(plane: &mut Vec<u64>, rows: usize, word: u64, count: usize) {
    let used = rows % 64;
    match plane.last_mut() {
        Some(last) if used != 0 => {
            *last |= word << used;
            if used + count > 64 {
                plane.push(word >> (64 - used));
            }
        }
        _ => plane.push(word),
    }
}

/// How many of `count` rows are on each side; bits past them are zero.
#[inline]
fn rows_by_side(low: u64, high: u64, count: usize) -> [u64; WRITTEN_SIDES + 1] {
    let ones = |word: u64| u64::from(word.count_ones());
    if high == 0 {
        let test = ones(low);
        return [count as u64 - test, 0, test, 0];
    }
    let (val, test, left_out) = (ones(high & !low), ones(low & !high), ones(low & high));
    [count as u64 - val - test - left_out, val, test, left_out]
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
