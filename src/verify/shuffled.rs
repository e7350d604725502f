//! Rows that were put in the order of a hash: what each range of that order holds is compared by sums.
//!
//! ```text
//! one reading of the source    the rows of each range of hashes, and a sum of each column over them
//! some readings of its keys    the numbers of a range's rows, sorted by (hash, row): as many ranges as fit
//!                              -> the rows of the shards there, added up under those numbers: the same sums?
//! ```
//!
//! A side has as many ranges as shards, so that a range is about a shard. Where one differs, `astray.rs` finds
//! the row. Memory: 32 bytes for each row of the ranges that are looked at.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use super::astray::RangeRows;
use super::columns::Opened;
use super::findings::{Findings, damage};
use super::pairs::Pair;
use super::records::Records;
use super::rows::{Comparison, Span, SpanRows};
use super::sides::{LEFT_OUT, SIDES, TRAIN, row_hashes};
use super::slots::Piece;
use super::sums::Sums;
use super::tally::{NO_RANGE, Numbers, Ranged, Tally};
use crate::engine::guarded;
use crate::error::Result;
use crate::source::discover::InputFile;

/// The constant of the hashes that rows are in the order of.
const SHUFFLE: u64 = 0xe0d9_3f7c_aaa2_9aa0;
/// Bytes that a row takes while its range is looked at.
const ROW_BYTES: u64 = 32;
/// What is wrong with a row, or with some of a range.
pub(super) const ASTRAY: &str = "it is not what the source gives in the order of the hash";
/// What of the memory the ranges may take that are looked at together: an eighth.
const SHARE: u64 = 8;

/// What the values of rows are that are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Those of the source: features are standardized first.
    Source,
    /// Those of the shards, where they are.
    Scaled,
}

