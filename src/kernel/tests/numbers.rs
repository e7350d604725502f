//! Numbers that break others, against exact rational arithmetic.

use num_bigint::BigInt;

use super::*;

const ROWS: usize = 1_000_000;

/// Relative errors of what the state holds of the variance, of the variance and of the scale.
fn relative_errors(state: &Welford, moments: &Moments, values: &[f64]) -> [f64; 3] {
    let count = BigInt::from(values.len());
    let sum: BigInt = values.iter().map(|&value| exact(value)).sum();
    let squares: BigInt = values.iter().map(|&value| exact(value).pow(2)).sum();
    // n^2 var, in units of 2^-2148.
    let spread = squares * &count - &sum * &sum;
    let square = &count * &count;
    let error = |computed: BigInt| ratio(&(computed - &spread), &spread).abs();
    let sum = state.state.sum.to_integer();
    let held = error(state.state.squares.to_integer() * &count - &sum * &sum);
    let var = if moments.var_extreme() {
        0.0
    } else {
        let mut units = ExactSquareSum::default();
        units.add(moments.var(), 0);
        error(units.to_integer() * &square)
    };
    // A subnormal scale has too few bits to be compared.
    let scale = if moments.scale().is_normal() {
        error(exact(moments.scale()).pow(2) * &square) / 2.0
    } else {
        0.0
    };
    [held, var, scale]
}

fn check(name: &str, values: &[f64], is_test: impl Fn(usize) -> bool + Copy) {
    let sides = sides_of(values.len(), is_test);
    let state = fold(values, &sides);
    let moments = state.finish(0);
    let train: Vec<f64> = (0..values.len())
        .filter(|&row| !is_test(row) && values[row].is_finite())
        .map(|row| values[row])
        .collect();
    assert_eq!(moments.count(), train.len() as u64, "{name}");
    let errors = relative_errors(&state, &moments, &train);
    assert!(
        errors.iter().all(|&error| error <= 1e-12),
        "{name}: off by {errors:?}: {moments:?}"
    );
    let coarse = f64::from_bits(1) / moments.scale() / 2.0;
    let sum: BigInt = train.iter().map(|&value| exact(value)).sum();
    let error = exact(moments.mean()) * train.len() - sum;
    let error = ratio(&error, &(exact(moments.scale()) * train.len())).abs();
    let ulp = f64::EPSILON * (moments.mean() / moments.scale()).abs();
    assert!(
        error <= 1e-13 + ulp + coarse,
        "{name}: mean {} is off by {error:e} sd",
        moments.mean()
    );
    let scaler = ColumnScaler::new(&moments);
    for &value in values.iter().step_by(97).filter(|value| value.is_finite()) {
        assert!(
            !scaler.transform(value).is_nan(),
            "{name}: {value} becomes NaN"
        );
    }
}

#[test]
fn numbers_that_break_others_keep_twelve_digits() {
    type Case = (&'static str, fn(usize) -> f64);
    let cases: [Case; 15] = [
        ("mean 1e8", |row| 1e8 + normal(row)),
        ("mean 1e12", |row| 1e12 + normal(row)),
        ("mean 1e15", |row| 1e15 + normal(row)),
        ("Unix times", |row| 1.7e9 + 0.01 * normal(row)),
        ("1e100", |row| 1e100 * (1.0 + normal(row))),
        ("1e200", |row| 1e200 * (1.0 + normal(row))),
        ("1e-100", |row| 1e-100 * (1.0 + normal(row))),
        ("1e-170", |row| 1e-170 * (1.0 + normal(row))),
        ("1e308", |row| if row % 3 == 0 { 1.7e308 } else { -1.7e308 }),
        ("subnormal", |row| f64::from_bits(mix(row as u64) >> 40)),
        ("smallest", |row| if row % 5 == 0 { 5e-324 } else { 0.0 }),
        ("heavy tails", |row| (20.0 * normal(row)).exp()),
        ("heavier tails", |row| {
            (150.0 * normal(row)).exp() * normal(row)
        }),
        ("jump", |row| {
            if row < ROWS / 2 {
                normal(row)
            } else {
                1e9 + normal(row)
            }
        }),
        ("two neighbours", |row| {
            if row == 4_000 {
                1.0 + f64::EPSILON
            } else {
                1.0
            }
        }),
    ];
    for (name, value) in cases {
        let values: Vec<f64> = (0..ROWS).map(value).collect();
        check(name, &values, |row| row % 5 == 1);
    }
}

#[test]
fn sub_chunks_without_train_rows_keep_twelve_digits() {
    let values: Vec<f64> = (0..40_000).map(normal).collect();
    check("gaps", &values, |row| {
        row < 10_000 || (row / SUB_CHUNK_ROWS).is_multiple_of(2)
    });
}

#[test]
fn every_magnitude_keeps_twelve_digits() {
    for exponent in (-307..308).step_by(5) {
        let unit = 10.0_f64.powi(exponent);
        let values: Vec<f64> = (0..500).map(|row| unit * (0.3 + uniform(row, 2))).collect();
        check(&format!("1e{exponent}"), &values, |_| false);
        let values: Vec<f64> = values.iter().map(|value| value * normal(9)).collect();
        check(&format!("-1e{exponent}"), &values, |row| row % 2 == 0);
    }
}

#[test]
fn standardized_values_are_right_to_two_units_in_the_last_place() {
    let cases: [fn(usize) -> f64; 4] = [
        |row| 1e15 + normal(row),
        |row| 1.7e9 + 0.01 * normal(row),
        |row| (5.0 * normal(row)).exp(),
        |row| {
            if row % 2 == 0 {
                1.5e308
            } else {
                -1.7e308 + 1e300 * normal(row)
            }
        },
    ];
    for value in cases {
        let values: Vec<f64> = (0..5_000).map(value).collect();
        let moments = fold(&values, &sides_of(values.len(), |_| false)).finish(0);
        let sum: BigInt = values.iter().map(|&value| exact(value)).sum();
        let mut standardized = vec![];
        ColumnScaler::new(&moments).transform_into_f64(&values, &mut standardized);
        let unit = BigInt::from(values.len()) * exact(moments.scale());
        for (&value, &z) in values.iter().zip(&standardized) {
            let expected = (exact(value) * values.len() - &sum) << 1074;
            let error = ratio(&(exact(z) * &unit - &expected), &expected).abs();
            // The last digits of the state's own sums count for values next to the mean.
            let near_mean = 1e-15 / z.abs();
            assert!(
                error <= 2.0 * f64::EPSILON + near_mean,
                "{value} to {z}: {error:e}"
            );
        }
    }
}

#[test]
fn the_sums_of_whole_numbers_are_not_rounded_at_all() {
    let mut bits = 7_u64;
    let values: Vec<f64> = (0..50_000)
        .map(|_| {
            bits = crate::kernel::mix(bits);
            1e9 + (bits % 1_000_001) as f64
        })
        .collect();
    let state = fold(&values, &sides_of(values.len(), |row| row % 5 == 0));
    let train = || {
        (0..values.len())
            .filter(|row| row % 5 != 0)
            .map(|row| exact(values[row]))
    };
    assert_eq!(state.state.sum.to_integer(), train().sum::<BigInt>());
    let squares: BigInt = train().map(|value| value.pow(2)).sum();
    assert_eq!(state.state.squares.to_integer(), squares);
}
