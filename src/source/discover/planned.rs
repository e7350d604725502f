//! Inputs that an earlier discovery has found, as it has written them down.

use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use super::{Codec, Fingerprint, InputFile, hive};
use crate::error::{Place, Result};
use crate::spec::Format;

/// A Parquet file that was found at `path`, is `relative` below the root, and had this fingerprint; with
/// `with_hive`, its folders are read.
///
/// # Errors
/// When a folder's key or value is no text.
pub fn as_planned(
    path: PathBuf,
    relative: Vec<u8>,
    print: &Fingerprint,
    with_hive: bool,
) -> Result<InputFile> {
    let since = Duration::from_nanos(print.modified_ns.unsigned_abs());
    let modified = match print.modified_ns {
        0.. => UNIX_EPOCH + since,
        _ => UNIX_EPOCH - since,
    };
    let hive = match with_hive {
        true => hive::keys_of(&relative).map_err(|error| error.at(Place::path(&path)))?,
        false => Vec::new(),
    };
    Ok(InputFile {
        path,
        relative,
        format: Format::Parquet,
        codec: Codec::Plain,
        bytes: print.bytes,
        modified,
        hive,
    })
}
