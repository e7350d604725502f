//! What passes through is not changed, and what can't be right is said.

use std::io::Write as _;

use crate::harness::{Column, Run, Scratch, Table};

const ALL_TRAIN: &[&str] = &["--test-size", "0", "--dtype", "float64"];

#[test]
fn identifiers_that_pass_through_keep_every_digit() {
    for (fields, flag) in [
        (
            &["18446744073709551615", "18446744073709551614"][..],
            "--exclude",
        ),
        (&["00501", "02134"], "--exclude"),
        (&["9007199254740993", "1.5"], "--label"),
        (&["+5", "7"], "--label"),
        (&["1e3", "007"], "--label"),
    ] {
        let scratch = Scratch::new();
        // One file each, so that types meet over files as well.
        for (index, field) in fields.iter().enumerate() {
            scratch.write(
                format!("in/{index}.csv"),
                format!("id,x\n{field},{index}\n"),
            );
        }
        let train = scratch
            .stream("in", &[ALL_TRAIN, &[flag, "id"]].concat())
            .train();
        assert_eq!(train.strings("id"), fields, "{flag}");
    }
}

#[test]
fn whole_labels_stay_whole_and_measured_ones_are_floats() {
    let scratch = Scratch::new();
    scratch.write("in/a.csv", "y,w,x\n1,1.50,0\n,2,1\n-3,0.25,2\n");
    let train = scratch
        .stream("in", &[ALL_TRAIN, &["--label", "y,w"]].concat())
        .train();
    assert_eq!(
        train.strings("y"),
        ["1", "", "-3"].map(|y| if y.is_empty() { "null" } else { y })
    );
    assert_eq!(train.floats("w"), [Some(1.5), Some(2.0), Some(0.25)]);
}

fn gzip_parts(parts: &[(&str, usize)]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for (text, times) in parts {
        encoder
            .write_all(text.repeat(*times).as_bytes())
            .expect("compress");
    }
    encoder.finish().expect("compress")
}

#[test]
fn types_are_settled_over_all_segments_of_a_compressed_file() {
    const ROWS: usize = 2_500_000;
    let filler = "007,aaaaaaaaaaaaaaaaaaaaaaaaaa\n";
    let scratch = Scratch::new();
    scratch.write(
        "text/a.csv.gz",
        gzip_parts(&[("a,b\n", 1), (filler, ROWS), ("abc,b\n", 1)]),
    );
    let train = scratch.stream_to("o1", "text", ALL_TRAIN).train();
    let values = train.strings("a");
    assert_eq!((values.len(), values[0].as_str()), (ROWS + 1, "007"));
    assert_eq!(values[ROWS], "abc");

    let empty = ",aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
    let late = [("y,b\n", 1), (empty, ROWS), ("9007199254740993,b\n", 1)];
    scratch.write("label/a.csv.gz", gzip_parts(&late));
    let train = scratch
        .stream_to("o2", "label", &[ALL_TRAIN, &["--label", "y"]].concat())
        .train();
    assert_eq!(train.strings("y")[ROWS], "9007199254740993");
}

#[test]
fn a_finite_value_never_becomes_an_infinite_one() {
    let scratch = Scratch::new();
    scratch.write("in/a.csv", "side,x\ntrain,1\ntrain,1\ntest,1e300\n");
    let flags = [
        "--in",
        "in",
        "--out",
        "o",
        "--split-by",
        "column:side",
        "--dtype",
    ];
    let error = scratch
        .prep(&[&["stream"][..], &flags, &["float32"]].concat())
        .fails_with(3);
    assert!(
        error.contains("1e300 is beyond float32 once standardized"),
        "{error}"
    );
    assert!(
        error.contains("column \"x\"") && error.contains("--dtype float64"),
        "{error}"
    );
    scratch
        .prep(&[&["stream"][..], &flags, &["float64"]].concat())
        .succeeds();
}

fn warnings(run: Run) -> String {
    run.succeeds().stderr
}

#[test]
fn an_output_that_is_hardly_meant_comes_with_a_warning() {
    let scratch = Scratch::new();
    scratch.write("in/k=1/a.csv", "side,x,k\ntest,1,5\ntest,3,6\n");
    let stream = |out: &str, flags: &[&str]| {
        let common = ["stream", "--in", "in", "--out", out];
        warnings(scratch.prep(&[&common[..], flags].concat()))
    };
    for (flags, expected) in [
        (&["--test-size", "1"][..], "no row is on the train side"),
        (
            &["--test-size", "0", "--ddof", "2"],
            "no more than --ddof 2 values",
        ),
        (&["--test-size", "0"], "folders k=... are ignored"),
        (&["--exclude", "x,k"], "no column is a feature"),
    ] {
        let said = stream(&format!("out-{}", flags.join("")), flags);
        assert!(said.contains(expected), "{flags:?}: {said}");
    }
}

#[test]
fn a_plan_refuses_what_the_run_would_refuse() {
    let scratch = Scratch::new();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([Column::doubles("x", [1.0, 2.0])]),
    );
    scratch.stream("in", ALL_TRAIN);
    for command in ["plan", "stream"] {
        let error = scratch
            .prep(&[command, "--in", "in", "--out", "out"])
            .fails_with(4);
        assert!(
            error.contains("the output directory is not empty"),
            "{error}"
        );
    }
}
