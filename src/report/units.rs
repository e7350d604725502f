//! The report of `prep unit`: which units went through which pass.

use serde::Serialize;

use super::layout::counted;

/// What one process did of a planned job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitsReport {
    /// Version of `prep`.
    pub version: String,
    /// First 8 hex digits of the job id.
    pub job: String,
    /// The pass.
    pub pass: String,
    /// The first unit.
    pub first: u64,
    /// The unit after the last.
    pub end: u64,
    /// How many of them had been done before.
    pub taken_up: u64,
    /// Whether the output is there already, so that nothing was to be done.
    pub is_published: bool,
}

/// The line of it.
pub fn units_text(report: &UnitsReport) -> String {
    let units = counted(report.end - report.first, "unit");
    let (pass, job) = (&report.pass, &report.job);
    if report.is_published {
        return format!("the output of job {job} is there already\n");
    }
    let before = match report.taken_up {
        0 => String::new(),
        taken_up => format!(", {taken_up} of them done before"),
    };
    format!(
        "{pass} of {units} from {} on is done{before} (job {job})\n",
        report.first
    )
}
