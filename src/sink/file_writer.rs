//! `FileWriter`: a Parquet file made of column chunks that are encoded already.
//!
//! The footer is the Parquet crate's; chunks go through as they are kept, a page or a part of a chunk at a
//! time. Invariant: every row group has all columns of the schema, in order and with as many rows.

use std::io::Write;
use std::sync::Arc;

use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::SchemaDescPtr;

use super::shard::EncodedColumn;
use super::spool::Spooled;

/// What a file begins and ends with.
const MAGIC: &[u8] = b"PAR1";

/// Writes the file.
pub(super) struct FileWriter<W> {
    out: W,
    /// Bytes written so far.
    position: u64,
    schema: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    groups: Vec<RowGroupMetaData>,
}

/// The columns of a row group so far.
#[derive(Debug)]
pub(super) struct GroupColumns {
    start: u64,
    rows: Option<u64>,
    chunks: Vec<ColumnChunkMetaData>,
}

impl<W: Write> FileWriter<W> {
    /// Begins the file.
    pub(super) fn new(
        mut out: W,
        schema: &SchemaDescPtr,
        properties: &WriterPropertiesPtr,
    ) -> ParquetResult<Self> {
        out.write_all(MAGIC)?;
        Ok(Self {
            out,
            position: MAGIC.len() as u64,
            schema: Arc::clone(schema),
            properties: Arc::clone(properties),
            groups: Vec::new(),
        })
    }

    /// A row group without columns.
    pub(super) fn begin_group(&self) -> GroupColumns {
        GroupColumns {
            start: self.position,
            rows: None,
            chunks: Vec::with_capacity(self.schema.num_columns()),
        }
    }

    /// Takes note of the next column of a row group, whose bytes are returned: they go where `out` has arrived.
    pub(super) fn append(
        &mut self,
        group: &mut GroupColumns,
        column: EncodedColumn,
    ) -> ParquetResult<Spooled> {
        let EncodedColumn { bytes, close } = column;
        let rows = *group.rows.get_or_insert(close.rows_written);
        let chunk = close.metadata;
        let expected = self.schema.columns().get(group.chunks.len());
        let is_next = expected.is_some_and(|column| column.as_ref() == chunk.column_descr());
        if rows != close.rows_written || !is_next {
            let path = chunk.column_path();
            let found = close.rows_written;
            let what = format!("column {path} of {found} rows in a row group of {rows} rows");
            return Err(ParquetError::General(what));
        }
        let length = u64::try_from(chunk.compressed_size())?;
        if bytes.bytes() != length {
            let found = bytes.bytes();
            let what = format!("a column chunk of {length} bytes was kept as {found} bytes");
            return Err(ParquetError::General(what));
        }
        let first = chunk.dictionary_page_offset();
        let shift = i64::try_from(self.position)? - first.unwrap_or(chunk.data_page_offset());
        let data = chunk.data_page_offset() + shift;
        let dictionary = first.map(|offset| offset + shift);
        let builder = chunk.into_builder().set_data_page_offset(data);
        group
            .chunks
            .push(builder.set_dictionary_page_offset(dictionary).build()?);
        self.position += length;
        Ok(bytes)
    }

    /// What everything is written to.
    pub(super) fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Ends a row group, and returns how many rows it has.
    pub(super) fn end_group(&mut self, group: GroupColumns) -> ParquetResult<u64> {
        let bytes = group
            .chunks
            .iter()
            .map(ColumnChunkMetaData::uncompressed_size);
        let bytes = bytes.sum();
        let rows = group.rows.unwrap_or(0);
        let metadata = RowGroupMetaData::builder(Arc::clone(&self.schema))
            .set_column_metadata(group.chunks)
            .set_total_byte_size(bytes)
            .set_num_rows(i64::try_from(rows)?)
            .set_ordinal(i32::try_from(self.groups.len())?)
            .set_file_offset(i64::try_from(group.start)?)
            .build()?;
        self.groups.push(metadata);
        Ok(rows)
    }

    /// Writes the footer and returns what everything was written to.
    pub(super) fn finish(mut self) -> ParquetResult<W> {
        let rows = self.groups.iter().map(RowGroupMetaData::num_rows).sum();
        let properties = &self.properties;
        let file = FileMetaData::new(
            properties.writer_version().as_num(),
            rows,
            Some(properties.created_by().to_string()),
            properties.key_value_metadata().cloned(),
            self.schema,
            None,
        );
        let metadata = ParquetMetaData::new(file, self.groups);
        ParquetMetaDataWriter::new(&mut self.out, &metadata).finish()?;
        self.out.flush()?;
        Ok(self.out)
    }
}
