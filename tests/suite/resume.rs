//! A run that was stopped goes on where it was, and nobody can tell from its output.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use prep_stream::engine::{Cancel, Event, Observer, Pass, Silent};
use prep_stream::error::ErrorKind;
use prep_stream::job::{Outcome, stream};
use prep_stream::spec::{JobSpec, SplitBy, SplitSpec};

use crate::harness::{Column, Scratch, Table, files_below, normals, spec};

/// More than two units of 128 files.
const FILES: u64 = 300;

/// Asks the run to stop when an event is the one.
struct Stop<F> {
    is_now: F,
    cancel: Cancel,
}

impl<F: Fn(&Event) -> bool + Sync> Observer for Stop<F> {
    fn event(&self, event: &Event) {
        if (self.is_now)(event) {
            self.cancel.cell().store(15, Ordering::Relaxed);
        }
    }
}

/// The nth event of all.
fn nth(number: u64) -> impl Fn(&Event) -> bool + Sync {
    let left = AtomicU64::new(number);
    move |_| left.fetch_sub(1, Ordering::Relaxed) == 1
}

/// Everything is written, nothing is committed.
fn after_the_last_pass(event: &Event) -> bool {
    matches!(
        event,
        Event::Finished {
            pass: Pass::Write,
            ..
        }
    )
}

fn parquet_files(scratch: &Scratch) {
    for file in 0..FILES {
        let table = Table::new([
            Column::doubles("x", normals(file).take(20)),
            Column::longs("side", (0..20).map(|row| i64::from(row % 5 == 0))),
            Column::text("name", (0..20).map(|row| format!("row {row} of {file}"))),
        ]);
        scratch.parquet(format!("in/{file:03}.parquet"), &table);
    }
}

/// `code` looks like numbers in most files and is text in the last one, so most are read again.
fn text_files(scratch: &Scratch) {
    for file in 0..FILES {
        let code = if file + 1 == FILES { "none" } else { "007" };
        let rows = normals(file).take(20);
        let lines: String = rows.map(|z| format!("{z},0,{code}\n")).collect();
        scratch.write(
            format!("in/{file:03}.csv"),
            format!("x,side,code\n{lines}7,1,x\n"),
        );
    }
}

/// Runs the job until `is_now`, then once more; how much the second one took up.
///
/// `None` if the first run wasn't stopped.
fn stopped_and_resumed(
    scratch: &Scratch,
    by: &SplitBy,
    is_now: impl Fn(&Event) -> bool + Sync,
    between: impl FnOnce(&Path),
) -> Option<u64> {
    let spec = spec(scratch, "out", by);
    let cancel = Cancel::default();
    let observer = Stop {
        is_now,
        cancel: cancel.clone(),
    };
    let Err(error) = stream(&spec, &cancel, &observer) else {
        return None;
    };
    assert!(
        matches!(error.kind(), ErrorKind::Interrupted { signal: 15 }),
        "{error}"
    );
    assert!(!scratch.path("out").exists());
    let staging = scratch.path(".out.prep");
    between(&staging);
    let outcome = stream(&spec, &Cancel::default(), &Silent).expect("the second run succeeds");
    assert!(!staging.exists());
    match outcome {
        Outcome::Written(report) => Some(report.taken_up),
        Outcome::Unchanged(_) => panic!("a stopped run has published nothing"),
    }
}

fn reference(scratch: &Scratch, by: &SplitBy) -> BTreeMap<String, Vec<u8>> {
    let spec = spec(scratch, "reference", by);
    stream(&spec, &Cancel::default(), &Silent).expect("the undisturbed run succeeds");
    scratch.bytes_of("reference")
}

/// Stops a run at every event, or at every few, until it is over before.
fn stopped_at_every_moment(make: fn(&Scratch), by: &SplitBy, step: u64) {
    let scratch = Scratch::new();
    make(&scratch);
    let wanted = reference(&scratch, by);
    let mut most = 0;
    let mut stop_at = 1;
    while let Some(taken_up) = stopped_and_resumed(&scratch, by, nth(stop_at), |_| ()) {
        assert!(scratch.bytes_of("out") == wanted, "stopped at {stop_at}");
        fs::remove_dir_all(scratch.path("out")).expect("remove the output");
        most = most.max(taken_up);
        stop_at += step;
    }
    assert!(stop_at > 10 * step, "{stop_at} events are hardly a run");
    assert!(most >= 3, "at most {most} results were taken up");
}

#[test]
fn a_parquet_job_stopped_at_any_moment_ends_with_the_same_bytes() {
    stopped_at_every_moment(parquet_files, &SplitBy::Row, 9);
}

#[test]
fn a_job_split_by_a_column_stopped_at_any_moment_ends_with_the_same_bytes() {
    stopped_at_every_moment(parquet_files, &SplitBy::Column("side".into()), 37);
}

#[test]
fn a_text_job_stopped_at_any_moment_ends_with_the_same_bytes() {
    stopped_at_every_moment(text_files, &SplitBy::Row, 61);
}

