//! Keeping output and input apart: this run must not read what it writes, nor a later one what
//! this one has written.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::{Reach, Target};
use super::select::Candidate;
use crate::error::{Error, OutputError, Place, Result, escape_path};

/// A name as the output's shards have them, to ask a glob whether it would match one.
const SHARD_LIKE: [&str; 2] = ["train", "part-0000000-00000000.parquet"];

/// Refuses an output that an argument would take in, now or on the next run.
pub(super) fn refuse_output_inside(targets: &[Target], output: &Path) -> Result<()> {
    let output_real = real_or_future(output);
    for target in targets {
        let Ok(below) = output_real.strip_prefix(&target.base_real) else {
            continue;
        };
        let overlaps = match &target.reach {
            Reach::File(_) => false,
            Reach::Directory => true,
            Reach::Glob(pattern) => {
                let mut progress = pattern.start();
                let names = below.iter().chain(SHARD_LIKE.iter().map(OsStr::new));
                names.into_iter().any(|name| {
                    progress = pattern.step(&progress, name);
                    pattern.is_match(&progress)
                })
            }
        };
        if overlaps {
            let relation = if below.as_os_str().is_empty() {
                "is the input"
            } else {
                "lies inside the input"
            };
            return Err(refusal(relation, &target.given, output));
        }
    }
    Ok(())
}

/// Refuses an output inside a directory that a link in the input leads to.
pub(super) fn refuse_output_behind(linked: &BTreeSet<PathBuf>, output: &Path) -> Result<()> {
    let output_real = real_or_future(output);
    match linked
        .iter()
        .find(|directory| output_real.starts_with(directory))
    {
        Some(directory) => Err(refusal("lies inside the input", directory, output)),
        None => Ok(()),
    }
}

/// Refuses input files inside the output or its staging directory, both of which get replaced.
pub(super) fn refuse_input_inside(candidates: &[Candidate], output: &Path) -> Result<()> {
    let output_real = real_or_future(output);
    let staging_real = staging_beside(&output_real);
    for candidate in candidates {
        let relation = if candidate.real.starts_with(&output_real) {
            "holds the input"
        } else if staging_real
            .as_ref()
            .is_some_and(|path| candidate.real.starts_with(path))
        {
            "is made in a directory that holds the input"
        } else {
            continue;
        };
        return Err(refusal(relation, &candidate.file.path, output));
    }
    Ok(())
}

fn refusal(relation: &'static str, input: &Path, output: &Path) -> Error {
    Error::from(OutputError::OverlapsInput {
        relation,
        input: escape_path(input),
    })
    .at(Place::path(output))
    .hint("choose an --out outside every --in")
}

/// The path without links and dots, as far as it exists.
fn real_or_future(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => real_or_future(parent).join(name),
        _ => absolute,
    }
}

/// `.OUT.prep` beside the output.
fn staging_beside(output_real: &Path) -> Option<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(output_real.file_name()?);
    name.push(".prep");
    Some(output_real.with_file_name(name))
}
