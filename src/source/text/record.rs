//! The records of a buffer: one flat table of field positions, filled without copying or allocating
//! per field.

use super::cutter::Cutter;
use super::decimal::parse_plain;
use super::dialect::Dialect;
use super::structure::{Needles, SPARE, find};

/// Marks, in [`Field::end`], a quoted field that holds doubled quotes.
const ESCAPED: u32 = 1 << 31;

/// A field's place in the buffer, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    start: u32,
    end: u32,
}

impl Field {
    /// The field between two positions; `escaped` if it holds doubled quotes.
    #[inline(always)]
    pub(crate) fn new(start: usize, end: usize, escaped: bool) -> Self {
        let escaped = if escaped { ESCAPED } else { 0 };
        Self {
            start: position(start),
            end: position(end) | escaped,
        }
    }

    /// The field's bytes; doubled quotes inside are still doubled.
    #[inline(always)]
    pub(crate) fn raw(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..(self.end & !ESCAPED) as usize]
    }

    /// The number that the field is, if it is a plain decimal within the text.
    #[inline(always)]
    pub(crate) fn plain_decimal(self, text: &[u8]) -> Option<f64> {
        parse_plain(text, self.start as usize, (self.end & !ESCAPED) as usize)
    }

    /// Where the field starts, behind its opening quote.
    pub(crate) fn offset(self) -> usize {
        self.start as usize
    }

    /// Whether each doubled quote stands for one.
    pub(crate) fn is_escaped(self) -> bool {
        self.end & ESCAPED != 0
    }
}

/// A position in a buffer, which is at most 1 GiB long.
#[inline(always)]
pub(crate) fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The records found in a buffer.
#[derive(Debug, Default)]
pub(crate) struct RecordTable {
    /// Fields of all records in order.
    pub(crate) fields: Vec<Field>,
    /// Start and end (without the line end) of each record.
    pub(crate) records: Vec<(u32, u32)>,
    positions: Vec<u32>,
}

/// What is wrong with a record, in positions of the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A quote that never closes opens here, in the field of this index.
    Unterminated { at: usize, field: usize },
    /// Something other than a delimiter or record end follows a closing quote.
    AfterQuote { at: usize, field: usize },
    /// The record that starts here has another number of fields.
    FieldCount { at: usize, end: usize, found: usize },
}

impl Fault {
    /// Where the record was given up.
    pub(crate) fn end(self, text_end: usize) -> usize {
        match self {
            Self::Unterminated { .. } => text_end,
            Self::AfterQuote { at, .. } => at,
            Self::FieldCount { end, .. } => end,
        }
    }
}

/// Where and why cutting stopped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Bytes that are done with: complete records, comments and blank lines.
    pub(crate) consumed: usize,
    /// What is wrong with the next record.
    pub(crate) fault: Option<Fault>,
    /// The opening quote of the incomplete record that follows, if it ends inside quotes.
    pub(crate) open_quote: Option<usize>,
    /// The bytes done with end inside a comment.
    pub(crate) in_comment: bool,
}

impl RecordTable {
    /// Drops all but the first `records` records.
    pub(crate) fn truncate(&mut self, records: usize) {
        let columns = self
            .fields
            .len()
            .checked_div(self.records.len())
            .unwrap_or(0);
        self.fields.truncate(records * columns);
        self.records.truncate(records);
    }

    /// Replaces the table by the complete records of `text`, at most `records_max` of them.
    ///
    /// `at_end` says that nothing follows `text`, so that its end is a record's end. With `columns`
    /// given, a record with another number of fields is a fault.
    pub(crate) fn cut(
        &mut self,
        dialect: &Dialect,
        text: &[u8],
        at_end: bool,
        columns: Option<usize>,
        records_max: u64,
    ) -> Cut {
        self.fields.clear();
        self.records.clear();
        if self.positions.len() < text.len() + SPARE {
            self.positions.resize(text.len() + SPARE, 0);
        }
        let quote = dialect.quote.unwrap_or(b'\n');
        let needles = Needles([dialect.delimiter, b'\n', b'\r', quote]);
        let count = find(text, needles, &mut self.positions);
        let positions = &self.positions[..count];
        let mut cutter = Cutter {
            dialect,
            text,
            at_end,
            positions,
            next: 0,
        };
        cutter.records(&mut self.fields, &mut self.records, columns, records_max)
    }
}
