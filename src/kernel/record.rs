//! A Welford state as a record: what partial files and the scaler file hold.
//!
//! Invariant: a state that was read could have been made by folding rows; anything else is an error.

use num_bigint::{BigInt, BigUint};
use num_traits::Float;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::weighted::{Totals, WeightedSums};
use super::welford::State;
use super::{ExactSquareSum, ExactSum, Welford};

/// Most rows a recorded state may have: more than any table, and merges cannot overflow.
const ROWS_MAX: u64 = 1 << 53;

/// Why a recorded state cannot be true.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A count beyond any table.
    #[error("{rows} rows recorded, at most {limit} are possible")]
    Rows {
        /// The number recorded.
        rows: u64,
        /// The largest possible.
        limit: u64,
    },
    /// Extremes and count contradict each other.
    #[error("a count of {count} does not go with a minimum of {min:?} and a maximum of {max:?}")]
    Extremes {
        /// Finite values recorded.
        count: u64,
        /// The minimum recorded.
        min: Option<f64>,
        /// The maximum recorded.
        max: Option<f64>,
    },
    /// No values have these sums.
    #[error("no {count} values have the sum {sum} and the sum of squares {squares}")]
    Sums {
        /// Finite values recorded.
        count: u64,
        /// The sum recorded.
        sum: String,
        /// The sum of squares recorded.
        squares: String,
    },
}

/// The fields as they are written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    count: u64,
    nulls: u64,
    nans: u64,
    positive_infinities: u64,
    negative_infinities: u64,
    min: Option<f64>,
    max: Option<f64>,
    sum: ExactSum,
    sum_of_squares: ExactSquareSum,
    /// Instead of the two sums before, which are then zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weighted: Option<WeightedSums>,
}

impl<T> Serialize for Welford<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state = &self.state;
        let has_values = state.count > 0;
        Record {
            count: state.count,
            nulls: state.nulls,
            nans: state.nans,
            positive_infinities: state.positive_infinities,
            negative_infinities: state.negative_infinities,
            min: has_values.then_some(state.min),
            max: has_values.then_some(state.max),
            sum: state.sum.clone(),
            sum_of_squares: state.squares.clone(),
            weighted: state.weighted.clone(),
        }
        .serialize(serializer)
    }
}

impl<'de, T: Float> Deserialize<'de> for Welford<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = Record::deserialize(deserializer)?;
        record.check().map_err(de::Error::custom)?;
        Ok(Self::from_state(State {
            count: record.count,
            nulls: record.nulls,
            nans: record.nans,
            positive_infinities: record.positive_infinities,
            negative_infinities: record.negative_infinities,
            min: record.min.unwrap_or(f64::INFINITY),
            max: record.max.unwrap_or(f64::NEG_INFINITY),
            sum: record.sum,
            squares: record.sum_of_squares,
            weighted: record.weighted,
        }))
    }
}

impl Record {
    fn check(&self) -> Result<(), StateError> {
        let infinities = [self.positive_infinities, self.negative_infinities];
        for rows in [self.count, self.nulls, self.nans]
            .into_iter()
            .chain(infinities)
        {
            if rows > ROWS_MAX {
                return Err(StateError::Rows {
                    rows,
                    limit: ROWS_MAX,
                });
            }
        }
        let totals = self.totals();
        let is_zero = totals.sum == BigInt::ZERO && totals.squares == BigInt::ZERO;
        let (extremes_fit, sums_fit) = match (self.count, self.min, self.max) {
            (0, None, None) => (true, is_zero),
            (1.., Some(min), Some(max)) => {
                let is_ordered = min.is_finite() && max.is_finite() && min <= max;
                let is_negative_zero = [min, max].iter().any(|&x| x == 0.0 && x.is_sign_negative());
                (is_ordered && !is_negative_zero, sums_fit(&totals, min, max))
            }
            _ => (false, true),
        };
        if !extremes_fit {
            let Self {
                count, min, max, ..
            } = *self;
            return Err(StateError::Extremes { count, min, max });
        }
        if !sums_fit {
            return Err(StateError::Sums {
                count: self.count,
                sum: self.sum.to_string(),
                squares: self.sum_of_squares.to_string(),
            });
        }
        Ok(())
    }

    /// What mean and variance are made of.
    fn totals(&self) -> Totals {
        match &self.weighted {
            Some(weighted) => weighted.totals(),
            None => Totals {
                weight: BigUint::from(self.count),
                sum: self.sum.to_integer(),
                squares: self.sum_of_squares.to_integer(),
            },
        }
    }
}

/// Whether the mean lies between the extremes, but for rounding within a sub-chunk, and the
/// variance isn't negative (equal values: is zero).
fn sums_fit(totals: &Totals, min: f64, max: f64) -> bool {
    if !(min.is_finite() && max.is_finite()) {
        return false;
    }
    let exact = |value: f64| {
        let mut sum = ExactSum::default();
        sum.add(value, 0);
        sum.to_integer()
    };
    let weight = BigInt::from(totals.weight.clone());
    let (sum, squares) = (&totals.sum, &totals.squares);
    let (low, high) = (exact(min) * &weight, exact(max) * &weight);
    let slack: BigInt = (&high - &low) >> 20;
    let spread: BigInt = squares * &weight - sum * sum;
    let is_spread = if min == max {
        spread == BigInt::ZERO
    } else {
        spread > BigInt::ZERO
    };
    is_spread && *sum >= low - &slack && *sum <= high + slack
}
