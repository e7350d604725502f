//! `scaler.json` against the rows: on train, standardized values have mean 0 and standard deviation 1,
//! and as many of them are missing as the fit counted.
//!
//! A scaler that was fitted on other rows doesn't give that; one fitted on all sides gives it for all
//! rows together, which is the leak that this tool is there to rule out.

use super::{Outcome, counted};
use crate::audit::evidence::Evidence;
use crate::audit::measure::Sums;
use crate::report::audit::{Check, Finding, Severity};

/// How far mean and standard deviation may be off by rounding, in float64 and in float32.
const ROUNDING: [f64; 2] = [1e-8, 1e-5];
/// How far another side's mean or standard deviation may be from train's.
const SHIFT_MAX: f64 = 0.5;
/// Standard errors from which on a shift is no accident.
const ERRORS_MIN: f64 = 6.0;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let mut findings = Vec::new();
    for (feature, column) in evidence.watched.features.iter().enumerate() {
        let column = &evidence.published.columns[*column];
        let is_wide = column.output_type == "float64";
        let rounding = ROUNDING[usize::from(!is_wide)];
        findings.extend(train(evidence, feature, &column.name, rounding));
        for side in 1..evidence.sides.len() {
            findings.extend(shift(evidence, feature, &column.name, side));
        }
    }
    let scope = format!(
        "{} on {}",
        counted(evidence.watched.features.len() as u64, "feature"),
        counted(evidence.sides.len() as u64, "side")
    );
    Outcome::of(scope, findings)
}

fn train(evidence: &Evidence<'_>, feature: usize, name: &str, rounding: f64) -> Option<Finding> {
    let scaler = &evidence.published.scaler;
    if scaler.columns().get(feature)?.moments.is_weighted() {
        // Weighted rows have mean 0, these rows as they are needn't.
        return None;
    }
    let frozen = scaler.scaler().moments().get(feature)?;
    let merged = evidence.published.merged.as_ref();
    let fitted = merged.map_or(Some(frozen), |all| all.scaler().moments().get(feature))?;
    let ddof = scaler.fit().ddof;
    let sums = &evidence.sides[0].features[feature].sums;
    let has_spread =
        !fitted.is_constant() && fitted.count() > u64::from(ddof) && fitted.count() > 1;
    // Mean 0 and standard deviation 1, unless more rows were added than the scaler was fitted on.
    let expected_mean = match merged {
        None => 0.0,
        Some(_) => {
            let mean = fitted.mean() - frozen.mean();
            (mean + (fitted.mean_lo() - frozen.mean_lo())) / frozen.scale()
        }
    };
    let expected_sd = match has_spread {
        true => fitted.scale() / frozen.scale(),
        false => 0.0,
    };
    let is_near = |value: f64, expected: f64| {
        let largest = expected_mean.abs().max(expected_sd).max(1.0);
        (value - expected).abs() <= rounding * largest
    };
    let is_standard = |sums: &Sums| {
        let mean = sums.mean().is_none_or(|mean| is_near(mean, expected_mean));
        mean && sums.sd(ddof).is_none_or(|sd| is_near(sd, expected_sd))
    };
    let missing = fitted.nulls() + fitted.nans() + fitted.infinities();
    let same_rows = (sums.count, sums.missing()) == (fitted.count(), missing);
    if same_rows && is_standard(sums) {
        return None;
    }
    let mut all = *sums;
    evidence.sides[1..]
        .iter()
        .for_each(|side| all.merge(&side.features[feature].sums));
    let on_all = evidence.sides.len() > 1 && is_standard(&all);
    let summary = if on_all {
        format!("the scaler of {name:?} was fitted on all sides, not on train alone")
    } else {
        format!("the scaler of {name:?} was not fitted on these train rows")
    };
    let finding = Finding::new(Check::Moments, Severity::Leak, summary)
        .of([name])
        .count("values_fitted", fitted.count())
        .count("values_on_train", sums.count)
        .count("missing_fitted", missing)
        .count("missing_on_train", sums.missing())
        .real("train_mean", sums.mean().unwrap_or(f64::NAN))
        .real("train_sd", sums.sd(ddof).unwrap_or(f64::NAN))
        .advise("make the output again from its source with prep stream");
    Some(finding)
}

/// Another side whose mean or standard deviation is far from train's, by more than chance.
fn shift(evidence: &Evidence<'_>, feature: usize, name: &str, side: usize) -> Option<Finding> {
    let ddof = evidence.published.scaler.fit().ddof;
    let [base, other] = [0, side].map(|side| &evidence.sides[side].features[feature].sums);
    let (base_mean, mean) = (base.mean()?, other.mean()?);
    let (base_sd, sd) = (base.sd(ddof)?, other.sd(ddof)?);
    let error = sd.max(base_sd) * (1.0 / base.count as f64 + 1.0 / other.count as f64).sqrt();
    let distance = (mean - base_mean).abs();
    if distance <= SHIFT_MAX || distance <= ERRORS_MIN * error {
        return None;
    }
    let side = &evidence.published.sides[side].name;
    let summary =
        format!("the mean of {name:?} on {side} is {distance:.2} standard deviations from train's");
    let finding = Finding::new(Check::Moments, Severity::Warning, summary)
        .of([name])
        .real("mean", mean)
        .real("sd", sd)
        .real("train_mean", base_mean)
        .real("train_sd", base_sd)
        .real("standard_errors", distance / error)
        .advise("see whether both sides come from the same source and time");
    Some(finding)
}
