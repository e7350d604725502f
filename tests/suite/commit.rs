//! The output appears whole or not at all.

use std::collections::BTreeSet;
use std::fs;

use crate::harness::{Column, Scratch, Table};

fn scratch_with_input() -> Scratch {
    let scratch = Scratch::new();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([Column::doubles("x", (0..500).map(f64::from))]),
    );
    scratch
}

/// Names directly in the scratch directory.
fn entries(scratch: &Scratch) -> BTreeSet<String> {
    let listed = fs::read_dir(scratch.path("")).expect("a directory");
    listed
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

#[test]
fn the_layout_is_what_the_documentation_says_and_nothing_is_left_beside_it() {
    let scratch = scratch_with_input();
    scratch.stream("in", &[]);
    assert_eq!(
        entries(&scratch),
        BTreeSet::from(["in".into(), "out".into()])
    );
    let files: Vec<String> = scratch.bytes_of("out").into_keys().collect();
    for name in ["_SUCCESS", "manifest.json", "scaler.json"] {
        assert!(files.iter().any(|f| f == name), "{files:?}");
    }
    assert!(scratch.path("out/run.json").exists());
    for side in ["train", "test"] {
        let part = files.iter().find(|f| f.starts_with(side)).expect("a part");
        let id = part
            .strip_prefix(&format!("{side}/part-0000000-"))
            .and_then(|p| p.strip_suffix(".parquet"));
        assert!(
            id.is_some_and(|id| id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit())),
            "{part}"
        );
    }
}

#[test]
fn an_output_with_data_is_refused_and_stays_as_it_was() {
    let scratch = scratch_with_input();
    scratch.stream("in", &[]);
    let before = scratch.bytes_of("out");
    let error = scratch
        .prep(&["stream", "--in", "in", "--out", "out", "--seed", "1"])
        .fails_with(4);
    assert!(error.contains("--overwrite"), "{error}");
    assert!(scratch.bytes_of("out") == before);
    scratch.stream("in", &["--seed", "1", "--overwrite"]);
    assert!(scratch.bytes_of("out") != before);
    assert_eq!(
        entries(&scratch),
        BTreeSet::from(["in".into(), "out".into()])
    );
}

#[test]
fn a_run_stopped_between_its_last_two_steps_was_complete_and_says_so_when_it_is_repeated() {
    let scratch = scratch_with_input();
    let command = ["stream", "--in", "in", "--out", "out"];
    scratch.prep(&command).succeeds();
    let before = scratch.bytes_of("out");
    let staging = scratch.path(".out.prep");
    // The lock is gone, and with it the record of what was published; the directory is still there.
    let stop = || fs::create_dir(&staging).expect("a directory");
    let only_the_output = BTreeSet::from(["in".into(), "out".into()]);

    stop();
    let run = scratch.prep(&command).succeeds();
    assert!(run.stdout.contains("up to date"), "{}", run.describe());
    assert_eq!(entries(&scratch), only_the_output);

    // Another job's output is none of this one's, and a finished run's isn't made again.
    for other in [&["--seed", "1"][..], &["--exclude", "x"]] {
        stop();
        let arguments = [&command, other].concat();
        scratch.prep(&arguments).fails_with(4);
        assert_eq!(entries(&scratch), only_the_output);
    }
    scratch.prep(&command).fails_with(4);
    assert!(scratch.bytes_of("out") == before);

    // An output that isn't whole any more isn't what the command makes.
    stop();
    fs::remove_file(scratch.path("out/_SUCCESS")).expect("remove");
    scratch.prep(&command).fails_with(4);
    assert_eq!(entries(&scratch), only_the_output);
}

#[test]
fn an_empty_output_directory_is_replaced() {
    let scratch = scratch_with_input();
    fs::create_dir(scratch.path("out")).expect("a directory");
    assert_eq!(
        scratch.stream("in", &["--test-size", "0"]).train().rows,
        500
    );
}

#[test]
fn a_foreign_file_in_the_place_of_the_output_is_never_replaced() {
    let scratch = scratch_with_input();
    scratch.write("out/thesis.txt", "precious");
    for extra in [None, Some("--overwrite")] {
        let mut arguments = vec!["stream", "--in", "in", "--out", "out"];
        arguments.extend(extra);
        let run = scratch.prep(&arguments);
        if extra.is_none() {
            run.fails_with(4);
            assert_eq!(scratch.output("out").text("thesis.txt"), "precious");
        }
    }
    scratch.write("file", "precious");
    scratch
        .prep(&["stream", "--in", "in", "--out", "file"])
        .fails_with(4);
    assert_eq!(scratch.output("").text("file"), "precious");
}

#[test]
fn a_failed_run_leaves_no_output_and_the_old_one_untouched() {
    let scratch = scratch_with_input();
    scratch.stream("in", &[]);
    let before = scratch.bytes_of("out");
    scratch.write("bad/a.csv", "x,y\n1,2\n3\n");
    scratch
        .prep(&["stream", "--in", "bad", "--out", "out", "--overwrite"])
        .fails_with(3);
    scratch
        .prep(&["stream", "--in", "bad", "--out", "new"])
        .fails_with(3);
    assert!(scratch.bytes_of("out") == before);
    assert!(!scratch.path("new").exists());
}

#[test]
fn a_dry_run_and_plan_write_nothing() {
    let scratch = scratch_with_input();
    for arguments in [["stream", "--dry-run"].as_slice(), &["plan"]] {
        let run = scratch
            .prep(&[arguments, &["--in", "in", "--out", "out"]].concat())
            .succeeds();
        assert!(run.stdout.contains("500"), "{}", run.describe());
        assert_eq!(entries(&scratch), BTreeSet::from(["in".into()]));
    }
}

#[test]
fn an_output_inside_the_input_is_refused_or_left_out() {
    let scratch = scratch_with_input();
    let run = scratch.prep(&["stream", "--in", "in", "--out", "in/out"]);
    if run.code != Some(0) {
        run.clear_error();
    }
}
