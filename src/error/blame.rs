//! Which errors say that one file's own content can't be read: those of a *bad file*, which
//! `--on-bad-file skip` leaves out.
//!
//! A file is bad whatever the other files are, and stays so: what another schema, a value, a
//! permission, a disk or a network is to blame for is no reason to go on without it.

use super::{DataError, Error, ErrorKind, InputError, TextError};

impl Error {
    /// Whether the content of the file at its place can't be read as what it claims to be: damaged,
    /// cut short, encrypted, or malformed text.
    ///
    /// ```
    /// use prep_stream::error::{DataError, Error, TextError};
    ///
    /// assert!(Error::from(TextError::NoHeader).is_bad_file());
    /// assert!(!Error::from(DataError::NoRows { files: 1 }).is_bad_file());
    /// ```
    pub fn is_bad_file(&self) -> bool {
        match self.kind() {
            ErrorKind::Data(error) => is_damage(error),
            ErrorKind::Text(error) => is_malformed(error),
            // A decompressor's refusal; what the operating system says has a number.
            ErrorKind::Input(InputError::Io { source, .. }) => source.raw_os_error().is_none(),
            _ => false,
        }
    }
}

/// Kinds are listed one by one, so that a new one has to be thought about.
fn is_damage(error: &DataError) -> bool {
    match error {
        DataError::Parquet { .. }
        | DataError::FooterLies { .. }
        | DataError::PageLies { .. }
        | DataError::PageHeader { .. }
        | DataError::RowCount { .. }
        | DataError::NotUtf8
        | DataError::Decoder { .. } => true,
        DataError::MissingColumn { .. }
        | DataError::ExtraColumn { .. }
        | DataError::ColumnType { .. }
        | DataError::DuplicateColumn { .. }
        | DataError::UnknownSide { .. }
        | DataError::NotATime { .. }
        | DataError::Weight { .. }
        | DataError::OutOfRange { .. }
        | DataError::Infinite { .. }
        | DataError::InfiniteValue { .. }
        | DataError::NotTheScalers { .. }
        | DataError::OutputColumns { .. }
        | DataError::NoRows { .. } => false,
    }
}

fn is_malformed(error: &TextError) -> bool {
    match error {
        TextError::UnterminatedQuote { .. }
        | TextError::AfterQuote { .. }
        | TextError::FieldCount { .. }
        | TextError::RecordTooLong { .. }
        | TextError::NotUtf8 { .. }
        | TextError::Encoding { .. }
        | TextError::NoHeader => true,
        TextError::NotANumber { .. } | TextError::FileChanged { .. } => false,
    }
}
