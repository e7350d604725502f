//! `prep audit`: leaks that were planted are found, each as what it is, and none is invented.

mod command;
mod shapes;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::harness::{Column, Scratch, Table, normals, numbers};

/// Train rows come first, then a quarter as many test rows; the column `side` says which.
struct Plant {
    train: usize,
    test: usize,
    columns: Vec<(&'static str, Vec<f64>)>,
    integers: Vec<(&'static str, Vec<i64>)>,
}

impl Plant {
    /// A table without a leak: two measurements, a small whole number, and a label that is hard to
    /// guess.
    fn clean(train: usize) -> Self {
        let test = train / 4;
        let rows = train + test;
        let take = |seed: u64| normals(seed).take(rows).collect::<Vec<f64>>();
        let (a, b) = (take(1), take(2));
        let label = a.iter().zip(take(3)).map(|(a, noise)| a + noise).collect();
        let level = numbers(4)
            .take(rows)
            .map(|z| i64::try_from(z % 7).expect("small"));
        Self {
            train,
            test,
            columns: vec![("a", a), ("b", b), ("y", label)],
            integers: vec![("level", level.collect())],
        }
    }

    fn rows(&self) -> usize {
        self.train + self.test
    }

    fn column(&mut self, name: &str) -> &mut Vec<f64> {
        let found = self.columns.iter_mut().find(|(own, _)| *own == name);
        &mut found.expect("a column").1
    }

    /// Copies train rows, spread over the side, over as many test rows.
    fn copy_rows(mut self, count: usize) -> Self {
        let (train, test) = (self.train, self.test);
        for copy in 0..count {
            let from = copy * (train / count);
            let to = train + copy * (test / count);
            self.columns
                .iter_mut()
                .for_each(|(_, values)| values[to] = values[from]);
            self.integers
                .iter_mut()
                .for_each(|(_, values)| values[to] = values[from]);
        }
        self
    }

    fn float(mut self, name: &'static str, value: impl Fn(usize) -> f64) -> Self {
        let values = (0..self.rows()).map(value).collect();
        self.columns.push((name, values));
        self
    }

    fn integer(mut self, name: &'static str, value: impl Fn(usize) -> i64) -> Self {
        let values = (0..self.rows()).map(value).collect();
        self.integers.push((name, values));
        self
    }

    fn write(&self, scratch: &Scratch) {
        let mut columns: Vec<Column> = self
            .columns
            .iter()
            .map(|(name, values)| Column::doubles(name, values.iter().copied()))
            .collect();
        for (name, values) in &self.integers {
            columns.push(Column::longs(name, values.iter().copied()));
        }
        let side = (0..self.rows()).map(|row| i64::from(row >= self.train));
        columns.push(Column::longs("side", side));
        scratch.parquet("in/a.parquet", &Table::new(columns).rows_per_group(30_000));
    }
}

/// A name, the table, flags of the stream, flags of the audit, and what is to be found.
type Case<'a> = (&'a str, Plant, &'a [&'a str], &'a [&'a str], &'a [&'a str]);

/// Streams and audits the table; returns `audit.json`.
fn audit(plant: &Plant, stream: &[&str], flags: &[&str]) -> Value {
    let scratch = Scratch::new();
    plant.write(&scratch);
    let mut arguments = vec!["--split-by", "column:side", "--label", "y"];
    arguments.extend(stream);
    scratch.stream("in", &arguments);
    let mut arguments = vec!["audit", "out", "--quiet"];
    arguments.extend(flags);
    scratch.prep(&arguments).succeeds();
    scratch.output("out").json("audit.json")
}

/// What was found, as `check severity columns`.
fn found(report: &Value) -> BTreeSet<String> {
    let findings = report["findings"].as_array().expect("findings");
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    findings
        .iter()
        .map(|finding| {
            let columns: Vec<String> = finding["columns"]
                .as_array()
                .expect("columns")
                .iter()
                .map(word)
                .collect();
            let text = [
                word(&finding["check"]),
                word(&finding["severity"]),
                columns.join(","),
            ];
            text.join(" ").trim_end().to_owned()
        })
        .collect()
}

fn evidence(report: &Value, finding: usize, name: &str) -> f64 {
    let figures = report["findings"][finding]["evidence"]
        .as_array()
        .expect("evidence");
    let figure = figures.iter().find(|figure| figure["name"] == name);
    figure
        .and_then(|figure| figure["value"].as_f64())
        .expect("a figure")
}

