//! The reports: of a plan, a run and a verification, each one struct, rendered to text or JSON. No I/O other than
//! its string.

pub mod audit;
mod audit_text;
mod figures;
mod fold_text;
pub mod json;
mod layout;
mod page;
mod plan;
mod plan_text;
mod reuse;
mod run_text;
mod units;
mod update;
mod validation_text;
mod verify;

pub use audit::AuditReport;
pub use audit_text::audit_text;
pub use figures::{
    ColumnCounts, FeatureFigures, FeatureSide, Figures, InputFigures, Records, RunFigures,
    SplitFigures,
};
pub use layout::{Paint, bytes_decimal, count, memory_binary, percent, seconds};
pub use page::{figures_html, figures_json};
pub use plan::{PlanReport, PlannedColumn, PlannedInput, PlannedSide};
pub use plan_text::plan_text;
pub use reuse::{ColumnsApplied, MergeReport, TransformReport, merge_text, transform_text};
pub use run_text::{run_text, unchanged_text};
pub use units::{UnitsReport, units_text};
pub use validation_text::validation_text;
pub use verify::{Finding, VerifyReport, verify_text};

use serde::Serialize;

pub use crate::artifact::Validation;
use crate::artifact::run::UpdateRecord;
use crate::engine::Pass;

/// What a finished (or planned) run looks like to a person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Version of `prep`.
    pub version: String,
    /// First 8 hex digits of the job id.
    pub job: String,
    /// Where the output is, as given.
    pub output: String,
    /// Input files and what was left out.
    pub inputs: InputReport,
    /// Sides in their order, train first.
    pub sides: Vec<SideReport>,
    /// The folds, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<FoldReport>,
    /// Rows on no side.
    pub left_out: u64,
    /// The split as recorded: "row", "content", "group:NAME,NAME", or "column:NAME".
    pub split_by: String,
    /// What else has a say: "stratify label", "sample 0.1", "where x > 3".
    pub conditions: Vec<String>,
    /// Whether sides have exact sizes, so that rows may change theirs when rows are added.
    pub is_exact: bool,
    /// Seed of the split.
    pub seed: u64,
    /// Columns and their peculiarities.
    pub columns: ColumnReport,
    /// Seconds and bytes per pass.
    pub passes: Vec<PassReport>,
    /// Finished pieces of work of an earlier, stopped run that were taken up.
    pub taken_up: u64,
    /// Largest resident set of the process so far, in bytes.
    pub peak_memory_bytes: u64,
    /// What the user should know, one lowercase sentence each, without a period.
    pub warnings: Vec<String>,
    /// With `--update`: what was added, and how far it is from the scaler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateRecord>,
    /// What the audit found, if there was one.
    pub audit: Option<AuditReport>,
    /// With `--validate`: how a small network trained on the output.
    pub validation: Option<Validation>,
}

/// A run that had nothing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnchangedReport {
    /// Version of `prep`.
    pub version: String,
    /// First 8 hex digits of the job id.
    pub job: String,
    /// Where the output is, as given.
    pub output: String,
    /// Always true; tells this report from a [`RunReport`].
    pub unchanged: bool,
    /// Files that are left out because they can't be read.
    pub bad_files: u64,
}

/// Input files and what was left out.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct InputReport {
    /// "parquet" or "csv".
    pub format: String,
    /// Files read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
    /// Entries skipped, with the reason: `("empty files", 2)`.
    pub skipped: Vec<(String, u64)>,
    /// Files left out because they can't be read, each with the reason.
    pub bad: Vec<(String, String)>,
}

/// One side of the split.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SideReport {
    /// "train", "val" or "test".
    pub name: String,
    /// Rows it got.
    pub rows: u64,
    /// Share of rows asked for; `None` where the data says it.
    pub asked: Option<f64>,
    /// Rows within which 99.9% of such splits fall, `None` where the data says it.
    pub band: Option<(u64, u64)>,
    /// Shards written.
    pub shards: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// One fold of a cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoldReport {
    /// `fold-0`, `fold-1` and so on.
    pub name: String,
    /// Rows in it.
    pub rows: u64,
    /// Share of rows that each fold is to get.
    pub asked: f64,
    /// Rows within which 99.9% of such folds fall, `None` where they are not drawn one by one.
    pub band: Option<(u64, u64)>,
}

/// Columns and their peculiarities.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct ColumnReport {
    /// How many are standardized.
    pub features: u64,
    /// How many pass through.
    pub passed: u64,
    /// Features with one value on train: centred, scale 1.
    pub constant: Vec<String>,
    /// Features whose sd is under 4 eps |mean|: scaled, likely noise.
    pub near_constant: Vec<String>,
    /// Features with more than half of their train rows missing: name and share.
    pub mostly_missing: Vec<(String, f64)>,
    /// Features whose variance over- or underflows float64: their scale is still right.
    pub extreme: Vec<String>,
}

/// Seconds and bytes of one pass.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassReport {
    /// Which pass.
    pub pass: Pass,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Input bytes it read.
    pub bytes: u64,
}
