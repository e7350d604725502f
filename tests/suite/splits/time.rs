//! Splits by time: the latest rows are held out, and a gap between the sides is left out.

use std::collections::BTreeMap;

use super::{assert_partition, numbered, split};
use crate::harness::{Column, Scratch, Values};

/// Ids 0 to 4999 in two files and an order that has nothing to do with them; row i is at time(i).
fn scattered(time: impl Fn(i64) -> Option<i64>, schema: &str) -> Scratch {
    let scratch = Scratch::new();
    for (file, first) in [("in/b.parquet", 0), ("in/a.parquet", 2500)] {
        let times = (first..first + 2500).map(&time).collect();
        let column = Column::new(schema.to_owned(), Values::I64(times));
        scratch.parquet(file, &numbered(first, 2500).with(column));
    }
    scratch
}

/// A permutation of 0 to 4999.
fn place(id: i64) -> i64 {
    id * 1237 % 5000
}

fn places(sides: &BTreeMap<String, Vec<i64>>, side: &str) -> Vec<i64> {
    let mut places: Vec<i64> = sides[side].iter().copied().map(place).collect();
    places.sort_unstable();
    places
}

#[test]
fn shares_part_the_rows_in_the_order_of_time() {
    let scratch = scattered(|id| Some(place(id)), "required int64 t;");
    for flags in [
        &["--test-size", "0.2", "--val-size", "0.1"][..],
        &["--test-size", "1000", "--val-size", "500"],
        &["--cutoff", "3500,4000"],
    ] {
        let flags = [&["--split-by", "time:t"], flags].concat();
        let sides = split(&scratch, &flags);
        assert_partition(&sides, 0..5000);
        assert!(places(&sides, "train").into_iter().eq(0..3500), "{flags:?}");
        assert!(
            places(&sides, "val").into_iter().eq(3500..4000),
            "{flags:?}"
        );
        assert!(
            places(&sides, "test").into_iter().eq(4000..5000),
            "{flags:?}"
        );
        scratch.prep(&["audit", "out"]).succeeds();
    }
    let gap = [
        "--split-by",
        "time:t",
        "--cutoff",
        "3500,4000",
        "--gap",
        "100",
    ];
    let sides = split(&scratch, &gap);
    assert!(places(&sides, "train").into_iter().eq(0..3400));
    assert!(places(&sides, "val").into_iter().eq(3500..3900));
    assert!(places(&sides, "test").into_iter().eq(4000..5000));
}

#[test]
fn moments_of_any_unit_and_texts_are_parted_alike() {
    const HOUR: i64 = 3600;
    let start = 1_704_067_200;
    let second = |id: i64| start + place(id) * HOUR;
    let flags = [
        "--split-by",
        "time:t",
        "--test-size",
        "0.25",
        "--gap",
        "2days",
    ];
    let mut expected = None;
    for (unit, per_second) in [
        ("MILLIS", 1_000),
        ("MICROS", 1_000_000),
        ("NANOS", 1_000_000_000),
    ] {
        let schema = format!("optional int64 t (TIMESTAMP({unit}, true));");
        let scratch = scattered(|id| Some(second(id) * per_second), &schema);
        let sides = split(&scratch, &flags);
        assert!(places(&sides, "train").into_iter().eq(0..3702));
        assert!(places(&sides, "test").into_iter().eq(3750..5000));
        assert_eq!(*expected.get_or_insert(sides.clone()), sides);
        let cutoff = [
            "--split-by",
            "time:t",
            "--cutoff",
            "2024-06-05T06:00",
            "--gap",
            "48h",
        ];
        assert_eq!(Some(split(&scratch, &cutoff)), expected);
    }
    let scratch = Scratch::new();
    for (file, first) in [("in/b.csv", 0), ("in/a.csv", 2500)] {
        let line = |id: i64| {
            let hour = place(id);
            let (day, hour) = (hour / 24, hour % 24);
            // Days of one made-up month each would end at 31: years of one day.
            format!("{id},{}.5,{:04}-01-01 {hour:02}:00:00\n", id, 1970 + day)
        };
        let lines: String = (first..first + 2500).map(line).collect();
        scratch.write(file, format!("id,x,t\n{lines}"));
    }
    let sides = split(&scratch, &["--split-by", "time:t", "--test-size", "0.25"]);
    assert!(places(&sides, "test").into_iter().eq(3750..5000));
}

#[test]
fn rows_of_one_moment_are_parted_exactly_and_rows_without_one_are_left_out() {
    let time = |id: i64| (id % 50 > 0).then_some(id % 3);
    let scratch = scattered(time, "optional int64 t;");
    let args = ["stream", "--in", "in", "--out", "out", "--exclude", "id"];
    let flags = ["--split-by", "time:t", "--test-size", "0.5"];
    let run = scratch.prep(&[&args[..], &flags].concat()).succeeds();
    let warning = "100 rows have no value in a column of --split-by time:t: they are on no side";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    let sides = super::ids_by_side(&scratch.output("out"));
    assert_eq!((sides["train"].len(), sides["test"].len()), (2450, 2450));
    assert!(
        sides["train"]
            .iter()
            .all(|id| time(*id).is_some_and(|time| time <= 1))
    );
    assert!(
        sides["test"]
            .iter()
            .all(|id| time(*id).is_some_and(|time| time >= 1))
    );
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}

#[test]
fn what_is_no_time_is_refused_clearly() {
    let scratch = Scratch::new();
    scratch.write(
        "in/a.csv",
        "x,t,f\n1,2024-01-01,true\n2,soon,false\n3,2024-01-03,true\n",
    );
    let args = ["stream", "--in", "in", "--out", "out"];
    let time = "--split-by=time:t";
    for (flags, code, message) in [
        (&[time][..], 3, "cannot read \"soon\" as a date or time"),
        (
            &[time, "--cutoff", "2024-13-01"],
            2,
            "for --cutoff: expected a date or time",
        ),
        (
            &[time, "--cutoff", "2024-02-01,2024-01-01"],
            2,
            "the second must be later",
        ),
        (
            &[time, "--cutoff", "2024-02-01", "--test-size", "0.2"],
            2,
            "--test-size and --cutoff",
        ),
        (
            &[time, "--gap", "soon"],
            2,
            "for --gap: expected a length of time like 7days or 12h",
        ),
        (
            &["--gap", "1h"],
            2,
            "--gap and --split-by cannot be used together",
        ),
        (
            &["--split-by=time:x", "--cutoff", "2024-01-01"],
            2,
            "the column holds numbers",
        ),
        (&["--split-by=time:y"], 2, "no column \"y\" for --split-by"),
    ] {
        let refused = scratch.prep(&[&args[..], flags].concat()).fails_with(code);
        assert!(refused.contains(message), "{flags:?}: {refused}");
    }
}
