//! `PagesRead`: digests of what a pass has read of a file, page by page, so that a later pass finds
//! out whether it reads the same bytes.
//!
//! A page counts with its header. Its digest is XXH3-128's lower half: whoever wants to deceive can,
//! whatever rewrites a file by accident or by design of another program can't. Limit: pages that
//! only one pass reads are compared with nothing; there is nothing to mix them up with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parquet::errors::ParquetError;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::error::InputError;

/// The pages of one file that were read: by their column chunk's first byte, then their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagesRead(BTreeMap<u64, BTreeMap<u64, u64>>);

/// What becomes of the digests of a file's pages.
#[derive(Debug, Clone, Default)]
pub(crate) enum Witness {
    /// Nothing.
    #[default]
    None,
    /// They are kept.
    Record(Arc<Mutex<PagesRead>>),
    /// They are compared with those of an earlier reading.
    Compare(Arc<PagesRead>),
}

/// One column chunk that is watched while it is read.
#[derive(Debug)]
pub(super) struct WatchedChunk {
    witness: Witness,
    first_byte: u64,
    /// Where the reader went to read a header. It may look at headers ahead of time, go to the body
    /// once more then, and come back for a dictionary.
    visited: Mutex<BTreeSet<u64>>,
}

impl Witness {
    /// Keeps everything that is read from now on.
    pub(crate) fn record() -> Self {
        Self::Record(Arc::default())
    }

    /// What was kept so far.
    pub(crate) fn pages_read(&self) -> PagesRead {
        match self {
            Self::Record(pages) => lock(pages).clone(),
            Self::None | Self::Compare(_) => PagesRead::default(),
        }
    }

    /// Keeps what an earlier reading has kept as well, if anything is.
    pub(crate) fn add(&self, before: &PagesRead) {
        if let Self::Record(pages) = self {
            let mut pages = lock(pages);
            for (chunk, digests) in &before.0 {
                pages.0.entry(*chunk).or_default().extend(digests);
            }
        }
    }

    /// Watches the chunk that begins at `first_byte`, if it is to be.
    pub(super) fn watch(&self, first_byte: u64) -> Option<Arc<WatchedChunk>> {
        let is_watched = match self {
            Self::None => false,
            Self::Record(_) => true,
            Self::Compare(pages) => pages.0.contains_key(&first_byte),
        };
        is_watched.then(|| {
            Arc::new(WatchedChunk {
                witness: self.clone(),
                first_byte,
                visited: Mutex::default(),
            })
        })
    }
}

impl WatchedChunk {
    /// Takes note that the reader goes to `start`.
    pub(super) fn goes_to(&self, start: u64) {
        lock(&self.visited).insert(start);
    }

    /// Where the page begins, with its header, whose body begins at `body`.
    pub(super) fn page_start(&self, body: u64) -> u64 {
        let visited = lock(&self.visited);
        visited.range(..body).next_back().copied().unwrap_or(body)
    }

    /// Keeps or compares the page at `start`, whose bytes come in `parts`.
    pub(super) fn page(&self, start: u64, parts: &[&[u8]]) -> Result<(), ParquetError> {
        let digest = digest(parts);
        match &self.witness {
            Witness::None => Ok(()),
            Witness::Record(pages) => {
                let mut pages = lock(pages);
                let chunk = pages.0.entry(self.first_byte).or_default();
                match chunk.insert(start, digest) {
                    Some(before) if before != digest => Err(changed(Some(before), digest)),
                    _ => Ok(()),
                }
            }
            Witness::Compare(pages) => {
                let chunk = pages.0.get(&self.first_byte);
                match chunk.and_then(|chunk| chunk.get(&start)).copied() {
                    Some(before) if before == digest => Ok(()),
                    before => Err(changed(before, digest)),
                }
            }
        }
    }
}

fn digest(parts: &[&[u8]]) -> u64 {
    let whole = match parts {
        [whole] => XxHash3_128::oneshot(whole),
        parts => {
            let mut hasher = XxHash3_128::new();
            parts.iter().for_each(|part| hasher.write(part));
            hasher.finish_128()
        }
    };
    let low = whole & u128::from(u64::MAX);
    u64::try_from(low).unwrap_or(u64::MAX)
}

fn changed(before: Option<u64>, now: u64) -> ParquetError {
    let error = InputError::Changed {
        what: "content digest",
        before: before.map_or_else(
            || "of other pages".to_owned(),
            |digest| format!("{digest:016x}"),
        ),
        after: format!("{now:016x}"),
    };
    ParquetError::External(Box::new(error))
}

fn lock<T>(pages: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole entries are inserted, so a poisoned lock still guards a valid collection.
    pages.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(witness: &Witness) -> Arc<WatchedChunk> {
        witness.watch(4).expect("watched")
    }

    #[test]
    fn the_same_pages_pass_and_any_other_byte_place_or_page_does_not() {
        let record = Witness::record();
        let first = chunk(&record);
        first.page(4, &[b"head", b"body"]).unwrap();
        first.page(12, &[b"headbody2"]).unwrap();
        let pages = record.pages_read();
        let text = serde_json::to_string(&pages).unwrap();
        let pages: PagesRead = serde_json::from_str(&text).unwrap();

        let compare = Witness::Compare(Arc::new(pages));
        let again = chunk(&compare);
        again.page(12, &[b"headbody2"]).unwrap();
        again.page(4, &[b"headbody"]).unwrap();
        for (start, parts) in [
            (4, [&b"headbodY"[..]]),
            (4, [b"headbody2"]),
            (12, [b"headbody"]),
            (13, [b"headbody2"]),
        ] {
            assert!(again.page(start, &parts).is_err(), "{start}");
        }
        assert!(compare.watch(5).is_none(), "a chunk that wasn't read");
    }

    #[test]
    fn a_page_begins_with_its_header_whether_that_was_looked_at_ahead_or_not() {
        let chunk = chunk(&Witness::record());
        chunk.goes_to(100);
        assert_eq!(chunk.page_start(120), 100, "header, body");
        chunk.goes_to(200);
        chunk.goes_to(220);
        assert_eq!(chunk.page_start(220), 200, "header, body, body");
        chunk.goes_to(300);
        chunk.goes_to(400);
        assert_eq!(chunk.page_start(420), 400, "a page passed over");
        assert_eq!(chunk.page_start(120), 100, "a dictionary put off");
    }

    #[test]
    fn a_file_that_changes_within_one_pass_is_found_too() {
        let record = Witness::record();
        chunk(&record).page(4, &[b"one"]).unwrap();
        assert!(chunk(&record).page(4, &[b"one"]).is_ok());
        assert!(chunk(&record).page(4, &[b"two"]).is_err());
    }
}
