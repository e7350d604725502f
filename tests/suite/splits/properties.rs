//! What holds for any table: every row on one side, every key on one side, nothing moved by what is
//! added.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{assert_partition, split};
use crate::harness::{Column, Scratch, Table, Values};

/// A row: its key, a number, and whether its file is the second one.
type Row = (Option<i64>, Option<i64>, bool);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let key = prop::option::weighted(0.9, prop_oneof![0..6_i64, any::<i64>()]);
    let x = prop::option::weighted(0.9, 0..4_i64);
    prop::collection::vec((key, x, any::<bool>()), 1..80)
}

/// Writes the rows to two files; their ids are their places in `rows`.
fn write(scratch: &Scratch, rows: &[Row]) {
    for (name, is_second) in [("in/b.parquet", false), ("in/a.parquet", true)] {
        let of_file = || (0_i64..).zip(rows).filter(|(_, row)| row.2 == is_second);
        if of_file().next().is_none() {
            continue;
        }
        let optional = |name: &str, values: Vec<Option<i64>>| {
            Column::new(format!("optional int64 {name};"), Values::I64(values))
        };
        let table = Table::new([
            Column::longs("id", of_file().map(|(id, _)| id)),
            optional("key", of_file().map(|(_, row)| row.0).collect()),
            optional("x", of_file().map(|(_, row)| row.1).collect()),
        ]);
        scratch.parquet(name, &table.rows_per_group(7));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_key_has_one_side_and_rows_that_are_added_move_none(
        rows in rows(),
        part in 1..80_usize,
        by in prop::sample::select(vec!["row", "content", "group:key"]),
    ) {
        let scratch = Scratch::new();
        let flags = ["--split-by", by, "--test-size", "0.3", "--val-size", "0.3"];
        let part = part.min(rows.len());
        write(&scratch, &rows[..part]);
        let before = split(&scratch, &flags);
        write(&scratch, &rows);
        let after = split(&scratch, &flags);
        assert_partition(&after, 0..i64::try_from(rows.len()).expect("few"));
        for (side, ids) in &before {
            prop_assert!(ids.iter().all(|id| after[side].contains(id)));
        }
        let mut of_keys = BTreeMap::new();
        for (side, id) in after.iter().flat_map(|(side, ids)| ids.iter().map(move |id| (side, id))) {
            let key = rows[usize::try_from(*id).expect("not negative")].0;
            if by == "group:key" {
                prop_assert_eq!(of_keys.entry(key).or_insert(side), &side);
            }
        }
    }

    #[test]
    fn what_is_kept_is_what_the_comparison_says(rows in rows(), limit in 0..5_i64) {
        let scratch = Scratch::new();
        write(&scratch, &rows);
        let sides = split(&scratch, &["--where", &format!("x < {limit} and key != 3")]);
        let mut found: Vec<i64> = sides.into_values().flatten().collect();
        found.sort_unstable();
        let holds = |row: &Row| row.1.is_some_and(|x| x < limit) && row.0.is_some_and(|key| key != 3);
        let expected = (0..).zip(&rows).filter(|(_, row)| holds(row)).map(|(id, _)| id);
        prop_assert_eq!(found, expected.collect::<Vec<_>>());
    }
}
