//! Slots: the values of one leaf, one after the other, across row groups and files.
//!
//! A flat column has one slot a row; a nested one as many as its levels say. A slot of a flat column
//! is compared by its value alone, since one file may allow nulls where another doesn't.

use std::sync::Arc;

use parquet::data_type::{ByteArray, DataType};

use super::columns::Opened;
use crate::error::Result;
use crate::source::parquet::{LeafReader, LeafRun, NumberReader};
use crate::source::text::{TextColumn, Values};

/// Rows decoded at a time.
const RUN_ROWS: usize = 16 << 10;

/// One slot of a leaf.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot<V> {
    /// 0 where a row begins.
    pub(super) repetition: i16,
    /// How far the value is defined; always 0 in flat columns.
    pub(super) definition: i16,
    pub(super) value: Option<V>,
}

/// Consecutive rows of a row group.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) opened: Arc<Opened>,
    pub(super) group: usize,
    /// Rows of the group before them.
    pub(super) skip: usize,
    pub(super) rows: usize,
    /// Index in the file of the first of them.
    pub(super) first_row: u64,
    /// Index of the input it is of; 0 for shards.
    pub(super) input: usize,
}

/// What reads a leaf of one row group, run by run.
pub(super) trait Runs<V> {
    fn skip(&mut self, rows: usize) -> Result<()>;
    /// Reads some of the next `rows` rows, at least one of them, and returns how many.
    fn read(&mut self, rows: usize, run: &mut LeafRun<V>) -> Result<usize>;
}

impl<T: DataType> Runs<T::T> for LeafReader<T> {
    fn skip(&mut self, rows: usize) -> Result<()> {
        Self::skip(self, rows)
    }

    fn read(&mut self, rows: usize, run: &mut LeafRun<T::T>) -> Result<usize> {
        self.read_some(rows, run)
    }
}

/// Numbers of any storage, as float64.
pub(super) struct AsFloat(pub(super) NumberReader);

impl Runs<f64> for AsFloat {
    fn skip(&mut self, rows: usize) -> Result<()> {
        self.0.skip(rows)
    }

    fn read(&mut self, rows: usize, run: &mut LeafRun<f64>) -> Result<usize> {
        self.0.read(rows, run).map(|()| rows)
    }
}

/// A leaf that is open in one piece: its reader, and its largest definition level.
pub(super) struct Leaf<V> {
    pub(super) runs: Box<dyn Runs<V>>,
    pub(super) top: i16,
    pub(super) nested: bool,
}

/// Opens the leaf of a column in a piece.
pub(super) type Open<'a, V> = dyn Fn(&Piece) -> Result<Leaf<V>> + 'a;

/// The slots of some source.
pub(super) trait Slots<V> {
    /// The next slot; `None` at the end.
    fn next_slot(&mut self) -> Result<Option<Slot<V>>>;
}

/// The slots of pieces, in order.
pub(super) struct FileSlots<'a, V> {
    pieces: std::slice::Iter<'a, Piece>,
    open: Box<Open<'a, V>>,
    current: Option<Leaf<V>>,
    rows_left: usize,
    run: LeafRun<V>,
    slot: usize,
    value: usize,
}

impl<'a, V> FileSlots<'a, V> {
    pub(super) fn new(pieces: &'a [Piece], open: impl Fn(&Piece) -> Result<Leaf<V>> + 'a) -> Self {
        Self {
            pieces: pieces.iter(),
            open: Box::new(open),
            current: None,
            rows_left: 0,
            run: LeafRun::default(),
            slot: 0,
            value: 0,
        }
    }

    fn slots(&self) -> usize {
        match self.run.definition.len() {
            0 => self.run.values.len(),
            slots => slots,
        }
    }

    /// Decodes the next run; false at the end of the last piece.
    fn refill(&mut self) -> Result<bool> {
        if self.rows_left == 0 {
            let Some(piece) = self.pieces.next() else {
                return Ok(false);
            };
            // The pages of the piece before are given back before others are asked for.
            self.current = None;
            self.run = LeafRun::default();
            let mut leaf = (self.open)(piece)?;
            if piece.skip > 0 {
                leaf.runs.skip(piece.skip)?;
            }
            self.current = Some(leaf);
            self.rows_left = piece.rows;
        }
        let Some(leaf) = &mut self.current else {
            return Ok(false);
        };
        let rows = leaf
            .runs
            .read(self.rows_left.min(RUN_ROWS), &mut self.run)?;
        (self.slot, self.value) = (0, 0);
        self.rows_left -= rows;
        Ok(true)
    }
}

