//! Groups of rows that keep together, and classes that keep their shares as nearly as groups allow.
//!
//! ```text
//! class of a group = the one that most of its rows have; of several, the lowest
//! side of a group  = groups of a class in the order of their hashes: test up to where their rows are
//!                    nearest to those that test is to have (of two, the fewer), then val, then train
//! ```
//!
//! Invariant: what a class's rows are counted by is whole groups, so that sides add up; a group's side
//! follows from the groups of its class before it and from how many rows each side is to have.

use super::{HeldOut, Side};

/// Rows of one key that have one class. In the order of keys, then of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRows {
    /// The key's hash.
    pub hash: u64,
    /// The class.
    pub class: u64,
    /// How many rows.
    pub rows: u64,
}

/// Puts counts in order and adds up those of one key and class.
pub fn merge_key_rows(counts: &mut Vec<KeyRows>) {
    counts.sort_unstable();
    counts.dedup_by(|next, kept| {
        let is_same = (next.hash, next.class) == (kept.hash, kept.class);
        kept.rows += u64::from(is_same) * next.rows;
        is_same
    });
}

/// The groups of merged counts, each with its class and its rows of all classes.
///
/// ```
/// use prep_stream::kernel::{KeyRows, key_groups};
///
/// let of = |hash, class, rows| KeyRows { hash, class, rows };
/// let counts = [of(1, 7, 2), of(1, 8, 3), of(2, 7, 1), of(2, 9, 1)];
/// let groups = key_groups(&counts).map(|(_, class, rows)| (class, rows));
/// assert_eq!(groups.collect::<Vec<_>>(), [(8, 5), (7, 2)]);
/// ```
pub fn key_groups(counts: &[KeyRows]) -> impl Iterator<Item = (&[KeyRows], u64, u64)> {
    let groups = counts.chunk_by(|one, next| one.hash == next.hash);
    groups.map(|group| {
        let most = group.iter().map(|counted| counted.rows).max();
        let class = group.iter().find(|counted| Some(counted.rows) == most);
        let rows = group.iter().map(|counted| counted.rows).sum();
        (group, class.map_or(0, |counted| counted.class), rows)
    })
}

/// Gives the groups of one class their sides, in order.
///
/// ```
/// use prep_stream::kernel::{GroupFill, HeldOut, Side};
///
/// let mut fill = GroupFill::new(HeldOut { test: 10, both: 15 });
/// let sides = [6, 6, 4, 9].map(|rows| fill.side(rows));
/// assert_eq!(sides, [Side::Test, Side::Test, Side::Val, Side::Train]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct GroupFill {
    part: HeldOut,
    rows: u64,
    side: Side,
}

impl GroupFill {
    /// The groups of a class that is to have so many rows on its sides.
    pub fn new(part: HeldOut) -> Self {
        Self {
            part,
            rows: 0,
            side: Side::Test,
        }
    }

    /// The side of the next group, which has so many rows.
    pub fn side(&mut self, rows: u64) -> Side {
        let before = self.rows;
        self.rows += rows;
        let is_nearer = |end: u64| self.rows.abs_diff(end) < before.abs_diff(end);
        self.side = match self.side {
            Side::Test if is_nearer(self.part.test) => Side::Test,
            Side::Test | Side::Val if is_nearer(self.part.both) => Side::Val,
            _ => Side::Train,
        };
        self.side
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_added_up_whatever_their_order(
            rows in prop::collection::vec((0..5_u64, 0..3_u64, 1..9_u64), 0..60),
        ) {
            let counts = rows.iter().map(|(hash, class, rows)| KeyRows { hash: *hash, class: *class, rows: *rows });
            let mut merged: Vec<KeyRows> = counts.collect();
            merge_key_rows(&mut merged);
            let mut expected = std::collections::BTreeMap::new();
            for (hash, class, rows) in rows {
                *expected.entry((hash, class)).or_insert(0) += rows;
            }
            let merged = merged.iter().map(|counted| ((counted.hash, counted.class), counted.rows));
            prop_assert!(merged.eq(expected));
        }

        #[test]
        fn sides_end_where_the_rows_of_whole_groups_are_nearest_to_what_they_are_to_have(
            groups in prop::collection::vec(1..30_u64, 0..40),
            test in 0..200_u64,
            val in 0..200_u64,
        ) {
            let all: u64 = groups.iter().sum();
            let part = HeldOut { test: test.min(all), both: (test + val).min(all) };
            let mut fill = GroupFill::new(part);
            let sides: Vec<Side> = groups.iter().map(|rows| fill.side(*rows)).collect();
            let first = |side: Side| sides.iter().position(|other| *other == side).unwrap_or(groups.len());
            // Test, then val, then train.
            let ends = [first(Side::Val).min(first(Side::Train)), first(Side::Train)];
            prop_assert!(sides[..ends[0]].iter().all(|side| *side == Side::Test));
            prop_assert!(sides[ends[0]..ends[1]].iter().all(|side| *side == Side::Val));
            prop_assert!(sides[ends[1]..].iter().all(|side| *side == Side::Train));
            let rows_before = |end: usize| groups[..end].iter().sum::<u64>();
            for (end, wanted, least) in [(ends[0], part.test, 0), (ends[1], part.both, ends[0])] {
                let off = |end: usize| rows_before(end).abs_diff(wanted);
                let nearest = (least..=groups.len()).min_by_key(|end| (off(*end), *end));
                prop_assert_eq!(Some(end), nearest);
            }
        }
    }
}
