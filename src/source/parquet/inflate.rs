//! `Inflate`: the codecs whose decoders write until their input ends, held to the size that the page
//! header says: gzip, brotli, LZ4 in frames; and Snappy and Zstandard, the ones that are met most, into buffers
//! that are used again.
//!
//! The reader of pages hands the other codecs a buffer of that size. To the first three it would lend one that
//! grows, so a page of a few kilobytes could take all memory there is. Limit: brotli streams with
//! windows beyond 16 MiB, an extension that no writer of Parquet uses, are refused.

use std::cell::RefCell;
use std::io::{self, Read};

use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result as ParquetResult};

/// A codec that is decompressed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inflate {
    Snappy,
    Zstd,
    Gzip,
    Brotli,
    /// The older LZ4: Hadoop's framing, or LZ4's own, or none.
    Lz4,
}

/// What is read of compressed bytes at a time.
const BUFFER_BYTES: usize = 16 << 10;
/// The largest window of a brotli stream.
const BROTLI_WINDOW_BYTES: u64 = 16 << 20;
/// Buffers of LZ4's own framing: two blocks of at most 4 MiB, and what the next one refers to.
const LZ4_FRAME_BYTES: u64 = 12 << 20;
/// The first bits of a brotli stream with a larger window.
const BROTLI_LARGE: (u8, u8) = (0x7f, 0x11);
/// Sizes of a Hadoop frame, decompressed and compressed.
const HADOOP_HEADER_BYTES: usize = 8;

impl Inflate {
    /// The codec, if it is one of these.
    pub(super) fn of(codec: Compression) -> Option<Self> {
        match codec {
            Compression::SNAPPY => Some(Self::Snappy),
            Compression::ZSTD(_) => Some(Self::Zstd),
            Compression::GZIP(_) => Some(Self::Gzip),
            Compression::BROTLI(_) => Some(Self::Brotli),
            Compression::LZ4 => Some(Self::Lz4),
            _ => None,
        }
    }

    /// What the decoder takes, at most, beside its input and `bytes` of output.
    pub(super) fn memory_bytes(self, bytes: u64) -> u64 {
        match self {
            Self::Snappy | Self::Zstd | Self::Gzip => 0,
            Self::Brotli => bytes.saturating_mul(2).min(BROTLI_WINDOW_BYTES),
            Self::Lz4 => LZ4_FRAME_BYTES,
        }
    }

    /// Decompresses `input` into all of `output`.
    ///
    /// # Errors
    /// When the input is damaged, or holds less or more than that.
    pub(super) fn into(self, input: &[u8], output: &mut [u8]) -> ParquetResult<()> {
        match self {
            Self::Snappy => snappy(input, output),
            Self::Zstd => zstd(input, output),
            Self::Gzip => fill(flate2::bufread::MultiGzDecoder::new(input), output),
            Self::Brotli => match input.first() {
                Some(first) if first & BROTLI_LARGE.0 == BROTLI_LARGE.1 => {
                    let what = "the window of a brotli stream is larger than 16 MiB";
                    Err(ParquetError::General(what.to_owned()))
                }
                _ => fill(brotli::Decompressor::new(input, BUFFER_BYTES), output),
            },
            Self::Lz4 => lz4(input, output),
        }
    }
}

