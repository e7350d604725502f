//! `--materialize-folds`: both sides of every fold, standardized by its own scaler; and runs of either
//! kind that are stopped.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use prep_stream::engine::{Cancel, Event, Silent};
use prep_stream::job::{Outcome, stream};
use prep_stream::kernel::FoldCount;
use prep_stream::spec::{FoldSpec, JobSpec, Size, SplitBy};

use super::{by_hand, folds, two_files};
use crate::harness::{At, Output, Scratch, files_below, spec};

/// The ids and the features of one side, as bits.
fn rows(output: &Output, side: &str) -> Vec<(i64, [Option<u64>; 3])> {
    let frame = output.side(side);
    let bits = |name| -> Vec<Option<u64>> {
        let floats = frame.floats(name).into_iter();
        floats.map(|float| float.map(f64::to_bits)).collect()
    };
    let (x, y, n) = (bits("x"), bits("y"), bits("n"));
    let features = x.into_iter().zip(y).zip(n).map(|((x, y), n)| [x, y, n]);
    frame.longs("id").into_iter().zip(features).collect()
}

#[test]
fn both_sides_of_every_fold_are_those_of_a_run_that_held_it_out() {
    let scratch = two_files();
    let flags = [
        "--exclude",
        "id,user",
        "--folds",
        "3",
        "--overwrite",
        "--sample",
        "0.9",
    ];
    let of_rows = folds(&scratch.stream("in", &flags));
    let data_scalers: Vec<Vec<u8>> = (0..3)
        .map(|fold| {
            fs::read(scratch.path(format!("out/scaler-fold-{fold}.json"))).expect("a scaler")
        })
        .collect();
    let written = [&flags[..], &["--materialize-folds"]].concat();
    let args = ["stream", "--in", "in", "--out", "out"];
    let run = scratch.prep(&[&args[..], &written].concat()).succeeds();
    for text in [
        "train and test of every fold: 6 shards",
        "3 folds written out",
    ] {
        assert!(run.stdout.contains(text), "{text}{}", run.describe());
    }
    let output = scratch.output("out");
    assert!(!output.path.join("data").exists());
    for fold in 0..3 {
        let by_hand = by_hand(&of_rows, fold);
        let plain = by_hand.stream(
            "in",
            &[
                "--exclude",
                "id,user,used",
                "--split-by",
                "column:side",
                "--where",
                "used = 1",
            ],
        );
        for side in ["train", "test"] {
            let of_fold = rows(&output, &format!("fold-{fold}/{side}"));
            assert_eq!(of_fold, rows(&plain, side), "{side} of fold {fold}");
        }
        let fold = usize::try_from(fold).expect("a fold");
        let scaler =
            fs::read(scratch.path(format!("out/scaler-fold-{fold}.json"))).expect("a scaler");
        let said = |bytes: &[u8]| {
            let json: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
            (json["fold"].clone(), json["columns"].clone())
        };
        assert_eq!(said(&scaler), said(&data_scalers[fold]));
        assert_eq!(said(&scaler).0, fold);
    }
    scratch.prep(&["verify", "out"]).succeeds();
    scratch.prep(&["report", "out"]).succeeds();
    // The tests that take a column of folds for theirs may have one of that name.
    let message = scratch.prep(&["audit", "out"]).fails_with(2);
    assert!(message.contains("made with --folds"), "{message}");
}

#[test]
fn damage_to_any_file_of_folds_is_found() {
    for extra in [&[][..], &["--materialize-folds"]] {
        let scratch = two_files();
        let flags = [&["--folds", "2", "--exclude", "id"], extra].concat();
        let output = scratch.stream("in", &flags);
        for path in files_below(&output.path) {
            let good = fs::read(&path).expect("a file");
            let name = path
                .strip_prefix(&output.path)
                .expect("inside")
                .display()
                .to_string();
            let mut damaged = good.clone();
            match damaged.len() {
                0 => damaged.push(b'x'),
                len => damaged[len / 2] ^= 4,
            }
            fs::write(&path, &damaged).expect("write");
            let run = scratch.prep(&["verify", "out"]);
            assert_eq!(run.code, Some(1), "{name}{}", run.describe());
            assert!(run.stdout.contains(&name), "{name}{}", run.describe());
            fs::write(&path, &good).expect("write");
        }
        scratch.prep(&["verify", "out"]).succeeds();
    }
}

/// A job with folds.
fn job(scratch: &Scratch, out: &str, by: &SplitBy, materialized: bool) -> JobSpec {
    let mut spec = spec(scratch, out, by);
    let count = FoldCount::new(3).expect("a number of folds");
    spec.split.folds = Some(FoldSpec {
        count,
        materialized,
    });
    spec.split.test_size = Size::ZERO;
    spec.columns.exclude = vec!["id".to_owned()];
    spec
}

#[test]
fn a_run_with_folds_that_is_stopped_at_any_moment_ends_with_the_same_bytes() {
    let scratch = two_files();
    for (by, materialized) in [
        (SplitBy::Row, false),
        (SplitBy::Group(vec!["user".to_owned()]), true),
    ] {
        let reference = job(&scratch, "reference", &by, materialized);
        stream(&reference, &Cancel::default(), &Silent).expect("an undisturbed run");
        let wanted = scratch.bytes_of("reference");
        fs::remove_dir_all(scratch.path("reference")).expect("remove it");
        let spec = job(&scratch, "out", &by, materialized);
        let (mut stop_at, mut most) = (1, 0);
        loop {
            let (cancel, left) = (Cancel::default(), AtomicU64::new(stop_at));
            let stop = At(|_: &Event| {
                if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                    cancel.cell().store(15, Ordering::Relaxed);
                }
            });
            if stream(&spec, &cancel, &stop).is_ok() {
                break;
            }
            let outcome = stream(&spec, &Cancel::default(), &Silent).expect("the second run");
            let Outcome::Written(report) = outcome else {
                panic!("a stopped run has published nothing");
            };
            most = most.max(report.taken_up);
            assert!(scratch.bytes_of("out") == wanted, "stopped at {stop_at}");
            fs::remove_dir_all(scratch.path("out")).expect("remove the output");
            stop_at += 5;
        }
        let units = if materialized { 5 } else { 3 };
        assert_eq!(
            most, units,
            "the split, the fit, and each writing of one unit"
        );
        fs::remove_dir_all(scratch.path("out")).expect("remove the output");
    }
}
