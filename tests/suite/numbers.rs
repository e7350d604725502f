//! Values that break other programs, against exact rational arithmetic.
//!
//! Bound: 1e-12 relative for the variance, 1e-12 times max(|mean|, sd) for the mean. All rows are
//! train rows here, unless a test is about the sides.

use crate::harness::{Column, Exact, Output, Scratch, Table, normals, numbers};

const ALL_TRAIN: &[&str] = &["--test-size", "0", "--dtype", "float64"];

#[track_caller]
fn check(output: &Output, name: &str, values: &[f64]) {
    let exact = Exact::of(values);
    let (mean, var) = (output.fitted("mean_", name), output.fitted("var_", name));
    assert!(
        exact.mean_error(mean) <= 1e-12,
        "{name}: mean {mean:e} is off by {:e}",
        exact.mean_error(mean)
    );
    let error = exact.variance_error(var, 0);
    assert!(
        var >= 0.0 && error <= 1e-12,
        "{name}: var {var:e} is off by {error:e}"
    );
}

/// Fits the columns once and checks each against exact sums.
fn check_all(columns: Vec<(&str, Vec<f64>)>) -> Output {
    let scratch = Scratch::new();
    let table = Table::new(
        columns
            .iter()
            .map(|(name, values)| Column::doubles(name, values.iter().copied())),
    );
    scratch.parquet("in/a.parquet", &table.rows_per_group(300_000));
    let output = scratch.stream("in", ALL_TRAIN);
    for (name, values) in &columns {
        check(&output, name, values);
    }
    output
}

#[test]
fn a_million_rows_far_from_zero_keep_their_variance() {
    const ROWS: usize = 1_000_000;
    let shifted = |mean: f64, sd: f64, seed| {
        normals(seed)
            .take(ROWS)
            .map(move |z| mean + sd * z)
            .collect()
    };
    check_all(vec![
        ("e8", shifted(1e8, 1.0, 1)),
        ("e12", shifted(1e12, 1.0, 2)),
        ("e15", shifted(1e15, 1.0, 3)),
        ("unix", shifted(1.7e9, 0.01, 4)),
        (
            "jump",
            normals(5)
                .take(ROWS)
                .enumerate()
                .map(|(row, z)| if row < ROWS / 2 { z } else { z + 1e9 })
                .collect(),
        ),
        (
            "heavy",
            normals(6)
                .take(ROWS)
                .map(|z| (z * 6.0).exp() * z.signum())
                .collect(),
        ),
    ]);
}

#[test]
fn huge_and_tiny_values_neither_overflow_nor_vanish() {
    let scaled = |factor: f64, seed| {
        normals(seed)
            .take(20_000)
            .map(move |z| factor * (3.0 + z))
            .collect()
    };
    check_all(vec![
        ("e100", scaled(1e100, 1)),
        ("e_100", scaled(1e-100, 2)),
        ("e150", scaled(1e150, 3)),
    ]);
}

#[test]
fn where_the_variance_leaves_float64_the_scale_is_still_right() {
    let scratch = Scratch::new();
    let base: Vec<f64> = normals(9).take(5000).map(|z| 3.0 + z).collect();
    let sd = {
        let mean = base.iter().sum::<f64>() / 5000.0;
        (base.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 5000.0).sqrt()
    };
    let factors = [
        ("e200", 1e200),
        ("e_170", 1e-170),
        ("e_300", 1e-300),
        ("e307", 1e307),
    ];
    let columns =
        factors.map(|(name, factor)| Column::doubles(name, base.iter().map(|v| v * factor)));
    scratch.parquet("in/a.parquet", &Table::new(columns));
    let output = scratch.stream("in", ALL_TRAIN);
    let train = output.train();
    for (name, factor) in factors {
        let scale = output.fitted("scale_", name);
        assert!(
            (scale / (sd * factor) - 1.0).abs() < 1e-10,
            "{name}: scale {scale:e}"
        );
        let values: Vec<f64> = train.floats(name).into_iter().flatten().collect();
        assert_eq!(values.len(), 5000);
        let square: f64 = values.iter().map(|v| v * v).sum::<f64>() / 5000.0;
        assert!((square - 1.0).abs() < 1e-9, "{name}: mean square {square}");
    }
}

