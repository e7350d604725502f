//! `BufferPool`: the buffers of pages, which the writer of one column leaves to that of the next.
//!
//! Fresh memory is zeroed by the system page by page, and buffers that grow are copied: both cost more
//! than what they hold is worth. Limit: as many buffers as there were writers at once.

use std::sync::{Mutex, PoisonError};

use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result as ParquetResult};

use super::dictionary::Dictionary;
use super::levels::Levels;

/// What a page is compressed with.
pub(super) enum Codec {
    None,
    Snappy(Box<snap::raw::Encoder>),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Codec {
    /// `None` if it is one of those that are left to others.
    fn new(compression: Compression) -> ParquetResult<Option<Self>> {
        Ok(match compression {
            Compression::UNCOMPRESSED => Some(Self::None),
            Compression::SNAPPY => Some(Self::Snappy(Box::new(snap::raw::Encoder::new()))),
            Compression::ZSTD(level) => {
                let compressor = zstd::bulk::Compressor::new(level.compression_level())?;
                Some(Self::Zstd(compressor))
            }
            _ => None,
        })
    }

    /// The most bytes that so many are compressed to.
    pub(super) fn bound(&self, bytes: usize) -> usize {
        match self {
            Self::None => bytes,
            Self::Snappy(_) => snap::raw::max_compress_len(bytes),
            Self::Zstd(_) => zstd::zstd_safe::compress_bound(bytes),
        }
    }

    /// Compresses a page to the start of `packed`, which is at least its [bound](Self::bound) long, and returns
    /// how many bytes it takes there.
    pub(super) fn compress(&mut self, plain: &[u8], packed: &mut [u8]) -> ParquetResult<usize> {
        match self {
            Self::None => {
                packed[..plain.len()].copy_from_slice(plain);
                Ok(plain.len())
            }
            Self::Snappy(encoder) => {
                let length = encoder.compress(plain, packed);
                length.map_err(|error| ParquetError::External(Box::new(error)))
            }
            Self::Zstd(compressor) => Ok(compressor.compress_to_buffer(plain, packed)?),
        }
    }
}

/// What the writer of a column takes from the one before.
pub(super) struct Buffers {
    pub(super) codec: Codec,
    /// A page.
    pub(super) page: Vec<u8>,
    /// What it is compressed to, if it goes to a file.
    pub(super) packed: Vec<u8>,
    pub(super) levels: Levels,
    /// The codes of a page.
    pub(super) codes: Vec<u32>,
    /// For each code of what is read, that of what is written.
    pub(super) code_of: Vec<u32>,
    pub(super) dictionary: Dictionary,
}

/// What is kept of a buffer that one large value has made larger.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// The buffers that no writer has.
pub(super) struct BufferPool {
    compression: Compression,
    idle: Mutex<Vec<Buffers>>,
}

impl std::fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BufferPool")
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}

impl BufferPool {
    /// How pages are compressed.
    pub(super) fn compression(&self) -> Compression {
        self.compression
    }

    /// No buffers yet, for pages that are compressed so.
    pub(super) fn new(compression: Compression) -> Self {
        Self {
            compression,
            idle: Mutex::default(),
        }
    }

    /// Those of a writer that is done, or new ones; `None` if the codec is one of those that are left to
    /// others.
    pub(super) fn take(&self) -> ParquetResult<Option<Buffers>> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if idle.is_some() {
            return Ok(idle);
        }
        let codec = Codec::new(self.compression)?;
        Ok(codec.map(|codec| Buffers {
            codec,
            page: Vec::new(),
            packed: Vec::new(),
            levels: Levels::default(),
            codes: Vec::new(),
            code_of: Vec::new(),
            dictionary: Dictionary::default(),
        }))
    }

    /// Keeps the buffers of a writer that is done.
    pub(super) fn give(&self, mut buffers: Buffers) {
        for buffer in [&mut buffers.page, &mut buffers.packed] {
            if buffer.capacity() > KEPT_BYTES_MAX {
                *buffer = Vec::new();
            }
        }
        if buffers.code_of.capacity() > KEPT_BYTES_MAX / size_of::<u32>() {
            buffers.code_of = Vec::new();
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(buffers);
    }
}

/// Makes a buffer at least so long, and returns its start; what is in it doesn't matter.
pub(super) fn make_room(buffer: &mut Vec<u8>, bytes: usize) -> &mut [u8] {
    if buffer.len() < bytes {
        buffer.resize(bytes, 0);
    }
    &mut buffer[..bytes]
}
