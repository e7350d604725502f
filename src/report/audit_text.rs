//! The audit as a person reads it: short, the worst first, what to do beside what was found.

use super::audit::{AuditReport, Example, Finding, Severity};
use super::layout::{Lines, counted, printable};
use super::{Paint, count};

/// Findings shown; the rest is in audit.json.
const FINDINGS_MAX: usize = 20;

/// The summary of an audit of the output at `output`.
pub fn audit_text(report: &AuditReport, output: &str, paint: Paint) -> String {
    let mut lines = Lines::new(paint);
    let sides: Vec<String> = report
        .sides
        .iter()
        .map(|side| format!("{} {}", side.name, counted(side.rows, "row")))
        .collect();
    let job = report.job.get(..8).unwrap_or(&report.job);
    lines.line(
        "Audit",
        &format!("{} (job {job}): {}", printable(output), sides.join(", ")),
    );
    findings(report, &mut lines);
    for check in report.checks.iter().filter(|check| !check.ran) {
        lines.line(
            "Not run",
            &format!("{}: {}", check.check.name(), check.scope),
        );
    }
    lines.finish()
}

/// How many findings there are, and the first of them.
pub(super) fn findings(report: &AuditReport, lines: &mut Lines) {
    for found in report.findings.iter().take(FINDINGS_MAX) {
        finding(found, lines);
    }
    if let Some(more) = report
        .findings
        .len()
        .checked_sub(FINDINGS_MAX)
        .filter(|n| *n > 0)
    {
        lines.line(
            "",
            &format!("... and {} more in audit.json", count(more as u64)),
        );
    }
    lines.line("Found", &totals(report));
}

fn finding(finding: &Finding, lines: &mut Lines) {
    let paint = lines.paint();
    let summary = printable(&finding.summary);
    let (label, summary) = match finding.severity {
        Severity::Leak => ("Leak", paint.alarm(&summary)),
        Severity::Warning => ("Warning", paint.warn(&summary)),
        Severity::Note => ("Note", summary),
    };
    lines.line(label, &summary);
    if let Some(example) = finding.examples.first() {
        lines.line("", &format!("first: {}", rows(example)));
    }
    lines.line("", &printable(&finding.advice));
}

fn rows(example: &Example) -> String {
    let rows: Vec<String> = example
        .rows
        .iter()
        .map(|row| format!("{} row {}", row.shard, count(row.row + 1)))
        .collect();
    rows.join(", ")
}

fn totals(report: &AuditReport) -> String {
    let number = |severity: Severity| {
        let found = report.findings.iter().filter(|f| f.severity == severity);
        found.count() as u64
    };
    format!(
        "{}, {}, {}",
        counted(number(Severity::Leak), "leak"),
        counted(number(Severity::Warning), "warning"),
        counted(number(Severity::Note), "note")
    )
}
