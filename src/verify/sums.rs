//! Exact sums of float64 values and of their squares, as integers.
//!
//! ```text
//! x = m * 2^(e - 1074),  |m| < 2^53,  0 <= e <= 2045          every finite float64
//! sum x   in units of 2^-1074: m     is added to the counter of e / 32, shifted by e mod 32
//! sum x^2 in units of 2^-2148: both halves of m^2, of 53 bits each, likewise
//! ```
//!
//! Invariant: no rounding, so no order and no grouping can matter. Limit: a counter of 128 bits holds
//! 2^43 terms of 84 bits; no column has more rows. Layout and method share nothing with the fit's.

use num_bigint::{BigInt, BigUint, Sign};

/// Bits of exponent that one counter covers.
const STEP: usize = 32;
const SUM_COUNTERS: usize = 2046 / STEP + 1;
const SQUARE_COUNTERS: usize = (2 * 2045 + 53) / STEP + 1;

/// What the sums of a column take.
pub(super) const BYTES: u64 =
    (size_of::<Sums>() + (SUM_COUNTERS + SQUARE_COUNTERS) * size_of::<i128>()) as u64;

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
    sum: Box<[i128; SUM_COUNTERS]>,
    squares: Box<[i128; SQUARE_COUNTERS]>,
}

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
            sum: Box::new([0; SUM_COUNTERS]),
            squares: Box::new([0; SQUARE_COUNTERS]),
        }
    }
}

impl Sums {
    /// Adds a value; `None` is a null.
    pub(super) fn add(&mut self, value: Option<f64>) {
        let Some(x) = value else {
            self.nulls += 1;
            return;
        };
        if x.is_nan() {
            self.nans += 1;
        } else if x.is_infinite() {
            match x > 0.0 {
                true => self.positive_infinities += 1,
                false => self.negative_infinities += 1,
            }
        } else {
            self.count += 1;
            self.min = self.min.min(x);
            self.max = self.max.max(x);
            self.add_finite(x);
        }
    }

    fn add_finite(&mut self, x: f64) {
        const HALF: u32 = 53;
        let (mantissa, exponent) = parts(x);
        let signed = if x < 0.0 {
            -i128::from(mantissa)
        } else {
            i128::from(mantissa)
        };
        self.sum[exponent / STEP] += signed << (exponent % STEP);
        let square = i128::from(mantissa) * i128::from(mantissa);
        let halves = [
            (square & ((1 << HALF) - 1), 2 * exponent),
            (square >> HALF, 2 * exponent + HALF as usize),
        ];
        for (half, exponent) in halves {
            self.squares[exponent / STEP] += half << (exponent % STEP);
        }
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
        let pairs = self.sum.iter_mut().zip(other.sum.iter());
        let squares = self.squares.iter_mut().zip(other.squares.iter());
        pairs.chain(squares).for_each(|(own, part)| *own += part);
    }

    /// The sum, in units of 2^-1074.
    pub(super) fn sum(&self) -> BigInt {
        total(self.sum.as_slice())
    }

    /// `n * sum x^2 - (sum x)^2`, in units of 2^-2148: the variance times `n (n - ddof)`.
    pub(super) fn spread(&self) -> BigInt {
        let sum = self.sum();
        total(self.squares.as_slice()) * self.count - &sum * &sum
    }

    /// Infinities of either sign.
    pub(super) fn infinities(&self) -> u64 {
        self.positive_infinities + self.negative_infinities
    }
}

fn total(counters: &[i128]) -> BigInt {
    let highest_first = counters.iter().rev();
    highest_first.fold(BigInt::ZERO, |sum, counter| (sum << STEP) + *counter)
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
            let square = total(sums(&[x]).squares.as_slice());
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
