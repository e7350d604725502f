//! `CheckedPages`: the pages of a column chunk, none of which takes more memory than was found out by
//! its header.
//!
//! Codecs that don't stop by themselves, and the ones that are met most, are decompressed here (see [`Inflate`]);
//! for them, the reader of pages below is told that the chunk isn't compressed. Strings in delta encodings are counted
//! before the decoder allocates by their word. Where a page's values may take more than the page
//! does, those of one run are bounded by an [`Allowance`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::basic::{Compression, Encoding, Type as PhysicalType};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::ColumnDescPtr;

use super::delta::{copied_bytes, sum_of_lengths};
use super::file::PositionalFile;
use super::inflate::Inflate;
use super::levels::longest_row;
use super::pages::{Pages, RUN_BYTES, Shape};
use super::recycled::Recycled;
use crate::engine::Memory;

/// What the values of one run may take beside their pages.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// `None`: as much as its rows take.
    run_bytes_max: Option<u64>,
    left: AtomicU64,
    /// What was taken for the last page, in whose middle the next run may begin.
    last: AtomicU64,
    /// Bytes of the pages that the run has begun.
    begun: AtomicU64,
}

impl Allowance {
    /// Begins the next run.
    pub(super) fn refill(&self) {
        let max = self.run_bytes_max.unwrap_or(0);
        let left = max.saturating_sub(self.last.load(Ordering::Relaxed));
        self.left.store(left, Ordering::Relaxed);
        self.begun.store(0, Ordering::Relaxed);
    }

    /// Rows are passed over: each page is done with before the next.
    pub(super) fn pass_over(&self) {
        self.left.store(u64::MAX, Ordering::Relaxed);
    }

    /// Bytes of the pages that the run has begun.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }
}

/// The pages.
pub(super) struct CheckedPages {
    pages: SerializedPageReader<PositionalFile>,
    descriptor: ColumnDescPtr,
    inflate: Option<Inflate>,
    dictionary_bytes: u64,
    data_bytes: std::vec::IntoIter<u64>,
    /// 0 in flat columns.
    slot_bytes: u64,
    points_into_pages: bool,
    memory: Memory,
    allowance: Arc<Allowance>,
}

impl CheckedPages {
    /// The pages of `chunk`, whose headers are known.
    pub(super) fn open(
        file: PositionalFile,
        chunk: &ColumnChunkMetaData,
        rows: usize,
        (pages, shape): (&Pages, Shape),
        memory: &Memory,
    ) -> ParquetResult<(Self, Arc<Allowance>)> {
        let inflate = Inflate::of(shape.codec);
        let (dictionary_bytes, data_bytes) = match inflate {
            Some(_) => pages.sizes(),
            None => (0, Vec::new()),
        };
        let stored = match inflate {
            Some(_) => {
                let stored = chunk.clone().into_builder();
                &stored.set_compression(Compression::UNCOMPRESSED).build()?
            }
            None => chunk,
        };
        let allowance = Arc::new(Allowance {
            run_bytes_max: pages.run_bytes_max(),
            left: AtomicU64::new(0),
            last: AtomicU64::new(0),
            begun: AtomicU64::new(0),
        });
        let checked = Self {
            pages: SerializedPageReader::new(file.into(), stored, rows, None)?,
            descriptor: chunk.column_descr_ptr(),
            inflate,
            dictionary_bytes,
            data_bytes: data_bytes.into_iter(),
            slot_bytes: if shape.is_nested {
                shape.slot_bytes()
            } else {
                0
            },
            points_into_pages: matches!(
                chunk.column_type(),
                PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY
            ),
            memory: memory.clone(),
            allowance: Arc::clone(&allowance),
        };
        Ok((checked, allowance))
    }

    /// Decompresses a page that was read, and looks at what it holds.
    fn checked(&mut self, mut page: Page) -> ParquetResult<Page> {
        if let Some(codec) = self.inflate {
            let said = match page {
                Page::DictionaryPage { .. } => Some(self.dictionary_bytes),
                _ => self.data_bytes.next(),
            };
            decompress(codec, &mut page, usize::try_from(said.unwrap_or(0))?)?;
        }
        if page.is_data_page() {
            let values = u64::from(page.num_values());
            let copied = self.copied_bytes(&page, values)?;
            self.spend(self.row_bytes(&page).saturating_add(copied))?;
        }
        Ok(page)
    }

    /// What the longest row of a page of a nested column takes beyond what every run may: its slots, and
    /// the page if strings point into it.
    fn row_bytes(&self, page: &Page) -> u64 {
        if self.slot_bytes == 0 {
            return 0;
        }
        let size = page.buffer().len() as u64;
        let before = self.allowance.begun.fetch_add(size, Ordering::Relaxed);
        let held = match self.points_into_pages && before > RUN_BYTES {
            true => size,
            false => 0,
        };
        let slots = u64::from(page.num_values());
        let longest = self.longest_row(page).unwrap_or(slots);
        longest.saturating_mul(self.slot_bytes).saturating_add(held)
    }

