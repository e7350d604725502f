//! What a run tells its user before it ends well: nothing is wrong with the data, but the output is
//! likely not what was meant.

use super::run::Run;
use crate::artifact::run::UpdateRecord;
use crate::error::ErrorKind;
use crate::kernel::{Moments, Side};
use crate::pass::{ClassTotal, Fitted, SplitTotal};
use crate::source::table::Table;
use crate::spec::SplitBy;

/// How far the mean of new rows may be from the scaler's, in standard deviations.
const DRIFT: f64 = 0.5;
/// The most columns that a warning names.
const NAMED_MAX: usize = 5;

/// What is known once the rows are split.
pub(super) fn after_split(run: &Run<'_>, table: &Table, sides: &SplitTotal) {
    if table.schema.features().next().is_none() {
        run.warn("no column is a feature: every column passes through as it is".to_string());
    }
    let held_out = sides.rows_on(Side::Val) + sides.rows_on(Side::Test);
    after_folds(run, sides);
    let is_first = run.known().inputs == 0;
    if is_first && sides.folds().is_empty() && sides.rows_on(Side::Train) == 0 && held_out > 0 {
        let rows = match sides.rows_on(Side::Val) {
            0 => format!("{held_out} test rows"),
            _ => format!("{held_out} val and test rows"),
        };
        run.warn(format!(
            "no row is on the train side: the features of {rows} are written as they are"
        ));
    }
    after_stratify(run, sides);
    if sides.null_keys() > 0 {
        let (rows, by) = (sides.null_keys(), &run.spec.split.by);
        let then = match by {
            SplitBy::Time(_) => "they are on no side",
            _ => "null is a key like any other, so they may all be one group",
        };
        run.warn(format!(
            "{rows} rows have no value in a column of --split-by {by}: {then}"
        ));
    }
    let own = |key: &String| {
        table
            .schema
            .position(key)
            .is_some_and(|index| !table.schema.is_folder(index))
    };
    for (key, _) in run.found.files.iter().take(1).flat_map(|file| &file.hive) {
        if own(key) {
            run.warn(format!(
                "folders {key}=... are ignored: the files have a column {key:?}"
            ));
        }
    }
}

/// Folds without a row to test on.
fn after_folds(run: &Run<'_>, sides: &SplitTotal) {
    let Some(folds) = run.spec.split.folds else {
        return;
    };
    let pairs = folds.count.folds().zip(sides.folds());
    let empty: Vec<String> = pairs
        .filter(|(_, rows)| **rows == 0)
        .map(|(fold, _)| fold.to_string())
        .collect();
    if !empty.is_empty() && sides.used() > 0 {
        let shown = empty[..empty.len().min(NAMED_MAX)].join(", ");
        run.warn(format!("no row is in {} of {folds}: {shown}", empty.len()));
    }
}

/// Classes that are too rare to have a row on every side, or in every fold.
fn after_stratify(run: &Run<'_>, sides: &SplitTotal) {
    let (asked, folds) = (|side| sides.rows_on(side) > 0, sides.folds().len() as u64);
    let lacks = |class: &&ClassTotal| {
        if folds > 0 {
            return class.test < folds;
        }
        (class.train == 0 && asked(Side::Train))
            || (class.val == 0 && asked(Side::Val))
            || (class.test == 0 && asked(Side::Test))
    };
    let rare: Vec<String> = sides
        .classes()
        .iter()
        .filter(lacks)
        .map(|class| {
            let rows = class.train + class.val + class.test;
            format!("{} ({rows})", class.name)
        })
        .collect();
    if let (Some(stratify), false) = (&run.spec.split.stratify, rare.is_empty()) {
        let shown = rare[..rare.len().min(NAMED_MAX)].join(", ");
        let what = if folds > 0 { "fold" } else { "side" };
        run.warn(format!(
            "too few rows for every {what} in {} of {} classes of --stratify {}: {shown}",
            rare.len(),
            sides.classes().len(),
            stratify.column
        ));
    }
}

/// What is known once the moments are.
pub(super) fn after_fit(run: &Run<'_>, table: &Table, fitted: &[Fitted]) {
    let ddof = run.spec.fit.ddof;
    let unscaled = |moments: &Moments| {
        moments.count() > 0 && moments.count() <= u64::from(ddof) && !moments.is_constant()
    };
    let names: Vec<String> = table
        .schema
        .features()
        .enumerate()
        .filter(|(feature, _)| {
            let each = fitted.iter().map(|fitted| fitted.scaler.moments());
            let mut each = each.filter_map(|moments| moments.get(*feature));
            each.any(unscaled)
        })
        .map(|(_, (_, column))| format!("{:?}", column.name))
        .collect();
    if !names.is_empty() {
        let shown = names[..names.len().min(NAMED_MAX)].join(", ");
        run.warn(format!(
            "{} columns have no more than --ddof {ddof} values and keep scale 1: {shown}",
            names.len()
        ));
    }
}

/// What is known once new train rows are compared with those that the scaler was fitted on.
pub(super) fn after_update(run: &Run<'_>, update: &UpdateRecord) {
    let mut drifted: Vec<(f64, String)> = update
        .columns
        .iter()
        .filter_map(|column| Some((column.shift?, format!("{:?}", column.name))))
        .filter(|(shift, _)| shift.abs() >= DRIFT)
        .collect();
    if drifted.is_empty() {
        return;
    }
    drifted.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let shown = drifted.iter().take(NAMED_MAX);
    let shown: Vec<String> = shown
        .map(|(shift, name)| format!("{name} by {shift:+.2}"))
        .collect();
    run.warn(format!(
        "the new rows of {} features are {DRIFT} standard deviations or more from what the scaler was fitted \
         on: {}; --refit fits again",
        drifted.len(),
        shown.join(", ")
    ));
}

/// What is known once the output is there.
pub(super) fn after_commit(run: &Run<'_>) {
    if let Err(stop) = run.cancel.check()
        && let ErrorKind::Interrupted { signal } = stop.kind()
    {
        run.warn(format!(
            "signal {signal} came after the output was in its place: it is complete"
        ));
    }
}
