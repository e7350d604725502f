//! `PlainWriter`: the pages of one flat column of numbers, plain, without statistics.
//!
//! A page is put together in one buffer and compressed into another; both are kept for the next page and
//! the next column ([`BufferPool`]). Invariant: pages end after [`PAGE_ROWS`] rows, whatever slices they are given in.
//! Limit: at most one level of definition; nobody can filter by such a column.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Encoding, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::schema::types::ColumnDescPtr;

use super::buffers::{BufferPool, Buffers};
use super::levels::LEVELS_BYTES_MAX;

#[cfg(test)]
mod tests;

/// The most rows in a page: 1 MiB of float64.
pub(super) const PAGE_ROWS: usize = 128 << 10;

/// Writes the column.
pub struct PlainWriter<'a> {
    descriptor: ColumnDescPtr,
    pages: Box<dyn PageWriter + 'a>,
    pool: &'a BufferPool,
    buffers: Buffers,
    /// Slots of the page that is being made.
    slots: usize,
    written: PagesWritten,
}

#[derive(Debug, Default)]
struct PagesWritten {
    first_offset: Option<u64>,
    slots: usize,
    pages: i32,
    compressed: usize,
    uncompressed: usize,
    bytes: u64,
}

impl<'a> PlainWriter<'a> {
    /// Nothing written yet; `None` if the codec is one of those that are left to others.
    pub(super) fn new(
        descriptor: ColumnDescPtr,
        pages: Box<dyn PageWriter + 'a>,
        pool: &'a BufferPool,
    ) -> ParquetResult<Result<Self, Box<dyn PageWriter + 'a>>> {
        let Some(buffers) = pool.take()? else {
            return Ok(Err(pages));
        };
        let mut writer = Self {
            descriptor,
            pages,
            pool,
            buffers,
            slots: 0,
            written: PagesWritten::default(),
        };
        writer.begin_page();
        Ok(Ok(writer))
    }

    fn is_optional(&self) -> bool {
        self.descriptor.max_def_level() > 0
    }

    /// Writes values of so many bytes each, with the definition level of every slot if not all are
    /// there.
    pub(super) fn write(
        &mut self,
        mut values: &[u8],
        value_bytes: usize,
        definition: Option<&[i16]>,
    ) -> ParquetResult<()> {
        let Some(mut levels) = definition.filter(|_| self.is_optional()) else {
            while !values.is_empty() {
                let slots = (values.len() / value_bytes).min(PAGE_ROWS - self.slots);
                let (part, rest) = values.split_at(slots * value_bytes);
                self.buffers.levels.defined(slots);
                self.add(part, slots)?;
                values = rest;
            }
            return Ok(());
        };
        while !levels.is_empty() {
            let (part, rest) = levels.split_at(levels.len().min(PAGE_ROWS - self.slots));
            let there = self.buffers.levels.extend(part);
            let bytes = values.split_at_checked(there * value_bytes);
            let (own, other) = bytes.ok_or_else(|| {
                let what = format!("{} bytes of values for {there} slots", values.len());
                ParquetError::General(what)
            })?;
            self.add(own, part.len())?;
            (levels, values) = (rest, other);
        }
        Ok(())
    }

    fn add(&mut self, values: &[u8], slots: usize) -> ParquetResult<()> {
        self.buffers.page.extend_from_slice(values);
        self.slots += slots;
        match self.slots == PAGE_ROWS {
            true => self.end_page(),
            false => Ok(()),
        }
    }

    /// Leaves room for the levels, whose length isn't known yet.
    fn begin_page(&mut self) {
        let room = if self.is_optional() {
            LEVELS_BYTES_MAX
        } else {
            0
        };
        let Buffers { page, levels, .. } = &mut self.buffers;
        page.clear();
        page.resize(room, 0);
        levels.clear();
        self.slots = 0;
    }

    fn end_page(&mut self) -> ParquetResult<()> {
        let is_optional = self.is_optional();
        let Buffers {
            codec,
            page,
            packed,
            levels,
        } = &mut self.buffers;
        let start = match is_optional {
            true => levels.write_before(LEVELS_BYTES_MAX, page),
            false => 0,
        };
        let plain = &page[start..];
        let uncompressed = plain.len();
        let (buffer, range) = match codec.compress(plain, packed)? {
            Some(length) => (packed, 0..length),
            None => (page, start..start + uncompressed),
        };
        let shared = Arc::new(std::mem::take(buffer));
        let page = Page::DataPage {
            buf: Bytes::from_owner(Part {
                buffer: Arc::clone(&shared),
                range,
            }),
            num_values: u32::try_from(self.slots)?,
            encoding: Encoding::PLAIN,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let spec = self
            .pages
            .write_page(CompressedPage::new(page, uncompressed))?;
        // Nobody else has it any more.
        *buffer = Arc::try_unwrap(shared).unwrap_or_default();
        let written = &mut self.written;
        written.first_offset.get_or_insert(spec.offset);
        written.pages += 1;
        written.slots += self.slots;
        written.compressed += spec.compressed_size;
        written.uncompressed += spec.uncompressed_size;
        written.bytes += spec.bytes_written;
        self.begin_page();
        Ok(())
    }

    /// Writes the last page.
    pub(super) fn close(mut self) -> ParquetResult<ColumnCloseResult> {
        if self.slots > 0 {
            self.end_page()?;
        }
        self.pages.close()?;
        self.pool.give(self.buffers);
        let written = self.written;
        let metadata = ColumnChunkMetaData::builder(self.descriptor)
            .set_compression(self.pool.compression())
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE])
            .set_page_encoding_stats(vec![PageEncodingStats {
                page_type: PageType::DATA_PAGE,
                encoding: Encoding::PLAIN,
                count: written.pages,
            }])
            .set_total_compressed_size(i64::try_from(written.compressed)?)
            .set_total_uncompressed_size(i64::try_from(written.uncompressed)?)
            .set_num_values(i64::try_from(written.slots)?)
            .set_data_page_offset(i64::try_from(written.first_offset.unwrap_or(0))?)
            .build()?;
        Ok(ColumnCloseResult {
            bytes_written: written.bytes,
            rows_written: written.slots as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        })
    }
}

/// A part of a buffer, as long as a page needs it.
struct Part {
    buffer: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[self.range.clone()]
    }
}
