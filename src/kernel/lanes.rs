//! One sub-chunk: its finite train values as a pivot and the sums of differences to it.
//!
//! ```text
//! p = rounded mean, within [min, max]     D = sum(x - p)     Q = sum((x - p)^2)
//! ```
//!
//! Invariant: the same bits at every vector width. The sums run in 16 lanes, lane = row mod 16, join
//! in a fixed tree, use no fused multiply-add, and a row that does not count adds +0.0. Values whose
//! squares would over- or underflow are scaled by a power of two first. Limit: 4,096 rows, so that
//! both passes stay in the first-level cache.

use num_traits::Float;

use super::TrainRows;

/// Rows of a sub-chunk, counted from the start of the row group (text: of the file).
pub const SUB_CHUNK_ROWS: usize = 4096;

/// Independent accumulators; rows of a sub-chunk go round them.
const LANES: usize = 16;

/// Ranges from 2^-480 to 2^480 have squares whose sum neither over- nor underflows.
const PLAIN_EXPONENT_MAX: i32 = 480;

/// The train rows of one sub-chunk.
pub(super) struct SubChunk {
    /// Finite values.
    pub(super) count: u64,
    /// Train rows without a value.
    pub(super) nulls: u64,
    /// NaN among the values.
    pub(super) nans: u64,
    pub(super) positive_infinities: u64,
    pub(super) negative_infinities: u64,
    /// Smallest and largest finite value, zeros positive; crossed if there is none.
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

/// Room for one sub-chunk, filled up with NaN to a multiple of the lanes.
pub(super) struct Stage([f64; SUB_CHUNK_ROWS]);

impl Stage {
    pub(super) fn new() -> Self {
        Self([0.0; SUB_CHUNK_ROWS])
    }

    /// Folds rows `start..` of a column, at most a sub-chunk of them.
    pub(super) fn fold<T: Float>(&mut self, rows: &TrainRows<'_, T>, start: usize) -> SubChunk {
        let length = (rows.rows() - start).min(SUB_CHUNK_ROWS);
        let values = &rows.values()[start..start + length];
        let mut selected = [0_u64; SUB_CHUNK_ROWS / 64];
        let (mut train_rows, mut present) = (0, 0);
        for (index, word) in selected.iter_mut().enumerate().take(length.div_ceil(64)) {
            let (train, value) = rows.selected(start + index * 64);
            train_rows += u64::from(train.count_ones());
            present += u64::from(value.count_ones());
            *word = value;
        }
        let staged = &mut self.0[..length.next_multiple_of(LANES)];
        let (staged, _) = staged.as_chunks_mut::<LANES>();
        let seen = stage(values, &selected, staged);
        let mut chunk = SubChunk {
            count: present,
            nulls: train_rows - present,
            nans: 0,
            positive_infinities: 0,
            negative_infinities: 0,
            min: seen.min,
            max: seen.max,
            pivot: 0.0,
            differences: 0.0,
            squares: 0.0,
            scale_exponent: 0,
        };
        if !seen.all_finite {
            chunk.count_not_finite(values, &selected);
        }
        if chunk.count > 0 {
            chunk.sum(staged, seen.sum);
        }
        chunk
    }
}

impl SubChunk {
    /// Tells NaN from infinities among the selected rows: the slow path of unclean data.
    fn count_not_finite<T: Float>(&mut self, values: &[T], selected: &[u64]) {
        for (index, value) in values.iter().enumerate() {
            let is_selected = selected[index / 64] >> (index % 64) & 1 == 1;
            if !is_selected || value.is_finite() {
                continue;
            }
            self.count -= 1;
            if value.is_nan() {
                self.nans += 1;
            } else if value.is_sign_positive() {
                self.positive_infinities += 1;
            } else {
                self.negative_infinities += 1;
            }
        }
    }

    /// Pivot, differences and squares; there is at least one finite value, and `sum` is their
    /// unscaled sum.
    fn sum(&mut self, staged: &mut [[f64; LANES]], sum: f64) {
        let count = self.count as f64;
        if self.min == self.max {
            self.pivot = self.min;
            return;
        }
        let scale_exponent = scale_exponent(self.max - self.min);
        if scale_exponent == 0 {
            self.pivot = (sum / count).clamp(self.min, self.max);
            (self.differences, self.squares) = deviations(staged, self.pivot);
            return;
        }
        let scale = power_of_two(scale_exponent);
        for value in staged.as_flattened_mut() {
            *value *= scale;
        }
        let mean = tree(deviation_lanes(staged, 0.0).0) / count;
        // The pivot is a value of the original scale, so that every sum keeps to the exact unit.
        self.pivot = (mean * power_of_two(-scale_exponent)).clamp(self.min, self.max);
        (self.differences, self.squares) = deviations(staged, self.pivot * scale);
        self.scale_exponent = scale_exponent;
    }
}

/// The power of two that brings a range near 1, or 0 where its square is harmless.
fn scale_exponent(range: f64) -> i32 {
    let exponent = if range.is_infinite() {
        1024
    } else if range.is_normal() {
        i32::from((range.to_bits() >> 52) as u16) - 1023
    } else {
        -1022
    };
    if exponent.abs() <= PLAIN_EXPONENT_MAX {
        0
    } else {
        (-exponent).clamp(-1022, 1022)
    }
}

/// `2^exponent`, exactly; the exponent is within -1022..=1023.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(u64::try_from(exponent + 1023).unwrap_or(0) << 52)
}

