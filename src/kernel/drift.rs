//! How far apart two histograms of one column are: the population stability index and the
//! Kolmogorov-Smirnov distance.
//!
//! ```text
//! PSI = sum over groups of (p - q) ln(p / q)       KS = max |P(z) - Q(z)| over the edges of the bins
//! ```
//!
//! A group is a run of bins that holds a tenth of the reference's values, as nearly as the bins allow,
//! and one for the rows without a value if there are any; an empty group counts as half a row, as
//! otherwise PSI is infinite. Each figure comes with what 99.9% of random splits stay below: for PSI,
//! (1/n + 1/m) times the quantile of chi-squared with groups - 1 degrees of freedom (Yurdakul 2018) by
//! Wilson and Hilferty's approximation; for KS, 1.95 sqrt(1/n + 1/m).
//!
//! Limit: within a bin, nothing is known of the values. The true KS lies between [`Drift::ks`] and
//! [`Drift::ks_max`].

use serde::Serialize;

use super::Histogram;
use super::histogram::BINS;

/// Groups of values in the reference.
const GROUPS: u64 = 10;
/// What an empty group counts as, in rows.
const EMPTY: f64 = 0.5;
/// 99.9% of normal values are below it.
const NORMAL_QUANTILE: f64 = 3.090_232_306_167_813;
/// sqrt(-ln(0.001 / 2) / 2).
const KS_QUANTILE: f64 = 1.949_492_364_084_713;

/// The distance of one side from the reference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Drift {
    /// Population stability index.
    pub psi: f64,
    /// What PSI stays below for 99.9% of random splits of the same rows.
    pub psi_of_chance: f64,
    /// Groups that PSI was taken over.
    pub psi_groups: usize,
    /// Kolmogorov-Smirnov distance of the values at the edges of the bins.
    pub ks: f64,
    /// What the true distance is at most.
    pub ks_max: f64,
    /// What KS stays below for 99.9% of random splits of the same rows.
    pub ks_of_chance: f64,
    /// What that amounts to.
    pub level: DriftLevel,
}

/// What a distance amounts to, by the usual rule of thumb for PSI, and only beyond chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DriftLevel {
    /// PSI and KS are below 0.1, or what chance gives.
    None,
    /// PSI or KS is at least 0.1.
    Moderate,
    /// PSI is at least 0.25.
    Strong,
}

/// One group of PSI: rows of the reference and of the other side.
type Group = [u64; 2];

impl Drift {
    /// How far `other` is from `reference`; `None` if either has no value.
    ///
    /// ```
    /// use prep_stream::kernel::{BinCounts, Drift, DriftLevel};
    ///
    /// let count = |shift: f64| {
    ///     let mut counts = BinCounts::default();
    ///     let values: Vec<f64> = (0..1000).map(|row| f64::from(row) / 250.0 - 2.0 + shift).collect();
    ///     counts.extend(&values);
    ///     counts.finish(0)
    /// };
    /// let drift = Drift::between(&count(0.0), &count(1.0)).unwrap();
    /// assert_eq!(drift.level, DriftLevel::Strong);
    /// assert!((drift.ks - 0.25).abs() < 1e-12);
    /// assert_eq!(Drift::between(&count(0.0), &count(0.0)).unwrap().psi, 0.0);
    /// ```
    pub fn between(reference: &Histogram, other: &Histogram) -> Option<Self> {
        if reference.values() == 0 || other.values() == 0 {
            return None;
        }
        let bins = side_by_side(reference, other);
        let mut groups = groups(&bins, reference.values());
        let missing = [reference, other].map(|side| side.rows() - side.values());
        if missing != [0, 0] {
            groups.push(missing);
        }
        let rows = [reference.rows() as f64, other.rows() as f64];
        let psi = groups.iter().map(|group| psi_of(*group, rows)).sum();
        let psi_of_chance = (1.0 / rows[0] + 1.0 / rows[1]) * chi_squared(groups.len() - 1);
        let values = [reference.values() as f64, other.values() as f64];
        let (ks, ks_max) = ks(&bins, values);
        let ks_of_chance = KS_QUANTILE * (1.0 / values[0] + 1.0 / values[1]).sqrt();
        Some(Self {
            psi,
            psi_of_chance,
            psi_groups: groups.len(),
            ks,
            ks_max,
            ks_of_chance,
            level: match (psi > psi_of_chance, ks > ks_of_chance) {
                (true, _) if psi >= 0.25 => DriftLevel::Strong,
                (true, _) if psi >= 0.1 => DriftLevel::Moderate,
                (_, true) if ks >= 0.1 => DriftLevel::Moderate,
                _ => DriftLevel::None,
            },
        })
    }
}

/// Counts of both, in order of z: below, the bins, above.
fn side_by_side(reference: &Histogram, other: &Histogram) -> Vec<Group> {
    let mut bins = vec![[0; 2]; BINS + 2];
    for (side, histogram) in [reference, other].into_iter().enumerate() {
        bins[0][side] = histogram.below();
        bins[BINS + 1][side] = histogram.above();
        for (bin, count) in histogram.bins() {
            bins[bin + 1][side] = count;
        }
    }
    bins
}

