//! Errors of input files: finding, opening, decoding and matching them (exit code 3).
//!
//! Paths inside messages are escaped by [`super::escape_path`] before they come here.

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
    /// A path given by `--in` does not exist.
    #[error("no such file or directory")]
    Missing,
    /// A pattern given by `--in` matches nothing.
    #[error("the pattern matches nothing")]
    NoMatch,
    /// A pattern given by `--in` cannot be parsed.
    #[error("invalid pattern: {source}")]
    Pattern {
        /// What is wrong with it.
        source: glob::PatternError,
    },
    /// A path given by `--in` is neither a file nor a directory.
    #[error("neither a file nor a directory")]
    NotAFile,
    /// Both formats were found and none was chosen.
    #[error("Parquet and CSV mixed: \"{parquet}\" and \"{csv}\"")]
    MixedFormats {
        /// The first Parquet file.
        parquet: String,
        /// The first text file.
        csv: String,
    },
    /// Two roots hold a file of the same relative path, so their rows would share their hashes.
    #[error("two input files have the relative path \"{relative}\": \"{first}\" and \"{second}\"")]
    SameRelativePath {
        /// The path below both roots.
        relative: String,
        /// One file.
        first: String,
        /// The other file.
        second: String,
    },
    /// An input is not below `--root`.
    #[error("not below --root \"{root}\"")]
    OutsideRoot {
        /// The root as given.
        root: String,
    },
    /// A file was modified so recently that something may still be writing it.
    #[error("modified {age} ago, --settle asks for {settle}")]
    Unsettled {
        /// Time since the file was modified.
        age: String,
        /// The settle time asked for.
        settle: String,
    },
    /// The inputs, or this version of `prep`, give another job than was planned.
    #[error("the plan is of job {planned}, the inputs are now those of job {found}")]
    NotThePlans {
        /// The job of the plan.
        planned: String,
        /// The job as it would be planned now.
        found: String,
    },
    /// Files that an output was made from are no longer what they were, so that nothing can be added.
    #[error("of the files that the output was made from, {count} changed or are gone: {named}")]
    KnownFiles {
        /// How many.
        count: usize,
        /// The first of them, each with what became of it.
        named: String,
    },
    /// Two files lie in `key=value` folders of different keys.
    #[error(
        "folders give different columns: \"{first}\" has {first_keys}, \"{second}\" has {second_keys}"
    )]
    HiveKeys {
        /// One file.
        first: String,
        /// Its keys in order.
        first_keys: String,
        /// Another file.
        second: String,
        /// Its keys in order.
        second_keys: String,
    },
    /// A file is not what it was when the run began.
    #[error("the file changed during the run: its {what} was {before} and is now {after}")]
    Changed {
        /// "size", "modification time" or "content digest".
        what: &'static str,
        /// What it was.
        before: String,
        /// What it is.
        after: String,
    },
    /// A `key=value` folder whose decoded name is not text.
    #[error("the folder \"{folder}\" is not UTF-8 once decoded")]
    HiveText {
        /// The folder's name.
        folder: String,
    },
    /// One path has two folders of the same key.
    #[error("two folders give the column \"{key}\"")]
    HiveRepeated {
        /// The key.
        key: String,
    },
}

impl InputError {
    /// The error of a file whose content is another than when it was read before.
    pub fn changed_digest(before: u128, now: u128) -> super::Error {
        Self::digests(before, now).into()
    }

    /// The same before it has a place.
    pub(crate) fn digests(before: u128, now: u128) -> Self {
        let (before, after) = (format!("{before:032x}"), format!("{now:032x}"));
        let what = "content digest";
        Self::Changed {
            what,
            before,
            after,
        }
    }
}
