//! Mean and variance of float64 values in exact rational arithmetic.

use num_bigint::BigInt;
use num_traits::{Signed, Zero};

/// Count, sum and sum of squares, exact: values are integers times 2^`exponent`.
pub struct Exact {
    count: u64,
    sum: BigInt,
    squares: BigInt,
    exponent: i32,
}

impl Exact {
    pub fn of(values: &[f64]) -> Self {
        let parts: Vec<(i64, i32)> = values.iter().map(|v| decompose(*v)).collect();
        let exponent = parts
            .iter()
            .filter(|p| p.0 != 0)
            .map(|p| p.1)
            .min()
            .unwrap_or(0);
        let (mut sum, mut squares) = (BigInt::zero(), BigInt::zero());
        // i128 holds most products; BigInt only the totals of a stretch and what doesn't fit.
        let (mut near_sum, mut near_squares, mut pending) = (0_i128, 0_i128, 0);
        for (mantissa, own) in parts {
            let shift = if mantissa == 0 {
                0
            } else {
                u32::try_from(own - exponent).expect("the smallest")
            };
            let bits = 64 - mantissa.unsigned_abs().leading_zeros() + shift;
            if bits <= 58 {
                let value = i128::from(mantissa) << shift;
                near_sum += value;
                near_squares += value * value;
                pending += 1;
                if pending == 256 {
                    sum += std::mem::take(&mut near_sum);
                    squares += std::mem::take(&mut near_squares);
                    pending = 0;
                }
            } else {
                let value = BigInt::from(mantissa) << shift;
                squares += &value * &value;
                sum += value;
            }
        }
        Self {
            count: values.len() as u64,
            sum: sum + near_sum,
            squares: squares + near_squares,
            exponent,
        }
    }

    /// |`mean` - exact mean| / max(|exact mean|, exact sd), as a float.
    pub fn mean_error(&self, mean: f64) -> f64 {
        let n = BigInt::from(self.count);
        // Both sides times n, in units of 2^scale.
        let (mantissa, own) = decompose(mean);
        let scale = own.min(self.exponent);
        let given = (BigInt::from(mantissa) * &n) << up(own - scale);
        let exact = self.sum.clone() << up(self.exponent - scale);
        let spread = self.variance_numerator().sqrt() << up(self.exponent - scale);
        ratio(&(given - &exact).abs(), &exact.abs().max(spread))
    }

    /// |`variance` - exact| / exact; infinite where only one of them is 0.
    pub fn variance_error(&self, variance: f64, ddof: u64) -> f64 {
        // exact = numerator / (n (n - ddof)) in units of 2^(2 exponent)
        let (mantissa, own) = decompose(variance);
        let scale = own.min(2 * self.exponent);
        let divisor = BigInt::from(self.count) * BigInt::from(self.count - ddof);
        let given = (BigInt::from(mantissa) * divisor) << up(own - scale);
        let exact = self.variance_numerator() << up(2 * self.exponent - scale);
        ratio(&(given - &exact).abs(), &exact)
    }

    /// n Q - S^2: the population variance times n^2.
    fn variance_numerator(&self) -> BigInt {
        BigInt::from(self.count) * &self.squares - &self.sum * &self.sum
    }
}

fn up(shift: i32) -> u32 {
    u32::try_from(shift).expect("scaled by the smaller exponent")
}

/// a / b as a float, to about 60 bits; 0/0 is 0.
fn ratio(a: &BigInt, b: &BigInt) -> f64 {
    if a.is_zero() {
        return 0.0;
    }
    if b.is_zero() {
        return f64::INFINITY;
    }
    let quotient: BigInt = (a.clone() << 200_u32) / b;
    let text = quotient.to_string();
    text.parse::<f64>().expect("digits") / 2_f64.powi(200)
}

/// value = mantissa * 2^exponent, exactly.
fn decompose(value: f64) -> (i64, i32) {
    assert!(value.is_finite(), "{value} is not finite");
    let bits = value.to_bits();
    let raw = i32::try_from(bits >> 52 & 0x7ff).expect("11 bits");
    let fraction = i64::try_from(bits & ((1 << 52) - 1)).expect("52 bits");
    let (magnitude, exponent) = match raw {
        0 => (fraction, -1074),
        _ => (fraction | 1 << 52, raw - 1075),
    };
    // Trailing zeros go into the exponent, to keep the integers short.
    let zeros = if magnitude == 0 {
        0
    } else {
        magnitude.trailing_zeros()
    };
    let exponent = exponent + i32::try_from(zeros).expect("at most 52");
    (
        if value < 0.0 {
            -(magnitude >> zeros)
        } else {
            magnitude >> zeros
        },
        exponent,
    )
}
