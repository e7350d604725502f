//! Which row of a range is not the one that belongs there, once the sums of a column differ.
//!
//! ```text
//! shards   one sum for each place of the range, in place of one for all
//! source   one reading: the same sums of the range's rows -> the first place where they differ
//! ```
//!
//! Only after a mismatch: an output in order isn't read once more. Memory: 28 bytes for each row of the
//! range, that which its sorting took; so a few columns at a time where there are many.

use super::columns::Opened;
use super::rows::{Comparison, Span, SpanRows};
use super::shuffled::{ASTRAY, EachSpan, Holds, order_bytes};
use super::slots::Piece;
use super::tally::{NO_RANGE, Numbers};
use crate::artifact::escape_name;
use crate::error::Result;

/// Bytes of a sum.
const SUM_BYTES: u64 = size_of::<u128>() as u64;

/// A row that is at the wrong place, or isn't what the source gives.
#[derive(Debug, Clone, Copy)]
struct Astray {
    /// Its place in the range.
    place: usize,
    /// The row of the source that belongs there: input and row in it.
    input: usize,
    row: u64,
}

/// A range of the shards, and the rows of the source that belong there.
pub(super) struct RangeRows<'a> {
    /// Of the shards.
    pub(super) pieces: &'a [Piece],
    /// Of the source, in the order of the range.
    pub(super) numbers: &'a [u64],
}

impl RangeRows<'_> {
    /// The shard and the row in it at a place of the range.
    fn locate(&self, place: usize) -> Option<(&str, u64)> {
        let mut before = 0;
        for piece in self.pieces {
            if place < before + piece.rows {
                let row = piece.first_row + (place - before) as u64;
                return Some((&piece.opened.name, row));
            }
            before += piece.rows;
        }
        None
    }

    /// Places in the order of the rows that belong there.
    fn places(&self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..).take(self.numbers.len()).collect();
        places.sort_unstable_by_key(|place| self.numbers[*place as usize]);
        places
    }
}

impl Comparison<'_> {
    /// For each of these columns, whose sums differ, the file and what is wrong with its first row that
    /// does.
    ///
    /// # Errors
    /// When the source can't be read again.
    pub(super) fn astray(
        &self,
        read: &mut EachSpan<'_>,
        of: &RangeRows<'_>,
        columns: &[usize],
    ) -> Result<Vec<Option<(String, String)>>> {
        let memory_max = self.context.spec.resources.memory_bytes_max;
        let bytes = order_bytes(self.records, memory_max);
        let rows = of.numbers.len().max(1) as u64;
        let together = usize::try_from(bytes / (2 * SUM_BYTES * rows)).unwrap_or(1);
        let mut found = Vec::with_capacity(columns.len());
        for columns in columns.chunks(together.max(1)) {
            let first = self.first_astray(read, of, columns)?;
            let first = first.into_iter().zip(columns);
            found.extend(first.map(|(astray, column)| {
                let (file, own) = of.locate(astray?.place)?;
                let Astray { input, row, .. } = astray?;
                let source = escape_name(&self.inputs.get(input)?.relative);
                let name = &self.records.manifest.columns[*column].name;
                let what =
                    format!("row {own}, column \"{name}\" (row {row} of {source}): {ASTRAY}");
                Some((file.to_owned(), what))
            }));
        }
        Ok(found)
    }

    fn first_astray(
        &self,
        read: &mut EachSpan<'_>,
        of: &RangeRows<'_>,
        columns: &[usize],
    ) -> Result<Vec<Option<Astray>>> {
        let Some(shape) = of.pieces.first().map(|piece| &piece.opened) else {
            return Ok(vec![None; columns.len()]);
        };
        let shards = Span::Files(of.pieces.to_vec());
        let each_place = (0..).take(of.numbers.len()).collect();
        let rows = SpanRows::ranged(Numbers::Listed(of.numbers.to_vec()), each_place);
        let sums = self.each_sum((&shards, &rows), (shape, Holds::Scaled), columns)?;
        let places = of.places();
        let (mut number, mut reached) = (0, 0);
        let mut first: Vec<Option<Astray>> = vec![None; columns.len()];
        read(&mut |span| {
            let start = number;
            number += span.rows() as u64;
            let number_at = |place: &u32| of.numbers[*place as usize];
            let here = places[reached..].partition_point(|place| number_at(place) < number);
            let here = &places[reached..reached + here];
            reached += here.len();
            if here.is_empty() {
                return Ok(());
            }
            let row_of = |place: &u32| usize::try_from(number_at(place) - start).unwrap_or(0);
            let mut ranges = vec![NO_RANGE; span.rows()];
            for (index, place) in (0..).zip(here) {
                ranges[row_of(place)] = index;
            }
            let rows = SpanRows::ranged(Numbers::From(start), ranges);
            let found = self.each_sum((span, &rows), (shape, Holds::Source), columns)?;
            for ((first, sums), found) in first.iter_mut().zip(&sums).zip(found) {
                let pairs = here.iter().zip(found);
                let differ = pairs.filter(|(place, sum)| sums.get(**place as usize) != Some(sum));
                let Some(nearest) = differ.map(|(place, _)| place).min() else {
                    continue;
                };
                let (input, row) = span.locate(row_of(nearest));
                let place = *nearest as usize;
                if first.is_none_or(|first| place < first.place) {
                    *first = Some(Astray { place, input, row });
                }
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// The sums of some columns over the rows of a span, one for each range of them.
    fn each_sum(
        &self,
        rows: (&Span<'_>, &SpanRows),
        (shape, holds): (&Opened, Holds),
        columns: &[usize],
    ) -> Result<Vec<Vec<u128>>> {
        let all = &self.records.manifest.columns;
        self.context.ordered(columns.len()).collect(|index| {
            let name = &all[columns[index]].name;
            let sums = self.tallied(rows, (shape, holds), name)?;
            Ok(sums.unwrap_or_default())
        })
    }
}