/// Reads all of `output`, and then the end of the stream.
fn fill(mut stream: impl Read, output: &mut [u8]) -> ParquetResult<()> {
    let mut filled = 0;
    while filled < output.len() {
        match stream.read(&mut output[filled..]) {
            Ok(0) => return Err(wrong_size("only", filled, output.len())),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    match stream.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(wrong_size("more than", filled, output.len())),
    }
}

fn wrong_size(than: &str, found: usize, said: usize) -> ParquetError {
    ParquetError::General(format!(
        "a page decompresses to {than} {found} bytes, its header says {said}"
    ))
}

/// A block of Snappy begins with the size that it decompresses to.
fn snappy(input: &[u8], output: &mut [u8]) -> ParquetResult<()> {
    let external = |error| ParquetError::External(Box::new(error));
    let found = snap::raw::decompress_len(input).map_err(external)?;
    if found != output.len() {
        let than = if found < output.len() {
            "only"
        } else {
            "more than"
        };
        return Err(wrong_size(than, found.min(output.len()), output.len()));
    }
    let decompressed = snap::raw::Decoder::new().decompress(input, output);
    decompressed.map(drop).map_err(external)
}

thread_local! {
    /// The tables of a decoder take longer to make than a small page to decompress.
    static ZSTD: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

fn zstd(input: &[u8], output: &mut [u8]) -> ParquetResult<()> {
    let found = ZSTD.with_borrow_mut(|decoder| -> io::Result<usize> {
        let decoder = match decoder {
            Some(decoder) => decoder,
            none => none.insert(zstd::bulk::Decompressor::new()?),
        };
        decoder.decompress_to_buffer(input, output)
    })?;
    match found == output.len() {
        true => Ok(()),
        false => Err(wrong_size("only", found, output.len())),
    }
}

/// Nothing in the file says which of the three it is: each is tried, as other readers do.
fn lz4(input: &[u8], output: &mut [u8]) -> ParquetResult<()> {
    if hadoop(input, output).is_some() {
        return Ok(());
    }
    let frame = fill(lz4_flex::frame::FrameDecoder::new(input), output);
    match frame {
        Ok(()) => Ok(()),
        Err(error) => match lz4_flex::block::decompress_into(input, output) {
            Ok(found) if found == output.len() => Ok(()),
            _ => Err(error),
        },
    }
}

/// Frames of raw LZ4 behind their sizes, in big-endian order, one after the other.
fn hadoop(mut input: &[u8], mut output: &mut [u8]) -> Option<()> {
    while !input.is_empty() {
        let (header, rest) = input.split_at_checked(HADOOP_HEADER_BYTES)?;
        let (size, stored) = header.split_at(HADOOP_HEADER_BYTES / 2);
        let number = |bytes: &[u8]| Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize);
        let (frame, after) = rest.split_at_checked(number(stored)?)?;
        let (place, after_place) = output.split_at_mut_checked(number(size)?)?;
        let found = lz4_flex::block::decompress_into(frame, place).ok()?;
        if found != place.len() {
            return None;
        }
        (input, output) = (after, after_place);
    }
    output.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// `bytes` in each way that these codecs are written.
    fn packed(bytes: &[u8]) -> Vec<(&'static str, Inflate, Vec<u8>)> {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(bytes).unwrap();
        let mut brotli = Vec::new();
        brotli::CompressorWriter::new(&mut brotli, 4096, 9, 22)
            .write_all(bytes)
            .unwrap();
        let mut frame = lz4_flex::frame::FrameEncoder::new(Vec::new());
        frame.write_all(bytes).unwrap();
        let raw = lz4_flex::block::compress(bytes);
        let mut hadoop = Vec::new();
        for part in bytes.chunks(bytes.len().div_ceil(2).max(1)) {
            let stored = lz4_flex::block::compress(part);
            for size in [part.len(), stored.len()] {
                hadoop.extend(u32::try_from(size).unwrap().to_be_bytes());
            }
            hadoop.extend(stored);
        }
        vec![
            (
                "snappy",
                Inflate::Snappy,
                snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            ),
            (
                "zstd",
                Inflate::Zstd,
                zstd::bulk::compress(bytes, 3).unwrap(),
            ),
            ("gzip", Inflate::Gzip, gzip.finish().unwrap()),
            ("brotli", Inflate::Brotli, brotli),
            ("lz4 frame", Inflate::Lz4, frame.finish().unwrap()),
            ("lz4 raw", Inflate::Lz4, raw),
            ("lz4 hadoop", Inflate::Lz4, hadoop),
        ]
    }

    #[test]
    fn what_was_compressed_comes_back() {
        let text: Vec<u8> = (0..50_000_u32)
            .flat_map(|n| (n / 7).to_le_bytes())
            .collect();
        for bytes in [&text[..], b"a"] {
            for (name, codec, stored) in packed(bytes) {
                let mut output = vec![0; bytes.len()];
                codec.into(&stored, &mut output).unwrap();
                assert!(output == bytes, "{name}");
            }
        }
    }

    #[test]
    fn a_page_that_holds_more_or_less_than_it_says_is_an_error_and_nothing_grows() {
        for (name, codec, stored) in packed(&vec![7; 4 << 20]) {
            assert!(stored.len() < 1 << 20, "{name}: {} bytes", stored.len());
            for said in [1, 1000, (4 << 20) - 1, (4 << 20) + 1] {
                let error = codec.into(&stored, &mut vec![0; said]);
                assert!(error.is_err(), "{name} as {said} bytes");
            }
        }
    }

    #[test]
    fn a_brotli_window_of_a_gigabyte_is_refused() {
        let error = Inflate::Brotli.into(&[0x11, 0x1e, 0, 0], &mut [0; 10]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("larger than 16 MiB"), "{error}");
    }
}
