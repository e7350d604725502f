//! `ChunkHeaders`: what the headers of a column chunk's pages say, and those of a file's chunks that are read in
//! parts, kept so that they aren't read again for each part.
//!
//! Invariant: every page lies inside its chunk. Limit: of a file, so many pages are kept, some hundred KiB.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::Compression;
use parquet::file::reader::Length;

use super::file::PositionalFile;
use super::header::{PageHeader, PageKind, Unread};
use super::inflate::Inflate;
use super::pages::Shape;
use crate::engine::Memory;
use crate::error::{DataError, Result};

/// How much of a page header is read at first.
const HEADER_BYTES: usize = 4 << 10;
/// The longest page header: those with untruncated statistics of long strings.
const HEADER_BYTES_MAX: usize = 64 << 20;
/// What is kept of a page.
const PAGE_RECORD_BYTES: u64 = 32;
/// Fewer pages than this are read again.
const KEPT_PAGES_LEAST: usize = 16;
/// Pages of a file that are kept at most.
const KEPT_PAGES_MAX: usize = 16 << 10;

/// The headers.
#[derive(Debug, Default)]
pub(super) struct ChunkHeaders {
    /// For each data page, its values and what it takes in memory.
    pub data: Vec<(u64, u64)>,
    /// Of the dictionary, if there is one.
    dictionary: Option<DictionaryHeader>,
    pub is_front_coded: bool,
    /// Whether there is a page that is read by the Parquet crate alone.
    pub is_intricate: bool,
    /// What the largest data page takes while it is decompressed.
    pub largest: u64,
}

#[derive(Debug)]
struct DictionaryHeader {
    values: u64,
    /// Bytes once decompressed.
    decompressed: u64,
    /// What it takes while it is decompressed.
    held: u64,
}

impl ChunkHeaders {
    /// Reads those of the pages in `chunk` of `file`, which holds `slots` values and levels.
    ///
    /// # Errors
    /// When one can't be read, or they say more than the chunk holds; when there are too many.
    pub(super) fn read(
        file: &PositionalFile,
        chunk: Range<u64>,
        (slots, codec): (u64, Compression),
        memory: &Memory,
    ) -> Result<Self> {
        let mut headers = Self::default();
        let mut values = 0_u64;
        let mut offset = chunk.start;
        while offset < chunk.end {
            let rest = chunk.end - offset;
            let header = read_header(file, offset, rest)?;
            let body = rest - header.header as u64;
            lies_if(
                header.compressed > body,
                "the size of a page",
                header.compressed,
                body,
            )?;
            let size = match codec {
                // What it says to decompress to is looked at by nobody.
                Compression::UNCOMPRESSED => header.decompressed.max(header.compressed),
                _ => header.decompressed,
            };
            let inflating = Inflate::of(codec).map_or(0, |codec| codec.memory_bytes(size));
            match header.kind {
                // The page before is still held while the next one is decompressed.
                PageKind::Data => {
                    values += header.values;
                    lies_if(values > slots, "the number of values", values, slots)?;
                    let held = header.compressed + 2 * size + inflating;
                    headers.largest = headers.largest.max(held);
                    headers.take_data(&header, memory)?;
                }
                PageKind::Dictionary => {
                    let before = headers.dictionary.replace(DictionaryHeader {
                        values: header.values,
                        decompressed: header.decompressed,
                        held: header.compressed + size + inflating,
                    });
                    lies_if(before.is_some(), "the number of dictionaries", 2, 1)?;
                }
                PageKind::Other => {}
            }
            offset += header.header as u64 + header.compressed;
        }
        Ok(headers)
    }

    fn take_data(&mut self, header: &PageHeader, memory: &Memory) -> Result<()> {
        self.data.push((header.values, header.decompressed));
        self.is_front_coded |= header.is_front_coded;
        self.is_intricate |= !header.is_simple;
        // A chunk of pages without anything in them must not fill the memory with their records.
        if self.data.len().is_power_of_two() {
            let what = || format!("a column chunk of {} pages", self.data.len());
            drop(memory.pages(self.record_bytes(), what)?);
        }
        Ok(())
    }

    /// What these take.
    pub(super) fn record_bytes(&self) -> u64 {
        self.data.len() as u64 * PAGE_RECORD_BYTES
    }

    /// Bytes of the dictionary once decompressed.
    pub(super) fn dictionary_size(&self) -> u64 {
        let dictionary = self.dictionary.as_ref();
        dictionary.map_or(0, |dictionary| dictionary.decompressed)
    }

    /// What the dictionary takes once it is decoded.
    pub(super) fn dictionary_bytes(&self, shape: Shape) -> u64 {
        self.dictionary.as_ref().map_or(0, |dictionary| {
            let decoded = dictionary.values.saturating_mul(shape.value_bytes);
            dictionary.held.saturating_add(decoded)
        })
    }
}

/// The headers of a file's chunks, by where they begin.
#[derive(Debug, Default)]
pub(super) struct KnownHeaders(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    chunks: HashMap<u64, Arc<ChunkHeaders>>,
    pages: usize,
}

impl KnownHeaders {
    /// Those of the chunk that begins at `start`: what `read` returns, once if it is worth keeping.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn or_read(
        &self,
        start: u64,
        read: impl FnOnce() -> Result<ChunkHeaders>,
    ) -> Result<Arc<ChunkHeaders>> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(headers) = known().chunks.get(&start) {
            return Ok(Arc::clone(headers));
        }
        let headers = Arc::new(read()?);
        let pages = headers.data.len();
        if (KEPT_PAGES_LEAST..=KEPT_PAGES_MAX).contains(&pages) {
            let mut known = known();
            if known.pages + pages > KEPT_PAGES_MAX {
                *known = Known::default();
            }
            if known.chunks.insert(start, Arc::clone(&headers)).is_none() {
                known.pages += pages;
            }
        }
        Ok(headers)
    }
}

fn lies_if(lies: bool, what: &'static str, said: u64, allowed: u64) -> Result<()> {
    match lies {
        true => Err(DataError::PageLies {
            what,
            said,
            allowed,
        }
        .into()),
        false => Ok(()),
    }
}

fn read_header(file: &PositionalFile, offset: u64, rest: u64) -> Result<PageHeader> {
    let rest = usize::try_from(rest)
        .unwrap_or(usize::MAX)
        .min(HEADER_BYTES_MAX);
    let mut length = HEADER_BYTES.min(rest);
    loop {
        let bytes = file
            .peek(offset, length)
            .map_err(|source| super::reading_error("read a page header", source))?;
        match PageHeader::read(&bytes) {
            Ok(header) => return Ok(header),
            Err(Unread::Short) if length < rest => length = rest.min(length * 16),
            Err(_) => {
                return Err(DataError::PageHeader {
                    offset,
                    file_bytes: file.len(),
                }
                .into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl ChunkHeaders {
        /// Those of such pages.
        pub(in crate::source::parquet) fn of_pages(data: &[(u64, u64)]) -> Self {
            Self {
                data: data.to_vec(),
                ..Self::default()
            }
        }
    }

    #[test]
    fn headers_are_read_once_unless_they_are_few_or_too_many() {
        for (pages, times) in [(1, 4), (100, 2), (10_000, 4), (20_000, 4)] {
            let known = KnownHeaders::default();
            let mut read = 0;
            for start in [4, 4_000, 4, 4_000] {
                let found = known.or_read(start, || {
                    read += 1;
                    Ok(ChunkHeaders::of_pages(&vec![(1, 1); pages]))
                });
                assert_eq!(found.unwrap().data.len(), pages);
            }
            assert_eq!(read, times, "{pages} pages");
        }
    }
}
