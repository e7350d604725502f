//! A writer that counts and digests what goes through it, so that no shard is read back for its
//! checksum.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::artifact::manifest::hex128;

/// Passes bytes on to `W`; knows how many there were and their XXH3-128.
///
/// ```
/// use std::io::Write;
/// use prep_stream::sink::HashingWriter;
///
/// let mut writer = HashingWriter::new(Vec::new());
/// writer.write_all(b"abc")?;
/// let (bytes, written) = writer.finish();
/// assert_eq!((bytes.as_slice(), written.bytes), (&b"abc"[..], 3));
/// assert_eq!(format!("{:032x}", written.digest), "06b05ab6733a618578af5f94892f3950");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct HashingWriter<W> {
    inner: W,
    digest: Digest,
}

/// What has gone through: takes in bytes that are written by other means, too.
pub(super) struct Digest {
    hasher: XxHash3_128,
    bytes: u64,
}

impl Digest {
    /// How many bytes there were.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Write for Digest {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.hasher.write(buffer);
        self.bytes += buffer.len() as u64;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What went through a [`HashingWriter`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// How many bytes.
    pub bytes: u64,
    /// Their XXH3-128.
    #[serde(with = "hex128")]
    pub digest: u128,
}

impl<W> HashingWriter<W> {
    /// Starts with nothing written.
    pub fn new(inner: W) -> Self {
        Self {
            inner,
            digest: Digest {
                hasher: XxHash3_128::new(),
                bytes: 0,
            },
        }
    }

    /// The writer behind, and what has gone through: what is given to one of them only is missing in the other.
    pub(super) fn parts(&mut self) -> (&mut W, &mut Digest) {
        (&mut self.inner, &mut self.digest)
    }

    /// The writer behind, and what it was given. Nothing is flushed.
    pub fn finish(self) -> (W, Written) {
        let written = Written {
            bytes: self.digest.bytes,
            digest: self.digest.hasher.finish_128(),
        };
        (self.inner, written)
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(buffer)?;
        self.digest
            .write_all(buffer.get(..taken).unwrap_or(buffer))?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W> std::fmt::Debug for HashingWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HashingWriter")
            .field("bytes", &self.digest.bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes at most three bytes at a time, like a pipe that fills up.
    struct Narrow(Vec<u8>);

    impl Write for Narrow {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            let taken = buffer.len().min(3);
            self.0.write(&buffer[..taken])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_digest_is_of_the_bytes_and_not_of_the_calls() {
        let data: Vec<u8> = (0..=255).cycle().take(5000).collect();
        let mut writer = HashingWriter::new(Narrow(Vec::new()));
        for part in data.chunks(7) {
            writer.write_all(part).unwrap();
        }
        let (inner, written) = writer.finish();
        assert_eq!(inner.0, data);
        assert_eq!(written.bytes, 5000);
        assert_eq!(written.digest, XxHash3_128::oneshot(&data));
    }
}
