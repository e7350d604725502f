//! Infinite values: counted in every row that is on a side, and reported once, for all columns.
//!
//! The place that is named is the first by file and row, so that it doesn't depend on threads.

use serde::{Deserialize, Serialize};

use super::{Context, FitTotal};
use crate::error::{DataError, Error, Result, escape_path};
use crate::source::table::Table;
use crate::spec::OnInf;

/// The most columns that a message names.
const NAMED_MAX: usize = 20;

/// Infinite values of one column, in rows that are on a side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Infinities {
    /// How many.
    pub count: u64,
    /// Input and row of the first.
    pub first: Option<(usize, u64)>,
}

impl Infinities {
    /// Adds those of other rows.
    pub(super) fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first = match (self.first, other.first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Fails if infinities were found and `on_inf` doesn't allow them: one error names every column.
///
/// # Errors
/// [`DataError::Infinite`].
pub fn check_infinities(
    context: Context<'_>,
    table: &Table,
    fitted: &FitTotal,
    on_inf: OnInf,
) -> Result<()> {
    let total: u64 = fitted
        .features
        .iter()
        .map(|feature| feature.infinities.count)
        .sum();
    if total == 0 || on_inf == OnInf::Null {
        return Ok(());
    }
    let found: Vec<String> = table
        .schema
        .features()
        .zip(&fitted.features)
        .filter_map(|((_, column), state)| {
            let (input, row) = state.infinities.first?;
            let path = escape_path(&context.inputs.get(input)?.path);
            let count = state.infinities.count;
            Some(format!(
                "{:?} ({count}, first in {path}: row {})",
                column.name,
                row + 1
            ))
        })
        .collect();
    let more = found.len().saturating_sub(NAMED_MAX);
    let mut columns = found[..found.len() - more].join(", ");
    if more > 0 {
        columns.push_str(&format!(" and {more} more columns"));
    }
    Err(Error::from(DataError::Infinite { total, columns })
        .hint("turn them into nulls with --on-inf null, or leave the column out with --exclude"))
}
