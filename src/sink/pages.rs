//! `PageSink`: the pages of one flat column chunk, put together in a buffer that is kept for the next page and
//! the next column ([`BufferPool`]), and compressed to where the column waits for its turn ([`Spool`]).
//!
//! Invariant: a page ends after [`PAGE_ROWS`] rows at the latest, whatever slices they came in; the dictionary is
//! written when it is whole, and goes to the file before all other pages. Limit: at most one level of definition.

use std::io::Write;

use parquet::basic::{Encoding, PageType};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result as ParquetResult;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnChunkMetaDataBuilder, PageEncodingStats};
use parquet::schema::types::ColumnDescPtr;

use super::buffers::{BufferPool, Buffers, make_room};
use super::levels::LEVELS_BYTES_MAX;
use super::page_header::{Content, HEADER_BYTES_MAX, PageHeader};
use super::spool::{PART_BYTES, Spool};

/// The most rows in a page: 1 MiB of float64.
pub(super) const PAGE_ROWS: usize = 128 << 10;

/// Takes pages.
pub(super) struct PageSink<'a> {
    pub(super) descriptor: ColumnDescPtr,
    is_optional: bool,
    /// Bytes of the page before its values, for the levels, whose length isn't known yet.
    levels_room: usize,
    spool: &'a mut Spool,
    pool: &'a BufferPool,
    pub(super) buffers: Buffers,
    /// Slots of the page that is being made.
    pub(super) slots: usize,
    written: PagesWritten,
}

#[derive(Debug, Default)]
struct PagesWritten {
    slots: usize,
    missing: usize,
    /// Pages of each encoding.
    plain: i32,
    coded: i32,
    /// Bytes of the dictionary in the file.
    dictionary: Option<usize>,
    compressed: usize,
    uncompressed: usize,
}

