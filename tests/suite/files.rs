//! What is found, skipped, counted and refused in directories.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Column, Scratch, Table};

fn one_row(x: f64) -> Table {
    Table::new([Column::doubles("x", [x])])
}

/// The run report as `--log-format json` prints it.
fn report(scratch: &Scratch, arguments: &[&str]) -> Value {
    let run = scratch.prep(arguments).succeeds();
    let line = run.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {}", run.describe()))
}

#[test]
fn files_that_belong_to_other_tools_are_skipped_and_counted() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &one_row(1.0));
    scratch.parquet("in/sub/b.parquet", &one_row(2.0));
    scratch
        .write("in/.hidden.parquet", "x")
        .write("in/.dir/c.parquet", "x");
    scratch
        .write("in/_SUCCESS", "")
        .write("in/_metadata", "x")
        .write("in/_common_metadata", "x");
    scratch
        .write("in/a.parquet.crc", "x")
        .write("in/empty.parquet", "");
    let report = report(
        &scratch,
        &[
            "stream",
            "--in",
            "in",
            "--out",
            "out",
            "--log-format",
            "json",
        ],
    );
    assert_eq!(report["inputs"]["files"], 2);
    assert_eq!(report["inputs"]["rows"], 2);
    let skipped = report["inputs"]["skipped"].as_array().expect("a list");
    let counted: u64 = skipped.iter().filter_map(|s| s[1].as_u64()).sum();
    assert!((6..=7).contains(&counted), "{skipped:?}");
}

#[test]
fn several_inputs_files_directories_and_globs_make_one_table() {
    let scratch = Scratch::new();
    for (name, x) in [
        ("one/a.parquet", 1.0),
        ("two/b.parquet", 2.0),
        ("three/c1.parquet", 4.0),
        ("three/d.parquet", 8.0),
    ] {
        scratch.parquet(name, &one_row(x));
    }
    let arguments = [
        "stream",
        "--in",
        "one",
        "two/b.parquet",
        "three/c*.parquet",
        "--out",
        "out",
        "--test-size",
        "0",
        "--dtype",
        "float64",
    ];
    scratch.prep(&arguments).succeeds();
    assert_eq!(scratch.output("out").fitted("mean_", "x"), 7.0 / 3.0);
    let twice = [
        "stream",
        "--in",
        "one",
        "--in",
        "two",
        "--out",
        "out2",
        "--test-size",
        "0",
    ];
    scratch.prep(&twice).succeeds();
    assert_eq!(scratch.output("out2").train().rows, 2);
}

#[test]
fn names_with_spaces_unicode_and_newlines_work() {
    let scratch = Scratch::new();
    let names = [
        "in dir/größe ä.parquet",
        "in dir/a\nb.parquet",
        "in dir/100% [x].parquet",
        "in dir/-dash.parquet",
    ];
    for name in names {
        scratch.parquet(name, &one_row(3.0));
    }
    let output = scratch.stream("in dir", &["--test-size", "0"]);
    assert_eq!(output.train().rows, names.len());
}

#[cfg(unix)]
#[test]
fn a_file_name_that_is_not_utf_8_works() {
    use std::os::unix::ffi::OsStrExt as _;
    let scratch = Scratch::new();
    let name = std::ffi::OsStr::from_bytes(b"in/\xff\xfe.parquet");
    scratch.parquet(name, &one_row(3.0));
    assert_eq!(scratch.stream("in", &["--test-size", "0"]).train().rows, 1);
}

#[test]
fn files_younger_than_the_settle_time_are_refused() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &one_row(3.0));
    let arguments = ["stream", "--in", "in", "--out", "out", "--settle", "60s"];
    scratch.prep(&arguments).fails_with(3);
    let old = std::time::SystemTime::now() - Duration::from_secs(3600);
    let file = fs::File::options()
        .write(true)
        .open(scratch.path("in/a.parquet"))
        .expect("open");
    file.set_modified(old).expect("set the time");
    scratch.prep(&arguments).succeeds();
}

#[test]
fn format_chooses_where_both_are_present() {
    let scratch = Scratch::new();
    scratch
        .parquet("in/a.parquet", &one_row(3.0))
        .write("in/b.csv", "x\n1\n2\n");
    scratch
        .prep(&["stream", "--in", "in", "--out", "out"])
        .fails_with(3);
    let text = scratch.stream("in", &["--format", "csv", "--test-size", "0"]);
    assert_eq!(text.train().rows, 2);
    let parquet = scratch.stream(
        "in",
        &["--format", "parquet", "--test-size", "0", "--overwrite"],
    );
    assert_eq!(parquet.train().rows, 1);
}

#[test]
fn flags_come_from_a_file_or_the_environment_too_and_give_the_same_output() {
    let scratch = Scratch::new();
    let table = Table::new([
        Column::doubles("x", (0..2000).map(f64::from)),
        Column::longs("id", 0..2000),
    ]);
    scratch.parquet("in/a.parquet", &table);
    scratch.stream_to(
        "flags",
        "in",
        &["--test-size", "0.3", "--seed", "7", "--exclude", "id"],
    );
    scratch.write(
        "job.toml",
        "in = [\"in\"]\ntest-size = \"0.3\"\nseed = 7\nexclude = [\"id\"]\n",
    );
    scratch
        .prep(&["stream", "--config", "job.toml", "--out", "config"])
        .succeeds();
    let env = [
        ("PREP_TEST_SIZE", "0.3"),
        ("PREP_SEED", "7"),
        ("PREP_EXCLUDE", "id"),
    ];
    scratch
        .prep_with_env(&["stream", "--in", "in", "--out", "env"], &env)
        .succeeds();
    assert!(scratch.bytes_of("flags") == scratch.bytes_of("config"));
    assert!(scratch.bytes_of("flags") == scratch.bytes_of("env"));
}

#[test]
fn the_fixtures_run_as_they_are() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let scratch = Scratch::new();
    for (name, rows) in [
        ("weather", 26_115),
        ("weather-csv", 26_115),
        ("penguins.csv", 344),
    ] {
        let output = scratch.stream_to(&format!("out-{name}"), &format!("{fixtures}/{name}"), &[]);
        assert_eq!(output.train().rows + output.test().rows, rows, "{name}");
    }
}
