//! `Spool`: an encoded column that waits for its turn, in memory while the budget has permits for it,
//! from then on in a file of the staging directory.
//!
//! Memory comes in parts, which the column that is written leaves to the one that is encoded next, with
//! their permits: fresh memory would be zeroed first. Invariant: what is written is what was kept, wherever
//! it was. The file has no name any more once it is open, so it goes with the process.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::engine::{Memory, Permit};

/// Bytes of a part: a page of 1 MiB, and what its header and a codec may add to it.
pub(super) const PART_BYTES: usize = (1 << 20) + (1 << 18);
/// What is read of a file at once.
const READ_BYTES: usize = 256 << 10;

/// Where spools keep what they hold.
#[derive(Debug, Clone, Copy)]
pub struct SpoolPlace<'a> {
    /// The permits.
    pub memory: &'a Memory,
    /// The directory of files.
    pub directory: &'a Path,
}

/// Some memory and its permit.
#[derive(Debug)]
struct Part {
    /// Always as long as it may be; what isn't kept is anything.
    bytes: Vec<u8>,
    /// What is kept, in order.
    kept: Vec<Range<usize>>,
    _permit: Permit,
}

impl Part {
    fn end(&self) -> usize {
        self.kept.last().map_or(0, |last| last.end)
    }

    fn keep(&mut self, range: Range<usize>) {
        match self.kept.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.kept.push(range),
        }
    }
}

/// Parts that nobody uses.
#[derive(Debug, Default)]
pub(super) struct Parts(Mutex<Vec<Part>>);

impl Parts {
    fn idle(&self) -> MutexGuard<'_, Vec<Part>> {
        // Whole parts are put in and taken out, so a poisoned lock still guards a valid list.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, memory: &Memory) -> Option<Part> {
        if let Some(part) = self.idle().pop() {
            return Some(part);
        }
        Some(Part {
            _permit: memory.take(PART_BYTES as u64)?,
            bytes: vec![0; PART_BYTES],
            kept: Vec::new(),
        })
    }

    fn give(&self, part: Part) {
        self.idle().push(Part {
            kept: Vec::new(),
            ..part
        });
    }
}

/// Bytes being kept.
#[derive(Debug)]
pub(super) struct Spool {
    memory: Memory,
    directory: PathBuf,
    kept: Spooled,
}

/// Bytes that were kept.
#[derive(Debug)]
pub(super) struct Spooled {
    parts: Vec<Part>,
    /// What came after the parts.
    file: Option<File>,
    bytes: u64,
    /// Which of them go before all others.
    first: Range<u64>,
    pool: Arc<Parts>,
}

impl Spool {
    /// Keeps nothing yet.
    pub(super) fn new(place: SpoolPlace<'_>, pool: &Arc<Parts>) -> Self {
        Self {
            memory: place.memory.clone(),
            directory: place.directory.to_path_buf(),
            kept: Spooled {
                parts: Vec::new(),
                file: None,
                bytes: 0,
                first: 0..0,
                pool: Arc::clone(pool),
            },
        }
    }

    /// What is kept from now on goes before everything else.
    pub(super) fn begin_first(&mut self) {
        self.kept.first.start = self.kept.bytes;
    }

    /// No longer.
    pub(super) fn end_first(&mut self) {
        self.kept.first.end = self.kept.bytes;
    }

    /// Ends writing.
    pub(super) fn finish(self) -> Spooled {
        self.kept
    }

    /// Memory for the next `bytes` (at most [`PART_BYTES`]), of which some may be [kept](Self::keep);
    /// `None` if what comes next goes to a file.
    pub(super) fn room(&mut self, bytes: usize) -> io::Result<Option<&mut [u8]>> {
        if !self.make_room(bytes)? {
            return Ok(None);
        }
        let last = self.kept.parts.last_mut();
        Ok(last.and_then(|part| {
            let end = part.end();
            part.bytes.get_mut(end..end + bytes)
        }))
    }

    /// Keeps a part of the room that was asked for last.
    pub(super) fn keep(&mut self, range: Range<usize>) {
        if let Some(part) = self.kept.parts.last_mut() {
            let end = part.end();
            self.kept.bytes += range.len() as u64;
            part.keep(end + range.start..end + range.end);
        }
    }

