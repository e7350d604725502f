//! Every mode: the same bytes for any threads and memory, and after a run that was stopped.

use super::numbered;
use crate::harness::{Column, Scratch, normals};

/// What a mode is asked for.
const MODES: &[&[&str]] = &[
    &["--split-by", "group:user"],
    &["--split-by", "content", "--val-size", "0.2"],
    &["--sample", "0.4", "--where", "x > -1 and user <> 7"],
    &["--split-by", "group:user,name", "--sample", "0.5"],
    &[
        "--stratify",
        "user",
        "--val-size",
        "0.3",
        "--where",
        "x < 1",
    ],
    &["--stratify", "x", "--stratify-bins", "4"],
    &["--split-by", "group:user", "--test-size", "3000"],
    &["--split-by", "time:user", "--val-size", "0.1", "--gap", "2"],
    &["--weights", "user"],
    &["--folds", "3", "--weights", "user"],
    &[
        "--folds",
        "4",
        "--split-by",
        "group:user",
        "--where",
        "x > -1",
    ],
    &["--folds", "3", "--stratify", "x", "--stratify-bins", "4"],
    &[
        "--folds",
        "3",
        "--split-by",
        "content",
        "--materialize-folds",
    ],
    &[
        "--folds",
        "2",
        "--stratify",
        "user",
        "--sample",
        "0.5",
        "--materialize-folds",
        "--dtype",
        "float32",
    ],
];

/// Many units of few rows.
fn many_files(scratch: &Scratch) {
    for file in 0..150_u32 {
        let first = i64::from(file) * 100;
        let users = (first..first + 100).map(|id| id % 37);
        let names = normals(u64::from(file))
            .take(100)
            .map(|z| format!("{:.0}", z.abs()));
        let table = numbered(first, 100)
            .with(Column::longs("user", users))
            .with(Column::text("name", names));
        scratch.parquet(format!("in/{file:03}.parquet"), &table);
    }
}

#[test]
fn no_mode_depends_on_threads_or_memory() {
    let scratch = Scratch::new();
    many_files(&scratch);
    for mode in MODES {
        scratch.stream_to(
            "one",
            "in",
            &[*mode, &["--threads", "1", "--overwrite"]].concat(),
        );
        let settings = ["--threads", "5", "--memory", "300MiB", "--overwrite"];
        scratch.stream_to("many", "in", &[*mode, &settings].concat());
        assert!(
            scratch.bytes_of("one") == scratch.bytes_of("many"),
            "{mode:?}"
        );
        scratch.prep(&["verify", "one", "--in", "in"]).succeeds();
    }
}
