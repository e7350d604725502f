//! The outlook: what a run would do, put together from its plan.

use super::fold_report;
use super::record::all_conditions;
use super::run::Run;
use crate::artifact::{JobId, Manifest};
use crate::kernel::{Fraction, Side};
use crate::pass::{Plan, Prepared, Rows};
use crate::report::{PlanReport, PlannedColumn, PlannedInput, PlannedSide};
use crate::schema::describe;
use crate::spec::{Format, Size, SplitBy, SplitSpec};

/// The report of a run that hasn't begun.
pub(super) fn report(run: &Run<'_>, job: &JobId, plan: &Plan) -> PlanReport {
    let prepared = match &plan.rows {
        Rows::Table(prepared) => Some(prepared.as_ref()),
        Rows::Text(_) => None,
    };
    let rows = prepared.map(|prepared| prepared.table.rows());
    let resources = run.spec.resources;
    PlanReport {
        version: crate::VERSION.to_string(),
        job: job.short().to_string(),
        output: run.spec.output.path.display().to_string(),
        inputs: inputs(run, rows),
        units: prepared.map_or(0, |prepared| prepared.table.units.len() as u64),
        row_groups: prepared.map(row_groups),
        columns: columns(plan, prepared),
        sides: sides(run, rows),
        split_by: run.spec.split.by.to_string(),
        conditions: all_conditions(run.spec),
        is_exact: run.spec.split.is_exact(),
        seed: run.spec.split.seed,
        memory_floor_bytes: run.memory_floor(plan),
        memory_bytes_max: resources.memory_bytes_max,
        threads: resources.threads,
        notes: notes(run, prepared),
    }
}

fn inputs(run: &Run<'_>, rows: Option<u64>) -> PlannedInput {
    PlannedInput {
        format: format_name(run.found.format).to_string(),
        files: run.found.files.len() as u64,
        bytes: run.found.files.iter().map(|file| file.bytes).sum(),
        rows,
        skipped: Manifest::skipped_counts(&run.found.skipped)
            .into_iter()
            .collect(),
    }
}

/// A format as reports name it.
pub(super) fn format_name(format: Format) -> &'static str {
    match format {
        Format::Parquet => "parquet",
        Format::Csv => "csv",
    }
}

fn row_groups(prepared: &Prepared) -> u64 {
    prepared
        .table
        .stores
        .iter()
        .map(|store| store.groups.len() as u64)
        .sum()
}

fn columns(plan: &Plan, prepared: Option<&Prepared>) -> Vec<PlannedColumn> {
    match (prepared, &plan.rows) {
        (Some(prepared), _) => prepared
            .table
            .schema
            .columns
            .iter()
            .map(|column| PlannedColumn {
                name: column.name.clone(),
                data_type: Some(describe(&column.root)),
                role: column.role.to_string(),
                why: column.why.to_string(),
            })
            .collect(),
        (None, Rows::Text(text)) => text
            .headers
            .first()
            .cloned()
            .unwrap_or_default()
            .into_iter()
            .map(|name| PlannedColumn {
                name,
                data_type: None,
                role: "unknown".to_string(),
                why: "types of text columns are settled by the first pass".to_string(),
            })
            .collect(),
        (None, Rows::Table(_)) => Vec::new(),
    }
}

fn sides(run: &Run<'_>, rows: Option<u64>) -> Vec<PlannedSide> {
    let split = &run.spec.split;
    // How many rows a filter keeps, only the data can tell.
    let rows = rows.filter(|_| split.filter.is_none());
    let rows = rows.map(|rows| split.sample.map_or(rows, |share| share.rows_of(rows)));
    if let Some(folds) = fold_report::planned(split, rows) {
        return folds;
    }
    let has_val = split.val_size.is_some() || split.cutoff.len() > 1;
    let is_planned = |side: &Side| *side != Side::Val || has_val;
    Side::WRITTEN
        .into_iter()
        .filter(is_planned)
        .map(|side| {
            let asked = asked_share(split, side);
            PlannedSide {
                name: side.name().to_string(),
                rows_expected: rows_asked(split, side, rows),
                asked,
            }
        })
        .collect()
}

/// The share of rows that a side shall get, rounded; `None` where the data says it, or the size is in
/// rows.
pub(super) fn asked_share(split: &SplitSpec, side: Side) -> Option<f64> {
    let share = |size: Size| size.share().map(Fraction::to_f64);
    let test = share(split.test_size);
    let val = share(split.val_size.unwrap_or(Size::ZERO));
    match (&split.by, side) {
        (SplitBy::Column(_), _) | (_, Side::LeftOut) => None,
        (SplitBy::Time(_), _) if !split.cutoff.is_empty() => None,
        (_, Side::Train) => Some(1.0 - test? - val?),
        (_, Side::Val) => val,
        (_, Side::Test) => test,
    }
}

/// About how many of `rows` rows a side shall get, if it can be told.
fn rows_asked(split: &SplitSpec, side: Side, rows: Option<u64>) -> Option<u64> {
    let of = |size: Size| match size {
        Size::Share(share) => rows.map(|rows| whole_rows(rows as f64 * share.to_f64())),
        Size::Rows(rows) => Some(rows),
    };
    let (test, val) = (
        of(split.test_size),
        of(split.val_size.unwrap_or(Size::ZERO)),
    );
    match (&split.by, side) {
        (SplitBy::Column(_), _) | (_, Side::LeftOut) => None,
        (SplitBy::Time(_), _) if !split.cutoff.is_empty() => None,
        (_, Side::Train) => Some(rows?.saturating_sub(test?).saturating_sub(val?)),
        (_, Side::Val) => val,
        (_, Side::Test) => test,
    }
}

/// A number of rows, rounded; never negative.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a share of a u64 fits a u64"
)]
pub(super) fn whole_rows(rows: f64) -> u64 {
    rows.round().max(0.0) as u64
}

fn notes(run: &Run<'_>, prepared: Option<&Prepared>) -> Vec<String> {
    let bad = run.found.bad.iter();
    let mut notes: Vec<String> = bad.map(|bad| format!("would leave out {bad}")).collect();
    if prepared.is_some_and(|prepared| prepared.table.schema.features().next().is_none()) {
        notes.push("no column is a feature: everything would pass through".to_string());
    }
    notes
}