    /// Makes sure that there is a part with so many bytes left; if not, that there is a file.
    fn make_room(&mut self, bytes: usize) -> io::Result<bool> {
        let kept = &mut self.kept;
        if kept.file.is_some() {
            return Ok(false);
        }
        let last = kept.parts.last();
        if bytes <= last.map_or(0, |part| PART_BYTES - part.end()) {
            return Ok(true);
        }
        match kept.pool.take(&self.memory) {
            Some(part) => kept.parts.push(part),
            None => kept.file = Some(nameless_file(&self.directory)?),
        }
        Ok(kept.file.is_none())
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() && self.make_room(1)? {
            let last = self.kept.parts.last();
            let left = last.map_or(0, |part| PART_BYTES - part.end());
            let taken = bytes.len().min(left);
            if let Some(room) = self.room(taken)? {
                room.copy_from_slice(&bytes[..taken]);
                self.keep(0..taken);
            }
            return Ok(taken);
        }
        let Some(file) = &mut self.kept.file else {
            return Ok(0);
        };
        let taken = file.write(bytes)?;
        self.kept.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A new file that nobody can open by name.
fn nameless_file(directory: &Path) -> io::Result<File> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = directory.join(format!("spool-{}-{number}", process::id()));
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

impl Spooled {
    /// How many bytes were kept.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether all of them are in memory.
    pub(super) fn is_in_memory(&self) -> bool {
        self.file.is_none()
    }

    /// Writes them all to `out`.
    pub(super) fn write_to(&mut self, out: &mut impl Write) -> io::Result<()> {
        let first = self.first.clone();
        self.write_range(first.clone(), out)?;
        self.write_range(0..first.start, out)?;
        self.write_range(first.end..self.bytes, out)
    }

    /// Writes some of them, counted in the order in which they were kept.
    fn write_range(&mut self, wanted: Range<u64>, out: &mut impl Write) -> io::Result<()> {
        let within = |at: u64, bytes: u64| {
            let from = wanted.start.clamp(at, at + bytes) - at;
            let to = wanted.end.clamp(at, at + bytes) - at;
            from..to
        };
        let mut at = 0;
        for part in &self.parts {
            for kept in &part.kept {
                let range = within(at, kept.len() as u64);
                let bytes = part.bytes.get(kept.clone()).unwrap_or_default();
                let range = usize_of(range.start)..usize_of(range.end);
                out.write_all(bytes.get(range).unwrap_or_default())?;
                at += kept.len() as u64;
            }
        }
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let range = within(at, self.bytes - at);
        if range.is_empty() {
            return Ok(());
        }
        file.seek(SeekFrom::Start(range.start))?;
        let mut file = file.take(range.end - range.start);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => out.write_all(&buffer[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Places in memory.
fn usize_of(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

impl Drop for Spooled {
    fn drop(&mut self) {
        self.parts.drain(..).for_each(|part| self.pool.give(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::resident_memory_bytes;

    #[test]
    fn what_is_written_is_what_was_kept_in_memory_in_a_file_or_in_both() {
        let directory = tempfile::tempdir().unwrap();
        let data: Vec<u8> = (0..6_000_000_u32).map(|byte| (byte % 251) as u8).collect();
        for (budget_mib, parts_least) in [(0, 0), (40, 1), (4096, 5)] {
            let memory = Memory::new(resident_memory_bytes() + (budget_mib << 20), 1);
            memory.share_out(0, 0);
            let place = SpoolPlace {
                memory: &memory,
                directory: directory.path(),
            };
            let pool = Arc::default();
            for page_bytes in [70_001, 1_100_000] {
                let mut spool = Spool::new(place, &pool);
                // In turn: written, and put into the room that there is.
                for (index, bytes) in data.chunks(page_bytes).enumerate() {
                    match spool.room(bytes.len() + 7 * (index % 2)).unwrap() {
                        Some(room) if index % 2 == 1 => {
                            room[7..].copy_from_slice(bytes);
                            spool.keep(7..7 + bytes.len());
                        }
                        _ => spool.write_all(bytes).unwrap(),
                    }
                }
                spool.begin_first();
                spool.write_all(b"first").unwrap();
                spool.end_first();
                spool.write_all(b"last").unwrap();
                let mut kept = spool.finish();
                let parts = kept.parts.len();
                assert!(parts >= parts_least, "{budget_mib} MiB");
                assert_eq!(kept.file.is_some(), budget_mib == 0 || parts < 5);
                assert_eq!(kept.bytes(), data.len() as u64 + 9);
                let mut found = Vec::new();
                kept.write_to(&mut found).unwrap();
                let expected = [&b"first"[..], &data, b"last"].concat();
                assert!(found == expected, "{budget_mib} MiB, pages of {page_bytes}");
                drop(kept);
                assert_eq!(
                    pool.idle().len(),
                    parts,
                    "parts are left to the next column"
                );
                assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
            }
        }
    }
}