#[test]
fn equal_values_have_variance_zero_and_scale_one() {
    let values = [0.1, 1e15 + 0.3, -1.7e308, 5e-324, 0.0];
    let scratch = Scratch::new();
    let columns = values
        .iter()
        .enumerate()
        .map(|(i, v)| Column::doubles(&format!("c{i}"), [*v; 10]));
    let side = Column::longs("side", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    scratch.parquet("in/a.parquet", &Table::new(columns.chain([side])));
    let output = scratch.stream("in", &["--split-by", "column:side", "--dtype", "float64"]);
    for (index, value) in values.iter().enumerate() {
        let name = format!("c{index}");
        assert_eq!(output.fitted("var_", &name), 0.0, "{name}");
        assert_eq!(output.fitted("scale_", &name), 1.0, "{name}");
        assert_eq!(output.fitted("mean_", &name), *value, "{name}");
        assert_eq!(output.train().floats(&name), vec![Some(0.0); 9], "{name}");
        assert_eq!(output.test().floats(&name), vec![Some(0.0)], "{name}");
    }
}

#[test]
fn a_constant_train_column_leaves_the_difference_on_the_test_side() {
    let scratch = Scratch::new();
    scratch.write("in/a.csv", "x,side\n5,train\n5,train\n7.5,test\n");
    let output = scratch.stream("in", &["--split-by", "column:side", "--dtype", "float64"]);
    assert_eq!(output.test().floats("x"), [Some(2.5)]);
}

#[test]
fn near_constant_columns_keep_their_scale() {
    let values: Vec<f64> = (0..1000)
        .map(|i| if i % 2 == 0 { 1.0 } else { 1.0 + f64::EPSILON })
        .collect();
    let output = check_all(vec![("x", values)]);
    let scale = output.fitted("scale_", "x");
    assert!((scale - f64::EPSILON / 2.0).abs() < 1e-18, "{scale:e}");
}

#[test]
fn standardized_values_are_right_far_from_zero() {
    let scratch = Scratch::new();
    let values = [1e15 + 1.0, 1e15 + 2.0, 1e15 + 2.0, 1e15 + 4.0];
    scratch.parquet("in/a.parquet", &Table::new([Column::doubles("x", values)]));
    let output = scratch.stream("in", ALL_TRAIN);
    // Mean 1e15 + 2.25, which float64 cannot hold; variance 1.1875.
    for (got, offset) in output
        .train()
        .floats("x")
        .into_iter()
        .zip([-1.25, -0.25, -0.25, 1.75])
    {
        let wanted = offset / 1.1875_f64.sqrt();
        assert!(
            (got.expect("a value") - wanted).abs() < 1e-14,
            "{got:?} is not {wanted}"
        );
    }
}

#[test]
fn sub_chunks_and_units_without_train_rows_add_nothing() {
    let scratch = Scratch::new();
    let side = |row: usize| i64::from(row < 9000 || (row / 4096) % 2 == 1 || row >= 40_000);
    let values: Vec<f64> = normals(11).take(50_000).map(|z| 1e6 + z).collect();
    let table = |values: &[f64], first: usize| {
        Table::new([
            Column::doubles("x", values.iter().copied()),
            Column::longs("side", (first..first + values.len()).map(side)),
        ])
        .rows_per_group(8000)
    };
    scratch.parquet("in/a.parquet", &table(&values[..30_000], 0));
    scratch.parquet("in/b.parquet", &table(&values[30_000..40_000], 30_000));
    scratch.parquet("in/c.parquet", &table(&values[40_000..], 40_000)); // no train row at all
    let output = scratch.stream("in", &["--split-by", "column:side", "--dtype", "float64"]);
    let train: Vec<f64> = values
        .iter()
        .enumerate()
        .filter(|(row, _)| side(*row) == 0)
        .map(|(_, v)| *v)
        .collect();
    assert_eq!(output.fitted("n_samples_seen_", "x"), train.len() as f64);
    check(&output, "x", &train);
}

#[test]
fn no_train_row_or_no_value_at_all_is_no_nan() {
    let scratch = Scratch::new();
    let nulls = Column::optional_doubles("void", vec![None; 3]);
    let nans = Column::doubles("nan", [f64::NAN; 3]);
    scratch.parquet(
        "in/a.parquet",
        &Table::new([nulls, nans, Column::doubles("x", [1.0, 2.0, 3.0])]),
    );
    let output = scratch.stream("in", ALL_TRAIN);
    assert!(!output.text("scaler.json").contains("NaN"));
    let train = output.train();
    assert_eq!(train.floats("void"), [None; 3]);
    assert!(
        train
            .floats("nan")
            .iter()
            .all(|v| v.is_some_and(f64::is_nan))
    );
    assert_eq!(output.fitted("nulls", "void"), 3.0);
    assert_eq!(output.fitted("nans", "nan"), 3.0);
    assert_eq!(output.fitted("n_samples_seen_", "void"), 0.0);
}

#[test]
fn ddof_one_is_the_sample_variance() {
    let scratch = Scratch::new();
    let values: Vec<f64> = normals(21).take(777).collect();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([Column::doubles("x", values.iter().copied())]),
    );
    let output = scratch.stream("in", &[ALL_TRAIN, &["--ddof", "1"]].concat());
    assert!(Exact::of(&values).variance_error(output.fitted("var_", "x"), 1) <= 1e-14);
}

#[test]
fn random_bit_patterns_agree_with_exact_sums() {
    // Exponents over the whole range whose squares stay finite.
    let columns: Vec<Vec<f64>> = (0..6_u64)
        .map(|seed| {
            numbers(seed + 40)
                .map(|bits| f64::from_bits(bits & !(0x7ff << 52) | (600 + bits % 800) << 52))
                .take(10_000)
                .collect()
        })
        .collect();
    check_all(
        ["a", "b", "c", "d", "e", "f"]
            .into_iter()
            .zip(columns)
            .collect(),
    );
}
