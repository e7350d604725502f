//! The pages of a column chunk, known by their headers before any of them is decoded.
//!
//! Invariant: every page lies inside its chunk, and the largest ones fit the budget, for which this
//! holds the permit.

use std::ops::Range;

use parquet::basic::Compression;
use parquet::file::reader::Length;

use super::file::PositionalFile;
use super::header::{PageHeader, PageKind, Unread};
use super::inflate::Inflate;
use crate::engine::{Memory, PagePermit};
use crate::error::{DataError, Result};

/// How much of a page header is read at first.
const HEADER_BYTES: usize = 4 << 10;
/// The longest page header: those with untruncated statistics of long strings.
const HEADER_BYTES_MAX: usize = 64 << 20;
/// Pages that are held at once by a run of rows that don't have to be.
pub(super) const RUN_BYTES: u64 = 4 << 20;
/// Slots of a nested leaf that are read at once, the rest of the last row apart.
const RUN_SLOTS: u64 = 64 << 10;
/// Strings copied by a run of rows out of a page where each leaves out what it shares with another.
const COPIED_BYTES: u64 = 4 << 20;
/// What is kept of a page.
const PAGE_RECORD_BYTES: u64 = 32;

/// How a leaf's values are held.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Bytes of a value, what it points to apart.
    pub value_bytes: u64,
    /// Whether a row may have any number of slots.
    pub is_nested: bool,
    /// What its pages are compressed with.
    pub codec: Compression,
}

impl Shape {
    /// Bytes of a slot in two buffers, as it is read and routed to its side; and half of that again,
    /// while a buffer grows.
    pub(super) fn slot_bytes(self) -> u64 {
        const LEVELS_BYTES: u64 = 2 * size_of::<i16>() as u64;
        3 * (LEVELS_BYTES + self.value_bytes)
    }
}

/// The data pages of a chunk.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// For each data page, its values and what it takes in memory.
    data: Vec<(u64, u64)>,
    /// Bytes of the dictionary once decompressed.
    dictionary: Option<u64>,
    is_nested: bool,
    is_front_coded: bool,
    /// Whether there is a page that is read by the Parquet crate alone.
    is_intricate: bool,
    /// What a run may take beside its pages.
    run_bytes_max: u64,
    /// Index of the page that the next value is in, and how many values of it are read.
    next: (usize, u64),
    _permit: Option<PagePermit>,
}

impl Pages {
    /// Reads the headers of the pages in `chunk` of `file`, which holds `slots` values and levels.
    pub(super) fn find(
        file: &PositionalFile,
        chunk: Range<u64>,
        (slots, shape): (u64, Shape),
        memory: &Memory,
    ) -> Result<Self> {
        let mut pages = Self {
            is_nested: shape.is_nested,
            ..Self::default()
        };
        let (mut largest, mut dictionary, mut values) = (0, 0, 0_u64);
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
            let size = match shape.codec {
                // What it says to decompress to is looked at by nobody.
                Compression::UNCOMPRESSED => header.decompressed.max(header.compressed),
                _ => header.decompressed,
            };
            let codec = Inflate::of(shape.codec).map_or(0, |codec| codec.memory_bytes(size));
            match header.kind {
                // The page before is still held while the next one is decompressed.
                PageKind::Data => {
                    values += header.values;
                    lies_if(values > slots, "the number of values", values, slots)?;
                    largest = largest.max(header.compressed + 2 * size + codec);
                    pages.take_data(&header, memory)?;
                }
                PageKind::Dictionary => {
                    let decoded = header.values.saturating_mul(shape.value_bytes);
                    dictionary = (header.compressed + size + codec).saturating_add(decoded);
                    let before = pages.dictionary.replace(header.decompressed);
                    lies_if(before.is_some(), "the number of dictionaries", 2, 1)?;
                }
                PageKind::Other => {}
            }
            offset += header.header as u64 + header.compressed;
        }
        let beside = pages.beside(slots, shape, memory);
        pages.hold(
            largest.saturating_add(dictionary).saturating_add(beside),
            memory,
        )?;
        Ok(pages)
    }

    fn take_data(&mut self, header: &PageHeader, memory: &Memory) -> Result<()> {
        self.data.push((header.values, header.decompressed));
        self.is_front_coded |= header.is_front_coded;
        self.is_intricate |= !header.is_simple;
        // A chunk of pages without anything in them must not fill the memory with their records.
        if self.data.len().is_power_of_two() {
            drop(memory.pages(self.record_bytes(), || self.name())?);
        }
        Ok(())
    }

    /// Of all data pages.
    fn bytes(&self) -> u64 {
        let bytes = self.data.iter().map(|(_, bytes)| *bytes);
        bytes.fold(0, u64::saturating_add)
    }

    fn record_bytes(&self) -> u64 {
        self.data.len() as u64 * PAGE_RECORD_BYTES
    }

    fn name(&self) -> String {
        format!("a column chunk of {} pages", self.data.len())
    }

    /// What a run takes beside its pages, where those don't say: as much as there is room for, since
    /// one row may hold most of what the chunk does.
    fn beside(&mut self, slots: u64, shape: Shape, memory: &Memory) -> u64 {
        let generous = memory.unknown_bytes_max();
        let mut beside = 0;
        if shape.is_nested {
            // A run, and the longest rows of the pages that it begins, one of which may end it.
            let run = slots.min(RUN_SLOTS).saturating_mul(shape.slot_bytes());
            let most = slots.saturating_mul(shape.slot_bytes());
            self.run_bytes_max = run.max(generous).min(most.saturating_add(self.bytes()));
            beside = run.saturating_add(self.run_bytes_max);
        }
        if self.is_front_coded {
            // The strings of two pages, as with the pages themselves.
            let copied = COPIED_BYTES.max(generous / 2);
            beside = beside.saturating_add(2 * copied);
            self.run_bytes_max = self.run_bytes_max.saturating_add(copied);
        }
        beside
    }

    fn hold(&mut self, bytes: u64, memory: &Memory) -> Result<()> {
        let held = bytes.saturating_add(self.record_bytes());
        let what = || format!("a column chunk with pages of {held} bytes");
        self._permit = Some(memory.pages(held, what)?);
        Ok(())
    }

    /// How many slots end a run; `None` where a run is as many rows as its pages allow.
    pub(super) fn slots_max(&self) -> Option<usize> {
        self.is_nested
            .then(|| usize::try_from(RUN_SLOTS).unwrap_or(usize::MAX))
    }

    /// What a run may take beside its pages; `None` where that follows from its rows.
    pub(super) fn run_bytes_max(&self) -> Option<u64> {
        (self.is_nested || self.is_front_coded).then_some(self.run_bytes_max)
    }

    /// Whether all values are plain or refer to a dictionary, and all levels are run lengths and packed bits.
    pub(super) fn are_simple(&self) -> bool {
        !self.is_intricate
    }

    /// Bytes of each page once decompressed, as its header says: dictionary, data pages in order.
    pub(super) fn sizes(&self) -> (u64, Vec<u64>) {
        let data = self.data.iter().map(|(_, bytes)| *bytes).collect();
        (self.dictionary.unwrap_or(0), data)
    }

    /// How many of the next `wanted` values, at least one, can be read without holding many pages.
    pub(super) fn run(&self, wanted: u64) -> u64 {
        let (index, read) = self.next;
        let (mut values, mut bytes) = (0, 0);
        let bytes_max = if self.is_front_coded { 0 } else { RUN_BYTES };
        for (page_values, page_bytes) in self.data.iter().skip(index) {
            bytes += page_bytes;
            if values > read && bytes > bytes_max {
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
