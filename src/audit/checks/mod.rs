//! The checks: each a file with one function `check`, from the evidence to what it looked at and found.
//!
//! Invariant: pure, and in a fixed order; a check that lacks what it needs says so and finds nothing.

mod constant;
mod drift;
mod duplicates;
mod groups;
mod ids;
mod label;
mod moments;
mod source;
mod time;

use super::evidence::{Evidence, SharedPair};
use super::published::Published;
use crate::report::AuditReport;
use crate::report::audit::{
    AUDIT_FORMAT, AUDIT_FORMAT_VERSION, AuditedColumn, AuditedSide, Check, CheckReport, ColumnSide,
    Example, ExampleRow, Finding,
};

/// Rows shown with a finding.
const EXAMPLES_MAX: usize = 5;

/// What a check did.
struct Outcome {
    ran: bool,
    scope: String,
    findings: Vec<Finding>,
}

impl Outcome {
    /// It looked at `scope`.
    fn of(scope: impl Into<String>, findings: Vec<Finding>) -> Self {
        Self {
            ran: true,
            scope: scope.into(),
            findings,
        }
    }

    /// It lacks something.
    fn skipped(why: impl Into<String>) -> Self {
        Self {
            ran: false,
            scope: why.into(),
            findings: Vec::new(),
        }
    }
}

type CheckFunction = fn(&Evidence<'_>) -> Outcome;

const CHECKS: [(Check, CheckFunction); 9] = [
    (Check::Duplicates, duplicates::check),
    (Check::Groups, groups::check),
    (Check::Time, time::check),
    (Check::Label, label::check),
    (Check::Ids, ids::check),
    (Check::Constant, constant::check),
    (Check::Drift, drift::check),
    (Check::Moments, moments::check),
    (Check::Source, source::check),
];

/// Runs all checks.
pub(super) fn report(evidence: &Evidence<'_>) -> AuditReport {
    let published = evidence.published;
    let mut checks = Vec::new();
    let mut findings = Vec::new();
    for (check, function) in CHECKS {
        let outcome = function(evidence);
        checks.push(CheckReport {
            check,
            ran: outcome.ran,
            scope: outcome.scope,
        });
        findings.extend(outcome.findings);
    }
    // Stable: within a severity the order of checks and columns stays.
    findings.sort_by_key(|finding| finding.severity);
    let sides = published.sides.iter().map(|side| AuditedSide {
        name: side.name.clone(),
        rows: side.rows,
        shards: side.shards.len() as u64,
    });
    AuditReport {
        format: AUDIT_FORMAT,
        format_version: AUDIT_FORMAT_VERSION,
        prep_version: crate::VERSION.to_owned(),
        job: published.manifest.job.clone(),
        sides: sides.collect(),
        checks,
        findings,
        columns: columns(evidence),
    }
}

fn columns(evidence: &Evidence<'_>) -> Vec<AuditedColumn> {
    let ddof = evidence.published.scaler.fit().ddof;
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let side = |feature: usize, side: usize| {
        let state = &evidence.sides[side].features[feature];
        let drift = match side {
            0 => None,
            side => drift::measure(evidence, feature, side),
        };
        ColumnSide {
            count: state.sums.count,
            missing: state.sums.missing(),
            mean: finite(state.sums.mean()),
            sd: finite(state.sums.sd(ddof)),
            psi: drift.map(|drift| drift.psi),
            psi_by_chance: drift.map(|drift| drift.psi_by_chance),
            ks: drift.map(|drift| drift.ks),
        }
    };
    let features = evidence.watched.features.iter().enumerate();
    features
        .map(|(feature, column)| AuditedColumn {
            name: evidence.published.columns[*column].name.clone(),
            sides: (0..evidence.sides.len())
                .map(|s| side(feature, s))
                .collect(),
        })
        .collect()
}

/// The names of columns.
fn names(published: &Published, columns: &[usize]) -> Vec<String> {
    let names = columns
        .iter()
        .map(|column| published.columns[*column].name.clone());
    names.collect()
}

/// `"a", "b"`.
fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(", ")
}

/// The first rows that two sides have in common.
fn examples(published: &Published, pair: &SharedPair) -> Vec<Example> {
    let row = |side: usize, row: u64| {
        let (shard, row) = published.locate(side, row)?;
        Some(ExampleRow {
            shard: shard.record.path.clone(),
            row,
        })
    };
    let shown = pair.confirmed.iter().take(EXAMPLES_MAX).map(|one| Example {
        rows: [
            row(pair.sides.0, one.earlier_row),
            row(pair.sides.1, one.later_row),
        ]
        .into_iter()
        .flatten()
        .collect(),
    });
    shown.collect()
}

/// The number with its noun, plural where due.
fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", crate::report::count(number))
}

/// A share, 0 of nothing.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
