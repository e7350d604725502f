//! Every operation against big integers, and the canonical representation.

use num_traits::Zero;
use proptest::prelude::*;

use super::*;

fn exact(value: f64) -> BigInt {
    let value = Binary::of(value);
    let magnitude = BigInt::from(value.mantissa) << (value.exponent + 1074);
    if value.negative {
        -magnitude
    } else {
        magnitude
    }
}

#[test]
fn opposite_extremes_cancel_to_the_empty_sum() {
    let terms = [f64::MAX, -5e-324, 1.0, f64::MIN_POSITIVE, -1.0];
    let mut sum = ExactSum::default();
    terms.iter().for_each(|&term| sum.add(term, 0));
    assert!(!sum.is_zero());
    terms.iter().rev().for_each(|&term| sum.add(-term, 0));
    assert_eq!(sum, ExactSum::default());
    assert_eq!(sum.to_integer(), BigInt::zero());
}

#[test]
fn the_widest_sums_fit_their_words() {
    let mut sum = ExactSum::default();
    let mut squares = ExactSquareSum::default();
    for value in [f64::MIN, -5e-324] {
        sum.add_multiple(u64::MAX, value);
        squares.add_square_multiple(u64::MAX, value);
    }
    assert!(sum.words.len() <= 34, "{}", sum.words.len());
    assert!(squares.words.len() <= 67, "{}", squares.words.len());
    let expected = exact(f64::MIN) * u64::MAX + exact(-5e-324) * u64::MAX;
    assert_eq!(sum.to_integer(), expected);
}

proptest! {
    #[test]
    fn every_operation_is_exact(
        terms in prop::collection::vec(
            (any::<f64>(), any::<f64>(), any::<u64>(), 0_u8..5), 0..20),
    ) {
        let mut sum = ExactSum::default();
        let mut squares = ExactSquareSum::default();
        let (mut expected_sum, mut expected_squares) = (BigInt::zero(), BigInt::zero());
        for (left, right, count, operation) in terms {
            if !left.is_finite() || !right.is_finite() { continue; }
            match operation {
                0 => { sum.add(left, 7); expected_sum += exact(left) << 7; }
                1 => { sum.add_multiple(count, left); expected_sum += exact(left) * count; }
                2 => {
                    squares.add_product(left, right, 1);
                    expected_squares += (exact(left) * exact(right)) << 1;
                }
                3 => {
                    squares.add_square_multiple(count, left);
                    expected_squares += exact(left) * exact(left) * count;
                }
                _ => { squares.add(left, -1074); expected_squares += exact(left); }
            }
            prop_assert_eq!(sum.to_integer(), expected_sum.clone());
            prop_assert_eq!(squares.to_integer(), expected_squares.clone());
        }
    }

    #[test]
    fn neither_order_nor_grouping_shows(
        mut terms in prop::collection::vec(any::<f64>(), 1..40),
        cut in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        terms.retain(|term| term.is_finite());
        let mut forward = ExactSum::default();
        terms.iter().for_each(|&term| forward.add(term, 0));
        terms.sort_by_key(|term| crate::kernel::mix(term.to_bits() ^ seed));
        let (left, right) = terms.split_at(cut.index(terms.len() + 1));
        let (mut first, mut second) = (ExactSum::default(), ExactSum::default());
        left.iter().for_each(|&term| first.add(term, 0));
        right.iter().for_each(|&term| second.add(term, 0));
        second.merge(&first);
        prop_assert_eq!(&forward, &second);
        prop_assert_eq!(forward.to_string(), second.to_string());
    }
}
