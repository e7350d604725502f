//! `Majority`: a value that most rows have, by Boyer and Moore's vote.
//!
//! Invariant: if a value has a share of at least `s` of the rows, it is the one kept, and
//! [`Majority::lead`] is at least `2 s - 1` of them and never more than its share. Merging keeps that
//! (Misra-Gries summaries with one counter merge).

/// The value in the lead.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Majority {
    value: f64,
    votes: u64,
}

impl Majority {
    /// Takes in a run of rows; NaN doesn't vote.
    pub(crate) fn extend(&mut self, values: &[f64]) {
        let (mut kept, mut votes) = (self.value.to_bits(), self.votes);
        for value in values.iter().filter(|value| !value.is_nan()) {
            // Adding 0.0 turns -0.0 into 0.0, so that bits are equal where values are. No branch depends on
            // the value: it would be guessed wrong where few values take turns.
            let bits = (value + 0.0).to_bits();
            let is_free = votes == 0;
            let is_for = is_free | (kept == bits);
            kept = if is_free { bits } else { kept };
            votes = if is_for { votes + 1 } else { votes - 1 };
        }
        *self = Self {
            value: f64::from_bits(kept),
            votes,
        };
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
        fn votes_are_those_of_one_value_after_the_other(
            values in prop::collection::vec(prop::sample::select(vec![0.0, -0.0, 1.0, 2.5, f64::NAN, f64::INFINITY]), 0..60),
        ) {
            let mut found = Majority::default();
            found.extend(&values);
            let (mut kept, mut votes) = (0.0, 0);
            for value in values.into_iter().filter(|value| !value.is_nan()) {
                match (value == kept, votes) {
                    (true, _) => votes += 1,
                    (false, 0) => (kept, votes) = (value, 1),
                    (false, _) => votes -= 1,
                }
            }
            prop_assert_eq!(found.lead(), (kept, votes));
        }
    }
}
