//! Segment files: the rows of one unit, parted by the shard that they end up in.
//!
//! ```text
//! chunk, chunk, ...     a part for each segment, one after the other; a leaf of a block has one or more
//! index                 for each segment, for each chunk: leaf (u32), bytes (u32), offset (u64)
//! ```
//!
//! Invariant: chunks are appended by any thread, and the index is in the order of leaf, block and chunk,
//! so what a segment holds doesn't depend on who wrote when. What the bytes mean is the caller's. Not
//! synced to disk, like everything that goes before the output is whole. Limit: while a file is written,
//! 4 bytes for each segment of each chunk are held.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::Written;
use super::files::{FilePart, io_error};
use crate::error::{Error, Result};
use crate::source::file_digest;

const ENTRY_BYTES: usize = 16;
const WRITE: &str = "write the rows to be shuffled";
const READ: &str = "read the rows to be shuffled";

/// Which chunk of a unit: a leaf of a block may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkId {
    /// The leaf.
    pub leaf: u32,
    /// The block of the unit.
    pub block: u32,
    /// Which of the leaf's chunks in that block.
    pub chunk: u32,
}

/// Writes a segment file, from any number of threads.
#[derive(Debug)]
pub struct SegmentWriter {
    file: File,
    path: PathBuf,
    segments: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    end: u64,
    chunks: Vec<Chunk>,
}

#[derive(Debug)]
struct Chunk {
    id: ChunkId,
    offset: u64,
    /// Bytes of each segment.
    bytes: Vec<u32>,
}

/// A segment file that was written.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SegmentFile {
    /// Where its index begins.
    index: u64,
    /// How many chunks it has.
    chunks: u64,
    /// Its bytes and checksum.
    pub written: Written,
}

/// What one chunk holds of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The leaf.
    pub leaf: u32,
    /// How many bytes.
    pub bytes: u32,
    offset: u64,
}

impl SegmentWriter {
    /// Creates the file, in place of one that an earlier run hadn't finished.
    ///
    /// # Errors
    /// When it can't be created.
    pub fn create(path: &Path, segments: usize) -> Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(|source| io_error("create the file of rows to be shuffled", path, source))?;
        Ok(Self {
            file,
            path: path.to_path_buf(),
            segments,
            state: Mutex::default(),
        })
    }

    /// Appends a chunk, a part for each segment, and empties the parts.
    ///
    /// # Errors
    /// When the write fails.
    pub fn append(&self, id: ChunkId, parts: &mut [Vec<u8>]) -> Result<()> {
        let bytes = parts.iter().map(Vec::len);
        let bytes: Vec<u32> = bytes
            .map(|bytes| u32::try_from(bytes).unwrap_or(u32::MAX))
            .collect();
        let mut joined = Vec::with_capacity(parts.iter().map(Vec::len).sum());
        for part in parts {
            joined.append(part);
        }
        let mut state = self.lock();
        let offset = state.end;
        state.end += joined.len() as u64;
        state.chunks.push(Chunk { id, offset, bytes });
        drop(state);
        let written = self.file.write_all_at(&joined, offset);
        written.map_err(|source| io_error(WRITE, &self.path, source))
    }

    /// Writes the index.
    ///
    /// # Errors
    /// When the write fails.
    pub fn finish(self) -> Result<SegmentFile> {
        let State { end, mut chunks } = std::mem::take(&mut *self.lock());
        chunks.sort_unstable_by_key(|chunk| chunk.id);
        let failed = |source| io_error(WRITE, &self.path, source);
        self.write_index(end, &mut chunks).map_err(failed)?;
        let (bytes, digest) = file_digest(&self.path, || true).map_err(failed)?;
        Ok(SegmentFile {
            index: end,
            chunks: chunks.len() as u64,
            written: Written { bytes, digest },
        })
    }

    fn write_index(&self, end: u64, chunks: &mut [Chunk]) -> io::Result<()> {
        let mut index = BufWriter::new(FilePart {
            file: &self.file,
            offset: end,
        });
        for segment in 0..self.segments {
            for chunk in &mut *chunks {
                let bytes = chunk.bytes.get(segment).copied().unwrap_or(0);
                index.write_all(&chunk.id.leaf.to_le_bytes())?;
                index.write_all(&bytes.to_le_bytes())?;
                index.write_all(&chunk.offset.to_le_bytes())?;
                chunk.offset += u64::from(bytes);
            }
        }
        index.flush()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is only ever changed in whole steps.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SegmentFile {
    /// What the file at `path` holds of a segment, in the order of leaves, blocks and chunks; chunks
    /// that hold nothing of it are left out.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn segments(&self, path: &Path, segment: usize) -> Result<Vec<Segment>> {
        let bytes = self.chunks * ENTRY_BYTES as u64;
        let mut index = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
        let offset = self.index + segment as u64 * bytes;
        File::open(path)
            .and_then(|file| file.read_exact_at(&mut index, offset))
            .map_err(|source| io_error(READ, path, source))?;
        let (entries, _) = index.as_chunks::<ENTRY_BYTES>();
        let entries = entries.iter().map(|entry| {
            let entry = u128::from_le_bytes(*entry);
            Segment {
                leaf: low_word(entry),
                bytes: low_word(entry >> 32),
                offset: u64::from(low_word(entry >> 64)) | u64::from(low_word(entry >> 96)) << 32,
            }
        });
        Ok(entries.filter(|segment| segment.bytes > 0).collect())
    }
}

