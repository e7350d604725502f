//! `Watched`: which columns the checks look at, by index into the output's columns.

use std::collections::BTreeSet;

use serde_json::Value;

use super::canonical;
use super::published::{Column, Published};
use super::scan::SEED;
use crate::error::{Error, Place, Result, UsageError};
use crate::spec::AuditSpec;

/// The role of the column that says the side: it differs between sides by its nature.
const SPLIT_ROLE: &str = "split";

/// Columns by what is done with them.
#[derive(Debug)]
pub(super) struct Watched {
    /// For every column, whether its values make a row the same as another.
    pub compared: Vec<bool>,
    /// For every column, whether its values can be codes: whole numbers, text.
    pub codes: Vec<bool>,
    /// The columns of the key.
    pub group: Vec<usize>,
    pub labels: Vec<usize>,
    pub time: Option<usize>,
    /// In the order of `scaler.json`.
    pub features: Vec<usize>,
}

impl Watched {
    /// Finds the columns that `spec` names, and else those that the output's own job names.
    pub(super) fn new(published: &Published, spec: &AuditSpec) -> Result<Self> {
        let named = |flag, names: &[String]| {
            let found = names.iter().map(|name| known(published, flag, name));
            found.collect::<Result<Vec<usize>>>()
        };
        let recorded = |path: &[&str]| -> Vec<usize> {
            let value = path
                .iter()
                .try_fold(&published.manifest.spec, |v, key| v.get(key));
            let names = names(value);
            names
                .iter()
                .filter_map(|name| published.position(name))
                .collect()
        };
        let ignored = named("--ignore", &spec.ignore)?;
        let (mut group, mut labels) = (
            named("--group", &spec.group)?,
            named("--label", &spec.label)?,
        );
        if group.is_empty() {
            group = recorded(&["split", "by", "group"]);
        }
        if labels.is_empty() {
            labels = recorded(&["columns", "label"]);
        }
        let mut known_labels = BTreeSet::new();
        labels.retain(|label| known_labels.insert(*label));
        let time = match &spec.time {
            Some(name) => Some(known(published, "--time", name)?),
            None => recorded(&["split", "by", "time"]).first().copied(),
        };
        let columns = || published.columns.iter().enumerate();
        let compared =
            columns().map(|(index, column)| column.role != SPLIT_ROLE && !ignored.contains(&index));
        let features = columns().filter(|(_, column)| column.feature.is_some());
        Ok(Self {
            codes: columns().map(|(_, column)| column.is_code()).collect(),
            compared: compared.collect(),
            group,
            labels,
            time,
            features: features.map(|(index, _)| index).collect(),
        })
    }

    /// The fingerprint of a key that is null in all its columns.
    pub(super) fn null_key(&self, published: &Published) -> u64 {
        let leaves = self
            .group
            .iter()
            .map(|column| published.columns[*column].leaves.len());
        canonical::null_print(SEED, leaves.sum())
    }

    /// Indices of the columns whose values make a row.
    pub(super) fn row(&self) -> Vec<usize> {
        let compared = self.compared.iter().enumerate();
        compared
            .filter(|(_, is)| **is)
            .map(|(index, _)| index)
            .collect()
    }
}

fn known(published: &Published, flag: &'static str, name: &str) -> Result<usize> {
    published.position(name).ok_or_else(|| {
        let count = published.columns.len();
        let shown: Vec<String> = published.columns.iter().take(5).map(quoted).collect();
        let more = match count.checked_sub(shown.len()) {
            Some(0) | None => String::new(),
            Some(more) => format!(" and {more} more"),
        };
        Error::from(UsageError::UnknownColumn {
            flag,
            column: name.to_owned(),
            available: format!("{}{more}", shown.join(", ")),
        })
        .at(Place::path(published.dir()))
    })
}

fn quoted(column: &Column) -> String {
    format!("\"{}\"", column.name)
}

/// The names in a recorded setting: one, several, or those of a mode with further settings.
fn names(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
        Some(Value::Object(mode)) => {
            let inner = ["columns", "column", "by"]
                .iter()
                .find_map(|key| mode.get(*key));
            names(inner)
        }
        _ => Vec::new(),
    }
}
