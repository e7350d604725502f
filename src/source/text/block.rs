//! A block: whole records in a buffer, their fields by column, and the place of anything in it.

use std::path::Path;

use twox_hash::XxHash3_128;

use super::dialect::Dialect;
use super::record::{Fault, Field, RecordTable};
use super::scan::LineEnds;
use crate::error::{Error, Place, TextError};

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

/// The fields of one column of a block, with their bytes.
pub(crate) struct ColumnFields<'r> {
    text: &'r [u8],
    fields: &'r [Field],
    columns: usize,
}

impl<'r> ColumnFields<'r> {
    /// The text that the fields lie in.
    pub(crate) fn text(&self) -> &'r [u8] {
        self.text
    }
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
    pub(crate) text: &'r [u8],
    pub(crate) table: &'r RecordTable,
    pub(crate) columns: usize,
    pub(crate) position: Position,
    pub(crate) lines: LineEnds,
    pub(crate) context: Context<'r>,
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

    /// Feeds the records, line ends left out, to a digest.
    pub(crate) fn digest_into(&self, hasher: &mut XxHash3_128) {
        for (start, end) in &self.table.records {
            let record = self.text.get(*start as usize..*end as usize);
            hasher.write(record.unwrap_or_default());
        }
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

    /// The error for a fault in the next record after the block's.
    pub(crate) fn fault(&self, fault: Fault) -> Error {
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

    /// The error for the record at `at`, the next after the block's.
    pub(crate) fn too_long(&self, at: usize) -> Error {
        let limit = self.context.dialect.record_bytes_max;
        // What lies behind the limit may or may not be in the buffer, so it must not be looked at.
        let within = at..at + usize::try_from(limit).unwrap_or_default();
        let within = self.text.get(within).unwrap_or_default();
        let cut = RecordTable::default().cut(self.context.dialect, within, false, None, 1);
        let open_quote = cut.open_quote.map(|quote| at + quote);
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
    pub(crate) fn first_not_utf8(&self) -> Option<(usize, Error)> {
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
