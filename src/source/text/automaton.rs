//! The dialect as an automaton over bytes, run without splitting fields: it finds where records start.
//!
//! Its states form a transition monoid, so a range can be run from every state it might start in and
//! ranges compose afterwards. A quote opens a quoted field only as a field's first byte. `\n`, `\r\n`
//! and a lone `\r` end a record; a line without any byte is skipped, which is also what makes `\r\n`
//! one record end without a state of its own.

use memchr::{memchr, memchr2, memchr3};

use super::dialect::Dialect;

/// Where the automaton is between two bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// A line starts: blank, comment or record.
    RecordStart,
    /// A field of a record starts.
    FieldStart,
    /// Inside an unquoted field.
    Plain,
    /// Inside a quoted field.
    Quoted,
    /// A quote inside a quoted field: its end, or the first half of an escaped quote.
    QuoteInQuoted,
    /// Inside a comment line.
    Comment,
    /// Something other than a delimiter or line end followed a closing quote.
    Dead,
}

impl State {
    /// Every state that a range can start in.
    pub(crate) const STARTS: [Self; 6] = [
        Self::RecordStart,
        Self::FieldStart,
        Self::Plain,
        Self::Quoted,
        Self::QuoteInQuoted,
        Self::Comment,
    ];
}

/// What a run over some bytes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    /// The state after the last byte.
    pub(crate) end: State,
    /// Data records that start in the bytes.
    pub(crate) records: u64,
    /// Offset of the first of them.
    pub(crate) first: Option<usize>,
}

/// Runs the automaton over `bytes` from `state`.
pub(crate) fn run(dialect: &Dialect, mut state: State, bytes: &[u8]) -> Run {
    let mut records = 0;
    let mut first = None;
    let mut at = 0;
    while at < bytes.len() {
        (state, at) = match state {
            State::RecordStart => match bytes[at] {
                b'\n' | b'\r' => (State::RecordStart, at + 1),
                byte if Some(byte) == dialect.comment => (State::Comment, at + 1),
                _ => {
                    records += 1;
                    first.get_or_insert(at);
                    (State::FieldStart, at)
                }
            },
            State::FieldStart if Some(bytes[at]) == dialect.quote => (State::Quoted, at + 1),
            State::FieldStart | State::Plain => plain(dialect, bytes, at),
            State::Quoted => match dialect.quote.and_then(|quote| memchr(quote, &bytes[at..])) {
                Some(found) => (State::QuoteInQuoted, at + found + 1),
                None => (State::Quoted, bytes.len()),
            },
            State::QuoteInQuoted => match bytes[at] {
                byte if Some(byte) == dialect.quote => (State::Quoted, at + 1),
                byte if byte == dialect.delimiter => (State::FieldStart, at + 1),
                b'\n' | b'\r' => (State::RecordStart, at + 1),
                _ => (State::Dead, at),
            },
            State::Comment => match memchr2(b'\n', b'\r', &bytes[at..]) {
                Some(found) => (State::RecordStart, at + found + 1),
                None => (State::Comment, bytes.len()),
            },
            State::Dead => break,
        };
    }
    Run {
        end: state,
        records,
        first,
    }
}

/// Runs from inside an unquoted field to the record's end, the next quoted field or the last byte.
fn plain(dialect: &Dialect, bytes: &[u8], start: usize) -> (State, usize) {
    let mut at = start;
    loop {
        let rest = &bytes[at..];
        let found = match dialect.quote {
            Some(quote) => memchr3(b'\n', b'\r', quote, rest),
            None => memchr2(b'\n', b'\r', rest),
        };
        let Some(found) = found.map(|found| at + found) else {
            let ends_with_delimiter = bytes.last() == Some(&dialect.delimiter);
            let state = if ends_with_delimiter {
                State::FieldStart
            } else {
                State::Plain
            };
            return (state, bytes.len());
        };
        if Some(bytes[found]) != dialect.quote {
            return (State::RecordStart, found + 1);
        }
        if found > start && bytes[found - 1] == dialect.delimiter {
            return (State::Quoted, found + 1);
        }
        at = found + 1;
    }
}
