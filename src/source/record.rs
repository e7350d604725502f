//! Reading one JSON record of a published output.

use std::fs;
use std::io;
use std::path::Path;

use crate::error::{Error, Place, PublishedError, Result};

/// Why a record can't be understood.
pub type RecordError = Box<dyn std::error::Error + Send + Sync>;

/// The record `what` of the output at `dir`, as `parse` understands it.
///
/// # Errors
/// [`PublishedError`]: when it isn't there, can't be read, or isn't what `parse` takes.
pub fn record<T>(
    dir: &Path,
    what: &'static str,
    parse: impl FnOnce(&[u8]) -> std::result::Result<T, RecordError>,
) -> Result<T> {
    let found = optional_record(dir, what, parse)?;
    found.ok_or_else(|| {
        Error::from(PublishedError::NotAnOutput { missing: what })
            .at(Place::path(dir))
            .hint("give the path that was --out of prep stream")
    })
}

/// The same of a record that not every output has.
///
/// # Errors
/// [`PublishedError`]: when it can't be read, or isn't what `parse` takes.
pub fn optional_record<T>(
    dir: &Path,
    what: &'static str,
    parse: impl FnOnce(&[u8]) -> std::result::Result<T, RecordError>,
) -> Result<Option<T>> {
    let path = dir.join(what);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let action = "read the file";
            return Err(Error::from(PublishedError::Io { action, source }).at(Place::path(&path)));
        }
    };
    parse(&bytes).map(Some).map_err(|source| {
        Error::from(PublishedError::Record { what, source }).at(Place::path(&path))
    })
}
