//! Errors of input files: finding, opening, decoding and matching them (exit code 3).

use std::io;

/// What is wrong with the input.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Nothing to read was found.
    #[error("no input files found among {searched} entries")]
    NoFiles {
        /// How many directory entries were looked at.
        searched: u64,
    },
    /// The operating system refused an operation.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried, for example "open the file".
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}
