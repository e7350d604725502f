//! Exact sums of float64 values and of their squares, and of products with weights, as integers.
//!
//! ```text
//! x = m * 2^(e - 1074),  |m| < 2^53,  0 <= e <= 2045          every finite float64
//! sum x     in units of 2^-1074: m     is added to the counter of e / 32, shifted by e mod 32
//! sum x^2   in units of 2^-2148: both halves of m^2, of 53 bits each, likewise
//! sum w x^2 in units of 2^-3222: both halves of w times each half of x^2
//! ```
//!
//! Invariant: no rounding, so no order and no grouping can matter. Limit: a counter of 128 bits holds
//! 2^43 terms of 84 bits; no column has more rows. Layout and method share nothing with the fit's.

use num_bigint::{BigInt, BigUint, Sign};

/// Bits of exponent that one counter covers.
const STEP: usize = 32;

/// Bits of a mantissa.
const HALF: usize = 53;

/// Counters of sums of values, of products of two, and of three.
const SUM_COUNTERS: usize = counters(1);
const SQUARE_COUNTERS: usize = counters(2);
const CUBE_COUNTERS: usize = counters(3);

const fn counters(factors: usize) -> usize {
    (factors * 2045 + (factors - 1) * HALF) / STEP + 1
}

/// What the sums of a column take, weights and all.
pub(super) const BYTES: u64 = (size_of::<Sums>()
    + size_of::<Weighted>()
    + (2 * SUM_COUNTERS + 2 * SQUARE_COUNTERS + CUBE_COUNTERS) * size_of::<i128>())
    as u64;

/// Count, extremes and exact sums of a column.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    pub(super) count: u64,
    pub(super) nulls: u64,
    pub(super) nans: u64,
    pub(super) positive_infinities: u64,
    pub(super) negative_infinities: u64,
    pub(super) min: f64,
    pub(super) max: f64,
    sum: Counters,
    squares: Counters,
    weighted: Option<Weighted>,
}

/// Sums where rows have weights.
#[derive(Debug, Clone)]
struct Weighted {
    weights: Counters,
    products: Counters,
    square_products: Counters,
}

/// An exact sum, in parts.
#[derive(Debug, Clone)]
struct Counters(Box<[i128]>);

impl Default for Sums {
    fn default() -> Self {
        Self {
            count: 0,
            nulls: 0,
            nans: 0,
            positive_infinities: 0,
            negative_infinities: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            sum: Counters::new(SUM_COUNTERS),
            squares: Counters::new(SQUARE_COUNTERS),
            weighted: None,
        }
    }
}

impl Default for Weighted {
    fn default() -> Self {
        Self {
            weights: Counters::new(SUM_COUNTERS),
            products: Counters::new(SQUARE_COUNTERS),
            square_products: Counters::new(CUBE_COUNTERS),
        }
    }
}

impl Counters {
    fn new(counters: usize) -> Self {
        Self(vec![0; counters].into())
    }

    /// Adds `term * 2^exponent`, of at most 53 bits.
    fn add(&mut self, term: i128, exponent: usize) {
        self.0[exponent / STEP] += term << (exponent % STEP);
    }

    /// Adds `a * b * 2^exponent`, both of at most 53 bits.
    fn add_product(&mut self, a: i128, b: i128, exponent: usize) {
        let product = a * b;
        self.add(product & ((1 << HALF) - 1), exponent);
        self.add(product >> HALF, exponent + HALF);
    }

    fn merge(&mut self, other: &Self) {
        let pairs = self.0.iter_mut().zip(&other.0);
        pairs.for_each(|(own, part)| *own += part);
    }

    fn total(&self) -> BigInt {
        let highest_first = self.0.iter().rev();
        highest_first.fold(BigInt::ZERO, |sum, counter| (sum << STEP) + *counter)
    }
}

impl Sums {
    /// Adds a value; `None` is a null.
    pub(super) fn add(&mut self, value: Option<f64>) {
        if let Some(x) = self.count_in(value) {
            let (mantissa, exponent) = signed_parts(x);
            self.sum.add(mantissa, exponent);
            self.squares.add_product(mantissa, mantissa, 2 * exponent);
        }
    }

    /// Adds a value of a row with this weight; a row of weight 0 is as if it weren't there.
    pub(super) fn add_weighted(&mut self, value: Option<f64>, weight: f64) {
        self.weighted.get_or_insert_default();
        if weight == 0.0 {
            return;
        }
        let (Some(x), Some(sums)) = (self.count_in(value), &mut self.weighted) else {
            return;
        };
        let ((weight, of_weight), (mantissa, exponent)) = (signed_parts(weight), signed_parts(x));
        sums.weights.add(weight, of_weight);
        sums.products
            .add_product(weight, mantissa, of_weight + exponent);
        let square = mantissa * mantissa;
        let exponent = of_weight + 2 * exponent;
        let halves = [square & ((1 << HALF) - 1), square >> HALF];
        sums.square_products
            .add_product(weight, halves[0], exponent);
        sums.square_products
            .add_product(weight, halves[1], exponent + HALF);
    }

    /// Counts a value; returns it if it is one that sums are made of.
    fn count_in(&mut self, value: Option<f64>) -> Option<f64> {
        match value {
            None => self.nulls += 1,
            Some(x) if x.is_nan() => self.nans += 1,
            Some(f64::INFINITY) => self.positive_infinities += 1,
            Some(f64::NEG_INFINITY) => self.negative_infinities += 1,
            Some(x) => {
                self.count += 1;
                self.min = self.min.min(x);
                self.max = self.max.max(x);
                return Some(x);
            }
        }
        None
    }

