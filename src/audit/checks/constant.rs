//! Features that say next to nothing: no value, one value, or one value in nearly all train rows.

use super::{Outcome, counted, share};
use crate::audit::evidence::Evidence;
use crate::report::audit::{Check, Finding, Severity};
use crate::report::percent;

/// The share of one value from which on a feature is nearly constant, as far as the vote shows it.
const NEARLY: f64 = 0.998;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let mut findings = Vec::new();
    let scalers = evidence.published.scaler.scaler();
    let features = evidence
        .watched
        .features
        .iter()
        .zip(&evidence.sides[0].features);
    for ((column, state), scaler) in features.zip(scalers.columns()) {
        let name = &evidence.published.columns[*column].name;
        let Some(train) = &state.train else { continue };
        let (value, rows) = train.majority.lead();
        let (count, lead) = (state.sums.count, share(rows, state.sums.count));
        let value = scaler.inverse(value);
        let summary = if count == 0 {
            format!("feature {name:?} has no value on train")
        } else if rows == count {
            format!("feature {name:?} is {value} in all train rows that have a value")
        } else if lead >= NEARLY {
            format!(
                "feature {name:?} is {value} in at least {} of the train rows that have a value",
                percent(lead)
            )
        } else {
            continue;
        };
        let finding = Finding::new(Check::Constant, Severity::Note, summary)
            .of([name.clone()])
            .count("values", count)
            .count("rows_with_the_value_at_least", rows)
            .advise(format!(
                "leave it out with --exclude {name}: it tells rows hardly apart"
            ));
        findings.push(finding);
    }
    let features = evidence.watched.features.len() as u64;
    Outcome::of(counted(features, "feature"), findings)
}
