//! Cache files: the parsed text of one unit as Parquet in the staging directory.
//!
//! Plain encoding, no compression, no dictionary, no statistics: they are read once or twice and
//! removed. A column without missing values is required, any other optional. Not synced to disk:
//! whoever resumes a run on cache files has to know that they are complete. `rewrite` replaces some
//! columns of a file.

mod rewrite;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, Type as PhysicalType};
use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::{HashingWriter, Written};
use crate::error::{Error, OutputError, Place, Result};
use crate::source::text::{ColumnType, TextBatch, TextColumn, TextValues, Values};

/// Values handed to a column writer at once; a multiple of its write batch size of 1,024.
const STEP_ROWS: usize = 4096;
const BUFFER_BYTES: usize = 256 << 10;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheFile {
    /// Rows in the file.
    pub rows: u64,
    /// Row groups in the file.
    pub row_groups: u64,
    /// Its bytes and checksum.
    pub written: Written,
}

/// Writes a batch as a Parquet file, in row groups of `block_rows` rows (at least 1).
///
/// `names` are the columns of the source file, `settled` their types if they are known already:
/// integers are then written as floats where floats are wanted, and a column without any value takes
/// the wanted type. Otherwise it is written as float64; columns of text are never converted. Columns
/// that are not in the batch are not in the file.
///
/// # Errors
///
/// When the file cannot be written; an existing one is replaced.
pub fn write_cache(
    path: &Path,
    names: &[String],
    batch: &TextBatch,
    settled: &[ColumnType],
    block_rows: usize,
) -> Result<CacheFile> {
    let file = File::create(path).map_err(failed(path))?;
    write_file(
        file,
        names,
        batch,
        &contents(batch, settled),
        block_rows.max(1),
    )
    .map_err(|error| failed(path)(into_io(error)))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| {
        Error::from(OutputError::Io {
            action: "write the cache of parsed text",
            source,
        })
        .at(Place::path(path))
    }
}

fn contents<'a>(batch: &'a TextBatch, settled: &[ColumnType]) -> Vec<Content<'a>> {
    let columns = batch.columns.iter();
    columns
        .map(|column| Content::of(column, settled.get(column.index).copied()))
        .collect()
}

/// Writes the file `old` again with the columns of `batch`, which has its rows, in place of its own;
/// `names` and `settled` are as for [`write_cache`]. The other columns are taken over as they are
/// stored.
///
/// # Errors
///
/// When `old` can't be read or the file can't be written; an existing one is replaced.
pub fn rewrite_cache(
    path: &Path,
    old: &Path,
    names: &[String],
    batch: &TextBatch,
    settled: &[ColumnType],
) -> Result<CacheFile> {
    let contents = contents(batch, settled);
    rewrite::rewrite_file(path, old, names, batch, &contents)
        .map_err(|error| failed(path)(into_io(error)))
}

/// Removes a cache file that another has taken the place of; it may be gone.
///
/// # Errors
/// [`OutputError::Io`] if it can't be removed.
pub fn remove_cache(path: &Path) -> Result<()> {
    super::files::remove(path, false)
}

