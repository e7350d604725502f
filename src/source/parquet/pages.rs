//! The pages of a column chunk, known by their headers before any of them is decoded.
//!
//! Invariant: the largest ones fit the budget, for which this holds the permit.

use std::sync::Arc;

use parquet::basic::Compression;

use super::chunk_headers::ChunkHeaders;
use crate::engine::{Memory, PagePermit};
use crate::error::Result;

/// Pages that are held at once by a run of rows that don't have to be.
pub(super) const RUN_BYTES: u64 = 4 << 20;
/// Slots of a nested leaf that are read at once, the rest of the last row apart.
const RUN_SLOTS: u64 = 64 << 10;
/// Strings copied by a run of rows out of a page where each leaves out what it shares with another.
const COPIED_BYTES: u64 = 4 << 20;

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
    headers: Arc<ChunkHeaders>,
    is_nested: bool,
    /// What a run may take beside its pages.
    run_bytes_max: u64,
    /// Index of the page that the next value is in, and how many values of it are read.
    next: (usize, u64),
    _permit: Option<PagePermit>,
}

impl Pages {
    /// The pages with these headers in a chunk that holds `slots` values and levels.
    ///
    /// # Errors
    /// When the largest of them don't fit the budget.
    pub(super) fn new(
        headers: Arc<ChunkHeaders>,
        (slots, shape): (u64, Shape),
        memory: &Memory,
    ) -> Result<Self> {
        let (largest, dictionary) = (headers.largest, headers.dictionary_bytes(shape));
        let mut pages = Self {
            headers,
            is_nested: shape.is_nested,
            ..Self::default()
        };
        let beside = pages.beside(slots, shape, memory);
        pages.hold(
            largest.saturating_add(dictionary).saturating_add(beside),
            memory,
        )?;
        Ok(pages)
    }

    /// Of all data pages.
    fn bytes(&self) -> u64 {
        let bytes = self.headers.data.iter().map(|(_, bytes)| *bytes);
        bytes.fold(0, u64::saturating_add)
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
        if self.headers.is_front_coded {
            // The strings of two pages, as with the pages themselves.
            let copied = COPIED_BYTES.max(generous / 2);
            beside = beside.saturating_add(2 * copied);
            self.run_bytes_max = self.run_bytes_max.saturating_add(copied);
        }
        beside
    }

    fn hold(&mut self, bytes: u64, memory: &Memory) -> Result<()> {
        let held = bytes.saturating_add(self.headers.record_bytes());
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
        (self.is_nested || self.headers.is_front_coded).then_some(self.run_bytes_max)
    }

    /// Whether all values are plain or refer to a dictionary, and all levels are run lengths and packed bits.
    pub(super) fn are_simple(&self) -> bool {
        !self.headers.is_intricate
    }

    /// Bytes of each page once decompressed, as its header says: dictionary, data pages in order.
    pub(super) fn sizes(&self) -> (u64, Vec<u64>) {
        let data = self.headers.data.iter().map(|(_, bytes)| *bytes).collect();
        (self.headers.dictionary_size(), data)
    }

    /// How many of the next `wanted` values, at least one, can be read without holding many pages.
    pub(super) fn run(&self, wanted: u64) -> u64 {
        let (index, read) = self.next;
        let (mut values, mut bytes) = (0, 0);
        let bytes_max = if self.headers.is_front_coded {
            0
        } else {
            RUN_BYTES
        };
        for (page_values, page_bytes) in self.headers.data.iter().skip(index) {
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
        while let Some((page_values, _)) = self.headers.data.get(self.next.0) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(data: &[(u64, u64)]) -> Pages {
        Pages {
            headers: Arc::new(ChunkHeaders::of_pages(data)),
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
