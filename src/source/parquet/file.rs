//! `PositionalFile`: reads a Parquet file by position, never mapped.
//!
//! A mapped file that something truncates kills the process; a positional read fails. A column chunk
//! that the budget has room for is fetched whole with one read and served from memory; a longer one
//! page by page.

use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::chunk_headers::KnownHeaders;
use super::handle::Handle;
use super::recycled::Recycled;
use super::witness::{WatchedChunk, Witness};
use crate::engine::Memory;
use crate::error::{Place, Result};

/// How much of a page header is read ahead when pages are fetched one by one.
const HEADER_READ_BYTES: usize = 4 << 10;

/// An open input file and, optionally, a part of it held in memory.
#[derive(Debug, Clone)]
pub(super) struct PositionalFile {
    file: Arc<Handle>,
    len: u64,
    window_start: u64,
    window: Bytes,
    window_bytes_max: u64,
    witness: Witness,
    chunk: Option<Arc<WatchedChunk>>,
}

impl PositionalFile {
    /// Opens `path`; the length is the one at this moment.
    fn open(path: &Path, window_bytes_max: u64) -> Result<Self> {
        let file = Handle::open(path)
            .map_err(|error| crate::error::Error::from(error).at(Place::path(path)))?;
        Ok(Self {
            len: file.bytes(),
            file,
            window_start: 0,
            window: Bytes::new(),
            window_bytes_max,
            witness: Witness::None,
            chunk: None,
        })
    }

    /// The same file for one column chunk, with `start..start + length` in memory if that is small
    /// enough.
    pub(super) fn with_window(&self, start: u64, length: u64) -> ParquetResult<Self> {
        let mut chunk = self.clone();
        chunk.chunk = self.witness.watch(start);
        if length <= self.window_bytes_max {
            chunk.window = self.read(start, usize::try_from(length)?)?;
            chunk.window_start = start;
        }
        Ok(chunk)
    }

    /// Whether the chunk that it was opened for is.
    pub(super) fn is_in_memory(&self) -> bool {
        !self.window.is_empty()
    }

    /// Bytes that aren't a page, or not read as one.
    pub(super) fn peek(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        match self.in_window(start, length) {
            Some(bytes) => Ok(bytes),
            None => self.read(start, length),
        }
    }

    /// Keeps or compares the digest of the page whose body begins at `start`.
    fn witness_page(&self, chunk: &WatchedChunk, start: u64, body: &Bytes) -> ParquetResult<()> {
        let page = chunk.page_start(start);
        let header_bytes = usize::try_from(start - page)?;
        match self.in_window(page, header_bytes + body.len()) {
            Some(whole) => chunk.page(page, &[&whole]),
            None => chunk.page(page, &[&self.read(page, header_bytes)?, body]),
        }
    }

    fn read(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if start
            .checked_add(length as u64)
            .is_none_or(|end| end > self.len)
        {
            return Err(ParquetError::EOF(format!(
                "{length} bytes at offset {start} are past the end of a file of {} bytes",
                self.len
            )));
        }
        let mut buffer = Recycled::with_length(length);
        let file = self
            .file
            .file()
            .map_err(|error| ParquetError::External(Box::new(error)))?;
        file.read_exact_at(buffer.as_mut_slice(), start)?;
        Ok(buffer.into_bytes())
    }

    fn in_window(&self, start: u64, length: usize) -> Option<Bytes> {
        let from = usize::try_from(start.checked_sub(self.window_start)?).ok()?;
        let to = from.checked_add(length)?;
        (to <= self.window.len()).then(|| self.window.slice(from..to))
    }
}

impl Length for PositionalFile {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for PositionalFile {
    type T = PositionalRead;

    fn get_read(&self, start: u64) -> ParquetResult<PositionalRead> {
        if let Some(chunk) = &self.chunk {
            chunk.goes_to(start);
        }
        let offset = start
            .checked_sub(self.window_start)
            .and_then(|offset| usize::try_from(offset).ok())
            .filter(|offset| *offset < self.window.len());
        Ok(PositionalRead {
            file: self.clone(),
            position: start,
            buffer: offset.map_or_else(Bytes::new, |offset| self.window.slice(offset..)),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.peek(start, length)?;
        if let Some(chunk) = &self.chunk {
            self.witness_page(chunk, start, &bytes)?;
        }
        Ok(bytes)
    }
}

/// A sequential reader over a [`PositionalFile`], used for page headers.
#[derive(Debug)]
pub(super) struct PositionalRead {
    file: PositionalFile,
    position: u64,
    buffer: Bytes,
}

impl Read for PositionalRead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            let rest = self.file.len.saturating_sub(self.position);
            let length =
                usize::try_from(rest).map_or(HEADER_READ_BYTES, |rest| rest.min(HEADER_READ_BYTES));
            self.buffer = self
                .file
                .read(self.position, length)
                .map_err(io::Error::other)?;
        }
        let length = out.len().min(self.buffer.len());
        out[..length].copy_from_slice(&self.buffer.split_to(length));
        self.position += length as u64;
        Ok(length)
    }
}

/// A Parquet file with its footer.
#[derive(Debug, Clone)]
pub struct ParquetFile {
    path: PathBuf,
    pub(super) file: PositionalFile,
    pub(super) memory: Memory,
    pub(super) metadata: Arc<parquet::file::metadata::ParquetMetaData>,
    pub(super) headers: Arc<KnownHeaders>,
    footer_bytes: u64,
}

impl ParquetFile {
    /// Opens `path` and reads its footer; what is read of the file later stays within `memory`.
    ///
    /// # Errors
    /// When the file can't be opened, or its footer is damaged, encrypted or disagrees with itself;
    /// when the footer doesn't fit the budget.
    pub fn open(path: &Path, memory: &Memory) -> Result<Self> {
        let file = PositionalFile::open(path, memory.window_bytes_max())?;
        let footer =
            super::footer::read(&file, memory).map_err(|error| error.at(Place::path(path)))?;
        Ok(Self {
            path: path.to_path_buf(),
            file,
            memory: memory.clone(),
            metadata: Arc::new(footer.metadata),
            headers: Arc::default(),
            footer_bytes: footer.memory_bytes,
        })
    }

    /// The same file for reading parts of column chunks: pages are fetched one by one, and those
    /// that are passed over not at all.
    #[must_use]
    pub fn by_pages(&self) -> Self {
        let mut file = self.clone();
        file.file.window_bytes_max = 0;
        file
    }

    /// The same file, read within another budget, that of a group of readers for example.
    #[must_use]
    pub fn within(&self, memory: &Memory) -> Self {
        let mut file = self.clone();
        file.file.window_bytes_max = memory.window_bytes_max();
        file.memory = memory.clone();
        file
    }

    /// The same file with a witness of what is read of its column chunks.
    #[must_use]
    pub(crate) fn witnessed(mut self, witness: Witness) -> Self {
        self.file.witness = witness;
        self
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The budget that it is read within.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// What the footer takes in memory.
    pub fn footer_bytes(&self) -> u64 {
        self.footer_bytes
    }

    /// The footer.
    pub fn metadata(&self) -> &parquet::file::metadata::ParquetMetaData {
        &self.metadata
    }
}
