//! The format of a file, by its name first; files that the user pointed at are trusted further.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::arguments::io_error;
use super::classify::{self, Codec};
use crate::error::{Place, Result};
use crate::spec::Format;

/// How a file was reached, which decides how far its name is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// By its full name.
    Named,
    /// By a glob.
    Globbed,
    /// By listing a directory.
    Listed,
}

/// The format by extension; for files that the user pointed at, by `--format` or by content.
pub(super) fn format_of(
    path: &Path,
    wanted: Option<Format>,
    reached: Reached,
) -> Result<Option<(Format, Codec)>> {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let known = classify::format_of(name);
    if known.is_some() || reached == Reached::Listed {
        return Ok(known);
    }
    match wanted {
        Some(Format::Parquet) => return Ok(Some((Format::Parquet, Codec::Plain))),
        Some(Format::Csv) => return Ok(Some((Format::Csv, classify::codec_of(name)))),
        None if reached == Reached::Globbed => return Ok(None),
        None => {}
    }
    if starts_like_parquet(path)? {
        return Ok(Some((Format::Parquet, Codec::Plain)));
    }
    // Whoever names a file means it to be read; what isn't text after all is an error of its own.
    Ok(Some((Format::Csv, classify::codec_of(name))))
}

fn starts_like_parquet(path: &Path) -> Result<bool> {
    let at = || Place::path(path);
    let file = File::open(path).map_err(|source| io_error("open the file", source).at(at()))?;
    let mut magic = [0; 4];
    match file.read_exact_at(&mut magic, 0) {
        Ok(()) => Ok(&magic == b"PAR1" || &magic == b"PARE"),
        Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(source) => Err(io_error("read the file", source).at(at())),
    }
}
