//! Scaler files: read and checked before anything is done with them.

use std::fs;
use std::path::Path;

use crate::artifact::ScalerFile;
use crate::error::{Error, Place, PublishedError, Result};

/// Larger than the scaler of a million columns.
const SCALER_BYTES_MAX: u64 = 4 << 30;

/// Reads a scaler file: its bytes, and what they say.
///
/// # Errors
/// [`PublishedError`]: when it can't be read, or a number in it doesn't follow from its exact sums.
pub fn read(path: &Path) -> Result<(ScalerFile, Vec<u8>)> {
    let at = |error: PublishedError| Error::from(error).at(Place::path(path));
    let failed = |source| {
        let action = "read the scaler";
        at(PublishedError::Io { action, source })
    };
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(at(PublishedError::ScalerIsDirectory)
            .hint("name the file in it, for example scaler.json"));
    }
    let what = "the scaler";
    if metadata.len() > SCALER_BYTES_MAX {
        let source = format!("{} bytes, at most {SCALER_BYTES_MAX}", metadata.len()).into();
        return Err(at(PublishedError::Record { what, source }));
    }
    let bytes = fs::read(path).map_err(failed)?;
    match ScalerFile::from_json(&bytes) {
        Ok(file) => Ok((file, bytes)),
        Err(source) => {
            let source = source.into();
            Err(at(PublishedError::Record { what, source }))
        }
    }
}
