//! `--folds`: every row in one fold, its number beside it; a scaler for each that saw the other folds.

mod written;

use std::collections::BTreeMap;
use std::fs;

use parquet::record::Field;
use serde_json::Value;

use super::numbered;
use crate::harness::{Column, Output, Scratch, Table, Values, normals};

/// The number of the fold of every row, by id.
fn folds(output: &Output) -> BTreeMap<i64, i64> {
    let data = output.side("data");
    let ids = data.longs("id");
    let folds: BTreeMap<i64, i64> = ids.into_iter().zip(data.longs("_fold")).collect();
    assert_eq!(folds.len(), data.rows, "an id is there twice");
    folds
}

fn rows_by_fold(folds: &BTreeMap<i64, i64>) -> BTreeMap<i64, usize> {
    folds.values().fold(BTreeMap::new(), |mut rows, fold| {
        *rows.entry(*fold).or_default() += 1;
        rows
    })
}

/// Two files with a text column, nulls and a column of users.
fn two_files() -> Scratch {
    let scratch = Scratch::new();
    for (name, first, rows) in [("b", 0, 3500_i64), ("größe/a", 3500, 2500)] {
        let ids = first..first + rows;
        let table = numbered(first, rows)
            .with(Column::longs("user", ids.clone().map(|id| id % 61)))
            .with(Column::text("label", ids.clone().map(label)))
            .with(Column::new(
                "optional float y;",
                Values::F32(
                    ids.clone()
                        .map(|id| (id % 7 > 0).then_some(id as f32 / 8.0))
                        .collect(),
                ),
            ))
            .with(Column::longs("n", ids.map(|id| id % 1000)));
        scratch.parquet(format!("in/{name}.parquet"), &table);
    }
    scratch
}

fn label(id: i64) -> &'static str {
    match id {
        17 | 4000 => "rare",
        _ if id % 10 == 0 => "a",
        _ if id % 3 == 0 => "b",
        _ => "c",
    }
}

