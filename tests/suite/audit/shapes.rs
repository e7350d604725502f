//! Tables of every shape: no false alarm, and rows and keys compared by their values.

use std::collections::BTreeSet;

use super::{evidence, found};
use crate::harness::{Column, Scratch, Table, normals, numbers};

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
