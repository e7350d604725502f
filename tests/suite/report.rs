//! What a run leaves for people to look at: histograms, `report.json`, `report.html`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bins are small, and values are counted as float32"
)]

use std::fs;

use serde_json::Value;

use crate::harness::{Column, Scratch, Table, normals};

/// The bin of a standardized value as the format says it, by search rather than by bits.
fn bin_of(z: f64) -> usize {
    let size = f64::from(z as f32).abs();
    let slot = if size < 4.0 {
        (size * 32.0).floor() as usize
    } else {
        let edges =
            (0..129).map(|step| 4.0 * 2_f64.powi(step / 4) * (1.0 + f64::from(step % 4) / 4.0));
        128 + edges.skip(1).take_while(|edge| *edge <= size).count()
    };
    if z < 0.0 { 255 - slot } else { 256 + slot }
}

/// Counts of `histograms.json`, decoded by its description alone.
fn decode(text: &str) -> Vec<(usize, u64)> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut numbers, mut number, mut shift) = (Vec::new(), 0, 0);
    for c in text.chars() {
        let digit = DIGITS.find(c).expect("a digit") as u64;
        number |= (digit & 31) << shift;
        shift += 5;
        if digit < 32 {
            numbers.push(number);
            (number, shift) = (0, 0);
        }
    }
    let (mut counts, mut bin, mut rest) = (Vec::new(), 0, numbers.into_iter());
    while let Some(empty) = rest.next() {
        bin += usize::try_from(empty).expect("few bins");
        for _ in 0..rest.next().expect("the length of a run") {
            counts.push((bin, rest.next().expect("a count")));
            bin += 1;
        }
    }
    counts
}

fn json(scratch: &Scratch, path: &str) -> Value {
    serde_json::from_slice(&fs::read(scratch.path(path)).expect(path)).expect("JSON")
}

fn table(rows: usize) -> Table {
    let holes = normals(9).take(rows).enumerate();
    Table::new([
        Column::doubles("normal", normals(3).take(rows)),
        Column::doubles("heavy", normals(4).take(rows).map(|z| 5.0 + z.powi(9))),
        Column::optional_doubles(
            "holes",
            holes.map(|(row, z)| match row % 10 {
                0 => None,
                1 => Some(f64::NAN),
                _ => Some(z.round()),
            }),
        ),
        Column::doubles("constant", (0..rows).map(|_| 3.0)),
    ])
    .rows_per_group(1000)
}

#[test]
fn histograms_count_exactly_what_the_shards_hold() {
    for dtype in ["float64", "float32"] {
        let scratch = Scratch::new();
        scratch.parquet("in/a.parquet", &table(5000));
        let output = scratch.stream("in", &["--dtype", dtype]);
        let found = json(&scratch, "out/histograms.json");
        for (side, frame) in [output.train(), output.test()].iter().enumerate() {
            for column in found["columns"].as_array().expect("columns") {
                let name = column["name"].as_str().expect("a name");
                let histogram = &column["sides"][side];
                let values = frame.floats(name);
                let present: Vec<f64> = values
                    .iter()
                    .copied()
                    .flatten()
                    .filter(|z| !z.is_nan())
                    .collect();
                let mut expected = vec![0; 512];
                present.iter().for_each(|z| expected[bin_of(*z)] += 1);
                let mut counts = vec![0; 512];
                for (bin, count) in decode(histogram["bins"].as_str().expect("a text")) {
                    counts[bin] = count;
                }
                assert!(counts == expected, "{name}, {dtype}: {histogram}");
                let nans = values.iter().flatten().filter(|z| z.is_nan()).count();
                assert_eq!(histogram["nans"], nans, "{name}");
                assert_eq!(
                    histogram["missing"],
                    values.len() - present.len() - nans,
                    "{name}"
                );
                let max = present.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                assert_eq!(
                    histogram["max"].as_f64().map(|z| z as f32),
                    Some(max as f32),
                    "{name}"
                );
            }
        }
    }
}
