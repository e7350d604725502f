//! The report of `prep verify`: what was looked at, and what is wrong.

use serde::Serialize;

use super::layout::{Lines, counted, printable};
use super::{Paint, bytes_decimal, count};

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// The output, as given.
    pub output: String,
    /// Shards whose checksums were taken.
    pub shards: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows in them.
    pub rows: u64,
    /// Features whose mean and standard deviation over the train shards were computed again.
    pub features: u64,
    /// Scalers of folds that were fitted again from the rows in the output.
    pub fold_scalers: u64,
    /// Rows of the inputs that were split, standardized and compared again; 0 without `--in`.
    pub source_rows: u64,
    /// Files below `--in` that the manifest doesn't name: they came later, or were skipped.
    pub source_files_ignored: u64,
    /// How many things are wrong.
    pub finding_count: u64,
    /// The first of them.
    pub findings: Vec<Finding>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A path below the output, or the path of an input.
    pub file: String,
    /// What is wrong with it, in one lowercase sentence without a period.
    pub what: String,
}

/// The report as a person reads it.
pub fn verify_text(report: &VerifyReport, paint: Paint) -> String {
    let mut lines = Lines::new(paint);
    lines.line("Output", &printable(&report.output));
    lines.line(
        "Shards",
        &format!(
            "{}, {}, {}",
            counted(report.shards, "shard"),
            counted(report.rows, "row"),
            bytes_decimal(report.bytes)
        ),
    );
    if report.features > 0 {
        let features = counted(report.features, "feature");
        lines.line("Train", &format!("mean 0 and sd 1 in {features}"));
    }
    if report.fold_scalers > 0 {
        let scalers = counted(report.fold_scalers, "scaler");
        lines.line(
            "Folds",
            &format!("{scalers} fitted again without the rows of their fold"),
        );
    }
    if report.source_rows > 0 {
        let rows = counted(report.source_rows, "row");
        lines.line(
            "Source",
            &format!("{rows} split, fitted and compared again"),
        );
    }
    if report.source_files_ignored > 0 {
        let files = counted(report.source_files_ignored, "file");
        lines.line("", &format!("{files} not in the manifest"));
    }
    for finding in &report.findings {
        let text = format!("{}: {}", printable(&finding.file), finding.what);
        lines.line("Wrong", &paint.warn(&text));
    }
    let more = report.finding_count - report.findings.len() as u64;
    if more > 0 {
        lines.line("", &format!("and {} more", count(more)));
    }
    if report.finding_count == 0 {
        lines.line("Result", "good");
    }
    lines.finish()
}
