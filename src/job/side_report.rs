//! The sides of a run as its report tells them: asked for, and as they are.

use super::fold_report::fold_sides;
use super::outlook::{asked_share, whole_rows};
use crate::artifact::Manifest;
use crate::kernel::Side;
use crate::pass::SplitTotal;
use crate::report::SideReport;
use crate::spec::{SplitBy, SplitSpec};

/// The sides that were written, as they were asked for and as they are.
pub(super) fn sides(manifest: &Manifest, split: &SplitSpec) -> Vec<SideReport> {
    if split.folds.is_some() {
        return fold_sides(manifest);
    }
    let of_side = |name: &'static str| {
        manifest
            .shards
            .iter()
            .filter(move |shard| shard.side == name)
    };
    let total = manifest.shards.iter().map(|shard| shard.rows).sum();
    let written = Side::WRITTEN
        .into_iter()
        .filter(|side| of_side(side.name()).next().is_some());
    written
        .map(|side| {
            let asked = asked_share(split, side);
            SideReport {
                name: side.name().to_string(),
                rows: of_side(side.name()).map(|shard| shard.rows).sum(),
                asked,
                band: band(split, total, asked),
                shards: of_side(side.name()).count() as u64,
                bytes: of_side(side.name()).map(|shard| shard.bytes).sum(),
            }
        })
        .collect()
}

/// The same where nothing is written.
pub(super) fn sides_fitted(found: &SplitTotal, split: &SplitSpec) -> Vec<SideReport> {
    let rows = |side: &Side| found.rows_on(*side);
    let total = Side::WRITTEN.iter().map(rows).sum();
    let has_val = split.val_size.is_some() || split.cutoff.len() > 1 || rows(&Side::Val) > 0;
    let sides = Side::WRITTEN.into_iter();
    sides
        .filter(|side| *side != Side::Val || has_val)
        .map(|side| {
            let asked = asked_share(split, side);
            SideReport {
                name: side.name().to_string(),
                rows: rows(&side),
                asked,
                band: band(split, total, asked),
                shards: 0,
                bytes: 0,
            }
        })
        .collect()
}

/// Where 99.9% of such splits fall, if rows are drawn one by one.
fn band(split: &SplitSpec, total: u64, asked: Option<f64>) -> Option<(u64, u64)> {
    let by_lot = split.by == SplitBy::Row && !split.is_exact();
    asked
        .filter(|_| by_lot)
        .map(|share| binomial_band(total, share))
}

/// Where 99.9% of draws of `rows` rows with this share fall, by the normal approximation.
pub(super) fn binomial_band(rows: u64, share: f64) -> (u64, u64) {
    const NORMAL_QUANTILE: f64 = 3.290_526_731_491_926;
    let expected = rows as f64 * share;
    let reach = NORMAL_QUANTILE * (expected * (1.0 - share)).sqrt();
    (
        whole_rows(expected - reach),
        whole_rows(expected + reach).min(rows),
    )
}
