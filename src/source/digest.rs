//! The size and XXH3-128 of a whole file, read through a fixed buffer.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use twox_hash::XxHash3_128;

const READ_BYTES: usize = 256 << 10;

/// Bytes and XXH3-128 of the file at `path`; of what was read so far once `go_on`, which is asked after
/// every read, is false.
///
/// ```
/// use prep_stream::source::file_digest;
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("a");
/// std::fs::write(&path, "abc")?;
/// let (bytes, digest) = file_digest(&path, || true)?;
/// assert_eq!((bytes, format!("{digest:032x}").as_str()), (3, "06b05ab6733a618578af5f94892f3950"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When the file can't be opened or read.
pub fn file_digest(path: &Path, mut go_on: impl FnMut() -> bool) -> io::Result<(u64, u128)> {
    let mut file = File::open(path)?;
    let mut hasher = XxHash3_128::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut bytes = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        hasher.write(buffer.get(..read).unwrap_or_default());
        bytes += read as u64;
        if read == 0 || !go_on() {
            return Ok((bytes, hasher.finish_128()));
        }
    }
}
