//! Weighted moments against exact arithmetic, and against the unweighted ones.

use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;
use crate::kernel::round::{nearest, nearest_root};
use crate::kernel::{Moments, NumericRows, Side, Sides};

/// Folds the rows in parts of `part`.
fn moments(rows: &[(f64, f64)], part: usize) -> Moments {
    let mut all = Welford::<f64>::default();
    for rows in rows.chunks(part) {
        let mut sides = Sides::default();
        rows.iter().for_each(|_| sides.push(Side::Train));
        let values: Vec<f64> = rows.iter().map(|row| row.0).collect();
        let weights: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let column = NumericRows {
            values: &values,
            valid: None,
        };
        let mut welford = Welford::default();
        welford.extend_weighted(sides.train(0, column), &weights);
        all.merge(&welford);
    }
    all.finish(0)
}

/// A float in units of 2^-1074.
fn integer(value: f64) -> BigInt {
    let mut sum = ExactSum::default();
    sum.add(value, 0);
    sum.to_integer()
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e3..1e3,
        (-1022..1023_i32, -1.0..1.0).prop_map(|(exponent, x)| x * 2.0_f64.powi(exponent)),
        Just(-0.0),
    ]
}

fn weight() -> impl Strategy<Value = f64> {
    let wide = (-1022..1023_i32, 0.5..1.0).prop_map(|(exponent, x)| x * 2.0_f64.powi(exponent));
    prop_oneof![Just(0.0), Just(1.0), 0.0..10.0, wide]
}

proptest! {
    #[test]
    fn moments_are_those_of_exact_arithmetic_however_they_are_grouped(
        rows in prop::collection::vec((value(), weight()), 1..200),
        part in 1..200_usize,
    ) {
        let found = moments(&rows, part);
        prop_assert_eq!(found, moments(&rows, rows.len()));
        let used: Vec<_> = rows.iter().filter(|row| row.1 > 0.0).collect();
        prop_assert_eq!(found.count(), used.len() as u64);
        if used.is_empty() {
            return Ok(());
        }
        let (mut weights, mut sum, mut squares) = (BigInt::ZERO, BigInt::ZERO, BigInt::ZERO);
        for (x, w) in used {
            let (x, w) = (integer(*x), integer(*w));
            sum += &w * &x;
            squares += &w * &x * &x;
            weights += w;
        }
        let divisor = weights.magnitude();
        prop_assert_eq!(found.mean(), nearest(&sum, divisor, -1074));
        if !found.is_constant() {
            let spread = &weights * squares - &sum * &sum;
            prop_assert_eq!(found.var(), nearest(&spread, &(divisor * divisor), -2148));
            let scale = nearest_root(spread.magnitude(), &(divisor * divisor), -2148);
            prop_assert_eq!(found.scale(), scale.clamp(f64::from_bits(1), f64::MAX));
        }
    }

    #[test]
    fn whole_weights_are_rows_that_come_so_often(rows in prop::collection::vec((-50..50_i32, 0..4_u8), 1..100)) {
        let weighted: Vec<_> = rows.iter().map(|(x, w)| (f64::from(*x), f64::from(*w))).collect();
        let repeated: Vec<_> = rows
            .iter()
            .flat_map(|(x, w)| std::iter::repeat_n((f64::from(*x), 1.0), usize::from(*w)))
            .collect();
        let (weighted, repeated) = (moments(&weighted, 7), moments(&repeated, 5));
        prop_assert_eq!(weighted.mean(), repeated.mean());
        prop_assert_eq!((weighted.var(), weighted.scale()), (repeated.var(), repeated.scale()));
    }
}

#[test]
fn missing_values_and_rows_of_no_weight_do_not_count() {
    let found = moments(
        &[
            (1.0, 1.0),
            (f64::NAN, 2.0),
            (f64::INFINITY, 1.0),
            (3.0, 1.0),
            (f64::NAN, 0.0),
            (7.0, 0.0),
        ],
        2,
    );
    assert_eq!((found.mean(), found.var(), found.count()), (2.0, 1.0, 2));
    assert_eq!((found.nans(), found.infinities()), (1, 1));
    assert_eq!((found.min(), found.max()), (Some(1.0), Some(3.0)));
}
