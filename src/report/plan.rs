//! The plan report: what a run would do, known from footers, headers and flags alone.
//!
//! What only the data can tell (rows of text files, types of their columns) is `None` here.

use serde::Serialize;

/// What would happen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    /// Version of `prep`.
    pub version: String,
    /// First 8 hex digits of the job id.
    pub job: String,
    /// Where the output would be, as given.
    pub output: String,
    /// Input files and what would be left out.
    pub inputs: PlannedInput,
    /// How many units the input makes.
    pub units: u64,
    /// How many row groups the input has; `None` for text.
    pub row_groups: Option<u64>,
    /// Every column, in the order of the output.
    pub columns: Vec<PlannedColumn>,
    /// Sides in their order, train first.
    pub sides: Vec<PlannedSide>,
    /// The split as recorded: "row", "content", "group:NAME,NAME", or "column:NAME".
    pub split_by: String,
    /// What else has a say: "stratify label", "sample 0.1", "where x > 3".
    pub conditions: Vec<String>,
    /// Whether sides have exact sizes, so that rows may change theirs when rows are added.
    pub is_exact: bool,
    /// Seed of the split.
    pub seed: u64,
    /// The smallest memory budget that would do, in bytes.
    pub memory_floor_bytes: u64,
    /// The memory budget in force, in bytes.
    pub memory_bytes_max: u64,
    /// Worker threads.
    pub threads: usize,
    /// What else a person should know, one lowercase sentence each, without a period.
    pub notes: Vec<String>,
}

/// Input files as far as they are known before they are read.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct PlannedInput {
    /// "parquet" or "csv".
    pub format: String,
    /// Files to read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows; `None` for text, whose rows pass 1 counts.
    pub rows: Option<u64>,
    /// Entries skipped, with the reason: `("empty files", 2)`.
    pub skipped: Vec<(String, u64)>,
}

/// One column and the part it plays.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedColumn {
    /// Its name.
    pub name: String,
    /// Its type as a person writes it; `None` where pass 1 settles it (text).
    #[serde(rename = "type")]
    pub data_type: Option<String>,
    /// "feature", "label", "passed", "split", ...
    pub role: String,
    /// What gave it this role: "numeric", "--exclude", "not numeric", ...
    pub why: String,
}

/// One side of the split, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedSide {
    /// "train", "val" or "test".
    pub name: String,
    /// Rows it will get, rounded; `None` where only the data can tell.
    pub rows_expected: Option<u64>,
    /// Share of rows asked for; `None` where the data says it.
    pub asked: Option<f64>,
}
