//! The pages of a column chunk, known by their headers before any of them is decoded.
//!
//! Invariant: every page lies inside its chunk, and the largest ones fit the budget, for which this
//! holds the permit.

use std::ops::Range;

use parquet::file::reader::Length;

use super::file::PositionalFile;
use super::header::{PageHeader, PageKind, Unread};
use crate::engine::{Memory, PagePermit};
use crate::error::{DataError, Result};

/// How much of a page header is read at first.
const HEADER_BYTES: usize = 4 << 10;
/// The longest page header: those with untruncated statistics of long strings.
const HEADER_BYTES_MAX: usize = 64 << 20;
/// Pages that are held at once by a run of rows that don't have to be.
const RUN_BYTES: u64 = 4 << 20;

/// The data pages of a chunk.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// For each data page, its values and what it takes in memory.
    data: Vec<(u64, u64)>,
    /// Index of the page that the next value is in, and how many values of it are read.
    next: (usize, u64),
    _permit: Option<PagePermit>,
}

impl Pages {
    /// Reads the headers of the pages in `chunk` of `file`.
    pub(super) fn find(file: &PositionalFile, chunk: Range<u64>, memory: &Memory) -> Result<Self> {
        let mut pages = Self::default();
        let (mut largest, mut dictionary) = (0, 0);
        let mut offset = chunk.start;
        while offset < chunk.end {
            let rest = chunk.end - offset;
            let header = read_header(file, offset, rest)?;
            let body = rest - header.header as u64;
            if header.compressed > body {
                return Err(DataError::PageLies {
                    what: "the size of a page",
                    said: header.compressed,
                    allowed: body,
                }
                .into());
            }
            match header.kind {
                // The page before is still held while the next one is decompressed.
                PageKind::Data => {
                    let held = header.compressed + 2 * header.decompressed;
                    largest = largest.max(held);
                    pages.data.push((header.values, header.decompressed));
                }
                PageKind::Dictionary => dictionary = header.compressed + header.decompressed,
                PageKind::Other => {}
            }
            offset += header.header as u64 + header.compressed;
        }
        let held = largest.saturating_add(dictionary);
        let what = || format!("a column chunk with pages of {held} bytes");
        pages._permit = memory.pages(held, what)?;
        Ok(pages)
    }

    /// How many of the next `wanted` values, at least one, can be read without holding many pages.
    pub(super) fn run(&self, wanted: u64) -> u64 {
        let (index, read) = self.next;
        let (mut values, mut bytes) = (0, 0);
        for (page_values, page_bytes) in self.data.iter().skip(index) {
            bytes += page_bytes;
            if values > read && bytes > RUN_BYTES {
                break;
            }
            values += page_values;
            if values - read.min(values) >= wanted {
                return wanted;
            }
        }
        values.saturating_sub(read).clamp(1, wanted.max(1))
    }

    /// Takes note that so many values were read or passed over.
    pub(super) fn advance(&mut self, mut values: u64) {
        while let Some((page_values, _)) = self.data.get(self.next.0) {
            let left = page_values.saturating_sub(self.next.1);
            if values < left {
                self.next.1 += values;
                return;
            }
            values -= left;
            self.next = (self.next.0 + 1, 0);
        }
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

    fn pages(data: &[(u64, u64)]) -> Pages {
        Pages {
            data: data.to_vec(),
            ..Pages::default()
        }
    }

    #[test]
    fn a_run_ends_with_a_page_once_pages_are_large() {
        let mut pages = pages(&[(10, 3 << 20), (10, 3 << 20), (5, 1), (100, 9 << 20), (7, 1)]);
        assert_eq!(pages.run(4), 4);
        assert_eq!(pages.run(1000), 10);
        pages.advance(4);
        assert_eq!(pages.run(1000), 6);
        pages.advance(6);
        assert_eq!(pages.run(1000), 15);
        pages.advance(15);
        assert_eq!(pages.run(1000), 100);
        assert_eq!(pages.run(64), 64);
        pages.advance(100);
        assert_eq!(pages.run(1000), 7);
        pages.advance(7);
        assert_eq!(pages.run(1000), 1);
    }
}
