//! Kernels, each once over the same input, for `counts.py` to count their instructions.
//!
//! `counts NAME` runs one, and without a name all are run. What is counted is what happens inside the
//! functions of `measured`, which are found by their names.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use std::hint::black_box;

use prep_stream::kernel::{BinCounts, Parts, Sides, file_key};
use prep_stream::source::text::{TextFile, TextUnit};
use prep_stream::spec::Dialect;

#[path = "inputs/blocks.rs"]
mod blocks;
#[path = "inputs/tables.rs"]
mod tables;

/// What is counted: one call of one of these.
mod measured {
    use super::*;

    #[inline(never)]
    pub(crate) fn split(sides: &mut Sides) {
        let (split, key) = (blocks::split(), file_key(b"a.parquet"));
        split.assign(key, 0..blocks::ROWS as u64, sides);
    }

    #[inline(never)]
    pub(crate) fn partition(sides: &Sides, values: &[f64], parts: &mut Parts<f64>) {
        sides.partition_copy(0, values, parts);
    }

    #[inline(never)]
    pub(crate) fn moments(sides: &Sides, values: &[f64], valid: Option<&[u64]>) {
        black_box(blocks::fitted(values, sides, valid));
    }

    #[inline(never)]
    pub(crate) fn standardize(
        scaler: &prep_stream::kernel::ColumnScaler,
        values: &[f64],
        out: &mut Vec<f64>,
    ) {
        scaler.transform_into_f64(values, out);
    }

    #[inline(never)]
    pub(crate) fn standardize_narrow(
        scaler: &prep_stream::kernel::ColumnScaler,
        values: &[f64],
        out: &mut Vec<f32>,
    ) {
        scaler.transform_into_f32(values, out);
    }

    #[inline(never)]
    pub(crate) fn histogram(values: &[f64], counts: &mut BinCounts) {
        counts.extend(values);
    }

    #[inline(never)]
    pub(crate) fn scan(file: &TextFile) {
        let ranges = file.ranges(64 << 20).into_iter();
        let found: Vec<_> = ranges.map(|range| file.scan(range).unwrap()).collect();
        black_box(found);
    }

    #[inline(never)]
    pub(crate) fn parse(file: &TextFile, unit: &TextUnit) {
        black_box(file.parse(unit, &[]).unwrap());
    }
}

/// Runs a kernel; false if there is none of the name.
fn run(name: &str) -> bool {
    let (values, sides) = (blocks::values(), blocks::assigned());
    match name {
        "split" => measured::split(&mut Sides::default()),
        "partition" => measured::partition(&sides, &values, &mut Parts::default()),
        "moments" => measured::moments(&sides, &values, None),
        "moments-of-nulls" => measured::moments(&sides, &values, Some(&blocks::some_null())),
        "standardize" => {
            measured::standardize(&blocks::scaler(&values, &sides), &values, &mut vec![])
        }
        "standardize-to-float32" => {
            measured::standardize_narrow(&blocks::scaler(&values, &sides), &values, &mut vec![]);
        }
        "histogram" => {
            let mut standardized = vec![];
            blocks::scaler(&values, &sides).transform_into_f64(&values, &mut standardized);
            measured::histogram(&standardized, &mut BinCounts::default());
        }
        _ => return run_text(name),
    }
    true
}

/// The same of those over text, `scan-TABLE` and `parse-TABLE`.
fn run_text(name: &str) -> bool {
    let tables = tables::tables(1_000);
    let Some((work, table)) = name.split_once('-') else {
        return false;
    };
    let Some((_, text)) = tables.iter().find(|(name, _)| *name == table) else {
        return false;
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("table.csv");
    std::fs::write(&path, text).unwrap();
    let file = TextFile::open(&path, &Dialect::default()).unwrap();
    if work == "scan" {
        measured::scan(&file);
        return true;
    }
    let ranges = file.ranges(64 << 20).into_iter();
    let found: Vec<_> = ranges.map(|range| file.scan(range).unwrap()).collect();
    measured::parse(&file, &file.stitch(&found).units[0]);
    true
}

const NAMES: [&str; 11] = [
    "split",
    "partition",
    "moments",
    "moments-of-nulls",
    "standardize",
    "standardize-to-float32",
    "histogram",
    "scan-floats",
    "parse-floats",
    "parse-integers",
    "parse-text",
];

fn main() {
    // Cargo adds flags of its own.
    let mut names: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    if names.is_empty() {
        names = NAMES.map(str::to_owned).to_vec();
    }
    for name in names {
        assert!(run(&name), "no kernel is called {name}");
    }
}
