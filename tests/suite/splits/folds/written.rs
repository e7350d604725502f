//! `--materialize-folds`: both sides of every fold, standardized by its own scaler; and runs of either
//! kind that are stopped.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prep_stream::artifact::manifest::ManifestFile;
use prep_stream::artifact::seal;
use prep_stream::engine::{Cancel, Event, Silent};
use prep_stream::error::ErrorKind;
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
    let run = scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let text = "6,000 rows split, fitted and compared again";
    assert!(run.stdout.contains(text), "{}", run.describe());
    scratch.prep(&["report", "out"]).succeeds();
    let message = scratch.prep(&["audit", "out"]).fails_with(2);
    assert!(message.contains("made with --folds"), "{message}");
}

#[test]
fn transform_makes_of_data_what_would_have_been_written_of_the_fold() {
    let scratch = two_files();
    let flags = ["--folds", "3", "--exclude", "id"];
    scratch.stream("in", &flags);
    let written = scratch.stream_to(
        "written",
        "in",
        &[&flags[..], &["--materialize-folds"]].concat(),
    );
    for fold in 0..3 {
        let scaler = format!("out/scaler-fold-{fold}.json");
        let args = [
            "transform",
            "--scaler",
            &scaler,
            "--in",
            "out/data",
            "--out",
        ];
        let new = format!("fold-{fold}");
        scratch
            .prep(&[&args[..], &[new.as_str()]].concat())
            .succeeds();
        let mut wanted = rows(&written, &format!("fold-{fold}/train"));
        wanted.extend(rows(&written, &format!("fold-{fold}/test")));
        wanted.sort_unstable();
        let output = scratch.output(&new);
        let mut found = rows(&output, "data");
        found.sort_unstable();
        assert_eq!(found, wanted);
        let numbers = output.side("data").longs("_fold");
        assert!(numbers.iter().all(|fold| (0..3).contains(fold)));
    }
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

/// What an attacker, or a mistake, would leave: records that agree with each other, of another seed.
#[test]
fn folds_and_scalers_of_another_split_are_found() {
    for extra in [&[][..], &["--materialize-folds"]] {
        let scratch = two_files();
        let flags = [&["--folds", "2", "--exclude", "id", "--no-report"], extra].concat();
        let output = scratch.stream("in", &flags);
        let manifest = fs::read_to_string(output.path.join("manifest.json")).expect("a manifest");
        let other = manifest.replace("\"seed\":42", "\"seed\":43");
        assert_ne!(manifest, other);
        // Sealed again: the last line is the checksum of all others.
        let (body, _) = other.rsplit_once(",\n\"xxh3_128\"").expect("a seal");
        fs::write(output.path.join("manifest.json"), seal(body.to_owned())).expect("write");
        let run = scratch.prep(&["verify", "out", "--in", "in"]);
        assert_eq!(run.code, Some(1), "{}", run.describe());
        assert!(
            run.stdout.contains("data") || run.stdout.contains("fold-0"),
            "{}",
            run.describe()
        );

        // Scalers that were fitted on all rows: each follows from its own sums, none from its rows.
        let scratch = two_files();
        let output = scratch.stream("in", &flags);
        let plain = scratch.stream_to("plain", "in", &["--exclude", "id", "--test-size", "0"]);
        let leaking = plain.json("scaler.json");
        let mut records =
            fs::read_to_string(output.path.join("manifest.json")).expect("a manifest");
        for fold in 0..2 {
            let name = format!("scaler-fold-{fold}.json");
            let good = fs::read(output.path.join(&name)).expect("a scaler");
            let mut scaler: serde_json::Value = serde_json::from_slice(&good).expect("JSON");
            for key in ["n_samples_seen_", "mean_", "var_", "scale_", "columns"] {
                scaler[key] = leaking[key].clone();
            }
            let bad = serde_json::to_vec(&scaler).expect("JSON");
            fs::write(output.path.join(&name), &bad).expect("write");
            let said = |bytes: &[u8]| {
                serde_json::to_string(&ManifestFile::new(&name, bytes)).expect("JSON")
            };
            assert!(records.contains(&said(&good)));
            records = records.replace(&said(&good), &said(&bad));
        }
        let (body, _) = records.rsplit_once(",\n\"xxh3_128\"").expect("a seal");
        fs::write(output.path.join("manifest.json"), seal(body.to_owned())).expect("write");
        let run = scratch.prep(&["verify", "out"]);
        assert_eq!(run.code, Some(1), "{}", run.describe());
        let named = [
            "scaler-fold-0.json: column \"x\"",
            "fold-0/train: column \"x\"",
        ];
        assert!(
            named.iter().any(|named| run.stdout.contains(named)),
            "{}",
            run.describe()
        );
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

/// The run of a job that was stopped in this process. A child that another test is starting holds the
/// lock, like every open file, until it has become another program.
fn go_on(spec: &JobSpec) -> Outcome {
    for _ in 0..100 {
        match stream(spec, &Cancel::default(), &Silent) {
            Err(error) if matches!(error.kind(), ErrorKind::Locked { .. }) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            outcome => return outcome.expect("the second run"),
        }
    }
    panic!("locked for seconds");
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
            match stream(&spec, &cancel, &stop) {
                Ok(_) => break,
                Err(error) if matches!(error.kind(), ErrorKind::Locked { .. }) => continue,
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::Interrupted { .. }),
                    "{error}"
                ),
            }
            let Outcome::Written(report) = go_on(&spec) else {
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
