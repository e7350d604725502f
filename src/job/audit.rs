//! The audit of an output, as a command of its own or before an output is published.

use std::path::Path;

use super::run::{Run, watched};
use crate::audit::{self, Context};
use crate::engine::{Cancel, Observer, Pass};
use crate::error::{Error, ErrorKind, OutputError, Place, Result};
use crate::report::audit::Severity;
use crate::report::{AuditReport, RunReport, json};
use crate::sink::{Staging, write_atomically, write_synced};
use crate::spec::{AuditSpec, FailOn, Resources};

/// The record that an audit leaves.
pub(super) const AUDIT: &str = "audit.json";

/// Looks for leaks in the output at `out`, and writes what it found into it as `audit.json`.
///
/// # Errors
/// When `out` is no whole output of `prep`, has no such columns, or can't be written to.
pub fn audit(
    out: &Path,
    spec: &AuditSpec,
    resources: Resources,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<AuditReport> {
    let context = Context {
        resources,
        cancel,
        observer,
    };
    let report = watched(observer, Pass::Audit, || audit::audit(&context, out, spec))?;
    write_atomically(&out.join(AUDIT), &render(&report)?).map_err(|error| {
        error.hint("the audit found what it found: only its record cannot be left beside the data")
    })?;
    super::report::redraw(out)?;
    Ok(report)
}

/// Adds the same to the report of a run, if it is wanted: nobody sees the output yet.
pub(super) fn before_publishing(
    run: &Run<'_>,
    staging: &Staging,
    report: RunReport,
) -> Result<RunReport> {
    if !run.spec.output.audit {
        return Ok(report);
    }
    let out = staging.out_dir();
    let audit = run.pass(Pass::Audit, || {
        let context = Context {
            resources: run.spec.resources,
            cancel: run.context().cancel,
            observer: run.context().observer,
        };
        let audit = audit::audit(&context, &out, &AuditSpec::default())?;
        write_synced(&out.join(AUDIT), &render(&audit)?)?;
        Ok(audit)
    })?;
    Ok(RunReport {
        audit: Some(audit),
        ..report
    })
}

/// Fails if the audit found what one of the conditions names.
///
/// # Errors
/// [`ErrorKind::AuditFailed`] with every condition that is met, and what met it.
pub fn judge(report: &AuditReport, conditions: &[FailOn], out: &Path) -> Result<()> {
    let met: Vec<String> = conditions
        .iter()
        .filter_map(|one| meets(report, *one))
        .collect();
    if met.is_empty() {
        return Ok(());
    }
    Err(Error::from(ErrorKind::AuditFailed {
        found: met.join("; "),
    })
    .at(Place::path(out))
    .hint("audit.json in the output has every finding with its figures"))
}

fn meets(report: &AuditReport, condition: FailOn) -> Option<String> {
    let worst = match condition {
        FailOn::Leak => Severity::Leak,
        FailOn::Warning => Severity::Warning,
        FailOn::Drift(limit) => return drifted(report, limit),
    };
    let found: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.severity <= worst)
        .collect();
    let first = found.first()?;
    let more = match found.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("{condition}: {}{more}", first.summary))
}

/// The feature that drifted most beyond `limit`, if any did.
fn drifted(report: &AuditReport, limit: f64) -> Option<String> {
    let sides = report.columns.iter().flat_map(|column| {
        let sides = column.sides.iter().zip(&report.sides);
        sides.filter_map(|(side, named)| {
            let psi = side.psi.filter(|psi| *psi > limit)?;
            (psi > side.psi_by_chance?).then_some((psi, &column.name, &named.name))
        })
    });
    let (psi, column, side) = sides.max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(format!(
        "drift>{limit}: PSI {psi:.3} of {column:?} on {side}"
    ))
}

fn render(report: &AuditReport) -> Result<Vec<u8>> {
    let line = json::line(report).map_err(|source| OutputError::Encode {
        what: "the audit",
        source,
    })?;
    Ok(line.into_bytes())
}
