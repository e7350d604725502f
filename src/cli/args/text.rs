//! The dialect of CSV and TSV files.

use prep_stream::spec::Dialect;

use super::columns::flatten;
use crate::cli::values::{self, Names, Quote};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "CSV and TSV")]
pub(super) struct TextArgs {
    /// Character between fields; \t or tab for a tab [default: tab in .tsv files, else a comma]
    #[arg(long, value_name = "CHAR", value_parser = values::byte)]
    delimiter: Option<u8>,

    /// Character around fields that hold delimiters or line breaks; none switches quoting off
    #[arg(long, value_name = "CHAR", default_value = "\"", value_parser = values::quote)]
    quote: Quote,

    /// Skip lines that start with this character [default: none]
    #[arg(long, value_name = "CHAR", value_parser = values::byte)]
    comment: Option<u8>,

    /// A field that means "missing" in numeric columns; repeatable, replaces the default list, which
    /// is that of pandas: empty, NA, NaN, null, None and their kin
    #[arg(long, value_name = "TOKEN", allow_hyphen_values = true)]
    null: Vec<String>,

    /// The first record is data; columns are named column_0, column_1, ...
    #[arg(long)]
    no_header: bool,

    /// Longest record accepted
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = values::size)]
    record_limit: u64,

    /// Columns to read as text whatever they look like; repeatable, separated by commas
    #[arg(long, value_name = "COLUMNS", value_parser = values::names)]
    text: Vec<Names>,
}

impl TextArgs {
    pub(super) fn columns(&self) -> Vec<String> {
        flatten(self.text.clone())
    }

    pub(super) fn into_dialect(self) -> Dialect {
        let default = Dialect::default();
        Dialect {
            delimiter: self.delimiter,
            quote: self.quote.0,
            comment: self.comment,
            header: !self.no_header,
            null_tokens: if self.null.is_empty() {
                default.null_tokens
            } else {
                self.null
            },
            record_bytes_max: self.record_limit,
        }
    }
}
