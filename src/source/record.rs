//! Reading a published output again: its JSON records, and shards that may be gone.

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
pub fn record<T, E: Into<RecordError>>(
    dir: &Path,
    what: &'static str,
    parse: impl FnOnce(&[u8]) -> std::result::Result<T, E>,
) -> Result<T> {
    let found = optional_record(dir, what, parse)?;
    found.ok_or_else(|| not_an_output(dir, what))
}

/// The same of a record that not every output has.
///
/// # Errors
/// [`PublishedError`]: when there is no directory, it can't be read, or isn't what `parse` takes.
pub fn optional_record<T, E: Into<RecordError>>(
    dir: &Path,
    what: &'static str,
    parse: impl FnOnce(&[u8]) -> std::result::Result<T, E>,
) -> Result<Option<T>> {
    if !dir.is_dir() {
        return Err(not_an_output(dir, "directory"));
    }
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
        let source = source.into();
        Error::from(PublishedError::Record { what, source }).at(Place::path(&path))
    })
}

/// Reads a shard; one that isn't there has an error of its own.
///
/// # Errors
/// [`PublishedError::ShardMissing`], or what `read` fails with.
pub fn shard<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    if !path.exists() {
        return Err(Error::from(PublishedError::ShardMissing)
            .at(Place::path(path))
            .hint("manifest.json names it: make the output again"));
    }
    read()
}

fn not_an_output(dir: &Path, missing: &'static str) -> Error {
    Error::from(PublishedError::NotAnOutput { missing })
        .at(Place::path(dir))
        .hint("give the path that was --out of prep stream")
}
