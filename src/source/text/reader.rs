//! Reading a stream of text block by block: bounded buffers, records cut, UTF-8 checked, places kept.
//!
//! Invariant: a block holds whole records only, and an error is raised after all records before it
//! have been handed out, so the first error of a file does not depend on buffer or unit sizes. One
//! record, at most the record limit, is the largest thing ever held.

use std::io::{self, Read};
use std::path::Path;

use super::dialect::Dialect;
use super::record::{Fault, Field, RecordTable};
use super::scan::LineEnds;
use crate::error::{Error, InputError, Place, Result, TextError};

/// Fits the second-level cache together with its table of fields.
/// Tests use one so small that records are cut everywhere.
const BUFFER_BYTES: usize = if cfg!(test) { 5 } else { 128 << 10 };

/// Where a reader starts in its file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    /// Byte of the (decompressed) file.
    pub(crate) byte: u64,
    /// Data row.
    pub(crate) row: u64,
    /// Line, counted from 1.
    pub(crate) line: u64,
}

/// What a reader needs to know about its file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) path: &'a Path,
    pub(crate) dialect: &'a Dialect,
    /// Column names; `None` while they are being read, then any number of fields is accepted.
    pub(crate) names: Option<&'a [String]>,
}

/// Cuts a stream into blocks of records.
pub(crate) struct RecordReader<'a, R> {
    source: R,
    context: Context<'a>,
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    at_end: bool,
    in_comment: bool,
    position: Position,
    lines: LineEnds,
    /// Bytes and rows of the last block, passed when the next one is asked for.
    handed_out: (usize, u64),
    table: RecordTable,
    failed: Option<Error>,
}

/// The fields of one column of a block, with their bytes.
pub(crate) struct ColumnFields<'r> {
    text: &'r [u8],
    fields: &'r [Field],
    columns: usize,
}

impl<'r> Iterator for ColumnFields<'r> {
    type Item = (Field, &'r [u8]);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let field = *self.fields.first()?;
        self.fields = self.fields.get(self.columns..).unwrap_or_default();
        Some((field, field.raw(self.text)))
    }
}

/// Whole records in a buffer, with their fields.
pub(crate) struct Block<'r> {
    text: &'r [u8],
    table: &'r RecordTable,
    columns: usize,
    position: Position,
    lines: LineEnds,
    context: Context<'r>,
}

impl<'a, R: Read> RecordReader<'a, R> {
    pub(crate) fn new(source: R, context: Context<'a>, position: Position) -> Self {
        Self {
            source,
            context,
            buffer: vec![0; BUFFER_BYTES],
            start: 0,
            filled: 0,
            at_end: false,
            in_comment: false,
            position,
            lines: LineEnds::default(),
            handed_out: (0, 0),
            table: RecordTable::default(),
            failed: None,
        }
    }

