//! `--stratify` with `--split-by group:`: classes keep their shares as nearly as whole groups allow.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use prep_stream::engine::{Cancel, Event, Silent};
use prep_stream::job::stream;
use prep_stream::kernel::{Domain, HeldOut, KeyHash, Value, apportion};
use prep_stream::spec::{JobSpec, SplitBy, Stratify};

use super::{assert_partition, ids_by_side, numbered};
use crate::harness::{At, Column, Scratch, Table, normals, spec};

const ROWS: i64 = 9000;

/// Groups of 1 to 40 rows.
fn user(id: i64) -> i64 {
    let block = id / 40;
    match block % 4 {
        0 => id,
        1 => 10_000 + id / 5,
        2 => 20_000 + id / 13,
        _ => 30_000 + block,
    }
}

/// Mostly that of the user; some users have rows of several.
fn label(id: i64) -> &'static str {
    match user(id) {
        5 => "once",
        user if user % 11 == 0 => ["a", "b"][usize::from(id % 3 == 0)],
        user if user % 7 == 0 => "rare",
        user if user % 3 == 0 => "b",
        _ => "a",
    }
}

fn table(first: i64, rows: i64) -> Table {
    let ids = first..first + rows;
    numbered(first, rows)
        .with(Column::longs("user", ids.clone().map(user)))
        .with(Column::text("label", ids.map(label)))
}

/// A group's rows lie in both files.
fn two_files() -> Scratch {
    let scratch = Scratch::new();
    scratch.parquet("in/b.parquet", &table(0, 5003));
    scratch.parquet("in/a.parquet", &table(5003, ROWS - 5003));
    scratch
}

/// The ids on each side.
fn split(scratch: &Scratch, extra: &[&str]) -> BTreeMap<String, Vec<i64>> {
    let flags = [
        "--exclude",
        "id",
        "--overwrite",
        "--split-by",
        "group:user",
        "--stratify",
        "label",
    ];
    let output = scratch.stream("in", &[&flags[..], extra].concat());
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    ids_by_side(&output)
}

fn key_hash(user: i64) -> u64 {
    let start = KeyHash::new(42, Domain::GROUP);
    start.value(Value::Integer(user)).finish()
}

fn class_hash(label: &str) -> u64 {
    let start = KeyHash::new(0, Domain::CLASS);
    start.value(Value::Bytes(label.as_bytes())).finish()
}

/// The ids on each side, as `docs/split.md` says it, all in memory.
fn expected(ids: &[i64], held_out: impl Fn(u64) -> HeldOut) -> BTreeMap<&'static str, Vec<i64>> {
    let mut groups: BTreeMap<u64, BTreeMap<u64, u64>> = BTreeMap::new();
    for id in ids {
        let of_group = groups.entry(key_hash(user(*id))).or_default();
        *of_group.entry(class_hash(label(*id))).or_default() += 1;
    }
    let mut classes: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
    for (hash, of_group) in groups {
        let most = of_group.values().max().copied();
        let class = of_group.iter().find(|(_, rows)| Some(**rows) == most);
        let class = *class.expect("a group has rows").0;
        let groups = classes.entry(class).or_default();
        groups.push((hash, of_group.values().sum()));
    }
    let rows = |groups: &[(u64, u64)]| groups.iter().map(|(_, rows)| rows).sum::<u64>();
    let sizes: Vec<u64> = classes.values().map(|groups| rows(groups)).collect();
    let parts = apportion(&sizes, held_out(sizes.iter().sum()));
    let mut side_of = BTreeMap::new();
    for (groups, part) in classes.values().zip(parts) {
        let nearest = |wanted: u64, from: usize| {
            let ends = from..=groups.len();
            ends.min_by_key(|end| (rows(&groups[..*end]).abs_diff(wanted), *end))
                .expect("an end")
        };
        let test = nearest(part.test, 0);
        let both = nearest(part.both, test);
        for (place, (hash, _)) in groups.iter().enumerate() {
            let side = match place {
                place if place < test => "test",
                place if place < both => "val",
                _ => "train",
            };
            side_of.insert(*hash, side);
        }
    }
    let mut sides: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for id in ids {
        let side = side_of[&key_hash(user(*id))];
        sides.entry(side).or_default().push(*id);
    }
    sides
}

fn shares(test_percent: u64, both_percent: u64) -> impl Fn(u64) -> HeldOut {
    move |rows| HeldOut {
        test: (rows * test_percent).div_ceil(100),
        both: (rows * both_percent).div_ceil(100),
    }
}

#[test]
fn sides_are_those_of_the_specification_and_no_group_is_on_two() {
    let scratch = two_files();
    let all: Vec<i64> = (0..ROWS).collect();
    let low: Vec<i64> = (0..4000).collect();
    let rows = |test: u64, both: u64| move |_| HeldOut { test, both };
    type HoldOut = Box<dyn Fn(u64) -> HeldOut>;
    let cases: [(&[&str], &[i64], HoldOut); 6] = [
        (&[], &all, Box::new(shares(20, 20))),
        (&["--val-size", "0.1"], &all, Box::new(shares(20, 30))),
        (&["--test-size", "0"], &all, Box::new(shares(0, 0))),
        (&["--test-size", "1"], &all, Box::new(shares(100, 100))),
        (
            &["--test-size", "2000", "--val-size", "33 rows"],
            &all,
            Box::new(rows(2000, 2033)),
        ),
        (&["--where", "id < 4000"], &low, Box::new(shares(20, 20))),
    ];
    for (flags, ids, held_out) in cases {
        let mut found = split(&scratch, flags);
        assert_partition(&found, 0..i64::try_from(ids.len()).expect("few"));
        found.values_mut().for_each(|ids| ids.sort_unstable());
        found.retain(|_, ids| !ids.is_empty());
        let found = found.iter().map(|(side, ids)| (side.as_str(), ids));
        let expected = expected(ids, held_out);
        let expected = expected.iter().map(|(side, ids)| (*side, ids));
        assert!(found.eq(expected), "{flags:?}");
    }
}