#[test]
fn a_stop_is_heard_until_the_rename_and_told_to_be_too_late_after_it() {
    let scratch = Scratch::new();
    parquet_files(&scratch);
    let by = &SplitBy::Row;
    let wanted = reference(&scratch, by);
    let commit =
        |event: &Event| matches!(event, Event::Started { pass, .. } if *pass == Pass::Commit);
    let taken_up = stopped_and_resumed(&scratch, by, commit, |_| ());
    assert_eq!(taken_up, Some(9), "three units, three passes");
    assert!(scratch.bytes_of("out") == wanted);
    fs::remove_dir_all(scratch.path("out")).expect("remove the output");

    let cancel = Cancel::default();
    let observer = Stop {
        is_now: |event: &Event| matches!(event, Event::Finished { pass, .. } if *pass == Pass::Commit),
        cancel: cancel.clone(),
    };
    let outcome = stream(&spec(&scratch, "out", by), &cancel, &observer).expect("it is complete");
    let Outcome::Written(report) = outcome else {
        panic!("nothing was written");
    };
    let late = "signal 15 came after the output was in its place: it is complete";
    assert_eq!(report.warnings, [late]);
    assert!(scratch.bytes_of("out") == wanted);
    assert!(!scratch.path(".out.prep").exists());
}

#[test]
fn damaged_leftovers_are_made_again() {
    let scratch = Scratch::new();
    parquet_files(&scratch);
    let wanted = reference(&scratch, &SplitBy::Row);
    let by = &SplitBy::Row;
    let whole = stopped_and_resumed(&scratch, by, after_the_last_pass, |_| ());
    assert_eq!(whole, Some(9), "three units, three passes");
    fs::remove_dir_all(scratch.path("out")).expect("remove the output");
    for damage in [truncate, flip, delete, stray] {
        let taken = stopped_and_resumed(&scratch, by, after_the_last_pass, damage);
        assert!(taken.is_some_and(|taken| taken < 9), "{taken:?}");
        assert!(scratch.bytes_of("out") == wanted);
        fs::remove_dir_all(scratch.path("out")).expect("remove the output");
    }
}

/// One file of each kind that a stopped run leaves.
fn leftovers(staging: &Path) -> Vec<PathBuf> {
    let mut kinds = BTreeMap::new();
    for path in files_below(staging) {
        let name = path.file_name().expect("a name").to_string_lossy();
        let kind: String = name.chars().take(4).collect();
        if name != "lock" && name != "job.json" {
            kinds.insert((path.parent().map(PathBuf::from), kind), path);
        }
    }
    assert!(kinds.len() >= 3, "{kinds:?}");
    kinds.into_values().collect()
}

fn truncate(staging: &Path) {
    for path in leftovers(staging) {
        let bytes = fs::read(&path).expect("read");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("write");
    }
}

fn flip(staging: &Path) {
    for path in leftovers(staging) {
        let mut bytes = fs::read(&path).expect("read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, &bytes).expect("write");
    }
}

fn delete(staging: &Path) {
    for path in leftovers(staging) {
        fs::remove_file(&path).expect("remove");
    }
}

fn stray(staging: &Path) {
    fs::write(staging.join("out/train/part-9999999-00000000.parquet"), "x").expect("write");
    fs::write(staging.join("out/_SUCCESS"), "x").expect("write");
    delete(staging);
}

#[test]
fn leftovers_of_another_job_are_never_mixed_in() {
    let scratch = Scratch::new();
    parquet_files(&scratch);
    let wanted = reference(&scratch, &SplitBy::Row);
    let cancel = Cancel::default();
    let observer = Stop {
        is_now: after_the_last_pass,
        cancel: cancel.clone(),
    };
    let other = JobSpec {
        split: SplitSpec {
            seed: 7,
            ..spec(&scratch, "out", &SplitBy::Row).split
        },
        ..spec(&scratch, "out", &SplitBy::Row)
    };
    stream(&other, &cancel, &observer).expect_err("stopped");
    let outcome = stream(
        &spec(&scratch, "out", &SplitBy::Row),
        &Cancel::default(),
        &Silent,
    )
    .expect("the second run succeeds");
    assert!(matches!(outcome, Outcome::Written(report) if report.taken_up == 0));
    assert!(scratch.bytes_of("out") == wanted);
}

#[test]
fn if_changed_does_nothing_until_something_changes() {
    let scratch = Scratch::new();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([Column::doubles("x", (0..500).map(f64::from))]),
    );
    let run = |extra: &[&str]| {
        let mut arguments = vec!["stream", "--in", "in", "--out", "out", "--if-changed"];
        arguments.extend(extra);
        scratch.prep(&arguments).succeeds()
    };
    assert!(run(&[]).stdout.contains("500 rows"));
    let first = fs::read(scratch.path("out/run.json")).expect("run.json");
    for same in [[].as_slice(), &["--threads", "1"], &["--memory", "1GiB"]] {
        let again = run(same);
        assert!(
            again.stdout.starts_with("out is up to date (job "),
            "{}",
            again.describe()
        );
        assert!(fs::read(scratch.path("out/run.json")).expect("run.json") == first);
    }
    assert!(
        run(&["--log-format", "json"])
            .stdout
            .contains("\"unchanged\":true")
    );
    assert!(run(&["--seed", "1"]).stdout.contains("500 rows"));
    assert!(fs::read(scratch.path("out/run.json")).expect("run.json") != first);

    // A file more, a shard less: both are changes.
    scratch.parquet(
        "in/b.parquet",
        &Table::new([Column::doubles("x", (0..70).map(f64::from))]),
    );
    assert!(run(&["--seed", "1"]).stdout.contains("570 rows"));
    assert!(run(&["--seed", "1"]).stdout.contains("up to date"));
    let shard = files_below(&scratch.path("out/test")).remove(0);
    fs::remove_file(shard).expect("remove a shard");
    assert!(run(&["--seed", "1"]).stdout.contains("570 rows"));
    assert_eq!(fs::read_dir(scratch.path("")).expect("list").count(), 2);
}
