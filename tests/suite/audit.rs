//! `prep audit`: leaks that were planted are found, each as what it is, and none is invented.

use std::collections::BTreeSet;
use std::fs;

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

/// Does something to an output, one of whose parts is given.
type Damage = fn(&Scratch, &std::path::Path);

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

#[test]
fn clean_tables_of_every_shape_give_no_alarm() {
    let tables: Vec<(&str, usize, Vec<Column>)> = {
        let long = |name: &str, seed: u64, rows: usize, levels: u64| {
            let values = numbers(seed)
                .take(rows)
                .map(move |z| i64::try_from(z % levels).expect("small"));
            Column::longs(name, values)
        };
        let normal =
            |name: &str, seed: u64, rows: usize| Column::doubles(name, normals(seed).take(rows));
        vec![
            (
                "two levels each",
                20_000,
                vec![
                    long("a", 1, 20_000, 2),
                    long("b", 2, 20_000, 2),
                    long("y", 3, 20_000, 2),
                ],
            ),
            (
                "about as many distinct rows as rows",
                20_000,
                vec![
                    long("a", 1, 20_000, 100),
                    long("b", 2, 20_000, 100),
                    long("y", 3, 20_000, 3),
                ],
            ),
            ("levels that depend on each other", 20_000, {
                let code: Vec<i64> = numbers(9)
                    .take(20_000)
                    .map(|z| i64::try_from(z % 200).expect("small"))
                    .collect();
                let derived = |factor: i64| {
                    Column::longs(
                        &format!("x{factor}"),
                        code.iter()
                            .map(move |c| c * factor % 101)
                            .collect::<Vec<_>>(),
                    )
                };
                vec![derived(3), derived(7), derived(31), long("y", 5, 20_000, 2)]
            }),
            (
                "one column of ties",
                20_000,
                vec![long("a", 1, 20_000, 5000), long("y", 2, 20_000, 2)],
            ),
            (
                "a rare label",
                20_000,
                vec![
                    normal("a", 1, 20_000),
                    long("b", 2, 20_000, 4),
                    long("y", 3, 20_000, 5000),
                ],
            ),
            (
                "few rows",
                60,
                vec![
                    normal("a", 1, 60),
                    long("b", 2, 60, 1000),
                    long("y", 3, 60, 2),
                ],
            ),
            ("two rows", 2, vec![normal("a", 1, 2), long("y", 3, 2, 2)]),
            (
                "text and nulls",
                5_000,
                vec![
                    Column::optional_doubles(
                        "a",
                        normals(1).take(5_000).map(|v| (v > -1.0).then_some(v)),
                    ),
                    Column::text(
                        "b",
                        numbers(2).take(5_000).map(|z| format!("word {}", z % 50)),
                    ),
                    normal("y", 3, 5_000),
                ],
            ),
        ]
    };
    for (name, rows, columns) in tables {
        for seed in ["1", "2"] {
            let scratch = Scratch::new();
            scratch.parquet(
                "in/a.parquet",
                &Table::new(columns.clone()).rows_per_group(7_000),
            );
            scratch.stream(
                "in",
                &["--label", "y", "--test-size", "0.3", "--seed", seed],
            );
            let run = scratch
                .prep(&["audit", "out", "--fail-on", "warning"])
                .succeeds();
            let report = scratch.output("out").json("audit.json");
            let alarms = found(&report)
                .into_iter()
                .filter(|text| !text.contains(" note"));
            assert_eq!(
                alarms.count(),
                0,
                "{name}, {rows} rows, seed {seed}\n{}",
                run.stdout
            );
        }
    }
}

#[test]
fn rows_without_a_key_are_told_from_a_shared_key() {
    let scratch = Scratch::new();
    let rows = 1_000;
    let key = (0..rows)
        .map(|row| (row % 10 != 0).then_some(row))
        .collect();
    let table = Table::new([
        Column::doubles("a", normals(1).take(1_000)),
        Column::new("optional int64 key;", crate::harness::Values::I64(key)),
    ]);
    scratch.parquet("in/a.parquet", &table);
    scratch.stream("in", &["--exclude", "key"]);
    scratch
        .prep(&["audit", "out", "--group", "key", "--quiet"])
        .succeeds();
    let report = scratch.output("out").json("audit.json");
    assert_eq!(
        found(&report),
        BTreeSet::from(["groups note key".to_owned()])
    );
    assert_eq!(evidence(&report, 0, "rows_without_a_key"), 100.0);
}