    /// Passes over records; fewer than `count` are left at the end of the input.
    pub(crate) fn skip(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            let Some(block) = self.next_block(count)? else {
                break;
            };
            count -= block.rows() as u64;
        }
        Ok(())
    }

    /// The next records, at least one and at most `rows_max`; `None` at the end of the input.
    pub(crate) fn next_block(&mut self, rows_max: u64) -> Result<Option<Block<'_>>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let (consumed, rows) = std::mem::take(&mut self.handed_out);
        self.advance(consumed, rows);
        loop {
            self.refill()?;
            if self.pass_comment() {
                continue;
            }
            let columns = self.context.names.map(<[String]>::len);
            let text = &self.buffer[self.start..self.filled];
            let cut = self
                .table
                .cut(self.context.dialect, text, self.at_end, columns, rows_max);
            self.in_comment = cut.in_comment;
            self.failed = cut.fault.map(|fault| self.fault(fault, cut.consumed));
            let mut consumed = cut.consumed;
            self.stop_at_too_long(&mut consumed);
            self.stop_at_not_utf8(&mut consumed);
            let rows = self.table.records.len();
            if rows > 0 {
                self.handed_out = (consumed, rows as u64);
                return Ok(Some(self.block(consumed)));
            }
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            self.advance(consumed, 0);
            if self.at_end && self.start == self.filled {
                return Ok(None);
            }
            let kept = self.filled - self.start;
            if kept as u64 > self.context.dialect.record_bytes_max {
                return Err(self
                    .block(kept)
                    .too_long(0, cut.open_quote.map(|at| at - consumed)));
            }
        }
    }

    /// Where the text starts that has not been passed.
    pub(crate) fn position(&self) -> Position {
        Position {
            line: self.position.line + self.lines.count,
            ..self.position
        }
    }

    /// Passes the last block and the second half of a `\r\n` that ended it, so that what follows starts
    /// on a line of its own.
    pub(crate) fn pass_line_end(&mut self) -> Result<()> {
        let (consumed, rows) = std::mem::take(&mut self.handed_out);
        self.advance(consumed, rows);
        let at_return = self.buffer[..self.start].last() == Some(&b'\r');
        self.refill()?;
        if at_return && self.buffer[self.start..self.filled].first() == Some(&b'\n') {
            self.advance(1, 0);
        }
        Ok(())
    }

    fn advance(&mut self, consumed: usize, rows: u64) {
        self.lines
            .extend(&self.buffer[self.start..self.start + consumed]);
        self.start += consumed;
        self.position.byte += consumed as u64;
        self.position.row += rows;
    }

    /// Moves what is left to the front and fills the buffer, which doubles if one record fills it.
    fn refill(&mut self) -> Result<()> {
        if self.at_end {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        while self.filled < self.buffer.len() {
            match self.source.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => {
                    let place = Place::path(self.context.path)
                        .byte(self.position.byte + self.filled as u64);
                    let action = "read the file";
                    return Err(Error::from(InputError::Io { action, source }).at(place));
                }
            }
        }
        Ok(())
    }

    /// Passes the rest of a comment; true if it goes on beyond the buffer.
    fn pass_comment(&mut self) -> bool {
        if !self.in_comment {
            return false;
        }
        let text = &self.buffer[self.start..self.filled];
        let end = memchr::memchr2(b'\n', b'\r', text);
        self.in_comment = end.is_none() && !self.at_end;
        self.advance(end.unwrap_or(text.len()), 0);
        self.in_comment
    }

    fn fault(&self, fault: Fault, consumed: usize) -> Error {
        let block = self.block(consumed);
        let length = fault.end(block.text.len()) - consumed;
        if length as u64 > self.context.dialect.record_bytes_max {
            let open_quote = match fault {
                Fault::Unterminated { at, .. } => Some(at),
                _ => None,
            };
            return block.too_long(consumed, open_quote);
        }
        block.fault(fault)
    }

    /// Cuts the table before the first record over the limit.
    fn stop_at_too_long(&mut self, consumed: &mut usize) {
        let limit = self.context.dialect.record_bytes_max;
        // Most blocks are smaller than the limit altogether.
        if *consumed as u64 <= limit {
            return;
        }
        let mut records = self.table.records.iter();
        if let Some(record) = records.position(|(start, end)| u64::from(end - start) > limit) {
            *consumed = self.truncate(record);
            self.failed = Some(self.block(*consumed).too_long(*consumed, None));
        }
    }

    /// Cuts the table before the first record that is not UTF-8.
    fn stop_at_not_utf8(&mut self, consumed: &mut usize) {
        if let Some((record, error)) = self.block(*consumed).first_not_utf8() {
            *consumed = self.truncate(record);
            self.failed = Some(error);
        }
    }

    /// Keeps the records before this one and returns where it starts.
    fn truncate(&mut self, record: usize) -> usize {
        let start = self.table.records[record].0 as usize;
        self.in_comment = false;
        self.table.truncate(record);
        start
    }

    fn block(&self, consumed: usize) -> Block<'_> {
        let rows = self.table.records.len();
        Block {
            // Faults point past the complete records.
            text: &self.buffer[self.start..self.filled.max(self.start + consumed)],
            table: &self.table,
            columns: self.table.fields.len().checked_div(rows).unwrap_or(0),
            position: self.position,
            lines: self.lines,
            context: self.context,
        }
    }
}

impl<'r> Block<'r> {
    /// Records in the block.
    pub(crate) fn rows(&self) -> usize {
        self.table.records.len()
    }

    /// Bytes of the records, line ends not counted.
    pub(crate) fn record_bytes(&self) -> u64 {
        self.table
            .records
            .iter()
            .map(|(start, end)| u64::from(end - start))
            .sum()
    }

