//! Findings: what is wrong, by file; as many as a person reads, the rest counted.

use crate::error::{Error, ErrorKind, Result};
use crate::report::{Finding, VerifyReport};

/// Findings that are kept; more are only counted.
const KEPT_MAX: usize = 100;

/// What an error says is wrong with a file of the output.
///
/// # Errors
/// The error itself if it says nothing of the file: it doesn't fit the memory, or was told to stop.
pub(super) fn damage(error: Error) -> Result<String> {
    match error.kind() {
        ErrorKind::Budget { .. } | ErrorKind::Interrupted { .. } => Err(error),
        kind => Ok(kind.to_string()),
    }
}

/// What is wrong so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    count: u64,
}

impl Findings {
    /// Something is wrong with `file`, a path below the output or an input's.
    pub(super) fn push(&mut self, file: impl Into<String>, what: impl Into<String>) {
        self.count += 1;
        if self.kept.len() < KEPT_MAX {
            self.kept.push(Finding {
                file: file.into(),
                what: what.into(),
            });
        }
    }

    /// Adds those that another thread made.
    pub(super) fn append(&mut self, others: Self) {
        self.count += others.count;
        let room = KEPT_MAX - self.kept.len();
        self.kept.extend(others.kept.into_iter().take(room));
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Moves them into the report.
    pub(super) fn finish(self, report: &mut VerifyReport) {
        report.finding_count = self.count;
        report.findings = self.kept;
    }
}