#[test]
fn nested_and_odd_columns_are_compared_by_their_values() {
    let scratch = Scratch::new();
    // [1, 2], [], [1], [2], [1, 2], ...: the same leaf values in other lists are other rows.
    let levels = |rows: usize| {
        let (mut definition, mut repetition, mut values) = (vec![], vec![], vec![]);
        for row in 0..rows {
            let list: &[i64] = [&[1, 2][..], &[], &[1], &[2]][row % 4];
            for (index, value) in list.iter().enumerate() {
                definition.push(1);
                repetition.push(i16::from(index > 0));
                values.push(Some(*value));
            }
            if list.is_empty() {
                definition.push(0);
                repetition.push(0);
            }
        }
        (values, (definition, repetition))
    };
    let rows = 400;
    let (values, both) = levels(rows);
    let list = Column {
        schema: "repeated int64 list;".to_owned(),
        values: crate::harness::Values::I64(values),
        levels: Some(both),
    };
    let table = Table::new([
        Column::doubles(
            "a",
            (0..rows).map(|row| if row % 2 == 0 { 0.0 } else { -0.0 } + (row / 8) as f64),
        ),
        Column::doubles("b", (0..rows).map(|row| (row / 4) as f64 * 0.37)),
        list,
        Column::longs("side", (0..rows).map(|row| i64::from(row == 399))),
    ]);
    scratch.parquet("in/a.parquet", &table);
    scratch.stream("in", &["--split-by", "column:side"]);
    scratch.prep(&["audit", "out", "--quiet"]).succeeds();
    assert!(!found(&scratch.output("out").json("audit.json")).contains("duplicates leak"));
}

#[test]
fn rows_of_long_strings_are_compared_like_those_of_short_ones() {
    let (train, test) = (80, 40);
    // Each test row is one of the train rows; half of the last ones differ in the number beside it.
    let origin = |row: usize| if row < train { row } else { 2 * (row - train) };
    let differs = |row: usize| row >= train + 20 && row.is_multiple_of(2);
    for length in [1, 75_000] {
        let scratch = Scratch::new();
        let rows = 0..train + test;
        let table = Table::new([
            Column::text(
                "text",
                rows.clone()
                    .map(|row| format!("{} {}", "long".repeat(length), origin(row))),
            ),
            Column::doubles(
                "a",
                rows.clone()
                    .map(|row| origin(row) as f64 + f64::from(u8::from(differs(row))) / 2.0),
            ),
            Column::longs("side", rows.map(|row| i64::from(row >= train))),
        ]);
        scratch.parquet("in/a.parquet", &table);
        scratch.stream("in", &["--split-by", "column:side", "--exclude", "a"]);
        scratch
            .prep(&["audit", "out", "--quiet", "--memory", "200MiB"])
            .succeeds();
        let report = scratch.output("out").json("audit.json");
        assert!(
            found(&report).contains("duplicates leak"),
            "{length}: {report}"
        );
        assert_eq!(evidence(&report, 0, "pairs_compared"), 30.0, "{length}");
    }
}

#[test]
fn the_report_is_the_same_whatever_the_threads_and_the_memory() {
    let scratch = Scratch::new();
    let plant = Plant::clean(40_000)
        .copy_rows(30)
        .integer("k", |row| i64::try_from(row % 9_000).expect("small"))
        .float("t", |row| (row * 7919 % 50_000) as f64);
    plant.write(&scratch);
    scratch.stream("in", &["--label", "y", "--exclude", "k,t"]);
    let audit = |extra: &[&str]| {
        let mut arguments = vec![
            "audit",
            "out",
            "--group",
            "k",
            "--time",
            "t",
            "--log-format",
            "json",
        ];
        arguments.extend(extra);
        let printed = scratch.prep(&arguments).succeeds().stdout;
        assert_eq!(printed, scratch.output("out").text("audit.json"));
        printed
    };
    let first = audit(&["--threads", "1"]);
    assert!(
        first.contains("\"duplicates\"")
            && first.contains("\"groups\"")
            && first.contains("\"time\"")
    );
    for extra in [
        &["--threads", "2"][..],
        &["--threads", "7"],
        &["--threads", "3", "--memory", "200MiB"],
    ] {
        assert_eq!(audit(extra), first, "{extra:?}");
    }
}