/// Neighbouring bins joined until they hold the next tenth of the reference's values.
fn groups(bins: &[Group], values: u64) -> Vec<Group> {
    let (mut groups, mut group, mut seen) = (Vec::new(), [0; 2], 0_u64);
    let mut wanted = 1;
    for bin in bins {
        group = [group[0] + bin[0], group[1] + bin[1]];
        seen += bin[0];
        if bin[0] > 0 && u128::from(seen) * u128::from(GROUPS) >= u128::from(values) * wanted {
            groups.push(std::mem::take(&mut group));
            wanted = u128::from(seen) * u128::from(GROUPS) / u128::from(values) + 1;
        }
    }
    // What lies above the reference's last value belongs to its last group.
    match groups.last_mut() {
        Some(last) => *last = [last[0] + group[0], last[1] + group[1]],
        None => groups.push(group),
    }
    groups
}

fn psi_of(group: Group, rows: [f64; 2]) -> f64 {
    let share = |side: usize| (group[side] as f64).max(EMPTY) / rows[side];
    let (p, q) = (share(0), share(1));
    (p - q) * (p / q).ln()
}

/// The 99.9% quantile of chi-squared.
fn chi_squared(degrees: usize) -> f64 {
    if degrees == 0 {
        return 0.0;
    }
    let degrees = degrees as f64;
    let ninth = 2.0 / (9.0 * degrees);
    degrees * (1.0 - ninth + NORMAL_QUANTILE * ninth.sqrt()).powi(3)
}

/// The distance at the edges, and what it is at most within a bin.
fn ks(bins: &[Group], values: [f64; 2]) -> (f64, f64) {
    let (mut ks, mut ks_max) = (0.0_f64, 0.0_f64);
    let mut seen = [0_u64; 2];
    let share = |seen: Group| [seen[0] as f64 / values[0], seen[1] as f64 / values[1]];
    for bin in bins {
        let low = share(seen);
        seen = [seen[0] + bin[0], seen[1] + bin[1]];
        let high = share(seen);
        ks = ks.max((high[0] - high[1]).abs());
        // All of one side's values in the bin may lie before all of the other's.
        if bin[0] > 0 && bin[1] > 0 {
            ks_max = ks_max.max(high[0] - low[1]).max(high[1] - low[0]);
        }
    }
    (ks, ks_max.max(ks))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::BinCounts;

    fn histogram(values: &[f64], missing: u64) -> Histogram {
        let mut counts = BinCounts::default();
        counts.extend(values);
        counts.finish(missing)
    }

    /// The distance of the values themselves.
    fn ks_of_values(a: &[f64], b: &[f64]) -> f64 {
        let below = |values: &[f64], z: f64| {
            values.iter().filter(|value| **value <= z).count() as f64 / values.len() as f64
        };
        let distance = |z: &f64| (below(a, *z) - below(b, *z)).abs();
        a.iter().chain(b).map(distance).fold(0.0, f64::max)
    }

    #[test]
    fn psi_is_the_textbook_sum_over_tenths_of_the_reference() {
        // Ten values, ten groups of one; the other side has twice the share in the first group.
        let reference: Vec<f64> = (0..10).map(f64::from).map(|z| z / 4.0 + 0.01).collect();
        let mut other = reference.clone();
        other[9] = 0.02;
        let drift = Drift::between(&histogram(&reference, 0), &histogram(&other, 0)).unwrap();
        assert_eq!(drift.psi_groups, 10);
        let expected = (0.1 - 0.2) * (0.1_f64 / 0.2).ln() + (0.1 - 0.05) * (0.1_f64 / 0.05).ln();
        assert!((drift.psi - expected).abs() < 1e-12, "{drift:?}");
    }

    #[test]
    fn missing_rows_alone_are_drift() {
        let values: Vec<f64> = (0..1000).map(|row| f64::from(row % 97) / 50.0).collect();
        let drift = Drift::between(&histogram(&values, 10), &histogram(&values, 1000)).unwrap();
        assert_eq!((drift.level, drift.ks), (DriftLevel::Strong, 0.0));
    }

    #[test]
    fn few_rows_are_not_called_drift() {
        let drift = Drift::between(&histogram(&[0.1, 0.5, 1.0], 0), &histogram(&[0.2], 0));
        assert_eq!(drift.unwrap().level, DriftLevel::None);
        assert_eq!(
            Drift::between(&histogram(&[], 3), &histogram(&[1.0], 0)),
            None
        );
    }

    #[test]
    fn the_quantile_of_chi_squared_is_near_that_of_the_tables() {
        for (degrees, expected) in [(1, 10.828), (9, 27.877), (10, 29.588)] {
            assert!(
                (chi_squared(degrees) / expected - 1.0).abs() < 0.04,
                "{degrees}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_true_distance_lies_between_ks_and_ks_max(
            a in prop::collection::vec(-3.0..3.0_f64, 1..60),
            b in prop::collection::vec(-5.0..20.0_f64, 1..60),
        ) {
            let drift = Drift::between(&histogram(&a, 0), &histogram(&b, 0)).unwrap();
            let truth = ks_of_values(&a, &b);
            prop_assert!(drift.ks <= truth + 1e-12 && truth <= drift.ks_max + 1e-12, "{truth} {drift:?}");
            prop_assert!(drift.psi >= 0.0 && drift.psi.is_finite());
        }

        #[test]
        fn a_side_does_not_drift_from_itself(values in prop::collection::vec(any::<f64>(), 1..99), missing in 0_u64..9) {
            let one = histogram(&values, missing);
            if let Some(drift) = Drift::between(&one, &one) {
                prop_assert_eq!((drift.psi, drift.ks, drift.level), (0.0, 0.0, DriftLevel::None));
            }
        }
    }
}
