//! Which columns play which part.

use prep_stream::spec::ColumnSpec;

use crate::cli::values::{self, Names};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Columns")]
pub(super) struct ColumnArgs {
    /// Labels, passed through as they are; repeatable, separated by commas
    #[arg(long, value_name = "COLUMNS", value_parser = values::names)]
    label: Vec<Names>,

    /// Columns to pass through as they are; repeatable, separated by commas
    #[arg(long, value_name = "COLUMNS", value_parser = values::names)]
    exclude: Vec<Names>,

    /// The weights of rows in the fit: mean and variance of train are weighted; passed through as they
    /// are. A row of weight 0, or a missing value, doesn't count [default: all rows weigh the same]
    #[arg(long, value_name = "COLUMN")]
    weights: Option<String>,

    /// Standardize only these columns; repeatable, separated by commas [default: every numeric one]
    #[arg(long, value_name = "COLUMNS", value_parser = values::names)]
    columns: Vec<Names>,
}

impl ColumnArgs {
    pub(super) fn into_spec(self, text: Vec<String>) -> ColumnSpec {
        ColumnSpec {
            label: flatten(self.label),
            exclude: flatten(self.exclude),
            features: (!self.columns.is_empty()).then(|| flatten(self.columns)),
            frozen: false,
            weights: self.weights,
            text,
        }
    }
}

/// The names of all lists, in the order typed.
pub(super) fn flatten(lists: Vec<Names>) -> Vec<String> {
    lists.into_iter().flat_map(|names| names.0).collect()
}
