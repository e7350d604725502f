//! `--stratify`: the class of every row, by the value of a column or by the bin that it falls into.

use std::collections::BTreeMap;

use super::leaf::PieceRows;
use crate::error::{Error, Result, UsageError};
use crate::kernel::{Domain, KeyHash, Value};
use crate::schema::{Meaning, Schema, describe};

/// Characters of a value that reports show.
const SHOWN_MAX: usize = 40;

/// What classes are made of.
#[derive(Debug, Clone)]
pub(super) struct Classes {
    /// Index of the column in the table.
    column: usize,
    /// Where bins end, ascending; `None`: each value is a class.
    edges: Option<Vec<f64>>,
}

/// A class: the hash of its key.
pub(super) type ClassId = u64;

impl Classes {
    /// The classes of the column with this name.
    ///
    /// # Errors
    /// [`UsageError::NotAClass`] if it doesn't hold one value a row, or no numbers to make bins of.
    pub(super) fn new(schema: &Schema, name: &str, is_binned: bool) -> Result<Option<Self>> {
        // That it is there was seen to with the roles.
        let Some(column) = schema.position(name) else {
            return Ok(None);
        };
        let root = &schema.columns[column].root;
        let refused = |needs: &'static str, hint: &'static str| {
            let (column, found) = (name.to_owned(), describe(root));
            Err(Error::from(UsageError::NotAClass {
                column,
                found,
                needs,
            })
            .hint(hint))
        };
        match Meaning::of(root) {
            Meaning::Nested => return refused("one value a row", "name another column"),
            Meaning::Number(_) => {}
            _ if is_binned => return refused("numbers", "leave out --stratify-bins"),
            _ => {}
        }
        Ok(Some(Self {
            column,
            edges: None,
        }))
    }

    /// The same with bins.
    pub(super) fn with_edges(&self, edges: Vec<f64>) -> Self {
        Self {
            column: self.column,
            edges: Some(edges),
        }
    }

    /// Replaces `numbers` by the column's numbers of some rows; NaN where there is none.
    pub(super) fn numbers(&self, rows: PieceRows<'_>, numbers: &mut Vec<f64>) -> Result<()> {
        numbers.clear();
        numbers.resize(rows.rows, f64::NAN);
        rows.each(self.column, |row, value| {
            numbers[row] = number(value).unwrap_or(f64::NAN);
        })
    }

    /// Replaces `ids` by the classes of some rows, and names those that are new.
    pub(super) fn of_rows(
        &self,
        rows: PieceRows<'_>,
        ids: &mut Vec<ClassId>,
        mut names: Option<&mut BTreeMap<ClassId, String>>,
    ) -> Result<()> {
        let start = KeyHash::new(0, Domain::CLASS);
        ids.clear();
        ids.resize(rows.rows, 0);
        let mut last = None;
        rows.each(self.column, |row, value| {
            let bin = self.bin(value);
            let id = start.value(bin.unwrap_or(value)).finish();
            ids[row] = id;
            if last != Some(id)
                && let Some(names) = names.as_deref_mut()
            {
                last = Some(id);
                names.entry(id).or_insert_with(|| self.name(value));
            }
        })
    }

    /// The number of the bin that a value is in; `None` without bins.
    fn bin(&self, value: Value<'_>) -> Option<Value<'static>> {
        let edges = self.edges.as_ref()?;
        let Some(number) = number(value) else {
            return Some(Value::Null);
        };
        let bin = edges.partition_point(|edge| *edge <= number);
        Some(i64::try_from(bin).map_or(Value::Null, Value::Integer))
    }

    fn name(&self, value: Value<'_>) -> String {
        let Some(edges) = &self.edges else {
            return shown(value);
        };
        let Some(Value::Integer(bin)) = self.bin(value) else {
            return "null".to_owned();
        };
        let bin = usize::try_from(bin).unwrap_or(0);
        match (
            bin.checked_sub(1).and_then(|below| edges.get(below)),
            edges.get(bin),
        ) {
            (Some(low), Some(high)) => format!("{low} to {high}"),
            (Some(low), None) => format!("{low} and more"),
            (None, Some(high)) => format!("below {high}"),
            (None, None) => "any number".to_owned(),
        }
    }
}

/// A value as a number, unless it is none.
fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(value as f64),
        Value::Unsigned(value) => Some(value as f64),
        Value::Float(value) => Some(value).filter(|value| !value.is_nan()),
        _ => None,
    }
}

/// A value as reports show it.
fn shown(value: Value<'_>) -> String {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::Integer(value) => value.to_string(),
        Value::Unsigned(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Boolean(value) => value.to_string(),
        Value::Moment(moment) => moment.to_string(),
        Value::Bytes(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
    };
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
