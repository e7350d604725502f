//! The window of a zstd file: how much of the text its decompressor holds (RFC 8878).

use std::io::{self, Read};

/// What begins a frame, and what a frame that is skipped, but for its last four bits.
const FRAME: u32 = 0xfd2f_b528;
const SKIPPABLE: u32 = 0x184d_2a50;

/// The window of the first frame, in bytes: 0 if there is none, or this is no zstd.
///
/// # Errors
/// When the source can't be read.
pub(crate) fn window_bytes(source: &mut impl Read) -> io::Result<u64> {
    loop {
        let Some(magic) = number(source, 4)? else {
            return Ok(0);
        };
        if magic == u64::from(FRAME) {
            return Ok(of_frame(source)?.unwrap_or(0));
        }
        let (true, Some(size)) = (magic & !15 == u64::from(SKIPPABLE), number(source, 4)?) else {
            return Ok(0);
        };
        io::copy(&mut source.by_ref().take(size), &mut io::sink())?;
    }
}

/// Of a frame, from the byte after its magic number on.
fn of_frame(source: &mut impl Read) -> io::Result<Option<u64>> {
    let Some(descriptor) = number(source, 1)? else {
        return Ok(None);
    };
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        let Some(window) = number(source, 1)? else {
            return Ok(None);
        };
        let base = 1 << (10 + (window >> 3));
        return Ok(Some(base + base / 8 * (window & 7)));
    }
    // All of the content is the window: its size is behind the id of a dictionary.
    let id = [0, 1, 2, 4][usize::from(descriptor.to_le_bytes()[0] & 3)];
    let size = [1, 2, 4, 8][usize::from(descriptor.to_le_bytes()[0] >> 6)];
    number(source, id)?;
    let content = number(source, size)?;
    Ok(content.map(|content| if size == 2 { content + 256 } else { content }))
}

/// A little-endian number of so many bytes, at most eight; `None` at the end.
fn number(source: &mut impl Read, bytes: usize) -> io::Result<Option<u64>> {
    let mut number = [0; 8];
    match source.read_exact(&mut number[..bytes]) {
        Ok(()) => Ok(Some(u64::from_le_bytes(number))),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn of(mut bytes: &[u8]) -> u64 {
        window_bytes(&mut bytes).unwrap()
    }

    #[test]
    fn the_window_is_that_of_the_first_frame() {
        let text = vec![b'x'; 70_000];
        // A frame of known size is its own window, unless that is smaller.
        for size in [0, 1, 255, 256, 300, 65_791, 65_792, 70_000] {
            let frame = zstd::bulk::compress(&text[..size], 3).unwrap();
            assert_eq!(of(&frame), size as u64, "{size}");
        }
        for log in [17, 23, 27] {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            encoder.window_log(log).unwrap();
            encoder.write_all(&text).unwrap();
            let frame = encoder.finish().unwrap();
            assert_eq!(of(&frame), 1 << log);
            let skipped = [
                &0x184d_2a53_u32.to_le_bytes()[..],
                &3_u32.to_le_bytes(),
                b"abc",
                &frame,
            ];
            assert_eq!(of(&skipped.concat()), 1 << log);
        }
        for none in [
            &b""[..],
            b"a,b\n1,2\n",
            b"\x28\xb5\x2f\xfd",
            b"\x50\x2a\x4d\x18\xff",
        ] {
            assert_eq!(of(none), 0, "{none:?}");
        }
    }
}
