//! A cache file with some columns replaced: the chunks of the others are spliced in as they stand.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::{CacheFile, Content, close, field, message, open, write_rows};
use crate::source::text::{TextBatch, TextColumn};

/// Writes `old` to `path` with the columns of `batch` in place of its own.
pub(super) fn rewrite_file(
    path: &Path,
    old: &Path,
    names: &[String],
    batch: &TextBatch,
    contents: &[Content<'_>],
) -> parquet::errors::Result<CacheFile> {
    let chunks = File::open(old)?;
    let old = SerializedFileReader::new(chunks.try_clone()?)?;
    let new: BTreeMap<usize, (&TextColumn, Content<'_>)> = batch
        .columns
        .iter()
        .zip(contents)
        .map(|(column, content)| (column.index, (column, *content)))
        .collect();

    let mut fields = Vec::new();
    let old_schema = old.metadata().file_metadata().schema();
    for (index, field_before) in old_schema.get_fields().iter().enumerate() {
        fields.push(match new.get(&index) {
            Some((column, content)) => field(names, column, *content)?,
            None => field_before.clone(),
        });
    }
    let mut writer = open(File::create(path)?, message(fields)?)?;
    let mut cursors = vec![0; old_schema.get_fields().len()];
    let mut start = 0;
    for metadata in old.metadata().row_groups() {
        let rows = start..batch.rows.min(start + group_rows(metadata));
        start = rows.end;
        let mut group = writer.next_row_group()?;
        for (index, cursor) in cursors.iter_mut().enumerate() {
            let Some((column, content)) = new.get(&index) else {
                group.append_column(&chunks, stored(metadata, index))?;
                continue;
            };
            let Some(mut column_writer) = group.next_column()? else {
                break;
            };
            write_rows(&mut column_writer, column, *content, rows.clone(), cursor)?;
            column_writer.close()?;
        }
        group.close()?;
    }
    let row_groups = old.metadata().num_row_groups() as u64;
    close(writer, batch.rows as u64, row_groups)
}

fn group_rows(metadata: &RowGroupMetaData) -> usize {
    usize::try_from(metadata.num_rows()).unwrap_or(0)
}

/// A chunk as it stands in the old file.
fn stored(metadata: &RowGroupMetaData, column: usize) -> ColumnCloseResult {
    let chunk = metadata.column(column).clone();
    ColumnCloseResult {
        bytes_written: u64::try_from(chunk.compressed_size()).unwrap_or(0),
        rows_written: u64::try_from(metadata.num_rows()).unwrap_or(0),
        metadata: chunk,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    }
}
