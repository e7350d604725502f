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
        for &value in values {
            if value == self.value {
                self.votes += 1;
            } else if value.is_nan() {
                continue;
            } else if self.votes == 0 {
                *self = Self { value, votes: 1 };
            } else {
                self.votes -= 1;
            }
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

#[cfg(test)]
mod tests {
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
}
