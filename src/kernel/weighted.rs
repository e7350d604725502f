//! Weighted sums without any rounding: what a weighted mean and variance are made of.
//!
//! ```text
//! mean = sum(w x) / sum(w)        var = (sum(w) sum(w x^2) - sum(w x)^2) / sum(w)^2
//! ```
//!
//! Invariant: each product is added exactly, so neither order nor grouping shows. Limit: three exact
//! additions a value, some tens of nanoseconds; a weight is finite and not negative.

use num_bigint::{BigInt, BigUint};
use num_traits::Float;
use serde::{Deserialize, Serialize};

use super::{ExactSquareSum, ExactSum, FixedPoint, TrainRows, Welford};

#[cfg(test)]
mod tests;

/// An exact sum of products of three values: a multiple of 2^-3222.
type ExactCubeSum = FixedPoint<3222>;

/// The sums of weights and of weighted values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WeightedSums {
    sum_of_weights: ExactSum,
    sum_of_products: ExactSquareSum,
    sum_of_square_products: ExactCubeSum,
}

/// Sums in their units: whose quotients with `weight` are the mean and the mean square.
pub(super) struct Totals {
    /// In units of 2^-1074, or a plain count.
    pub(super) weight: BigUint,
    /// In the unit of the weight times 2^-1074.
    pub(super) sum: BigInt,
    /// In the unit of the weight times 2^-2148.
    pub(super) squares: BigInt,
}

impl WeightedSums {
    fn add(&mut self, weight: f64, value: f64) {
        self.sum_of_weights.add(weight, 0);
        self.sum_of_products.add_product(weight, value, 0);
        self.sum_of_square_products
            .add_weighted_square(weight, value);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.sum_of_weights.merge(&other.sum_of_weights);
        self.sum_of_products.merge(&other.sum_of_products);
        self.sum_of_square_products
            .merge(&other.sum_of_square_products);
    }

    pub(super) fn totals(&self) -> Totals {
        Totals {
            weight: self.sum_of_weights.to_integer().magnitude().clone(),
            sum: self.sum_of_products.to_integer(),
            squares: self.sum_of_square_products.to_integer(),
        }
    }
}

impl<T: Float> Welford<T> {
    /// Adds train rows, each with its weight: finite and not negative. A row of weight 0 is as if it
    /// weren't there, and a missing value doesn't count, whatever its weight.
    ///
    /// ```
    /// use prep_stream::kernel::{NumericRows, Side, Sides, Welford};
    ///
    /// let mut sides = Sides::default();
    /// [Side::Train; 3].into_iter().for_each(|side| sides.push(side));
    /// let mut welford = Welford::<f64>::default();
    /// let rows = sides.train(0, NumericRows { values: &[1.0, 5.0, 9e9], valid: None });
    /// welford.extend_weighted(rows, &[3.0, 1.0, 0.0]);
    /// let moments = welford.finish(0);
    /// assert_eq!((moments.mean(), moments.var(), moments.count()), (2.0, 3.0, 2));
    /// ```
    ///
    /// # Panics
    /// If there are fewer weights than rows.
    pub fn extend_weighted(&mut self, rows: TrainRows<'_, T>, weights: &[f64]) {
        let values = rows.values();
        let (known, wanted) = (weights.len(), values.len());
        assert!(known >= wanted, "{known} weights for {wanted} rows");
        let state = &mut self.state;
        let sums = state.weighted.get_or_insert_default();
        for start in (0..values.len()).step_by(64) {
            let (train, present) = rows.selected(start);
            let mut rest = train;
            while rest != 0 {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                let (weight, row) = (weights[start + bit], start + bit);
                let value = values[row].to_f64().unwrap_or(f64::NAN);
                match () {
                    () if weight == 0.0 => {}
                    () if present >> bit & 1 == 0 => state.nulls += 1,
                    () if value.is_nan() => state.nans += 1,
                    () if value == f64::INFINITY => state.positive_infinities += 1,
                    () if value == f64::NEG_INFINITY => state.negative_infinities += 1,
                    () => {
                        state.count += 1;
                        state.min = state.min.min(value + 0.0);
                        state.max = state.max.max(value + 0.0);
                        sums.add(weight, value);
                    }
                }
            }
        }
    }
}

impl<T> Welford<T> {
    /// Whether its rows have weights.
    pub fn is_weighted(&self) -> bool {
        self.state.weighted.is_some()
    }
}
