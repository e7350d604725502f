//! Errors of a published output that is read again (exit code 3).

use std::io;

/// What is wrong with an output that was made before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishedError {
    /// There is no output of `prep` at the path.
    #[error("no output of prep: it has no {missing}")]
    NotAnOutput {
        /// The file or directory that is not there.
        missing: &'static str,
    },
    /// The operating system refused an operation.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried, for example "read the shard".
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A record cannot be understood.
    #[error("cannot read {what}: {source}")]
    Record {
        /// Which record: "manifest.json" or "scaler.json".
        what: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A shard that the manifest names is gone.
    #[error("the shard is missing")]
    ShardMissing,
    /// A shard is shorter or longer than it was.
    #[error("the shard has {found} bytes, manifest.json says {expected}")]
    ShardSize {
        /// Bytes found.
        found: u64,
        /// Bytes written.
        expected: u64,
    },
    /// A shard's bytes are not those that were written.
    #[error("the shard's XXH3-128 is {found}, manifest.json says {expected}")]
    ShardDigest {
        /// The digest of what is there.
        found: String,
        /// The digest of what was written.
        expected: String,
    },
    /// A shard has other rows than were written.
    #[error("the shard has {found} rows, manifest.json says {expected}")]
    ShardRows {
        /// Rows found.
        found: u64,
        /// Rows written.
        expected: u64,
    },
    /// A shard's columns are not those of the manifest.
    #[error("the shard's columns are not those of manifest.json: {found} where it says {expected}")]
    Columns {
        /// The first column that differs, or how many there are.
        found: String,
        /// What the manifest says.
        expected: String,
    },
    /// The scaler is not that of the output's features.
    #[error("scaler.json has {found} columns, manifest.json has {expected} features")]
    Features {
        /// Columns of the scaler.
        found: usize,
        /// Features in the manifest.
        expected: usize,
    },
    /// A directory is where a scaler file should be.
    #[error("the scaler is a directory, not a file")]
    ScalerIsDirectory,
    /// A scaler cannot be merged with another.
    #[error("cannot be merged with \"{first}\": {source}")]
    NotMergeable {
        /// Path of the scaler before it.
        first: String,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Two scalers were fitted on one file, as the manifests beside them say.
    #[error("its train rows are partly those of \"{first}\": both were fitted on \"{input}\"")]
    SameInput {
        /// Path of the scaler before it.
        first: String,
        /// Relative path of the input.
        input: String,
    },
    /// There is nothing that was fitted.
    #[error("the output has no side \"{side}\"")]
    NoSide {
        /// The side that is missing.
        side: &'static str,
    },
}
