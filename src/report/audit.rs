//! The report of an audit: what was looked at, what was found, and the figures behind it.
//!
//! Invariant: follows from the audited output and the audit's own settings alone; no time, path of the
//! machine or number of threads is in it. It is written as `audit.json`.

use serde::Serialize;

/// The first field of `audit.json`.
pub const AUDIT_FORMAT: &str = "prep audit";
/// Raised when a reader of the old format would misread the new one.
pub const AUDIT_FORMAT_VERSION: u32 = 1;

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditReport {
    /// Always [`AUDIT_FORMAT`].
    pub format: &'static str,
    /// Always [`AUDIT_FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of `prep` that audited.
    pub prep_version: String,
    /// Id of the job that made the output.
    pub job: String,
    /// Sides in their order, train first.
    pub sides: Vec<AuditedSide>,
    /// Every check, with what it looked at or why it didn't run.
    pub checks: Vec<CheckReport>,
    /// What was found, most severe first; then in the order of the checks and columns.
    pub findings: Vec<Finding>,
    /// The features, in order.
    pub columns: Vec<AuditedColumn>,
}

/// One side of the output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditedSide {
    /// "train", "val" or "test".
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its shards.
    pub shards: u64,
}

/// What one check did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Which check.
    pub check: Check,
    /// Whether it ran.
    pub ran: bool,
    /// What it looked at, or why it didn't run.
    pub scope: String,
}

/// The checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The same row on two sides.
    Duplicates,
    /// The same key on two sides.
    Groups,
    /// Train rows later than test rows.
    Time,
    /// A feature that gives the label away.
    Label,
    /// Identifiers used as features.
    Ids,
    /// Features that say next to nothing.
    Constant,
    /// Another distribution on another side.
    Drift,
    /// `scaler.json` against the rows of train.
    Moments,
    /// The output against its source.
    Source,
}

impl Check {
    /// Its name, as in `audit.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Duplicates => "duplicates",
            Self::Groups => "groups",
            Self::Time => "time",
            Self::Label => "label",
            Self::Ids => "ids",
            Self::Constant => "constant",
            Self::Drift => "drift",
            Self::Moments => "moments",
            Self::Source => "source",
        }
    }
}

/// How bad a finding is; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// What is measured on test will not hold on new data.
    Leak,
    /// Worth a look before anything is trained.
    Warning,
    /// Good to know.
    Note,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Which check found it.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// The columns it is about.
    pub columns: Vec<String>,
    /// What was found, one lowercase sentence without a period.
    pub summary: String,
    /// The figures behind it.
    pub evidence: Vec<Evidence>,
    /// The first rows it is about.
    pub examples: Vec<Example>,
    /// What to do about it, one lowercase sentence without a period.
    pub advice: String,
}

/// One figure behind a finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// What was measured.
    pub name: &'static str,
    /// How much it is.
    pub value: Figure,
}

/// A number or a word.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figure {
    /// A count.
    Count(u64),
    /// Anything else that is measured; infinite values are written as null.
    Real(f64),
    /// A value of the data.
    Text(String),
}

/// Rows that belong together, one on each side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The rows.
    pub rows: Vec<ExampleRow>,
}

/// Where a row is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExampleRow {
    /// Path of the shard below the output directory.
    pub shard: String,
    /// The row in the shard, counted from 0.
    pub row: u64,
}

/// One feature on every side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditedColumn {
    /// Its name.
    pub name: String,
    /// Its figures on each side, in the order of the sides.
    pub sides: Vec<ColumnSide>,
}

/// One feature on one side; values are standardized ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnSide {
    /// Finite values.
    pub count: u64,
    /// Rows without a value, NaN included.
    pub missing: u64,
    /// Mean of the finite values; 0 on train unless the scaler is another's.
    pub mean: Option<f64>,
    /// Standard deviation of the finite values, with the fit's ddof; 1 on train likewise.
    pub sd: Option<f64>,
    /// Population stability index against train.
    pub psi: Option<f64>,
    /// What the index may be though nothing differs, with these numbers of rows.
    pub psi_by_chance: Option<f64>,
    /// Kolmogorov-Smirnov distance from train.
    pub ks: Option<f64>,
}

impl Finding {
    /// A finding without figures, rows and advice yet.
    pub fn new(check: Check, severity: Severity, summary: impl Into<String>) -> Self {
        Self {
            check,
            severity,
            columns: Vec::new(),
            summary: summary.into(),
            evidence: Vec::new(),
            examples: Vec::new(),
            advice: String::new(),
        }
    }

    /// The columns it is about.
    #[must_use]
    pub fn of(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a count.
    #[must_use]
    pub fn count(self, name: &'static str, value: u64) -> Self {
        self.figure(name, Figure::Count(value))
    }

    /// Adds a measured number.
    #[must_use]
    pub fn real(self, name: &'static str, value: f64) -> Self {
        self.figure(name, Figure::Real(value))
    }

    /// Adds a value of the data.
    #[must_use]
    pub fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.figure(name, Figure::Text(value.into()))
    }

    fn figure(mut self, name: &'static str, value: Figure) -> Self {
        self.evidence.push(Evidence { name, value });
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }
}
