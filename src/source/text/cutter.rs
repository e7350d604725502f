//! Walking over the bytes that matter and recording where fields and records end.
//!
//! Strict quoting: a quote opens a quoted field only as the field's first byte; inside an unquoted
//! field it is a literal; after a closing quote only a delimiter or a record end may follow.

use super::dialect::Dialect;
use super::record::{Cut, Fault, Field, position};

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
    pub(crate) dialect: &'a Dialect,
    pub(crate) text: &'a [u8],
    pub(crate) at_end: bool,
    pub(crate) positions: &'a [u32],
    /// Index of the first position that has not been passed.
    pub(crate) next: usize,
}

impl Cutter<'_> {
    /// Appends the complete records, at most `records_max`.
    pub(crate) fn records(
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
                    records.push((position(at), position(end)));
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
                fields.push(Field::new(start + 1, close, escaped));
                end
            } else {
                let end = match self.unquoted() {
                    End::At(end) => end,
                    other => return other,
                };
                fields.push(Field::new(start, end, false));
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
