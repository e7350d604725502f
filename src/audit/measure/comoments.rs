//! `CoMoments`: means, squares and products of two columns, for their correlation.
//!
//! Two sweeps over each run, then Chan's merge (Schubert and Gertz 2018, eq. 21 and 22).

use super::lanes::{lanes, pair_lanes};

/// Rows in which both columns have a finite value.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct CoMoments {
    count: u64,
    means: [f64; 2],
    squares: [f64; 2],
    product: f64,
}

/// The straight line through two columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line {
    /// Rows it goes through.
    pub(crate) count: u64,
    /// Pearson's correlation.
    pub(crate) correlation: f64,
    /// `y = intercept + slope x`.
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    /// Standard deviation of `y`.
    pub(crate) y_sd: f64,
}

impl CoMoments {
    /// Takes in a run of rows.
    pub(crate) fn extend(&mut self, x: &[f64], y: &[f64]) {
        let rows = x.len().min(y.len());
        let (x, y) = (&x[..rows], &y[..rows]);
        let run = Self::of_finite(x, y).unwrap_or_else(|| Self::of_some(x, y));
        self.merge(&run);
    }

    /// The moments of a run of pairs, if all of them are finite.
    fn of_finite(x: &[f64], y: &[f64]) -> Option<Self> {
        let sums = [lanes(x, |x| x), lanes(y, |y| y)];
        // Anything that isn't finite would have made a sum something that isn't.
        if x.is_empty() || sums.iter().any(|sum| !sum.is_finite()) {
            return None;
        }
        let means = sums.map(|sum| sum / x.len() as f64);
        let [x_mean, y_mean] = means;
        Some(Self {
            count: x.len() as u64,
            means,
            squares: [
                lanes(x, |x| (x - x_mean) * (x - x_mean)),
                lanes(y, |y| (y - y_mean) * (y - y_mean)),
            ],
            product: pair_lanes(x, y, |x, y| (x - x_mean) * (y - y_mean)),
        })
    }

    /// The same of those among them that are finite.
    fn of_some(x: &[f64], y: &[f64]) -> Self {
        let pairs = x.iter().zip(y);
        let both = |(x, y): &(&f64, &f64)| x.is_finite() && y.is_finite();
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.filter(both).unzip();
        match x.is_empty() {
            true => Self::default(),
            false => Self::of_rows(x.iter().zip(&y)),
        }
    }

    /// One pair after the other: also where sums of finite values overflow.
    fn of_rows<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)> + Clone) -> Self {
        let mut run = Self::default();
        for (x, y) in pairs.clone() {
            run.count += 1;
            run.means[0] += x;
            run.means[1] += y;
        }
        run.means = run.means.map(|sum| sum / run.count as f64);
        for (x, y) in pairs {
            let (dx, dy) = (x - run.means[0], y - run.means[1]);
            run.squares[0] += dx * dx;
            run.squares[1] += dy * dy;
            run.product += dx * dy;
        }
        run
    }

    /// Takes in what another state has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (mine, theirs) = (self.count as f64, other.count as f64);
        let weight = mine * theirs / (mine + theirs);
        let [dx, dy] = [0, 1].map(|axis| other.means[axis] - self.means[axis]);
        for (axis, difference) in [dx, dy].into_iter().enumerate() {
            self.means[axis] += difference * (theirs / (mine + theirs));
            self.squares[axis] += other.squares[axis] + difference * difference * weight;
        }
        self.product += other.product + dx * dy * weight;
        self.count += other.count;
    }

    /// The least-squares line, if neither column is constant.
    pub(crate) fn line(&self) -> Option<Line> {
        let [x, y] = self.squares;
        let norm = x.sqrt() * y.sqrt();
        if self.count < 2 || !norm.is_normal() {
            return None;
        }
        let slope = self.product / x;
        Some(Line {
            count: self.count,
            correlation: self.product / norm,
            slope,
            intercept: self.means[1] - slope * self.means[0],
            y_sd: (y / self.count as f64).sqrt(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_whatever_the_runs() {
        let x: Vec<f64> = (0..1000_i32).map(|i| f64::from(i * i % 101)).collect();
        let y: Vec<f64> = x.iter().map(|x| 1e6 - 2.5 * x).collect();
        for cut in [1, 10, 999] {
            let mut state = CoMoments::default();
            x.chunks(cut)
                .zip(y.chunks(cut))
                .for_each(|(x, y)| state.extend(x, y));
            let line = state.line().unwrap();
            assert!((line.correlation + 1.0).abs() < 1e-12, "{line:?}");
            assert!((line.slope + 2.5).abs() < 1e-9 && (line.intercept - 1e6).abs() < 1e-6);
        }
        let mut constant = CoMoments::default();
        constant.extend(&x, &vec![3.0; x.len()]);
        assert_eq!(constant.line(), None);
    }
}
