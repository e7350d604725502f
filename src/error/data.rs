//! Errors of what input files hold: decoding it, matching schemas, values (exit code 3).

use parquet::errors::ParquetError;

/// What is wrong with the data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A weight of a train row that is none.
    #[error("{value} is no weight: a weight is finite and not negative")]
    Weight {
        /// What is there.
        value: String,
    },
    /// A text in a column of times that is none.
    #[error("cannot read \"{value}\" as a date or time")]
    NotATime {
        /// The text.
        value: String,
    },
    /// A Parquet file cannot be decoded.
    #[error("cannot {action}: {source}")]
    Parquet {
        /// What was tried, for example "read the footer".
        action: &'static str,
        /// Why it failed.
        source: ParquetError,
    },
    /// A footer states sizes that its file cannot hold, or that contradict each other.
    #[error("the footer is damaged: {what} is {said}, the file allows {allowed}")]
    FooterLies {
        /// Which figure.
        what: &'static str,
        /// What the footer says.
        said: i64,
        /// The largest, or only, possible value.
        allowed: u64,
    },
    /// A page states sizes that its column chunk cannot hold.
    #[error("a page header is damaged: {what} is {said}, the column chunk allows {allowed}")]
    PageLies {
        /// Which figure.
        what: &'static str,
        /// What the header says.
        said: u64,
        /// The largest possible value.
        allowed: u64,
    },
    /// There is no page header where one must be.
    #[error("no page header at byte {offset} of {file_bytes}")]
    PageHeader {
        /// Where it must be.
        offset: u64,
        /// The size of the file.
        file_bytes: u64,
    },
    /// A column chunk holds another number of rows than its footer says.
    #[error("row group {row_group} holds {found} rows of this column, the footer says {expected}")]
    RowCount {
        /// Index of the row group in its file.
        row_group: usize,
        /// Rows that were decoded.
        found: u64,
        /// Rows that the footer promises.
        expected: u64,
    },
    /// A string column of a Parquet file holds bytes that are no text.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// A decoder gave up in a way it should not have.
    #[error("cannot decode the data: {detail}")]
    Decoder {
        /// What the decoder said.
        detail: String,
    },
    /// A file lacks a column that the first file has.
    #[error("column \"{column}\" is missing; {first_file} has it")]
    MissingColumn {
        /// The column's name.
        column: String,
        /// The file that sets the schema.
        first_file: String,
    },
    /// A file has a column that the first file lacks.
    #[error("column \"{column}\" is not in {first_file}, which sets the schema")]
    ExtraColumn {
        /// The column's name.
        column: String,
        /// The file that sets the schema.
        first_file: String,
    },
    /// A column's type differs between two files.
    #[error("column \"{column}\" is {found} here but {expected} in {first_file}")]
    ColumnType {
        /// The column's name.
        column: String,
        /// Its type in this file.
        found: String,
        /// Its type in the file that sets the schema.
        expected: String,
        /// The file that sets the schema.
        first_file: String,
    },
    /// Two columns of one file have the same name.
    #[error("two columns are named \"{column}\"")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// A value of the split column names no side.
    #[error("{value} names no side; expected train, val or test, 0 or 1, false or true")]
    UnknownSide {
        /// The value as text, or "null".
        value: String,
    },
    /// A finite value leaves the output type's range when it is standardized.
    #[error("{value:e} is beyond {dtype} once {once}")]
    OutOfRange {
        /// The value in the data.
        value: f64,
        /// The output type.
        dtype: &'static str,
        /// "standardized" or "scaled back".
        once: &'static str,
    },
    /// An infinite value where a scaler that was fitted before is applied.
    #[error("the value is {value}, which no scaler can be applied to")]
    InfiniteValue {
        /// Infinity or its negative.
        value: f64,
    },
    /// With the new files the table has other columns than the output that they are to be added to.
    #[error("column {number} of the table is now {found}, in the output it is {expected}")]
    OutputColumns {
        /// The first column that differs, counted from 1.
        number: usize,
        /// Name, role and type as they would be.
        found: String,
        /// The same as the output has them.
        expected: String,
    },
    /// The input lacks columns of a scaler that was fitted before, or has no numbers in them.
    #[error("the input does not have the scaler's columns: {wrong}")]
    NotTheScalers {
        /// Every column that is missing or not numeric.
        wrong: String,
    },
    /// Features hold infinities and `--on-inf error` is in force.
    #[error("{total} infinite values in {columns}")]
    Infinite {
        /// How many in all.
        total: u64,
        /// Each column with its count and first place.
        columns: String,
    },
    /// No input has a data row, so there are no types to settle.
    #[error("no data rows in {files} files")]
    NoRows {
        /// How many files were read.
        files: u64,
    },
}
