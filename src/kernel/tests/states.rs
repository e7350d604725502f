//! States: what they count, and that order, grouping and test rows don't show.

use proptest::prelude::*;

use super::*;

#[test]
fn sub_chunks_without_train_rows_change_nothing() {
    let values: Vec<f64> = (0..40_000).map(normal).collect();
    let nothing = fold(&values, &sides_of(values.len(), |_| true));
    assert_eq!(nothing, Welford::default());
    let mut merged = fold(&values, &sides_of(values.len(), |_| false));
    let before = merged.clone();
    merged.merge(&nothing);
    assert_eq!(merged, before);
    let mut empty = Welford::default();
    empty.merge(&before);
    assert_eq!(empty, before);
}

#[test]
fn nothing_to_fit_on_gives_the_identity() {
    let valid = [0_u64; 2];
    let values = [f64::NAN; 100];
    let sides = sides_of(100, |row| row % 4 == 0);
    let mut welford = Welford::<f64>::default();
    welford.extend(sides.train(
        0,
        NumericRows {
            values: &values,
            valid: Some(&valid),
        },
    ));
    let moments = welford.finish(0);
    assert_eq!(
        (moments.count(), moments.nulls(), moments.nans()),
        (0, 75, 0)
    );
    assert_eq!(
        (moments.mean(), moments.var(), moments.scale()),
        (0.0, 0.0, 1.0)
    );
    assert_eq!(
        (moments.min(), moments.max(), moments.is_constant()),
        (None, None, false)
    );
    assert_eq!(ColumnScaler::new(&moments).transform(3.5), 3.5);
}

#[test]
fn ten_equal_values_are_constant_with_scale_one() {
    for value in [0.1, -1e300, 5e-324, f64::MAX, 0.0, 1_700_000_000.1] {
        let moments = fold(&[value; 10], &sides_of(10, |_| false)).finish(1);
        assert!(
            moments.is_constant() && !moments.is_near_constant(),
            "{value}"
        );
        assert_eq!((moments.mean(), moments.mean_lo()), (value, 0.0));
        assert_eq!((moments.var(), moments.scale()), (0.0, 1.0));
        assert_eq!(ColumnScaler::new(&moments).transform(value), 0.0);
    }
}

#[test]
fn what_is_not_finite_is_counted_and_left_out() {
    let values = [
        1.0,
        f64::NAN,
        f64::INFINITY,
        3.0,
        f64::NEG_INFINITY,
        f64::INFINITY,
        -0.0,
    ];
    let valid = [0b101_1111_u64];
    let sides = sides_of(7, |row| row == 3);
    let mut extended = Welford::<f64>::default();
    extended.extend(sides.train(
        0,
        NumericRows {
            values: &values,
            valid: Some(&valid),
        },
    ));
    let moments = extended.finish(0);
    assert_eq!((moments.count(), moments.nulls()), (2, 1));
    assert_eq!((moments.nans(), moments.infinities()), (1, 2));
    assert_eq!((moments.mean(), moments.var()), (0.5, 0.25));
    assert_eq!(
        (moments.min().map(f64::to_bits), moments.max()),
        (Some(0), Some(1.0))
    );
}

#[test]
fn near_constant_columns_are_named_and_keep_their_scale() {
    let value = |row: usize| if row == 7 { 1e15 + 0.125 } else { 1e15 };
    let values: Vec<f64> = (0..10_000).map(value).collect();
    let moments = fold(&values, &sides_of(10_000, |_| false)).finish(0);
    assert!(moments.is_near_constant() && !moments.is_constant());
    let expected = 0.125 * (0.0001_f64 * 0.9999).sqrt();
    assert!(
        (moments.scale() / expected - 1.0).abs() < 1e-14,
        "{}",
        moments.scale()
    );
}

#[test]
fn a_divisor_that_is_not_positive_gives_scale_one() {
    let welford = fold(&[1.0, 2.0], &sides_of(2, |_| false));
    assert_eq!(welford.finish(1).var(), 0.5);
    for ddof in [2, 3, u32::MAX] {
        assert_eq!(
            (welford.finish(ddof).var(), welford.finish(ddof).scale()),
            (0.0, 1.0)
        );
    }
    let extreme = fold(&[f64::MAX, -f64::MAX], &sides_of(2, |_| false)).finish(1);
    assert!(extreme.var_extreme() && extreme.var().is_infinite());
    assert_eq!(extreme.scale(), f64::MAX);
}

