//! Which rows go to which side, by every flag that has a say in it.

mod exact;
mod folds;
mod group_classes;
mod groups;
mod invariance;
mod narrow;
mod properties;
mod settled;
mod sides;
mod time;
mod weights;

use std::collections::BTreeMap;

use crate::harness::{Column, Output, Scratch, Table, normals};

/// A table whose column `id` says which row it is, with one feature.
fn numbered(first: i64, rows: i64) -> Table {
    let seed = u64::try_from(first).expect("not negative");
    let x = normals(seed).take(usize::try_from(rows).expect("few"));
    Table::new([
        Column::longs("id", first..first + rows),
        Column::doubles("x", x),
    ])
    .rows_per_group(777)
}

/// The ids on each side that is there.
fn ids_by_side(output: &Output) -> BTreeMap<String, Vec<i64>> {
    output
        .sides()
        .into_iter()
        .map(|side| {
            let ids = output.side(&side).longs("id");
            (side, ids)
        })
        .collect()
}

/// `prep stream --in in --exclude id EXTRA...`: the ids on each side, which `prep verify` finds too.
fn split(scratch: &Scratch, extra: &[&str]) -> BTreeMap<String, Vec<i64>> {
    let flags = [&["--exclude", "id", "--overwrite"], extra].concat();
    let output = scratch.stream("in", &flags);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    ids_by_side(&output)
}

/// Every id is on exactly one side.
fn assert_partition(sides: &BTreeMap<String, Vec<i64>>, ids: std::ops::Range<i64>) {
    let mut all: Vec<i64> = sides.values().flatten().copied().collect();
    all.sort_unstable();
    assert!(all.iter().copied().eq(ids), "{} rows in all", all.len());
}
