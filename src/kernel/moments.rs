//! `Moments`: what a finished state says about its column.
//!
//! Invariant: only finished states make them; every number is rounded once from the exact sums; none
//! is NaN, no variance is negative, no scale is zero or infinite.

use num_bigint::{BigInt, BigUint, Sign};

use super::ExactSum;
use super::round::{nearest, nearest_root};
use super::weighted::Totals;
use super::welford::State;

/// Mean, variance and scale of a column's finite train values, and what else was among them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    count: u64,
    nulls: u64,
    nans: u64,
    positive_infinities: u64,
    negative_infinities: u64,
    min: f64,
    max: f64,
    mean: f64,
    mean_lo: f64,
    var: f64,
    scale: f64,
    near_constant: bool,
    var_extreme: bool,
}

impl Moments {
    pub(super) fn from_state(state: &State, ddof: u32) -> Self {
        let Totals {
            weight,
            sum,
            squares,
        } = state.totals();
        let (mean, mean_lo) = mean(&sum, &weight);
        let mut moments = Self {
            count: state.count,
            nulls: state.nulls,
            nans: state.nans,
            positive_infinities: state.positive_infinities,
            negative_infinities: state.negative_infinities,
            min: state.min,
            max: state.max,
            mean,
            mean_lo,
            var: 0.0,
            scale: 1.0,
            near_constant: false,
            var_extreme: false,
        };
        if state.min < state.max && state.count > u64::from(ddof) {
            // n * sum x^2 - (sum x)^2, and n * (n - ddof); n is the weight of all, where there is one.
            let spread = squares * BigInt::from(weight.clone()) - &sum * &sum;
            let divisor = match state.weighted {
                Some(_) => &weight * &weight,
                None => &weight * (state.count - u64::from(ddof)),
            };
            moments.set_spread(&spread, &divisor);
        }
        moments
    }

    fn set_spread(&mut self, spread: &BigInt, divisor: &BigUint) {
        if spread.sign() != Sign::Plus {
            return;
        }
        self.var = nearest(spread, divisor, -2148);
        let scale = nearest_root(spread.magnitude(), divisor, -2148);
        self.var_extreme = !self.var.is_normal();
        self.near_constant = scale < 4.0 * f64::EPSILON * self.mean.abs();
        self.scale = scale.clamp(f64::from_bits(1), f64::MAX);
    }

    /// Finite train values.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The mean, correctly rounded; 0 without values.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The exact mean minus [`Moments::mean`], rounded: 0.06 or so at a mean of 1e15.
    pub fn mean_lo(&self) -> f64 {
        self.mean_lo
    }

    /// The variance with divisor `count - ddof`, correctly rounded. 0 for a constant column and
    /// where the divisor isn't positive; infinite or subnormal only if [`Moments::var_extreme`].
    pub fn var(&self) -> f64 {
        self.var
    }

    /// The standard deviation, correctly rounded from the exact sums even where the variance over-
    /// or underflows, and within the positive finite numbers; 1 where the variance is 0 by rule.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// The standard deviation as people read it: that of a constant is 0, its [`Moments::scale`] 1.
    pub fn sd(&self) -> f64 {
        if self.is_constant() { 0.0 } else { self.scale }
    }

    /// The smallest finite train value, if there is one; -0.0 counts as 0.0.
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest finite train value, if there is one; -0.0 counts as 0.0.
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// Train rows without a value.
    pub fn nulls(&self) -> u64 {
        self.nulls
    }

    /// NaN among the train values.
    pub fn nans(&self) -> u64 {
        self.nans
    }

    /// Infinities of either sign among the train values; never part of the sums.
    pub fn infinities(&self) -> u64 {
        self.positive_infinities + self.negative_infinities
    }

    /// Whether all finite train values are equal.
    pub fn is_constant(&self) -> bool {
        self.count > 0 && self.min == self.max
    }

    /// Whether the standard deviation is below 4 rounding units of the mean: a warning, the scale
    /// stays what it is.
    pub fn is_near_constant(&self) -> bool {
        self.near_constant
    }

    /// Whether the variance over- or underflowed: a warning, the scale is right.
    pub fn var_extreme(&self) -> bool {
        self.var_extreme
    }
}

/// The mean of values of this count or weight, and its rounding error.
fn mean(sum: &BigInt, count: &BigUint) -> (f64, f64) {
    if count.bits() == 0 {
        return (0.0, 0.0);
    }
    let mean = nearest(sum, count, -1074);
    let mut rounded = ExactSum::default();
    rounded.add(mean, 0);
    let rest = sum - rounded.to_integer() * BigInt::from(count.clone());
    (mean, nearest(&rest, count, -1074))
}