impl<V: Clone> Slots<V> for FileSlots<'_, V> {
    fn next_slot(&mut self) -> Result<Option<Slot<V>>> {
        while self.slot >= self.slots() {
            if !self.refill()? {
                return Ok(None);
            }
        }
        let (top, nested) = self
            .current
            .as_ref()
            .map_or((0, false), |leaf| (leaf.top, leaf.nested));
        let level = self.run.definition.get(self.slot).copied().unwrap_or(top);
        let value = match level == top {
            true => self.run.values.get(self.value).cloned(),
            false => None,
        };
        self.value += usize::from(value.is_some());
        let repetition = self.run.repetition.get(self.slot).copied().unwrap_or(0);
        self.slot += 1;
        Ok(Some(Slot {
            repetition,
            definition: if nested { level } else { 0 },
            value,
        }))
    }
}

/// The slots of a column of text that was parsed, converted by `value`.
pub(super) struct TextSlots<'a, V> {
    column: &'a TextColumn,
    rows: usize,
    row: usize,
    values: usize,
    value: fn(&Values, usize) -> Option<V>,
}

impl<'a, V> TextSlots<'a, V> {
    pub(super) fn new(
        column: &'a TextColumn,
        rows: usize,
        value: fn(&Values, usize) -> Option<V>,
    ) -> Self {
        Self {
            column,
            rows,
            row: 0,
            values: 0,
            value,
        }
    }
}

impl<V> Slots<V> for TextSlots<'_, V> {
    fn next_slot(&mut self) -> Result<Option<Slot<V>>> {
        if self.row == self.rows {
            return Ok(None);
        }
        let validity = self.column.validity.as_ref();
        let is_there = validity.is_none_or(|valid| valid.get(self.row) == Some(&true));
        self.row += 1;
        let value = match is_there {
            true => (self.value)(&self.column.values, self.values),
            false => None,
        };
        self.values += usize::from(is_there);
        Ok(Some(flat(value)))
    }
}

/// A slot of a flat column.
pub(super) fn flat<V>(value: Option<V>) -> Slot<V> {
    Slot {
        repetition: 0,
        definition: 0,
        value,
    }
}

/// Numbers of a text column.
pub(super) fn text_number(values: &Values, index: usize) -> Option<f64> {
    match values {
        Values::Int64(values) => values.get(index).map(|value| *value as f64),
        Values::Float64(values) => values.get(index).copied(),
        Values::Null { .. } | Values::Text(_) => None,
    }
}

/// Integers of a text column.
pub(super) fn text_integer(values: &Values, index: usize) -> Option<i64> {
    match values {
        Values::Int64(values) => values.get(index).copied(),
        _ => None,
    }
}

/// Strings of a text column.
pub(super) fn text_string(values: &Values, index: usize) -> Option<ByteArray> {
    match values {
        Values::Text(values) if index < values.len() => {
            let bytes = &values.bytes()[values.start(index)..values.start(index + 1)];
            Some(ByteArray::from(bytes.to_vec()))
        }
        Values::Null { blank: true } => Some(ByteArray::from("")),
        _ => None,
    }
}

/// A number for every row.
pub(super) struct Listed<'a>(pub(super) std::slice::Iter<'a, u8>);

impl Slots<i32> for Listed<'_> {
    fn next_slot(&mut self) -> Result<Option<Slot<i32>>> {
        let number = self.0.next();
        Ok(number.map(|number| flat(Some(i32::from(*number)))))
    }
}

/// The same value in every row of each piece.
pub(super) struct Repeated<'a> {
    /// Rows, and their value.
    pub(super) parts: std::vec::IntoIter<(usize, Option<&'a str>)>,
    pub(super) left: usize,
    pub(super) value: Option<&'a str>,
}

impl Slots<ByteArray> for Repeated<'_> {
    fn next_slot(&mut self) -> Result<Option<Slot<ByteArray>>> {
        while self.left == 0 {
            let Some((rows, value)) = self.parts.next() else {
                return Ok(None);
            };
            (self.left, self.value) = (rows, value);
        }
        self.left -= 1;
        Ok(Some(flat(self.value.map(ByteArray::from))))
    }
}
