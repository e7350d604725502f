//! What the tests of several kernels share: columns made from row numbers, and exact arithmetic.

use num_bigint::BigInt;
use num_traits::ToPrimitive;

use super::*;

mod numbers;
mod states;

/// Uniform in (0, 1), from the row alone.
fn uniform(row: usize, stream: u64) -> f64 {
    ((mix(row as u64 ^ (stream << 40)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Normal with mean 0 and standard deviation 1, from the row alone (Box-Muller).
fn normal(row: usize) -> f64 {
    let angle = std::f64::consts::TAU * uniform(row, 1);
    (-2.0 * uniform(row, 0).ln()).sqrt() * angle.cos()
}

fn sides_of(rows: usize, is_test: impl Fn(usize) -> bool) -> Sides {
    let mut sides = Sides::default();
    for row in 0..rows {
        sides.push(if is_test(row) {
            Side::Test
        } else {
            Side::Train
        });
    }
    sides
}

fn fold(values: &[f64], sides: &Sides) -> Welford {
    let mut welford = Welford::default();
    welford.extend(sides.train(
        0,
        NumericRows {
            values,
            valid: None,
        },
    ));
    welford
}

/// A finite value in units of 2^-1074.
fn exact(value: f64) -> BigInt {
    let (mantissa, exponent, sign) = num_traits::Float::integer_decode(value);
    // Subnormal numbers decode with a mantissa twice as large.
    ((BigInt::from(mantissa) << (i32::from(exponent) + 1075)) >> 1) * sign
}

/// `numerator / denominator` as an `f64`, good to 1e-15 where it is in range.
fn ratio(numerator: &BigInt, denominator: &BigInt) -> f64 {
    ((numerator << 80_u32) / denominator).to_f64().unwrap() / 2.0_f64.powi(80)
}