#[test]
fn a_stream_audits_before_it_publishes() {
    let scratch = Scratch::new();
    Plant::clean(4_000).copy_rows(5).write(&scratch);
    let stream = |out: &str, extra: &[&str]| {
        let mut arguments = vec![
            "stream",
            "--in",
            "in",
            "--out",
            out,
            "--split-by",
            "column:side",
            "--label",
            "y",
        ];
        arguments.extend(extra);
        scratch.prep(&arguments)
    };
    let run = stream("out", &["--audit"]).succeeds();
    assert!(
        run.stdout
            .contains("5 rows of test (0.5%) have an exact copy in train"),
        "{}",
        run.stdout
    );
    let staged = scratch.output("out").text("audit.json");
    scratch.prep(&["audit", "out", "--quiet"]).succeeds();
    assert_eq!(scratch.output("out").text("audit.json"), staged);
    // Nothing but audit.json and the report that shows it tells the two outputs apart.
    stream("plain", &[]).succeeds();
    let data = |out: &str| {
        let mut files = scratch.bytes_of(out);
        files.retain(|name, _| {
            !matches!(name.as_str(), "audit.json" | "report.json" | "report.html")
        });
        files
    };
    let plain = data("plain");
    assert_eq!(data("out"), plain);
    // The output is there though the check failed.
    let error = stream("failed", &["--fail-on", "drift>0.2,leak", "--quiet"]).fails_with(1);
    assert!(
        error.contains("the audit found leak: 5 rows of test (0.5%) have an exact copy in train"),
        "{error}"
    );
    assert_eq!(data("failed"), plain);
    assert!(scratch.path("failed/audit.json").exists());
    // An output that is up to date is audited as it is.
    let error = stream("plain", &["--if-changed", "--fail-on", "leak", "--quiet"]).fails_with(1);
    assert!(error.contains("leak"), "{error}");
    assert!(scratch.path("plain/audit.json").exists());
}

#[test]
fn conditions_decide_the_exit_code() {
    let scratch = Scratch::new();
    let train = 4_000;
    Plant::clean(train)
        .float("moved", move |row| {
            (row % 100) as f64 + if row < train { 0.0 } else { 30.0 }
        })
        .write(&scratch);
    scratch.stream("in", &["--label", "y", "--split-by", "column:side"]);
    let audit =
        |conditions: &str| scratch.prep(&["audit", "out", "--quiet", "--fail-on", conditions]);
    for conditions in ["leak", "drift>9", "leak,drift>9.5"] {
        audit(conditions).succeeds();
    }
    for (conditions, reason) in [
        ("drift>0.2", "the audit found drift>0.2: PSI "),
        ("leak,drift > 1", "of \"moved\" on test"),
        ("warning", "the audit found warning: "),
    ] {
        let error = audit(conditions).fails_with(1);
        assert!(error.contains(reason), "{error}");
    }
    for conditions in ["drift", "drift>", "drift>-1", "drift>nan", "leaks", ""] {
        audit(conditions).fails_with(2);
    }
}

