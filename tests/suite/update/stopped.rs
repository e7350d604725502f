//! An update that is stopped goes on when it is repeated, and the output is the old one until then.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use prep_stream::engine::{Cancel, Silent};
use prep_stream::error::ErrorKind;
use prep_stream::job::{Outcome, stream};
use prep_stream::spec::{JobSpec, Overwrite, SplitBy};

use super::{ARRIVALS, arrive, update};
use crate::harness::{At, Scratch, files_below, spec};

#[test]
fn stopped_at_any_event_it_goes_on_and_ends_with_the_same_bytes() {
    for input in ["parquet", "csv"] {
        for overwrite in [Overwrite::Exchange, Overwrite::TwoStep] {
            let scratch = Scratch::new();
            arrive(&scratch, input, ARRIVALS[0]);
            fs::rename(scratch.path(input), scratch.path("in")).expect("rename");
            let mut spec = spec(&scratch, "out", &SplitBy::Row);
            (spec.output.update, spec.output.overwrite) = (true, overwrite);
            stream(&spec, &Cancel::default(), &Silent).expect("the first run");
            let first = scratch.path("first");
            copy(&scratch, "out", "first");
            for day in ARRIVALS[1] {
                arrive(&scratch, input, &[*day]);
                let name = format!("{day}.{input}");
                let (from, to) = (
                    scratch.path(input).join(&name),
                    scratch.path("in").join(&name),
                );
                fs::rename(from, to).expect("rename");
            }
            stream(&spec, &Cancel::default(), &Silent).expect("an undisturbed update");
            let (old, wanted) = (scratch.bytes_of("first"), scratch.bytes_of("out"));
            let mut stop_at = 1;
            loop {
                fs::remove_dir_all(scratch.path("out")).expect("remove the output");
                copy(&scratch, "first", "out");
                let cancel = Cancel::default();
                let left = AtomicU64::new(stop_at);
                let observer = At(|_: &_| {
                    if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                        cancel.cell().store(15, Ordering::Relaxed);
                    }
                });
                if stream(&spec, &cancel, &observer).is_ok() {
                    break;
                }
                assert!(scratch.bytes_of("out") == old, "stopped at {stop_at}");
                let again = once_more(&spec);
                assert!(matches!(again, Outcome::Written(_)));
                assert!(scratch.bytes_of("out") == wanted, "stopped at {stop_at}");
                assert!(!scratch.path(".out.prep").exists());
                // What it was made from has not been written to through a second name.
                assert!(scratch.bytes_of("first") == old);
                stop_at += 1;
            }
            assert!(stop_at > 8, "stopped only {stop_at} times");
            assert!(first.exists());
        }
    }
}

/// The same job again. A child process that another test is starting holds a copy of the lock until it runs
/// its own program.
fn once_more(spec: &JobSpec) -> Outcome {
    loop {
        match stream(spec, &Cancel::default(), &Silent) {
            Err(error) if matches!(error.kind(), ErrorKind::Locked { pid: 0, .. }) => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            ended => return ended.expect("the second run"),
        }
    }
}

fn copy(scratch: &Scratch, from: &str, to: &str) {
    let status = std::process::Command::new("cp")
        .arg("-rp")
        .args([scratch.path(from), scratch.path(to)])
        .status();
    assert!(status.expect("cp").success());
}

#[test]
fn between_the_two_steps_of_replacing_it_the_old_output_is_found() {
    let scratch = Scratch::new();
    arrive(&scratch, "parquet", ARRIVALS[0]);
    update(&scratch, "parquet", "out", &[]).succeeds();
    let first = scratch.output("out").text("scaler.json");
    arrive(&scratch, "parquet", ARRIVALS[1]);
    // As a kill between the steps leaves it.
    fs::create_dir(scratch.path(".out.prep")).expect("a staging directory");
    scratch.write(".out.prep/lock", "");
    fs::rename(scratch.path("out"), scratch.path(".out.prep/old")).expect("rename");
    update(&scratch, "parquet", "out", &["--overwrite=two-step"]).succeeds();
    let out = scratch.output("out");
    assert_eq!(out.text("scaler.json"), first);
    assert_eq!(
        out.json("manifest.json")["generations"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    assert!(!scratch.path(".out.prep").exists());
}

#[test]
fn an_update_that_was_stopped_after_its_last_step_is_done() {
    let scratch = Scratch::new();
    arrive(&scratch, "parquet", ARRIVALS[0]);
    update(&scratch, "parquet", "out", &[]).succeeds();
    arrive(&scratch, "parquet", ARRIVALS[1]);
    update(&scratch, "parquet", "out", &[]).succeeds();
    let before = files_below(&scratch.path("out"));
    fs::create_dir(scratch.path(".out.prep")).expect("a staging directory");
    let again = update(&scratch, "parquet", "out", &[]).succeeds();
    assert!(again.stdout.contains("is up to date"), "{}", again.stdout);
    assert_eq!(files_below(&scratch.path("out")), before);
    assert!(!scratch.path(".out.prep").exists());
}
