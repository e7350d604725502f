//! One sub-chunk: its finite train values as a pivot and the sums of differences to it.
//!
//! ```text
//! p = rounded mean, within [min, max]     D = sum(x - p)     Q = sum((x - p)^2)
//! ```
//!
//! Any p near the mean would do: the sums are put together exactly. It is rounded to a 64th of the
//! range, to a power of two, so that differences keep few digits: those of integers up to a million
//! apart, and their squares, add up without any rounding at all.
//!
//! Invariant: the same bits at every vector width. The sums run in 16 lanes, lane = row mod 16, join
//! in a fixed tree, use no fused multiply-add, and a row that does not count adds +0.0. Values whose
//! squares would over- or underflow are scaled by a power of two first. Limit: 4,096 rows, so that
//! the second pass reads from the first-level cache.

use num_traits::Float;

use super::TrainRows;
use super::passes::{Extent, deviations, extent};

/// Rows of a sub-chunk, counted from the start of the row group (text: of the file).
pub const SUB_CHUNK_ROWS: usize = 4096;

/// Ranges from 2^-480 to 2^480 have squares whose sum neither over- nor underflows.
const PLAIN_EXPONENT_MAX: i32 = 480;

/// The pivot is rounded to the range's power of two by this many bits.
const PIVOT_BITS: i32 = 6;

/// A bit for each row of a sub-chunk.
pub(super) type Selection = [u64; SUB_CHUNK_ROWS / 64];

/// The train rows of one sub-chunk.
#[derive(Default)]
pub(super) struct SubChunk {
    /// Finite values.
    pub(super) count: u64,
    /// Train rows without a value.
    pub(super) nulls: u64,
    /// NaN among the values.
    pub(super) nans: u64,
    pub(super) positive_infinities: u64,
    pub(super) negative_infinities: u64,
    /// Smallest and largest finite value, zeros positive; of no meaning if there is none.
    pub(super) min: f64,
    pub(super) max: f64,
    /// p.
    pub(super) pivot: f64,
    /// D * 2^scale_exponent.
    pub(super) differences: f64,
    /// Q * 2^(2 * scale_exponent).
    pub(super) squares: f64,
    pub(super) scale_exponent: i32,
}

impl SubChunk {
    /// Folds rows `start..` of a column, at most a sub-chunk of them.
    pub(super) fn fold<T: Float>(rows: &TrainRows<'_, T>, start: usize) -> Self {
        let length = (rows.rows() - start).min(SUB_CHUNK_ROWS);
        let values = &rows.values()[start..start + length];
        let mut chunk = Self::default();
        let mut selected = [0; SUB_CHUNK_ROWS / 64];
        for (index, word) in selected.iter_mut().enumerate().take(length.div_ceil(64)) {
            let (train, present) = rows.selected(start + index * 64);
            chunk.count += u64::from(present.count_ones());
            chunk.nulls += u64::from((train & !present).count_ones());
            *word = present;
        }
        if chunk.count == 0 {
            return chunk;
        }
        let mut seen = extent(values, &selected);
        if !seen.sum.is_finite() {
            chunk.leave_out_not_finite(values, &mut selected);
            seen = extent(values, &selected);
        }
        if chunk.count > 0 {
            chunk.sum(values, &selected, &seen);
        }
        chunk
    }

    /// Takes NaN and infinities out of the selection, and counts them.
    fn leave_out_not_finite<T: Float>(&mut self, values: &[T], selected: &mut Selection) {
        for (word, values) in selected.iter_mut().zip(values.chunks(64)) {
            let finite = values.iter().rev().fold(0_u64, |bits, value| {
                (bits << 1) + u64::from(value.is_finite())
            });
            let mut rest = *word & !finite;
            *word &= finite;
            while rest != 0 {
                let value = values[rest.trailing_zeros() as usize];
                self.count -= 1;
                self.nans += u64::from(value.is_nan());
                self.positive_infinities += u64::from(value == T::infinity());
                self.negative_infinities += u64::from(value == T::neg_infinity());
                rest &= rest - 1;
            }
        }
    }

    /// Pivot, differences and squares; there is at least one selected value, and all are finite.
    fn sum<T: Float>(&mut self, values: &[T], selected: &Selection, seen: &Extent) {
        (self.min, self.max) = (seen.min, seen.max);
        if seen.min == seen.max {
            self.pivot = seen.min;
            return;
        }
        self.scale_exponent = scale_exponent(seen.max - seen.min);
        if self.scale_exponent != 0 {
            self.sum_scaled(values, selected);
            return;
        }
        let grid = power_of_two(exponent_of(seen.max - seen.min) - PIVOT_BITS);
        let mean = seen.sum / self.count as f64;
        self.pivot = ((mean / grid).round_ties_even() * grid).clamp(seen.min, seen.max);
        (self.differences, self.squares) = deviations(values, selected, self.pivot);
    }

    /// The same with every value scaled to a range near 1.
    #[cold]
    fn sum_scaled<T: Float>(&mut self, values: &[T], selected: &Selection) {
        let scale = power_of_two(self.scale_exponent);
        let wide = |value: &T| value.to_f64().unwrap_or(f64::NAN) * scale;
        let scaled: Vec<f64> = values.iter().map(wide).collect();
        let mean = extent(&scaled, selected).sum / self.count as f64;
        // The pivot is a value of the original scale, so that every sum keeps to the exact unit.
        self.pivot = (mean * power_of_two(-self.scale_exponent)).clamp(self.min, self.max);
        (self.differences, self.squares) = deviations(&scaled, selected, self.pivot * scale);
    }
}

/// The power of two that brings a range near 1, or 0 where its square is harmless.
fn scale_exponent(range: f64) -> i32 {
    let exponent = if range.is_infinite() {
        1024
    } else if range.is_normal() {
        exponent_of(range)
    } else {
        -1022
    };
    if exponent.abs() <= PLAIN_EXPONENT_MAX {
        0
    } else {
        (-exponent).clamp(-1022, 1022)
    }
}

/// The exponent of the largest power of two that is at most `value`, a positive normal number.
fn exponent_of(value: f64) -> i32 {
    i32::from((value.to_bits() >> 52) as u16) - 1023
}

/// `2^exponent`, exactly; the exponent is within -1022..=1023.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(u64::try_from(exponent + 1023).unwrap_or(0) << 52)
}
