//! Reading a stream of text block by block: bounded buffers, records cut, UTF-8 checked, places kept.
//!
//! Invariant: a block holds whole records only, and an error is raised after all records before it
//! have been handed out, so the first error of a file does not depend on buffer or unit sizes. One
//! record, at most the record limit, is the largest thing ever held.

use std::io::{self, Read};

use super::block::{Block, Context, Position};
use super::record::{Fault, RecordTable};
use super::scan::LineEnds;
use crate::error::{Error, InputError, Place, Result};
use crate::source::discover::CHANGED_HINT;

/// Fits the second-level cache together with its table of fields.
/// Tests and fuzzers use one so small that records are cut everywhere.
const BUFFER_BYTES: usize = if cfg!(any(test, fuzzing)) {
    5
} else {
    128 << 10
};

/// A buffer that holds some tens of rows even of a wide table: going from column to column costs a
/// cache miss each, which one or two rows don't repay.
fn buffer_bytes(columns: usize) -> usize {
    const WIDE_BYTES_MAX: usize = 4 << 20;
    const COLUMN_BYTES: usize = if cfg!(any(test, fuzzing)) { 0 } else { 512 };
    (columns * COLUMN_BYTES).clamp(BUFFER_BYTES, WIDE_BYTES_MAX)
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

impl<'a, R: Read> RecordReader<'a, R> {
    pub(crate) fn new(source: R, context: Context<'a>, position: Position) -> Self {
        Self {
            source,
            context,
            buffer: vec![0; buffer_bytes(context.names.map_or(0, <[String]>::len))],
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
                return Err(self.block(kept).too_long(0));
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
                    let source = match source.downcast::<InputError>() {
                        Ok(changed) => {
                            let place = Place::path(self.context.path);
                            return Err(Error::from(changed).at(place).hint(CHANGED_HINT));
                        }
                        Err(source) => source,
                    };
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
            return block.too_long(consumed);
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
            self.failed = Some(self.block(*consumed).too_long(*consumed));
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
