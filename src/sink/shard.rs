//! Shards: Parquet files whose columns are encoded apart and appended in order.
//!
//! Column chunks are independent of each other, so they can be encoded by any number of threads;
//! the file is the same whoever encoded what.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Type as PhysicalType;
use parquet::basic::{BrotliLevel, Compression as Codec, Encoding, GzipLevel, ZstdLevel};
use parquet::column::page::PageWriter;
use parquet::column::writer::{ColumnCloseResult, get_column_writer};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescriptor, SchemaDescPtr, SchemaDescriptor};
use serde::{Deserialize, Serialize};

use crate::error::{Error, OutputError, Place, Result};
use crate::schema::{OutputSchema, Schema, Treatment};
use crate::sink::buffers::BufferPool;
use crate::sink::chunk::ChunkWriter;
use crate::sink::file_writer::{FileWriter, GroupColumns};
use crate::sink::flat::{FlatShape, FlatWriter};
use crate::sink::pages::{PAGE_ROWS, PageSink};
use crate::sink::placed::{Placed, ShardFile, shard_file};
use crate::sink::spool::{Parts, Spool, Spooled};
use crate::sink::{SpoolPlace, Written, sync_file};
use crate::spec::Compression;

/// Values that the encoder takes at once; the slices it is given lie at fixed rows of a block.
const WRITE_BATCH_ROWS: usize = 1024;

/// The schema and properties that all shards share.
#[derive(Debug, Clone)]
pub struct ShardFormat {
    schema: SchemaDescPtr,
    properties: WriterPropertiesPtr,
    /// Those of the leaves that are written here and not by the Parquet crate.
    flat: Vec<Option<FlatShape>>,
    buffers: Arc<BufferPool>,
    parts: Arc<Parts>,
}

