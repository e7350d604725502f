//! The folds of a cross-validation as a person reads them: one line each, and what was written of them.

use super::layout::{Lines, counted};
use super::{FoldReport, SideReport, bytes_decimal, count, percent};

/// The folds, and the sides that were written.
pub(super) fn fold_text(folds: &[FoldReport], sides: &[SideReport], lines: &mut Lines) {
    let heading = ["", "rows", "share", "asked", "99.9% band"];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    let total: u64 = folds.iter().map(|fold| fold.rows).sum();
    for fold in folds {
        let band = fold.band.map_or_else(
            || "-".to_owned(),
            |(low, high)| format!("{}..{}", count(low), count(high)),
        );
        table.push(vec![
            fold.name.clone(),
            count(fold.rows),
            percent(fold.rows as f64 / total.max(1) as f64),
            percent(fold.asked),
            band,
        ]);
    }
    lines.table("", &table);
    let shards = sides.iter().map(|side| side.shards).sum();
    let bytes = sides.iter().map(|side| side.bytes).sum();
    let what = match sides {
        [one] => one.name.clone(),
        _ => "train and test of every fold".to_owned(),
    };
    let shards = counted(shards, "shard");
    lines.line("", &format!("{what}: {shards}, {}", bytes_decimal(bytes)));
}
