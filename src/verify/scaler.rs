//! `scaler.json` against itself: every mean, variance and scale from its exact sums, by integers.
//!
//! A recorded float is right if neither of its neighbours is nearer to the exact value, which takes
//! no division and no square root, so nothing here can round.

use num_bigint::BigInt;
use serde::Deserialize;

use super::findings::Findings;
use super::records::{MERGED, Records, SCALER};
use super::sums::integer;
use crate::spec::OnInf;

/// The numbers of `scaler.json`, read by field names alone.
#[derive(Debug, Deserialize)]
pub(super) struct RecordedScaler {
    /// Whose rows were not fitted on, if there are folds.
    pub(super) fold: Option<usize>,
    pub(super) ddof: u64,
    pub(super) on_inf: OnInf,
    feature_names_in_: Vec<String>,
    n_samples_seen_: Vec<u64>,
    mean_: Vec<f64>,
    var_: Vec<serde_json::Value>,
    scale_: Vec<f64>,
    columns: Vec<RecordedColumn>,
}

#[derive(Debug, Deserialize)]
struct RecordedColumn {
    mean_lo: f64,
    constant: bool,
    moments: RecordedMoments,
}

/// Counts and exact sums of one column.
#[derive(Debug, Deserialize)]
pub(super) struct RecordedMoments {
    pub(super) count: u64,
    pub(super) nulls: u64,
    pub(super) nans: u64,
    pub(super) positive_infinities: u64,
    pub(super) negative_infinities: u64,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    sum: String,
    sum_of_squares: String,
    weighted: Option<RecordedWeights>,
}

/// Exact sums where rows have weights, in place of the others.
#[derive(Debug, Deserialize)]
struct RecordedWeights {
    sum_of_weights: String,
    sum_of_products: String,
    sum_of_square_products: String,
}

/// Sums whose quotients with `weight` are the mean and the mean square.
struct ExactSums {
    weight: BigInt,
    sum: BigInt,
    squares: BigInt,
}

impl RecordedMoments {
    /// Whether rows have weights.
    pub(super) fn is_weighted(&self) -> bool {
        self.weighted.is_some()
    }

    fn exact(&self) -> Option<ExactSums> {
        Some(match &self.weighted {
            Some(weighted) => ExactSums {
                weight: exact(&weighted.sum_of_weights, 1074)?,
                sum: exact(&weighted.sum_of_products, 2148)?,
                squares: exact(&weighted.sum_of_square_products, 3222)?,
            },
            None => ExactSums {
                weight: BigInt::from(self.count),
                sum: exact(&self.sum, 1074)?,
                squares: exact(&self.sum_of_squares, 2148)?,
            },
        })
    }
}

/// What the file says of one feature.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feature<'a> {
    pub(super) name: &'a str,
    pub(super) mean: f64,
    pub(super) mean_lo: f64,
    pub(super) scale: f64,
    pub(super) constant: bool,
    pub(super) moments: &'a RecordedMoments,
}

impl RecordedScaler {
    /// Reads the numbers; the parser of the artifact has seen to form and lengths.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The columns' names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.feature_names_in_.iter()
    }

    /// The features, in order.
    pub(super) fn features(&self) -> Vec<Feature<'_>> {
        let numbers = self.mean_.iter().zip(&self.scale_);
        let named = self.feature_names_in_.iter().zip(&self.columns);
        named
            .zip(numbers)
            .map(|((name, column), (mean, scale))| Feature {
                name,
                mean: *mean,
                mean_lo: column.mean_lo,
                scale: *scale,
                constant: column.constant,
                moments: &column.moments,
            })
            .collect()
    }
}

/// Checks every column of every scaler.
pub(super) fn check(records: &Records, findings: &mut Findings) {
    let folds = records.fold_scalers.iter();
    let folds = folds.map(|(name, scaler)| (name.as_str(), scaler));
    let merged = records.merged.iter().map(|scaler| (MERGED, scaler));
    for (name, scaler) in records
        .scaler
        .iter()
        .map(|scaler| (SCALER, scaler))
        .chain(merged)
        .chain(folds)
    {
        check_one(name, scaler, findings);
    }
}

fn check_one(name: &str, scaler: &RecordedScaler, findings: &mut Findings) {
    let recorded = scaler.var_.iter().zip(&scaler.n_samples_seen_);
    for (feature, (var, seen)) in scaler.features().iter().zip(recorded) {
        // Only infinity isn't a number of JSON.
        let var = var.as_f64().unwrap_or(f64::INFINITY);
        if let Some(field) = wrong_field(feature, var, *seen, scaler.ddof) {
            let what = format!(
                "{field} of column \"{}\" does not follow from its exact sums",
                feature.name
            );
            findings.push(name, what);
        }
    }
}

