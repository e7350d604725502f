//! Compressed files: gzip with any number of members, zstd with any number of frames.
//!
//! Such a file can only be read from its start. It is cut into segments of whole records in memory,
//! which are parsed like a plain file's units.

use std::io::{self, BufRead, BufReader, Read};
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
    ///
    /// No frame may ask for a window larger than `window_bytes`, or than any decompressor has.
    pub(crate) fn decode<'a>(
        self,
        source: impl Read + Send + 'a,
        window_bytes: u64,
        path: &Path,
    ) -> Result<Box<dyn Read + Send + 'a>> {
        const BUFFER_BYTES: usize = 256 << 10;
        let source = BufReader::with_capacity(BUFFER_BYTES, source);
        match self {
            Self::Gzip => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(source))),
            Self::Zstd => match zstd_decoder(source, window_bytes) {
                Ok(decoder) => Ok(Box::new(decoder)),
                Err(source) => {
                    let action = "decompress the file";
                    Err(Error::from(InputError::Io { action, source }).at(Place::path(path)))
                }
            },
        }
    }
}

/// What every decompressor of zstd must have, and most writers keep to (RFC 8878).
pub(crate) const USUAL_WINDOW_BYTES: u64 = 8 << 20;

fn zstd_decoder<'a, R: BufRead>(source: R, window_bytes: u64) -> io::Result<zstd::Decoder<'a, R>> {
    let window = window_bytes.max(USUAL_WINDOW_BYTES).next_power_of_two();
    let mut decoder = zstd::Decoder::with_buffer(source)?;
    decoder.window_log_max(window.ilog2())?;
    Ok(decoder)
}
