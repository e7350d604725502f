//! Compressed files: gzip with any number of members, zstd with any number of frames.
//!
//! Such a file can only be read from its start. It is cut into segments of whole records in memory,
//! which are parsed like a plain file's units.

use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::{Error, InputError, Place, Result};

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Gzip,
    Zstd,
}

impl Codec {
    /// The codec that a file's name says; `.gz` and `.zst`, in any case.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "gz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The decompressed text of a source.
    pub(crate) fn decode<'a>(
        self,
        source: impl Read + Send + 'a,
        path: &Path,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        const BUFFER_BYTES: usize = 256 << 10;
        let source = BufReader::with_capacity(BUFFER_BYTES, source);
        match self {
            Self::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(source))),
            Self::Zstd => match zstd::Decoder::with_buffer(source) {
                Ok(decoder) => Ok(Box::new(decoder)),
                Err(source) => {
                    let action = "decompress the file";
                    Err(Error::from(InputError::Io { action, source }).at(Place::path(path)))
                }
            },
        }
    }
}
