//! `PlainWriter`: the pages of one flat column of numbers, plain, without statistics.
//!
//! A page is put together in a buffer that is kept for the next page and the next column ([`BufferPool`]), and
//! compressed to where it waits for its turn ([`Spool`]). Invariant: pages end after [`PAGE_ROWS`] rows, whatever slices they are given in.
//! Limit: at most one level of definition; nobody can filter by such a column.

use std::io::Write;

use parquet::basic::{Encoding, PageType};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats};
use parquet::schema::types::ColumnDescPtr;

use super::buffers::{BufferPool, Buffers, make_room};
use super::levels::LEVELS_BYTES_MAX;
use super::page_header::{DataPageHeader, HEADER_BYTES_MAX};
use super::spool::Spool;

#[cfg(test)]
mod tests;

/// The most rows in a page: 1 MiB of float64.
pub(super) const PAGE_ROWS: usize = 128 << 10;

/// Writes the column.
pub struct PlainWriter<'a> {
    descriptor: ColumnDescPtr,
    spool: &'a mut Spool,
    pool: &'a BufferPool,
    buffers: Buffers,
    /// Slots of the page that is being made.
    slots: usize,
    written: PagesWritten,
}

#[derive(Debug, Default)]
struct PagesWritten {
    slots: usize,
    pages: i32,
    compressed: usize,
    uncompressed: usize,
}

impl<'a> PlainWriter<'a> {
    /// Nothing written yet.
    pub(super) fn new(
        descriptor: ColumnDescPtr,
        spool: &'a mut Spool,
        (pool, buffers): (&'a BufferPool, Buffers),
    ) -> Self {
        let mut writer = Self {
            descriptor,
            spool,
            pool,
            buffers,
            slots: 0,
            written: PagesWritten::default(),
        };
        writer.begin_page();
        writer
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
        let bound = HEADER_BYTES_MAX + codec.bound(plain.len());
        let room = self.spool.room(bound)?;
        let is_in_memory = room.is_some();
        let room = match room {
            Some(room) => room,
            None => make_room(packed, bound),
        };
        let (head, body) = room.split_at_mut(HEADER_BYTES_MAX);
        let header = DataPageHeader {
            slots: self.slots,
            uncompressed: plain.len(),
            compressed: codec.compress(plain, body)?,
        };
        let whole = header.write_at_end(head)..HEADER_BYTES_MAX + header.compressed;
        let written = &mut self.written;
        written.pages += 1;
        written.slots += self.slots;
        written.compressed += whole.len();
        written.uncompressed += whole.len() - header.compressed + header.uncompressed;
        match is_in_memory {
            true => self.spool.keep(whole),
            false => self.spool.write_all(&packed[whole])?,
        }
        self.begin_page();
        Ok(())
    }

    /// Writes the last page.
    pub(super) fn close(mut self) -> ParquetResult<ColumnCloseResult> {
        if self.slots > 0 {
            self.end_page()?;
        }
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
            .set_data_page_offset(0)
            .build()?;
        Ok(ColumnCloseResult {
            bytes_written: written.compressed as u64,
            rows_written: written.slots as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        })
    }
}
