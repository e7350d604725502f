//! `Majority`: a value that most rows have, by Boyer and Moore's vote.
//!
//! Invariant: if a value has a share of at least `s` of the rows, it is the one kept, and
//! [`Majority::lead`] is at least `2 s - 1` of them and never more than its share. Merging keeps that
//! (Misra-Gries summaries with one counter merge).

use crate::kernel::widest;

const LANES: usize = 8;

/// The value in the lead.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Majority {
    value: f64,
    votes: u64,
}

impl Majority {
    /// Takes in a run of rows; NaN doesn't vote. Every eighth row votes with its like, and then the eight.
    pub(crate) fn extend(&mut self, values: &[f64]) {
        let mut lanes = Lanes::default();
        widest(
            #[inline(always)]
            || lanes.extend(values),
        );
        for (value, votes) in lanes.kept.into_iter().zip(lanes.votes) {
            let value = f64::from_bits(value);
            self.merge(&Self { value, votes });
        }
    }

    /// Takes in what another state has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        if self.value == other.value {
            self.votes += other.votes;
        } else if self.votes >= other.votes {
            self.votes -= other.votes;
        } else {
            *self = Self {
                value: other.value,
                votes: other.votes - self.votes,
            };
        }
    }

    /// The value, and how many rows have it at least.
    pub(crate) fn lead(&self) -> (f64, u64) {
        (self.value, self.votes)
    }
}

/// Votes side by side: one alone would wait for each row before the next.
#[derive(Debug, Default)]
struct Lanes {
    /// Bits of the values.
    kept: [u64; LANES],
    votes: [u64; LANES],
}

impl Lanes {
    #[inline(always)]
    fn extend(&mut self, values: &[f64]) {
        let (blocks, rest) = values.as_chunks::<LANES>();
        let mut last = [f64::NAN; LANES];
        last[..rest.len()].copy_from_slice(rest);
        for block in blocks.iter().chain([&last]) {
            let lanes = self.kept.iter_mut().zip(&mut self.votes);
            for ((kept, votes), value) in lanes.zip(block) {
                // Adding 0.0 turns -0.0 into 0.0, so that bits are equal where values are. No branch depends on
                // the value: it would be guessed wrong where few values take turns.
                let bits = (value + 0.0).to_bits();
                let is_free = *votes == 0;
                let change = if is_free | (*kept == bits) {
                    1
                } else {
                    u64::MAX
                };
                let change = if value.is_nan() { 0 } else { change };
                *kept = if is_free { bits } else { *kept };
                *votes = votes.wrapping_add(change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_of_nearly_all_rows_leads_wherever_the_others_are() {
        let mut values = vec![3.0; 10_000];
        for row in [0, 1, 2, 5000, 9998, 9999] {
            values[row] = row as f64 + 10.0;
        }
        for cut in [1, 7, 4999, 10_000] {
            let mut all = Majority::default();
            for run in values.chunks(cut) {
                let mut part = Majority::default();
                part.extend(run);
                all.merge(&part);
            }
            let (value, votes) = all.lead();
            assert_eq!(value, 3.0);
            assert!((9_988..=9_994).contains(&votes), "{votes}");
        }
    }
    proptest! {
        #[test]
        fn a_value_of_most_rows_is_in_the_lead_and_no_lead_is_more_than_a_value_has(
            values in prop::collection::vec(prop::sample::select(vec![0.0, -0.0, 1.0, 1.0, 1.0, 1.0, 2.5, f64::NAN, f64::INFINITY]), 0..60),
            cut in 1_usize..40,
        ) {
            let mut found = Majority::default();
            for run in values.chunks(cut) {
                found.extend(run);
            }
            let (value, lead) = found.lead();
            let has = |wanted: f64| values.iter().filter(|value| **value == wanted).count() as u64;
            let rows = values.iter().filter(|value| !value.is_nan()).count() as u64;
            prop_assert!(lead <= has(value), "{} of {}", lead, value);
            for most in [0.0, 1.0, 2.5, f64::INFINITY] {
                if 2 * has(most) > rows {
                    prop_assert_eq!(value, most);
                    prop_assert!(lead >= 2 * has(most) - rows, "{} of {}", lead, most);
                }
            }
        }
    }
}
