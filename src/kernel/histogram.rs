//! Histograms of standardized values: 512 fixed bins, the same for every column.
//!
//! ```text
//! |z| < 4           bins of 1/32                                          2 x 128
//! 4 <= |z| < 2^34   4 bins an octave: 4, 5, 6, 7, 8, 10, 12, 14, 16, ...   2 x 128
//! beyond            one count below, one above; NaN and missing apart
//! ```
//!
//! Since the bins follow from nothing but the format, counts are integers that merge exactly, in any
//! order. Values are counted as float32 whatever type they are written as: the bin is read off the
//! upper bits of |z| + 4, so one that is less than 2^-22 below a bin's upper edge may count as that
//! edge. Invariant: every value that went in is in exactly one count. Beyond 2^34 standard deviations
//! there is no train value in a table of less than 2^68 rows.
//!
//! [`BinCounts`] is what values are counted into, one for a column, side and block; [`Histogram`] is
//! what is kept: a byte or two for each bin that isn't empty, see [`sparse`].

use num_traits::Float;
use serde::{Deserialize, Serialize};

use super::width::widest;

mod sparse;
#[cfg(test)]
mod tests;

pub use sparse::{SparseCounts, SparseCountsError};

/// Bins between the two counts of what is beyond them.
pub const BINS: usize = 512;

/// Bins of a sign's linear part, and of its logarithmic one.
const HALF: usize = 128;
/// The first bin past the linear part.
const LINEAR_BINS_END: usize = 3 * HALF;
/// Where the logarithmic part begins.
const LINEAR_END: f32 = 4.0;
/// Where it ends.
const LOG_END: f32 = (1_u64 << 34) as f32;
/// Bits of the mantissa that the linear part leaves out: 7 of 23 tell 128 bins of [4, 8) apart.
const LINEAR_SHIFT: u32 = 16;
/// The same for the logarithmic part: 2 of 23 tell 4 bins of an octave apart.
const LOG_SHIFT: u32 = 21;
/// Counts of one sign: its bins, then what is beyond them.
const SIGN_SLOTS: usize = SIGN_OFFSET as usize;
const SIGN_OFFSET: u32 = 257;
/// Counts of both signs, then those of NaN, up to a power of two so that no index can be out of bounds.
const SLOTS: usize = 1024;
/// Neighbouring values count into different tables: equal ones would wait for each other.
const TABLES: usize = 2;
/// Values whose slots are found together, in vectors.
const LANES: usize = 64;

/// The counts of one column and side while values come in.
///
/// ```
/// use prep_stream::kernel::{BinCounts, bin_edges};
///
/// let mut counts = BinCounts::default();
/// counts.extend(&[0.0, 0.01, -5.5, f64::NAN]);
/// let histogram = counts.finish(2);
/// let filled: Vec<_> = histogram.bins().map(|(bin, count)| (bin_edges(bin), count)).collect();
/// assert_eq!(filled, [((-6.0, -5.0), 1), ((0.0, 0.03125), 2)]);
/// assert_eq!((histogram.nans(), histogram.missing()), (1, 2));
/// ```
#[derive(Debug, Clone)]
pub struct BinCounts {
    tables: [[u32; SLOTS]; TABLES],
    /// Values in the tables.
    counted: usize,
    min: f32,
    max: f32,
    /// What no longer fits the tables.
    spilled: Histogram,
}

/// How many values are in each bin, beyond them, NaN or missing; the four verbs are `default`,
/// [`BinCounts::extend`], [`Histogram::merge`], and the accessors.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    missing: u64,
    nans: u64,
    below: u64,
    above: u64,
    min: Option<f32>,
    max: Option<f32>,
    bins: SparseCounts,
}

impl Default for BinCounts {
    fn default() -> Self {
        Self {
            tables: [[0; SLOTS]; TABLES],
            counted: 0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
            spilled: Histogram::default(),
        }
    }
}

impl BinCounts {
    /// Counts standardized values.
    pub fn extend<T: Float>(&mut self, values: &[T]) {
        for values in values.chunks(1 << 30) {
            if self.counted.saturating_add(values.len()) > u32::MAX as usize {
                self.spill(0);
            }
            self.counted += values.len();
            self.count(values);
        }
    }

