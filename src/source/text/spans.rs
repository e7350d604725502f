//! `Spans`: digests of a plain file's bytes as the scan read them, so that whoever reads them again
//! finds out that they are others before any of them is used.
//!
//! Invariant: bytes that [`SpanReader`] hands out are those of the scan. Limit: it holds one span, at
//! most 1 MiB; 32 bytes are kept of each. A digest is XXH3-128: no defence against whoever wants to
//! deceive.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use twox_hash::XxHash3_128;

use crate::error::InputError;

/// Bytes with one digest. Tests and fuzzers use so few that records are cut everywhere.
const SPAN_BYTES: usize = if cfg!(any(test, fuzzing)) { 7 } else { 1 << 20 };

/// The end of a span in its file, and its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    end: u64,
    digest: u128,
}

/// The spans of a file from its first data record on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans {
    start: u64,
    spans: Vec<Span>,
    /// Of all of them.
    digest: u128,
}

impl Spans {
    /// Spans that follow each other, the first from `start` on.
    pub(crate) fn new(start: u64, spans: Vec<Span>) -> Self {
        let mut hasher = XxHash3_128::new();
        for span in &spans {
            hasher.write(&span.end.to_le_bytes());
            hasher.write(&span.digest.to_le_bytes());
        }
        Self {
            start,
            spans,
            digest: hasher.finish_128(),
        }
    }

    /// The digest of all spans.
    pub(crate) fn digest(&self) -> u128 {
        self.digest
    }

    /// Where the last one ends.
    fn end(&self) -> u64 {
        self.spans.last().map_or(self.start, |last| last.end)
    }

    /// A span and where it begins.
    fn get(&self, index: usize) -> Option<(Range<u64>, u128)> {
        let span = self.spans.get(index)?;
        let before = index.checked_sub(1).and_then(|index| self.spans.get(index));
        let start = before.map_or(self.start, |before| before.end);
        Some((start..span.end, span.digest))
    }
}

/// Takes the digests of bytes that follow each other.
pub(crate) struct SpanRecorder {
    hasher: XxHash3_128,
    held: usize,
    end: u64,
    spans: Vec<Span>,
}

impl SpanRecorder {
    /// The first byte is that at `start` of the file.
    pub(crate) fn new(start: u64) -> Self {
        Self {
            hasher: XxHash3_128::new(),
            held: 0,
            end: start,
            spans: Vec::new(),
        }
    }

    /// Takes the next bytes.
    pub(crate) fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (head, tail) = bytes.split_at(bytes.len().min(SPAN_BYTES - self.held));
            self.hasher.write(head);
            self.held += head.len();
            self.end += head.len() as u64;
            if self.held == SPAN_BYTES {
                self.cut();
            }
            bytes = tail;
        }
    }

    /// The spans, the last of which may be shorter.
    pub(crate) fn finish(mut self) -> Vec<Span> {
        if self.held > 0 {
            self.cut();
        }
        self.spans
    }

    fn cut(&mut self) {
        let hasher = std::mem::take(&mut self.hasher);
        self.held = 0;
        self.spans.push(Span {
            end: self.end,
            digest: hasher.finish_128(),
        });
    }
}

/// Reads a file span by span, each compared with its digest before any of it is handed out.
pub(crate) struct SpanReader<'a> {
    file: &'a File,
    spans: &'a Spans,
    /// The next span to read.
    next: usize,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were handed out.
    used: usize,
    /// Bytes of the first span before the one that reading starts with.
    skipped: u64,
}

impl<'a> SpanReader<'a> {
    /// Starts at a byte of the file, which lies in one of the spans.
    pub(crate) fn new(file: &'a File, spans: &'a Spans, start: u64) -> Self {
        let next = spans.spans.partition_point(|span| span.end <= start);
        let first = spans.get(next).map_or(start, |(range, _)| range.start);
        Self {
            file,
            spans,
            next,
            buffer: Vec::new(),
            used: 0,
            skipped: start.saturating_sub(first),
        }
    }

