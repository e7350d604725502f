//! `SplitSpec`: how rows are assigned to sides. Plain data, no I/O.
//!
//! Invariant: its JSON decides sides, so it is part of the job id, and both `manifest.json` and
//! `scaler.json` hold it; what isn't asked for isn't in it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Filter;
use crate::kernel::Fraction;

/// The share of rows on the test side unless another is given.
pub const DEFAULT_TEST_SIZE: Fraction = Fraction::FIFTH;

/// The seed unless another is given.
pub const DEFAULT_SEED: u64 = 42;

/// How rows are assigned to sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitSpec {
    /// What decides a row's side.
    pub by: SplitBy,
    /// The share of rows on the test side, for hashed modes.
    pub test_size: Fraction,
    /// The share of rows on the val side; `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub val_size: Option<Fraction>,
    /// Seed of the hash.
    pub seed: u64,
    /// The share of rows that are used at all; `None`: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Fraction>,
    /// What must hold for a row to be used; `None`: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
}

impl Default for SplitSpec {
    /// Every fifth row is test, and there is no val side.
    fn default() -> Self {
        Self {
            by: SplitBy::Row,
            test_size: DEFAULT_TEST_SIZE,
            val_size: None,
            seed: DEFAULT_SEED,
            sample: None,
            filter: None,
        }
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
    /// A column that says it: `train`/`val`/`test`, 0/1 or false/true.
    Column(String),
}

impl SplitBy {
    /// The columns that decide, if any are named.
    pub fn columns(&self) -> &[String] {
        match self {
            Self::Row | Self::Content => &[],
            Self::Group(names) => names,
            Self::Column(name) => std::slice::from_ref(name),
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
            Self::Column(name) => write!(f, "column:{name}"),
        }
    }
}
