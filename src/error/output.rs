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
    /// A shard cannot be encoded or written.
    #[error("cannot {action}: {source}")]
    Parquet {
        /// What was tried, for example "encode a column".
        action: &'static str,
        /// Why it failed.
        source: parquet::errors::ParquetError,
    },
    /// The scaler file cannot be written.
    #[error("cannot write scaler.json: {source}")]
    Scaler {
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A record cannot be written as JSON.
    #[error("cannot write {what} as JSON: {source}")]
    Encode {
        /// Which record, for example "the manifest".
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// The path ends in no name that a directory could get.
    #[error("--out must end in the name of a directory to be made")]
    NoName,
    /// The name leaves no room for the staging directory's longer one.
    #[error("the name has {bytes} bytes, at most {bytes_max} leave room for the staging directory")]
    NameTooLong {
        /// Bytes of the name.
        bytes: usize,
        /// How many are possible.
        bytes_max: usize,
    },
    /// The directory that should hold the output does not exist.
    #[error("the parent directory does not exist")]
    NoParent,
    /// What should hold the output is no directory.
    #[error("the parent is not a directory")]
    ParentNotADirectory,
    /// Something else than a directory is where the output should appear.
    #[error("the output is a {what}, not a directory")]
    NotADirectory {
        /// "file", "symbolic link" or "special file".
        what: &'static str,
    },
    /// The output is the root of a mounted filesystem and cannot be renamed over.
    #[error("the output is a mount point and cannot appear by a rename")]
    MountPoint,
    /// No job of this plan is under way.
    #[error("no work of this plan is under way here")]
    NoWork,
    /// Units that other processes should have done.
    #[error("the results of pass {pass} are missing or damaged for units {units}")]
    UnitsMissing {
        /// The pass.
        pass: String,
        /// Their numbers: `3..5, 9`.
        units: String,
    },
    /// A result that was whole a moment ago.
    #[error("the result {what} is not there whole")]
    WorkMissing {
        /// Its name.
        what: String,
    },
    /// A file that is there may not be replaced.
    #[error("the file is there already")]
    FileExists,
    /// The output holds data and may not be replaced.
    #[error("the output directory is not empty")]
    NotEmpty,
    /// `--overwrite` would delete something that `prep` did not write.
    #[error(
        "the output directory holds data that prep did not write: it has no prep manifest.json"
    )]
    NotOurs,
    /// An interrupted `--overwrite=two-step` left the old output here, and its place is taken.
    #[error("an earlier output waits to be put back, and its place is taken")]
    OldInTheWay,
    /// The name of the staging directory is taken by something that `prep` did not make.
    #[error("the staging directory's name is taken by something that prep did not make")]
    StagingTaken,
    /// The filesystem cannot exchange two directories.
    #[error("the filesystem cannot exchange two directories in one step")]
    NoExchange,
    /// The output and the input overlap.
    #[error("the output {relation} \"{input}\"")]
    OverlapsInput {
        /// For example "lies inside the input".
        relation: &'static str,
        /// The input as given.
        input: String,
    },
    /// The output came to be while the run was under way.
    #[error("the output appeared during the run")]
    Appeared,
    /// The disk has too little room.
    #[error("the job needs about {needed} bytes of disk, {free} bytes are free")]
    NoSpace {
        /// Bytes that cache and output need.
        needed: u64,
        /// Bytes the filesystem has for this user.
        free: u64,
    },
}
