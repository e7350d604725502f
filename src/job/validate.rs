//! The story of a validation: train, write what came of it beside the shards.

use std::path::Path;
use std::time::Instant;

use crate::artifact::Validation;
use crate::artifact::validation::FILE_NAME;
use crate::engine::{Cancel, Event, Observer, Pass};
use crate::error::{ErrorKind, Result, UsageError};
use crate::report::RunReport;
use crate::sink::{replace_synced, write_synced};
use crate::spec::{JobSpec, TrainingSpec, ValidateSpec};
use crate::train;

use super::run::Run;

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
    let pass = Pass::Validate;
    observer.event(&Event::Started {
        pass,
        rows_total: None,
        bytes_total: None,
    });
    let begin = Instant::now();
    let validation = train::validate(spec, cancel, observer)?;
    observer.event(&Event::Finished {
        pass,
        seconds: begin.elapsed().as_secs_f64(),
    });
    replace_synced(&spec.data.join(FILE_NAME), &validation.render()?)?;
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

/// Validates a staged output if that is wanted, with the defaults of `prep validate`.
pub(super) fn staged(run: &Run<'_>, mut report: RunReport, out: &Path) -> Result<RunReport> {
    let spec = run.spec;
    let (true, Some(label)) = (spec.output.validate, spec.columns.label.first()) else {
        return Ok(report);
    };
    let spec = ValidateSpec {
        data: out.to_owned(),
        label: label.clone(),
        task: None,
        training: TrainingSpec::default(),
        diagnose: false,
        threads: spec.resources.threads.max(1),
    };
    let context = run.context();
    let validation = run.pass(Pass::Validate, || {
        train::validate(&spec, context.cancel, context.observer)
    })?;
    write_synced(&out.join(FILE_NAME), &validation.render()?)?;
    report.validation = Some(validation);
    Ok(report)
}

/// The error of a validation that isn't passed.
///
/// # Errors
/// [`ErrorKind::NotPassed`] with the reason.
pub fn check(validation: &Validation) -> Result<()> {
    match &validation.reason {
        None => Ok(()),
        Some(reason) => Err(ErrorKind::NotPassed {
            reason: reason.clone(),
        }
        .into()),
    }
}
