//! `Trend`: whether values only grow, or only shrink, from row to row.

/// A run of rows as its ends and what lies between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Trend {
    ends: Option<(f64, f64)>,
    is_growing: bool,
    is_shrinking: bool,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            ends: None,
            is_growing: true,
            is_shrinking: true,
        }
    }
}

impl Trend {
    /// Takes in the next rows; a missing value ends every trend.
    pub(crate) fn extend(&mut self, values: &[f64]) {
        let (Some(first), Some(last)) = (values.first(), values.last()) else {
            return;
        };
        let mut run = Self {
            ends: Some((*first, *last)),
            ..Self::default()
        };
        if self.is_growing || self.is_shrinking {
            run.is_growing = !first.is_nan() && values.windows(2).all(|pair| pair[0] < pair[1]);
            run.is_shrinking = !first.is_nan() && values.windows(2).all(|pair| pair[0] > pair[1]);
        }
        self.merge(&run);
    }

    /// Takes in the rows after these.
    pub(crate) fn merge(&mut self, next: &Self) {
        self.is_growing &= next.is_growing;
        self.is_shrinking &= next.is_shrinking;
        self.ends = match (self.ends, next.ends) {
            (Some((first, end)), Some((start, last))) => {
                self.is_growing &= end < start;
                self.is_shrinking &= end > start;
                Some((first, last))
            }
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// Whether every row is above, or every row below, the one before.
    pub(crate) fn is_monotone(&self) -> bool {
        self.ends.is_some() && (self.is_growing || self.is_shrinking)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strict_trends_over_all_rows_count() {
        let cases: [(&[f64], bool); 6] = [
            (&[1.0, 2.0, 3.0, 10.0], true),
            (&[3.0, 2.0, 1.0], true),
            (&[1.0, 2.0, 2.0, 3.0], false),
            (&[1.0, 3.0, 2.0, 4.0], false),
            (&[1.0, f64::NAN, 3.0], false),
            (&[], false),
        ];
        for (values, expected) in cases {
            for cut in 1..5 {
                let mut trend = Trend::default();
                values.chunks(cut).for_each(|run| trend.extend(run));
                assert_eq!(trend.is_monotone(), expected, "{values:?} by {cut}");
            }
        }
    }
}
