//! The look at page headers before anything is decoded: whatever a column chunk holds, no panic, and
//! no page that a reader then takes is larger than what was checked against the budget.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Repetition, Type as PhysicalType};
use parquet::column::page::PageReader as _;
use parquet::data_type::ByteArrayType;
use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::{SchemaDescriptor, Type};
use prep_stream::engine::Memory;
use prep_stream::source::parquet::{LeafReader, ParquetFile};

/// What every worker has for pages, whatever the budget: the most that is decoded without a permit.
const PAGE_BYTES_MAX: usize = 6 << 20;
/// Where the column chunk begins, behind the magic.
const CHUNK_START: usize = 4;

/// The first byte chooses the codec; the rest is a column chunk.
pub fn are_no_larger_than_was_checked(data: &[u8]) {
    let [codec, chunk @ ..] = data else {
        return;
    };
    let codec = match codec % 3 {
        0 => Compression::UNCOMPRESSED,
        1 => Compression::SNAPPY,
        _ => Compression::LZ4_RAW,
    };
    let (bytes, metadata) = file(chunk, codec).expect("a footer can be written");
    let accepted = super::with_file(&bytes, |path| {
        // A budget that isn't shared out yet: whoever works must do with little.
        let memory = Memory::new(64 << 20, 1);
        let file = ParquetFile::open(path, &memory).ok()?;
        LeafReader::<ByteArrayType>::open(&file, 0, 0).ok()
    });
    if accepted.is_none() {
        return;
    }
    let chunk = metadata.row_group(0).column(0);
    let reader = SerializedPageReader::new(Arc::new(Bytes::from(bytes)), chunk, 1, None);
    let mut reader = reader.expect("the same chunk");
    while let Ok(Some(page)) = reader.get_next_page() {
        assert!(page.buffer().len() <= PAGE_BYTES_MAX);
    }
}

/// A file of one column of strings, in one row group, whose chunk holds these bytes.
fn file(chunk: &[u8], codec: Compression) -> Result<(Vec<u8>, ParquetMetaData)> {
    let column = Type::primitive_type_builder("x", PhysicalType::BYTE_ARRAY)
        .with_repetition(Repetition::OPTIONAL)
        .build()?;
    let root = Type::group_type_builder("schema").with_fields(vec![Arc::new(column)]);
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(root.build()?)));
    let length = i64::try_from(chunk.len())?;
    let described = ColumnChunkMetaData::builder(schema.column(0))
        .set_compression(codec)
        .set_num_values(1)
        .set_data_page_offset(i64::try_from(CHUNK_START)?)
        .set_total_compressed_size(length)
        .set_total_uncompressed_size(length)
        .build()?;
    let group = RowGroupMetaData::builder(Arc::clone(&schema))
        .set_num_rows(1)
        .set_total_byte_size(length)
        .add_column_metadata(described)
        .build()?;
    let about = FileMetaData::new(1, 1, None, None, schema, None);
    let metadata = ParquetMetaData::new(about, vec![group]);
    let mut bytes = [b"PAR1", chunk].concat();
    ParquetMetaDataWriter::new(&mut bytes, &metadata).finish()?;
    Ok((bytes, metadata))
}