    /// Counts a standardized value so many times.
    pub fn extend_repeated<T: Float>(&mut self, value: T, times: u32) {
        if times == 0 {
            return;
        }
        if self.counted.saturating_add(times as usize) > u32::MAX as usize {
            self.spill(0);
        }
        self.counted += times as usize;
        let z = value.to_f32().unwrap_or(f32::NAN);
        self.tables[0][slot_of(z) as usize % SLOTS] += times;
        // NaN is never smaller or larger.
        self.min = self.min.min(z);
        self.max = self.max.max(z);
    }

    /// What was counted, and `missing` values that have none.
    pub fn finish(mut self, missing: u64) -> Histogram {
        self.spill(missing);
        self.spilled
    }

    fn count<T: Float>(&mut self, values: &[T]) {
        widest(
            #[inline(always)]
            || self.count_all(values),
        );
    }

    #[inline(always)]
    fn count_all<T: Float>(&mut self, values: &[T]) {
        let (mut narrow, mut slots) = ([0.0; LANES], [0; LANES]);
        let (mut min, mut max) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
        let (blocks, rest) = values.as_chunks::<LANES>();
        let mut last = [T::nan(); LANES];
        last[..rest.len()].copy_from_slice(rest);
        let whole = blocks.iter().map(|block| (block, LANES));
        for (block, rows) in whole.chain([(&last, rest.len())]) {
            // One loop each, so that each becomes vectors. NaN is never smaller or larger.
            for (narrow, z) in narrow.iter_mut().zip(block) {
                *narrow = z.to_f32().unwrap_or(f32::NAN);
            }
            for (slot, &z) in slots.iter_mut().zip(&narrow) {
                *slot = slot_of(z);
            }
            for (min, &z) in min.iter_mut().zip(&narrow) {
                *min = if z < *min { z } else { *min };
            }
            for (max, &z) in max.iter_mut().zip(&narrow) {
                *max = if z > *max { z } else { *max };
            }
            for (lane, slot) in slots.iter().take(rows).enumerate() {
                self.tables[lane % TABLES][*slot as usize % SLOTS] += 1;
            }
        }
        self.min = min.into_iter().fold(self.min, f32::min);
        self.max = max.into_iter().fold(self.max, f32::max);
    }

    /// Takes everything out of the tables.
    fn spill(&mut self, missing: u64) {
        let total =
            |slot: usize| -> u64 { self.tables.iter().map(|table| u64::from(table[slot])).sum() };
        let negative = (0..2 * HALF).rev().map(|slot| total(SIGN_SLOTS + slot));
        let positive = (0..2 * HALF).map(total);
        // JSON has no infinity, and -0.0 is 0.0.
        let extreme = |z: f32| (self.min <= self.max).then_some(z.clamp(f32::MIN, f32::MAX) + 0.0);
        self.spilled.merge(&Histogram {
            missing,
            nans: (2 * SIGN_SLOTS..SLOTS).map(total).sum(),
            below: total(2 * SIGN_SLOTS - 1),
            above: total(SIGN_SLOTS - 1),
            min: extreme(self.min),
            max: extreme(self.max),
            bins: SparseCounts::new(negative.chain(positive)),
        });
        self.tables = [[0; SLOTS]; TABLES];
        self.counted = 0;
    }
}

impl Histogram {
    /// Adds another histogram of the same column and side.
    pub fn merge(&mut self, other: &Self) {
        self.missing += other.missing;
        self.nans += other.nans;
        self.below += other.below;
        self.above += other.above;
        self.min = extreme(self.min, other.min, f32::min);
        self.max = extreme(self.max, other.max, f32::max);
        self.bins.merge(&other.bins);
    }

    /// The bins that aren't empty, in order, each with its count.
    pub fn bins(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.bins.iter()
    }

    /// Rows without a value.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Values that are NaN.
    pub fn nans(&self) -> u64 {
        self.nans
    }

    /// Values below the first bin.
    pub fn below(&self) -> u64 {
        self.below
    }

    /// Values above the last bin.
    pub fn above(&self) -> u64 {
        self.above
    }

    /// Values that are numbers, whatever they are.
    pub fn values(&self) -> u64 {
        self.bins().map(|(_, count)| count).sum::<u64>() + self.below + self.above
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.values() + self.nans + self.missing
    }