/// How a column goes into the file.
#[derive(Clone, Copy)]
enum Content<'a> {
    Int64(&'a [i64]),
    Widened(&'a [i64]),
    Float64(&'a [f64]),
    Text(&'a TextValues),
    /// Empty strings only.
    Blank,
    /// Missing values only.
    Nothing(PhysicalType),
}

impl<'a> Content<'a> {
    fn of(column: &'a TextColumn, settled: Option<ColumnType>) -> Self {
        match (&column.values, settled) {
            (Values::Int64(values), Some(ColumnType::Float64)) => Self::Widened(values),
            (Values::Int64(values), _) => Self::Int64(values),
            (Values::Float64(values), _) => Self::Float64(values),
            (Values::Text(values), _) => Self::Text(values),
            (Values::Null { blank: true }, Some(ColumnType::Text)) => Self::Blank,
            (Values::Null { .. }, Some(ColumnType::Int64)) => Self::Nothing(PhysicalType::INT64),
            (Values::Null { .. }, _) => Self::Nothing(PhysicalType::DOUBLE),
        }
    }

    fn physical_type(self) -> PhysicalType {
        match self {
            Self::Int64(_) => PhysicalType::INT64,
            Self::Widened(_) | Self::Float64(_) => PhysicalType::DOUBLE,
            Self::Text(_) | Self::Blank => PhysicalType::BYTE_ARRAY,
            Self::Nothing(physical) => physical,
        }
    }

    fn repetition(self, column: &TextColumn) -> Repetition {
        match self {
            Self::Nothing(_) => Repetition::OPTIONAL,
            _ if column.validity.is_some() => Repetition::OPTIONAL,
            _ => Repetition::REQUIRED,
        }
    }
}

fn write_file(
    file: File,
    names: &[String],
    batch: &TextBatch,
    contents: &[Content<'_>],
    block_rows: usize,
) -> parquet::errors::Result<CacheFile> {
    let schema = schema(names, batch, contents)?;
    let mut writer = open(file, schema)?;
    let mut cursors = vec![0; contents.len()];
    let mut row_groups = 0;
    for start in (0..batch.rows).step_by(block_rows) {
        let rows = start..batch.rows.min(start + block_rows);
        let mut group = writer.next_row_group()?;
        for ((column, content), cursor) in batch.columns.iter().zip(contents).zip(&mut cursors) {
            let Some(mut column_writer) = group.next_column()? else {
                break;
            };
            write_rows(&mut column_writer, column, *content, rows.clone(), cursor)?;
            column_writer.close()?;
        }
        group.close()?;
        row_groups += 1;
    }
    close(writer, batch.rows as u64, row_groups)
}

type Writer = SerializedFileWriter<HashingWriter<BufWriter<File>>>;

fn open(file: File, schema: TypePtr) -> parquet::errors::Result<Writer> {
    let sink = HashingWriter::new(BufWriter::with_capacity(BUFFER_BYTES, file));
    SerializedFileWriter::new(sink, schema, Arc::new(properties()))
}

fn close(writer: Writer, rows: u64, row_groups: u64) -> parquet::errors::Result<CacheFile> {
    let (mut buffer, written) = writer.into_inner()?.finish();
    buffer.flush()?;
    Ok(CacheFile {
        rows,
        row_groups,
        written,
    })
}

fn schema(
    names: &[String],
    batch: &TextBatch,
    contents: &[Content<'_>],
) -> parquet::errors::Result<TypePtr> {
    let mut fields = Vec::with_capacity(contents.len());
    for (column, content) in batch.columns.iter().zip(contents) {
        fields.push(field(names, column, *content)?);
    }
    message(fields)
}

fn field(
    names: &[String],
    column: &TextColumn,
    content: Content<'_>,
) -> parquet::errors::Result<TypePtr> {
    let name = names.get(column.index).map_or("", String::as_str);
    let physical = content.physical_type();
    let logical = (physical == PhysicalType::BYTE_ARRAY).then_some(LogicalType::String);
    let field = Type::primitive_type_builder(name, physical)
        .with_repetition(content.repetition(column))
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(field))
}

fn message(fields: Vec<TypePtr>) -> parquet::errors::Result<TypePtr> {
    let message = Type::group_type_builder("schema").with_fields(fields);
    Ok(Arc::new(message.build()?))
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::UNCOMPRESSED)
        .set_encoding(Encoding::PLAIN)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build()
}

/// Writes the rows of one column that belong to a row group; `cursor` counts the values written
/// before.
fn write_rows(
    writer: &mut SerializedColumnWriter<'_>,
    column: &TextColumn,
    content: Content<'_>,
    rows: std::ops::Range<usize>,
    cursor: &mut usize,
) -> parquet::errors::Result<()> {
    for step in rows.clone().step_by(STEP_ROWS) {
        let step = step..rows.end.min(step + STEP_ROWS);
        write_step(writer, column, content, step, cursor)?;
    }
    Ok(())
}

/// A step of it.
fn write_step(
    writer: &mut SerializedColumnWriter<'_>,
    column: &TextColumn,
    content: Content<'_>,
    rows: std::ops::Range<usize>,
    cursor: &mut usize,
) -> parquet::errors::Result<()> {
    let levels: Option<Vec<i16>> = match (&column.validity, content) {
        (_, Content::Nothing(_)) => Some(vec![0; rows.len()]),
        (Some(validity), _) => Some(
            validity[rows.clone()]
                .iter()
                .map(|valid| i16::from(*valid))
                .collect(),
        ),
        (None, _) => None,
    };
    let count = match &levels {
        Some(levels) => levels.iter().filter(|level| **level == 1).count(),
        None => rows.len(),
    };
    let values = *cursor..*cursor + count;
    *cursor = values.end;
    let levels = levels.as_deref();
    match content {
        Content::Int64(integers) => put(writer.typed::<Int64Type>(), &integers[values], levels),
        Content::Float64(floats) => put(writer.typed::<DoubleType>(), &floats[values], levels),
        Content::Widened(integers) => {
            // Rounds to nearest even, as reading the digits as a float does.
            let floats: Vec<f64> = integers[values].iter().map(|value| *value as f64).collect();
            put(writer.typed::<DoubleType>(), &floats, levels)
        }
        Content::Text(text) => put(
            writer.typed::<ByteArrayType>(),
            &byte_arrays(text, values),
            levels,
        ),
        Content::Blank => put(
            writer.typed::<ByteArrayType>(),
            &vec![ByteArray::from(""); count],
            levels,
        ),
        Content::Nothing(PhysicalType::INT64) => put(writer.typed::<Int64Type>(), &[], levels),
        Content::Nothing(_) => put(writer.typed::<DoubleType>(), &[], levels),
    }
}

fn put<T: DataType>(
    writer: &mut ColumnWriterImpl<'_, T>,
    values: &[T::T],
    levels: Option<&[i16]>,
) -> parquet::errors::Result<()> {
    writer.write_batch(values, levels, None)?;
    Ok(())
}

/// The strings of some rows, sharing one copy of their bytes.
fn byte_arrays(text: &TextValues, rows: std::ops::Range<usize>) -> Vec<ByteArray> {
    let first = text.start(rows.start);
    let shared = Bytes::copy_from_slice(&text.bytes()[first..text.start(rows.end)]);
    rows.map(|row| {
        ByteArray::from(shared.slice(text.start(row) - first..text.start(row + 1) - first))
    })
    .collect()
}

fn into_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests;
