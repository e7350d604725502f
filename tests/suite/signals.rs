//! Signals: the run stops soon, says so by its exit code, and the same command goes on afterwards.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Column, Run, Running, Scratch, Table, normals};

const STREAM: [&str; 8] = [
    "stream",
    "--in",
    "in",
    "--out",
    "out",
    "--quiet",
    "--threads",
    "1",
];

/// More than three units of 128 files.
fn small_files(scratch: &Scratch) {
    for file in 0..400 {
        let table = Table::new([Column::doubles("x", normals(file).take(20))]);
        scratch.parquet(format!("in/{file:03}.parquet"), &table);
    }
}

/// One unit, some seconds of work for a build without optimization.
fn huge_row_group(scratch: &Scratch) {
    let x: Vec<f64> = normals(1).take(20_000).collect();
    let rows = 3_000_000;
    let columns =
        ["a", "b", "c"].map(|name| Column::doubles(name, x.iter().copied().cycle().take(rows)));
    scratch.parquet("in/a.parquet", &Table::new(columns));
}

/// A compressed file, which is read from its start in one go.
fn compressed_text(scratch: &Scratch) {
    let lines: String = normals(2)
        .take(1000)
        .map(|z| format!("{z},{z}\n"))
        .collect();
    let file = fs::File::create(scratch.path("in.csv.gz")).expect("create");
    let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    encoder.write_all(b"x,y\n").expect("compress");
    for _ in 0..800 {
        encoder.write_all(lines.as_bytes()).expect("compress");
    }
    encoder.finish().expect("compress");
    fs::create_dir(scratch.path("in")).expect("a directory");
    fs::rename(scratch.path("in.csv.gz"), scratch.path("in/a.csv.gz")).expect("rename");
}

/// Starts a run and puts it to sleep once `path` is there. On a busy machine that may be seen too late;
/// then it is tried again.
fn asleep_at(scratch: &Scratch, path: &str) -> Running {
    for _ in 0..20 {
        let mut run = scratch.start(&STREAM);
        if run.wait_for(path) {
            run.signal(Signal::STOP);
            // The signal takes a moment; and once all is written, nothing keeps a run from its end.
            std::thread::sleep(Duration::from_millis(20));
            let is_over = ["out", ".out.prep/out/_SUCCESS"].map(|path| scratch.path(path).exists());
            if scratch.path(".out.prep/partials").exists() && is_over == [false, false] {
                return run;
            }
            run.signal(Signal::CONT);
        }
        run.finish().succeeds();
        fs::remove_dir_all(scratch.path("out")).expect("remove the output");
    }
    panic!("the run was always over before {path} was seen");
}

/// Puts a run to sleep once `path` is there, sends it signals, wakes it, and returns how it ended.
/// The first of its threads to wake takes them; on a busy machine the others may have done all the work
/// before that one goes on: then it is tried again.
fn stopped_at(scratch: &Scratch, path: &str, signals: &[Signal]) -> Run {
    for _ in 0..20 {
        let run = asleep_at(scratch, path);
        signals.iter().for_each(|signal| run.signal(*signal));
        run.signal(Signal::CONT);
        let run = run.finish();
        if run.code != Some(0) {
            assert!(!scratch.path("out").exists(), "{}", run.describe());
            return run;
        }
        fs::remove_dir_all(scratch.path("out")).expect("remove the output");
    }
    panic!("{signals:?} at {path} never stopped the run");
}

#[test]
fn each_signal_has_its_code_and_the_same_command_goes_on_where_it_was() {
    let scratch = Scratch::new();
    small_files(&scratch);
    scratch.stream_to("reference", "in", &[]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        for moment in [
            "job.json",
            "partials/split-0000001.json",
            "partials/fit-0000000.json",
            "partials/write-0000000.json",
        ] {
            let run = stopped_at(&scratch, &format!(".out.prep/{moment}"), &[signal]);
            assert_eq!(run.code, Some(code), "{}", run.describe());
            let is_kept = scratch.path(".out.prep/partials").exists();
            assert!(
                is_kept || moment == "job.json",
                "nothing is left of {moment}"
            );
            let run = scratch
                .prep(&["stream", "--in", "in", "--out", "out"])
                .succeeds();
            assert!(
                run.stdout.contains("Resumed") || moment == "job.json",
                "{moment}: {}",
                run.describe()
            );
            assert!(
                scratch.bytes_of("out") == scratch.bytes_of("reference"),
                "{moment}"
            );
            assert!(!scratch.path(".out.prep").exists());
            fs::remove_dir_all(scratch.path("out")).expect("remove the output");
        }
    }
}

#[test]
fn a_stopped_run_says_what_stopped_it_and_how_to_go_on() {
    let scratch = Scratch::new();
    small_files(&scratch);
    let run = stopped_at(
        &scratch,
        ".out.prep/partials/fit-0000000.json",
        &[Signal::TERM],
    );
    let staging = scratch.path(".out.prep");
    assert_eq!(
        run.stderr,
        format!(
            "prep: error: interrupted by signal 15\n  hint: the same command goes on with the finished \
             work in \"{}\"\n",
            staging
                .canonicalize()
                .expect("the staging directory")
                .display()
        )
    );
}

#[test]
fn a_huge_row_group_and_a_compressed_file_stop_within_the_unit() {
    for make in [huge_row_group as fn(&Scratch), compressed_text] {
        let scratch = Scratch::new();
        make(&scratch);
        let run = stopped_at(&scratch, ".out.prep/job.json", &[Signal::TERM]);
        assert_eq!(run.code, Some(143), "{}", run.describe());
        scratch.stream("in", &[]);
    }
}

#[test]
fn a_second_signal_ends_the_run_at_once() {
    let scratch = Scratch::new();
    small_files(&scratch);
    scratch.stream_to("reference", "in", &[]);
    // Both wait for the sleeping process; which comes first is for the kernel to say.
    let both = [Signal::INT, Signal::TERM];
    let run = stopped_at(&scratch, ".out.prep/partials/fit-0000000.json", &both);
    assert!(matches!(run.code, Some(130 | 143)), "{}", run.describe());
    assert_eq!(run.stderr, "", "no time for a word");
    scratch.stream("in", &[]);
    assert!(scratch.bytes_of("out") == scratch.bytes_of("reference"));
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_so() {
    let scratch = Scratch::new();
    small_files(&scratch);
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "trap '' HUP; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_prep"),
    ]);
    let mut run = scratch.start_command(shell.args(STREAM));
    assert!(run.wait_for(".out.prep/lock"));
    run.signal(Signal::HUP);
    run.finish().succeeds();
    assert!(scratch.path("out/_SUCCESS").exists());
}

#[test]
fn a_reader_that_closes_the_pipe_has_seen_enough() {
    let scratch = Scratch::new();
    scratch.write("in/a.csv", "x\n1\n2\n");
    for arguments in [
        &["stream", "--in", "in", "--out", "out"][..],
        &["plan", "--in", "in", "--out", "new"],
        &["stream", "--help"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_prep"))
            .args(arguments)
            .current_dir(scratch.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start prep");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("wait");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("error"), "{arguments:?}: {stderr}");
    }
    assert!(scratch.path("out/_SUCCESS").exists());
}
