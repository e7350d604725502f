//! `Origin`: the files that an output was made from, compared with those that are there now.
//!
//! By relative path, size and digest of the footer or of both ends, as the manifest records them; no
//! row is read. Limit: a change in the middle that keeps these is not seen.

use std::collections::BTreeMap;
use std::path::Path;

use super::published::Published;
use crate::artifact::escape_name;
use crate::error::Result;
use crate::source::discover::{discover, fingerprint};
use crate::spec::{AuditSpec, Format, InputSpec};

/// Relative paths by what became of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    /// Files that are what they were.
    pub same: u64,
    pub changed: Vec<String>,
    pub gone: Vec<String>,
    pub new: Vec<String>,
}

/// Looks at what the source is now; nothing if none is named.
pub(super) fn origin(
    published: &Published,
    out: &Path,
    spec: &AuditSpec,
) -> Result<Option<Origin>> {
    if spec.source.is_empty() {
        return Ok(None);
    }
    let recorded = |key: &str| {
        published
            .manifest
            .spec
            .get("input")
            .and_then(|input| input.get(key))
    };
    let input = InputSpec {
        root: spec.root.clone(),
        format: recorded("format")
            .and_then(|format| serde_json::from_value::<Option<Format>>(format.clone()).ok())
            .flatten(),
        hive: false,
        follow_symlinks: spec.follow_symlinks,
        ..InputSpec::new(spec.source.clone())
    };
    let found = discover(&input, out)?;
    let inputs = published.manifest.inputs.iter();
    let mut before: BTreeMap<&str, (u64, u128)> = inputs
        .map(|input| (input.path.as_str(), (input.bytes, input.digest)))
        .collect();
    let mut origin = Origin::default();
    for file in &found.files {
        let print = fingerprint(file)?;
        let name = escape_name(&file.relative);
        match before.remove(name.as_str()) {
            Some(old) if old == (print.bytes, print.digest) => origin.same += 1,
            Some(_) => origin.changed.push(name),
            None => origin.new.push(name),
        }
    }
    origin.gone = before.into_keys().map(str::to_owned).collect();
    Ok(Some(origin))
}
