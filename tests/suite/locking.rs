//! One run at a time on one output: real processes, stopped and killed with real signals.

use std::fs;

use rustix::process::Signal;

use crate::harness::{Column, Running, Scratch, Table, normals};

const STREAM: [&str; 6] = ["stream", "--in", "in", "--out", "out", "--quiet"];

/// Enough small files that a run can be caught at work.
fn scratch_with_files() -> Scratch {
    let scratch = Scratch::new();
    for file in 0..40 {
        let table = Table::new([Column::doubles("x", normals(file).take(2000))]);
        scratch.parquet(format!("in/{file:02}.parquet"), &table);
    }
    scratch
}

/// A run that holds the lock and has been put to sleep.
fn asleep(scratch: &Scratch) -> Running {
    let mut run = scratch.start(&STREAM);
    let lock = scratch.path(".out.prep/lock");
    assert!(run.wait_until(|| fs::metadata(&lock).is_ok_and(|lock| lock.len() > 0)));
    run.signal(Signal::STOP);
    run
}

fn pin(name: &str, message: &str, run: &Running) {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(&format!("host {}", regex_escape(&host)), "host HERE");
    settings.add_filter(&format!("pid {}", run.pid()), "pid PID");
    settings.add_filter(r"started \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "started TIME");
    settings.bind(|| insta::assert_snapshot!(name, message));
}

fn regex_escape(text: &str) -> String {
    text.replace('.', r"\.")
}

#[test]
fn of_two_runs_one_goes_on_and_the_other_says_who_is_at_work() {
    let scratch = scratch_with_files();
    let first = asleep(&scratch);
    let before = fs::read(scratch.path(".out.prep/lock")).expect("the lock");
    for extra in [[].as_slice(), &["--break-lock"], &["--overwrite"]] {
        let second = scratch.prep(&[&STREAM, extra].concat());
        let message = second.fails_with(5);
        assert!(
            message.contains(&format!("pid {}", first.pid())),
            "{message}"
        );
        pin("locked", &message, &first);
    }
    assert!(fs::read(scratch.path(".out.prep/lock")).expect("the lock") == before);
    first.signal(Signal::CONT);
    first.finish().succeeds();
    assert!(scratch.path("out/_SUCCESS").exists());
    assert!(!scratch.path(".out.prep").exists());
}

#[test]
fn a_dead_owner_is_taken_over_and_its_work_goes_on() {
    let scratch = scratch_with_files();
    scratch.stream_to("reference", "in", &[]);
    let first = asleep(&scratch);
    first.signal(Signal::KILL);
    assert_eq!(first.finish().code, Some(137));
    assert!(scratch.path(".out.prep/lock").exists());
    scratch.stream("in", &[]);
    assert!(scratch.bytes_of("out") == scratch.bytes_of("reference"));
    assert!(!scratch.path(".out.prep").exists());
}

/// What a run on `host` leaves that was killed there.
fn left_by(scratch: &Scratch, host: &str, boot_id: &str) {
    let lock = format!(
        r#"{{"host":"{host}","boot_id":"{boot_id}","pid":4242,"started":"2026-01-02T03:04:05Z"}}"#
    );
    scratch.write(".out.prep/lock", lock + "\n");
    scratch.write(".out.prep/out/train/half.parquet", "x");
}

#[test]
fn another_hosts_lock_is_kept_until_its_user_says_break_lock() {
    let scratch = scratch_with_files();
    left_by(&scratch, "node-7", "0d2f7b3e-0000-4000-8000-000000000000");
    let message = scratch.prep(&STREAM).fails_with(5);
    assert_eq!(
        message,
        "prep: error: another run is writing out: host node-7, pid 4242, started 2026-01-02T03:04:05Z\n  \
         hint: wait for it to end; if it has ended, run again with --break-lock\n"
    );
    assert!(scratch.path(".out.prep/out/train/half.parquet").exists());
    scratch.stream("in", &["--break-lock"]);
    assert!(!scratch.path("out/train/half.parquet").exists());
    assert!(!scratch.path(".out.prep").exists());
}

#[test]
fn a_lock_from_before_this_machine_was_started_again_is_taken_over() {
    let scratch = scratch_with_files();
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    left_by(&scratch, &host, "0d2f7b3e-0000-4000-8000-000000000000");
    scratch.stream("in", &[]);
}

#[test]
fn a_run_whose_lock_was_taken_away_publishes_nothing_and_touches_nothing() {
    let scratch = scratch_with_files();
    let first = asleep(&scratch);
    // As `--break-lock` on another machine does, whose locks this one doesn't see.
    left_by(&scratch, "node-7", "");
    let stolen = fs::read(scratch.path(".out.prep/lock")).expect("the lock");
    fs::remove_file(scratch.path(".out.prep/lock")).expect("remove the lock");
    scratch.write(".out.prep/lock", &stolen);
    first.signal(Signal::CONT);
    let run = first.finish();
    let message = run.fails_with(5);
    assert!(message.contains("host node-7"), "{message}");
    assert!(message.contains("--break-lock"), "{message}");
    assert!(!scratch.path("out").exists());
    assert!(fs::read(scratch.path(".out.prep/lock")).expect("the lock") == stolen);
}

#[test]
fn many_runs_at_once_end_with_one_whole_output() {
    let scratch = scratch_with_files();
    scratch.stream_to("reference", "in", &[]);
    let runs: Vec<Running> = (0..8).map(|_| scratch.start(&STREAM)).collect();
    let codes: Vec<Option<i32>> = runs.into_iter().map(|run| run.finish().code).collect();
    // Those that come late find the output there; one that comes while the staging directory is being
    // removed may say that it is up to date.
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert!(
        codes.iter().all(|code| matches!(code, Some(0 | 4 | 5))),
        "{codes:?}"
    );
    assert!(scratch.bytes_of("out") == scratch.bytes_of("reference"));
    assert!(!scratch.path(".out.prep").exists());
}
