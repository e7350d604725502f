//! Keys: rows of one key on one side, whatever the type it is stored as, and for ever.

use std::collections::{BTreeMap, BTreeSet};

use super::{assert_partition, ids_by_side, split};
use crate::harness::{Column, Scratch, Table, Values, normals};

/// Rows `first..first + rows`, with what `user` makes of `first`.
fn table(first: i64, rows: i64, user: impl Fn(i64) -> Column) -> Table {
    let ids = first..first + rows;
    let seed = u64::try_from(first).expect("not negative");
    let x = normals(seed + 1).take(usize::try_from(rows).expect("few"));
    Table::new([
        Column::longs("id", ids),
        Column::doubles("x", x),
        user(first),
    ])
    .rows_per_group(1234)
}

/// The side of every user.
fn side_of_users(sides: &BTreeMap<String, Vec<i64>>, users: i64) -> BTreeMap<i64, String> {
    let mut of_users = BTreeMap::new();
    for (side, ids) in sides {
        for id in ids {
            let before = of_users.insert(id % users, side.clone());
            assert!(
                before.is_none_or(|before| before == *side),
                "user {} is on two sides",
                id % users
            );
        }
    }
    of_users
}

const USERS: i64 = 300;

fn longs(rows: i64) -> impl Fn(i64) -> Column {
    move |first| Column::longs("user", (first..first + rows).map(|id| id % USERS))
}

#[test]
fn all_rows_of_a_key_are_on_one_side_whatever_its_type() {
    let scratch = Scratch::new();
    let flags = ["--split-by", "group:user", "--val-size", "0.1"];
    let (first, rows) = (0, 5000);
    let ids = || (first..first + rows).map(|id| id % USERS);
    let narrow = |id: i64| i32::try_from(id).expect("small");
    let columns: Vec<Column> = vec![
        Column::longs("user", ids()),
        Column::new(
            "required int32 user;",
            Values::I32(ids().map(|id| Some(narrow(id))).collect()),
        ),
        Column::new(
            "required int32 user (INTEGER(8, false));",
            Values::I32(ids().map(|id| Some(narrow(id))).collect()),
        ),
        Column::new(
            "optional int64 user (DECIMAL(12, 2));",
            Values::I64(ids().map(|id| Some(id * 100)).collect()),
        ),
        Column::new(
            "required fixed_len_byte_array(9) user (DECIMAL(20, 1));",
            Values::Fixed(
                ids()
                    .map(|id| Some([&[0][..], &(id * 10).to_be_bytes()].concat()))
                    .collect(),
            ),
        ),
        Column::doubles("user", ids().map(|id| id as f64)),
    ];
    let mut expected = None;
    for column in columns {
        let schema = column.schema.clone();
        scratch.parquet("in/a.parquet", &table(first, rows, |_| column.clone()));
        let sides = split(&scratch, &flags);
        assert_partition(&sides, 0..5000);
        let of_users = side_of_users(&sides, USERS);
        let counts: Vec<usize> = ["train", "val", "test"]
            .iter()
            .map(|side| of_users.values().filter(|of| of == side).count())
            .collect();
        assert!(counts.iter().all(|count| *count > 15), "{counts:?}");
        assert_eq!(*expected.get_or_insert(sides.clone()), sides, "{schema}");
    }
}

#[test]
fn keys_of_text_files_folders_and_several_columns_hold_together() {
    let scratch = Scratch::new();
    let line = |id: i64| format!("{id},{},u{},{}\n", id * 2, id % 7, id % 5);
    for (folder, ids) in [("day=1", 0..700), ("day=2", 700..1400)] {
        let lines: String = ids.map(line).collect();
        scratch.write(
            format!("in/{folder}/a.csv"),
            format!("id,x,user,shop\n{lines}"),
        );
    }
    let by_two = split(
        &scratch,
        &["--split-by", "group:user,shop", "--test-size", "0.5"],
    );
    assert_partition(&by_two, 0..1400);
    let keys = side_of_users(&by_two, 35);
    assert_eq!(keys.len(), 35);
    assert!(keys.values().collect::<BTreeSet<_>>().len() == 2);
    let by_day = split(
        &scratch,
        &[
            "--split-by",
            "group:day",
            "--seed",
            "7",
            "--test-size",
            "0.5",
        ],
    );
    for ids in by_day.values() {
        assert!(ids.is_empty() || ids.len() == 700 || ids.len() == 1400);
    }
}