/// What the first pass sees.
struct Seen {
    all_finite: bool,
    sum: f64,
    min: f64,
    max: f64,
}

/// All bits set where the row is not selected, for each 4 rows: or-ed to a value they make it NaN.
const NOT_SELECTED: [[u64; 4]; 16] = {
    let mut table = [[0; 4]; 16];
    let mut bits = 0;
    while bits < 16 {
        let mut row = 0;
        while row < 4 {
            table[bits][row] = if bits >> row & 1 == 1 { 0 } else { u64::MAX };
            row += 1;
        }
        bits += 1;
    }
    table
};

/// Copies the values to `staged`, NaN where a row does not count, and sums them up.
fn stage<T: Float>(values: &[T], selected: &[u64], staged: &mut [[f64; LANES]]) -> Seen {
    let mut lanes = FirstPass::new();
    let (groups, rest) = values.as_chunks::<LANES>();
    for (index, (group, slot)) in groups.iter().zip(staged.iter_mut()).enumerate() {
        *slot = lanes.push(group, selected[index / 4] >> (index % 4 * LANES));
    }
    if let Some(slot) = staged.get_mut(groups.len()) {
        let mut group = [T::nan(); LANES];
        group[..rest.len()].copy_from_slice(rest);
        *slot = lanes.push(
            &group,
            selected[groups.len() / 4] >> (groups.len() % 4 * LANES),
        );
    }
    Seen {
        all_finite: lanes.finite == [u64::MAX; 2],
        sum: tree(lanes.sum),
        min: lanes.min.iter().copied().fold(f64::INFINITY, smaller),
        max: lanes.max.iter().copied().fold(f64::NEG_INFINITY, larger),
    }
}

/// Accumulators of the first pass. Extremes do not depend on the order: half the lanes will do.
struct FirstPass {
    sum: [f64; LANES],
    /// All bits set while every selected value is finite.
    finite: [u64; 2],
    min: [f64; LANES / 2],
    max: [f64; LANES / 2],
}

impl FirstPass {
    fn new() -> Self {
        Self {
            sum: [0.0; LANES],
            finite: [u64::MAX; 2],
            min: [f64::INFINITY; LANES / 2],
            max: [f64::NEG_INFINITY; LANES / 2],
        }
    }

    /// Takes 16 rows whose selection is the lowest 16 bits; returns what the second pass reads.
    #[inline(always)]
    fn push<T: Float>(&mut self, group: &[T; LANES], selected: u64) -> [f64; LANES] {
        let mut staged = [0.0; LANES];
        let mut missing = [0; LANES];
        for lane in 0..LANES {
            missing[lane] = NOT_SELECTED[(selected >> (lane / 4 * 4) & 15) as usize][lane % 4];
            let value = group[lane].to_f64().unwrap_or(f64::NAN);
            staged[lane] = finite_or_nan(f64::from_bits(value.to_bits() | missing[lane]));
        }
        for lane in 0..LANES {
            let is_value = !staged[lane].is_nan();
            self.sum[lane] += if is_value { staged[lane] } else { 0.0 };
            self.finite[lane % 2] &= if is_value { u64::MAX } else { missing[lane] };
        }
        for lane in 0..LANES / 2 {
            let other = lane + LANES / 2;
            self.min[lane] = smaller(smaller(self.min[lane], staged[lane]), staged[other]);
            self.max[lane] = larger(larger(self.max[lane], staged[lane]), staged[other]);
        }
        staged
    }
}

/// The value; NaN for an infinity, 0.0 for -0.0.
#[inline(always)]
#[expect(
    clippy::eq_op,
    reason = "what is infinite minus itself is NaN, all else 0.0"
)]
fn finite_or_nan(value: f64) -> f64 {
    value + (value - value)
}

/// `value` if it is smaller, else `so_far`; so NaN never gets in.
#[inline(always)]
fn smaller(so_far: f64, value: f64) -> f64 {
    if value < so_far { value } else { so_far }
}

/// `value` if it is larger, else `so_far`; so NaN never gets in.
#[inline(always)]
fn larger(so_far: f64, value: f64) -> f64 {
    if value > so_far { value } else { so_far }
}

/// D and Q of what is staged.
fn deviations(staged: &[[f64; LANES]], pivot: f64) -> (f64, f64) {
    let (differences, squares) = deviation_lanes(staged, pivot);
    (tree(differences), tree(squares))
}

/// The second pass: differences to the pivot and their squares, by lane.
fn deviation_lanes(staged: &[[f64; LANES]], pivot: f64) -> ([f64; LANES], [f64; LANES]) {
    let mut differences = [0.0; LANES];
    let mut squares = [0.0; LANES];
    for group in staged {
        for lane in 0..LANES {
            let difference = group[lane] - pivot;
            let difference = if difference == difference {
                difference
            } else {
                0.0
            };
            differences[lane] += difference;
            squares[lane] += difference * difference;
        }
    }
    (differences, squares)
}

/// Joins the lanes: halves onto each other, 16 to 8 to 4 to 2 to 1.
fn tree(mut lanes: [f64; LANES]) -> f64 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}
