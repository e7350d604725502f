//! The files of an output against those that its manifest names: no more, no less.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::findings::Findings;
use super::records::Records;
use crate::artifact::escape_name;
use crate::error::{Error, OutputError, Place, Result};

/// Always there, and named by no manifest.
const UNNAMED: [&str; 3] = ["_SUCCESS", "manifest.json", "run.json"];

/// Made from an output later, or not always made.
const OPTIONAL: [&str; 4] = [
    "audit.json",
    "report.html",
    "report.json",
    "validation.json",
];

/// Deeper than any output has directories.
const DEPTH_MAX: usize = 8;

/// What the directory holds: paths below it, and whether each is a regular file; the size if so.
pub(super) type Names = BTreeMap<String, Option<u64>>;

/// Lists everything below `output`, directories left out.
///
/// # Errors
/// When a directory can't be read.
pub(super) fn list(output: &Path) -> Result<Names> {
    let mut names = Names::new();
    list_into(output, "", 0, &mut names)?;
    Ok(names)
}

fn list_into(directory: &Path, prefix: &str, depth: usize, names: &mut Names) -> Result<()> {
    let failed = |source| {
        let action = "read the output directory";
        Error::from(OutputError::Io { action, source })
            .at(Place::path(directory))
            .hint("give it the directory that --out of prep stream named")
    };
    let mut is_empty = true;
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = fs::symlink_metadata(entry.path()).map_err(failed)?;
        let name = format!("{prefix}{}", escape_name(entry.file_name().as_bytes()));
        is_empty = false;
        if metadata.is_dir() && depth < DEPTH_MAX {
            list_into(&entry.path(), &format!("{name}/"), depth + 1, names)?;
        } else {
            names.insert(name, metadata.is_file().then_some(metadata.len()));
        }
    }
    if is_empty && depth > 0 {
        names.insert(prefix.to_owned(), None);
    }
    Ok(())
}

/// Compares the listing with the manifest.
pub(super) fn check(names: &Names, records: &Records, findings: &mut Findings) {
    let manifest = &records.manifest;
    let mut expected: BTreeSet<&str> = UNNAMED.into();
    let files = manifest.files.iter().map(|file| file.path.as_str());
    let shards = manifest.shards.iter().map(|shard| shard.path.as_str());
    let is_read = |path: &str| {
        let other = manifest.files.iter().any(|file| file.path == path);
        other || path.ends_with(".json")
    };
    for path in files.chain(shards) {
        if !expected.insert(path) {
            findings.push("manifest.json", format!("it names {path} twice"));
        }
    }
    for path in &expected {
        match names.get(*path) {
            // Whoever reads a record says so.
            None if is_read(path) => {}
            None => findings.push(*path, "it is not there"),
            Some(None) => findings.push(*path, "it is not a regular file"),
            Some(Some(bytes)) if *path == "_SUCCESS" && *bytes > 0 => {
                findings.push(*path, format!("{bytes} bytes, it has none"));
            }
            Some(Some(_)) => {}
        }
    }
    let known = |name: &str| expected.contains(name) || OPTIONAL.contains(&name);
    for name in names.keys().filter(|name| !known(name)) {
        findings.push(name, "the manifest does not name it");
    }
}
