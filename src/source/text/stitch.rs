//! Composing the scans of a file's ranges into units that own rows.
//!
//! Invariant: units own consecutive rows, cut only at multiples of [`SUB_CHUNK_ROWS`] counted from
//! the start of the file, so no statistics sub-chunk is ever cut, whatever the range size. A unit
//! reads from its range's first record and past its range's end, as far as its rows reach.

use std::sync::Arc;

use super::automaton::State;
use super::scan::{LineEnds, RangeSummary};
use super::spans::Spans;

/// Rows of a statistics sub-chunk: units start and end at multiples of it. Fuzzers have so few that
/// short texts are cut, too.
pub const SUB_CHUNK_ROWS: u64 = if cfg!(fuzzing) { 2 } else { 4096 };

/// The part of a plain text file that is parsed at once: consecutive rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextUnit {
    /// First row owned, counted from 0 over the file's data rows; a multiple of 4,096.
    pub first_row: u64,
    /// Rows owned.
    pub rows: u64,
    /// Bytes of the file that this unit stands for in a progress bar; they add up to the body.
    pub bytes: u64,
    /// Offset of the record that reading starts with.
    pub(crate) start_byte: u64,
    /// Its row: at most `first_row`.
    pub(crate) start_row: u64,
    /// Its line, counted from 1.
    pub(crate) start_line: u64,
    /// Whether the unit reads to the end of the file.
    pub(crate) last: bool,
    /// What the scan has read of the file.
    pub(crate) spans: Arc<Spans>,
}

impl TextUnit {
    /// The digest of the whole file's records, as the scan has read them.
    pub fn source_digest(&self) -> u128 {
        self.spans.digest()
    }
}

/// A file's ranges composed: how many rows it has, and the units that own them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stitched {
    /// Data rows of the file. In a file with a syntax error, rows up to the error.
    pub rows: u64,
    /// The units in file order; none if there are no rows.
    pub units: Vec<TextUnit>,
}

/// The first record of a range.
struct Start {
    row: u64,
    byte: u64,
    line: u64,
}

/// Composes consecutive ranges that together cover a file's body; units are cut at multiples of
/// `sub_chunk_rows`, which is [`SUB_CHUNK_ROWS`] outside tests.
///
/// In a file where something follows a closing quote nothing after that place is known: the units
/// end with the one that holds the error and parsing it reports the place.
pub(crate) fn stitch(first_line: u64, summaries: &[RangeSummary], sub_chunk_rows: u64) -> Stitched {
    let mut state = State::RecordStart;
    let mut rows = 0;
    let mut lines = LineEnds::default();
    let mut starts = Vec::new();
    for summary in summaries {
        let Some(track) = State::STARTS
            .iter()
            .zip(&summary.tracks)
            .find_map(|(start, track)| (*start == state).then_some(track))
        else {
            break;
        };
        if let Some(byte) = track.first_byte {
            let mut before = lines;
            before.append(&summary.lines.truncated(track.first_lines));
            starts.push(Start {
                row: rows,
                byte,
                line: first_line + before.count,
            });
        }
        rows += track.records;
        lines.append(&summary.lines);
        state = track.end;
    }
    let body = summaries.first().map_or(0, |first| first.range.start)
        ..summaries.last().map_or(0, |last| last.range.end);
    let spans = summaries.iter().flat_map(|summary| summary.spans.iter());
    let spans = Arc::new(Spans::new(body.start, spans.copied().collect()));
    Stitched {
        rows,
        units: own_rows(rows, body, &starts, sub_chunk_rows, &spans),
    }
}

fn own_rows(
    rows: u64,
    body: std::ops::Range<u64>,
    starts: &[Start],
    sub_chunk_rows: u64,
    spans: &Arc<Spans>,
) -> Vec<TextUnit> {
    let aligned = |row: u64| row.next_multiple_of(sub_chunk_rows).min(rows);
    let mut units: Vec<TextUnit> = Vec::new();
    let mut counted_to = body.start;
    for (index, start) in starts.iter().enumerate() {
        let next = starts.get(index + 1);
        let first_row = aligned(start.row);
        let end_row = next.map_or(rows, |next| aligned(next.row));
        if first_row == end_row {
            continue;
        }
        let last = end_row == rows;
        let end_byte = if last {
            body.end
        } else {
            next.map_or(body.end, |next| next.byte)
        };
        units.push(TextUnit {
            first_row,
            rows: end_row - first_row,
            bytes: end_byte - counted_to,
            start_byte: start.byte,
            start_row: start.row,
            start_line: start.line,
            last,
            spans: Arc::clone(spans),
        });
        counted_to = end_byte;
    }
    units
}
