//! `Placed`: a column chunk that has its place in a shard before it is written there.
//!
//! Columns follow one another in a shard, and so do their digests; but once it is known where one begins, any
//! thread can write it. Invariant: what is placed is written before the shard is finished. Limit: chunks in
//! memory; small ones, and those that wait in a file, are written at once.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::HashingWriter;
use super::files::FilePart;
use super::shard::failed;
use super::spool::Spooled;
use crate::error::Result;

/// Small column chunks go to the system together; larger ones on their own.
const BUFFER_BYTES: usize = 256 << 10;

/// What a shard is written to.
pub(super) type ShardFile = HashingWriter<BufWriter<Arc<File>>>;

/// The same for a new file.
pub(super) fn shard_file(file: File) -> ShardFile {
    HashingWriter::new(BufWriter::with_capacity(BUFFER_BYTES, Arc::new(file)))
}

/// A column chunk that isn't in its place yet.
#[derive(Debug)]
#[must_use = "the shard has a hole where it belongs"]
pub struct Placed {
    bytes: Spooled,
    file: Arc<File>,
    offset: u64,
    path: PathBuf,
}

impl Placed {
    /// Gives a column chunk its place where `out` has arrived, and moves that to its end; `None` if it was written
    /// there already. Errors name `path`.
    pub(super) fn new(
        mut bytes: Spooled,
        out: &mut ShardFile,
        path: &Path,
    ) -> io::Result<Option<Self>> {
        if !bytes.is_in_memory() || bytes.bytes() < BUFFER_BYTES as u64 {
            bytes.write_to(out)?;
            return Ok(None);
        }
        let (buffer, digest) = out.parts();
        buffer.flush()?;
        let mut file = Arc::clone(buffer.get_ref());
        let offset = digest.bytes();
        bytes.write_to(digest)?;
        file.seek(SeekFrom::Start(digest.bytes()))?;
        Ok(Some(Self {
            bytes,
            file,
            offset,
            path: path.to_path_buf(),
        }))
    }

    /// Writes it there.
    ///
    /// # Errors
    /// When the write fails.
    pub fn write(mut self) -> Result<()> {
        let mut place = FilePart {
            file: &self.file,
            offset: self.offset,
        };
        let written = self.bytes.write_to(&mut place);
        written.map_err(|source| failed(&self.path, source.into()))
    }
}
