//! Routing values to their sides, in order.
//!
//! Invariant: a row's value lands on the side that [`Sides`] gives it and nowhere else, and the rows
//! of a side keep their order.

use super::sides::{WRITTEN_SIDES, low_bits, word_at};
use super::{Side, Sides};

/// The rows of each written side, in the order of [`Side::WRITTEN`].
pub type Parts<T> = [Vec<T>; WRITTEN_SIDES];

impl Sides {
    /// Appends each value to its side; the first value is row `first`.
    ///
    /// ```
    /// use prep_stream::kernel::{Parts, Side, Sides};
    ///
    /// let mut sides = Sides::default();
    /// [Side::Train, Side::Test, Side::LeftOut, Side::Val].into_iter().for_each(|side| sides.push(side));
    /// let mut parts = Parts::default();
    /// sides.partition(0, &["a", "b", "c", "d"], &mut parts);
    /// let [train, val, test] = parts;
    /// assert_eq!((train, val, test), (vec!["a"], vec!["d"], vec!["b"]));
    /// ```
    ///
    /// # Panics
    /// If there are more values than rows with a side.
    pub fn partition<T: Clone>(&self, first: usize, values: &[T], parts: &mut Parts<T>) {
        self.check_range(first, values.len());
        for (index, chunk) in values.chunks(64).enumerate() {
            let (low, high) = self.words(first + index * 64);
            for (row, value) in chunk.iter().enumerate() {
                let side = Side::of_bits(low >> row, high >> row);
                if let Some(part) = parts.get_mut(side.index()) {
                    part.push(value.clone());
                }
            }
        }
    }

    /// [`Sides::partition`] for plain values: no branch depends on a row's side.
    ///
    /// # Panics
    /// If there are more values than rows with a side.
    pub fn partition_copy<T: Copy + Default>(
        &self,
        first: usize,
        values: &[T],
        parts: &mut Parts<T>,
    ) {
        self.check_range(first, values.len());
        // Once for buffers that are used again, instead of doubling them.
        parts.iter_mut().for_each(|part| part.reserve(values.len()));
        let mut train_block = [T::default(); 64];
        let mut test_block = [T::default(); 64];
        let (blocks, rest) = values.as_chunks::<64>();
        for (index, block) in blocks.iter().enumerate() {
            let [train, _, test] = parts;
            match self.words(first + index * 64) {
                (0, 0) => train.extend_from_slice(block),
                (u64::MAX, 0) => test.extend_from_slice(block),
                (word, 0) => {
                    // Each value is written to both blocks; only its own side's cursor moves on.
                    let (mut trains, mut tests) = (0, 0);
                    for (row, &value) in block.iter().enumerate() {
                        let is_test = (word >> row & 1) as usize;
                        train_block[trains & 63] = value;
                        test_block[tests & 63] = value;
                        trains += 1 - is_test;
                        tests += is_test;
                    }
                    train.extend_from_slice(&train_block[..trains]);
                    test.extend_from_slice(&test_block[..tests]);
                }
                (low, high) => partition_block(block, low, high, parts),
            }
        }
        self.partition(first + blocks.len() * 64, rest, parts);
    }

    /// The sides of those rows among `first..first + rows` that have a value: what values stored
    /// without their nulls are partitioned by. `valid` has one bit a row, bit 0 for row `first`.
    ///
    /// ```
    /// use prep_stream::kernel::{Parts, Side, Sides};
    ///
    /// let mut sides = Sides::default();
    /// [Side::Train, Side::Test, Side::Test].into_iter().for_each(|side| sides.push(side));
    /// let mut present = Sides::default();
    /// sides.compact(0, 3, &[0b101], &mut present);
    /// let mut parts = Parts::default();
    /// present.partition_copy(0, &[10, 30], &mut parts);
    /// assert_eq!(parts, [vec![10], vec![], vec![30]]);
    /// ```
    ///
    /// # Panics
    /// If there are more rows than sides, or `valid` is too short for them.
    pub fn compact(&self, first: usize, rows: usize, valid: &[u64], into: &mut Sides) {
        self.check_range(first, rows);
        let bits = valid.len() * 64;
        assert!(
            bits >= rows,
            "validity has {bits} bits, the column {rows} rows"
        );
        for row in (0..rows).step_by(64) {
            let (low, high) = self.words(first + row);
            let present = word_at(valid, row) & low_bits((rows - row).min(64));
            if present == u64::MAX {
                into.push_words(low, high, 64);
                continue;
            }
            let (mut rest, mut packed, mut packed_high, mut count) = (present, 0, 0, 0);
            while rest != 0 {
                let row = rest.trailing_zeros();
                packed |= (low >> row & 1) << count;
                packed_high |= (high >> row & 1) << count;
                count += 1;
                rest &= rest - 1;
            }
            into.push_words(packed, packed_high, count);
        }
    }
}

