//! Errors of CSV and TSV files (exit code 3).
//!
//! Each is raised with a place that names the file, the data row, the line, the byte and, where one
//! field is to blame, the column. The place follows from the file's bytes alone, never from how the
//! file was cut into units.

/// What is wrong with a text file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A quoted field never ends; the place is its opening quote.
    #[error("unterminated quote: a field opened by {quote:?} never closes")]
    UnterminatedQuote {
        /// The quote character in force.
        quote: char,
    },
    /// Something other than a delimiter or a line end follows a closing quote.
    #[error("{found} after a closing quote, where a delimiter or a line end must follow")]
    AfterQuote {
        /// The character found, quoted and escaped; the byte if it is not ASCII.
        found: String,
    },
    /// A record has more or fewer fields than the header (without header: than the first record).
    #[error("record has {}, expected {expected}", fields(*.found))]
    FieldCount {
        /// Fields in the record.
        found: u64,
        /// Fields in the header.
        expected: u64,
    },
    /// A record, or a comment line, does not fit the limit.
    #[error("record is longer than {limit} bytes, the longest accepted")]
    RecordTooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// A record holds bytes that are not UTF-8; the place is the first of them.
    #[error("byte 0x{byte:02x} is not UTF-8")]
    NotUtf8 {
        /// The first byte that cannot be decoded.
        byte: u8,
    },
    /// The file begins with the byte order mark of an encoding that is not read.
    #[error("file is encoded in {encoding}, not UTF-8")]
    Encoding {
        /// The encoding, for example "UTF-16".
        encoding: &'static str,
    },
    /// A column that must be numeric holds something else.
    #[error("cannot parse {value} as {expected}")]
    NotANumber {
        /// The field, quoted and escaped, shortened if it is long.
        value: String,
        /// What it should be: "a number" or "a 64-bit integer".
        expected: &'static str,
    },
    /// There is no record to take the column names from.
    #[error("no header: the file has no record")]
    NoHeader,
    /// The file gave other rows when it was read again.
    #[error("file changed while it was read: {found} rows where {expected} were counted before")]
    FileChanged {
        /// Rows found now.
        found: u64,
        /// Rows counted by the scan.
        expected: u64,
    },
}

fn fields(count: u64) -> String {
    if count == 1 {
        "1 field".to_owned()
    } else {
        format!("{count} fields")
    }
}
