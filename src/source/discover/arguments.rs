//! What each `--in` argument is: a file, a directory or a glob, and where its relative paths begin.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::pattern::Pattern;
use crate::error::{Error, InputError, Place, Result, escape_path};
use crate::spec::InputSpec;

/// One argument, resolved.
#[derive(Debug)]
pub(super) struct Target {
    /// The argument as given.
    pub(super) given: PathBuf,
    /// The directory that paths are joined to.
    pub(super) base: PathBuf,
    /// `base` without links and dots.
    pub(super) base_real: PathBuf,
    /// What `--root` puts before paths below `base`: empty, or ending in `/`.
    pub(super) prefix: Vec<u8>,
    /// What to read below `base`.
    pub(super) reach: Reach,
}

/// What an argument takes in.
#[derive(Debug)]
pub(super) enum Reach {
    /// One file, by its name in the base.
    File(PathBuf),
    /// Everything.
    Directory,
    /// What the pattern matches.
    Glob(Pattern),
}

/// Looks at every argument.
pub(super) fn resolve(input: &InputSpec) -> Result<Vec<Target>> {
    input
        .paths
        .iter()
        .map(|given| resolve_one(given, input.root.as_deref()))
        .collect()
}

fn resolve_one(given: &Path, root: Option<&Path>) -> Result<Target> {
    let (base, reach) = classify(given)?;
    let base_real = fs::canonicalize(&base)
        .map_err(|source| io_error("open the directory", source).at(Place::path(&base)))?;
    let prefix = match root {
        Some(root) => prefix_below(root, &base, &base_real)?,
        None => Vec::new(),
    };
    Ok(Target {
        given: given.to_path_buf(),
        base,
        base_real,
        prefix,
        reach,
    })
}

fn classify(given: &Path) -> Result<(PathBuf, Reach)> {
    let metadata = match fs::metadata(given) {
        Ok(metadata) => metadata,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return classify_missing(given),
        Err(source) => {
            return Err(io_error("open the input", source).at(Place::path(given)));
        }
    };
    if metadata.is_dir() {
        return Ok((given.to_path_buf(), Reach::Directory));
    }
    match given.file_name() {
        Some(name) if metadata.is_file() => {
            Ok((parent_of(given), Reach::File(PathBuf::from(name))))
        }
        _ => Err(Error::from(InputError::NotAFile).at(Place::path(given))),
    }
}

fn classify_missing(given: &Path) -> Result<(PathBuf, Reach)> {
    let at = || Place::path(given);
    if !Pattern::has_wildcard(given) {
        let hint = if fs::symlink_metadata(given).is_ok() {
            "it is a symbolic link to nothing"
        } else {
            "check --in; relative paths count from the current directory"
        };
        return Err(Error::from(InputError::Missing).at(at()).hint(hint));
    }
    let (base, pattern) = Pattern::parse(given)
        .map_err(|source| Error::from(InputError::Pattern { source }).at(at()))?;
    match fs::metadata(&base) {
        Ok(metadata) if metadata.is_dir() => Ok((base, Reach::Glob(pattern))),
        Ok(_) => Err(Error::from(InputError::NoMatch).at(at())),
        Err(source) if source.kind() == io::ErrorKind::NotFound => {
            Err(Error::from(InputError::NoMatch)
                .at(at())
                .hint(format!("there is no directory \"{}\"", escape_path(&base))))
        }
        Err(source) => Err(io_error("open the directory", source).at(Place::path(base))),
    }
}

/// The base's path below the root, first as written, then without links.
fn prefix_below(root: &Path, base: &Path, base_real: &Path) -> Result<Vec<u8>> {
    let at = || Place::path(root);
    let root_real =
        fs::canonicalize(root).map_err(|source| io_error("open --root", source).at(at()))?;
    let below = base
        .strip_prefix(root)
        .ok()
        .filter(|below| !has_parent_component(below))
        .or_else(|| base_real.strip_prefix(&root_real).ok());
    let Some(below) = below else {
        return Err(Error::from(InputError::OutsideRoot {
            root: escape_path(root),
        })
        .at(Place::path(base))
        .hint("give a --root that holds every --in"));
    };
    let mut prefix = Vec::new();
    for component in below.components() {
        if let std::path::Component::Normal(name) = component {
            prefix.extend_from_slice(name.as_bytes());
            prefix.push(b'/');
        }
    }
    Ok(prefix)
}

fn has_parent_component(path: &Path) -> bool {
    path.components()
        .any(|part| part == std::path::Component::ParentDir)
}

fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// An [`InputError::Io`] that still needs its place.
pub(super) fn io_error(action: &'static str, source: io::Error) -> Error {
    Error::from(InputError::Io { action, source })
}