impl<'a> PageSink<'a> {
    /// No pages yet.
    pub(super) fn new(
        descriptor: ColumnDescPtr,
        spool: &'a mut Spool,
        (pool, buffers): (&'a BufferPool, Buffers),
    ) -> Self {
        let is_optional = descriptor.max_def_level() > 0;
        let mut sink = Self {
            descriptor,
            is_optional,
            levels_room: if is_optional { LEVELS_BYTES_MAX } else { 0 },
            spool,
            pool,
            buffers,
            slots: 0,
            written: PagesWritten::default(),
        };
        sink.begin_page();
        sink
    }

    pub(super) fn is_optional(&self) -> bool {
        self.is_optional
    }

    /// Slots for which there is room in this page.
    pub(super) fn room(&self) -> usize {
        PAGE_ROWS - self.slots
    }

    /// Whether some page refers to a dictionary.
    pub(super) fn has_coded_pages(&self) -> bool {
        self.written.coded > 0
    }

    /// Slots of all pages that were written.
    pub(super) fn all_slots(&self) -> u64 {
        self.written.slots as u64
    }

    /// Bytes of the page's values.
    pub(super) fn value_bytes(&self) -> usize {
        self.buffers.page.len() - self.levels_room
    }

    /// Takes note of slots whose values were added.
    pub(super) fn defined(&mut self, slots: usize) {
        if self.is_optional() {
            self.buffers.levels.defined(slots);
        }
        self.slots += slots;
    }

    fn begin_page(&mut self) {
        let Buffers { page, levels, .. } = &mut self.buffers;
        page.clear();
        page.resize(self.levels_room, 0);
        levels.clear();
        self.slots = 0;
    }

    /// Writes the page whose values were put into its buffer.
    pub(super) fn end_page(&mut self, content: Content) -> ParquetResult<()> {
        let mut start = 0;
        if self.is_optional() {
            let Buffers { levels, page, .. } = &mut self.buffers;
            start = levels.write_before(LEVELS_BYTES_MAX, page);
            self.written.missing += levels.missing();
        }
        match content {
            Content::Coded => self.written.coded += 1,
            Content::Plain | Content::Dictionary => self.written.plain += 1,
        }
        self.written.slots += self.slots;
        let header = PageHeader {
            content,
            values: self.slots,
            uncompressed: self.buffers.page.len() - start,
            compressed: 0,
        };
        let page = std::mem::take(&mut self.buffers.page);
        let emitted = self.emit(header, &page[start..]);
        self.buffers.page = page;
        emitted?;
        self.begin_page();
        Ok(())
    }

    /// Writes the dictionary of the coded pages.
    pub(super) fn dictionary(&mut self, entries: &[u8], count: usize) -> ParquetResult<()> {
        self.spool.begin_first();
        let bytes = self.emit(
            PageHeader {
                content: Content::Dictionary,
                values: count,
                uncompressed: entries.len(),
                compressed: 0,
            },
            entries,
        )?;
        self.spool.end_first();
        self.written.dictionary = Some(bytes);
        Ok(())
    }

    /// Compresses a page to where it waits; returns how many bytes it takes there.
    fn emit(&mut self, mut header: PageHeader, plain: &[u8]) -> ParquetResult<usize> {
        let Buffers { codec, packed, .. } = &mut self.buffers;
        let bound = HEADER_BYTES_MAX + codec.bound(plain.len());
        let room = match bound <= PART_BYTES {
            true => self.spool.room(bound)?,
            false => None,
        };
        let is_in_memory = room.is_some();
        let room = match room {
            Some(room) => room,
            None => make_room(packed, bound),
        };
        let (head, body) = room.split_at_mut(HEADER_BYTES_MAX);
        header.compressed = codec.compress(plain, body)?;
        let whole = header.write_at_end(head)..HEADER_BYTES_MAX + header.compressed;
        let bytes = whole.len();
        self.written.compressed += bytes;
        self.written.uncompressed += bytes - header.compressed + header.uncompressed;
        match is_in_memory {
            true => self.spool.keep(whole),
            false => self.spool.write_all(&packed[whole])?,
        }
        Ok(bytes)
    }

    /// Ends the column; `describe` adds to its metadata, given how many slots have no value.
    pub(super) fn close(
        self,
        describe: impl FnOnce(
            ColumnChunkMetaDataBuilder,
            u64,
        ) -> ParquetResult<ColumnChunkMetaDataBuilder>,
    ) -> ParquetResult<ColumnCloseResult> {
        let compression = self.pool.compression();
        self.pool.give(self.buffers);
        let written = self.written;
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        if written.coded > 0 {
            encodings.push(Encoding::RLE_DICTIONARY);
        }
        let pages = [
            (
                PageType::DICTIONARY_PAGE,
                Encoding::PLAIN,
                i32::from(written.dictionary.is_some()),
            ),
            (PageType::DATA_PAGE, Encoding::RLE_DICTIONARY, written.coded),
            (PageType::DATA_PAGE, Encoding::PLAIN, written.plain),
        ];
        let pages = pages.into_iter().filter(|(_, _, count)| *count > 0);
        let stats = pages.map(|(page_type, encoding, count)| PageEncodingStats {
            page_type,
            encoding,
            count,
        });
        let dictionary = written.dictionary.map(i64::try_from).transpose()?;
        let builder = ColumnChunkMetaData::builder(self.descriptor)
            .set_compression(compression)
            .set_encodings(encodings)
            .set_page_encoding_stats(stats.collect())
            .set_total_compressed_size(i64::try_from(written.compressed)?)
            .set_total_uncompressed_size(i64::try_from(written.uncompressed)?)
            .set_num_values(i64::try_from(written.slots)?)
            .set_data_page_offset(dictionary.unwrap_or(0))
            .set_dictionary_page_offset(dictionary.map(|_| 0));
        let builder = describe(builder, written.missing as u64)?;
        Ok(ColumnCloseResult {
            bytes_written: written.compressed as u64,
            rows_written: written.slots as u64,
            metadata: builder.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        })
    }
}
