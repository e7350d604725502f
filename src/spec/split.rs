//! `SplitSpec`: how rows are assigned to sides. Plain data, no I/O.
//!
//! Invariant: its JSON decides sides, so it is part of the job id, and both `manifest.json` and
//! `scaler.json` hold it; what isn't asked for isn't in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Filter, Size};
use crate::kernel::{FoldCount, Fraction};

/// The share of rows on the test side unless another is given.
pub const DEFAULT_TEST_SIZE: Size = Size::Share(Fraction::FIFTH);

/// The seed unless another is given.
pub const DEFAULT_SEED: u64 = 42;

/// How rows are assigned to sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitSpec {
    /// What decides a row's side.
    pub by: SplitBy,
    /// The size of the test side, where the data doesn't say it.
    pub test_size: Size,
    /// The size of the val side; `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_size: Option<Size>,
    /// Seed of the hash.
    pub seed: u64,
    /// Where the sides of a time split begin, val first if there are two; none: where their sizes have
    /// it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cutoff: Vec<String>,
    /// How long before the end of a side rows of a time split are on none; `None`: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<String>,
    /// Whose values keep their shares on every side; `None`: no column's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stratify: Option<Stratify>,
    /// The share of rows that are used at all; `None`: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Fraction>,
    /// What must hold for a row to be used; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Folds of a cross-validation, in place of sides; `None`: there are sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<FoldSpec>,
}

impl Default for SplitSpec {
    /// Every fifth row is test, and there is no val side.
    fn default() -> Self {
        Self {
            by: SplitBy::Row,
            test_size: DEFAULT_TEST_SIZE,
            val_size: None,
            seed: DEFAULT_SEED,
            cutoff: Vec::new(),
            gap: None,
            stratify: None,
            sample: None,
            filter: None,
            folds: None,
        }
    }
}

impl SplitSpec {
    /// Whether sides have exact sizes, so that rows may change theirs when rows are added.
    pub fn is_exact(&self) -> bool {
        let sizes = [Some(self.test_size), self.val_size];
        let in_rows = |size: &Size| size.share().is_none();
        let by_order = matches!(self.by, SplitBy::Time(_)) && self.cutoff.is_empty();
        by_order || self.stratify.is_some() || sizes.iter().flatten().any(in_rows)
    }

    /// Whether all rows have to be read more than once before the side of any is known: where shares end in
    /// time, where bins end, how whole groups are dealt, how large groups are, how many rows a filter leaves.
    pub fn needs_further_readings(&self) -> bool {
        let sizes = [Some(self.test_size), self.val_size];
        let in_rows = sizes.iter().flatten().any(|size| size.share().is_none());
        let stratify = self.stratify.as_ref();
        let has_bins = stratify.is_some_and(|stratify| stratify.bins.is_some());
        let is_by_group = matches!(self.by, SplitBy::Group(_));
        let is_by_order = matches!(self.by, SplitBy::Time(_)) && self.cutoff.is_empty();
        is_by_order
            || has_bins
            || (is_by_group && (stratify.is_some() || in_rows))
            || (in_rows && self.filter.is_some())
    }

    /// The folds that each have shards of their own, if any have.
    pub fn materialized(&self) -> Option<FoldCount> {
        let folds = self.folds.filter(|folds| folds.materialized);
        folds.map(|folds| folds.count)
    }

    /// Whether rows are written once, unscaled, each with the number of its fold.
    pub fn writes_data(&self) -> bool {
        self.folds.is_some_and(|folds| !folds.materialized)
    }
}

/// Folds of a cross-validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FoldSpec {
    /// How many.
    pub count: FoldCount,
    /// Whether both sides of every fold are written, standardized, in place of all rows once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub materialized: bool,
}

impl fmt::Display for FoldSpec {
    /// As reports show it: `5 folds`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} folds", self.count)?;
        f.write_str(if self.materialized {
            " written out"
        } else {
            ""
        })
    }
}

/// A column whose values, or the bins of whose numbers, are classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stratify {
    /// Its name.
    pub column: String,
    /// How many bins of as many rows each; `None`: each value is a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bins: Option<u32>,
}

impl fmt::Display for Stratify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.column)?;
        self.bins
            .map_or(Ok(()), |bins| write!(f, " in {bins} bins"))
    }
}

/// What decides a row's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// A hash of the file's relative path and the row's index in it.
    Row,
    /// A hash of the row's content: identical rows are on one side.
    Content,
    /// A hash of these columns: rows of one key are on one side.
    Group(Vec<String>),
    /// A column of times: the latest rows are held out.
    Time(String),
    /// A column that says it: `train`/`val`/`test`, 0/1 or false/true.
    Column(String),
}

impl SplitBy {
    /// The columns that decide, if any are named.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::Row | Self::Content => &[],
            Self::Group(names) => names,
            Self::Time(name) | Self::Column(name) => std::slice::from_ref(name),
        }
    }
}

impl fmt::Display for SplitBy {
    /// As it is typed: `group:user,day`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row => f.write_str("row"),
            Self::Content => f.write_str("content"),
            Self::Group(names) => {
                let quoted =
                    names
                        .iter()
                        .map(|name| match name.contains(',') || name.starts_with('"') {
                            true => format!("\"{}\"", name.replace('"', "\"\"")),
                            false => name.clone(),
                        });
                write!(f, "group:{}", quoted.collect::<Vec<_>>().join(","))
            }
            Self::Time(name) => write!(f, "time:{name}"),
            Self::Column(name) => write!(f, "column:{name}"),
        }
    }
}
