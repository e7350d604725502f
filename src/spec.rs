//! `JobSpec`: what a run means, independent of how it was typed. Plain data, no I/O.

mod audit;
mod filter;
mod size;
mod split;
mod transform;
mod validate;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use audit::{AuditSpec, FailOn};
pub use filter::{Comparison, Filter, FilterError, Literal};
pub use size::Size;
pub use split::{DEFAULT_SEED, DEFAULT_TEST_SIZE, FoldSpec, SplitBy, SplitSpec, Stratify};
pub use transform::TransformSpec;
pub use validate::{Activation, LearningRate, Optimizer, Task, TrainingSpec, ValidateSpec};

/// Everything that decides what a run does.
///
/// What changes the bytes of the output is part of the job id; [`Resources`], [`Overwrite`], the
/// settle time and what is left out are not: the files that remain are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// Which files are read, and how.
    pub input: InputSpec,
    /// How rows are assigned to sides.
    pub split: SplitSpec,
    /// Which columns play which part.
    pub columns: ColumnSpec,
    /// How moments become a scaler.
    pub fit: FitSpec,
    /// What is written.
    pub output: OutputSpec,
    /// Threads and memory; never changes the result.
    #[serde(skip)]
    pub resources: Resources,
}

/// Which files are read, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Files, directories (read recursively) and globs, as given.
    #[serde(skip)]
    pub paths: Vec<PathBuf>,
    /// Relative paths count from here instead of from each argument.
    #[serde(skip)]
    pub root: Option<PathBuf>,
    /// Read only files of this format.
    pub format: Option<Format>,
    /// The dialect of text files.
    pub dialect: Dialect,
    /// Turn `key=value` folders into pass-through columns.
    pub hive: bool,
    /// Refuse files modified less than this long ago.
    #[serde(skip)]
    pub settle: Option<Duration>,
    /// Follow symbolic links to directories, and to files outside of what was given.
    #[serde(skip)]
    pub follow_symlinks: bool,
    /// What happens to a file that can't be read: whichever are left make the job.
    #[serde(skip)]
    pub on_bad_file: OnBadFile,
}

impl InputSpec {
    /// These paths, with the command's defaults for everything else.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            root: None,
            format: None,
            dialect: Dialect::default(),
            hive: true,
            settle: None,
            follow_symlinks: false,
            on_bad_file: OnBadFile::Error,
        }
    }
}

/// What happens to an input file whose content can't be read as what it claims to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnBadFile {
    /// The run ends with an error.
    #[default]
    Error,
    /// The file is left out as if it weren't there, and listed in the manifest.
    Skip,
}

/// A family of input formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Parquet files.
    Parquet,
    /// CSV and TSV files, plain or compressed.
    Csv,
}

/// How a text file is cut into records and fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// Separates fields; `None`: tab for `.tsv` files, else comma.
    pub delimiter: Option<u8>,
    /// Opens and closes a quoted field; `None` switches quoting off.
    pub quote: Option<u8>,
    /// A line that starts with it is skipped.
    pub comment: Option<u8>,
    /// The first record names the columns.
    pub header: bool,
    /// Field values that mean "missing" in numeric columns.
    pub null_tokens: Vec<String>,
    /// The longest record accepted, in bytes.
    pub record_bytes_max: u64,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: None,
            quote: Some(b'"'),
            comment: None,
            header: true,
            null_tokens: DEFAULT_NULL_TOKENS
                .iter()
                .map(ToString::to_string)
                .collect(),
            record_bytes_max: 16 << 20,
        }
    }
}

/// What pandas' `read_csv` takes for missing (its `STR_NA_VALUES`).
pub const DEFAULT_NULL_TOKENS: &[&str] = &[
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
];

/// Which columns play which part; names, not indices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSpec {
    /// Labels: passed through, never scaled.
    pub label: Vec<String>,
    /// Passed through, never scaled.
    pub exclude: Vec<String>,
    /// If given, only these may be features.
    pub features: Option<Vec<String>>,
    /// The features are those of a scaler that was fitted before: each must be there and numeric.
    #[serde(skip)]
    pub frozen: bool,
    /// The weights of rows in the fit, passed through, never scaled; `None`: all weigh the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Columns of text files that are read as text whatever they look like.
    pub text: Vec<String>,
}

/// How moments become a scaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FitSpec {
    /// Delta degrees of freedom of the variance: the divisor is `n - ddof`.
    pub ddof: u32,
    /// What happens to infinities in features.
    pub on_inf: OnInf,
}

/// What happens to infinities in features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnInf {
    /// The pass finishes, then one error lists every column that has any.
    Error,
    /// They become nulls, in the fit and in the output.
    Null,
}

/// What is written, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpec {
    /// The directory that appears when the run has succeeded.
    #[serde(skip)]
    pub path: PathBuf,
    /// Type of standardized features.
    pub dtype: Dtype,
    /// Codec of every column chunk.
    pub compression: Compression,
    /// Whether the rows of each side are written in a random order of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shuffle: bool,
    /// Whether an existing data set may be replaced.
    #[serde(skip)]
    pub overwrite: Overwrite,
    /// Do nothing if the output was made by this very job.
    #[serde(skip)]
    pub if_changed: bool,
    /// Add files that are new to the output that is there, and keep its scaler.
    #[serde(skip)]
    pub update: bool,
    /// Take over the lock of a run on another machine, which its user knows to have ended.
    #[serde(skip)]
    pub break_lock: bool,
    /// Look for leaks before the output is published.
    #[serde(skip)]
    pub audit: bool,
    /// Train a small network on the output, predicting the one label, before it appears.
    #[serde(skip)]
    pub validate: bool,
    /// Draw `report.html` and `report.json`.
    #[serde(skip)]
    pub report: bool,
}

impl OutputSpec {
    /// This directory, with the command's defaults for everything else.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            dtype: Dtype::Float64,
            compression: Compression::Zstd(1),
            shuffle: false,
            overwrite: Overwrite::Never,
            if_changed: false,
            update: false,
            break_lock: false,
            audit: false,
            validate: false,
            report: true,
        }
    }
}

/// Type of standardized features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32-bit IEEE 754, rounded once from the float64 result.
    Float32,
    /// 64-bit IEEE 754.
    Float64,
}

/// Codec of every column chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// No compression.
    None,
    /// Snappy.
    Snappy,
    /// Raw LZ4 blocks.
    Lz4,
    /// Gzip, level 6.
    Gzip,
    /// Brotli, level 1.
    Brotli,
    /// Zstandard with its level, 1 to 22.
    Zstd(u8),
}

/// Whether an existing data set may be replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// Refuse a directory that holds anything.
    #[default]
    Never,
    /// Exchange old and new in one step.
    Exchange,
    /// Move the old one away, then the new one in: for a moment neither is there.
    TwoStep,
}

/// Threads and memory; never changes the result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resources {
    /// Worker threads, at least 1.
    pub threads: usize,
    /// Bytes the whole process may use.
    pub memory_bytes_max: u64,
}
