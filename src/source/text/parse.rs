//! Pass 1b: the rows of one unit as typed columns.

use std::io::Read;

use twox_hash::XxHash3_128;

use super::block::{Context, Position};
use super::builder::ColumnBuilder;
use super::column::{ColumnRequest, ColumnType, TextBatch, TextColumn};
use super::reader::RecordReader;
use crate::error::{Error, InputError, Place, Result, TextError};
use crate::source::discover::CHANGED_HINT;

/// The rows to be parsed from a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    /// Where the source starts.
    pub(crate) start: Position,
    pub(crate) first: u64,
    pub(crate) count: u64,
    /// Nothing may follow them.
    pub(crate) last: bool,
}

/// Parses rows; `open` gives the source from its start, as often as it is called.
///
/// `requests` has an entry for each column. The source is read a second time if a column turned out
/// to be text after some of its rows, and then only that column is stored. `source_digest` is that of a
/// source which makes sure itself that it gives the same bytes each time; of any other one is taken here.
pub(crate) fn parse<R: Read>(
    context: Context<'_>,
    rows: Rows,
    requests: &[ColumnRequest],
    source_digest: Option<u128>,
    open: impl Fn() -> R,
) -> Result<TextBatch> {
    let columns = context.names.map_or(0, <[String]>::len);
    let rows_held = usize::try_from(rows.count).unwrap_or(usize::MAX);
    let request = |column: usize| requests.get(column).copied().unwrap_or_default();
    let mut builders: Vec<_> = (0..columns)
        .filter_map(|column| ColumnBuilder::new(column, request(column), rows_held))
        .collect();
    let is_hashed = source_digest.is_none();
    let (source_bytes, found) = fill(context, rows, &mut builders, is_hashed, open())?;
    let source_digest = source_digest.unwrap_or(found);
    let mut late: Vec<_> = builders
        .iter()
        .filter_map(ColumnBuilder::late)
        .filter_map(|column| {
            ColumnBuilder::new(column, ColumnRequest::As(ColumnType::Text), rows_held)
        })
        .collect();
    if !late.is_empty() {
        let (_, again) = fill(context, rows, &mut late, is_hashed, open())?;
        if again != found {
            return Err(InputError::changed_digest(found, again)
                .at(Place::path(context.path))
                .hint(CHANGED_HINT));
        }
    }
    let mut columns: Vec<TextColumn> = builders
        .into_iter()
        .chain(late)
        .filter_map(ColumnBuilder::finish)
        .collect();
    columns.sort_by_key(|column| column.index);
    Ok(TextBatch {
        first_row: rows.first,
        rows: rows_held,
        columns,
        source_bytes,
        source_digest,
    })
}

/// Reads the rows into the builders and returns the bytes of their records, and their digest if it is
/// wanted.
fn fill(
    context: Context<'_>,
    rows: Rows,
    builders: &mut [ColumnBuilder],
    is_hashed: bool,
    source: impl Read,
) -> Result<(u64, u128)> {
    let mut hasher = XxHash3_128::new();
    let mut reader = RecordReader::new(source, context, rows.start);
    reader.skip(rows.first - rows.start.row)?;
    let quote = context.dialect.quote.unwrap_or_default();
    let mut found = 0;
    let mut bytes = 0;
    while found < rows.count {
        let Some(block) = reader.next_block(rows.count - found)? else {
            return Err(changed(context, rows, found));
        };
        // Columns come one after another, but the first error is that of the first row.
        let misfits = builders
            .iter_mut()
            .filter_map(|builder| builder.extend(&block, &context.dialect.nulls, quote).err());
        if let Some((_, error)) = misfits.min_by_key(|(row, _)| *row) {
            return Err(error);
        }
        found += block.rows() as u64;
        bytes += block.record_bytes();
        if is_hashed {
            block.digest_into(&mut hasher);
        }
    }
    if rows.last && reader.next_block(1)?.is_some() {
        return Err(changed(context, rows, found + 1));
    }
    Ok((bytes, hasher.finish_128()))
}

fn changed(context: Context<'_>, rows: Rows, found: u64) -> Error {
    let error = TextError::FileChanged {
        found: rows.first + found,
        expected: rows.first + rows.count,
    };
    Error::from(error)
        .at(Place::path(context.path))
        .hint("wait until it is complete; --settle refuses files that were modified lately")
}