    /// Mean and standard deviation of the values, as far as the bins tell: each value taken for the
    /// middle of its bin, so off by 1/64 at most within 4. `None` without values, or with some beyond
    /// the bins.
    pub fn estimate(&self) -> Option<(f64, f64)> {
        let count = self.values();
        if count == 0 || self.below + self.above > 0 {
            return None;
        }
        let (low, high) = (f64::from(self.min?), f64::from(self.max?));
        let middles = || {
            self.bins().map(|(bin, count)| {
                let (lower, upper) = bin_edges(bin);
                let middle = lower.max(low) * 0.5 + upper.min(high) * 0.5;
                (middle, count as f64)
            })
        };
        let count = count as f64;
        let mean = middles().map(|(z, n)| z * n).sum::<f64>() / count;
        let square = middles().map(|(z, n)| (z - mean).powi(2) * n).sum::<f64>();
        Some((mean, (square / count).sqrt()))
    }

    /// Its counts with `merge` neighbours of the linear bins joined to one, a power of two up to 128;
    /// of the others, two for 64 and four for 128, which is an octave.
    pub fn merged_bins(&self, merge: usize) -> SparseCounts {
        let (linear, far) = (2 * HALF / merge, (merge / 32).max(1));
        let mut counts = vec![0; 2 * HALF / far + linear];
        for (bin, count) in self.bins() {
            let into = match bin {
                0..HALF => bin / far,
                HALF..LINEAR_BINS_END => HALF / far + (bin - HALF) / merge,
                _ => HALF / far + linear + (bin - LINEAR_BINS_END) / far,
            };
            counts[into] += count;
        }
        SparseCounts::new(counts)
    }

    /// The smallest value as float32, if there is one; an infinite one counts as the largest finite one.
    pub fn min(&self) -> Option<f32> {
        self.min
    }

    /// The largest value, likewise.
    pub fn max(&self) -> Option<f32> {
        self.max
    }
}

fn extreme(a: Option<f32>, b: Option<f32>, pick: fn(f32, f32) -> f32) -> Option<f32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (a, b) => a.or(b),
    }
}

/// Lower and upper edge of a bin; its values are at least the edge nearer to 0, and less than the
/// other one, in absolute value.
pub fn bin_edges(bin: usize) -> (f64, f64) {
    let edge = |slot: usize| -> f64 {
        if slot < HALF {
            return slot as f64 * (f64::from(LINEAR_END) / HALF as f64);
        }
        let (octave, quarter) = ((slot - HALF) / 4, (slot - HALF) % 4);
        let octave = i32::try_from(octave).unwrap_or(i32::MAX);
        f64::from(LINEAR_END) * 2.0_f64.powi(octave) * (1.0 + quarter as f64 / 4.0)
    };
    match bin.checked_sub(2 * HALF) {
        Some(slot) => (edge(slot), edge(slot + 1)),
        None => {
            let slot = 2 * HALF - 1 - bin;
            (-edge(slot + 1), -edge(slot))
        }
    }
}

/// Where a value is counted. No branch: the part that doesn't apply gives 0, or 128 for the linear one
/// where the other begins. NaN goes through the logarithmic part, which it leaves beyond all others.
#[inline(always)]
fn slot_of(z: f32) -> u32 {
    const LINEAR_ZERO: u32 = LINEAR_END.to_bits() >> LINEAR_SHIFT;
    const LOG_ZERO: u32 = LINEAR_END.to_bits() >> LOG_SHIFT;
    // -0.0 is 0.0.
    let z = z + 0.0;
    let size = z.abs();
    let near = if size < LINEAR_END { size } else { LINEAR_END };
    let far = if LINEAR_END > size { LINEAR_END } else { size };
    let far = if LOG_END < far { LOG_END } else { far };
    let linear = ((near + LINEAR_END).to_bits() >> LINEAR_SHIFT) - LINEAR_ZERO;
    let log = (far.to_bits() >> LOG_SHIFT) - LOG_ZERO;
    let negative = (z.to_bits().cast_signed() >> 31).cast_unsigned() & SIGN_OFFSET;
    linear + log + negative
}
