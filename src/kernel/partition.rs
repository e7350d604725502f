//! Routing values to their sides, in order.
//!
//! Invariant: a row's value lands on the side that [`Sides`] gives it and nowhere else, and the rows
//! of a side keep their order.

use super::compress::{BLOCK, Routable};
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
    pub fn partition_copy<T: Routable>(&self, first: usize, values: &[T], parts: &mut Parts<T>) {
        self.check_range(first, values.len());
        // Once for buffers that are used again, instead of doubling them.
        parts.iter_mut().for_each(|part| part.reserve(values.len()));
        let (blocks, rest) = values.as_chunks::<BLOCK>();
        for (index, block) in blocks.iter().enumerate() {
            let (low, high) = self.words(first + index * BLOCK);
            match side_words(low, high) {
                [u64::MAX, ..] => parts[0].extend_from_slice(block),
                sides => T::route(block, &sides, parts),
            }
        }
        self.partition(first + blocks.len() * BLOCK, rest, parts);
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

/// The rows of each written side, a bit each.
fn side_words(low: u64, high: u64) -> [u64; WRITTEN_SIDES] {
    // Train, val, test: the order of [`Side::WRITTEN`], with the bits of [`Side::of_bits`].
    [!low & !high, !low & high, low & !high]
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "any value will do")]
mod tests {
    use proptest::prelude::*;

    use super::super::mix;
    use super::super::width::tests::at_every_level;
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

    fn lands_alike<T: Routable + PartialEq + std::fmt::Debug>(
        rows: &[Side],
        first: usize,
        value: impl Fn(u64) -> T,
    ) -> Result<(), TestCaseError> {
        let sides = sides_of(rows);
        let values: Vec<T> = (first..rows.len()).map(|row| value(row as u64)).collect();
        let mut expected = Parts::default();
        sides.partition(first, &values, &mut expected);
        for parts in at_every_level(|| {
            let mut parts = Parts::default();
            sides.partition_copy(first, &values, &mut parts);
            parts
        }) {
            prop_assert_eq!(&parts, &expected);
        }
        Ok(())
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
        fn values_of_every_type_land_on_their_sides_at_every_vector_width(
            rows in rows(),
            first in 0_usize..130,
            salt in any::<u64>(),
        ) {
            let first = first.min(rows.len());
            lands_alike(&rows, first, |row| f64::from_bits(mix(row ^ salt) >> 2))?;
            lands_alike(&rows, first, |row| mix(row ^ salt).cast_signed())?;
            lands_alike(&rows, first, |row| f32::from_bits((mix(row ^ salt) >> 34) as u32))?;
            lands_alike(&rows, first, |row| mix(row ^ salt) as i32)?;
            lands_alike(&rows, first, |row| mix(row ^ salt) as i16)?;
            lands_alike(&rows, first, |row| mix(row ^ salt) & 1 == 1)?;
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
