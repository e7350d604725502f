//! Errors: a closed set of kinds, each with its exit code, an optional place and an optional hint.
//!
//! Every error is made where its cause is known, names the file (there is no `From<io::Error>`), and
//! is reported once, by the command line.

mod blame;
mod data;
mod input;
mod output;
mod place;
mod published;
mod text;
mod train;
mod usage;

pub use data::DataError;
pub use input::InputError;
pub use output::OutputError;
pub use place::{Place, escape_path};
pub use published::PublishedError;
pub use text::TextError;
pub use train::TrainError;
pub use usage::UsageError;

use std::fmt;

/// What every fallible operation of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

/// One failure: what happened, where, and what to do about it.
///
/// ```
/// use prep_stream::error::{Error, InputError, Place};
///
/// let error = Error::from(InputError::NoFiles { searched: 2 })
///     .at(Place::path("data"))
///     .hint("check --in");
/// assert_eq!(error.exit_code(), 3);
/// assert_eq!(
///     error.to_string(),
///     "no input files found among 2 entries\n  --> data\n  hint: check --in"
/// );
/// ```
#[derive(Debug)]
pub struct Error(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: ErrorKind,
    place: Option<Place>,
    hint: Option<String>,
}

/// The areas an error can come from; each maps to one exit code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The command line or configuration is wrong (exit code 2).
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// An input file cannot be found, opened or chosen (exit code 3).
    #[error(transparent)]
    Input(#[from] InputError),
    /// What an input file holds is damaged, or doesn't fit the other files or the job (exit code 3).
    #[error(transparent)]
    Data(#[from] DataError),
    /// A text file cannot be parsed (exit code 3).
    #[error(transparent)]
    Text(#[from] TextError),
    /// An output that was made before cannot be read again (exit code 3).
    #[error(transparent)]
    Published(#[from] PublishedError),
    /// The output cannot be written (exit code 4).
    #[error(transparent)]
    Output(#[from] OutputError),
    /// No network can be trained on an output (exit code 3).
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Training on an output didn't do what it should (exit code 1).
    #[error("the validation failed: {reason}")]
    NotPassed {
        /// What it did, in a lowercase sentence without a period.
        reason: String,
    },
    /// Another run holds the lock of this output (exit code 5).
    #[error("another run is writing {output}: host {host}, pid {pid}, started {started}")]
    Locked {
        /// The output both runs want.
        output: String,
        /// Host name of the owner.
        host: String,
        /// Process id of the owner.
        pid: u32,
        /// When the owner took the lock, RFC 3339 in UTC.
        started: String,
    },
    /// The job does not fit the memory budget (exit code 6).
    #[error("{what} needs {needed} bytes of memory, --memory allows {allowed} bytes")]
    Budget {
        /// What does not fit, for example "a table of 8000 columns".
        what: String,
        /// The smallest budget that would do.
        needed: u64,
        /// The budget that was given or found.
        allowed: u64,
    },
    /// A check of an output found something wrong (exit code 1); what, is in its report.
    #[error("the check failed: {findings} {}", if *findings == 1 { "finding" } else { "findings" })]
    CheckFailed {
        /// How many things are wrong.
        findings: u64,
    },
    /// The audit found what `--fail-on` names (exit code 1).
    #[error("the audit found {found}")]
    AuditFailed {
        /// Each condition that is met, with what met it.
        found: String,
    },
    /// The process of a unit was killed, aborted or failed (exit code 6 if killed, else that of the process).
    #[error("unit {unit} of pass {pass} failed: {reason}")]
    Isolated {
        /// The pass.
        pass: String,
        /// The unit's number.
        unit: u64,
        /// How its process ended.
        reason: String,
        /// The exit code.
        exit_code: u8,
    },
    /// A signal asked the run to stop (exit code 128 + number).
    #[error("interrupted by signal {signal}")]
    Interrupted {
        /// The signal's number: 1, 2 or 15.
        signal: i32,
    },
}

impl ErrorKind {
    /// A word for the area, for machines that read messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Usage(_) => "usage",
            Self::Input(_) => "input",
            Self::Data(_) => "data",
            Self::Text(_) => "text",
            Self::Published(_) => "published",
            Self::Output(_) => "output",
            Self::Train(_) => "train",
            Self::NotPassed { .. } => "not-passed",
            Self::Locked { .. } => "locked",
            Self::Budget { .. } => "budget",
            Self::CheckFailed { .. } => "check-failed",
            Self::AuditFailed { .. } => "audit-failed",
            Self::Isolated { .. } => "isolated",
            Self::Interrupted { .. } => "interrupted",
        }
    }
}

impl Error {
    /// Adds the place; the first place given, the most precise one, stays.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        // Where a signal happened to arrive says nothing.
        if !matches!(self.0.kind, ErrorKind::Interrupted { .. }) {
            self.0.place.get_or_insert(place);
        }
        self
    }

    /// Adds what to do about it; the first hint given stays.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// What happened.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Where it happened, if it has a place.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// What to do about it, if anything is known to help.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// The process exit code that this error ends with.
    pub fn exit_code(&self) -> u8 {
        match self.kind() {
            ErrorKind::CheckFailed { .. }
            | ErrorKind::AuditFailed { .. }
            | ErrorKind::NotPassed { .. } => 1,
            ErrorKind::Usage(_) => 2,
            ErrorKind::Input(_)
            | ErrorKind::Data(_)
            | ErrorKind::Text(_)
            | ErrorKind::Train(_)
            | ErrorKind::Published(_) => 3,
            ErrorKind::Output(_) => 4,
            ErrorKind::Locked { .. } => 5,
            ErrorKind::Budget { .. } => 6,
            ErrorKind::Isolated { exit_code, .. } => *exit_code,
            ErrorKind::Interrupted { signal } => u8::try_from(128 + signal).unwrap_or(130),
        }
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Self(Box::new(Parts {
            kind: kind.into(),
            place: None,
            hint: None,
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind)?;
        if let Some(place) = &self.0.place {
            write!(f, "\n  --> {place}")?;
        }
        if let Some(hint) = &self.0.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.kind.source()
    }
}