impl ShardFormat {
    /// Features are written plain and without statistics: standardized floats don't repeat, and
    /// nobody filters by them.
    ///
    /// # Errors
    /// When the compression level is out of its codec's range.
    pub fn new(output: &OutputSchema, schema: &Schema, compression: Compression) -> Result<Self> {
        let descriptor = Arc::new(SchemaDescriptor::new(Arc::clone(&output.root)));
        let codec = codec(compression).map_err(|source| OutputError::Parquet {
            action: "use the compression level",
            source,
        })?;
        let metadata = (!output.metadata.is_empty()).then(|| output.metadata.clone());
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("prep version ", env!("CARGO_PKG_VERSION")).to_string())
            .set_compression(codec)
            .set_write_batch_size(WRITE_BATCH_ROWS)
            .set_data_page_row_count_limit(PAGE_ROWS)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_key_value_metadata(metadata);
        let mut flat = vec![None; descriptor.num_columns()];
        for (index, flat) in flat.iter_mut().enumerate() {
            let leaf = descriptor.column(index);
            let column = schema.columns.get(descriptor.get_column_root_idx(index));
            let treatment = column.map(|column| &column.treatment);
            let is_feature = matches!(treatment, Some(Treatment::Standardize(_)));
            *flat = FlatShape::of(&leaf, is_feature);
            if is_feature {
                let path = leaf.path().clone();
                properties =
                    properties.set_column_statistics_enabled(path, EnabledStatistics::None);
            }
            // Measured values hardly ever repeat; trying a dictionary first costs time for nothing.
            if is_float(&leaf) {
                let path = leaf.path().clone();
                properties = properties
                    .set_column_encoding(path.clone(), Encoding::PLAIN)
                    .set_column_dictionary_enabled(path, false);
            }
        }
        Ok(Self {
            schema: descriptor,
            properties: Arc::new(properties.build()),
            flat,
            buffers: Arc::new(BufferPool::new(codec)),
            parts: Arc::default(),
        })
    }

    /// The shards' schema.
    pub fn schema(&self) -> &SchemaDescriptor {
        &self.schema
    }

    /// Encodes leaf `leaf` once per side, each to its place: `fill` gets one writer a side and writes
    /// each its rows.
    ///
    /// # Errors
    /// When `fill` fails, or the codec does.
    pub fn encode<T: DataType>(
        &self,
        leaf: usize,
        places: &[SpoolPlace<'_>],
        fill: impl FnOnce(&mut [ChunkWriter<'_, T>]) -> Result<()>,
    ) -> Result<Vec<EncodedColumn>> {
        let mut sinks: Vec<_> = places
            .iter()
            .map(|place| TrackedWrite::new(Spool::new(*place, &self.parts)))
            .collect();
        let mut writers = sinks
            .iter_mut()
            .map(|sink| self.chunk_writer::<T>(leaf, sink))
            .collect::<ParquetResult<Vec<_>>>()
            .map_err(encoding)?;
        fill(&mut writers)?;
        let closed = writers
            .into_iter()
            .map(ChunkWriter::close)
            .collect::<ParquetResult<Vec<_>>>()
            .map_err(encoding)?;
        closed
            .into_iter()
            .zip(sinks)
            .map(|(close, sink)| {
                let bytes = sink.into_inner().map_err(encoding)?.finish();
                Ok(EncodedColumn { bytes, close })
            })
            .collect()
    }

    /// The same for one side.
    ///
    /// # Errors
    /// Those of [`ShardFormat::encode`].
    pub fn encode_one<T: DataType>(
        &self,
        leaf: usize,
        place: SpoolPlace<'_>,
        fill: impl FnMut(&mut ChunkWriter<'_, T>) -> Result<()>,
    ) -> Result<EncodedColumn> {
        let mut columns = self.encode(leaf, &[place], |writers| {
            writers.iter_mut().take(1).try_for_each(fill)
        })?;
        columns
            .pop()
            .ok_or_else(|| encoding(ParquetError::General("no column".into())))
    }

    fn chunk_writer<'a, T: DataType>(
        &'a self,
        leaf: usize,
        sink: &'a mut TrackedWrite<Spool>,
    ) -> ParquetResult<ChunkWriter<'a, T>> {
        let descriptor = self.schema.column(leaf);
        if let Some(shape) = self.flat[leaf]
            && let Some(buffers) = self.buffers.take()?
        {
            let buffers = (self.buffers.as_ref(), buffers);
            let sink = PageSink::new(descriptor, sink.inner_mut(), buffers);
            return Ok(ChunkWriter::Flat(Box::new(FlatWriter::new(sink, shape))));
        }
        let pages: Box<dyn PageWriter + 'a> = Box::new(SerializedPageWriter::new(sink));
        let writer = get_column_writer(descriptor, Arc::clone(&self.properties), pages);
        let writer = T::get_column_writer(writer).ok_or_else(|| {
            ParquetError::General(format!("column {leaf} is not {}", T::get_physical_type()))
        })?;
        Ok(ChunkWriter::General(Box::new(writer)))
    }
}

fn is_float(leaf: &ColumnDescriptor) -> bool {
    matches!(
        leaf.physical_type(),
        PhysicalType::DOUBLE | PhysicalType::FLOAT
    )
}

/// The error of an encoder that refuses what it is given, or can't keep it.
pub fn encoding(source: ParquetError) -> Error {
    unwrapped("encode a column", source).into()
}

fn codec(compression: Compression) -> ParquetResult<Codec> {
    Ok(match compression {
        Compression::None => Codec::UNCOMPRESSED,
        Compression::Snappy => Codec::SNAPPY,
        Compression::Lz4 => Codec::LZ4_RAW,
        Compression::Gzip => Codec::GZIP(GzipLevel::default()),
        Compression::Brotli => Codec::BROTLI(BrotliLevel::default()),
        Compression::Zstd(level) => Codec::ZSTD(ZstdLevel::try_new(i32::from(level))?),
    })
}

/// One side's column chunk, encoded and compressed.
#[derive(Debug)]
pub struct EncodedColumn {
    pub(super) bytes: Spooled,
    pub(super) close: ColumnCloseResult,
}

/// Writes one shard.
pub struct ShardWriter {
    writer: FileWriter<ShardFile>,
    path: PathBuf,
    rows: u64,
}

impl std::fmt::Debug for ShardWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardWriter")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl ShardWriter {
    /// Creates the file, in place of one that an earlier run hadn't finished.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn create(path: &Path, format: &ShardFormat) -> Result<Self> {
        let file = File::create(path).map_err(|source| {
            let action = "create the shard";
            Error::from(OutputError::Io { action, source }).at(Place::path(path))
        })?;
        let writer = FileWriter::new(shard_file(file), &format.schema, &format.properties)
            .map_err(|source| failed(path, source))?;
        Ok(Self {
            writer,
            path: path.to_path_buf(),
            rows: 0,
        })
    }

    /// Begins a row group, to which columns are appended in order.
    pub fn begin_row_group(&mut self) -> RowGroup<'_> {
        let columns = self.writer.begin_group();
        RowGroup {
            columns,
            shard: self,
        }
    }

    /// Writes the footer, syncs the file and says what it holds.
    ///
    /// # Errors
    /// When a write fails.
    pub fn finish(self) -> Result<Shard> {
        let path = self.path;
        let file = self
            .writer
            .finish()
            .map_err(|source| failed(&path, source))?;
        let (buffer, written) = file.finish();
        let file = buffer
            .into_inner()
            .map_err(|error| failed(&path, error.into_error().into()))?;
        // Some network file systems tell only this descriptor of a failed write.
        sync_file(&file, &path)?;
        Ok(Shard {
            rows: self.rows,
            written,
        })
    }
}

