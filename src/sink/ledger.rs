//! Ledgers as files: written line by line, put in their place whole, read line by line.
//!
//! Limit: while one is written, 8 bytes a line are in memory; a reader holds none of it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::files::io_error;
use crate::artifact::JobId;
use crate::artifact::ledger::{ENTRY_BYTES, LedgerHeader, index_entry, index_value};
use crate::error::Result;

/// The most that a header takes.
const HEADER_BYTES_MAX: usize = 512;
/// The longest line that is believed.
const LINE_BYTES_MAX: u64 = 1 << 30;

/// A ledger that is being written, under a name of its own.
#[derive(Debug)]
pub(super) struct LedgerWriter {
    header: LedgerHeader,
    path: PathBuf,
    file: BufWriter<File>,
    /// Number of the next line.
    next: u64,
    /// Bytes written.
    position: u64,
    /// Where each line begins.
    offsets: Vec<u64>,
}

impl LedgerWriter {
    /// Begins a ledger of lines from number `first` on at `path`.
    pub(super) fn create(path: PathBuf, job: &JobId, kind: &str, first: u64) -> Result<Self> {
        let file = File::create(&path).map_err(|source| io_error("create the file", &path, source));
        let mut writer = Self {
            header: LedgerHeader::new(job, kind, first),
            file: BufWriter::new(file?),
            path,
            next: first,
            position: 0,
            offsets: Vec::new(),
        };
        let header = writer.header.render()?;
        writer.write(&header)?;
        Ok(writer)
    }

    /// Adds the next line.
    pub(super) fn push<T: Serialize>(&mut self, content: &T) -> Result<()> {
        let line = self.header.line(self.next, content)?;
        self.offsets.push(self.position);
        self.next += 1;
        self.write(&line)
    }

    /// The number that the next line will have.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Adds what holds for all lines, and puts the ledger at `place`, where one of the same lines may be.
    pub(super) fn finish<T: Serialize>(mut self, summary: &T, place: &Path) -> Result<()> {
        self.push(summary)?;
        let offsets = std::mem::take(&mut self.offsets);
        let (end, lines) = (self.position, offsets.len() as u64);
        for value in offsets.into_iter().chain([end, lines]) {
            self.write(&index_entry(value))?;
        }
        self.file
            .flush()
            .and_then(|()| fs::rename(&self.path, place))
            .map_err(|source| io_error("write a partial result", place, source))
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.position += text.len() as u64;
        self.file
            .write_all(text.as_bytes())
            .map_err(|source| io_error("write a partial result", &self.path, source))
    }
}

/// A ledger that was found. What can't be read of it is as good as missing.
#[derive(Debug)]
pub(super) struct Ledger {
    header: LedgerHeader,
    file: File,
    first: u64,
    /// Lines, that which holds for all among them.
    lines: u64,
    /// Where the index begins.
    index: u64,
}

impl Ledger {
    /// Opens the ledger at `path`, if it is one of this job and kind whose first line is number `first`.
    pub(super) fn open(path: &Path, job: &JobId, kind: &str, first: u64) -> Option<Self> {
        let file = File::open(path).ok()?;
        let bytes = file.metadata().ok()?.len();
        let header = LedgerHeader::new(job, kind, first);
        let mut head = [0; HEADER_BYTES_MAX];
        let length = read_up_to(&file, &mut head).ok()?;
        let lines = index_at(&file, bytes.checked_sub(ENTRY_BYTES)?)?;
        let index_bytes = lines.checked_add(2)?.checked_mul(ENTRY_BYTES)?;
        let ledger = Self {
            index: bytes.checked_sub(index_bytes)?,
            header,
            file,
            first,
            lines,
        };
        let is_whole = ledger.header.heads(&head[..length])
            && lines > 0
            && ledger.offset(lines) == Some(ledger.index);
        is_whole.then_some(ledger)
    }

    /// The number after that of the last line.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.lines - 1)
    }

    /// The line with this number.
    pub(super) fn line<T: DeserializeOwned>(&self, number: u64) -> Option<T> {
        match number < self.end() {
            true => self.read(number),
            false => None,
        }
    }

    /// What holds for all lines.
    pub(super) fn summary<T: DeserializeOwned>(&self) -> Option<T> {
        self.read(self.end())
    }

    fn read<T: DeserializeOwned>(&self, number: u64) -> Option<T> {
        let index = number.checked_sub(self.first)?;
        let (start, end) = (self.offset(index)?, self.offset(index + 1)?);
        let length = end
            .checked_sub(start)
            .filter(|length| end <= self.index && *length <= LINE_BYTES_MAX)?;
        let mut line = vec![0; usize::try_from(length).ok()?];
        self.file.read_exact_at(&mut line, start).ok()?;
        self.header.content(number, &line)
    }

    fn offset(&self, index: u64) -> Option<u64> {
        index_at(
            &self.file,
            self.index.checked_add(index.checked_mul(ENTRY_BYTES)?)?,
        )
    }
}

fn index_at(file: &File, position: u64) -> Option<u64> {
    let mut entry = [0; 17];
    file.read_exact_at(&mut entry, position).ok()?;
    index_value(&entry)
}

/// Fills as much of `buffer` from the file's beginning as there is.
fn read_up_to(file: &File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> JobId {
        JobId::of_digit('a')
    }

    #[test]
    fn lines_and_their_summary_are_read_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("ledger");
        let beside = folder.path().join("beside");
        let mut writer = LedgerWriter::create(beside.clone(), &job(), "fit", 5).unwrap();
        for number in 5..8_u64 {
            assert_eq!(writer.next(), number);
            writer.push(&(number * 10)).unwrap();
        }
        writer.finish(&"all", &place).unwrap();
        assert!(!beside.exists());
        let ledger = Ledger::open(&place, &job(), "fit", 5).unwrap();
        assert_eq!(ledger.end(), 8);
        let lines: Vec<Option<u64>> = (4..10).map(|number| ledger.line(number)).collect();
        assert_eq!(lines, [None, Some(50), Some(60), Some(70), None, None]);
        assert_eq!(ledger.summary::<String>().as_deref(), Some("all"));
        for (kind, first) in [("write", 5), ("fit", 6)] {
            assert!(Ledger::open(&place, &job(), kind, first).is_none());
        }
        assert!(Ledger::open(&place, &JobId::of_digit('b'), "fit", 5).is_none());
    }

    #[test]
    fn a_ledger_that_is_cut_or_damaged_gives_only_what_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("ledger");
        let mut writer =
            LedgerWriter::create(folder.path().join("beside"), &job(), "fit", 0).unwrap();
        writer.push(&"first").unwrap();
        writer.push(&"second").unwrap();
        writer.finish(&"all", &place).unwrap();
        let whole = fs::read(&place).unwrap();
        let read = |bytes: &[u8]| {
            fs::write(&place, bytes).unwrap();
            let ledger = Ledger::open(&place, &job(), "fit", 0);
            let line = |number| {
                ledger
                    .as_ref()
                    .and_then(|ledger| ledger.line::<String>(number))
            };
            let summary = ledger.as_ref().and_then(Ledger::summary::<String>);
            [line(0), line(1), summary]
        };
        let expected = ["first", "second", "all"];
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), [None, None, None], "{length} bytes");
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = read(&flipped);
            assert!(found.iter().any(Option::is_none), "bit {bit} flipped");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.as_deref().is_none_or(|found| found == expected));
            }
        }
    }
}