    /// Reads the next span; false if there is none.
    fn fill(&mut self) -> io::Result<bool> {
        let Some((range, digest)) = self.spans.get(self.next) else {
            return self.nothing_follows().map(|()| false);
        };
        let bytes = usize::try_from(range.end.saturating_sub(range.start));
        self.buffer.resize(bytes.map_err(io::Error::other)?, 0);
        match self.file.read_exact_at(&mut self.buffer, range.start) {
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(self.other_size()?);
            }
            read => read?,
        }
        let found = XxHash3_128::oneshot(&self.buffer);
        if found != digest {
            return Err(io::Error::other(InputError::digests(digest, found)));
        }
        self.next += 1;
        let skipped = usize::try_from(std::mem::take(&mut self.skipped));
        self.used = skipped.map_err(io::Error::other)?;
        Ok(true)
    }

    /// Makes sure that the file still ends where it did.
    fn nothing_follows(&self) -> io::Result<()> {
        loop {
            match self.file.read_at(&mut [0], self.spans.end()) {
                Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(source),
                Ok(0) => return Ok(()),
                Ok(_) => return Err(self.other_size()?),
            }
        }
    }

    fn other_size(&self) -> io::Result<io::Error> {
        Ok(io::Error::other(InputError::Changed {
            what: "size",
            before: format!("{} bytes", self.spans.end()),
            after: format!("{} bytes", self.file.metadata()?.len()),
        }))
    }
}

impl Read for SpanReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.used >= self.buffer.len() && !self.fill()? {
            return Ok(0);
        }
        let mut left = self.buffer.get(self.used..).unwrap_or_default();
        let read = left.read(into)?;
        self.used += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Three spans, the last one shorter, of which the first byte belongs to none.
    const TEXT: &[u8] = b"h0123456789abcdefg";

    fn spans(parts: usize) -> Spans {
        let mut recorder = SpanRecorder::new(1);
        for part in TEXT[1..].chunks(parts) {
            recorder.extend(part);
        }
        Spans::new(1, recorder.finish())
    }

    fn read(text: &[u8], start: u64) -> Result<Vec<u8>, String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        let (spans, mut found) = (spans(3), Vec::new());
        match SpanReader::new(&file, &spans, start).read_to_end(&mut found) {
            Ok(_) => Ok(found),
            Err(error) => Err(error.downcast::<InputError>().unwrap().to_string()),
        }
    }

    #[test]
    fn spans_do_not_depend_on_how_the_bytes_came() {
        for parts in 1..20 {
            assert_eq!(spans(parts), spans(4));
        }
        assert_eq!(spans(1).spans.len(), 3);
        assert_ne!(spans(1).digest(), Spans::default().digest());
    }

    #[test]
    fn the_bytes_of_the_scan_are_handed_out_from_any_start() {
        for start in 1..TEXT.len() {
            assert_eq!(
                read(TEXT, start as u64).as_deref(),
                Ok(&TEXT[start..]),
                "{start}"
            );
        }
        // What lies before the first record was compared with nothing.
        assert!(read(b"H0123456789abcdefg", 1).is_ok());
    }

    #[test]
    fn any_other_byte_of_a_span_that_is_read_is_found_and_so_is_another_size() {
        for at in 1..TEXT.len() {
            let mut text = TEXT.to_vec();
            text[at] ^= 1;
            let error = read(&text, 1).unwrap_err();
            assert!(error.contains("its content digest was "), "{at}: {error}");
            // A reader that starts in a later span doesn't see it.
            assert_eq!(read(&text, 15).is_ok(), at < 15, "{at}");
        }
        let shorter = read(&TEXT[..12], 1).unwrap_err();
        let longer = read(&[TEXT, b"+"].concat(), 1).unwrap_err();
        for (error, bytes) in [(shorter, 12), (longer, 19)] {
            let wanted = format!("its size was 18 bytes and is now {bytes} bytes");
            assert!(error.ends_with(&wanted), "{error}");
        }
    }
}
