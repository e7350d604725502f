//! Key lists: hashes of keys in ascending order in a file, found again without holding them all.
//!
//! 8 bytes a key, in pages of 8,192; of each page its first key is held. A sorted run of rows reads each
//! page that it has a key in once. Not synced to disk: a run that is resumed writes its lists again.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::files::io_error;
use crate::error::Result;

const KEY_BYTES: usize = size_of::<u64>();
const PAGE_KEYS: u64 = 8192;

/// Writes a key list.
#[derive(Debug)]
pub struct KeyListWriter {
    file: BufWriter<File>,
    path: PathBuf,
    firsts: Vec<u64>,
    keys: u64,
}

/// A key list that was written.
#[derive(Debug)]
pub struct KeyList {
    file: File,
    path: PathBuf,
    /// The first key of every page.
    firsts: Vec<u64>,
    keys: u64,
}

impl KeyListWriter {
    /// Creates the file, in place of one that an earlier run has left.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(|source| io_error("create the list of keys", path, source))?;
        Ok(Self {
            file: BufWriter::new(file),
            path: path.to_path_buf(),
            firsts: Vec::new(),
            keys: 0,
        })
    }

    /// Appends a key, which is larger than those before.
    ///
    /// # Errors
    /// When a write fails.
    pub fn push(&mut self, key: u64) -> Result<()> {
        if self.keys.is_multiple_of(PAGE_KEYS) {
            self.firsts.push(key);
        }
        self.keys += 1;
        let written = self.file.write_all(&key.to_le_bytes());
        written.map_err(|source| io_error("write the list of keys", &self.path, source))
    }

    /// Ends the list.
    ///
    /// # Errors
    /// When a write fails.
    pub fn finish(self) -> Result<KeyList> {
        let file = self
            .file
            .into_inner()
            .map_err(|error| io_error("write the list of keys", &self.path, error.into_error()))?;
        Ok(KeyList {
            file,
            path: self.path,
            firsts: self.firsts,
            keys: self.keys,
        })
    }
}

impl KeyList {
    /// Calls `found` with the second part of every pair whose first is in the list; pairs are in
    /// ascending order.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn find(&self, pairs: &[(u64, u32)], mut found: impl FnMut(u32)) -> Result<()> {
        let mut page = Vec::new();
        let mut rest = pairs;
        while let Some((key, _)) = rest.first() {
            let Some(index) = self
                .firsts
                .partition_point(|first| first <= key)
                .checked_sub(1)
            else {
                // Below all keys of the list.
                let Some(first) = self.firsts.first() else {
                    return Ok(());
                };
                rest = &rest[rest.partition_point(|(key, _)| key < first)..];
                continue;
            };
            let next = self.firsts.get(index + 1);
            let end = next.map_or(rest.len(), |next| {
                rest.partition_point(|(key, _)| key < next)
            });
            self.read_page(index as u64, &mut page)?;
            let (keys, _) = page.as_chunks::<KEY_BYTES>();
            let mut keys = keys.iter().map(|key| u64::from_le_bytes(*key)).peekable();
            for (key, value) in &rest[..end] {
                while keys.next_if(|other| other < key).is_some() {}
                if keys.peek() == Some(key) {
                    found(*value);
                }
            }
            rest = &rest[end..];
        }
        Ok(())
    }

    fn read_page(&self, index: u64, page: &mut Vec<u8>) -> Result<()> {
        let first = index * PAGE_KEYS;
        let keys = usize::try_from(PAGE_KEYS.min(self.keys - first)).unwrap_or(0);
        page.resize(keys * KEY_BYTES, 0);
        let read = self.file.read_exact_at(page, first * KEY_BYTES as u64);
        read.map_err(|source| io_error("read the list of keys", &self.path, source))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(keys: impl IntoIterator<Item = u64>) -> (tempfile::TempDir, KeyList) {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = KeyListWriter::create(&directory.path().join("keys")).unwrap();
        keys.into_iter().for_each(|key| writer.push(key).unwrap());
        (directory, writer.finish().unwrap())
    }

    fn found(list: &KeyList, pairs: &[(u64, u32)]) -> Vec<u32> {
        let mut rows = Vec::new();
        list.find(pairs, |row| rows.push(row)).unwrap();
        rows
    }

    #[test]
    fn keys_are_found_on_every_page_and_no_others_are() {
        // Odd numbers, on five pages.
        let (_directory, list) = list((0..40_000).map(|key| 2 * key + 1));
        assert_eq!(list.firsts.len(), 5);
        let sought = [
            0,
            1,
            2,
            16_383,
            16_384,
            16_385,
            40_001,
            79_999,
            80_000,
            u64::MAX,
        ];
        let pairs: Vec<(u64, u32)> = sought.into_iter().zip(0..).collect();
        assert_eq!(found(&list, &pairs), [1, 3, 5, 6, 7]);
        let all: Vec<(u64, u32)> = (0..90_000).zip(0..).collect();
        assert_eq!(found(&list, &all).len(), 40_000);
    }

    proptest! {
        #[test]
        fn a_row_is_found_if_its_key_is_in_the_list(
            keys in prop::collection::btree_set(0..60_u64, 0..30),
            mut sought in prop::collection::vec(0..60_u64, 0..50),
        ) {
            let (_directory, list) = list(keys.iter().copied());
            sought.sort_unstable();
            let pairs: Vec<(u64, u32)> = sought.iter().copied().zip(0..).collect();
            let expected: Vec<u32> = pairs
                .iter()
                .filter(|(key, _)| keys.contains(key))
                .map(|(_, row)| *row)
                .collect();
            prop_assert_eq!(found(&list, &pairs), expected);
        }
    }
}