    /// Adds another part of the same column.
    pub(super) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.nulls += other.nulls;
        self.nans += other.nans;
        self.positive_infinities += other.positive_infinities;
        self.negative_infinities += other.negative_infinities;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        if let Some(other) = &other.weighted {
            let own = self.weighted.get_or_insert_default();
            own.weights.merge(&other.weights);
            own.products.merge(&other.products);
            own.square_products.merge(&other.square_products);
        }
    }

    /// The sum of the weights: how many values there are, or in units of 2^-1074.
    pub(super) fn weight(&self) -> BigInt {
        match &self.weighted {
            Some(sums) => sums.weights.total(),
            None => BigInt::from(self.count),
        }
    }

    /// The sum, each value times its weight, in units of 2^-1074 times that of the weight.
    pub(super) fn sum(&self) -> BigInt {
        match &self.weighted {
            Some(sums) => sums.products.total(),
            None => self.sum.total(),
        }
    }

    /// `sum w * sum w x^2 - (sum w x)^2`, in units of 2^-2148 times that of the weight squared.
    pub(super) fn spread(&self) -> BigInt {
        let sum = self.sum();
        let squares = match &self.weighted {
            Some(sums) => sums.square_products.total(),
            None => self.squares.total(),
        };
        squares * self.weight() - &sum * &sum
    }

    /// What the spread is divided by for the variance, `ddof` values being spent.
    pub(super) fn divisor(&self, ddof: u64) -> BigInt {
        let weight = self.weight();
        match &self.weighted {
            Some(_) => &weight * &weight,
            None => weight * BigInt::from(self.count.saturating_sub(ddof).max(1)),
        }
    }

    /// Infinities of either sign.
    pub(super) fn infinities(&self) -> u64 {
        self.positive_infinities + self.negative_infinities
    }
}

/// Mantissa with its sign, and exponent in units of 2^-1074.
fn signed_parts(x: f64) -> (i128, usize) {
    let (mantissa, exponent) = parts(x);
    let mantissa = i128::from(mantissa);
    (if x < 0.0 { -mantissa } else { mantissa }, exponent)
}

/// Mantissa, and exponent in units of 2^-1074.
fn parts(x: f64) -> (u64, usize) {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let field = (bits >> 52) & 0x7ff;
    let hidden = if field == 0 { 0 } else { 1 << 52 };
    let exponent = usize::try_from(field.max(1) - 1).unwrap_or(0);
    ((bits & MANTISSA) | hidden, exponent)
}

/// A finite value in units of 2^-1074.
pub(super) fn integer(x: f64) -> BigInt {
    let (mantissa, exponent) = parts(x);
    let sign = if x < 0.0 { Sign::Minus } else { Sign::Plus };
    BigInt::from_biguint(sign, BigUint::from(mantissa)) << exponent
}

/// `numerator / denominator`, good to 15 digits whatever their sizes; the denominator is positive.
pub(super) fn ratio(numerator: &BigInt, denominator: &BigInt) -> f64 {
    let (top, bottom) = (leading(numerator), leading(denominator));
    let exponent = i32::try_from(top.1 - bottom.1).unwrap_or(i32::MAX);
    let quotient = top.0 / bottom.0;
    // In two steps, so that a subnormal result isn't 0 on the way.
    let half = exponent / 2;
    quotient * 2.0_f64.powi(half) * 2.0_f64.powi(exponent - half)
}

/// The leading bits as a float, and the power of two that was left out.
fn leading(value: &BigInt) -> (f64, i64) {
    let bits = i64::try_from(value.bits()).unwrap_or(i64::MAX);
    let cut = (bits - 64).max(0);
    let top = u64::try_from(value.magnitude() >> cut.unsigned_abs()).unwrap_or(u64::MAX);
    let sign = if value.sign() == Sign::Minus {
        -1.0
    } else {
        1.0
    };
    (sign * top as f64, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(values: &[f64]) -> Sums {
        let mut sums = Sums::default();
        values.iter().for_each(|value| sums.add(Some(*value)));
        sums
    }

    #[test]
    fn sums_are_exact_from_the_smallest_value_to_the_largest() {
        for x in [5e-324, f64::MIN_POSITIVE, 1.0, -0.1, 1e15 + 0.125, f64::MAX] {
            let twice = sums(&[x, x]);
            assert_eq!(twice.sum(), integer(x) * 2, "{x:e}");
            assert_eq!(twice.spread(), BigInt::ZERO, "{x:e}");
            let square = sums(&[x]).squares.total();
            assert_eq!(square, integer(x) * integer(x), "{x:e}");
        }
        let mixed = [f64::MAX, 1.0, -f64::MAX, 5e-324];
        assert_eq!(sums(&mixed).sum(), integer(1.0) + 1);
    }

    #[test]
    fn what_is_no_finite_value_is_counted_apart() {
        let mut sums = sums(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2.0]);
        sums.add(None);
        let counts = (sums.count, sums.nulls, sums.nans, sums.infinities());
        assert_eq!(counts, (1, 1, 1, 2));
        assert_eq!((sums.min, sums.max), (2.0, 2.0));
    }

    #[test]
    fn ratios_are_good_whatever_the_sizes() {
        let (small, large) = (integer(5e-324), integer(f64::MAX));
        assert_eq!(ratio(&integer(-3.0), &integer(2.0)), -1.5);
        assert_eq!(ratio(&small, &large), 0.0);
        assert_eq!(ratio(&large, &small), f64::INFINITY);
        assert_eq!(ratio(&BigInt::ZERO, &small), 0.0);
    }
}
