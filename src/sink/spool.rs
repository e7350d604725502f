//! `Spool`: an encoded column that waits for its turn, in memory while the budget has permits for it,
//! from then on in a file of the staging directory.
//!
//! Invariant: what is read is what was written, wherever it was kept. The file has no name any more
//! once it is open, so it goes with the process.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use crate::engine::{Memory, Permit};

/// Bytes held under one permit.
const PART_BYTES: usize = 1 << 20;

/// Where spools keep what they hold.
#[derive(Debug, Clone, Copy)]
pub struct SpoolPlace<'a> {
    /// The permits.
    pub memory: &'a Memory,
    /// The directory of files.
    pub directory: &'a Path,
}

/// Bytes being kept.
#[derive(Debug)]
pub(super) struct Spool<'a> {
    place: SpoolPlace<'a>,
    kept: Spooled,
    part: Vec<u8>,
}

/// Bytes that were kept.
#[derive(Debug, Default)]
pub(super) struct Spooled {
    parts: Vec<Bytes>,
    permits: Vec<Permit>,
    /// What came after the parts.
    file: Option<Arc<File>>,
    bytes: u64,
}

impl<'a> Spool<'a> {
    /// Keeps nothing yet.
    pub(super) fn new(place: SpoolPlace<'a>) -> Self {
        Self {
            place,
            kept: Spooled::default(),
            part: Vec::new(),
        }
    }

    /// Ends writing.
    pub(super) fn finish(mut self) -> Spooled {
        self.end_part();
        self.kept
    }

    fn end_part(&mut self) {
        if !self.part.is_empty() {
            self.kept.parts.push(std::mem::take(&mut self.part).into());
        }
    }

    /// Makes sure that the part may grow, or that there is a file instead.
    fn make_room(&mut self) -> io::Result<()> {
        if !self.part.is_empty() && self.part.len() < PART_BYTES {
            return Ok(());
        }
        self.end_part();
        match self.place.memory.take(PART_BYTES as u64) {
            Some(permit) => {
                self.kept.permits.push(permit);
                // A small column stays small.
                if !self.kept.parts.is_empty() {
                    self.part.reserve_exact(PART_BYTES);
                }
            }
            None => self.kept.file = Some(Arc::new(nameless_file(self.place.directory)?)),
        }
        Ok(())
    }
}

impl Write for Spool<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.kept.file.is_none() {
            self.make_room()?;
        }
        let taken = match &self.kept.file {
            Some(file) => file.as_ref().write(bytes)?,
            None => {
                let taken = bytes.len().min(PART_BYTES - self.part.len());
                self.part.extend_from_slice(&bytes[..taken]);
                taken
            }
        };
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

impl Length for Spooled {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for Spooled {
    type T = SpoolRead;

    fn get_read(&self, start: u64) -> ParquetResult<SpoolRead> {
        let mut read = SpoolRead {
            parts: self.parts.iter().rev().cloned().collect(),
            file: self.file.clone(),
            position: 0,
        };
        io::copy(&mut (&mut read).take(start), &mut io::sink())?;
        Ok(read)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let mut bytes = Vec::new();
        let read = self.get_read(start)?;
        let found = read.take(length as u64).read_to_end(&mut bytes)?;
        if found < length {
            return Err(ParquetError::EOF(format!("{found} of {length} bytes")));
        }
        Ok(bytes.into())
    }
}

/// Reads a spool from its start.
#[derive(Debug)]
pub(super) struct SpoolRead {
    /// The next one last.
    parts: Vec<Bytes>,
    file: Option<Arc<File>>,
    position: u64,
}

impl Read for SpoolRead {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(part) = self.parts.last_mut() {
            if part.is_empty() {
                self.parts.pop();
                continue;
            }
            let length = out.len().min(part.len());
            part.copy_to_slice(&mut out[..length]);
            return Ok(length);
        }
        let Some(file) = &self.file else {
            return Ok(0);
        };
        let read = file.read_at(out, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::resident_memory_bytes;

    #[test]
    fn what_is_read_is_what_was_written_in_memory_in_a_file_or_in_both() {
        let directory = tempfile::tempdir().unwrap();
        let data: Vec<u8> = (0..5_000_000_u32).map(|byte| (byte % 251) as u8).collect();
        for (budget_mib, parts_least) in [(0, 0), (40, 1), (4096, 5)] {
            let memory = Memory::new(resident_memory_bytes() + (budget_mib << 20), 1);
            memory.share_out(0, 0);
            let place = SpoolPlace {
                memory: &memory,
                directory: directory.path(),
            };
            let mut spool = Spool::new(place);
            for bytes in data.chunks(70_001) {
                spool.write_all(bytes).unwrap();
            }
            let kept = spool.finish();
            assert!(kept.parts.len() >= parts_least, "{budget_mib} MiB");
            assert_eq!(kept.file.is_some(), budget_mib == 0 || kept.parts.len() < 5);
            assert_eq!(kept.len(), data.len() as u64);
            for start in [0_usize, 1, 1 << 20, 4_999_999] {
                let found = kept.get_bytes(start as u64, data.len() - start).unwrap();
                assert!(found == data[start..], "from {start}");
            }
            assert!(kept.get_bytes(1, data.len()).is_err());
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        }
    }
}
