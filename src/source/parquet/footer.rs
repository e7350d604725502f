//! Footers: read, and checked before anything is decoded from their word.

use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetStatisticsPolicy,
};
use parquet::file::reader::{ChunkReader, Length};

use super::census::Census;
use super::file::PositionalFile;
use crate::engine::{Memory, PagePermit};
use crate::error::{DataError, Error, Result};

/// Length of a footer and magic number, at the end of every file.
const TAIL_BYTES: u64 = 8;
/// Of a footer that only keys could read: the decoder says so.
const ENCRYPTED: &[u8] = b"PARE";

/// A footer, and what it takes in memory.
pub(super) struct Footer {
    pub metadata: ParquetMetaData,
    pub memory_bytes: u64,
}

/// Reads and checks the footer of `file`, if the budget has room for it.
pub(super) fn read(file: &PositionalFile, memory: &Memory) -> Result<Footer> {
    let (memory_bytes, permit) = take_census(file, memory)?;
    let metadata = decode(file).map_err(failed)?;
    check(&metadata, file.len())?;
    drop(permit);
    Ok(Footer {
        metadata,
        memory_bytes,
    })
}

/// Statistics are left out: nothing here looks at them.
pub(super) fn decode<R: ChunkReader>(file: &R) -> ParquetResult<ParquetMetaData> {
    let skip = ParquetStatisticsPolicy::SkipAll;
    let options = ParquetMetaDataOptions::new()
        .with_encoding_stats_policy(skip.clone())
        .with_column_stats_policy(skip.clone())
        .with_size_stats_policy(skip);
    ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Skip)
        .with_metadata_options(Some(options))
        .parse_and_finish(file)
}

fn failed(source: ParquetError) -> Error {
    super::reading_error("read the footer", source)
}

/// What the footer takes, and the permit for decoding it. Whether there is one at all is the
/// decoder's to find out.
fn take_census(file: &PositionalFile, memory: &Memory) -> Result<(u64, Option<PagePermit>)> {
    let Some(start) = file.len().checked_sub(TAIL_BYTES) else {
        return Ok((0, None));
    };
    let tail = file.peek(start, 8).map_err(failed)?;
    let (length, magic) = tail.split_at(4);
    let length = length
        .iter()
        .rev()
        .fold(0, |length, byte| (length << 8) | u64::from(*byte));
    if length > start || magic == ENCRYPTED {
        return Ok((0, None));
    }
    let what = || format!("a footer of {length} bytes");
    drop(memory.footer(length, what)?);
    let bytes = file
        .peek(
            start - length,
            usize::try_from(length).unwrap_or(usize::MAX),
        )
        .map_err(failed)?;
    let census = Census::of(&bytes).map_err(|_unread| {
        let what = "it ends early, or what it lists is impossible";
        failed(ParquetError::General(what.to_owned()))
    })?;
    let memory_bytes = census.memory_bytes(length);
    // Its bytes are read once more.
    let permit = memory.footer(memory_bytes + length, what)?;
    Ok((memory_bytes, permit))
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