#[test]
fn classes_keep_their_shares_to_half_of_their_largest_group() {
    let scratch = two_files();
    let sides = split(&scratch, &[]);
    for class in ["a", "b", "rare"] {
        let of_class = |ids: &[i64]| ids.iter().filter(|id| label(**id) == class).count();
        let whole = of_class(&(0..ROWS).collect::<Vec<_>>());
        let off = (of_class(&sides["test"]) as f64 - whole as f64 * 0.2).abs();
        // And what groups of several classes bring from another one.
        assert!(
            off <= 20.0 + 0.02 * whole as f64,
            "{class} is {off} rows off"
        );
    }
}

#[test]
fn a_class_of_one_group_is_named_and_the_summary_says_that_rows_may_move() {
    let scratch = two_files();
    let args = [
        "stream",
        "--in",
        "in",
        "--out",
        "out",
        "--split-by",
        "group:user",
    ];
    let run = scratch.prep(&[&args[..], &["--stratify", "label"]].concat());
    let run = run.succeeds();
    let warning = "too few rows for every side in 1 of 4 classes of --stratify label: \"once\" (1)";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    for text in [
        "by group:user, seed 42, stratify label",
        "rows may change sides when rows are added",
    ] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let folds = [
        &args[..],
        &["--stratify", "label", "--folds", "3", "--overwrite"],
    ]
    .concat();
    let folds = scratch.prep(&folds).succeeds();
    let named = "too few rows for every fold in 1 of 4 classes";
    assert!(folds.stderr.contains(named), "{}", folds.stderr);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let many = [
        "stream",
        "--in",
        "in",
        "--out",
        "new",
        "--split-by",
        "group:label",
    ];
    let refused = scratch.prep(&[&many[..], &["--stratify", "id"]].concat());
    let refused = refused.fails_with(2);
    let message = "column \"id\" of --stratify has more than 4096 values";
    assert!(refused.contains(message), "{refused}");
}

/// Many groups, in several units and runs.
fn many_groups() -> Scratch {
    let scratch = Scratch::new();
    for (file, first) in [("in/a.parquet", 0), ("in/b.parquet", 400_000)] {
        let ids = first..first + 400_000;
        let table = Table::new([
            Column::longs("id", ids.clone()),
            Column::doubles("x", normals(1).take(400_000)),
            Column::longs("user", ids.clone().map(|id| id * 7 % 300_007)),
            Column::longs("label", ids.map(|id| id * 7 % 300_007 % 3)),
        ]);
        scratch.parquet(file, &table.rows_per_group(150_000));
    }
    scratch
}

#[test]
fn threads_and_memory_change_no_byte() {
    let scratch = many_groups();
    let flags = [
        "--exclude",
        "id,user",
        "--split-by",
        "group:user",
        "--stratify",
        "label",
        "--val-size",
        "0.1",
    ];
    scratch.stream_to("reference", "in", &flags);
    let reference = scratch.bytes_of("reference");
    for (number, setting) in [
        &["--threads", "1", "--memory", "100MiB"][..],
        &["--threads", "4", "--memory", "200MiB"],
    ]
    .iter()
    .enumerate()
    {
        let out = format!("out-{number}");
        scratch.stream_to(&out, "in", &[&flags[..], setting].concat());
        assert!(scratch.bytes_of(&out) == reference, "{setting:?}");
    }
}

fn stratified(scratch: &Scratch, out: &str) -> JobSpec {
    let mut spec = spec(scratch, out, &SplitBy::Group(vec!["user".to_owned()]));
    spec.columns.exclude = vec!["id".to_owned()];
    spec.split.stratify = Some(Stratify {
        column: "label".to_owned(),
        bins: None,
    });
    spec
}

#[test]
fn a_run_stopped_at_any_moment_goes_on_and_ends_with_the_same_bytes() {
    let scratch = Scratch::new();
    // More than one unit of 128 files.
    for file in 0..150 {
        scratch.parquet(format!("in/{file:03}.parquet"), &table(file * 60, 60));
    }
    stream(
        &stratified(&scratch, "reference"),
        &Cancel::default(),
        &Silent,
    )
    .expect("a run");
    let reference = scratch.bytes_of("reference");
    let mut most = 0;
    for stop_at in (150..).step_by(5) {
        let cancel = Cancel::default();
        let left = AtomicU64::new(stop_at);
        let stop = |_: &Event| {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                cancel.cell().store(15, Ordering::Relaxed);
            }
        };
        let outcome = stream(&stratified(&scratch, "out"), &cancel, &At(stop));
        let outcome = match outcome {
            Ok(_) => break,
            Err(_) => stream(&stratified(&scratch, "out"), &Cancel::default(), &Silent),
        };
        let Ok(prep_stream::job::Outcome::Written(report)) = outcome else {
            panic!("stopped at {stop_at}: {outcome:?}");
        };
        most = most.max(report.taken_up);
        assert!(scratch.bytes_of("out") == reference, "stopped at {stop_at}");
        std::fs::remove_dir_all(scratch.path("out")).expect("remove the output");
    }
    assert!(most >= 4, "at most {most} results were taken up");
}
