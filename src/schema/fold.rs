//! `_fold`: the column that says which fold each row is in, the last one of `data/`.
//!
//! Invariant: int32 and never null. Limit: an input that has a column of this name can't have one more.

use std::sync::Arc;

use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::schema::types::Type;

use super::output::unwritable;
use super::{Column, Role, Treatment};
use crate::error::{Error, Result, UsageError};
use crate::spec::SplitSpec;

/// Its name.
pub const FOLD_COLUMN: &str = "_fold";

/// Refuses an input with a column of this name if one is to be written.
///
/// # Errors
/// [`UsageError::FoldColumn`].
pub fn check_no_fold_column<'a>(
    mut names: impl Iterator<Item = &'a str>,
    split: &SplitSpec,
) -> Result<()> {
    if !split.writes_data() || !names.any(|name| name == FOLD_COLUMN) {
        return Ok(());
    }
    Err(Error::from(UsageError::FoldColumn {
        column: FOLD_COLUMN,
    })
    .hint("rename it, or write the sides of every fold with --materialize-folds"))
}

/// The column as the last one of a table.
pub(super) fn fold_column() -> Result<Column> {
    let root = Type::primitive_type_builder(FOLD_COLUMN, PhysicalType::INT32)
        .with_repetition(Repetition::REQUIRED)
        .build()
        .map_err(unwritable)?;
    Ok(Column {
        name: FOLD_COLUMN.to_owned(),
        role: Role::Split,
        why: "--folds",
        treatment: Treatment::Fold,
        root: Arc::new(root),
        nullable: false,
    })
}
