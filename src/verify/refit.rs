//! The fit that was repeated against the recorded one.

use num_bigint::BigInt;

use super::scaler::Feature;
use super::sums::{Sums, integer, ratio};

/// Relative error that the fit's sums may have: it adds 4,096 values at a time in float64.
const FIT_ERROR: f64 = 1.0 / (1_u64 << 40) as f64;

/// How the fit that was repeated differs from the recorded one, if it does.
pub(super) fn fit_differs(feature: &Feature<'_>, sums: &Sums, ddof: u64) -> Option<String> {
    let said = feature.moments;
    let counts = [
        ("values", sums.count, said.count),
        ("nulls", sums.nulls, said.nulls),
        ("NaN", sums.nans, said.nans),
        (
            "positive infinities",
            sums.positive_infinities,
            said.positive_infinities,
        ),
        (
            "negative infinities",
            sums.negative_infinities,
            said.negative_infinities,
        ),
    ];
    if let Some((what, found, said)) = counts.iter().find(|(_, found, said)| found != said) {
        return Some(format!("{said} {what}, the inputs have {found}"));
    }
    if sums.count == 0 {
        return None;
    }
    let extremes = [(sums.min, said.min), (sums.max, said.max)];
    if let Some((found, said)) = extremes.iter().find(|(found, said)| Some(*found) != *said) {
        return Some(format!("an extreme of {said:?}, the inputs have {found:e}"));
    }
    let weight = sums.weight();
    let mean = integer(feature.mean) + integer(feature.mean_lo);
    let error = sums.sum() - mean * &weight;
    let (spread, divisor) = (sums.spread(), sums.divisor(ddof));
    if sums.min == sums.max {
        return (error != BigInt::ZERO).then(|| "its mean is not its only value".to_owned());
    }
    let allowed = FIT_ERROR + f64::from_bits(1) / feature.scale;
    // Both are free of units: the mean's error in standard deviations, the scale's in scales.
    let off = ratio(
        &(&error * &error * &divisor),
        &(&spread * &weight * &weight),
    )
    .sqrt();
    if off > allowed {
        return Some(format!("its mean is off by {off:e} standard deviations"));
    }
    if sums.count <= ddof || feature.scale >= f64::MAX {
        return None;
    }
    let scale = integer(feature.scale);
    let off = ratio(&(&scale * &scale * &divisor), &spread).sqrt() - 1.0;
    (off.abs() > allowed).then(|| format!("its scale is off by {off:e} of itself"))
}