/// A row group that is being written.
pub struct RowGroup<'a> {
    columns: GroupColumns,
    shard: &'a mut ShardWriter,
}

impl std::fmt::Debug for RowGroup<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowGroup")
            .field("path", &self.shard.path)
            .finish_non_exhaustive()
    }
}

impl RowGroup<'_> {
    /// Appends the next column. A large one only gets its place: `later` is given what writes it there, on any
    /// thread, which must have happened before the shard is finished.
    ///
    /// # Errors
    /// When the write fails, or its rows are not those of the columns before; those of `later`.
    pub fn append(
        &mut self,
        column: EncodedColumn,
        later: impl FnOnce(Placed) -> Result<()>,
    ) -> Result<()> {
        let shard = &mut *self.shard;
        let bytes = shard.writer.append(&mut self.columns, column);
        let placed =
            bytes.and_then(|bytes| Ok(Placed::new(bytes, shard.writer.out(), &shard.path)?));
        let placed = placed.map_err(|source| failed(&shard.path, source))?;
        placed.map_or(Ok(()), later)
    }

    /// Ends the row group.
    ///
    /// # Errors
    /// When columns are missing.
    pub fn finish(self) -> Result<()> {
        let rows = self
            .shard
            .writer
            .end_group(self.columns)
            .map_err(|source| failed(&self.shard.path, source))?;
        self.shard.rows += rows;
        Ok(())
    }
}

/// A finished shard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shard {
    /// Its rows.
    pub rows: u64,
    /// Its bytes and checksum.
    pub written: Written,
}

pub(super) fn failed(path: &Path, source: ParquetError) -> Error {
    Error::from(unwrapped("write the shard", source)).at(Place::path(path))
}

/// The writer wraps what the operating system said; a full disk should read as one.
fn unwrapped(action: &'static str, source: ParquetError) -> OutputError {
    match source {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(source) => OutputError::Io {
                action,
                source: *source,
            },
            Err(inner) => OutputError::Parquet {
                action,
                source: ParquetError::External(inner),
            },
        },
        source => OutputError::Parquet { action, source },
    }
}
