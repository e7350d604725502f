//! Identifiers used as features: whole numbers of which no two train rows share one.
//!
//! What was an integer is known from the manifest. Distinct means: no value of a sample of up to 4,096
//! distinct values, chosen by their hash, occurs twice in all of train.

use super::{Outcome, counted};
use crate::audit::evidence::Evidence;
use crate::report::audit::{Check, Finding, Severity};

/// Rows from which on distinct whole numbers are suspicious.
const ROWS_MIN: u64 = 100;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let published = evidence.published;
    let mut findings = Vec::new();
    let mut integers = 0;
    for (column, state) in evidence
        .watched
        .features
        .iter()
        .zip(&evidence.sides[0].features)
    {
        let column = &published.columns[*column];
        if !column.is_integer() {
            continue;
        }
        integers += 1;
        let Some(train) = &state.train else { continue };
        let distinct = train.values.iter().all(|values| values.is_distinct());
        if !distinct || state.sums.count < ROWS_MIN {
            continue;
        }
        let (name, rows) = (&column.name, state.sums.count);
        let how = if train.trend.is_monotone() {
            "grows or shrinks from row to row"
        } else {
            "never repeats"
        };
        let finding = Finding::new(
            Check::Ids,
            Severity::Warning,
            format!("feature {name:?} looks like an identifier: a whole number that {how}"),
        )
        .of([name.clone()])
        .count("rows", rows)
        .count(
            "values_sampled",
            train.values.first().map_or(0, |values| values.sampled()),
        )
        .count("is_monotone", u64::from(train.trend.is_monotone()))
        .advise(format!(
            "leave it out with --exclude {name}, unless it is a measurement"
        ));
        findings.push(finding);
    }
    Outcome::of(counted(integers, "feature") + " of whole numbers", findings)
}
