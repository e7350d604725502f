//! Errors of CSV and TSV files (exit code 3).

/// What is wrong with a text file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A quoted field never ends.
    #[error("unterminated quote: a field opened by {quote:?} never closes")]
    UnterminatedQuote {
        /// The quote character in force.
        quote: char,
    },
}
