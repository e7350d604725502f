//! Errors of the output directory, its staging neighbour and the disk (exit code 4).

use std::io;

/// What is wrong with the output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The operating system refused an operation.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried, for example "create the staging directory".
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}
