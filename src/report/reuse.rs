//! The reports of `prep transform` and `prep merge`: what was read, what was applied or merged.

use serde::Serialize;

use super::layout::{Lines, counted, printable};
use super::run_text::{input, passes_table};
use super::{InputReport, Paint, PassReport, bytes_decimal, count, memory_binary};

/// What `prep transform` did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransformReport {
    /// Version of `prep`.
    pub version: String,
    /// First 8 hex digits of the job id.
    pub job: String,
    /// Where the output is, as given.
    pub output: String,
    /// Input files and what was left out.
    pub inputs: InputReport,
    /// XXH3-128 of the scaler file.
    pub scaler_xxh3_128: String,
    /// Whether standardized values became what they were.
    pub inverse: bool,
    /// How many columns there are of each kind.
    pub columns: ColumnsApplied,
    /// Shards written.
    pub shards: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Seconds and bytes per pass.
    pub passes: Vec<PassReport>,
    /// Finished pieces of work of an earlier, stopped run that were taken up.
    pub taken_up: u64,
    /// Largest resident set of the process so far, in bytes.
    pub peak_memory_bytes: u64,
    /// What the user should know, one lowercase sentence each, without a period.
    pub warnings: Vec<String>,
}

/// Columns that a scaler was applied to, and others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ColumnsApplied {
    /// Columns of the scaler.
    pub features: u64,
    /// Columns that pass through.
    pub passed: u64,
}

/// What `prep merge` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergeReport {
    /// Version of `prep`.
    pub version: String,
    /// The merged scaler, as given.
    pub output: String,
    /// How many were merged.
    pub scalers: u64,
    /// Columns of each.
    pub columns: u64,
    /// Train values of the column that has the fewest.
    pub values_min: u64,
    /// Train values of the column that has the most.
    pub values_max: u64,
    /// Scalers without the manifest of their output beside them: only their sums were compared.
    pub without_manifest: u64,
}

/// The summary of a transformation.
pub fn transform_text(report: &TransformReport, paint: Paint) -> String {
    let mut lines = Lines::new(paint);
    lines.line("Input", &input(&report.inputs));
    for (name, reason) in &report.inputs.bad {
        let text = format!("left out {}: {}", printable(name), printable(reason));
        lines.line("", &paint.warn(&text));
    }
    let (features, passed) = (report.columns.features, report.columns.passed);
    let what = match report.inverse {
        true => "scaled back",
        false => "standardized",
    };
    lines.line(
        "Columns",
        &format!(
            "{} {what}, {} passed through",
            counted(features, "feature"),
            count(passed)
        ),
    );
    lines.line("Scaler", &format!("XXH3-128 {}", report.scaler_xxh3_128));
    lines.line(
        "Data",
        &format!(
            "{}, {}",
            counted(report.shards, "shard"),
            bytes_decimal(report.bytes)
        ),
    );
    lines.table("Passes", &passes_table(&report.passes));
    if report.taken_up > 0 {
        let taken_up = counted(report.taken_up, "finished piece");
        lines.line("Resumed", &format!("{taken_up} of work of an earlier run"));
    }
    lines.line(
        "Memory",
        &format!("{} at its peak", memory_binary(report.peak_memory_bytes)),
    );
    lines.line(
        "Output",
        &format!("{} (job {})", printable(&report.output), report.job),
    );
    lines.finish()
}

/// The summary of a merge.
pub fn merge_text(report: &MergeReport, paint: Paint) -> String {
    let mut lines = Lines::new(paint);
    lines.line(
        "Merged",
        &format!(
            "{} of {}",
            counted(report.scalers, "scaler"),
            counted(report.columns, "column")
        ),
    );
    let values = match report.values_min == report.values_max {
        true => counted(report.values_max, "train value"),
        false => format!(
            "{} to {}",
            count(report.values_min),
            counted(report.values_max, "train value")
        ),
    };
    lines.line("Fitted", &format!("{values} a column"));
    if report.without_manifest > 0 {
        let scalers = counted(report.without_manifest, "scaler");
        let note = format!(
            "{scalers} without manifest.json beside: that their data is disjoint is taken on trust"
        );
        lines.line("", &paint.warn(&note));
    }
    lines.line("Output", &printable(&report.output));
    lines.finish()
}
