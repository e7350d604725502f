//! Bad files: inputs whose content can't be read as what it claims to be. With `--on-bad-file skip` a
//! run begins anew without them, so that its result is that of a run which never saw them.
//!
//! Limit: headers and footers of all files are looked at together; what is wrong deeper in a file
//! costs one more beginning for each such file.

use super::run::Run;
use crate::engine::{Cancel, Event, Observer};
use crate::error::{Error, Result};
use crate::pass;
use crate::source::discover::{BadFile, Discovery, as_found};
use crate::spec::{JobSpec, OnBadFile};

/// Takes the files that `error` is about out of what was found, if that is wanted and possible.
///
/// # Errors
/// The error itself if it isn't, or a clearer one if the file it is about has changed.
pub(super) fn set_aside(
    spec: &JobSpec,
    found: &mut Discovery,
    error: Error,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<()> {
    let Some(index) = culprit(found, &error) else {
        return Err(error);
    };
    // What looks damaged may just have been changed under our hands.
    as_found(&found.files[index])?;
    if spec.input.on_bad_file == OnBadFile::Error {
        return Err(match found.files.len() {
            1 => error,
            _ => error.hint("--on-bad-file skip goes on without such files"),
        });
    }
    let is_first = found.bad.is_empty();
    take_out(found, index, &error, observer);
    if found.files.is_empty() {
        return Err(error.hint("no other file is left"));
    }
    if is_first {
        let run = Run::new(spec, found, cancel, observer);
        let screened = pass::screen(run.context(), spec, found.format)?;
        for (index, error) in screened.into_iter().rev() {
            take_out(found, index, &error, observer);
            if found.files.is_empty() {
                return Err(error.hint("no other file is left"));
            }
        }
    }
    found.bad.sort();
    Ok(())
}

/// The input that an error is about, if its own content is to blame.
fn culprit(found: &Discovery, error: &Error) -> Option<usize> {
    let path = error.place()?.file();
    let index = found.files.iter().position(|file| file.path == path)?;
    error.is_bad_file().then_some(index)
}

fn take_out(found: &mut Discovery, index: usize, error: &Error, observer: &dyn Observer) {
    let file = found.files.remove(index);
    let bad = BadFile {
        relative: file.relative,
        bytes: file.bytes,
        reason: error.kind().to_string(),
    };
    observer.event(&Event::Warning(format!("skipped a bad file: {bad}")));
    found.bad.push(bad);
}