/// Replaces `bytes` by those of some segments of the file at `path`, one after the other, and calls
/// `take` with each.
///
/// # Errors
/// When they can't be read, and those of `take`.
pub fn read_segments(
    path: &Path,
    segments: &[Segment],
    bytes: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    if segments.is_empty() {
        return Ok(());
    }
    let failed = |source| io_error(READ, path, source);
    let file = File::open(path).map_err(failed)?;
    for segment in segments {
        bytes.clear();
        bytes.resize(segment.bytes as usize, 0);
        file.read_exact_at(bytes, segment.offset).map_err(failed)?;
        take(bytes)?;
    }
    Ok(())
}

/// The error of segments that hold no rows as they were written.
pub fn damaged(path: &Path) -> Error {
    io_error(READ, path, io::ErrorKind::InvalidData.into())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lowest 32 bits are meant"
)]
fn low_word(word: u128) -> u32 {
    word as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_what_chunks_hold_of_it_in_their_order_whoever_wrote_first() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("segments");
        let writer = SegmentWriter::create(&path, 3).unwrap();
        // Leaf, block and chunk; what segments 0, 1 and 2 get.
        let chunks = [
            ((1, 0, 0), ["h", "", "i"]),
            ((0, 1, 0), ["f", "", ""]),
            ((0, 0, 1), ["d", "e", ""]),
            ((0, 0, 0), ["ab", "", "c"]),
        ];
        for ((leaf, block, chunk), texts) in chunks {
            let mut parts = texts.map(|text| text.as_bytes().to_vec());
            writer
                .append(ChunkId { leaf, block, chunk }, &mut parts)
                .unwrap();
            assert!(parts.iter().all(Vec::is_empty));
        }
        let file = writer.finish().unwrap();
        assert_eq!(file.written.bytes, std::fs::metadata(&path).unwrap().len());
        for (segment, expected) in [(0, "0ab 0d 0f 1h"), (1, "0e"), (2, "0c 1i")] {
            let segments = file.segments(&path, segment).unwrap();
            let mut found = Vec::new();
            let mut leaves = segments.iter().map(|segment| segment.leaf);
            read_segments(&path, &segments, &mut Vec::new(), |bytes| {
                let text = std::str::from_utf8(bytes).unwrap();
                found.push(format!("{}{text}", leaves.next().unwrap()));
                Ok(())
            })
            .unwrap();
            assert_eq!(found.join(" "), expected, "segment {segment}");
        }
    }
}
