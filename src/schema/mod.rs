//! The table's columns: unified over all files, each with its role and its place in the output.
//!
//! Pure: works on schemas that were read elsewhere, and does no I/O.

mod describe;
mod fold;
mod frozen;
mod hints;
mod meaning;
mod number;
mod output;
mod role;
mod same;
mod unify;

use std::sync::Arc;

use parquet::schema::types::TypePtr;

pub use describe::describe;
pub use fold::{FOLD_COLUMN, check_no_fold_column};
pub(crate) use frozen::check_frozen;
pub use meaning::{Meaning, MomentUnit};
pub use number::NumericKind;
pub use output::{OutputSchema, output_schema};
pub use role::{Role, assign_roles};
pub use same::same_columns;
pub(crate) use unify::SAME_COLUMNS;
pub use unify::{Layout, LayoutColumn, Unifier};

/// The columns of the table, in output order.
#[derive(Debug, Clone)]
pub struct Schema {
    /// All columns: those of the first file in its order, then `key=value` folders.
    pub columns: Vec<Column>,
}

impl Schema {
    /// The features, in order: index into `columns`, and the column.
    pub fn features(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.role == Role::Feature)
    }

    /// Whether a column is stored in the files themselves.
    pub fn is_stored(&self, index: usize) -> bool {
        let treatment = &self.columns[index].treatment;
        !matches!(treatment, Treatment::Folder(_) | Treatment::Fold)
    }

    /// Whether a column comes from `key=value` folders.
    pub fn is_folder(&self, index: usize) -> bool {
        matches!(self.columns[index].treatment, Treatment::Folder(_))
    }

    /// The index of the column with this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// One column of the table.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name, the same in every file.
    pub name: String,
    /// What it is used for.
    pub role: Role,
    /// What gave it this role, in a few words.
    pub why: &'static str,
    /// How its values reach the output.
    pub treatment: Treatment,
    /// Its type in the first file that has it.
    pub root: TypePtr,
    /// Some file may hold nulls in it.
    pub nullable: bool,
}

/// How a column's values reach the output.
#[derive(Debug, Clone, PartialEq)]
pub enum Treatment {
    /// Read as float64, standardized, written as the output's float type.
    Standardize(NumericKind),
    /// Copied as stored, leaf by leaf.
    Copy,
    /// A number that is not a feature and has several types: written as the widest.
    Widen(NumericKind),
    /// The value of a `key=value` folder: index into the file's list of keys.
    Folder(usize),
    /// The number of the row's fold.
    Fold,
}

/// A file's mapping from table columns to its own leaves.
pub type SharedLayout = Arc<Layout>;
