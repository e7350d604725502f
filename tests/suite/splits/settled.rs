//! Sides that pass 1 has kept for the passes that follow: they are a cache, and never needed.

use std::fs;
use std::path::{Path, PathBuf};

use prep_stream::engine::{Cancel, Event, Pass, Silent};
use prep_stream::job::stream;
use prep_stream::kernel::FoldCount;
use prep_stream::spec::{FoldSpec, JobSpec, Size, SplitBy, Stratify};

use crate::harness::{At, Column, Scratch, Table, files_below, normals, spec};

/// What happens to a file that was kept, which of them it is, and another one.
type Change = fn(&Path, usize, &Path);

/// Two units, of 128 files and the rest.
fn files(scratch: &Scratch) {
    for file in 0..140 {
        let table = Table::new([
            Column::doubles("x", normals(file).take(20)),
            Column::longs("user", (0..20).map(|row| row * 7 % 13)),
            Column::longs("side", (0..20).map(|row| i64::from(row % 5 == 0))),
        ]);
        scratch.parquet(format!("in/{file:03}.parquet"), &table);
    }
}

fn remove(path: &Path, _: usize, _: &Path) {
    fs::remove_file(path).expect("remove");
}

fn remove_one(path: &Path, number: usize, other: &Path) {
    if number == 0 {
        remove(path, number, other);
    }
}

fn flip(path: &Path, _: usize, _: &Path) {
    let mut bytes = fs::read(path).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, &bytes).expect("write");
}

fn cut(path: &Path, _: usize, _: &Path) {
    let bytes = fs::read(path).expect("read");
    fs::write(path, &bytes[..bytes.len() / 2]).expect("write");
}

fn take_the_other(path: &Path, number: usize, other: &Path) {
    if number == 0 {
        fs::copy(other, path).expect("copy");
    }
}

/// The files of one kind that are kept now: what is said of sides, or the sides themselves.
fn kept(scratch: &Scratch, below: &str) -> Vec<PathBuf> {
    let mut kept = files_below(&scratch.path(".out.prep").join(below));
    kept.retain(|path| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with("sides-")
    });
    kept.sort();
    kept
}

fn specs(scratch: &Scratch) -> Vec<(&'static str, JobSpec)> {
    let of = |by: SplitBy| spec(scratch, "out", &by);
    let group = SplitBy::Group(vec!["user".into()]);
    let mut stratified = of(SplitBy::Row);
    stratified.split.stratify = Some(Stratify {
        column: "side".into(),
        bins: None,
    });
    let mut classes_of_groups = of(group.clone());
    classes_of_groups
        .split
        .stratify
        .clone_from(&stratified.split.stratify);
    let mut filtered = of(SplitBy::Row);
    filtered.split.filter = Some("side = 0".parse().expect("a comparison"));
    let mut folds = of(group.clone());
    folds.split.test_size = Size::ZERO;
    folds.split.folds = FoldCount::new(3).map(|count| FoldSpec {
        count,
        materialized: false,
    });
    vec![
        ("group", of(group)),
        ("content", of(SplitBy::Content)),
        ("column", of(SplitBy::Column("side".into()))),
        ("time", of(SplitBy::Time("user".into()))),
        ("stratified", stratified),
        ("classes of groups", classes_of_groups),
        ("filtered", filtered),
        ("folds", folds),
    ]
}

#[test]
fn sides_that_were_kept_may_be_gone_torn_damaged_or_others_at_any_time() {
    let scratch = Scratch::new();
    files(&scratch);
    for (name, spec) in specs(&scratch) {
        stream(&spec, &Cancel::default(), &Silent).expect("the undisturbed run succeeds");
        let wanted = scratch.bytes_of("out");
        fs::remove_dir_all(scratch.path("out")).expect("remove the output");
        for pass in [Pass::Split, Pass::Fit] {
            let changes: [Change; 5] = [remove, flip, remove_one, cut, take_the_other];
            // Pass 3 reads them as pass 2 did.
            let count = if pass == Pass::Fit { 2 } else { changes.len() };
            for (number, change) in changes.into_iter().take(count).enumerate() {
                let observer = At(|event: &Event| {
                    let is_now =
                        matches!(event, Event::Finished { pass: done, .. } if *done == pass);
                    for below in ["cache", "partials"].iter().filter(|_| is_now) {
                        let kept = kept(&scratch, below);
                        // Of classes pass 1 settles ranks, and pass 2 is the first to find sides.
                        let has_classes = spec.split.stratify.is_some() && pass == Pass::Split;
                        assert_eq!(
                            kept.len(),
                            if has_classes { 0 } else { 2 },
                            "{name}: {below}"
                        );
                        for (number, path) in kept.iter().enumerate() {
                            change(path, number, &kept[1 - number]);
                        }
                    }
                });
                stream(&spec, &Cancel::default(), &observer).expect("the run succeeds");
                assert!(
                    scratch.bytes_of("out") == wanted,
                    "{name}, change {number} after {pass}"
                );
                fs::remove_dir_all(scratch.path("out")).expect("remove the output");
            }
        }
    }
}

#[test]
fn sides_by_the_place_of_a_row_are_not_kept() {
    let scratch = Scratch::new();
    files(&scratch);
    let observer = At(|event: &Event| {
        if matches!(
            event,
            Event::Finished {
                pass: Pass::Fit,
                ..
            }
        ) {
            assert!(kept(&scratch, "cache").is_empty());
        }
    });
    let spec = spec(&scratch, "out", &SplitBy::Row);
    stream(&spec, &Cancel::default(), &observer).expect("the run succeeds");
}
