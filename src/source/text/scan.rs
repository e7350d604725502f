//! Pass 1a: where records start in a range of a file, for every state the range might start in.
//!
//! Nothing is parsed. All start states run at once over bounded buffers and merge as soon as they
//! meet, which they do after the first line end outside quotes, so the cost is that of one or two
//! searches for line ends and quotes.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::automaton::{State, run};
use super::dialect::Dialect;
use super::spans::{Span, SpanRecorder};
use crate::error::Result;

/// Large enough that a read is cheap, small enough to stay in the second-level cache.
/// Tests and fuzzers use one so small that records are cut everywhere.
const BUFFER_BYTES: usize = if cfg!(any(test, fuzzing)) {
    9
} else {
    256 << 10
};
/// Most start states have met after this many bytes.
const FIRST_BYTES: usize = if cfg!(any(test, fuzzing)) { 3 } else { 4 << 10 };

/// What a range does from one start state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Track {
    /// The state after the range.
    pub(crate) end: State,
    /// Data records that start in the range.
    pub(crate) records: u64,
    /// File offset of the first of them.
    pub(crate) first_byte: Option<u64>,
    /// Line ends in the range before it.
    pub(crate) first_lines: u64,
}

/// What [`scan`](super::TextFile::scan) learned about one range of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeSummary {
    pub(crate) range: Range<u64>,
    /// In the order of [`State::STARTS`].
    pub(crate) tracks: [Track; 6],
    pub(crate) lines: LineEnds,
    /// Digests of the bytes.
    pub(crate) spans: Vec<Span>,
}

/// Counts line ends (`\n`, `\r\n`, lone `\r`) over consecutive pieces of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LineEnds {
    /// Line ends, a `\r` as last byte included.
    pub(crate) count: u64,
    starts_with_lf: bool,
    ends_with_cr: bool,
    started: bool,
}

impl LineEnds {
    /// Appends the next bytes.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
            return;
        };
        self.append(&Self {
            count: count_line_ends(bytes),
            starts_with_lf: *first == b'\n',
            ends_with_cr: *last == b'\r',
            started: true,
        });
    }

    /// The first `count` line ends of the piece.
    pub(crate) fn truncated(&self, count: u64) -> Self {
        Self { count, ..*self }
    }

    /// Appends what was counted in the next piece.
    pub(crate) fn append(&mut self, next: &Self) {
        if !next.started {
            return;
        }
        if !self.started {
            *self = *next;
            return;
        }
        // The pair was cut: its first half has already been counted.
        let cut_pair = u64::from(self.ends_with_cr && next.starts_with_lf);
        self.count += next.count.saturating_sub(cut_pair);
        self.ends_with_cr = next.ends_with_cr;
    }
}

fn count_line_ends(bytes: &[u8]) -> u64 {
    let feeds = memchr_iter(b'\n', bytes).count();
    let lone_returns = match memchr(b'\r', bytes) {
        None => 0,
        Some(_) => memchr_iter(b'\r', bytes)
            .filter(|at| bytes.get(at + 1) != Some(&b'\n'))
            .count(),
    };
    (feeds + lone_returns) as u64
}

/// Scans one range; `read_at` fills a buffer from a file offset and returns the bytes read.
///
/// A range that starts where a record is known to start (`at_record_start`) runs from that state
/// alone.
pub(crate) fn scan(
    dialect: &Dialect,
    range: Range<u64>,
    at_record_start: bool,
    mut read_at: impl FnMut(&mut [u8], u64) -> Result<usize>,
) -> Result<RangeSummary> {
    let mut scan = Scan::new(dialect, range.clone(), at_record_start);
    let mut spans = SpanRecorder::new(range.start);
    let bounded = |bytes: u64| usize::try_from(bytes).map_or(BUFFER_BYTES, |n| n.min(BUFFER_BYTES));
    let mut buffer = vec![0; bounded(range.end.saturating_sub(range.start))];
    let mut offset = range.start;
    while offset < range.end {
        let wanted = bounded(range.end - offset);
        let read = read_at(&mut buffer[..wanted], offset)?;
        if read == 0 {
            break;
        }
        spans.extend(&buffer[..read]);
        let (head, tail) = buffer[..read].split_at(read.min(FIRST_BYTES));
        if offset == range.start {
            scan.extend(head, offset);
            scan.extend(tail, offset + head.len() as u64);
        } else {
            scan.extend(&buffer[..read], offset);
        }
        offset += read as u64;
    }
    scan.summary.spans = spans.finish();
    Ok(scan.summary)
}

struct Scan<'a> {
    dialect: &'a Dialect,
    summary: RangeSummary,
}

impl<'a> Scan<'a> {
    fn new(dialect: &'a Dialect, range: Range<u64>, at_record_start: bool) -> Self {
        let tracks = State::STARTS.map(|start| {
            let quoted = matches!(start, State::Quoted | State::QuoteInQuoted);
            let impossible = (at_record_start && start != State::RecordStart)
                || (quoted && dialect.quote.is_none())
                || (start == State::Comment && dialect.comment.is_none());
            Track {
                end: if impossible { State::Dead } else { start },
                records: 0,
                first_byte: None,
                first_lines: 0,
            }
        });
        let lines = LineEnds::default();
        Self {
            dialect,
            summary: RangeSummary {
                range,
                tracks,
                lines,
                spans: Vec::new(),
            },
        }
    }

    /// Runs each distinct state once and gives the result to every start that is in it.
    fn extend(&mut self, bytes: &[u8], offset: u64) {
        let summary = &mut self.summary;
        let before = summary.tracks.map(|track| track.end);
        for (index, state) in before.iter().enumerate() {
            if *state == State::Dead || before[..index].contains(state) {
                continue;
            }
            let result = run(self.dialect, *state, bytes);
            for (track, _) in summary
                .tracks
                .iter_mut()
                .zip(&before)
                .filter(|(_, other)| *other == state)
            {
                track.end = result.end;
                track.records += result.records;
                if let (None, Some(first)) = (track.first_byte, result.first) {
                    let mut lines = summary.lines;
                    lines.extend(&bytes[..first]);
                    track.first_byte = Some(offset + first as u64);
                    track.first_lines = lines.count;
                }
            }
        }
        summary.lines.extend(bytes);
    }
}
