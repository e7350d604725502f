//! `Sums`: count, mean and squares about it, by two sweeps over each run and Chan's merge.
//!
//! Not the fit's exact sums, on purpose: this is what they are checked against. Limit: rounding errors
//! of some units in the last place for each merge.

use super::lanes::lanes;

/// The finite values of a column, and how many others there are.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) count: u64,
    pub(crate) nulls: u64,
    pub(crate) nans: u64,
    pub(crate) infinities: u64,
    mean: f64,
    squares: f64,
}

impl Sums {
    /// Takes in a run of rows, NaN where there is no value; `nulls` of them are null.
    pub(crate) fn extend(&mut self, values: &[f64], nulls: u64) {
        let sum = lanes(values, |value| value);
        // Anything that isn't finite would have made the sum something that isn't.
        let run = match sum.is_finite() && !values.is_empty() {
            true => Self::of_finite(values, sum),
            false => Self::of_some(values, nulls),
        };
        self.merge(&run);
    }

    /// The moments of a run of finite values with this sum.
    fn of_finite(values: &[f64], sum: f64) -> Self {
        let count = values.len() as u64;
        let rough = sum / count as f64;
        // The mean of what is left corrects the rounding of the first sum.
        let mean = rough + lanes(values, |value| value - rough) / count as f64;
        Self {
            count,
            mean,
            squares: lanes(values, |value| (value - mean) * (value - mean)),
            ..Self::default()
        }
    }

    /// The same of those among them that are finite.
    fn of_some(values: &[f64], nulls: u64) -> Self {
        let counts = |is: fn(f64) -> bool| values.iter().filter(|value| is(**value)).count() as u64;
        let (count, nans) = (counts(f64::is_finite), counts(f64::is_nan));
        let mut run = Self {
            count,
            nulls,
            nans: nans.saturating_sub(nulls),
            infinities: values.len() as u64 - count - nans,
            ..Self::default()
        };
        if count > 0 {
            let mean = |sum: f64| sum / count as f64;
            let rough = mean(finite(values, |value| value));
            run.mean = rough + mean(finite(values, |value| value - rough));
            run.squares = finite(values, |value| (value - run.mean) * (value - run.mean));
        }
        run
    }

    /// Takes in what another state has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        let (mine, theirs) = (self.count as f64, other.count as f64);
        if other.count > 0 {
            let difference = other.mean - self.mean;
            let total = mine + theirs;
            self.mean += difference * (theirs / total);
            self.squares += other.squares + difference * difference * (mine * theirs / total);
        }
        self.count += other.count;
        self.nulls += other.nulls;
        self.nans += other.nans;
        self.infinities += other.infinities;
    }

    /// Rows without a value.
    pub(crate) fn missing(&self) -> u64 {
        self.nulls + self.nans + self.infinities
    }

    /// The mean of the finite values.
    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The standard deviation with divisor `count - ddof`.
    pub(crate) fn sd(&self, ddof: u32) -> Option<f64> {
        let divisor = self.count.checked_sub(u64::from(ddof)).filter(|n| *n > 0)?;
        Some((self.squares / divisor as f64).sqrt())
    }
}

/// The sum of `term` over the finite values.
#[inline(always)]
fn finite(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    lanes(
        values,
        |value| {
            if value.is_finite() { term(value) } else { 0.0 }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_runs_have_the_moments_of_all_values() {
        let values: Vec<f64> = (0..10_000).map(|i| 1e9 + f64::from(i % 100)).collect();
        let mut sums = Sums::default();
        for run in values.chunks(777) {
            sums.extend(run, 0);
        }
        sums.extend(&[f64::NAN, f64::NAN, f64::INFINITY], 1);
        assert_eq!((sums.count, sums.missing(), sums.nulls), (10_000, 3, 1));
        assert!((sums.mean().unwrap() - (1e9 + 49.5)).abs() < 1e-6);
        assert!((sums.sd(0).unwrap() - 833.25_f64.sqrt()).abs() < 1e-6);
        assert_eq!(Sums::default().sd(0), None);
    }
}
