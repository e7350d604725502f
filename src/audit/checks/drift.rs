//! Another distribution on another side: PSI, Kolmogorov-Smirnov distance and the share of missing
//! values, each above a limit and above what chance explains with these numbers of rows.

use super::{Outcome, counted, share};
use crate::audit::evidence::Evidence;
use crate::audit::measure::Divergence;
use crate::report::audit::{Check, Finding, Severity};
use crate::report::percent;

/// The customary limit of the population stability index.
const PSI_MAX: f64 = 0.2;
/// The largest difference of the distribution functions.
const KS_MAX: f64 = 0.15;
/// The largest difference of the shares of missing values.
const MISSING_MAX: f64 = 0.05;
/// Standard errors from which on a difference of shares is no accident.
const ERRORS_MIN: f64 = 6.0;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    if evidence.sides.len() < 2 {
        return Outcome::skipped("there is one side only");
    }
    let mut findings = Vec::new();
    for (feature, column) in evidence.watched.features.iter().enumerate() {
        let name = &evidence.published.columns[*column].name;
        for side in 1..evidence.sides.len() {
            findings.extend(values(evidence, feature, name, side));
            findings.extend(missing(evidence, feature, name, side));
        }
    }
    let features = counted(evidence.watched.features.len() as u64, "feature");
    Outcome::of(
        format!("{features} of train against each other side"),
        findings,
    )
}

/// How far the values of a side are from those of train, if both have any.
pub(super) fn measure(evidence: &Evidence<'_>, feature: usize, side: usize) -> Option<Divergence> {
    let bins = |side: usize| &evidence.sides[side].features[feature].bins;
    Divergence::new(bins(0), bins(side))
}

fn values(evidence: &Evidence<'_>, feature: usize, name: &str, side: usize) -> Option<Finding> {
    let found = measure(evidence, feature, side)?;
    if !found.is_psi_above(PSI_MAX) && !found.is_ks_above(KS_MAX) {
        return None;
    }
    let side = &evidence.published.sides[side].name;
    let summary = format!(
        "{name:?} is distributed otherwise on {side} than on train: PSI {:.3}, KS {:.3}",
        found.psi, found.ks
    );
    let finding = Finding::new(Check::Drift, Severity::Warning, summary)
        .of([name])
        .real("psi", found.psi)
        .real("psi_by_chance_at_most", found.psi_by_chance)
        .real("ks", found.ks)
        .real("ks_by_chance_at_most", found.ks_by_chance)
        .advise("see whether both sides come from the same source and time");
    Some(finding)
}

fn missing(evidence: &Evidence<'_>, feature: usize, name: &str, side: usize) -> Option<Finding> {
    let [base, other] = [0, side].map(|side| {
        let sums = &evidence.sides[side].features[feature].sums;
        (sums.missing(), sums.count + sums.missing())
    });
    let shares = [share(base.0, base.1), share(other.0, other.1)];
    let pooled = share(base.0 + other.0, base.1 + other.1);
    let noise = 1.0 / base.1.max(1) as f64 + 1.0 / other.1.max(1) as f64;
    let error = (pooled * (1.0 - pooled) * noise).sqrt();
    let difference = (shares[0] - shares[1]).abs();
    if base.1 == 0 || other.1 == 0 || difference <= MISSING_MAX.max(ERRORS_MIN * error) {
        return None;
    }
    let side = &evidence.published.sides[side].name;
    let summary = format!(
        "{name:?} is missing in {} of train but {} of {side}",
        percent(shares[0]),
        percent(shares[1])
    );
    let finding = Finding::new(Check::Drift, Severity::Warning, summary)
        .of([name])
        .real("missing_on_train", shares[0])
        .real("missing_on_the_other_side", shares[1])
        .advise("see whether the column is gathered the same way on both sides");
    Some(finding)
}