/// Reads all spans of the source.
pub(super) type EachSpan<'a> =
    dyn FnMut(&mut dyn FnMut(&Span<'_>) -> Result<()>) -> Result<()> + 'a;

/// The sums of the source so far.
pub(super) struct Shuffled {
    seed: u64,
    /// Ranges of each side, and where they begin among those of all.
    ranges: [(usize, usize); SIDES.len()],
    /// Rows of each range.
    rows: Vec<u64>,
    /// For each column, the sum of each range.
    sums: Vec<Vec<u128>>,
}

/// Whether the rows of an output were shuffled.
pub(super) fn is_shuffled(records: &Records) -> bool {
    let shuffle = records.manifest.spec.pointer("/output/shuffle");
    shuffle
        .and_then(serde_json::Value::as_bool)
        .unwrap_or(false)
}

/// Bytes that are held of the order of rows within `memory_max`, at most; more only where one shard takes
/// more.
pub(super) fn order_bytes(records: &Records, memory_max: u64) -> u64 {
    if !is_shuffled(records) {
        return 0;
    }
    let shards = records.manifest.shards.iter();
    let largest = shards.map(|shard| shard.rows).max().unwrap_or(0);
    (memory_max / SHARE).max(largest.saturating_mul(ROW_BYTES))
}

impl Shuffled {
    /// The rows of these sides, put in order with this seed; nothing seen yet.
    pub(super) fn new(records: &Records, sides: &[String; SIDES.len()], seed: u64) -> Self {
        let mut begin = 0;
        let ranges = sides.each_ref().map(|side| {
            let shards = records.manifest.shards.iter();
            let count = shards.filter(|shard| shard.side == *side).count().max(1);
            begin += count;
            (begin - count, count)
        });
        let columns = records.manifest.columns.len();
        Self {
            seed,
            ranges,
            rows: vec![0; begin],
            sums: vec![vec![0; begin]; columns],
        }
    }

    /// How many ranges there are.
    pub(super) fn ranges(&self) -> usize {
        self.rows.len()
    }

    /// Calls `take` with the range and the hash of every row of a span, `None` for those on no side.
    fn each(
        &self,
        span: &Span<'_>,
        sides: &[u8],
        inputs: &[InputFile],
        mut take: impl FnMut(Option<(usize, u64)>),
    ) {
        let hashes = row_hashes(self.seed, SHUFFLE, span, inputs);
        for (side, hash) in sides.iter().zip(hashes) {
            let of_side = self.ranges.get(usize::from(*side));
            take(of_side.filter(|_| *side != LEFT_OUT).map(|(begin, count)| {
                let range = (u128::from(hash) * *count as u128) >> 64;
                (begin + usize::try_from(range).unwrap_or(0), hash)
            }));
        }
    }

    /// The ranges of the rows of a span, the first of which is row `first` of all; they are counted.
    pub(super) fn ranged(
        &mut self,
        span: &Span<'_>,
        sides: &[u8],
        inputs: &[InputFile],
        first: u64,
    ) -> Ranged {
        let mut ranges = Vec::with_capacity(sides.len());
        self.each(span, sides, inputs, |row| {
            let range = row.map(|(range, _)| u32::try_from(range).unwrap_or(NO_RANGE));
            ranges.push(range.unwrap_or(NO_RANGE));
        });
        for range in &ranges {
            if let Some(rows) = self.rows.get_mut(*range as usize) {
                *rows += 1;
            }
        }
        let numbers = Numbers::From(first);
        Ranged { numbers, ranges }
    }

    /// Adds sums of a column, of each range.
    pub(super) fn add(&mut self, column: usize, sums: &[u128]) {
        let totals = self.sums.get_mut(column).into_iter().flatten();
        for (total, sum) in totals.zip(sums) {
            *total = total.wrapping_add(*sum);
        }
    }

    /// The ranges from `start` on that fit `bytes`, at least one.
    fn fitting(&self, start: usize, bytes: u64) -> Range<usize> {
        let mut room = bytes / ROW_BYTES;
        let fits = |rows: &&u64| {
            let left = room.checked_sub(**rows);
            room = left.unwrap_or(0);
            left.is_some()
        };
        let fitting = self.rows[start..].iter().take_while(fits).count();
        start..start + fitting.max(1)
    }

    fn side_of(&self, range: usize) -> usize {
        let begun = self.ranges.iter().filter(|(begin, _)| *begin <= range);
        begun.count() - 1
    }
}

impl Comparison<'_> {
    /// Compares the ranges of the shards with those of the source, all of which was seen.
    ///
    /// # Errors
    /// When a column that has a say can't be read again.
    pub(super) fn in_order(
        &mut self,
        read: &mut EachSpan<'_>,
        findings: &mut Findings,
    ) -> Result<()> {
        let Some(shuffled) = self.shuffled.take() else {
            return Ok(());
        };
        let memory_max = self.context.spec.resources.memory_bytes_max;
        let bytes = order_bytes(self.records, memory_max);
        let mut start = 0;
        while start < shuffled.ranges() && findings.is_empty() {
            let together = shuffled.fitting(start, bytes);
            start = together.end;
            for (range, numbers) in together
                .clone()
                .zip(self.numbers(&shuffled, read, &together)?)
            {
                self.range(&shuffled, range, numbers, (read, findings))?;
            }
        }
        Ok(())
    }

    /// The numbers of the rows of some ranges, each in its order.
    fn numbers(
        &self,
        shuffled: &Shuffled,
        read: &mut EachSpan<'_>,
        ranges: &Range<usize>,
    ) -> Result<Vec<Vec<u64>>> {
        let mut rows: Vec<Vec<(u64, u64)>> = vec![Vec::new(); ranges.len()];
        for (rows, count) in rows.iter_mut().zip(&shuffled.rows[ranges.clone()]) {
            rows.reserve_exact(usize::try_from(*count).unwrap_or(0));
        }
        let mut number = 0;
        read(&mut |span| {
            let (sides, _) = self.view.route(self.split, span, self.inputs)?;
            shuffled.each(span, &sides, self.inputs, |row| {
                if let Some((range, hash)) = row.filter(|(range, _)| ranges.contains(range)) {
                    rows[range - ranges.start].push((hash, number));
                }
                number += 1;
            });
            Ok(())
        })?;
        let sorted = rows.into_iter().map(|mut rows| {
            rows.sort_unstable();
            rows.into_iter().map(|(_, number)| number).collect()
        });
        Ok(sorted.collect())
    }

    /// Compares the next range of a side, which holds these rows of the source.
    fn range(
        &mut self,
        shuffled: &Shuffled,
        range: usize,
        numbers: Vec<u64>,
        (read, findings): (&mut EachSpan<'_>, &mut Findings),
    ) -> Result<()> {
        let side = shuffled.side_of(range);
        if numbers.is_empty() || !findings.is_empty() {
            return Ok(());
        }
        let count = numbers.len();
        let pieces = match self.sides[side].take(count, self.context)? {
            Ok(pieces) => pieces,
            Err(what) => {
                findings.push(&self.view.sides[side], what);
                return Ok(());
            }
        };
        let Some(shape) = pieces.first().map(|piece| Arc::clone(&piece.opened)) else {
            return Ok(());
        };
        let place = place(&pieces, &self.view.sides[side]);
        let rows = SpanRows::ranged(Numbers::Listed(numbers.clone()), vec![0; count]);
        let span = Span::Files(pieces.clone());
        let mut differ = Vec::new();
        self.sum_each((&span, &rows), &shape, |index, sum| match sum {
            Ok(sum) if sum == shuffled.sums[index][range] => {}
            Ok(_) => differ.push(index),
            Err(what) => findings.push(&place.0, format!("{}, {what}", place.1)),
        })?;
        if differ.is_empty() {
            return Ok(());
        }
        let of = RangeRows {
            pieces: &pieces,
            numbers: &numbers,
        };
        let found = self.astray(read, &of, &differ)?;
        for (index, found) in differ.into_iter().zip(found) {
            let (file, what) = found.unwrap_or_else(|| {
                let name = &self.records.manifest.columns[index].name;
                let what = format!("{}, column \"{name}\": {ASTRAY}", place.1);
                (place.0.clone(), what)
            });
            findings.push(file, what);
        }
        Ok(())
    }

    /// The sum of each column of the shards over some of their rows, or what is wrong with it.
    fn sum_each(
        &self,
        rows: (&Span<'_>, &SpanRows),
        shape: &Opened,
        mut take: impl FnMut(usize, std::result::Result<u128, String>),
    ) -> Result<()> {
        let columns = &self.records.manifest.columns;
        self.context.ordered(columns.len()).run(
            |index| {
                let name = &columns[index].name;
                match self.tallied(rows, (shape, Holds::Scaled), name) {
                    Ok(sums) => Ok(Ok(sums)),
                    Err(error) => {
                        damage(error).map(|what| Err(format!("column \"{name}\": {what}")))
                    }
                }
            },
            |index, sums| {
                // A column that the shards don't have was not added up either.
                if let Some(sum) = sums.map(|sums| sums?.first().copied()).transpose() {
                    take(index, sum);
                }
                Ok(())
            },
        )
    }

    /// The sums of a column over some rows of the shards or the source, one for each range of them; `None`
    /// if the shards don't have it.
    pub(super) fn tallied(
        &self,
        (span, rows): (&Span<'_>, &SpanRows),
        (shape, holds): (&Opened, Holds),
        name: &str,
    ) -> Result<Option<Vec<u128>>> {
        let (Some(ranged), Some(stored)) = (&rows.ranged, shape.columns.get(name)) else {
            return Ok(None);
        };
        let pair = Pair {
            span,
            rows,
            inputs: self.inputs,
            name,
            shape,
            stored,
            on_inf: self.on_inf,
            memory: self.context.memory.group(),
            tally: Some(RefCell::new(Tally::new(ranged, ranged.count()))),
        };
        let feature = self.features.iter().find(|feature| feature.name == name);
        guarded(|| match (feature, holds) {
            (Some(_), Holds::Scaled) => pair.tally_feature(),
            (Some(feature), Holds::Source) => pair.feature(feature, &mut Sums::default()),
            (None, _) => pair.passed(),
        })?;
        let tally = pair.tally.map(RefCell::into_inner);
        Ok(tally.map(Tally::into_sums))
    }
}

impl SpanRows {
    /// Rows that are added up, range by range, wherever they are.
    pub(super) fn ranged(numbers: Numbers, ranges: Vec<u32>) -> Self {
        Self {
            sides: vec![TRAIN; ranges.len()],
            folds: None,
            shards: Vec::new(),
            weights: None,
            ranged: Some(Ranged { numbers, ranges }),
        }
    }
}

/// What findings call the place of these rows of a side: the shard, or the side if there are several, and
/// the rows.
fn place(pieces: &[Piece], side: &str) -> (String, String) {
    let name = |piece: &Piece| piece.opened.name.clone();
    let ends = pieces.first().zip(pieces.last());
    match ends {
        Some((first, last)) if name(first) == name(last) => {
            let end = last.first_row + last.rows as u64;
            (
                name(first),
                format!("rows {} to {}", first.first_row, end - 1),
            )
        }
        Some((first, last)) => (
            side.to_owned(),
            format!("rows of {} to {}", name(first), name(last)),
        ),
        None => (side.to_owned(), "its rows".to_owned()),
    }
}