#[test]
fn added_rows_and_files_move_no_key() {
    let scratch = Scratch::new();
    let flags = ["--split-by", "group:user"];
    scratch.parquet("in/b.parquet", &table(0, 3000, longs(3000)));
    let before = side_of_users(&split(&scratch, &flags), USERS);
    scratch.parquet("in/b.parquet", &table(0, 9000, longs(9000)));
    scratch.parquet("in/a.parquet", &table(9000, 100, longs(100)));
    let after = split(&scratch, &flags);
    assert_partition(&after, 0..9100);
    assert_eq!(side_of_users(&after, USERS), before);
}

#[test]
fn a_null_is_a_key_and_the_run_says_how_many_rows_have_it() {
    let scratch = Scratch::new();
    let users = (0..1000).map(|id| (id % 4 > 0).then_some(id)).collect();
    let column = Column::new("optional int64 user;", Values::I64(users));
    scratch.parquet("in/a.parquet", &table(0, 1000, |_| column.clone()));
    let args = ["stream", "--in", "in", "--out", "out", "--exclude", "id"];
    let flags = ["--split-by", "group:user", "--where", "id < 500"];
    let run = scratch.prep(&[&args[..], &flags].concat()).succeeds();
    let warning = "125 rows have no value in a column of --split-by group:user";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    let sides = ids_by_side(&scratch.output("out"));
    let of_nulls = sides
        .values()
        .filter(|ids| ids.iter().any(|id| id % 4 == 0));
    assert_eq!(of_nulls.count(), 1);
    let columns = scratch.path("out/manifest.json");
    let manifest = std::fs::read_to_string(columns).expect("a manifest");
    assert!(
        manifest.contains(r#""by":{"group":["user"]}"#),
        "{manifest}"
    );
    assert!(
        manifest.contains(r#"{"name":"user","role":"split""#),
        "{manifest}"
    );
}

#[test]
fn identical_rows_are_on_one_side_wherever_they_are_and_however_nested() {
    let scratch = Scratch::new();
    // Row r of every file has content r % 60; the list of each is empty, short or long.
    let contents = |rows: usize| (0..rows).map(|row| row % 60);
    let table = |rows: usize, swap: bool| {
        let mut definition = Vec::new();
        let mut repetition = Vec::new();
        let mut items = Vec::new();
        for content in contents(rows) {
            let length = content % 4;
            for item in 0..length.max(1) {
                definition.push(if length == 0 { 1 } else { 3 });
                repetition.push(i16::from(item > 0));
                if length > 0 {
                    items.push(Some(i64::try_from(content / 4 * 10 + item).expect("small")));
                }
            }
        }
        let mut list = Column::new(
            "optional group tags (LIST) { repeated group list { optional int64 element; } }",
            Values::I64(items),
        );
        list.levels = Some((definition, repetition));
        let x = Column::doubles("x", contents(rows).map(|content| (content / 30) as f64));
        let columns = if swap { [list, x] } else { [x, list] };
        Table::new(columns)
    };
    scratch.parquet("in/day=1/b.parquet", &table(600, false));
    scratch.parquet("in/day=2/a.parquet", &table(90, true));
    let flags = [
        "--split-by",
        "content",
        "--test-size",
        "0.4",
        "--columns",
        "x",
    ];
    let output = scratch.stream("in", &flags);
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut rows = 0;
    for side in output.sides() {
        let frame = output.side(&side);
        rows += frame.rows;
        for (x, tags) in frame.column("x").iter().zip(frame.column("tags")) {
            let content = format!("{x:?} {tags:?}");
            let before = seen.insert(content.clone(), side.clone());
            assert!(
                before.is_none_or(|before| before == side),
                "{content} is on two sides"
            );
        }
    }
    assert_eq!(rows, 690);
    assert_eq!(seen.values().collect::<BTreeSet<_>>().len(), 2);
    let audit = ["audit", "out", "--fail-on", "leak"];
    scratch.prep(&audit).succeeds();
}

#[test]
fn keys_that_are_none_are_refused_clearly() {
    let scratch = Scratch::new();
    let mut list = Column::new("repeated int64 user;", Values::I64(vec![Some(1); 10]));
    list.levels = Some((vec![1; 10], vec![0; 10]));
    let x = Column::doubles("x", (0..10).map(f64::from));
    scratch.parquet("in/a.parquet", &Table::new([x, list]));
    let stream = ["stream", "--in", "in", "--out", "out", "--split-by"];
    let refused = scratch
        .prep(&[&stream[..], &["group:user"]].concat())
        .fails_with(2);
    let message = "column \"user\" of --split-by holds lists or structs (int64), which are no keys";
    assert!(refused.contains(message), "{refused}");
    let refused = scratch
        .prep(&[&stream[..], &["group:nobody"]].concat())
        .fails_with(2);
    assert!(
        refused.contains("no column \"nobody\" for --split-by"),
        "{refused}"
    );
    scratch
        .prep(&[&stream[..], &["content"]].concat())
        .succeeds();
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}
