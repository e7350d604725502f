//! Cutting a buffer into records and fields.
//!
//! Strict quoting: a quote opens a quoted field only as the field's first byte; inside an unquoted
//! field it is a literal; after a closing quote only a delimiter or a record end may follow. The
//! result is one flat table of field positions, filled without copying or allocating per field.

use super::dialect::Dialect;
use super::structure::{Needles, find};

/// Marks, in [`Field::end`], a quoted field that holds doubled quotes.
const ESCAPED: u32 = 1 << 31;

/// A field's place in the buffer, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    start: u32,
    end: u32,
}

impl Field {
    /// The field's bytes; doubled quotes inside are still doubled.
    #[inline(always)]
    pub(crate) fn raw(self, text: &[u8]) -> &[u8] {
        &text[self.start as usize..(self.end & !ESCAPED) as usize]
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

/// How a record or line ended.
enum End {
    /// At this byte, a line end or the end of the input.
    At(usize),
    /// Not in this buffer.
    Incomplete { open_quote: Option<usize> },
    /// Never.
    Fault(Fault),
}

/// Cuts the records of `text`.
pub(crate) struct Cutter<'a> {
    dialect: &'a Dialect,
    text: &'a [u8],
    at_end: bool,
    positions: &'a [u32],
    /// Index of the first position that has not been passed.
    next: usize,
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
        if self.positions.len() < text.len() {
            self.positions.resize(text.len(), 0);
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

impl Cutter<'_> {
    fn records(
        &mut self,
        fields: &mut Vec<Field>,
        records: &mut Vec<(u32, u32)>,
        columns: Option<usize>,
        records_max: u64,
    ) -> Cut {
        let mut at = 0;
        let stop = |consumed, fault, open_quote| Cut {
            consumed,
            fault,
            open_quote,
            in_comment: false,
        };
        while at < self.text.len() && (records.len() as u64) < records_max {
            let first = self.text[at];
            if first == b'\n' || first == b'\r' {
                self.next += 1;
                at += 1;
                continue;
            }
            if Some(first) == self.dialect.comment {
                let End::At(end) = self.comment() else {
                    let consumed = self.text.len();
                    return Cut {
                        consumed,
                        fault: None,
                        open_quote: None,
                        in_comment: true,
                    };
                };
                at = end + 1;
                continue;
            }
            let before = fields.len();
            match self.record(at, fields) {
                End::At(end) => {
                    let found = fields.len() - before;
                    if columns.is_some_and(|columns| columns != found) {
                        fields.truncate(before);
                        return stop(at, Some(Fault::FieldCount { at, end, found }), None);
                    }
                    records.push((at as u32, end as u32));
                    at = end + 1;
                }
                End::Incomplete { open_quote } => {
                    fields.truncate(before);
                    return stop(at, None, open_quote);
                }
                End::Fault(fault) => {
                    fields.truncate(before);
                    return stop(at, Some(fault), None);
                }
            }
        }
        stop(at.min(self.text.len()), None, None)
    }

    fn comment(&mut self) -> End {
        while let Some(at) = self.positions.get(self.next).map(|at| *at as usize) {
            self.next += 1;
            if matches!(self.text[at], b'\n' | b'\r') {
                return End::At(at);
            }
        }
        self.end_of_text()
    }

    /// The text's end is the end of the line if nothing follows.
    fn end_of_text(&self) -> End {
        if self.at_end {
            End::At(self.text.len())
        } else {
            End::Incomplete { open_quote: None }
        }
    }

    fn record(&mut self, start: usize, fields: &mut Vec<Field>) -> End {
        let before = fields.len();
        let mut start = start;
        loop {
            let quoted =
                self.dialect.quote.is_some() && self.text.get(start) == self.dialect.quote.as_ref();
            let end = if quoted {
                let (end, close, escaped) = match self.quoted(start, fields.len() - before) {
                    Ok(closed) => closed,
                    Err(end) => return end,
                };
                let escaped = if escaped { ESCAPED } else { 0 };
                fields.push(Field {
                    start: start as u32 + 1,
                    end: close as u32 | escaped,
                });
                end
            } else {
                let end = match self.unquoted() {
                    End::At(end) => end,
                    other => return other,
                };
                fields.push(Field {
                    start: start as u32,
                    end: end as u32,
                });
                end
            };
            if self.text.get(end) != Some(&self.dialect.delimiter) {
                return End::At(end);
            }
            start = end + 1;
        }
    }

    /// The end of an unquoted field: quotes inside are literals.
    #[inline(always)]
    fn unquoted(&mut self) -> End {
        while let Some(at) = self.positions.get(self.next).map(|at| *at as usize) {
            self.next += 1;
            if Some(self.text[at]) != self.dialect.quote {
                return End::At(at);
            }
        }
        self.end_of_text()
    }

    /// Field end, closing quote and whether there are doubled quotes, for a field opened at `open`.
    fn quoted(&mut self, open: usize, field: usize) -> Result<(usize, usize, bool), End> {
        let mut escaped = false;
        self.next += 1;
        loop {
            let Some(at) = self.positions.get(self.next).map(|at| *at as usize) else {
                return Err(if self.at_end {
                    End::Fault(Fault::Unterminated { at: open, field })
                } else {
                    End::Incomplete {
                        open_quote: Some(open),
                    }
                });
            };
            self.next += 1;
            if Some(self.text[at]) != self.dialect.quote {
                continue;
            }
            match self.text.get(at + 1) {
                None if self.at_end => return Ok((at + 1, at, escaped)),
                None => {
                    return Err(End::Incomplete {
                        open_quote: Some(open),
                    });
                }
                next if next == self.dialect.quote.as_ref() => {
                    escaped = true;
                    self.next += 1;
                }
                Some(b'\n' | b'\r') => {
                    self.next += 1;
                    return Ok((at + 1, at, escaped));
                }
                Some(byte) if *byte == self.dialect.delimiter => {
                    self.next += 1;
                    return Ok((at + 1, at, escaped));
                }
                Some(_) => return Err(End::Fault(Fault::AfterQuote { at: at + 1, field })),
            }
        }
    }
}
