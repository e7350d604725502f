//! What `--update` added to an output, and how far it is from what the scaler was fitted on.

use super::layout::{Lines, counted, printable};
use super::{count, percent};
use crate::artifact::run::{ColumnDrift, UpdateRecord};

/// Features that the summary names.
const SHOWN: usize = 6;
/// What is worth a line: means that moved by so many standard deviations, standard deviations that grew or
/// shrank by such a factor, shares of missing rows that grew by so much.
const SHIFT: f64 = 0.1;
const SPREAD: f64 = 1.25;
const MISSING: f64 = 0.05;

/// The lines of an update.
pub(super) fn update_text(update: &UpdateRecord, lines: &mut Lines) {
    let (files, rows) = (
        counted(update.files, "new file"),
        counted(update.rows, "row"),
    );
    let kept = counted(update.shards_kept, "shard");
    let base = update.base.get(..8).unwrap_or(&update.base);
    let text = format!("{files}, {rows}, by the scaler of before; {kept} of job {base} kept");
    lines.line("Update", &text);
    let mut drifted: Vec<&ColumnDrift> = update.columns.iter().filter(|c| is_worth(c)).collect();
    drifted.sort_by(|a, b| shift(b).total_cmp(&shift(a)));
    let (shift, spread) = (SHIFT, (SPREAD - 1.0) * 100.0);
    if drifted.is_empty() {
        let features = counted(update.columns.len() as u64, "feature");
        let rest = format!("no mean moved by {shift} sd, no sd by {spread:.0}%");
        lines.line("Drift", &format!("{features}: {rest}"));
    }
    for (index, column) in drifted.iter().take(SHOWN).enumerate() {
        let label = if index == 0 { "Drift" } else { "" };
        let text = lines.paint().warn(&drift(column));
        lines.line(label, &text);
    }
    if let Some(more @ 1..) = drifted.len().checked_sub(SHOWN) {
        let text = format!("... and {} more; run.json has all", count(more as u64));
        lines.line("", &text);
    }
}

fn shift(column: &ColumnDrift) -> f64 {
    column.shift.unwrap_or(0.0).abs()
}

fn is_worth(column: &ColumnDrift) -> bool {
    let spread = column.spread.filter(|_| column.values > 1).unwrap_or(1.0);
    let is_spread = !(1.0 / SPREAD..SPREAD).contains(&spread) && spread > 0.0;
    shift(column) >= SHIFT || is_spread || column.missing - column.missing_before >= MISSING
}

/// `price: mean +0.31 sd, sd x 1.20, missing 12.0% (before 3.0%)`.
fn drift(column: &ColumnDrift) -> String {
    let numbers = match (column.shift, column.spread) {
        (Some(shift), Some(spread)) => format!("mean {shift:+.3} sd, sd x {spread:.3}"),
        _ => "no values".to_owned(),
    };
    let missing = match column.missing > 0.0 || column.missing_before > 0.0 {
        true => format!(
            ", missing {} (before {})",
            percent(column.missing),
            percent(column.missing_before)
        ),
        false => String::new(),
    };
    format!("{}: {numbers}{missing}", printable(&column.name))
}
