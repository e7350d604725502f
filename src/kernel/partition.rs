//! Routing values to their sides, in order.
//!
//! Invariant: a row's value lands on the side that [`Sides`] gives it and nowhere else, and the rows
//! of a side keep their order.

use super::sides::{low_bits, word_at};
use super::{Side, Sides};

impl Sides {
    /// Appends each value to its side; the first value is row `first`.
    ///
    /// ```
    /// use prep_stream::kernel::{Side, Sides};
    ///
    /// let mut sides = Sides::default();
    /// [Side::Train, Side::Test, Side::Train].into_iter().for_each(|side| sides.push(side));
    /// let (mut train, mut test) = (vec![], vec![]);
    /// sides.partition(0, &["a", "b", "c"], &mut train, &mut test);
    /// assert_eq!((train, test), (vec!["a", "c"], vec!["b"]));
    /// ```
    ///
    /// # Panics
    /// If there are more values than rows with a side.
    pub fn partition<T: Clone>(
        &self,
        first: usize,
        values: &[T],
        train: &mut Vec<T>,
        test: &mut Vec<T>,
    ) {
        self.check_range(first, values.len());
        for (index, chunk) in values.chunks(64).enumerate() {
            let word = self.word(first + index * 64);
            for (row, value) in chunk.iter().enumerate() {
                let side = if word >> row & 1 == 1 {
                    &mut *test
                } else {
                    &mut *train
                };
                side.push(value.clone());
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
        train: &mut Vec<T>,
        test: &mut Vec<T>,
    ) {
        self.check_range(first, values.len());
        let mut train_block = [T::default(); 64];
        let mut test_block = [T::default(); 64];
        let (blocks, rest) = values.as_chunks::<64>();
        for (index, block) in blocks.iter().enumerate() {
            match self.word(first + index * 64) {
                0 => train.extend_from_slice(block),
                u64::MAX => test.extend_from_slice(block),
                word => {
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
            }
        }
        self.partition(first + blocks.len() * 64, rest, train, test);
    }

    /// The sides of those rows among `first..first + rows` that have a value: what values stored
    /// without their nulls are partitioned by. `valid` has one bit a row, bit 0 for row `first`.
    ///
    /// ```
    /// use prep_stream::kernel::{Side, Sides};
    ///
    /// let mut sides = Sides::default();
    /// [Side::Train, Side::Test, Side::Test].into_iter().for_each(|side| sides.push(side));
    /// let mut present = Sides::default();
    /// sides.compact(0, 3, &[0b101], &mut present);
    /// let (mut train, mut test) = (vec![], vec![]);
    /// present.partition_copy(0, &[10, 30], &mut train, &mut test);
    /// assert_eq!((train, test), (vec![10], vec![30]));
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
            let word = self.word(first + row);
            let present = word_at(valid, row) & low_bits((rows - row).min(64));
            if present == u64::MAX {
                into.push_word(word, 64);
                continue;
            }
            let (mut rest, mut packed, mut count) = (present, 0, 0);
            while rest != 0 {
                packed |= (word >> rest.trailing_zeros() & 1) << count;
                count += 1;
                rest &= rest - 1;
            }
            into.push_word(packed, count);
        }
    }

    /// Splits a validity bitmap: appends the validity of each of the `rows` rows from `first` on to
    /// its side, as one `bool` a row.
    ///
    /// # Panics
    /// If there are more rows than sides.
    pub fn partition_valid(
        &self,
        first: usize,
        rows: usize,
        valid: &[u64],
        train: &mut Vec<bool>,
        test: &mut Vec<bool>,
    ) {
        self.check_range(first, rows);
        for row in 0..rows {
            let is_valid = word_at(valid, row) & 1 == 1;
            match self.side(first + row) {
                Some(Side::Test) => test.push(is_valid),
                _ => train.push(is_valid),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sides_of(is_test: &[bool]) -> Sides {
        let mut sides = Sides::default();
        for &test in is_test {
            sides.push(if test { Side::Test } else { Side::Train });
        }
        sides
    }

    proptest! {
        #[test]
        fn every_value_lands_on_its_side_in_order(
            is_test in prop::collection::vec(prop::bool::weighted(0.3), 0..400),
            first in 0_usize..130,
        ) {
            let first = first.min(is_test.len());
            let sides = sides_of(&is_test);
            let values: Vec<usize> = (first..is_test.len()).collect();
            let (mut train, mut test) = (vec![7], vec![9]);
            sides.partition_copy(first, &values, &mut train, &mut test);
            let (mut slow_train, mut slow_test) = (vec![7], vec![9]);
            sides.partition(first, &values, &mut slow_train, &mut slow_test);
            prop_assert_eq!(&train, &slow_train);
            prop_assert_eq!(&test, &slow_test);
            prop_assert!(test[1..].iter().all(|&row| is_test[row]));
            prop_assert!(train[1..].iter().all(|&row| !is_test[row]));
            prop_assert!(test[1..].is_sorted() && train[1..].is_sorted());
            prop_assert_eq!(train.len() + test.len(), values.len() + 2);
        }

        #[test]
        fn compacted_sides_are_those_of_the_rows_with_a_value(
            rows in prop::collection::vec((any::<bool>(), prop::bool::weighted(0.8)), 0..300),
            first in 0_usize..100,
        ) {
            let first = first.min(rows.len());
            let sides = sides_of(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
            let tail = &rows[first..];
            let mut valid = vec![0_u64; tail.len().div_ceil(64)];
            for (row, _) in tail.iter().enumerate().filter(|(_, row)| row.1) {
                valid[row / 64] |= 1 << (row % 64);
            }
            let mut compacted = Sides::default();
            sides.compact(first, tail.len(), &valid, &mut compacted);
            let expected: Vec<bool> = tail.iter().filter(|row| row.1).map(|row| row.0).collect();
            prop_assert_eq!(compacted, sides_of(&expected));
            let (mut train, mut test) = (vec![], vec![]);
            sides.partition_valid(first, tail.len(), &valid, &mut train, &mut test);
            let side = |on: bool| -> Vec<bool> {
                tail.iter().filter(|row| row.0 == on).map(|row| row.1).collect()
            };
            prop_assert_eq!(train, side(false));
            prop_assert_eq!(test, side(true));
        }
    }
}
