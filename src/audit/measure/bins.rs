//! `Bins`: how many standardized values lie where, in 512 bins of 1/32 between -8 and 8.
//!
//! Invariant: the bins are the same for every column, so that counts of sides and shards compare and
//! merge. At most 1 in 64 train values is beyond 8 standard deviations (Chebyshev); those count below
//! and above. Limit: differences within one bin are not seen, as where one huge value makes all
//! others lie in one.

const HALF: f64 = 8.0;
const PER_UNIT: f64 = 32.0;
/// One below and one above included.
const COUNTS: usize = 512 + 2;

/// Counts of finite values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bins(Vec<u64>);

impl Default for Bins {
    fn default() -> Self {
        Self(vec![0; COUNTS])
    }
}

impl Bins {
    /// Takes in a run of rows, NaN where there is no value.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast that saturates is what puts values beyond into the last bin"
    )]
    pub(crate) fn extend(&mut self, values: &[f64]) {
        for value in values.iter().filter(|value| value.is_finite()) {
            // From 0 for what is below the bins; a cast alone would take -0.5 for 0.
            let scaled = (value + HALF) * PER_UNIT + 1.0;
            let bin = if scaled < 1.0 { 0 } else { scaled as usize };
            self.0[bin.min(COUNTS - 1)] += 1;
        }
    }

    /// Takes in what another state has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// Counts in the order of the values.
    pub(crate) fn counts(&self) -> &[u64] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_in_the_bin_that_holds_it() {
        let mut bins = Bins::default();
        let far = [-1e300, -8.1, f64::NAN, f64::INFINITY, 8.0, 1e300];
        bins.extend(&far);
        assert_eq!((bins.counts()[0], bins.counts()[COUNTS - 1]), (2, 2));
        for (value, bin) in [
            (-8.0, 1),
            (0.0, 257),
            (-0.001, 256),
            (0.031, 257),
            (7.99, 512),
        ] {
            let mut one = Bins::default();
            one.extend(&[value]);
            assert_eq!(one.counts()[bin], 1, "{value}");
            bins.merge(&one);
        }
        assert_eq!(bins.counts().iter().sum::<u64>(), 9);
    }
}
