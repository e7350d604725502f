//! `BottomSample`: the values of the rows with the smallest hashes; and the bins that they make.
//!
//! Invariant: which rows are in it follows from the hashes alone, so neither order nor grouping of what
//! is taken in matters. Limit: bins hold as many rows each as a sample of 16,384 rows can tell.

use serde::{Deserialize, Serialize};

/// Rows in a sample.
const SAMPLE_ROWS: usize = 16 << 10;

/// The rows with the smallest hashes: hash and value of each.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BottomSample(Vec<(u64, f64)>);

impl BottomSample {
    /// Takes in a row; NaN is no value.
    pub fn push(&mut self, hash: u64, value: f64) {
        if !value.is_nan() {
            self.0.push((hash, value));
            if self.0.len() >= 2 * SAMPLE_ROWS {
                self.tidy();
            }
        }
    }

    /// Takes in another sample.
    pub fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.tidy();
    }

    /// Drops what isn't among the smallest.
    pub fn tidy(&mut self) {
        self.0
            .sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        self.0.truncate(SAMPLE_ROWS);
    }

    /// Where `bins` bins of as many rows each end, ascending; fewer where values are equal.
    ///
    /// ```
    /// use prep_stream::kernel::BottomSample;
    ///
    /// let mut sample = BottomSample::default();
    /// (0..8).for_each(|hash| sample.push(hash, (hash / 2) as f64));
    /// assert_eq!(sample.edges(4), [1.0, 2.0, 3.0]);
    /// ```
    pub fn edges(&self, bins: u32) -> Vec<f64> {
        let mut values: Vec<f64> = self.0.iter().map(|(_, value)| value + 0.0).collect();
        values.sort_unstable_by(f64::total_cmp);
        let bins = bins as usize;
        let at = |bin: usize| values.get(bin * values.len() / bins.max(1)).copied();
        let mut edges: Vec<f64> = (1..bins).filter_map(at).collect();
        edges.dedup();
        // Nothing is below the smallest value.
        let least = values.first().copied();
        edges.retain(|edge| least.is_some_and(|least| *edge > least));
        edges
    }
}
