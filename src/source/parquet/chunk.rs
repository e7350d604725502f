//! `Chunk`: a column chunk that is about to be read: its pages, known by their headers, and its place.

use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use super::checked::{Allowance, CheckedPages};
use super::chunk_headers::ChunkHeaders;
use super::file::ParquetFile;
use super::pages::{Pages, Shape};
use crate::error::{DataError, Error, Place, Result};

/// The chunk.
pub(super) struct Chunk {
    pub descriptor: ColumnDescPtr,
    pub pages: Pages,
    pub checked: CheckedPages,
    pub allowance: Arc<Allowance>,
    pub part: ChunkPart,
    /// Values and levels.
    pub slots: u64,
}

/// Which chunk of which file, and how much of it is read.
#[derive(Debug)]
pub(super) struct ChunkPart {
    pub place: Place,
    pub row_group: usize,
    /// Rows of the row group.
    pub rows: u64,
    /// Rows that are read or passed over.
    pub position: u64,
}

impl Chunk {
    /// Opens leaf `leaf` (its index in the file's schema) of `row_group`, whose values take so many bytes each.
    pub(super) fn open(
        file: &ParquetFile,
        row_group: usize,
        leaf: usize,
        value_bytes: u64,
    ) -> Result<Self> {
        let group = file.metadata.row_group(row_group);
        let chunk = group.column(leaf);
        let descriptor = chunk.column_descr_ptr();
        let place = Place::path(file.path()).column(descriptor.path().string());
        let opening = |source| failed("open a column chunk", source, &place);
        let (start, length) = chunk.byte_range();
        let window = file.file.with_window(start, length).map_err(opening)?;
        let rows = u64::try_from(group.num_rows()).unwrap_or(0);
        let slots = u64::try_from(chunk.num_values()).unwrap_or(0);
        let shape = Shape {
            value_bytes,
            is_nested: descriptor.max_rep_level() > 0,
            codec: chunk.compression(),
        };
        let (end, codec) = (start + length, shape.codec);
        let read = || ChunkHeaders::read(&window, start..end, (slots, codec), &file.memory);
        let headers = match window.is_in_memory() {
            true => read().map(Arc::new),
            false => file.headers.or_read(start, read),
        };
        let pages = headers.and_then(|headers| Pages::new(headers, (slots, shape), &file.memory));
        let pages = pages.map_err(|error| error.at(place.clone()))?;
        let rows_in_memory = usize::try_from(rows).unwrap_or(usize::MAX);
        let known = (&pages, shape);
        let (checked, allowance) =
            CheckedPages::open(window, chunk, rows_in_memory, known, &file.memory)
                .map_err(opening)?;
        Ok(Self {
            descriptor,
            pages,
            checked,
            allowance,
            part: ChunkPart {
                place,
                row_group,
                rows,
                position: 0,
            },
            slots,
        })
    }
}

impl ChunkPart {
    /// Takes note of rows that were read; `wanted` of them should have been.
    pub(super) fn advance(&mut self, found: usize, wanted: usize) -> Result<()> {
        self.position += found as u64;
        if found == wanted {
            return Ok(());
        }
        Err(self.row_count(self.position))
    }

    /// The error of a chunk of another number of rows than its row group has.
    pub(super) fn row_count(&self, found: u64) -> Error {
        Error::from(DataError::RowCount {
            row_group: self.row_group,
            found,
            expected: self.rows,
        })
        .at(self.place.clone())
    }

    /// The error of a page that can't be decoded.
    pub(super) fn undecodable(&self, source: ParquetError) -> Error {
        failed("decode a page", source, &self.place)
    }
}

/// The error of a column chunk at `place`.
pub(super) fn failed(action: &'static str, source: ParquetError, place: &Place) -> Error {
    super::reading_error(action, source).at(place.clone())
}