    fn longest_row(&self, page: &Page) -> Option<u64> {
        let level_max = self.descriptor.max_rep_level();
        let bits = i16::BITS - level_max.leading_zeros();
        let slots = u64::from(page.num_values());
        if level_max == 0 {
            return Some(1);
        }
        match page {
            Page::DataPage {
                buf,
                rep_level_encoding: Encoding::RLE,
                ..
            } => {
                let length = levels_length(buf, 0, level_max, Encoding::RLE)?;
                longest_row(buf.get(LENGTH_BYTES..length)?, bits, slots)
            }
            Page::DataPageV2 {
                buf,
                rep_levels_byte_len,
                ..
            } => {
                let length = usize::try_from(*rep_levels_byte_len).ok()?;
                longest_row(buf.get(..length)?, bits, slots)
            }
            _ => None,
        }
    }

    /// Takes bytes of what the run may take.
    fn spend(&self, bytes: u64) -> ParquetResult<()> {
        let Some(max) = self.allowance.run_bytes_max else {
            return Ok(());
        };
        self.allowance.last.store(bytes, Ordering::Relaxed);
        let take = |left: u64| left.checked_sub(bytes).filter(|_| bytes <= max);
        let left = self
            .allowance
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let Err(left) = left else {
            return Ok(());
        };
        let what = "the values of one page, or of one row,".to_owned();
        let bytes = max.saturating_sub(left).saturating_add(bytes);
        Err(external(self.memory.too_few_for(what, bytes)))
    }

    /// What the strings of a page take that are copied out of it.
    fn copied_bytes(&self, page: &Page, values: u64) -> ParquetResult<u64> {
        let is_copied = match page.encoding() {
            Encoding::DELTA_BYTE_ARRAY => true,
            Encoding::DELTA_LENGTH_BYTE_ARRAY => false,
            _ => return Ok(0),
        };
        let bytes = match self.levels_bytes(page) {
            Some(levels) => page.buffer().get(levels..),
            None => None,
        };
        let copied = bytes.and_then(|data| match is_copied {
            true => copied_bytes(data, values),
            false => sum_of_lengths(data, values).map(|_| 0),
        });
        copied.ok_or_else(|| {
            let what = "the lengths of strings in a page end early or are too many";
            ParquetError::General(what.to_owned())
        })
    }

    /// Bytes of the levels before a page's values.
    fn levels_bytes(&self, page: &Page) -> Option<usize> {
        let (repetition, definition) = match page {
            Page::DataPage {
                rep_level_encoding,
                def_level_encoding,
                ..
            } => (*rep_level_encoding, *def_level_encoding),
            Page::DataPageV2 {
                rep_levels_byte_len,
                def_levels_byte_len,
                ..
            } => {
                return usize::try_from(rep_levels_byte_len.checked_add(*def_levels_byte_len)?)
                    .ok();
            }
            Page::DictionaryPage { .. } => return None,
        };
        let mut at = 0_usize;
        let levels = [
            (self.descriptor.max_rep_level(), repetition),
            (self.descriptor.max_def_level(), definition),
        ];
        for (level_max, encoding) in levels {
            if level_max > 0 {
                let (values, data) = (page.num_values() as usize, page.buffer().get(at..)?);
                at = at.checked_add(levels_length(data, values, level_max, encoding)?)?;
            }
        }
        Some(at)
    }
}

/// What says how long levels are.
const LENGTH_BYTES: usize = 4;

/// Bytes of the levels at the start of `data`.
fn levels_length(data: &[u8], values: usize, level_max: i16, encoding: Encoding) -> Option<usize> {
    if encoding == Encoding::RLE {
        let length = data.get(..LENGTH_BYTES)?.try_into().ok()?;
        return usize::try_from(u32::from_le_bytes(length))
            .ok()?
            .checked_add(LENGTH_BYTES);
    }
    let bits = (i16::BITS - level_max.leading_zeros()) as usize;
    Some(values.checked_mul(bits)?.div_ceil(8))
}

/// Replaces a page's bytes by what they decompress to, `size` with the levels of version 2, which
/// aren't compressed.
fn decompress(codec: Inflate, page: &mut Page, size: usize) -> ParquetResult<()> {
    let (buffer, levels) = match page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => (buf, 0),
        Page::DataPageV2 {
            is_compressed: false,
            ..
        } => return Ok(()),
        Page::DataPageV2 {
            buf,
            def_levels_byte_len,
            rep_levels_byte_len,
            ..
        } => {
            let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
            (buf, usize::try_from(levels)?)
        }
    };
    if levels > buffer.len() || levels > size {
        let what = format!("a page of {size} bytes has levels of {levels} bytes");
        return Err(ParquetError::General(what));
    }
    let mut whole = Recycled::with_length(size);
    let (plain, packed) = buffer.split_at(levels);
    let (head, rest) = whole.as_mut_slice().split_at_mut(levels);
    head.copy_from_slice(plain);
    // Nothing to decompress: a page without values, whatever is stored for it.
    if !rest.is_empty() {
        codec.into(packed, rest)?;
    }
    *buffer = whole.into_bytes();
    Ok(())
}

fn external(error: crate::error::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

impl Iterator for CheckedPages {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.map(|page| self.checked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        let next = self.pages.peek_next_page()?;
        if next.is_some_and(|page| !page.is_dict) {
            self.data_bytes.next();
        }
        self.pages.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> ParquetResult<Option<Page>> {
        let page = self.pages.take_deferred_dictionary()?;
        page.map(|page| self.checked(page)).transpose()
    }

    fn at_record_boundary(&mut self) -> ParquetResult<bool> {
        self.pages.at_record_boundary()
    }
}

#[cfg(test)]
mod tests;
