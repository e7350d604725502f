//! `prep stream --isolate`: a unit whose process is killed is an error of that unit, and of no other.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use prep_stream::engine::{Cancel, Silent};
use prep_stream::error::{Error, ErrorKind};
use prep_stream::job::{self, Outcome};
use prep_stream::spec::{JobSpec, SplitBy};
use rustix::process::Signal;

use crate::harness::{Column, Scratch, Table, normals, spec};

/// Five units of 128 files.
fn make_input(scratch: &Scratch) {
    for file in 0..600 {
        let table = Table::new([
            Column::doubles("x", normals(file).take(20)),
            Column::longs("user", (0..20).map(|row| row * 7 % 13)),
        ]);
        scratch.parquet(format!("in/{file:03}.parquet"), &table);
    }
}

const ISOLATED: [&str; 7] = [
    "stream",
    "--in",
    "in",
    "--out",
    "out",
    "--isolate",
    "--quiet",
];

#[test]
fn units_in_processes_of_their_own_give_the_bytes_of_one_process() {
    let scratch = Scratch::new();
    make_input(&scratch);
    scratch.stream_to("reference", "in", &[]);
    for (out, flags) in [
        ("one", &["--threads", "1", "--memory", "1GiB"][..]),
        ("many", &["--threads", "4", "--memory", "1GiB"]),
        ("small", &["--threads", "4", "--memory", "128MiB"]),
    ] {
        scratch.stream_to(out, "in", &[&["--isolate"][..], flags].concat());
        assert!(
            scratch.bytes_of(out) == scratch.bytes_of("reference"),
            "{out}"
        );
        assert!(!scratch.path(format!(".{out}.prep")).exists());
    }
    for (number, flags) in [
        &["--stratify", "user", "--test-size", "1001"][..],
        &["--folds", "3"],
        &["--split-by", "time:user"],
        &["--stratify", "x", "--stratify-bins", "3"],
    ]
    .into_iter()
    .enumerate()
    {
        let [reference, out] = ["reference", "out"].map(|name| format!("{name}-{number}"));
        scratch.stream_to(&reference, "in", flags);
        scratch.stream_to(&out, "in", &[&["--isolate"], flags].concat());
        assert!(scratch.bytes_of(&out) == scratch.bytes_of(&reference));
    }
}

/// A job whose bytes another run of it has made.
fn reference(scratch: &Scratch) -> JobSpec {
    let job = spec(scratch, "reference", &SplitBy::Row);
    job::stream(&job, &Cancel::default(), &Silent).expect("a reference");
    spec(scratch, "out", &SplitBy::Row)
}

/// A program that does what `prep` does, but for one unit, which kills itself.
fn poisoned(scratch: &Scratch, pass: &str, unit: u64) -> PathBuf {
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *\"unit {pass} \"*\"--unit {unit} \"*) echo x >> {}; kill -9 $$;; esac\nexec {} \"$@\"\n",
        scratch.path("attempts").display(),
        env!("CARGO_BIN_EXE_prep"),
    );
    scratch.write("poisoned", script);
    let path = scratch.path("poisoned");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("make it a program");
    path
}

#[test]
fn a_unit_that_always_dies_is_named_and_the_others_are_taken_up() {
    let scratch = Scratch::new();
    make_input(&scratch);
    let program = poisoned(&scratch, "fit", 3);
    let job = reference(&scratch);
    let error: Error = job::stream_isolated(&job, &program, &Cancel::default(), &Silent)
        .expect_err("a unit that dies");
    let text = error.to_string();
    for part in [
        "unit 3 of pass fit",
        "signal 9, 3 times",
        "in/384.parquet",
        "--memory",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(error.exit_code(), 6);
    let attempts = fs::read_to_string(scratch.path("attempts")).expect("attempts");
    assert_eq!(attempts.lines().count(), 3);
    assert!(!scratch.path("out").exists());
    // Five of pass split, and at least the three before it.
    let Outcome::Written(report) =
        job::stream(&job, &Cancel::default(), &Silent).expect("a run that goes on")
    else {
        panic!("an output that was there");
    };
    assert!(report.taken_up >= 8, "{}", report.taken_up);
    assert!(scratch.bytes_of("out") == scratch.bytes_of("reference"));
}

#[test]
fn a_unit_that_fails_says_what_it_would_have_said_and_one_that_died_once_is_done_again() {
    let scratch = Scratch::new();
    make_input(&scratch);
    let once = format!(
        "#!/bin/sh\ncase \"$*\" in *\"unit write \"*\"--unit 2 \"*) test -e {0} || {{ : > {0}; kill -6 $$; }};; esac\nexec {1} \"$@\"\n",
        scratch.path("died").display(),
        env!("CARGO_BIN_EXE_prep"),
    );
    scratch.write("poisoned", once);
    let program = scratch.path("poisoned");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("make it a program");
    let job = reference(&scratch);
    job::stream_isolated(&job, &program, &Cancel::default(), &Silent).expect("a second attempt");
    assert!(scratch.path("died").exists());
    assert!(scratch.bytes_of("out") == scratch.bytes_of("reference"));

    let path = scratch.path("in/400.parquet");
    let mut damaged = fs::read(&path).expect("a file");
    damaged[4..200].fill(0xff);
    fs::write(&path, damaged).expect("damage a file");
    let line = [
        "stream",
        "--in",
        "in",
        "--out",
        "again",
        "--isolate",
        "--quiet",
    ];
    let error = scratch.prep(&line).fails_with(3);
    for part in ["unit 3 of pass", "400.parquet"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn no_process_outlives_the_run() {
    let scratch = Scratch::new();
    make_input(&scratch);
    for signal in [Signal::KILL, Signal::TERM] {
        let mut run = scratch.start(&ISOLATED);
        let parent = run.pid();
        let was_seen = AtomicBool::new(false);
        run.wait_until(|| {
            was_seen.store(!children(parent).is_empty(), Ordering::Relaxed);
            was_seen.load(Ordering::Relaxed)
        });
        let started = children(parent);
        run.signal(signal);
        run.finish();
        // The kernel ends them with their parent; give it a moment.
        let is_gone = |id: &u32| !fs::exists(format!("/proc/{id}/exe")).unwrap_or(true);
        let all_gone = (0..500).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            started.iter().all(is_gone)
        });
        assert!(all_gone, "{signal:?}: {started:?}");
    }
    scratch.stream_to("reference", "in", &[]);
    scratch.prep(&ISOLATED).succeeds();
    assert!(scratch.bytes_of("out") == scratch.bytes_of("reference"));
}

/// The processes that `parent` has started and that haven't ended.
fn children(parent: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let ids: Vec<String> = lists.collect();
    ids.iter()
        .flat_map(|list| list.split_whitespace())
        .filter_map(|id| id.parse().ok())
        .collect()
}

#[test]
fn the_kind_of_the_error_names_pass_and_unit() {
    let error = Error::from(ErrorKind::Isolated {
        pass: "fit".to_owned(),
        unit: 7,
        reason: "it was killed".to_owned(),
        exit_code: 6,
    });
    assert_eq!(
        error.to_string(),
        "unit 7 of pass fit failed: it was killed"
    );
    assert_eq!(error.exit_code(), 6);
}
