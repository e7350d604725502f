//! Rational numbers and their square roots as the nearest `f64`, ties to even.
//!
//! Invariant: each result is rounded exactly once, subnormal results included; what is too large
//! becomes infinity.

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::Zero;

/// Quotient bits worked with: more than an `f64` has, few enough for 128.
const QUOTIENT_BITS: i64 = 66;

/// `numerator / denominator * 2^exponent`; the denominator is not zero.
pub(super) fn nearest(numerator: &BigInt, denominator: &BigUint, exponent: i64) -> f64 {
    let magnitude = numerator.magnitude();
    if magnitude.is_zero() {
        return 0.0;
    }
    let shift = QUOTIENT_BITS - bits(magnitude) + bits(denominator);
    let (quotient, is_exact) = divide(magnitude, denominator, shift);
    let value = assemble(&quotient, is_exact, exponent - shift);
    if numerator.sign() == Sign::Minus {
        -value
    } else {
        value
    }
}

/// `sqrt(numerator / denominator * 2^exponent)`; the denominator is not zero.
pub(super) fn nearest_root(numerator: &BigUint, denominator: &BigUint, exponent: i64) -> f64 {
    if numerator.is_zero() {
        return 0.0;
    }
    let mut shift = 2 * QUOTIENT_BITS - bits(numerator) + bits(denominator);
    shift += (exponent - shift).rem_euclid(2);
    let (quotient, is_exact) = divide(numerator, denominator, shift);
    let root = quotient.sqrt();
    let is_exact = is_exact && &root * &root == quotient;
    assemble(&root, is_exact, (exponent - shift) / 2)
}

/// `floor(numerator * 2^shift / denominator)`, and whether nothing was cut off.
fn divide(numerator: &BigUint, denominator: &BigUint, shift: i64) -> (BigUint, bool) {
    let distance = shift.unsigned_abs();
    let (numerator, denominator) = if shift >= 0 {
        (numerator << distance, denominator.clone())
    } else {
        (numerator.clone(), denominator << distance)
    };
    let quotient = &numerator / &denominator;
    let is_exact = &quotient * &denominator == numerator;
    (quotient, is_exact)
}

/// The nearest `f64` to `quotient * 2^exponent`, where a little is missing unless `is_exact`; the
/// quotient has more than 54 and at most 127 bits.
fn assemble(quotient: &BigUint, is_exact: bool, exponent: i64) -> f64 {
    let quotient_bits = bits(quotient);
    let top = exponent + quotient_bits - 1;
    let lowest = (top - 52).max(-1074);
    let drop = lowest - exponent;
    if drop > quotient_bits {
        return 0.0;
    }
    let quotient = u128::try_from(quotient).unwrap_or(u128::MAX);
    let kept = quotient >> drop;
    let rest = quotient - (kept << drop);
    let half = 1_u128 << (drop - 1);
    let is_odd = kept & 1 == 1;
    let rounds_up = rest > half || (rest == half && (!is_exact || is_odd));
    // A mantissa of 2^53 carries into the exponent by itself.
    let mantissa = u64::try_from(kept).unwrap_or(u64::MAX) + u64::from(rounds_up);
    let field = u64::try_from(lowest + 1074).unwrap_or(0);
    if field >= 2046 {
        return f64::INFINITY;
    }
    f64::from_bits((field << 52) + mantissa)
}

fn bits(value: &BigUint) -> i64 {
    i64::try_from(value.bits()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quotient(numerator: i64, denominator: u64, exponent: i64) -> f64 {
        nearest(
            &BigInt::from(numerator),
            &BigUint::from(denominator),
            exponent,
        )
    }

    #[test]
    fn quotients_round_once_to_even() {
        let cases = [
            (0, 7, 0, 0.0),
            (-1, 3, 0, -1.0 / 3.0),
            (1, 10, 0, 0.1),
            ((1 << 53) + 1, 1, 0, 9_007_199_254_740_992.0),
            ((1 << 53) + 3, 1, 0, 9_007_199_254_740_996.0),
            (i64::MAX, 1, 0, 9_223_372_036_854_775_808.0),
            (1, 1, -1074, 5e-324),
            (1, 2, -1074, 0.0),
            (2, 3, -1074, 5e-324),
            (3, 2, -1074, 1e-323),
            (1, 1, -1080, 0.0),
            ((1 << 53) - 1, 1, 971, f64::MAX),
            ((1 << 54) - 1, 1, 970, f64::INFINITY),
            (1, 1, 1024, f64::INFINITY),
            (1, 1, -1022, f64::MIN_POSITIVE),
        ];
        for (numerator, denominator, exponent, expected) in cases {
            let value = quotient(numerator, denominator, exponent);
            assert_eq!(
                value.to_bits(),
                f64::to_bits(expected),
                "{numerator}/{denominator}"
            );
        }
    }

    #[test]
    fn roots_reach_where_squares_do_not() {
        let one = BigUint::from(1_u8);
        assert_eq!(nearest_root(&one, &one, -2148), 5e-324);
        assert_eq!(nearest_root(&one, &one, 2046), 2.0_f64.powi(1023));
        assert_eq!(nearest_root(&one, &one, 2048), f64::INFINITY);
        assert_eq!(nearest_root(&BigUint::ZERO, &one, 0), 0.0);
        assert_eq!(nearest_root(&BigUint::from(2_u8), &one, 0), 2.0_f64.sqrt());
    }

    proptest! {
        #[test]
        fn quotients_and_roots_agree_with_the_processor(
            numerator in 1_u64..1 << 53, denominator in 1_u64..1 << 53,
        ) {
            let (top, bottom) = (numerator as f64, denominator as f64);
            prop_assert_eq!(quotient(numerator as i64, denominator, 0), top / bottom);
            let (top_integer, one) = (BigUint::from(numerator), BigUint::from(1_u8));
            prop_assert_eq!(nearest_root(&top_integer, &one, 0), top.sqrt());
            prop_assert_eq!(nearest_root(&top_integer, &one, -40), (top * 2.0_f64.powi(-40)).sqrt());
        }
    }
}
