//! Footers: read, and checked before anything is decoded from their word.

use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use super::file::PositionalFile;
use crate::engine::Memory;
use crate::error::{DataError, Result};

/// What a footer takes in memory, as a multiple of its bytes in the file: it is read, and its parts
/// become structures that are mostly pointers. An estimate on the safe side, not a measurement.
const MEMORY_FACTOR: u64 = 8;
/// Length of a footer and magic number, at the end of every file.
const TAIL_BYTES: u64 = 8;

/// Reads and checks the footer of `file`, if the budget has room for it.
pub(super) fn read(file: &PositionalFile, memory: &Memory) -> Result<ParquetMetaData> {
    check_fits(file, memory)?;
    let metadata = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Skip)
        .parse_and_finish(file)
        .map_err(|source| super::reading_error("read the footer", source))?;
    check(&metadata, file.len())?;
    Ok(metadata)
}

/// Looks at the length only: whether there is a footer at all is found out by reading it.
fn check_fits(file: &PositionalFile, memory: &Memory) -> Result<()> {
    let Some(start) = file.len().checked_sub(TAIL_BYTES) else {
        return Ok(());
    };
    let Ok(tail) = file.get_bytes(start, 4) else {
        return Ok(());
    };
    let length = tail
        .iter()
        .rev()
        .fold(0, |length, byte| (length << 8) | u64::from(*byte));
    if length > start {
        return Ok(());
    }
    let what = || format!("a footer of {length} bytes");
    memory
        .workers_taking(length * MEMORY_FACTOR, what)
        .map(drop)
}

/// Every size and offset must be possible in a file of `file_bytes`.
fn check(metadata: &ParquetMetaData, file_bytes: u64) -> std::result::Result<(), DataError> {
    let lies = |what: &'static str, said: i64, allowed: u64| {
        Err(DataError::FooterLies {
            what,
            said,
            allowed,
        })
    };
    let mut rows_total: u64 = 0;
    for group in metadata.row_groups() {
        let Ok(rows) = u64::try_from(group.num_rows()) else {
            return lies("the rows of a row group", group.num_rows(), u64::MAX);
        };
        rows_total = rows_total.saturating_add(rows);
        for chunk in group.columns() {
            let start = chunk
                .dictionary_page_offset()
                .unwrap_or_else(|| chunk.data_page_offset());
            let length = chunk.compressed_size();
            let end = start.checked_add(length);
            let inside = |value: i64| u64::try_from(value).is_ok_and(|value| value <= file_bytes);
            if !inside(start) || !inside(length) || !end.is_some_and(inside) {
                return lies(
                    "the end of a column chunk",
                    end.unwrap_or(i64::MAX),
                    file_bytes,
                );
            }
            let flat = chunk.column_descr().max_rep_level() == 0;
            if chunk.num_values() < 0 || (flat && chunk.num_values() != group.num_rows()) {
                return lies("the values of a column chunk", chunk.num_values(), rows);
            }
        }
    }
    let said = metadata.file_metadata().num_rows();
    if u64::try_from(said) != Ok(rows_total) {
        return lies("the number of rows", said, rows_total);
    }
    Ok(())
}
