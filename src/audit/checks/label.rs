//! A feature that gives the label away on train.
//!
//! ```text
//! line          label = a + b feature:  1 - r^2 <= 1e-10, a copy up to rounding;  |r| >= 0.999, nearly
//! determines    every sampled value of the feature goes with one label only, though it repeats
//! ```
//!
//! Determination needs as many repeats as make it impossible by chance: at least 20 would have had
//! another label if labels were dealt out at random.

use super::duplicates::agreement;
use super::{Outcome, counted, names, quoted};
use crate::audit::evidence::Evidence;
use crate::audit::feature::TrainState;
use crate::audit::measure::{CoMoments, ValueSample};
use crate::kernel::ColumnScaler;
use crate::report::audit::{Check, Finding, Severity};
use crate::report::count;

/// `1 - r^2` of what differs by rounding alone, to float32 at the worst.
const COPY_RESIDUE: f64 = 1e-10;
/// Correlation from which on a feature is nearly the label.
const NEARLY: f64 = 0.999;
/// Rows from which on a correlation is no accident.
const LINE_ROWS_MIN: u64 = 30;
/// Relative difference of what is equal up to rounding.
const EQUAL: f64 = 1e-6;
/// Rows that should have had another label by chance.
const MISSES_MIN: f64 = 20.0;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let published = evidence.published;
    let labels = &evidence.watched.labels;
    if labels.is_empty() {
        return Outcome::skipped("no label is known: name it with --label");
    }
    let mut findings = Vec::new();
    let scalers = published.scaler.scaler().columns();
    for (position, label) in labels.iter().enumerate() {
        let other_labels = 1.0 - agreement(&evidence.sides[0].words[*label]);
        let label_name = &published.columns[*label].name;
        let features = evidence
            .watched
            .features
            .iter()
            .zip(&evidence.sides[0].features);
        for ((column, state), scaler) in features.zip(scalers) {
            let Some(train) = state.train.as_ref().filter(|_| column != label) else {
                continue;
            };
            let name = &published.columns[*column].name;
            let found = given_away(train, position, scaler, other_labels, (name, label_name));
            findings.extend(found.map(|finding| {
                finding.of([name.clone(), label_name.clone()]).advise(format!(
                    "if {name:?} is not known before {label_name:?} is, leave it out with --exclude {name}"
                ))
            }));
        }
    }
    let scope = format!(
        "{} against {}",
        counted(evidence.watched.features.len() as u64, "feature"),
        quoted(&names(published, labels))
    );
    Outcome::of(scope, findings)
}

fn given_away(
    train: &TrainState,
    position: usize,
    scaler: &ColumnScaler,
    other_labels: f64,
    names: (&str, &str),
) -> Option<Finding> {
    let line = train.lines.get(position);
    line.and_then(|line| straight(line, scaler, names))
        .or_else(|| {
            let values = train.values.get(position)?;
            determined(values, other_labels, names)
        })
}

/// A line through feature and label.
fn straight(
    line: &CoMoments,
    scaler: &ColumnScaler,
    (name, label): (&str, &str),
) -> Option<Finding> {
    let line = line.line().filter(|line| line.count >= LINE_ROWS_MIN)?;
    let residue = 1.0 - line.correlation * line.correlation;
    if line.correlation.abs() < NEARLY {
        return None;
    }
    // label = intercept + slope (x - mean) / scale
    let slope = line.slope / scaler.scale();
    let intercept = line.intercept - slope * (scaler.mean() + scaler.mean_lo());
    let is_equal = (slope - 1.0).abs() <= EQUAL && intercept.abs() <= EQUAL * line.y_sd;
    let (severity, summary) = match residue {
        residue if residue > COPY_RESIDUE => (
            Severity::Warning,
            format!(
                "feature {name:?} nearly is label {label:?}: r = {:.6}",
                line.correlation
            ),
        ),
        _ if is_equal => (
            Severity::Leak,
            format!(
                "feature {name:?} equals label {label:?} in {}",
                counted(line.count, "train row")
            ),
        ),
        _ => (
            Severity::Leak,
            format!(
                "feature {name:?} is label {label:?} in another unit in {}",
                counted(line.count, "train row")
            ),
        ),
    };
    let finding = Finding::new(Check::Label, severity, summary)
        .count("rows", line.count)
        .real("correlation", line.correlation)
        .real("one_minus_r_squared", residue.max(0.0))
        .real("slope", slope)
        .real("intercept", intercept);
    Some(finding)
}

/// A label that follows from the feature's value.
fn determined(
    values: &ValueSample,
    other_labels: f64,
    (name, label): (&str, &str),
) -> Option<Finding> {
    let misses = values.repeats() as f64 * other_labels;
    if !values.determines() || misses < MISSES_MIN {
        return None;
    }
    let summary = format!(
        "feature {name:?} determines label {label:?}: each of {} values goes with one label, though they repeat {} times",
        count(values.sampled()),
        count(values.repeats()),
    );
    let finding = Finding::new(Check::Label, Severity::Leak, summary)
        .count("values_sampled", values.sampled())
        .count("values_about", values.distinct())
        .count("repeats_sampled", values.repeats())
        .real("other_labels_expected_by_chance", misses);
    Some(finding)
}