/// The states of a scaler file, from which every number follows.
fn states(scratch: &Scratch, path: &str) -> Value {
    let bytes = fs::read(scratch.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let json: Value = serde_json::from_slice(&bytes).expect("JSON");
    json["columns"].clone()
}

#[test]
fn every_row_is_written_as_it_was_with_the_number_of_its_fold() {
    let scratch = two_files();
    let run = scratch.prep(&[
        "stream",
        "--in",
        "in",
        "--out",
        "out",
        "--exclude",
        "id",
        "--folds",
        "4",
    ]);
    let run = run.succeeds();
    for text in ["4 folds", "fold-3", "data: 1 shard"] {
        assert!(run.stdout.contains(text), "{text}{}", run.describe());
    }
    let output = scratch.output("out");
    assert!(output.sides().is_empty(), "{:?}", output.sides());
    let of_rows = folds(&output);
    assert!(of_rows.keys().copied().eq(0..6000));
    let rows = rows_by_fold(&of_rows);
    assert!(rows.keys().copied().eq(0..4), "{rows:?}");
    assert!(
        rows.values().all(|rows| rows.abs_diff(1500) < 150),
        "{rows:?}"
    );
    let manifest = output.json("manifest.json");
    let said: Vec<usize> = serde_json::from_value(manifest["folds"].clone()).expect("numbers");
    assert!(rows.values().copied().eq(said));

    // What is in data/ is what was in the files, type for type, and one column more.
    let data = output.side("data");
    assert_eq!(
        data.schema,
        [
            "REQUIRED INT64 id;",
            "REQUIRED DOUBLE x;",
            "REQUIRED INT64 user;",
            "REQUIRED BYTE_ARRAY label (STRING);",
            "OPTIONAL FLOAT y;",
            "REQUIRED INT64 n;",
            "REQUIRED INT32 _fold;",
        ]
    );
    let ids = data.longs("id");
    for (row, id) in ids.iter().enumerate() {
        assert_eq!(data.strings("label")[row], label(*id));
        if row > 20 {
            break;
        }
    }
    let y = data.floats("y");
    assert!(ids.iter().zip(y).all(|(id, y)| match id % 7 {
        0 => y.is_none(),
        _ => y == Some(*id as f64 / 8.0),
    }));
    assert!(data.column("n").iter().all(|n| matches!(n, Field::Long(_))));
    for name in ["scaler.json", "histograms.json"] {
        assert!(
            !output.path.join(name).exists(),
            "{name} says nothing of folds"
        );
    }
    let run = scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    for text in [
        "4 scalers fitted again",
        "6,000 rows split, fitted and compared again",
    ] {
        assert!(run.stdout.contains(text), "{text}{}", run.describe());
    }
    scratch.prep(&["report", "out"]).succeeds();
}

/// The scaler of a fold is, to the bit, that of a run whose test side is the fold.
#[test]
fn each_scaler_is_that_of_a_run_that_never_saw_the_fold() {
    let scratch = two_files();
    let cases: &[&[&str]] = &[
        &[],
        &["--split-by", "group:user", "--ddof", "1"],
        &["--stratify", "label", "--sample", "0.7"],
        &["--weights", "n"],
    ];
    for case in cases {
        let flags = [&["--exclude", "id", "--folds", "3", "--overwrite"], *case].concat();
        let output = scratch.stream("in", &flags);
        let of_rows = folds(&output);
        for fold in 0..3 {
            let fitted = states(&scratch, &format!("out/scaler-fold-{fold}.json"));
            // The same files with a column that says which rows are held out.
            let by_hand = by_hand(&of_rows, fold);
            let kept: Vec<&str> = case
                .iter()
                .copied()
                .filter(|flag| {
                    ![
                        "--split-by",
                        "group:user",
                        "--stratify",
                        "label",
                        "--sample",
                        "0.7",
                    ]
                    .contains(flag)
                })
                .collect();
            let exclude = if case.contains(&"group:user") {
                "id,user"
            } else {
                "id"
            };
            let flags = [
                "--exclude",
                exclude,
                "--split-by",
                "column:side",
                "--where",
                "used = 1",
                "--overwrite",
            ];
            let plain = by_hand.stream("in", &[&flags[..], &kept].concat());
            let columns = plain.json("scaler.json")["columns"].clone();
            let without_used: Vec<&Value> = columns
                .as_array()
                .expect("columns")
                .iter()
                .filter(|column| column["name"] != "used")
                .collect();
            let fitted: Vec<&Value> = fitted.as_array().expect("columns").iter().collect();
            assert_eq!(fitted, without_used, "{case:?}, fold {fold}");
        }
    }
}

/// The files of [`two_files`] with a column of sides: this fold is test, rows in no fold are not used.
fn by_hand(of_rows: &BTreeMap<i64, i64>, fold: i64) -> Scratch {
    let scratch = Scratch::new();
    for (name, first, rows) in [("b", 0, 3500_i64), ("größe/a", 3500, 2500)] {
        let ids = first..first + rows;
        let is_test = |id: i64| i64::from(of_rows.get(&id) == Some(&fold));
        let table = numbered(first, rows)
            .with(Column::longs("user", ids.clone().map(|id| id % 61)))
            .with(Column::text("label", ids.clone().map(label)))
            .with(Column::new(
                "optional float y;",
                Values::F32(
                    ids.clone()
                        .map(|id| (id % 7 > 0).then_some(id as f32 / 8.0))
                        .collect(),
                ),
            ))
            .with(Column::longs("n", ids.clone().map(|id| id % 1000)))
            .with(Column::longs("side", ids.clone().map(is_test)))
            .with(Column::longs(
                "used",
                ids.map(|id| i64::from(of_rows.contains_key(&id))),
            ));
        scratch.parquet(format!("in/{name}.parquet"), &table);
    }
    scratch
}

#[test]
fn rows_of_a_key_share_a_fold_and_rows_that_come_later_move_none() {
    let scratch = two_files();
    let flags = ["--exclude", "id", "--folds", "5", "--overwrite"];
    let row = folds(&scratch.stream("in", &flags));
    let group = folds(&scratch.stream("in", &[&flags[..], &["--split-by", "group:user"]].concat()));
    let content = folds(&scratch.stream("in", &[&flags[..], &["--split-by", "content"]].concat()));
    let mut of_users = BTreeMap::new();
    for (id, fold) in &group {
        let known = *of_users.entry(id % 61).or_insert(*fold);
        assert_eq!(known, *fold, "user {}", id % 61);
    }
    assert_eq!(rows_by_fold(&group).len(), 5);
    assert_ne!(row, content);
    // Other rows and other folds: what was there keeps its own.
    scratch.parquet(
        "in/zzz.parquet",
        &numbered(6000, 500)
            .with(Column::longs("user", (6000..6500).map(|id| id % 61)))
            .with(Column::text("label", (6000..6500).map(label)))
            .with(Column::new(
                "optional float y;",
                Values::F32(vec![None; 500]),
            ))
            .with(Column::longs("n", 0..500)),
    );
    let more = folds(&scratch.stream("in", &flags));
    assert!(row.iter().all(|(id, fold)| more[id] == *fold));
    let narrow = folds(&scratch.stream(
        "in",
        &[&flags[..], &["--where", "n < 500", "--sample", "0.5"]].concat(),
    ));
    assert!(
        narrow
            .iter()
            .all(|(id, fold)| more[id] == *fold && id % 1000 < 500)
    );
    assert!(
        (1300..2000).contains(&narrow.len()),
        "{} rows",
        narrow.len()
    );
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}

#[test]
fn classes_are_dealt_to_the_folds_within_one_row() {
    let scratch = two_files();
    let args = [
        "stream",
        "--in",
        "in",
        "--out",
        "out",
        "--exclude",
        "id",
        "--folds",
        "7",
        "--stratify",
        "label",
    ];
    let run = scratch.prep(&args).succeeds();
    let warning = "too few rows for every fold in 1 of 4 classes of --stratify label: \"rare\" (2)";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let of_rows = folds(&scratch.output("out"));
    let mut classes: BTreeMap<&str, [usize; 7]> = BTreeMap::new();
    for (id, fold) in &of_rows {
        let fold = usize::try_from(*fold).expect("a fold");
        classes.entry(label(*id)).or_default()[fold] += 1;
    }
    for (class, rows) in &classes {
        let (low, high) = (rows.iter().min(), rows.iter().max());
        assert!(high.unwrap() - low.unwrap() <= 1, "{class}: {rows:?}");
    }
    let rows = rows_by_fold(&of_rows);
    assert!(
        rows.values().all(|rows| [857, 858].contains(rows)),
        "{rows:?}"
    );
}

#[test]
fn classes_keep_their_shares_in_folds_of_whole_groups() {
    let scratch = two_files();
    let flags = [
        "--exclude",
        "id",
        "--folds",
        "4",
        "--stratify",
        "label",
        "--split-by",
        "group:user",
    ];
    let first = scratch.stream("in", &flags);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let of_rows = folds(&first);
    let mut of_users: BTreeMap<i64, i64> = BTreeMap::new();
    let mut classes: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for (id, fold) in &of_rows {
        assert_eq!(of_users.entry(id % 61).or_insert(*fold), fold, "row {id}");
        classes.entry(label(*id)).or_default()[usize::try_from(*fold).expect("a fold")] += 1;
    }
    // A user has 98 or 99 rows.
    for (class, rows) in &classes {
        let (low, high) = (rows.iter().min(), rows.iter().max());
        assert!(high.unwrap() - low.unwrap() <= 99, "{class}: {rows:?}");
    }
    let bytes = fs::read(first.path.join("scaler-fold-2.json")).expect("read");
    for (threads, memory) in [("1", "128MiB"), ("3", "1GiB")] {
        let more = ["--threads", threads, "--memory", memory, "--overwrite"];
        let again = scratch.stream("in", &[&flags[..], &more].concat());
        assert_eq!(folds(&again), of_rows, "{threads} threads");
        let found = fs::read(again.path.join("scaler-fold-2.json")).expect("read");
        assert!(found == bytes, "{threads} threads");
    }
}

#[test]
fn text_keeps_its_types_too() {
    let scratch = Scratch::new();
    let lines: String = (0..900)
        .map(|id| format!("{id},{}.5,0{id},k{}\n", id % 9, id % 4))
        .collect();
    scratch.write("in/a.csv", format!("id,x,zip,key\n{lines}"));
    let output = scratch.stream("in", &["--folds", "2", "--exclude", "id", "--text", "zip"]);
    let data = output.side("data");
    assert_eq!(data.longs("id"), (0..900).collect::<Vec<_>>());
    assert_eq!(data.strings("zip")[7], "07");
    assert_eq!(data.floats("x")[10], Some(1.5));
    assert_eq!(rows_by_fold(&folds(&output)).len(), 2);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let refused = scratch.write("in/a.csv", "id,_fold\n1,2\n");
    let run = refused.prep(&["stream", "--in", "in", "--out", "new", "--folds", "2"]);
    let message = run.fails_with(2);
    assert!(
        message.contains("the input has a column \"_fold\" of its own"),
        "{message}"
    );
}

#[test]
fn an_output_of_folds_is_up_to_date_for_the_very_same_folds_alone() {
    let scratch = two_files();
    for kind in [
        &["--folds", "3"][..],
        &["--folds", "3", "--materialize-folds"],
        &["--folds", "4"],
    ] {
        scratch.stream("in", &[kind, &["--if-changed", "--exclude", "id"]].concat());
        let again = [
            "stream",
            "--in",
            "in",
            "--out",
            "out",
            "--if-changed",
            "--exclude",
            "id",
        ];
        let run = scratch.prep(&[&again[..], kind].concat()).succeeds();
        assert!(run.stdout.contains("up to date"), "{}", run.describe());
    }
    let run = scratch.prep(&["stream", "--in", "in", "--out", "out", "--if-changed"]);
    assert!(!run.succeeds().stdout.contains("up to date"));
}

#[test]
fn what_folds_have_no_answer_to_is_refused() {
    let scratch = two_files();
    let args = ["stream", "--in", "in", "--out", "out", "--folds", "3"];
    for (flags, says) in [
        (
            &["--test-size", "0.2"][..],
            "--folds and --test-size cannot be used together",
        ),
        (
            &["--test-size", "100"],
            "--folds and --test-size cannot be used together",
        ),
        (
            &["--val-size", "0.2"],
            "--folds and --val-size cannot be used together",
        ),
        (
            &["--split-by", "time:id"],
            "--folds and --split-by time: cannot be used together",
        ),
        (
            &["--split-by", "column:label"],
            "--folds and --split-by column: cannot be used together",
        ),
        (&["--audit"], "--folds and --audit cannot be used together"),
        (
            &["--validate", "--label", "n"],
            "--folds and --validate cannot be used together",
        ),
    ] {
        let message = scratch.prep(&[&args[..], flags].concat()).fails_with(2);
        assert!(message.contains(says), "{flags:?}: {message}");
    }
    for count in ["0", "1", "101", "x", "-3"] {
        let run = scratch.prep(&["stream", "--in", "in", "--out", "out", "--folds", count]);
        let message = run.fails_with(2);
        let says =
            format!("invalid value \"{count}\" for --folds: expected a whole number from 2 to 100");
        assert!(message.contains(&says), "{message}");
    }
    scratch.stream("in", &["--folds", "3"]);
    for (arguments, says) in [
        (
            &["audit", "out"][..],
            "prep audit needs a train and a test side",
        ),
        (
            &["validate", "--data", "out", "--label", "n"],
            "prep validate needs a train and a test side",
        ),
    ] {
        let message = scratch.prep(arguments).fails_with(2);
        assert!(message.contains(says), "{message}");
    }
    let again = Scratch::new();
    again.parquet(
        "in/a.parquet",
        &Table::new([
            Column::longs("_fold", 0..9),
            Column::doubles("x", normals(1).take(9)),
        ]),
    );
    let message = again
        .prep(&["stream", "--in", "in", "--out", "out", "--folds", "2"])
        .fails_with(2);
    assert!(message.contains("rename it"), "{message}");
    again.stream("in", &[]);
}

#[test]
fn a_plan_says_how_many_rows_a_fold_will_have() {
    let scratch = two_files();
    let run = scratch
        .prep(&["plan", "--in", "in", "--out", "out", "--folds", "4"])
        .succeeds();
    for text in [
        "fold-3 about 1,500 rows, 25.0% asked for",
        "_fold",
        "4 folds",
    ] {
        assert!(run.stdout.contains(text), "{text}{}", run.describe());
    }
}

#[test]
fn other_values_in_a_fold_leave_its_own_scaler_as_it_was() {
    let scratch = Scratch::new();
    let table = |shift: &dyn Fn(i64) -> f64| {
        let x = normals(3).zip(0..2000).map(|(z, id)| z + shift(id));
        Table::new([Column::longs("id", 0..2000), Column::doubles("x", x)])
    };
    let flags = ["--folds", "4", "--exclude", "id", "--overwrite"];
    scratch.parquet("in/a.parquet", &table(&|_| 0.0));
    let of_rows = folds(&scratch.stream("in", &flags));
    let scalers = || -> Vec<Vec<u8>> {
        (0..4)
            .map(|fold| scratch.path(format!("out/scaler-fold-{fold}.json")))
            .map(|path| fs::read(path).expect("a scaler"))
            .collect()
    };
    let before = scalers();
    scratch.parquet(
        "in/a.parquet",
        &table(&|id| if of_rows[&id] == 2 { 1e6 } else { 0.0 }),
    );
    assert_eq!(folds(&scratch.stream("in", &flags)), of_rows);
    for (fold, (before, after)) in before.iter().zip(scalers()).enumerate() {
        assert_eq!(*before == after, fold == 2, "fold {fold}");
    }
}

#[test]
fn infinities_are_left_out_of_the_fits_and_stay_in_the_rows() {
    let scratch = Scratch::new();
    let x = normals(4)
        .zip(0..900)
        .map(|(z, id)| if id % 100 == 7 { f64::INFINITY } else { z });
    let x: Vec<f64> = x.collect();
    scratch.parquet(
        "in/a.parquet",
        &numbered(0, 900).with(Column::doubles("w", x.clone())),
    );
    let flags = ["--folds", "3", "--exclude", "id"];
    let args = [&["stream", "--in", "in", "--out", "out"], &flags[..]].concat();
    let message = scratch.prep(&args).fails_with(3);
    assert!(message.contains("\"w\""), "{message}");
    let output = scratch.stream("in", &[&flags[..], &["--on-inf", "null"]].concat());
    let written = output.side("data").floats("w");
    assert!(written.iter().copied().eq(x.iter().copied().map(Some)));
    let json = output.json("scaler-fold-0.json");
    let infinite = json["columns"].as_array().expect("columns").iter();
    let infinite = infinite.map(|column| column["moments"]["positive_infinities"].as_u64());
    assert!(infinite.flatten().sum::<u64>() > 0, "{json:#}");
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let both = [
        &flags[..],
        &["--on-inf", "null", "--materialize-folds", "--overwrite"],
    ]
    .concat();
    let output = scratch.stream("in", &both);
    assert!(output.side("fold-0/train").floats("w").contains(&None));
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}

#[test]
fn features_of_several_widths_are_written_as_the_widest_that_keeps_them() {
    let scratch = Scratch::new();
    let narrow = Values::I32((0..700).map(|n| Some(n * 3)).collect());
    let narrow = Table::new([
        Column::longs("id", 0..700),
        Column::new("required int32 n;", narrow),
        Column::new(
            "required fixed_len_byte_array(5) d (DECIMAL(9,2));",
            Values::Fixed(
                (0..700_i64)
                    .map(|n| Some(n.to_be_bytes()[3..].to_vec()))
                    .collect(),
            ),
        ),
    ]);
    let wide = Table::new([
        Column::longs("id", 700..1000),
        Column::longs("n", (0..300).map(|n| n << 40)),
        Column::new(
            "required fixed_len_byte_array(5) d (DECIMAL(9,2));",
            Values::Fixed(
                (0..300_i64)
                    .map(|n| Some(n.to_be_bytes()[3..].to_vec()))
                    .collect(),
            ),
        ),
    ]);
    scratch.parquet("in/day=1/a.parquet", &narrow);
    scratch.parquet("in/day=2/b.parquet", &wide);
    let output = scratch.stream(
        "in",
        &["--folds", "3", "--exclude", "id", "--split-by", "content"],
    );
    let data = output.side("data");
    assert_eq!(data.longs("n")[699..702], [2097, 0, 1 << 40]);
    assert_eq!(data.strings("day")[699..701], ["1", "2"]);
    assert_eq!(
        data.schema.last().map(String::as_str),
        Some("REQUIRED INT32 _fold;")
    );
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    // Integers beside floats would lose digits: they are refused as in any column that isn't scaled.
    scratch.parquet("mixed/a.parquet", &Table::new([Column::longs("x", 0..9)]));
    scratch.parquet(
        "mixed/b.parquet",
        &Table::new([Column::doubles("x", normals(1).take(9))]),
    );
    scratch.stream_to("plain", "mixed", &[]);
    scratch.stream_to("written", "mixed", &["--folds", "2", "--materialize-folds"]);
    scratch
        .prep(&["verify", "written", "--in", "mixed"])
        .succeeds();
}

#[test]
fn fewer_rows_than_folds_are_no_error() {
    for rows in [0, 1, 3] {
        for extra in [&[][..], &["--materialize-folds"]] {
            let scratch = Scratch::new();
            scratch.parquet("in/a.parquet", &numbered(0, rows));
            let flags = [
                &["stream", "--in", "in", "--out", "out", "--folds", "10"],
                extra,
            ]
            .concat();
            let run = scratch.prep(&flags).succeeds();
            assert_eq!(
                run.stderr.contains("no row is in"),
                rows > 0,
                "{}",
                run.describe()
            );
            scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
        }
    }
}