    /// The fields of one column from a row on.
    pub(crate) fn column(&self, column: usize, first_row: usize) -> ColumnFields<'r> {
        let fields = &self.table.fields;
        let start = (first_row * self.columns + column).min(fields.len());
        ColumnFields {
            text: self.text,
            fields: &fields[start..],
            columns: self.columns.max(1),
        }
    }

    /// The fields of the first record.
    pub(crate) fn first_record(&self) -> impl Iterator<Item = Field> {
        self.table.fields.iter().copied().take(self.columns)
    }

    /// The text that fields lie in.
    pub(crate) fn text(&self) -> &'r [u8] {
        self.text
    }

    /// An error about a field of the block, with its place.
    pub(crate) fn field_error(&self, row: usize, column: usize, error: TextError) -> Error {
        let at = self
            .table
            .records
            .get(row)
            .map_or(0, |(start, _)| *start as usize);
        let field = self.table.fields.get(row * self.columns + column);
        let at = field.map_or(at, |field| field.offset());
        Error::from(error).at(self.place(at, row, Some(column)))
    }

    fn place(&self, at: usize, row: usize, column: Option<usize>) -> Place {
        let mut lines = self.lines;
        lines.extend(&self.text[..at]);
        let place = Place::path(self.context.path)
            .line(self.position.line + lines.count)
            .byte(self.position.byte + at as u64);
        let Some(names) = self.context.names else {
            return place;
        };
        let place = place.row(self.position.row + row as u64);
        match column.and_then(|column| names.get(column)) {
            Some(name) => place.column(name.as_str()),
            None => place,
        }
    }

    fn fault(&self, fault: Fault) -> Error {
        let row = self.rows();
        match fault {
            Fault::Unterminated { at, field } => {
                let quote = char::from(self.context.dialect.quote.unwrap_or_default());
                let error = Error::from(TextError::UnterminatedQuote { quote });
                error.at(self.place(at, row, Some(field)))
            }
            Fault::AfterQuote { at, field } => {
                // Only the first byte of a longer character is certain to be in the buffer.
                let found = match self.text.get(at) {
                    Some(byte) if byte.is_ascii() => format!("{:?}", char::from(*byte)),
                    byte => format!("byte 0x{:02x}", byte.copied().unwrap_or_default()),
                };
                let error = Error::from(TextError::AfterQuote { found });
                error.at(self.place(at, row, Some(field)))
            }
            Fault::FieldCount { at, found, .. } => {
                let expected = self.context.names.map_or(0, <[String]>::len) as u64;
                let found = found as u64;
                let error = Error::from(TextError::FieldCount { found, expected });
                error.at(self.place(at, row, None))
            }
        }
    }

    fn too_long(&self, at: usize, open_quote: Option<usize>) -> Error {
        let limit = self.context.dialect.record_bytes_max;
        let error = Error::from(TextError::RecordTooLong { limit });
        let error = error.at(self.place(at, self.rows(), None));
        let Some(quote) = open_quote else {
            return error;
        };
        let mut lines = self.lines;
        lines.extend(&self.text[..quote]);
        let line = self.position.line + lines.count;
        let byte = self.position.byte + quote as u64;
        error.hint(format!(
            "look at the quote opened at line {line}, byte {byte}: it may never close"
        ))
    }

    /// The first record that is not UTF-8. Comments may be in any encoding.
    fn first_not_utf8(&self) -> Option<(usize, Error)> {
        let (start, _) = self.table.records.first()?;
        let (_, end) = self.table.records.last()?;
        if std::str::from_utf8(&self.text[*start as usize..*end as usize]).is_ok() {
            return None;
        }
        self.table
            .records
            .iter()
            .enumerate()
            .find_map(|(row, (start, end))| {
                let (start, end) = (*start as usize, *end as usize);
                let valid = std::str::from_utf8(&self.text[start..end])
                    .err()?
                    .valid_up_to();
                let at = start + valid;
                let fields = self
                    .table
                    .fields
                    .iter()
                    .skip(row * self.columns)
                    .take(self.columns);
                let column = fields
                    .take_while(|field| field.offset() <= at)
                    .count()
                    .checked_sub(1);
                let error = Error::from(TextError::NotUtf8 {
                    byte: self.text[at],
                });
                Some((row, error.at(self.place(at, row, column))))
            })
    }
}