/// The first field of a column that doesn't follow from its sums.
fn wrong_field(feature: &Feature<'_>, var: f64, seen: u64, ddof: u64) -> Option<&'static str> {
    let moments = feature.moments;
    if seen != moments.count {
        return Some("n_samples_seen_");
    }
    let Some(ExactSums {
        weight,
        sum,
        squares,
    }) = moments.exact()
    else {
        return Some("moments");
    };
    if moments.count == 0 {
        let plain = (feature.mean, feature.mean_lo, var, feature.scale);
        return (plain != (0.0, 0.0, 0.0, 1.0)).then_some("mean_, var_ or scale_");
    }
    if !is_nearest(feature.mean, |x| integer(x) * &weight - &sum) {
        return Some("mean_");
    }
    let rest = &sum - integer(feature.mean) * &weight;
    if !is_nearest(feature.mean_lo, |x| integer(x) * &weight - &rest) {
        return Some("mean_lo");
    }
    let constant = moments.min == moments.max;
    if constant != feature.constant {
        return Some("constant");
    }
    if constant || moments.count <= ddof {
        return ((var, feature.scale) != (0.0, 1.0)).then_some("var_ or scale_");
    }
    let spread = squares * &weight - &sum * &sum;
    let divisor = match moments.is_weighted() {
        true => &weight * &weight,
        false => &weight * BigInt::from(moments.count - ddof),
    };
    if !is_nearest(var, |x| (integer(x) << 1074) * &divisor - &spread) {
        return Some("var_");
    }
    (!is_root(feature.scale, &spread, &divisor)).then_some("scale_")
}

/// Whether no neighbour of `x` has a smaller `error`; infinity stands for everything from half a unit
/// beyond the largest float on.
fn is_nearest(x: f64, error: impl Fn(f64) -> BigInt) -> bool {
    let distance = |x: f64| error(x).magnitude().clone();
    if x.is_infinite() {
        // The next float would be as far beyond the largest as that is from the one before.
        let last = error(f64::MAX);
        let half = (&last - error(f64::MAX.next_down())) / 2;
        return -last >= half;
    }
    let own = distance(x);
    let neighbours = [x.next_up(), x.next_down()];
    let mut finite = neighbours.into_iter().filter(|x| x.is_finite());
    finite.all(|neighbour| own <= distance(neighbour))
}

/// Whether `scale` is the float nearest to the square root of `spread / divisor`: the midpoints to
/// its neighbours lie on either side. The smallest and the largest float also stand for what is
/// beyond them.
fn is_root(scale: f64, spread: &BigInt, divisor: &BigInt) -> bool {
    let four: BigInt = spread * 4;
    let squared = |neighbour: f64| {
        let twice = integer(scale) + integer(neighbour);
        &twice * &twice * divisor
    };
    let above = scale <= f64::from_bits(1) || squared(scale.next_down()) <= four;
    let below = scale >= f64::MAX || four <= squared(scale.next_up());
    above && below
}

/// `-0x1a2bp-1074` in units of `2^-unit`.
fn exact(text: &str, unit: i64) -> Option<BigInt> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (digits, exponent) = unsigned.strip_prefix("0x")?.split_once('p')?;
    let mantissa = BigInt::parse_bytes(digits.as_bytes(), 16)?;
    let shift = u32::try_from(exponent.parse::<i64>().ok()?.checked_add(unit)?).ok()?;
    // Longer than any exact sum: a file that lies must not ask for the memory.
    let value = (shift <= 7000).then(|| mantissa << shift)?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_sums_are_read_in_their_unit() {
        assert_eq!(exact("0x1p-1074", 1074), Some(BigInt::from(1)));
        assert_eq!(exact("-0x3p0", 1074), Some(-integer(3.0)));
        assert_eq!(exact("0x0p0", 2148), Some(BigInt::ZERO));
        for wrong in ["", "1p0", "0x1", "0xgp0", "0x1p-1075", "0x1p9999999"] {
            assert_eq!(exact(wrong, 1074), None, "{wrong}");
        }
    }

    #[test]
    fn only_the_nearest_float_is_right() {
        // 1/3 and sqrt(1/3).
        let error = |x: f64| integer(x) * 3 - integer(1.0);
        let third = 1.0 / 3.0_f64;
        let spread: BigInt = integer(1.0) << 1074;
        let root = third.sqrt();
        assert!(is_nearest(third, error));
        assert!(is_root(root, &spread, &BigInt::from(3)));
        for step in [f64::next_up, f64::next_down] {
            assert!(!is_nearest(step(third), error));
            assert!(!is_root(step(root), &spread, &BigInt::from(3)));
        }
        assert!(!is_nearest(f64::INFINITY, error));
        let beyond = |x: f64| integer(x) - integer(f64::MAX) * 2;
        assert!(is_nearest(f64::INFINITY, beyond));
    }
}
