//! The plan file: which jobs it can be of, and how it is read.

use std::path::{Path, PathBuf};

use super::Planned;
use crate::artifact::{JobId, PlanFile};
use crate::error::{Error, InputError, Place, PublishedError, Result, UsageError};
use crate::spec::{JobSpec, OnBadFile};

/// Refuses with `flag` what one process has to do by itself.
pub(in crate::job) fn check(spec: &JobSpec, flag: &'static str) -> Result<()> {
    if spec.input.on_bad_file == OnBadFile::Skip {
        let why = "every process must see the same files: leave bad ones out of --in";
        return Err(refused(flag, "--on-bad-file skip", why));
    }
    Ok(())
}

fn refused(first: &'static str, second: &'static str, reason: &str) -> Error {
    let reason = reason.to_owned();
    UsageError::Conflict {
        first,
        second,
        reason,
    }
    .into()
}

/// The same with paths that don't depend on the directory of this process.
pub(in crate::job) fn absolute(spec: &JobSpec) -> Result<JobSpec> {
    let absolute = |path: &PathBuf| {
        std::path::absolute(path).map_err(|source| {
            let action = "make the path absolute";
            Error::from(InputError::Io { action, source }).at(Place::path(path))
        })
    };
    let mut spec = spec.clone();
    let paths = spec.input.paths.iter().map(absolute);
    spec.input.paths = paths.collect::<Result<_>>()?;
    spec.input.root = spec.input.root.as_ref().map(absolute).transpose()?;
    spec.output.path = absolute(&spec.output.path)?;
    Ok(spec)
}

/// Where a path of the plan is on this machine.
pub(super) fn place(planned: &Planned, path: &Path) -> PathBuf {
    let mut roots = planned.map_root.iter();
    let here = roots.find_map(|(from, to)| Some(to.join(path.strip_prefix(from).ok()?)));
    here.unwrap_or_else(|| path.to_owned())
}

/// Reads a plan file.
pub(super) fn read(planned: &Planned) -> Result<(PlanFile, JobSpec)> {
    let at = |error: PublishedError| Error::from(error).at(Place::path(&planned.path));
    let bytes = std::fs::read(&planned.path).map_err(|source| {
        let action = "read the plan";
        at(PublishedError::Io { action, source }).hint("prep plan --plan FILE makes one")
    })?;
    let file = PlanFile::parse(&bytes).map_err(|source| {
        let (what, source) = ("the plan", source.into());
        at(PublishedError::Record { what, source })
    })?;
    let spec = file.spec(planned.resources, |path| place(planned, path));
    Ok((file, spec))
}

pub(super) fn same_job(file: &PlanFile, job: &JobId) -> Result<()> {
    if file.job() == job {
        return Ok(());
    }
    let (planned, found) = (file.job().short().to_owned(), job.short().to_owned());
    Err(
        Error::from(InputError::NotThePlans { planned, found }).hint(
            "files were changed, added or removed, or this is another version of prep: plan again",
        ),
    )
}
