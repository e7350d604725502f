//! The output against its source: files that changed since, are gone or are new.

use super::{Outcome, counted, quoted};
use crate::audit::evidence::Evidence;
use crate::report::audit::{Check, Finding, Severity};

/// Paths named with a finding.
const NAMES_MAX: usize = 3;

pub(super) fn check(evidence: &Evidence<'_>) -> Outcome {
    let Some(origin) = &evidence.origin else {
        return Outcome::skipped("no source is known: name it with --in");
    };
    let kinds = [
        (&origin.changed, "changed since the output was made"),
        (&origin.gone, "of the output no longer there"),
        (&origin.new, "not in the output"),
    ];
    let findings = kinds.into_iter().filter(|(paths, _)| !paths.is_empty()).map(|(paths, what)| {
        let count = paths.len() as u64;
        let shown = quoted(paths.get(..NAMES_MAX).unwrap_or(paths));
        let verb = if count == 1 { "is" } else { "are" };
        let summary = match what.strip_prefix("changed") {
            Some(rest) => format!("{} changed{rest}: {shown}", counted(count, "input file")),
            None => format!("{} {verb} {what}: {shown}", counted(count, "input file")),
        };
        Finding::new(Check::Source, Severity::Warning, summary)
            .count("files", count)
            .count("files_unchanged", origin.same)
            .advise("what was found is true of the output, not of the source as it is now: make it again with --overwrite")
    });
    let findings = findings.collect();
    Outcome::of(
        counted(
            evidence.published.manifest.inputs.len() as u64,
            "input file",
        ),
        findings,
    )
}
