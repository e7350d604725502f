//! Sizes in rows, and classes that keep their shares.

use std::collections::BTreeMap;

use super::{assert_partition, numbered, split};
use crate::harness::{Column, Scratch, Table, normals};

/// Rows `first..first + rows` whose class follows from their id: three common ones, and a rare one.
fn classed(first: i64, rows: i64) -> Table {
    numbered(first, rows).with(Column::text("label", (first..first + rows).map(class)))
}

fn class(id: i64) -> &'static str {
    match id {
        17 | 4000 => "rare",
        3 => "once",
        _ if id % 10 == 0 => "a",
        _ if id % 3 == 0 => "b",
        _ => "c",
    }
}

fn two_files() -> Scratch {
    let scratch = Scratch::new();
    scratch.parquet("in/b.parquet", &classed(0, 3500));
    scratch.parquet("in/a.parquet", &classed(3500, 2500));
    scratch
}

/// Rows of each class on each side.
fn counts(sides: &BTreeMap<String, Vec<i64>>) -> BTreeMap<&'static str, BTreeMap<String, usize>> {
    let mut counts: BTreeMap<_, BTreeMap<String, usize>> = BTreeMap::new();
    for (side, ids) in sides {
        for id in ids {
            *counts
                .entry(class(*id))
                .or_default()
                .entry(side.clone())
                .or_default() += 1;
        }
    }
    counts
}

#[test]
fn sides_have_as_many_rows_as_asked_for() {
    let scratch = two_files();
    let sizes = |sides: &BTreeMap<String, Vec<i64>>| -> Vec<usize> {
        ["train", "val", "test"]
            .map(|side| sides.get(side).map_or(0, Vec::len))
            .to_vec()
    };
    for (flags, expected) in [
        (&["--test-size", "1000"][..], [5000, 0, 1000]),
        (
            &["--test-size", "7rows", "--val-size", "1 row"],
            [5992, 1, 7],
        ),
        (
            &["--test-size", "0.1", "--val-size", "999"],
            [4401, 999, 600],
        ),
        (&["--test-size", "6000", "--val-size", "0"], [0, 0, 6000]),
        (&["--test-size", "1000", "--sample", "0.5"], [0, 0, 1000]),
        (&["--test-size", "50", "--where", "id < 200"], [150, 0, 50]),
        (
            &["--test-size", "1000", "--split-by", "content"],
            [5000, 0, 1000],
        ),
    ] {
        let sides = split(&scratch, flags);
        let found = sizes(&sides);
        if flags.contains(&"0.5") {
            assert_eq!(found[2], expected[2], "{flags:?}");
            continue;
        }
        assert_eq!(found, expected, "{flags:?}");
        if !flags.contains(&"--where") {
            assert_partition(&sides, 0..6000);
        }
    }
    // The same rows as a share that happens to have that many, or more of them.
    let small = split(&scratch, &["--test-size", "900"]);
    let large = split(&scratch, &["--test-size", "901"]);
    assert!(small["test"].iter().all(|id| large["test"].contains(id)));
    let args = ["stream", "--in", "in", "--out", "new", "--test-size"];
    let refused = scratch.prep(&[&args[..], &["6001"]].concat()).fails_with(2);
    let message = "6001 rows asked for by --test-size, there are 6000";
    assert!(refused.contains(message), "{refused}");
}

#[test]
fn keys_of_many_rows_come_as_near_to_a_size_as_they_can() {
    let scratch = Scratch::new();
    for (file, first) in [("in/a.parquet", 0), ("in/b.parquet", 4000)] {
        let users = (first..first + 4000).map(|id| id / 40);
        scratch.parquet(
            file,
            &numbered(first, 4000).with(Column::longs("user", users)),
        );
    }
    let flags = [
        "--split-by",
        "group:user",
        "--test-size",
        "1010",
        "--val-size",
        "0.25",
    ];
    let sides = split(&scratch, &flags);
    assert_partition(&sides, 0..8000);
    for (side, wanted) in [("test", 1010), ("val", 2000)] {
        let rows = sides[side].len();
        assert!(
            rows.is_multiple_of(40) && rows.abs_diff(wanted) <= 20,
            "{rows} rows are {side}"
        );
    }
}

#[test]
fn every_class_keeps_its_share_to_the_row_on_every_side() {
    let scratch = two_files();
    let whole: BTreeMap<&str, usize> = (0..6000).fold(BTreeMap::new(), |mut counts, id| {
        *counts.entry(class(id)).or_default() += 1;
        counts
    });
    let flags = ["--stratify", "label", "--val-size", "0.15"];
    let sides = split(&scratch, &flags);
    assert_partition(&sides, 0..6000);
    for (class, of_class) in counts(&sides) {
        for (side, share) in [("train", 0.65), ("val", 0.15), ("test", 0.2)] {
            let rows = of_class.get(side).copied().unwrap_or(0) as f64;
            let ideal = whole[class] as f64 * share;
            assert!(
                (rows - ideal).abs() < 1.0,
                "{rows} rows of {class} are {side}, not {ideal}"
            );
        }
    }
    assert_eq!((sides["test"].len(), sides["val"].len()), (1200, 900));
    let two = split(&scratch, &["--stratify", "label"]);
    assert_eq!(two["test"].len(), 1200);
}

#[test]
fn rare_classes_are_named_and_the_summary_says_that_rows_may_move() {
    let scratch = two_files();
    let args = [
        "stream",
        "--in",
        "in",
        "--out",
        "out",
        "--stratify",
        "label",
    ];
    let run = scratch.prep(&args).succeeds();
    let warning = "too few rows for every side in 2 of 5 classes of --stratify label: \"once\" (1), \"rare\" (2)";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    for text in [
        "by row, seed 42, stratify label",
        "rows may change sides when rows are added",
    ] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let many = ["stream", "--in", "in", "--out", "new", "--stratify", "x"];
    let refused = scratch.prep(&many).fails_with(2);
    let message = "column \"x\" of --stratify has more than 4096 values";
    assert!(refused.contains(message), "{refused}");
}

#[test]
fn numbers_are_classes_by_bins_of_as_many_rows_each() {
    let scratch = Scratch::new();
    let values: Vec<f64> = normals(5).take(5000).map(|z| z * z).collect();
    let table = numbered(0, 5000).with(Column::doubles("price", values.clone()));
    scratch.parquet("in/a.parquet", &table);
    let sides = split(&scratch, &["--stratify", "price", "--stratify-bins", "10"]);
    assert_partition(&sides, 0..5000);
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    for tenth in 0..10 {
        let (low, high) = (sorted[tenth * 500], sorted[tenth * 500 + 499]);
        let test = sides["test"].iter().filter(|id| {
            let value = values[usize::try_from(**id).expect("not negative")];
            (low..=high).contains(&value)
        });
        let test = test.count();
        assert!(
            (96..=104).contains(&test),
            "{test} of 500 rows of a tenth are test"
        );
    }
    let name = [
        "stream",
        "--in",
        "in",
        "--out",
        "new",
        "--stratify-bins",
        "10",
    ];
    scratch.prep(&name).fails_with(2);
}
