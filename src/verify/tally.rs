//! `Tally`: rows that lie in another order than the source's, added up range by range of that order.
//!
//! ```text
//! sum of a range = sum over its rows' slots of XXH3-128(number of the row, slot of the row, value), mod 2^128
//! ```
//!
//! Invariant: the sum of the source's rows and that of the rows of the shards are equal if each place of the
//! order holds the row that belongs there; other values, rows or places give another sum, but for one chance
//! in 2^128. So neither side needs the other at hand.

use parquet::data_type::AsBytes;
use twox_hash::XxHash3_128;

use super::slots::Slot;

/// A row that is in no range.
pub(super) const NO_RANGE: u32 = u32::MAX;

/// Which rows of the inputs the rows of a span are, counted through all inputs from 0.
#[derive(Debug)]
pub(super) enum Numbers {
    /// Consecutive ones.
    From(u64),
    /// These.
    Listed(Vec<u64>),
}

/// The rows of a span by the range that each is in.
#[derive(Debug)]
pub(super) struct Ranged {
    pub(super) numbers: Numbers,
    /// Of each row; [`NO_RANGE`] if it is on no side.
    pub(super) ranges: Vec<u32>,
}

impl Ranged {
    /// How many ranges there are, the last with a row.
    pub(super) fn count(&self) -> usize {
        let ranges = self.ranges.iter().filter(|range| **range != NO_RANGE);
        ranges.max().map_or(0, |last| *last as usize + 1)
    }
}

/// The sums of one column.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    rows: &'a Ranged,
    /// Of each range.
    sums: Vec<u128>,
    /// The row of the last slot, and how many slots of it there were.
    last: (usize, u64),
    bytes: Vec<u8>,
}

impl<'a> Tally<'a> {
    /// Nothing added yet, to so many ranges.
    pub(super) fn new(rows: &'a Ranged, ranges: usize) -> Self {
        Self {
            rows,
            sums: vec![0; ranges],
            last: (usize::MAX, 0),
            bytes: Vec::new(),
        }
    }

    /// Adds the next slot of a row of the span.
    pub(super) fn add(&mut self, row: usize, put: impl FnOnce(&mut Vec<u8>)) {
        self.last = match self.last {
            (last, slots) if last == row => (row, slots + 1),
            _ => (row, 0),
        };
        let range = self.rows.ranges.get(row).copied().unwrap_or(NO_RANGE);
        let Some(sum) = self.sums.get_mut(range as usize) else {
            return;
        };
        let number = match &self.rows.numbers {
            Numbers::From(first) => first + row as u64,
            Numbers::Listed(numbers) => numbers.get(row).copied().unwrap_or(u64::MAX),
        };
        self.bytes.clear();
        self.bytes.extend(number.to_le_bytes());
        self.bytes.extend(self.last.1.to_le_bytes());
        put(&mut self.bytes);
        *sum = sum.wrapping_add(XxHash3_128::oneshot(&self.bytes));
    }

    /// The sum of every range.
    pub(super) fn into_sums(self) -> Vec<u128> {
        self.sums
    }
}

/// The bytes of a float, one NaN.
pub(super) fn put_float(value: &Option<f64>, bytes: &mut Vec<u8>) {
    let canonical = |value: &f64| if value.is_nan() { f64::NAN } else { *value };
    bytes.extend(
        value
            .iter()
            .flat_map(|value| canonical(value).to_le_bytes()),
    );
}

/// The bytes of a slot as it is stored.
pub(super) fn put_slot<V: AsBytes>(slot: &Slot<V>, bytes: &mut Vec<u8>) {
    bytes.extend(slot.repetition.to_le_bytes());
    bytes.extend(slot.definition.to_le_bytes());
    if let Some(value) = &slot.value {
        bytes.push(1);
        bytes.extend_from_slice(value.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums of two ranges of rows with these values.
    fn sums(numbers: Numbers, rows: &[(u32, &[u8])]) -> Vec<u128> {
        let ranges = rows.iter().map(|(range, _)| *range).collect();
        let ranged = Ranged { numbers, ranges };
        let mut tally = Tally::new(&ranged, 2);
        for (row, (_, values)) in rows.iter().enumerate() {
            for value in *values {
                tally.add(row, |bytes| bytes.push(*value));
            }
        }
        tally.into_sums()
    }

    #[test]
    fn sums_are_those_of_the_rows_in_any_order_and_of_no_other_rows() {
        let listed = |numbers: &[u64]| Numbers::Listed(numbers.to_vec());
        let source = [(0, &[7_u8, 8][..]), (NO_RANGE, &[1]), (1, &[9]), (0, &[7])];
        let wanted = sums(Numbers::From(10), &source);
        let first = |numbers: &[u64], rows: &[(u32, &[u8])]| sums(listed(numbers), rows)[0];
        assert_eq!(first(&[13, 10], &[(0, &[7]), (0, &[7, 8])]), wanted[0]);
        assert_eq!(sums(listed(&[12]), &[(1, &[9])])[1], wanted[1]);
        for (numbers, rows) in [
            ([10, 13], [(0, &[7_u8][..]), (0, &[7, 8])]),
            ([13, 10], [(0, &[7]), (0, &[8, 7])]),
            ([13, 10], [(0, &[7, 7]), (0, &[8])]),
            ([13, 10], [(0, &[6]), (0, &[7, 8])]),
            ([13, 11], [(0, &[7]), (0, &[7, 8])]),
        ] {
            assert_ne!(first(&numbers, &rows), wanted[0], "{numbers:?} {rows:?}");
        }
    }
}