#[test]
fn planted_leaks_are_found_each_as_what_it_is_and_nothing_else() {
    let train = 80_000;
    let base = || Plant::clean(train);
    let key = |row: usize| i64::try_from(row / 4).expect("small");
    let shared_key = move |row: usize| if row == 90_000 { 17 } else { key(row) };
    let late = |row: usize| if row == 5 { 2_000_000.5 } else { row as f64 };
    let code = |row: usize| i64::try_from(row * 7919 % 1000).expect("small");
    let mut coded = base().integer("code", code);
    let labels: Vec<f64> = (0..coded.rows())
        .map(|row| f64::from(u8::from(code(row) * 31 % 64 < 20)))
        .collect();
    *coded.column("y") = labels;
    let copied = base().column("y").clone();
    let (copy, unit) = (copied.clone(), copied);
    let cases: Vec<Case> = vec![
        (
            "nothing",
            base(),
            &[],
            &["--group", "key", "--time", "t"],
            &[],
        ),
        (
            "one copied row",
            base().copy_rows(1),
            &[],
            &[],
            &["duplicates leak"],
        ),
        (
            "many copied rows",
            base().copy_rows(2_000),
            &[],
            &[],
            &["duplicates leak"],
        ),
        (
            "one shared key",
            base().integer("k", shared_key),
            &["--exclude", "k"],
            &["--group", "k"],
            &["groups leak k"],
        ),
        (
            "one late train row",
            base().float("when", late),
            &["--exclude", "when"],
            &["--time", "when"],
            &["time leak when"],
        ),
        (
            "the label copied",
            base().float("twin", move |row| copy[row]),
            &[],
            &[],
            &["label leak twin,y"],
        ),
        (
            "the label in another unit",
            base().float("unit", move |row| 32.0 + 1.8 * unit[row]),
            &[],
            &[],
            &["label leak unit,y"],
        ),
        (
            "the label in another unit, as float32",
            base().integer("n", |row| i64::try_from(row % 9).expect("small")),
            &["--dtype", "float32"],
            &[],
            &[],
        ),
        (
            "a code that determines the label",
            coded,
            &[],
            &[],
            &["label leak code,y"],
        ),
        (
            "a row number",
            base().integer("id", |row| i64::try_from(row).expect("small")),
            &[],
            &[],
            &[
                "ids warning id",
                "drift warning id",
                "moments warning id",
                "duplicates note id",
            ],
        ),
        (
            "a shuffled id",
            base().integer("id", |row| {
                i64::try_from(row * 7919 % 100_000).expect("small")
            }),
            &[],
            &[],
            &["ids warning id", "duplicates note id"],
        ),
        (
            "a constant",
            base().float("zero", |_| 0.0),
            &[],
            &[],
            &["constant note zero"],
        ),
        (
            "nearly a constant",
            base().float("rare", |row| f64::from(u8::from(row % 10_000 == 3))),
            &[],
            &[],
            &["constant note rare"],
        ),
        (
            "drift",
            base().float("moved", move |row| {
                f64::from(u8::from(row >= train)) + (row % 1000) as f64 / 500.0
            }),
            &[],
            &[],
            &["drift warning moved", "moments warning moved"],
        ),
        (
            "more missing on test",
            base().float("gone", move |row| {
                if row >= train && row % 3 == 0 {
                    f64::NAN
                } else {
                    (row % 1000) as f64
                }
            }),
            &[],
            &[],
            &["drift warning gone"],
        ),
    ];
    for (name, plant, stream, flags, expected) in cases {
        // The clean table brings its own key and time.
        let plant = match flags {
            ["--group", "key", ..] => plant.integer("key", key).float("t", |row| row as f64),
            _ => plant,
        };
        let stream = match flags {
            ["--group", "key", ..] => &["--exclude", "key,t"],
            _ => stream,
        };
        let report = audit(&plant, stream, flags);
        let expected: BTreeSet<String> = expected.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(found(&report), expected, "{name}\n{report:#}");
    }
}

#[test]
fn counts_and_examples_are_exact() {
    let mut plant = Plant::clean(2_000).copy_rows(40);
    // A copy of a copy: two test rows of one train row.
    let (from, to) = (0, 2_001);
    plant
        .columns
        .iter_mut()
        .for_each(|(_, values)| values[to] = values[from]);
    plant
        .integers
        .iter_mut()
        .for_each(|(_, values)| values[to] = values[from]);
    let report = audit(&plant, &[], &[]);
    assert_eq!(evidence(&report, 0, "rows"), 41.0);
    assert_eq!(
        evidence(&report, 0, "rows_with_a_copy_on_the_earlier_side"),
        40.0
    );
    assert_eq!(evidence(&report, 0, "distinct_rows"), 40.0);
    assert_eq!(evidence(&report, 0, "pairs_compared"), 40.0);
    let rows = &report["findings"][0]["examples"][1]["rows"];
    let row = |index: usize| {
        (
            rows[index]["shard"].as_str().expect("a path"),
            rows[index]["row"].as_u64(),
        )
    };
    assert!(
        row(0).0.starts_with("train/part-") && row(0).1 == Some(50),
        "{rows:#}"
    );
    assert!(
        row(1).0.starts_with("test/part-") && row(1).1 == Some(12),
        "{rows:#}"
    );
}
