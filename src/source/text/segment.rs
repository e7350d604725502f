//! Cutting a stream into segments: whole records, a multiple of 4,096 rows, held in memory.
//!
//! Invariant: the cuts follow from the (decompressed) bytes and the wanted size alone.

use std::io::{self, Read};
use std::path::Path;

use super::automaton::{State, run};
use super::block::Position;
use super::dialect::Dialect;
use super::scan::LineEnds;
use crate::error::{Error, InputError, Place, Result};

/// Tests read so little at a time that records are cut everywhere.
const READ_BYTES: usize = if cfg!(any(test, fuzzing)) {
    7
} else {
    256 << 10
};
/// How far the automaton runs before it is asked whether to cut.
const STEP_BYTES: usize = if cfg!(any(test, fuzzing)) {
    11
} else {
    16 << 10
};

/// Whole records of a text stream; parse it with [`TextFile::parse_segment`](super::TextFile::parse_segment).
#[derive(Debug, Clone)]
pub struct Segment {
    /// First row, counted from 0 over the file's data rows; a multiple of 4,096.
    pub first_row: u64,
    /// Rows in it; more than 0.
    pub rows: u64,
    pub(crate) text: Vec<u8>,
    pub(crate) start: Position,
}

impl Segment {
    /// Decompressed bytes held.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

/// The segments of a stream, in order; see [`TextFile::segments`](super::TextFile::segments).
pub struct Segments<'a> {
    path: &'a Path,
    dialect: &'a Dialect,
    source: Box<dyn Read + Send + 'a>,
    bytes_wanted: usize,
    sub_chunk_rows: u64,
    state: State,
    /// Text read but not yet handed out, from `start` on.
    text: Vec<u8>,
    /// How much of it the automaton has seen.
    scanned: usize,
    /// Records that start in the scanned text.
    rows: u64,
    start: Position,
    /// End of the last step in which a record started.
    record_seen: usize,
    at_end: bool,
    /// A record that cannot be parsed ends the last segment.
    broken: bool,
}

impl<'a> Segments<'a> {
    pub(crate) fn new(
        path: &'a Path,
        dialect: &'a Dialect,
        source: Box<dyn Read + Send + 'a>,
        start: Position,
        bytes_wanted: usize,
        sub_chunk_rows: u64,
    ) -> Self {
        Self {
            path,
            dialect,
            source,
            bytes_wanted,
            sub_chunk_rows,
            state: State::RecordStart,
            text: Vec::new(),
            scanned: 0,
            rows: 0,
            start,
            record_seen: 0,
            at_end: false,
            broken: false,
        }
    }

    /// The next segment; its text is at least the wanted bytes, except for the last.
    ///
    /// # Errors
    ///
    /// When the source cannot be read or decompressed. Errors in records are found by parsing.
    pub fn next_segment(&mut self) -> Result<Option<Segment>> {
        loop {
            if let Some(segment) = self.scan_to_cut() {
                return Ok(Some(segment));
            }
            if self.broken || self.at_end {
                self.at_end = true;
                let rest = self.text.len();
                return Ok((self.rows > 0).then(|| self.hand_out(rest, self.rows)));
            }
            self.read()?;
        }
    }

    /// Runs over unseen text; stops where a segment can end: before the record that starts a
    /// sub-chunk, once there is enough text.
    fn scan_to_cut(&mut self) -> Option<Segment> {
        while self.scanned < self.text.len() {
            let end = self.text.len().min(self.scanned + STEP_BYTES);
            let step = run(self.dialect, self.state, &self.text[self.scanned..end]);
            let aligned = (self.rows + step.records) / self.sub_chunk_rows
                > self.rows / self.sub_chunk_rows
                || (self.rows > 0
                    && self.rows.is_multiple_of(self.sub_chunk_rows)
                    && step.records > 0);
            if aligned
                && end >= self.bytes_wanted
                && let Some(cut) = self.cut_in(end)
            {
                return Some(cut);
            }
            self.rows += step.records;
            self.state = step.end;
            self.scanned = end;
            if step.records > 0 {
                self.record_seen = end;
            }
            let in_record = !matches!(step.end, State::RecordStart | State::Comment);
            let too_long = (end - self.record_seen) as u64 > self.dialect.record_bytes_max;
            if step.end == State::Dead || (in_record && too_long) {
                self.broken = true;
                return None;
            }
        }
        None
    }

    /// Looks for the first possible cut before `end`, record by record.
    fn cut_in(&mut self, end: usize) -> Option<Segment> {
        let (mut state, mut at, mut rows) = (self.state, self.scanned, self.rows);
        while at < end {
            let step = run(self.dialect, state, &self.text[at..=at]);
            if step.first.is_some() {
                if rows > 0 && rows.is_multiple_of(self.sub_chunk_rows) && at >= self.bytes_wanted {
                    self.scanned = at;
                    self.state = state;
                    self.rows = rows;
                    return Some(self.hand_out(at, rows));
                }
                rows += 1;
            }
            state = step.end;
            at += 1;
        }
        None
    }

    fn hand_out(&mut self, bytes: usize, rows: u64) -> Segment {
        let mut rest = Vec::new();
        if !self.at_end {
            rest.reserve_exact(self.text.capacity());
            rest.extend_from_slice(&self.text[bytes..]);
        }
        let mut text = std::mem::replace(&mut self.text, rest);
        text.truncate(bytes);
        let mut lines = LineEnds::default();
        lines.extend(&text);
        let start = self.start;
        self.start = Position {
            byte: start.byte + bytes as u64,
            row: start.row + rows,
            line: start.line + lines.count,
        };
        self.scanned = 0;
        self.record_seen = 0;
        self.rows = 0;
        Segment {
            first_row: start.row,
            rows,
            text,
            start,
        }
    }

    fn read(&mut self) -> Result<()> {
        let filled = self.text.len();
        if self.text.capacity() == 0 {
            self.text
                .reserve_exact(self.bytes_wanted.saturating_add(2 * READ_BYTES));
        }
        self.text.resize(filled + READ_BYTES, 0);
        let read = loop {
            match self.source.read(&mut self.text[filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(read) => {
                self.text.truncate(filled + read);
                self.at_end = read == 0;
                Ok(())
            }
            Err(source) => {
                let place = Place::path(self.path).byte(self.start.byte + filled as u64);
                Err(Error::from(InputError::Io {
                    action: "decompress the file",
                    source,
                })
                .at(place))
            }
        }
    }
}
