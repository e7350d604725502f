//! How far two distributions are apart: population stability index and Kolmogorov-Smirnov distance.
//!
//! ```text
//! PSI = sum (p - q) ln(p / q)     over 20 buckets of equal train shares, as near as bins allow,
//!                                 each count half a row more, so that an empty bucket is finite
//! KS  = max |P - Q|               over the edges of all bins
//! ```
//!
//! Both have a size that chance alone reaches, from the numbers of rows: see [`Divergence`].

use super::Bins;

/// Buckets of the index; 10 to 20 are customary, and 0.2 is the customary limit for them.
const BUCKETS: u64 = 20;
/// What an empty bucket counts as.
const HALF_A_ROW: f64 = 0.5;
/// Standard deviations of the index under chance, above its mean, that chance is given.
const DEVIATIONS: f64 = 6.0;
/// Kolmogorov's quantile for one in a million.
const KS_QUANTILE: f64 = 2.694;

/// Two distributions compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Divergence {
    /// Population stability index.
    pub(crate) psi: f64,
    /// What it may be though nothing differs.
    pub(crate) psi_by_chance: f64,
    /// Kolmogorov-Smirnov distance.
    pub(crate) ks: f64,
    /// What it may be though nothing differs, once in a million.
    pub(crate) ks_by_chance: f64,
}

impl Divergence {
    /// Compares `other` with `base`; `None` if one of them is empty.
    pub(crate) fn new(base: &Bins, other: &Bins) -> Option<Self> {
        let rows = [base, other].map(|bins| bins.counts().iter().sum::<u64>());
        if rows.contains(&0) {
            return None;
        }
        let both = base.counts().iter().zip(other.counts());
        let bins: Vec<[u64; 2]> = both.map(|(base, other)| [*base, *other]).collect();
        let buckets = buckets(&bins, rows[0]);
        let totals = rows.map(|rows| rows as f64 + HALF_A_ROW * buckets.len() as f64);
        let psi = buckets.iter().map(|counts| {
            let share = |side: usize| (counts[side] as f64 + HALF_A_ROW) / totals[side];
            (share(0) - share(1)) * (share(0) / share(1)).ln()
        });
        let (mut below, mut ks) = ([0; 2], 0.0_f64);
        for counts in bins {
            for side in [0, 1] {
                below[side] += counts[side];
            }
            let share = |side: usize| below[side] as f64 / rows[side] as f64;
            ks = ks.max((share(0) - share(1)).abs());
        }
        let noise = 1.0 / rows[0] as f64 + 1.0 / rows[1] as f64;
        // Under chance PSI / noise is chi-squared, with one degree less than there are buckets.
        let freedom = (buckets.len() as f64 - 1.0).max(1.0);
        Some(Self {
            psi: psi.sum(),
            psi_by_chance: noise * (freedom + DEVIATIONS * (2.0 * freedom).sqrt()),
            ks,
            ks_by_chance: KS_QUANTILE * noise.sqrt(),
        })
    }

    /// Whether the index is above this limit, and above what chance explains.
    pub(crate) fn is_psi_above(&self, limit: f64) -> bool {
        self.psi > limit.max(self.psi_by_chance)
    }

    /// Whether the distance is above this limit, and above what chance explains.
    pub(crate) fn is_ks_above(&self, limit: f64) -> bool {
        self.ks > limit.max(self.ks_by_chance)
    }
}

/// Bins joined until each bucket holds a twentieth of the base.
fn buckets(bins: &[[u64; 2]], rows: u64) -> Vec<[u64; 2]> {
    let enough = rows.div_ceil(BUCKETS);
    let mut buckets: Vec<[u64; 2]> = Vec::new();
    let mut is_open = false;
    for counts in bins {
        // A bin that is a bucket by itself isn't watered down by the few before it.
        match buckets.last_mut() {
            Some(last) if is_open && counts[0] < enough => {
                last[0] += counts[0];
                last[1] += counts[1];
            }
            _ => buckets.push(*counts),
        }
        is_open = buckets.last().is_some_and(|last| last[0] < enough);
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::mix;

    fn bins(values: impl Iterator<Item = f64>) -> Bins {
        let mut bins = Bins::default();
        bins.extend(&values.collect::<Vec<_>>());
        bins
    }

    /// Sums of four uniforms, standardized.
    fn bells(seed: u64, rows: u64) -> impl Iterator<Item = f64> {
        (0..rows).map(move |row| {
            let uniform = |k: u64| mix(mix(seed) ^ (row * 4 + k)) as f64 / 2_f64.powi(64);
            ((0..4).map(uniform).sum::<f64>() - 2.0) * 3.0_f64.sqrt()
        })
    }

    #[test]
    fn chance_is_told_from_drift_at_any_size() {
        for rows in [50, 1_000, 100_000] {
            for seed in 0..20 {
                let base = bins(bells(seed, 4 * rows));
                let same = Divergence::new(&base, &bins(bells(seed + 100, rows))).unwrap();
                assert!(
                    !same.is_psi_above(0.0) && !same.is_ks_above(0.0),
                    "{rows} {same:?}"
                );
                let far = bins(bells(seed + 200, rows).map(|z| z + 2.0));
                let far = Divergence::new(&base, &far).unwrap();
                assert!(
                    far.is_psi_above(0.2) && far.is_ks_above(0.1),
                    "{rows} {far:?}"
                );
            }
        }
    }

    #[test]
    fn a_shift_of_a_normal_has_the_index_that_theory_gives() {
        // For a shift of d standard deviations PSI tends to d^2.
        let base = bins(bells(1, 400_000));
        let other = bins(bells(2, 400_000).map(|z| z + 0.3));
        let found = Divergence::new(&base, &other).unwrap();
        assert!((found.psi - 0.09).abs() < 0.01, "{found:?}");
        // KS is 2 Phi(d / 2) - 1 = 0.119.
        assert!((found.ks - 0.119).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn ties_and_values_beyond_the_bins_are_compared_too() {
        let base = bins((0..1000).map(|i| f64::from(i % 2)));
        assert_eq!(Divergence::new(&base, &base).unwrap().ks, 0.0);
        let other = bins((0..1000).map(|i| if i < 900 { 0.0 } else { 1e12 }));
        let found = Divergence::new(&base, &other).unwrap();
        assert!(
            (found.ks - 0.4).abs() < 1e-12 && found.psi > 0.2,
            "{found:?}"
        );
        assert_eq!(Divergence::new(&base, &Bins::default()), None);
    }
}
