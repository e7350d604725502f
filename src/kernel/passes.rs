//! The two passes over a sub-chunk, written so that compilers vectorize them at any width.
//!
//! Invariant: lane = row mod 16, the lanes join in a fixed tree, no fused multiply-add; a row that is
//! not selected adds +0.0 by its mask, whatever its value. Limit: at most 4,096 rows.

use num_traits::Float;

use super::lanes::Selection;
use super::width::widest;

/// Independent accumulators; rows go round them.
const LANES: usize = 16;

/// Lanes of one sweep: two sweeps keep all accumulators in registers.
const SWEEP: usize = 8;

/// What the first pass finds among the selected values.
pub(super) struct Extent {
    /// Their sum, rounded; not finite if a value isn't, or if it overflows.
    pub(super) sum: f64,
    /// The smallest, infinite if there is none; zeros positive.
    pub(super) min: f64,
    /// The largest, negative infinite if there is none; zeros positive.
    pub(super) max: f64,
}

/// The first pass.
pub(super) fn extent<T: Float>(values: &[T], selected: &Selection) -> Extent {
    widest(
        #[inline(always)]
        || extent_of(values, selected),
    )
}

#[inline(always)]
fn extent_of<T: Float>(values: &[T], selected: &Selection) -> Extent {
    let mut sum = [0.0; LANES];
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    for first in [0, SWEEP] {
        let mut lanes = ExtentLanes {
            sum: [0.0; SWEEP],
            min: [f64::INFINITY; SWEEP],
            max: [f64::NEG_INFINITY; SWEEP],
        };
        sweep(values, selected, first, &mut lanes);
        sum[first..first + SWEEP].copy_from_slice(&lanes.sum);
        min = lanes.min.into_iter().fold(min, smaller);
        max = lanes.max.into_iter().fold(max, larger);
    }
    Extent {
        sum: tree(sum),
        min: min + 0.0,
        max: max + 0.0,
    }
}

/// The second pass: the sum of the differences to the pivot, and the sum of their squares.
pub(super) fn deviations<T: Float>(values: &[T], selected: &Selection, pivot: f64) -> (f64, f64) {
    widest(
        #[inline(always)]
        || deviations_of(values, selected, pivot),
    )
}

#[inline(always)]
fn deviations_of<T: Float>(values: &[T], selected: &Selection, pivot: f64) -> (f64, f64) {
    let mut differences = [0.0; LANES];
    let mut squares = [0.0; LANES];
    for first in [0, SWEEP] {
        let mut lanes = DeviationLanes {
            pivot,
            differences: [0.0; SWEEP],
            squares: [0.0; SWEEP],
        };
        sweep(values, selected, first, &mut lanes);
        differences[first..first + SWEEP].copy_from_slice(&lanes.differences);
        squares[first..first + SWEEP].copy_from_slice(&lanes.squares);
    }
    (tree(differences), tree(squares))
}

/// Accumulators of one sweep.
trait Lanes {
    /// Takes 8 rows; `gone` has all bits set where a row is not selected, none elsewhere.
    fn push(&mut self, values: [f64; SWEEP], gone: [u64; SWEEP]);
}

/// Hands the rows of lanes `first..first + 8` to their accumulators.
#[inline(always)]
fn sweep<T: Float>(values: &[T], selected: &Selection, first: usize, lanes: &mut impl Lanes) {
    let (groups, rest) = values.as_chunks::<LANES>();
    for (index, group) in groups.iter().enumerate() {
        push(group, selected, index, first, lanes);
    }
    if !rest.is_empty() {
        let mut group = [T::zero(); LANES];
        group[..rest.len()].copy_from_slice(rest);
        push(&group, selected, groups.len(), first, lanes);
    }
}

#[inline(always)]
fn push<T: Float>(
    group: &[T; LANES],
    selected: &Selection,
    index: usize,
    first: usize,
    lanes: &mut impl Lanes,
) {
    let bits = selected[index / 4 % selected.len()] >> (index % 4 * LANES + first);
    let mut values = [0.0; SWEEP];
    let mut gone = [0; SWEEP];
    for lane in 0..SWEEP {
        values[lane] = group[first + lane].to_f64().unwrap_or(f64::NAN);
        gone[lane] = GONE[(bits >> (lane / 4 * 4) & 15) as usize][lane % 4];
    }
    lanes.push(values, gone);
}

struct ExtentLanes {
    sum: [f64; SWEEP],
    min: [f64; SWEEP],
    max: [f64; SWEEP],
}

impl Lanes for ExtentLanes {
    #[inline(always)]
    fn push(&mut self, values: [f64; SWEEP], gone: [u64; SWEEP]) {
        let mut chosen = [0.0; SWEEP];
        for lane in 0..SWEEP {
            let bits = values[lane].to_bits();
            self.sum[lane] += f64::from_bits(bits & !gone[lane]);
            // NaN where the row is not selected, so never an extreme.
            chosen[lane] = f64::from_bits(bits | gone[lane]);
        }
        // One loop each: joined, compilers miss the vector form of the maximum.
        for (min, &value) in self.min.iter_mut().zip(&chosen) {
            *min = smaller(*min, value);
        }
        for (max, &value) in self.max.iter_mut().zip(&chosen) {
            *max = larger(*max, value);
        }
    }
}

struct DeviationLanes {
    pivot: f64,
    differences: [f64; SWEEP],
    squares: [f64; SWEEP],
}

impl Lanes for DeviationLanes {
    #[inline(always)]
    fn push(&mut self, values: [f64; SWEEP], gone: [u64; SWEEP]) {
        for lane in 0..SWEEP {
            let difference = (values[lane] - self.pivot).to_bits() & !gone[lane];
            let difference = f64::from_bits(difference);
            self.differences[lane] += difference;
            self.squares[lane] += difference * difference;
        }
    }
}

/// All bits set where a row is not selected, for 4 rows by their selection.
const GONE: [[u64; 4]; 16] = {
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

/// Joins the lanes: halves onto each other, 16 to 8 to 4 to 2 to 1.
#[inline(always)]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::width::tests::at_every_level;
    use super::*;

    proptest! {
        #[test]
        fn both_passes_give_the_same_bits_at_every_vector_width(
            values in prop::collection::vec(any::<f64>(), 1..300),
            words in prop::array::uniform5(any::<u64>()),
            pivot in -1e3..1e3,
        ) {
            let mut selected = [0; super::super::SUB_CHUNK_ROWS / 64];
            selected[..words.len()].copy_from_slice(&words);
            let bits = at_every_level(|| {
                let Extent { sum, min, max } = extent(&values, &selected);
                let (differences, squares) = deviations(&values, &selected, pivot);
                // Which NaN an addition gives is the processor's choice; nothing looks at it.
                [sum, min, max, differences, squares].map(|value| (value + 0.0).to_bits().min(f64::NAN.to_bits()))
            });
            prop_assert!(bits.windows(2).all(|pair| pair[0] == pair[1]), "{bits:x?}");
        }
    }
}
