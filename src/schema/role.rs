//! Roles: which columns are features, labels or split keys, by name.

use serde::Serialize;

use crate::error::{Error, Result, UsageError};
use crate::spec::{ColumnSpec, SplitSpec};

/// What a column is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Fitted on train and standardized.
    Feature,
    /// Passed through: what a model shall predict.
    Label,
    /// Passed through: says the side of its row.
    Split,
    /// Passed through.
    Passed,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Feature => "feature",
            Self::Label => "label",
            Self::Split => "split",
            Self::Passed => "passed",
        })
    }
}

/// A column as far as roles are concerned.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether every file stores numbers in it.
    pub numeric: bool,
    /// Whether it is the index of a pandas data frame.
    pub index: bool,
}

/// The role of each candidate, in order.
///
/// Every numeric column is a feature unless it is a label, excluded, the split key, outside
/// `--columns` or an index that pandas wrote. Each comes with what gave it its role.
///
/// # Errors
/// When a flag names a column that isn't there, or asks for a feature that isn't numeric.
pub fn assign_roles(
    candidates: &[Candidate<'_>],
    spec: &ColumnSpec,
    split: &SplitSpec,
) -> Result<Vec<(Role, &'static str)>> {
    let known = |flag, names: &[String]| {
        names
            .iter()
            .try_for_each(|name| known_column(candidates, flag, name).map(|_| ()))
    };
    known("--label", &spec.label)?;
    known("--exclude", &spec.exclude)?;
    known("--text", &spec.text)?;
    known("--split-by", split.by.columns())?;
    if let Some(stratify) = &split.stratify {
        known_column(candidates, "--stratify", &stratify.column)?;
    }
    for comparison in split.filter.iter().flat_map(|filter| &filter.comparisons) {
        known_column(candidates, "--where", &comparison.column)?;
    }
    if let Some(name) = &spec.weights
        && !known_column(candidates, "--weights", name)?.numeric
    {
        let (flag, column) = ("--weights", name.clone());
        return Err(UsageError::NotNumeric { flag, column }.into());
    }
    for name in spec.features.iter().flatten() {
        if !known_column(candidates, "--columns", name)?.numeric {
            let (flag, column) = ("--columns", name.clone());
            return Err(Error::from(UsageError::NotNumeric { flag, column })
                .hint("only numeric columns can be features; leave it out of --columns and it passes through"));
        }
    }
    Ok(candidates
        .iter()
        .map(|candidate| role_of(*candidate, spec, split))
        .collect())
}

fn role_of(candidate: Candidate<'_>, spec: &ColumnSpec, split: &SplitSpec) -> (Role, &'static str) {
    let named = |names: &[String]| names.iter().any(|name| name == candidate.name);
    let chosen = spec.features.as_deref().map(named);
    match () {
        () if named(split.by.columns()) => (Role::Split, "--split-by"),
        () if named(spec.weights.as_slice()) => (Role::Passed, "--weights"),
        () if named(&spec.label) => (Role::Label, "--label"),
        () if named(&spec.exclude) => (Role::Passed, "--exclude"),
        () if chosen == Some(true) => (Role::Feature, "--columns"),
        () if chosen == Some(false) => (Role::Passed, "outside --columns"),
        () if !candidate.numeric => (Role::Passed, "not numeric"),
        () if candidate.index => (Role::Passed, "an index that pandas wrote"),
        () => (Role::Feature, "numeric"),
    }
}

fn known_column<'a>(
    candidates: &[Candidate<'a>],
    flag: &'static str,
    name: &str,
) -> Result<Candidate<'a>> {
    if let Some(found) = candidates.iter().find(|candidate| candidate.name == name) {
        return Ok(*found);
    }
    Err(UsageError::UnknownColumn {
        flag,
        column: name.to_string(),
        available: nearest(candidates, name),
    }
    .into())
}

/// The most similar names first, a few at most.
fn nearest(candidates: &[Candidate<'_>], name: &str) -> String {
    const SHOWN_MAX: usize = 5;
    let lower = name.to_lowercase();
    let mut names: Vec<&str> = candidates.iter().map(|candidate| candidate.name).collect();
    names.sort_by_key(|candidate| {
        let other = candidate.to_lowercase();
        let shared = other
            .chars()
            .zip(lower.chars())
            .take_while(|(a, b)| a == b)
            .count();
        std::cmp::Reverse((other == lower, other.contains(&lower), shared))
    });
    let shown: Vec<String> = names
        .iter()
        .take(SHOWN_MAX)
        .map(|name| format!("{name:?}"))
        .collect();
    match candidates.len() {
        0 => "no columns".into(),
        count if count > SHOWN_MAX => {
            format!("{} and {} more", shown.join(", "), count - SHOWN_MAX)
        }
        _ => shown.join(", "),
    }
}