/// Appends 64 values to any of the sides, in the way that two sides are.
fn partition_block<T: Copy + Default>(block: &[T; 64], low: u64, high: u64, parts: &mut Parts<T>) {
    let mut blocks = [[T::default(); 64]; WRITTEN_SIDES + 1];
    let mut ends = [0; WRITTEN_SIDES + 1];
    for (row, &value) in block.iter().enumerate() {
        let side = Side::of_bits(low >> row, high >> row).index();
        blocks[side][ends[side] & 63] = value;
        ends[side] += 1;
    }
    for ((part, block), end) in parts.iter_mut().zip(&blocks).zip(ends) {
        part.extend_from_slice(&block[..end]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sides_of(rows: &[Side]) -> Sides {
        let mut sides = Sides::default();
        rows.iter().for_each(|side| sides.push(*side));
        sides
    }

    /// Two sides or all of them, in runs long enough to fill words with one.
    fn rows() -> impl Strategy<Value = Vec<Side>> {
        let side = prop_oneof![
            Just(vec![Side::Train, Side::Test]),
            Just(vec![Side::Train, Side::Val, Side::Test, Side::LeftOut]),
        ];
        side.prop_flat_map(|sides| {
            let run = (
                prop::sample::select(sides),
                prop_oneof![1..5_usize, 60..140_usize],
            );
            prop::collection::vec(run, 0..40)
        })
        .prop_map(|runs| {
            let rows = runs.into_iter();
            rows.flat_map(|(side, rows)| std::iter::repeat_n(side, rows))
                .collect()
        })
    }

    fn expected(rows: &[Side], first: usize) -> Parts<usize> {
        Side::WRITTEN.map(|side| {
            (first..rows.len())
                .filter(|&row| rows[row] == side)
                .collect()
        })
    }

    proptest! {
        #[test]
        fn every_value_lands_on_its_side_in_order(rows in rows(), first in 0_usize..130) {
            let first = first.min(rows.len());
            let sides = sides_of(&rows);
            let values: Vec<usize> = (first..rows.len()).collect();
            let mut parts = Parts::default();
            sides.partition_copy(first, &values, &mut parts);
            prop_assert_eq!(&parts, &expected(&rows, first));
            let mut slow = Parts::default();
            sides.partition(first, &values, &mut slow);
            prop_assert_eq!(parts, slow);
        }

        #[test]
        fn rows_are_counted_by_side(rows in rows(), first in 0_usize..130) {
            let first = first.min(rows.len());
            let sides = sides_of(&rows);
            let within = sides.rows_within(first, rows.len() - first);
            for side in [Side::Train, Side::Val, Side::Test, Side::LeftOut] {
                let on = |rows: &[Side]| rows.iter().filter(|&&other| other == side).count() as u64;
                prop_assert_eq!(within[side.index()], on(&rows[first..]));
                prop_assert_eq!(sides.rows_on(side), on(&rows));
            }
        }

        #[test]
        fn compacted_sides_are_those_of_the_rows_with_a_value(
            rows in rows(),
            missing in prop::collection::btree_set(0_usize..2_000, 0..200),
            first in 0_usize..100,
        ) {
            let first = first.min(rows.len());
            let sides = sides_of(&rows);
            let tail = &rows[first..];
            let mut valid = vec![0_u64; tail.len().div_ceil(64)];
            let present = |row: &usize| !missing.contains(row);
            for row in (0..tail.len()).filter(present) {
                valid[row / 64] |= 1 << (row % 64);
            }
            let mut compacted = Sides::default();
            sides.compact(first, tail.len(), &valid, &mut compacted);
            let expected: Vec<Side> = (0..tail.len()).filter(present).map(|row| tail[row]).collect();
            prop_assert_eq!(compacted, sides_of(&expected));
        }
    }
}
