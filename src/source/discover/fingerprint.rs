//! Telling whether a file is still what it was: size, modification time and a digest of the bytes
//! that change with the rest.
//!
//! Parquet: its footer, which holds every chunk's offset, size and statistics. Everything else, a
//! Parquet file with a senseless footer included: its first and last 4 KiB. A change in the middle
//! that keeps size, time and these bytes is not seen.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use twox_hash::XxHash3_128;

use super::InputFile;
use super::arguments::io_error;
use crate::error::{Error, InputError, Place, Result};
use crate::spec::Format;

/// What to do about an input that changes.
pub(crate) const CHANGED_HINT: &str =
    "run again once nothing writes the input any more; --settle 60s waits for that";
/// Bytes at either end of a text file that count.
const ENDS_BYTES: u64 = 4096;
/// Footer length and magic at the end of a Parquet file.
const TAIL_BYTES: u64 = 8;

/// What identifies one state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// Size.
    pub bytes: u64,
    /// Modification time, nanoseconds since 1970, negative before.
    pub modified_ns: i64,
    /// XXH3-128 of the footer or of both ends.
    pub digest: u128,
}

/// Takes the fingerprint of a file that was just found.
///
/// # Errors
/// The file can't be read, or its size or time are no longer what discovery saw.
pub fn fingerprint(file: &InputFile) -> Result<Fingerprint> {
    let current = take(&file.path, file.format)?;
    let found = Fingerprint {
        bytes: file.bytes,
        modified_ns: nanoseconds(file.modified),
        digest: current.digest,
    };
    compare(&found, &current).map_err(|error| error.at(Place::path(&file.path)))?;
    Ok(current)
}

/// Makes sure that a file still has the size and time that discovery saw.
///
/// # Errors
/// [`InputError::Changed`] naming what differs, or the file is gone.
pub fn as_found(file: &InputFile) -> Result<()> {
    let at = || Place::path(&file.path);
    let metadata = std::fs::metadata(&file.path)
        .map_err(|source| io_error("find the file again", source).at(at()))?;
    let modified = metadata
        .modified()
        .map_err(|source| io_error("read the file's modification time", source).at(at()))?;
    let print = |bytes, modified| Fingerprint {
        bytes,
        modified_ns: nanoseconds(modified),
        digest: 0,
    };
    let (before, now) = (
        print(file.bytes, file.modified),
        print(metadata.len(), modified),
    );
    compare(&before, &now).map_err(|error| error.at(at()))
}

/// Makes sure that a file still has the fingerprint it had.
///
/// # Errors
/// [`InputError::Changed`] naming what differs, or the file can't be read any more.
pub fn unchanged(file: &InputFile, before: &Fingerprint) -> Result<()> {
    let current = take(&file.path, file.format)?;
    compare(before, &current).map_err(|error| error.at(Place::path(&file.path)))
}

fn take(path: &Path, format: Format) -> Result<Fingerprint> {
    let at = || Place::path(path);
    let file = File::open(path).map_err(|source| io_error("open the file", source).at(at()))?;
    let metadata = file
        .metadata()
        .map_err(|source| io_error("read the file's metadata", source).at(at()))?;
    let modified = metadata
        .modified()
        .map_err(|source| io_error("read the file's modification time", source).at(at()))?;
    let bytes = metadata.len();
    let digest = digest_ends(&file, bytes, format)
        .map_err(|source| io_error("read the file", source).at(at()))?;
    Ok(Fingerprint {
        bytes,
        modified_ns: nanoseconds(modified),
        digest,
    })
}

fn digest_ends(file: &File, bytes: u64, format: Format) -> io::Result<u128> {
    let mut hasher = XxHash3_128::new();
    if format == Format::Parquet
        && let Some(footer_bytes) = footer_bytes(file, bytes)?
    {
        hash_range(file, bytes - footer_bytes, bytes, &mut hasher)?;
    } else if bytes <= 2 * ENDS_BYTES {
        hash_range(file, 0, bytes, &mut hasher)?;
    } else {
        hash_range(file, 0, ENDS_BYTES, &mut hasher)?;
        hash_range(file, bytes - ENDS_BYTES, bytes, &mut hasher)?;
    }
    Ok(hasher.finish_128())
}

/// Bytes of footer, its length and the magic; `None` if the file can't have such a footer.
fn footer_bytes(file: &File, bytes: u64) -> io::Result<Option<u64>> {
    if bytes < TAIL_BYTES {
        return Ok(None);
    }
    let mut tail = [0; 8];
    file.read_exact_at(&mut tail, bytes - TAIL_BYTES)?;
    let [a, b, c, d, magic @ ..] = tail;
    let footer_bytes = u64::from(u32::from_le_bytes([a, b, c, d])) + TAIL_BYTES;
    let plausible = (&magic == b"PAR1" || &magic == b"PARE") && footer_bytes <= bytes;
    Ok(plausible.then_some(footer_bytes))
}

fn hash_range(file: &File, start: u64, end: u64, hasher: &mut XxHash3_128) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    let mut position = start;
    while position < end {
        let step = (end - position).min(buffer.len() as u64);
        let part = &mut buffer[..usize::try_from(step).unwrap_or(0)];
        file.read_exact_at(part, position)?;
        hasher.write(part);
        position += step;
    }
    Ok(())
}

fn compare(before: &Fingerprint, now: &Fingerprint) -> Result<()> {
    let (what, before, now) = if before.bytes != now.bytes {
        (
            "size",
            format!("{} bytes", before.bytes),
            format!("{} bytes", now.bytes),
        )
    } else if before.modified_ns != now.modified_ns {
        (
            "modification time",
            rfc3339(before.modified_ns),
            rfc3339(now.modified_ns),
        )
    } else if before.digest != now.digest {
        (
            "content digest",
            format!("{:032x}", before.digest),
            format!("{:032x}", now.digest),
        )
    } else {
        return Ok(());
    };
    Err(Error::from(InputError::Changed {
        what,
        before,
        after: now,
    })
    .hint(CHANGED_HINT))
}

/// Nanoseconds since 1970; beyond the years 1677 to 2262 the nearest that fits.
fn nanoseconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}

fn rfc3339(nanoseconds: i64) -> String {
    let distance = Duration::from_nanos(nanoseconds.unsigned_abs());
    if nanoseconds < 0 {
        format!("{} before 1970", humantime::format_duration(distance))
    } else {
        humantime::format_rfc3339_nanos(UNIX_EPOCH + distance).to_string()
    }
}