#[test]
fn a_bad_output_is_a_clear_error() {
    let made = || {
        let scratch = Scratch::new();
        Plant::clean(400).write(&scratch);
        scratch.stream("in", &["--label", "y"]);
        scratch
    };
    let part = |scratch: &Scratch, side: &str| {
        crate::harness::files_below(&scratch.path(format!("out/{side}"))).remove(0)
    };
    let cases: [(&str, Damage, i32, &str); 8] = [
        (
            "no directory",
            |s, _| fs::remove_dir_all(s.path("out")).expect("gone"),
            3,
            "no output of prep: it has no directory",
        ),
        (
            "no manifest",
            |s, _| fs::remove_file(s.path("out/manifest.json")).expect("gone"),
            3,
            "it has no manifest.json",
        ),
        (
            "no scaler",
            |s, _| fs::remove_file(s.path("out/scaler.json")).expect("gone"),
            3,
            "it has no scaler.json",
        ),
        (
            "a broken scaler",
            |s, _| fs::write(s.path("out/scaler.json"), "{}").expect("written"),
            3,
            "cannot read scaler.json",
        ),
        (
            "a missing shard",
            |_, part| fs::remove_file(part).expect("gone"),
            3,
            "the shard is missing",
        ),
        (
            "a short shard",
            |_, part| {
                let bytes = fs::read(part).expect("read");
                fs::write(part, &bytes[..bytes.len() / 2]).expect("written");
            },
            3,
            "part-",
        ),
        (
            "a flipped bit",
            |_, part| {
                let mut bytes = fs::read(part).expect("read");
                bytes[100] ^= 1;
                fs::write(part, bytes).expect("written");
            },
            3,
            "the shard's XXH3-128 is",
        ),
        (
            "another shard",
            |s, part| {
                fs::copy(
                    crate::harness::files_below(&s.path("out/test")).remove(0),
                    part,
                )
                .expect("copied");
            },
            3,
            "rows, manifest.json says",
        ),
    ];
    for (name, damage, code, message) in cases {
        let scratch = made();
        damage(&scratch, &part(&scratch, "train"));
        let error = scratch.prep(&["audit", "out"]).fails_with(code);
        assert!(error.contains(message), "{name}: {error}");
        assert!(!scratch.path("out/audit.json").exists(), "{name}");
    }
}

#[test]
fn columns_that_are_not_there_are_usage_errors() {
    let scratch = Scratch::new();
    Plant::clean(400).write(&scratch);
    scratch.stream("in", &["--label", "y"]);
    for flag in ["--group", "--label", "--time", "--ignore"] {
        let error = scratch
            .prep(&["audit", "out", flag, "nowhere"])
            .fails_with(2);
        assert!(
            error.contains(&format!("no column \"nowhere\" for {flag}")),
            "{error}"
        );
    }
    let error = scratch
        .prep(&["audit", "out", "--memory", "20MiB"])
        .fails_with(6);
    assert!(error.contains("--memory allows 20971520 bytes"), "{error}");
}

#[test]
fn a_source_that_is_no_longer_the_same_is_reported() {
    let scratch = Scratch::new();
    for name in ["a", "b", "c"] {
        let table = Table::new([Column::doubles(
            "x",
            normals(u64::from(name.as_bytes()[0])).take(50),
        )]);
        scratch.parquet(format!("in/{name}.parquet"), &table);
    }
    scratch.stream("in", &[]);
    let audit = || {
        scratch
            .prep(&["audit", "out", "--in", "in", "--quiet"])
            .succeeds();
        scratch.output("out").json("audit.json")
    };
    assert!(!found(&audit()).contains("source warning"));
    fs::remove_file(scratch.path("in/a.parquet")).expect("gone");
    let table = Table::new([Column::doubles("x", normals(9).take(60))]);
    scratch
        .parquet("in/b.parquet", &table)
        .parquet("in/d.parquet", &table);
    let report = audit();
    let summaries: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["check"] == "source")
        .map(|finding| finding["summary"].as_str().expect("text"))
        .collect();
    assert_eq!(
        summaries,
        [
            "1 input file changed since the output was made: \"b.parquet\"",
            "1 input file is of the output no longer there: \"a.parquet\"",
            "1 input file is not in the output: \"d.parquet\"",
        ]
    );
}

#[test]
fn a_scaler_of_other_rows_is_found() {
    let scratch = Scratch::new();
    Plant::clean(4_000).write(&scratch);
    scratch.stream_to("out", "in", &["--label", "y", "--split-by", "column:side"]);
    scratch.stream_to(
        "other",
        "in",
        &["--label", "y", "--split-by", "column:side", "--ddof", "1"],
    );
    fs::copy(
        scratch.path("other/scaler.json"),
        scratch.path("out/scaler.json"),
    )
    .expect("copied");
    let report = {
        scratch.prep(&["audit", "out", "--quiet"]).succeeds();
        scratch.output("out").json("audit.json")
    };
    let expected = ["a", "b", "level"].map(|name| format!("moments leak {name}"));
    assert_eq!(found(&report), BTreeSet::from(expected));
}
