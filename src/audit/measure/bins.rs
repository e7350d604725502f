//! `Bins`: how many standardized values lie where, in 512 bins of 1/32 between -8 and 8.
//!
//! Invariant: the bins are the same for every column, so that counts of sides and shards compare and
//! merge. At most 1 in 64 train values is beyond 8 standard deviations (Chebyshev); those count below
//! and above. Limit: differences within one bin are not seen, as where one huge value makes all
//! others lie in one.

use crate::kernel::widest;

const HALF: f64 = 8.0;
const PER_UNIT: f64 = 32.0;
/// One below and one above included.
const COUNTS: usize = 512 + 2;

/// More than there are bins, and a power of two, so that an index needs no check.
const PLACES: usize = 1024;
/// Values whose bins are found together.
const BLOCK: usize = 512;

/// The bin that holds a value; the one after the last for what isn't finite.
#[inline(always)]
fn bin_of(value: f64) -> u16 {
    // Added to a number below it, it leaves the nearest whole number in the lowest bits.
    const WHOLE: f64 = (1_u64 << 52) as f64;
    let scaled = (value + HALF) * PER_UNIT + 1.0;
    // From 0 for what is below the bins.
    let scaled = if scaled > 0.0 { scaled } else { 0.0 };
    let last = (COUNTS - 1) as f64;
    let scaled = if scaled < last { scaled } else { last };
    let scaled = if value.is_finite() {
        scaled
    } else {
        last + 1.0
    };
    let nearest = scaled + WHOLE;
    let is_above = nearest - WHOLE > scaled;
    let [low, high, ..] = (nearest.to_bits() - u64::from(is_above)).to_le_bytes();
    u16::from_le_bytes([low, high])
}

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
    pub(crate) fn extend(&mut self, values: &[f64]) {
        // Neighbours often share a bin: two lists, so that one count needn't wait for the other.
        let mut counts = [[0_u32; PLACES]; 2];
        let mut bins = [0; BLOCK];
        for block in values.chunks(BLOCK) {
            let bins = &mut bins[..block.len()];
            widest(
                #[inline(always)]
                || {
                    for (bin, value) in bins.iter_mut().zip(block) {
                        *bin = bin_of(*value);
                    }
                },
            );
            for pair in bins.chunks(2) {
                for (counts, bin) in counts.iter_mut().zip(pair) {
                    counts[usize::from(*bin) % PLACES] += 1;
                }
            }
        }
        let [even, odd] = &counts;
        for (total, counts) in self.0.iter_mut().zip(even.iter().zip(odd)) {
            *total += u64::from(*counts.0) + u64::from(*counts.1);
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn a_value_is_in_the_bin_that_rounding_down_says(
            values in prop::collection::vec(prop_oneof![any::<f64>(), -9.0..9.0, (-300..300_i32).prop_map(|n| f64::from(n) / 32.0)], 0..1300),
        ) {
            let mut bins = Bins::default();
            bins.extend(&values);
            let mut expected = vec![0; COUNTS];
            for value in values.iter().filter(|value| value.is_finite()) {
                let bin = ((value + HALF) * PER_UNIT + 1.0).floor();
                // The first that isn't below it, or the last.
                let at = (0..COUNTS).find(|at| *at as f64 >= bin);
                expected[at.unwrap_or(COUNTS - 1)] += 1;
            }
            prop_assert_eq!(bins.counts(), expected);
        }
    }
}
