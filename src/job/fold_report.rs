//! Folds as reports show them: asked for, planned, and as the manifest says that they are.

use super::outlook::whole_rows;
use super::side_report::binomial_band;
use crate::artifact::Manifest;
use crate::report::{FoldReport, PlannedSide, SideReport};
use crate::spec::{SplitBy, SplitSpec};

/// The name of a scaler that every output has, with folds or without.
pub(super) fn scaler_name(has_folds: bool) -> &'static str {
    match has_folds {
        true => "scaler-fold-0.json",
        false => "scaler.json",
    }
}

/// The folds, as they were asked for and as they are.
pub(super) fn fold_reports(manifest: &Manifest, split: &SplitSpec) -> Vec<FoldReport> {
    let Some(folds) = split.folds else {
        return Vec::new();
    };
    let total = manifest.folds.iter().sum();
    let asked = 1.0 / folds.count.get() as f64;
    let by_lot = split.by == SplitBy::Row && !split.is_exact();
    let pairs = folds.count.folds().zip(&manifest.folds);
    pairs
        .map(|(fold, rows)| FoldReport {
            name: fold.to_string(),
            rows: *rows,
            asked,
            band: by_lot.then(|| binomial_band(total, asked)),
        })
        .collect()
}

/// What was written of folds: all rows once, or the sides of each.
pub(super) fn fold_sides(manifest: &Manifest) -> Vec<SideReport> {
    let mut sides: Vec<SideReport> = Vec::new();
    for shard in &manifest.shards {
        if sides.last().is_none_or(|side| side.name != shard.side) {
            sides.push(SideReport {
                name: shard.side.clone(),
                rows: 0,
                asked: None,
                band: None,
                shards: 0,
                bytes: 0,
            });
        }
        if let Some(side) = sides.last_mut() {
            side.rows += shard.rows;
            side.shards += 1;
            side.bytes += shard.bytes;
        }
    }
    sides
}

/// The folds of a run that hasn't begun, if it makes any of `rows` rows.
pub(super) fn planned(split: &SplitSpec, rows: Option<u64>) -> Option<Vec<PlannedSide>> {
    let folds = split.folds?;
    let share = 1.0 / folds.count.get() as f64;
    let planned = folds.count.folds().map(|fold| PlannedSide {
        name: fold.to_string(),
        rows_expected: rows.map(|rows| whole_rows(rows as f64 * share)),
        asked: Some(share),
    });
    Some(planned.collect())
}
