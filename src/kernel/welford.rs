//! `Welford`: the moments of a column's train rows as a small state that merges exactly.
//!
//! ```text
//! sum x   = sum over sub-chunks of  n p + D                 (34 words of 64 bits)
//! sum x^2 = sum over sub-chunks of  Q + 2 p D + n p^2       (67 words of 64 bits)
//! ```
//!
//! Invariant: the state is a function of the set of sub-chunks alone; units, batches, threads and
//! the order of merges can't change a bit of it. Rounding happens inside a sub-chunk (see `lanes`)
//! and once at the end. Limit: fewer than 2^53 rows.

use std::marker::PhantomData;

use num_bigint::BigUint;
use num_traits::Float;

use super::lanes::SubChunk;
use super::weighted::{Totals, WeightedSums};
use super::{ExactSquareSum, ExactSum, Moments, SUB_CHUNK_ROWS, TrainRows};

/// Count, exact sums and extremes of the finite train values of one column.
///
/// Four verbs: `default`, [`extend`](Self::extend), [`merge`](Self::merge),
/// [`finish`](Self::finish). Memory: a few dozen words, whatever the rows.
///
/// ```
/// use prep_stream::kernel::{NumericRows, Side, Sides, Welford};
///
/// let mut sides = Sides::default();
/// [Side::Train; 2].into_iter().for_each(|side| sides.push(side));
/// let (mut left, mut right) = (Welford::<f64>::default(), Welford::default());
/// left.extend(sides.train(0, NumericRows { values: &[1e15, 1e15 + 1.0], valid: None }));
/// right.extend(sides.train(0, NumericRows { values: &[1e15 + 2.0], valid: None }));
/// left.merge(&right);
/// let moments = left.finish(0);
/// assert_eq!((moments.mean(), moments.var()), (1e15 + 1.0, 2.0 / 3.0));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Welford<T = f64> {
    pub(super) state: State,
    values: PhantomData<T>,
}

/// What a state holds, whatever the type of its values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub(super) count: u64,
    pub(super) nulls: u64,
    pub(super) nans: u64,
    pub(super) positive_infinities: u64,
    pub(super) negative_infinities: u64,
    /// Infinity while there is no value.
    pub(super) min: f64,
    /// Negative infinity while there is no value.
    pub(super) max: f64,
    pub(super) sum: ExactSum,
    pub(super) squares: ExactSquareSum,
    /// Instead of the two sums before, where rows have weights.
    pub(super) weighted: Option<WeightedSums>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            count: 0,
            nulls: 0,
            nans: 0,
            positive_infinities: 0,
            negative_infinities: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: ExactSum::default(),
            squares: ExactSquareSum::default(),
            weighted: None,
        }
    }
}

impl<T> Default for Welford<T> {
    fn default() -> Self {
        Self::from_state(State::default())
    }
}

impl<T> Welford<T> {
    pub(super) fn from_state(state: State) -> Self {
        Self {
            state,
            values: PhantomData,
        }
    }

    /// Adds another state; exact, so neither order nor grouping shows. An empty state adds nothing.
    pub fn merge(&mut self, other: &Self) {
        let (state, other) = (&mut self.state, &other.state);
        state.count += other.count;
        state.nulls += other.nulls;
        state.nans += other.nans;
        state.positive_infinities += other.positive_infinities;
        state.negative_infinities += other.negative_infinities;
        state.min = state.min.min(other.min);
        state.max = state.max.max(other.max);
        state.sum.merge(&other.sum);
        state.squares.merge(&other.squares);
        if let Some(other) = &other.weighted {
            state.weighted.get_or_insert_default().merge(other);
        }
    }

    /// Mean and variance with divisor `count - ddof`, each rounded once.
    pub fn finish(&self, ddof: u32) -> Moments {
        Moments::from_state(&self.state, ddof)
    }

    /// Finite values so far.
    pub fn count(&self) -> u64 {
        self.state.count
    }
}

impl<T: Float> Welford<T> {
    /// Adds train rows, a sub-chunk of [`SUB_CHUNK_ROWS`] at a time. The first row begins a
    /// sub-chunk: it is a multiple of [`SUB_CHUNK_ROWS`], counted from the start of its row group
    /// (text: of its file); and the last row ends one, or is the last of them all.
    pub fn extend(&mut self, rows: TrainRows<'_, T>) {
        for start in (0..rows.rows()).step_by(SUB_CHUNK_ROWS) {
            self.state.add(&SubChunk::fold(&rows, start));
        }
    }
}

impl State {
    /// What mean and variance are made of.
    pub(super) fn totals(&self) -> Totals {
        match &self.weighted {
            Some(weighted) => weighted.totals(),
            None => Totals {
                weight: BigUint::from(self.count),
                sum: self.sum.to_integer(),
                squares: self.squares.to_integer(),
            },
        }
    }

    fn add(&mut self, chunk: &SubChunk) {
        self.nulls += chunk.nulls;
        self.nans += chunk.nans;
        self.positive_infinities += chunk.positive_infinities;
        self.negative_infinities += chunk.negative_infinities;
        if chunk.count == 0 {
            return;
        }
        self.count += chunk.count;
        self.min = self.min.min(chunk.min);
        self.max = self.max.max(chunk.max);
        let SubChunk {
            count,
            pivot,
            differences,
            squares,
            scale_exponent,
            ..
        } = *chunk;
        self.sum.add_multiple(count, pivot);
        self.sum.add(differences, -scale_exponent);
        self.squares.add(squares, -2 * scale_exponent);
        self.squares
            .add_product(pivot, differences, 1 - scale_exponent);
        self.squares.add_square_multiple(count, pivot);
    }
}
