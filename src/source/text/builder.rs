//! Filling one column from blocks of fields, widening its type as fields demand.
//!
//! A column that turns out to be text after rows of it have been stored as numbers is only marked:
//! the numbers no longer say how the fields were written, so the unit is read again for it.

use super::block::Block;
use super::column::{ColumnRequest, ColumnType, TextColumn, TextValues, Values};
use super::fill::{Missing, Stop, fill_floats, fill_integers, fill_null, fill_text};
use super::number::{NullTokens, Reading};
use crate::error::{Error, TextError};

/// A column being filled.
pub(crate) struct ColumnBuilder {
    index: usize,
    content: Content,
    /// The type that was asked for: nothing wider is accepted.
    forced: Option<ColumnType>,
    reading: Reading,
    validity: Option<Vec<bool>>,
    rows: usize,
    /// Rows that are expected in all.
    capacity: usize,
}

/// What a builder holds.
enum Content {
    Values(Values),
    /// Text that was found too late.
    Late,
}

impl ColumnBuilder {
    /// A builder for a column of `capacity` rows, or none if the column is not asked for.
    pub(crate) fn new(index: usize, request: ColumnRequest, capacity: usize) -> Option<Self> {
        let forced = match request {
            ColumnRequest::Skip => return None,
            ColumnRequest::Infer | ColumnRequest::Keep | ColumnRequest::As(ColumnType::Null) => {
                None
            }
            ColumnRequest::As(forced) => Some(forced),
        };
        let values = match forced {
            Some(ColumnType::Text) => Values::Text(TextValues::with_capacity(capacity)),
            Some(ColumnType::Float64) => Values::Float64(Vec::with_capacity(capacity)),
            Some(ColumnType::Int64) => Values::Int64(Vec::with_capacity(capacity)),
            Some(ColumnType::Null) | None => Values::Null { blank: true },
        };
        Some(Self {
            index,
            content: Content::Values(values),
            forced,
            reading: match request {
                ColumnRequest::Keep => Reading::Identity,
                _ => Reading::Value,
            },
            validity: None,
            rows: 0,
            capacity,
        })
    }

    /// The column's position if it must be read again as text.
    pub(crate) fn late(&self) -> Option<usize> {
        matches!(self.content, Content::Late).then_some(self.index)
    }

    /// The finished column, unless it must be read again.
    pub(crate) fn finish(self) -> Option<TextColumn> {
        match self.content {
            Content::Values(values) => Some(TextColumn {
                index: self.index,
                values,
                validity: self.validity,
            }),
            Content::Late => None,
        }
    }

    /// Appends the column's fields of one block; fails with the first row that does not fit.
    pub(crate) fn extend(
        &mut self,
        block: &Block<'_>,
        nulls: &NullTokens,
        quote: u8,
    ) -> Result<(), (usize, Error)> {
        let mut row = 0;
        let rows = block.rows();
        while row < rows {
            let fields = block.column(self.index, row);
            let Content::Values(values) = &mut self.content else {
                break;
            };
            let reading = self.reading;
            let start = self.rows + row;
            let missing = Missing {
                validity: &mut self.validity,
                start,
            };
            let stop = match values {
                Values::Null { blank } => fill_null(blank, fields, nulls, missing, reading),
                Values::Int64(values) => fill_integers(values, fields, nulls, missing, reading),
                Values::Float64(values) => fill_floats(values, fields, nulls, missing, reading),
                Values::Text(values) => fill_text(values, fields, quote),
            };
            row += match stop {
                Stop::Done => rows - row,
                Stop::Float(done) | Stop::Integer(done) | Stop::Text(done) => done,
            };
            let wider = match stop {
                Stop::Done => break,
                Stop::Float(_) => ColumnType::Float64,
                Stop::Integer(_) => ColumnType::Int64,
                Stop::Text(_) => ColumnType::Text,
            };
            if let Some(forced) = self.forced {
                let field = block
                    .column(self.index, row)
                    .next()
                    .map_or(&[][..], |(_, raw)| raw);
                return Err((
                    row,
                    block.field_error(row, self.index, misfit(field, forced)),
                ));
            }
            if self.widen(wider, self.rows + row) {
                row = 0;
            }
        }
        self.rows += rows;
        Ok(())
    }

    /// Changes the type after `rows` rows; true if the block has to be taken again from its start.
    fn widen(&mut self, wider: ColumnType, rows: usize) -> bool {
        let Content::Values(values) = &mut self.content else {
            return false;
        };
        let old = std::mem::replace(values, Values::Null { blank: false });
        match (wider, old) {
            (ColumnType::Text, _) if self.rows == 0 => {
                *values = Values::Text(TextValues::with_capacity(self.capacity));
                self.validity = None;
                return true;
            }
            (ColumnType::Text, Values::Null { blank: true }) => {
                *values = Values::Text(TextValues::blank(rows));
            }
            (ColumnType::Text, _) => {
                self.content = Content::Late;
                self.validity = None;
            }
            (ColumnType::Float64, Values::Int64(integers))
                if !self.reading.may_widen(&integers) =>
            {
                self.content = Content::Late;
                self.validity = None;
            }
            (ColumnType::Float64, Values::Int64(integers)) => {
                // Rounds to nearest even, as reading the digits as a float does.
                *values = Values::Float64(integers.into_iter().map(|value| value as f64).collect());
            }
            (ColumnType::Float64, _) => {
                *values = Values::Float64(Vec::with_capacity(self.capacity));
                self.backfill(rows);
            }
            (_, old @ Values::Null { .. }) if wider == ColumnType::Int64 => {
                drop(old);
                *values = Values::Int64(Vec::with_capacity(self.capacity));
                self.backfill(rows);
            }
            (_, old) => *values = old,
        }
        false
    }

    /// Marks all rows so far as missing.
    fn backfill(&mut self, rows: usize) {
        if rows > 0 {
            self.validity = Some(vec![false; rows]);
        }
    }
}

/// The error for a field that a forced type cannot hold.
fn misfit(field: &[u8], forced: ColumnType) -> TextError {
    const SHOWN_CHARS: usize = 60;
    let value = String::from_utf8_lossy(field);
    let mut shown: String = value.chars().take(SHOWN_CHARS).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    TextError::NotANumber {
        value: format!("{shown:?}"),
        expected: match forced {
            ColumnType::Int64 => "a 64-bit integer",
            _ => "a number",
        },
    }
}