#[test]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the narrow values are the case"
)]
fn narrower_floats_give_the_state_of_their_wide_values() {
    let narrow: Vec<f32> = (0..9_000).map(|row| normal(row) as f32).collect();
    let wide: Vec<f64> = narrow.iter().map(|&value| f64::from(value)).collect();
    let sides = sides_of(9_000, |row| row % 3 == 0);
    let mut welford = Welford::<f32>::default();
    welford.extend(sides.train(
        0,
        NumericRows {
            values: &narrow,
            valid: None,
        },
    ));
    assert_eq!(welford.finish(0), fold(&wide, &sides).finish(0));
}

/// A value of any kind, weighted towards what goes wrong.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<f64>(),
        4 => -1e3..1e3_f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-0.0),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn neither_order_nor_grouping_of_sub_chunks_shows(
        seeds in prop::collection::vec((any::<u64>(), 0_u8..5), 1..8),
        shuffle in any::<u64>(),
        states in 1_usize..5,
    ) {
        // Each sub-chunk but the last is full; magnitudes differ from one to the next.
        let rows = (seeds.len() - 1) * SUB_CHUNK_ROWS + 100;
        let value = |row: usize| {
            let (seed, kind) = seeds[row / SUB_CHUNK_ROWS];
            let unit = [1.0, 1e-300, 1e300, 1e15, 1e-8][usize::from(kind)];
            unit * (1.0 + normal(row ^ (seed >> 20) as usize))
        };
        let values: Vec<f64> = (0..rows).map(value).collect();
        let sides = sides_of(rows, |row| mix(row as u64) < u64::MAX / 3);
        let whole = fold(&values, &sides);
        let mut order: Vec<usize> = (0..seeds.len()).collect();
        order.sort_by_key(|&chunk| mix(chunk as u64 ^ shuffle));
        let mut partials = vec![Welford::<f64>::default(); states];
        for (turn, chunk) in order.into_iter().enumerate() {
            let start = chunk * SUB_CHUNK_ROWS;
            let values = &values[start..rows.min(start + SUB_CHUNK_ROWS)];
            let rows = sides.train(start, NumericRows { values, valid: None });
            partials[turn % states].extend(rows);
        }
        let merged = partials.iter().fold(Welford::default(), |mut merged, partial| {
            merged.merge(partial);
            merged
        });
        prop_assert_eq!(&merged, &whole);
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(&serde_json::to_string(&merged).unwrap(), &text);
        let back: Welford = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(back, whole);
    }

    #[test]
    fn test_rows_cannot_reach_the_state(
        rows in prop::collection::vec((value(), value(), any::<bool>(), any::<bool>()), 1..300),
    ) {
        let sides = sides_of(rows.len(), |row| rows[row].2);
        let mut valid = vec![0_u64; rows.len().div_ceil(64)];
        for (row, _) in rows.iter().enumerate().filter(|(_, row)| row.3) {
            valid[row / 64] |= 1 << (row % 64);
        }
        let state = |values: Vec<f64>| {
            let mut welford = Welford::<f64>::default();
            welford.extend(sides.train(0, NumericRows { values: &values, valid: Some(&valid) }));
            serde_json::to_string(&welford).unwrap()
        };
        // Neither the value of a test row nor what a null hides.
        let first = state(rows.iter().map(|row| row.0).collect());
        let changed = state(
            rows.iter().map(|row| if row.2 || !row.3 { row.1 } else { row.0 }).collect(),
        );
        prop_assert_eq!(first, changed);
    }

    #[test]
    fn finite_values_never_give_nan_or_a_negative_variance(
        values in prop::collection::vec(any::<f64>(), 0..60),
        probe in any::<f64>(),
        ddof in 0_u32..3,
    ) {
        let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        let moments = fold(&values, &sides_of(values.len(), |_| false)).finish(ddof);
        prop_assert!(moments.mean().is_finite() && moments.mean_lo().is_finite());
        prop_assert!(moments.var() >= 0.0);
        prop_assert!(moments.scale() > 0.0 && moments.scale().is_finite());
        let scaler = ColumnScaler::new(&moments);
        prop_assert_eq!(scaler.transform(probe).is_nan(), probe.is_nan());
        let (mut wide, mut narrow) = (vec![], vec![]);
        scaler.transform_into_f64(&[probe], &mut wide);
        scaler.transform_into_f32(&[probe], &mut narrow);
        prop_assert_eq!(wide[0].to_bits(), scaler.transform(probe).to_bits());
        prop_assert_eq!(narrow[0].is_nan(), probe.is_nan());
    }
}
