//! Arrivals: files that appeared after a run had begun. They are for the next one, and say so.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::run::Run;
use crate::artifact::escape_name;
use crate::error::escape_path;
use crate::source::discover::discover;
use crate::spec::InputSpec;

/// The most files that the warning names.
const NAMED_MAX: usize = 5;

/// Looks at the input once more and warns of what is new.
pub(super) fn warn_of(run: &Run<'_>) {
    let input = InputSpec {
        // What is young is new, and as good as any other reason to warn.
        settle: None,
        ..run.spec.input.clone()
    };
    let now = match discover(&input, &run.spec.output.path) {
        Ok(now) => now,
        Err(error) => {
            let why = error.kind();
            run.warn(format!(
                "the input can't be listed again to look for new files: {why}"
            ));
            return;
        }
    };
    let files = run.found.files.iter().map(|file| file.relative.as_slice());
    let bad = run.found.bad.iter().map(|file| file.relative.as_slice());
    let known: BTreeSet<&[u8]> = files.chain(bad).collect();
    let new: Vec<&[u8]> = now
        .files
        .iter()
        .map(|file| file.relative.as_slice())
        .filter(|relative| !known.contains(relative))
        .collect();
    if new.is_empty() {
        return;
    }
    let first = new.iter().take(NAMED_MAX);
    let names: Vec<String> = first
        .map(|name| escape_path(Path::new(OsStr::from_bytes(name))))
        .collect();
    let names = names.join(", ");
    run.warn(format!(
        "files that arrived after the start were ignored, {} in all: {names}{}",
        new.len(),
        if new.len() > NAMED_MAX { ", ..." } else { "" }
    ));
    run.arrived(new.into_iter().map(escape_name).collect());
}
