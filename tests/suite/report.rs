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

const FILES: [&str; 2] = ["out/report.json", "out/report.html"];

#[test]
fn a_report_is_drawn_by_default_left_out_on_request_and_drawn_at_any_time() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &table(2000));
    scratch.stream("in", &[]);
    let drawn = FILES.map(|path| fs::read(scratch.path(path)).expect(path));
    let page = scratch.prep(&["report", "out"]).succeeds().stdout;
    assert_eq!(page, "out/report.html\n");
    assert!(FILES.map(|path| fs::read(scratch.path(path)).expect(path)) == drawn);

    scratch.stream("in", &["--overwrite", "--no-report"]);
    assert!(FILES.iter().all(|path| !scratch.path(path).exists()));
    scratch.prep(&["report", "out"]).succeeds();
    assert!(FILES.iter().all(|path| scratch.path(path).exists()));
    scratch.prep(&["verify", "out"]).succeeds();
}

#[test]
fn the_figures_of_a_report_are_those_of_the_shards() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &table(5000));
    let output = scratch.stream("in", &["--val-size", "0.1"]);
    let report = json(&scratch, "out/report.json");
    let names: Vec<_> = report["split"]["sides"]
        .as_array()
        .expect("sides")
        .iter()
        .collect();
    assert_eq!(names.len(), 3);
    let rows = names
        .iter()
        .map(|side| side["rows"].as_u64().expect("rows"));
    assert_eq!(rows.sum::<u64>(), 5000);
    for (index, side) in ["train", "val", "test"].iter().enumerate() {
        let frame = output.side(side);
        for feature in report["features"].as_array().expect("features") {
            let (name, found) = (
                feature["name"].as_str().expect("a name"),
                &feature["sides"][index],
            );
            let [mean, scale] = ["mean", "scale"].map(|key| feature[key].as_f64().expect(key));
            let raw: Vec<f64> = frame
                .floats(name)
                .into_iter()
                .flatten()
                .filter(|z| !z.is_nan())
                .map(|z| z * scale + mean)
                .collect();
            assert_eq!(found["values"], raw.len(), "{name}");
            let count = raw.len() as f64;
            let mean = raw.iter().sum::<f64>() / count;
            let sd = (raw.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
            // The bins are 1/32 of a standard deviation wide, and an eighth of the value far out.
            let close = |key: &str, expected: f64, tolerance: f64| {
                let found = found[key].as_f64().expect(key);
                assert!(
                    (found - expected).abs() <= tolerance,
                    "{side} {name} {key}: {found} {expected}"
                );
            };
            let tolerance = if index == 0 {
                1e-9 * sd.max(1.0)
            } else {
                0.04 * scale
            };
            close("mean", mean, tolerance);
            close(
                "sd",
                sd,
                tolerance.max(if index == 0 { 0.0 } else { 0.06 * sd }),
            );
            let max = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            close("max", max, 1e-6 * scale.max(max.abs()));
            assert_eq!(found["drift"].is_null(), index == 0, "{name}");
        }
    }
}

#[test]
fn a_report_shows_the_audit_and_is_drawn_anew_by_a_later_one() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &table(2000));
    scratch.stream("in", &[]);
    assert!(json(&scratch, "out/report.json")["audit"].is_null());
    scratch.prep(&["audit", "out", "--quiet"]).succeeds();
    let report = json(&scratch, "out/report.json");
    let findings = report["audit"]["findings"].as_array().expect("findings");
    assert!(
        findings
            .iter()
            .any(|finding| finding["check"] == "constant")
    );
    scratch.stream("in", &["--audit", "--overwrite"]);
    assert_eq!(
        json(&scratch, "out/report.json")["audit"]["findings"],
        report["audit"]["findings"]
    );
}

#[test]
fn damaged_records_give_no_report_but_an_error_that_names_them() {
    for name in [
        "manifest.json",
        "scaler.json",
        "run.json",
        "histograms.json",
    ] {
        let scratch = Scratch::new();
        scratch.parquet("in/a.parquet", &table(200));
        scratch.stream("in", &["--no-report"]);
        let path = scratch.path(format!("out/{name}"));
        let text = fs::read_to_string(&path).expect(name);
        fs::write(&path, &text[..text.len() / 2]).expect(name);
        let message = scratch.prep(&["report", "out"]).fails_with(3);
        assert!(message.contains(name), "{message}");
        assert!(FILES.iter().all(|path| !scratch.path(path).exists()));
    }
    let scratch = Scratch::new();
    scratch.write("other/a.txt", "");
    let message = scratch.prep(&["report", "other"]).fails_with(3);
    assert!(message.contains("no output of prep"), "{message}");
}

#[test]
fn a_changed_byte_of_a_report_is_found() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &table(200));
    scratch.stream("in", &[]);
    for path in FILES {
        let whole = fs::read(scratch.path(path)).expect(path);
        for at in [0, whole.len() / 2, whole.len() - 3] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(scratch.path(path), &changed).expect(path);
            let found = scratch.prep(&["verify", "out"]).fails_with(1);
            assert!(!found.is_empty());
        }
        fs::write(scratch.path(path), &whole).expect(path);
    }
    scratch.prep(&["verify", "out"]).succeeds();
}
