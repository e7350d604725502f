//! The story of a validation: train, write what came of it beside the shards.

use std::path::Path;

use super::report::redraw;
use super::run::{Run, watched};
use crate::artifact::Validation;
use crate::artifact::validation::FILE_NAME;
use crate::engine::{Cancel, Observer, Pass};
use crate::error::{Error, ErrorKind, Place, Result, UsageError};
use crate::report::RunReport;
use crate::sink::{Staging, write_atomically, write_synced};
use crate::spec::{JobSpec, TrainingSpec, ValidateSpec};
use crate::train;

/// Trains a small network on the raw and on the standardized features of an output, and writes
/// `validation.json` into it, whole or not at all.
///
/// # Errors
/// What [`train::validate`] fails with; a disk that can't be written. A validation that isn't passed
/// is no error here: see [`check`].
pub fn validate(
    spec: &ValidateSpec,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Validation> {
    let train = || train::validate(spec, cancel, observer);
    let validation = watched(observer, Pass::Validate, train)?;
    write_atomically(&spec.data.join(FILE_NAME), &validation.render()?).map_err(|error| {
        error.hint("the networks are trained: only their record cannot be left beside the data")
    })?;
    redraw(&spec.data)?;
    Ok(validation)
}

/// Refuses `--validate` without one label.
pub(super) fn check_label(spec: &JobSpec) -> Result<()> {
    match spec.columns.label.len() {
        labels if spec.output.validate && labels != 1 => {
            Err(UsageError::ValidateLabel { labels }.into())
        }
        _ => Ok(()),
    }
}

/// What `--validate` asks for: the defaults of `prep validate` on the output at `out`.
///
/// `None` if it isn't asked for.
pub fn validation_of(spec: &JobSpec, out: &Path) -> Option<ValidateSpec> {
    let label = spec.columns.label.first();
    let label = label.filter(|_| spec.output.validate)?;
    Some(ValidateSpec {
        data: out.to_owned(),
        label: label.clone(),
        task: None,
        training: TrainingSpec::default(),
        diagnose: false,
        resources: spec.resources,
    })
}

/// Adds a validation to the report of a run, if it is wanted: nobody sees the output yet.
pub(super) fn before_publishing(
    run: &Run<'_>,
    staging: &Staging,
    report: RunReport,
) -> Result<RunReport> {
    let out = staging.out_dir();
    let Some(spec) = validation_of(run.spec, &out) else {
        return Ok(report);
    };
    let validation = run.pass(Pass::Validate, || {
        let validation =
            train::validate(&spec, run.cancel, run.context().observer).map_err(|error| {
                error
                    .at(Place::path(&run.spec.output.path))
                    .hint("all else is done and kept: run again without --validate")
            })?;
        write_synced(&out.join(FILE_NAME), &validation.render()?)?;
        Ok(validation)
    })?;
    Ok(RunReport {
        validation: Some(validation),
        ..report
    })
}

/// The error of a validation that isn't passed.
///
/// # Errors
/// [`ErrorKind::NotPassed`] with the reason.
pub fn check(validation: &Validation, out: &Path) -> Result<()> {
    let Some(reason) = validation.reason.clone() else {
        return Ok(());
    };
    Err(Error::from(ErrorKind::NotPassed { reason })
        .at(Place::path(out))
        .hint("validation.json in the output has every figure"))
}
