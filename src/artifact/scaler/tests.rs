//! What the file looks like, that it reads back as itself, and that no other file does.

use super::*;
use crate::kernel::{NumericRows, Side, Sides};
use crate::spec::{OnInf, SplitBy};

fn fitted(name: &str, values: &[f64]) -> FittedColumn {
    let mut sides = Sides::default();
    values.iter().for_each(|_| sides.push(Side::Train));
    let mut moments = Welford::default();
    let column = NumericRows {
        values,
        valid: None,
    };
    moments.extend(sides.train(0, column));
    FittedColumn {
        name: name.to_owned(),
        moments,
    }
}

fn file(by: SplitBy, columns: Vec<FittedColumn>) -> ScalerFile {
    let split = SplitSpec {
        by,
        seed: u64::MAX,
        ..SplitSpec::default()
    };
    ScalerFile::new(
        split,
        FitSpec {
            ddof: 0,
            on_inf: OnInf::Null,
        },
        columns,
    )
}

fn small() -> ScalerFile {
    let columns = vec![
        fitted("a \"b\"", &[1.0, 2.0, f64::NAN]),
        fitted("c", &[1e308, -1e308]),
    ];
    file(SplitBy::Row, columns)
}

#[test]
fn each_key_and_each_column_is_on_its_own_line() {
    let text = String::from_utf8(small().to_json().unwrap()).unwrap();
    let expected = r#"{
  "format_version": 1,
  "prep_version": "VERSION",
  "split": {"version": "v1", "by": "row", "test_size": "0.2", "seed": 18446744073709551615},
  "ddof": 0,
  "on_inf": "null",
  "n_features_in_": 2,
  "feature_names_in_": ["a \"b\"","c"],
  "n_samples_seen_": [2,2],
  "mean_": [1.5,0.0],
  "var_": [0.25,"inf"],
  "scale_": [0.5,1e+308],
  "columns": [
    {"name": "a \"b\"", "mean_lo": 0.0, "constant": false, "near_constant": false, "moments": {"count": 2, "nulls": 0, "nans": 1, "positive_infinities": 0, "negative_infinities": 0, "min": 1.0, "max": 2.0, "sum": "0x3p0", "sum_of_squares": "0x5p0"}},
    {"name": "c", "mean_lo": 0.0, "constant": false, "near_constant": false, "moments": {"count": 2, "nulls": 0, "nans": 0, "positive_infinities": 0, "negative_infinities": 0, "min": -1e+308, "max": 1e+308, "sum": "0x0p0", "sum_of_squares": "SQUARES"}}]
}
"#
    .replace("VERSION", env!("CARGO_PKG_VERSION"));
    let squares = text.rsplit('"').nth(1).unwrap();
    assert_eq!(text, expected.replace("SQUARES", squares));
}

#[test]
fn a_file_reads_back_as_itself_bit_for_bit() {
    let columns = vec![
        fitted("empty", &[]),
        fitted("inexact", &[0.1, 0.2, 0.7]),
        fitted("subnormal", &[5e-324, 1.5e-323, 0.0]),
        fitted("negative zero", &[-0.0, -0.0]),
        fitted("large", &[1e15, 1e15 + 1.0, 1e15 + 0.375]),
        fitted("\u{e9}\n", &[f64::MAX, f64::MIN, f64::INFINITY]),
    ];
    let files = [
        file(SplitBy::Row, vec![]),
        file(SplitBy::Column("side".to_owned()), columns.clone()),
        file(SplitBy::Row, columns),
        small(),
    ];
    for file in files {
        let bytes = file.to_json().unwrap();
        let back = ScalerFile::from_json(&bytes).unwrap();
        assert_eq!(back, file);
        assert_eq!(back.to_json().unwrap(), bytes);
    }
}

/// What is changed in the file, to what, and the error's beginning.
const CHANGES: [(&str, &str, &str); 19] = [
    (
        "\"format_version\": 1",
        "\"format_version\": 2",
        "scaler file of format version 2, this version reads 1",
    ),
    (
        "\"v1\"",
        "\"v2\"",
        "split version \"v2\", this version knows \"v1\"",
    ),
    (
        "[2,2]",
        "[2]",
        "n_samples_seen_ has 1 entries, \"columns\" has 2",
    ),
    (
        "[2,2]",
        "[2,3]",
        "n_samples_seen_ of column \"c\" is 3, its exact sums give 2",
    ),
    (
        "[1.5,",
        "[1.5000000000000002,",
        "mean_ of column \"a \"b\"\" is 1.5000000000000002, its exact sums give 1.5",
    ),
    (
        "\"inf\"",
        "1e308",
        "var_ of column \"c\" is 1e308, its exact sums give inf",
    ),
    (
        "[0.5,",
        "[0.0,",
        "scale_ of column \"a \"b\"\" is 0.0, its exact sums give 0.5",
    ),
    (
        "0.0, \"constant\"",
        "-0.0, \"constant\"",
        "mean_lo of column \"a \"b\"\" is -0.0, its exact sums give 0.0",
    ),
    (
        "\"constant\": false",
        "\"constant\": true",
        "constant of column \"a \"b\"\" is true, its exact sums give false",
    ),
    (
        "{\"name\": \"c\"",
        "{\"name\": \"a \\\"b\\\"\"",
        "column \"a \"b\"\" is there twice",
    ),
    (
        "{\"name\": \"c\"",
        "{\"name\": \"d\"",
        "feature_names_in_ of column \"d\" is c, its exact sums give d",
    ),
    (
        "\"0x3p0\"",
        "\"0x6p0\"",
        "not a scaler file: \"0x6p0\" is not the canonical text of its value",
    ),
    (
        "\"0x5p0\"",
        "\"0x1p0\"",
        "not a scaler file: no 2 values have the sum 0x3p0 and the sum of squares 0x1p0",
    ),
    (
        "\"0x3p0\"",
        "\"0x1p0\"",
        "not a scaler file: no 2 values have the sum 0x1p0 and the sum of squares 0x5p0",
    ),
    (
        "\"min\": 1.0",
        "\"min\": 3.0",
        "not a scaler file: a count of 2 does not go with a minimum of Some(3.0) and a maximum of Some(2.0)",
    ),
    (
        "\"count\": 2",
        "\"count\": 0",
        "not a scaler file: a count of 0 does not go with a minimum of Some(1.0) and a maximum of Some(2.0)",
    ),
    (
        "\"nulls\": 0",
        "\"nulls\": 9007199254740993",
        "not a scaler file: 9007199254740993 rows recorded, at most 9007199254740992 are possible",
    ),
    (
        "\"ddof\"",
        "\"extra\": 0,\n  \"ddof\"",
        "not a scaler file: unknown field `extra`",
    ),
    ("\"0.2\"", "\"1.2\"", "not a scaler file: 1.2 is above 1"),
];

#[test]
fn a_file_that_was_changed_is_refused() {
    let text = String::from_utf8(small().to_json().unwrap()).unwrap();
    for (from, to, expected) in CHANGES {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = ScalerFile::from_json(changed.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(expected), "{from} to {to}: {error}");
    }
    for length in 0..text.len() - 2 {
        assert!(ScalerFile::from_json(&text.as_bytes()[..length]).is_err());
    }
}
