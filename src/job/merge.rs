//! The story of a merge: scaler files of disjoint data become one, as if all had been fitted at once.
//!
//! Limit: whether the data is disjoint, scaler files alone don't say. Where the manifests of their outputs
//! lie beside them, inputs that two of them share are refused; else only scalers of equal sums are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::record::SCALER;
use super::scaler;
use crate::artifact::manifest::ManifestFile;
use crate::artifact::{Manifest, MergeError, ScalerFile};
use crate::error::{Error, OutputError, Place, PublishedError, Result, UsageError, escape_path};
use crate::report::MergeReport;
use crate::sink::write_atomically;
use crate::source::optional_record;

/// An input that was fitted on: its path, size and digest.
type Input = (String, u64, u128);

/// A scaler that was read.
struct Part<'a> {
    path: &'a Path,
    file: ScalerFile,
    inputs: BTreeSet<Input>,
}

/// Merges scaler files of disjoint data into one at `out`, which appears whole or not at all; with
/// `overwrite` in place of a file that is there. Columns keep the order of the first.
///
/// # Errors
/// When one of them can't be read, was fitted in another way than the first, or on the same data.
pub fn merge(paths: &[PathBuf], out: &Path, overwrite: bool) -> Result<MergeReport> {
    if !overwrite && out.symlink_metadata().is_ok() {
        return Err(Error::from(OutputError::FileExists)
            .at(Place::path(out))
            .hint("replace it with --overwrite, or choose another --out"));
    }
    let parts = paths.iter().map(|path| read(path));
    let parts: Vec<Part<'_>> = parts.collect::<Result<_>>()?;
    let merged = merged(&parts)?;
    let bytes = merged.to_json().map_err(|source| OutputError::Scaler {
        source: source.into(),
    })?;
    write_atomically(out, &bytes)?;
    let counts = merged.columns().iter().map(|column| column.moments.count());
    Ok(MergeReport {
        version: crate::VERSION.to_string(),
        output: out.display().to_string(),
        scalers: parts.len() as u64,
        columns: merged.columns().len() as u64,
        values_min: counts.clone().min().unwrap_or(0),
        values_max: counts.max().unwrap_or(0),
        without_manifest: parts.iter().filter(|part| part.inputs.is_empty()).count() as u64,
    })
}

fn read(path: &Path) -> Result<Part<'_>> {
    let (file, bytes) = scaler::read(path)?;
    let inputs = inputs_beside(path, &bytes);
    Ok(Part { path, file, inputs })
}

/// The inputs that hold rows, if the manifest beside a scaler speaks of this very scaler.
fn inputs_beside(path: &Path, bytes: &[u8]) -> BTreeSet<Input> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let own = ManifestFile::new("", bytes);
    let manifest = optional_record(directory, "manifest.json", Manifest::parse);
    // Whatever else is beside it says nothing of it.
    let Ok(Some(manifest)) = manifest else {
        return BTreeSet::new();
    };
    let mut files = manifest.files.iter();
    let Some(file) = files.find(|file| file.xxh3_128 == own.xxh3_128) else {
        return BTreeSet::new();
    };
    // What was added later is in the merged scaler alone.
    let first = manifest.borders().first().copied();
    let fitted = first.filter(|_| file.path == SCALER).unwrap_or(usize::MAX);
    let inputs = manifest.inputs.into_iter().take(fitted);
    let inputs = inputs.filter(|input| input.rows > 0);
    inputs
        .map(|input| (input.path, input.bytes, input.digest))
        .collect()
}

fn merged(parts: &[Part<'_>]) -> Result<ScalerFile> {
    let Some((first, rest)) = parts.split_first() else {
        let settings = "two scalers or more".to_owned();
        return Err(UsageError::Missing { settings }.into());
    };
    for (index, part) in parts.iter().enumerate() {
        parts[..index]
            .iter()
            .try_for_each(|before| check_disjoint(before, part))?;
    }
    let mut merged = first.file.clone();
    for part in rest {
        merged.merge(&part.file).map_err(|source| {
            let (first, source) = (escape_path(first.path), source.into());
            Error::from(PublishedError::NotMergeable { first, source }).at(Place::path(part.path))
        })?;
    }
    Ok(merged)
}

/// Refuses two scalers of the same rows, as far as that can be told.
fn check_disjoint(before: &Part<'_>, part: &Part<'_>) -> Result<()> {
    let first = || escape_path(before.path);
    let at = |error: PublishedError| Err(Error::from(error).at(Place::path(part.path)));
    if let Some((input, ..)) = before.inputs.intersection(&part.inputs).next() {
        let (first, input) = (first(), input.clone());
        return at(PublishedError::SameInput { first, input });
    }
    if before.file.has_same_sums(&part.file) {
        let (first, source) = (first(), MergeError::SameRows.into());
        return at(PublishedError::NotMergeable { first, source });
    }
    Ok(())
}
