//! Errors of the command line and its configuration (exit code 2).

/// What is wrong with the request itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// A flag's value cannot be used.
    #[error("invalid value \"{value}\" for {flag}: {reason}")]
    InvalidValue {
        /// The flag in full, for example `--test-size`.
        flag: &'static str,
        /// The value as typed.
        value: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// A flag names a column that no input has.
    #[error("no column \"{column}\" for {flag}; the input has {available}")]
    UnknownColumn {
        /// The flag in full.
        flag: &'static str,
        /// The name as typed.
        column: String,
        /// The nearest names, or how many there are.
        available: String,
    },
    /// `--columns` names a column that holds no numbers.
    #[error("column \"{column}\" of --columns is not numeric")]
    NotNumeric {
        /// The name as typed.
        column: String,
    },
    /// Two flags contradict each other.
    #[error("{first} and {second} cannot be used together: {reason}")]
    Conflict {
        /// One flag in full.
        first: &'static str,
        /// The other flag in full.
        second: &'static str,
        /// Why not.
        reason: String,
    },
    /// The configuration file cannot be used.
    #[error("cannot use the configuration: {reason}")]
    Config {
        /// What is wrong, with line and key.
        reason: String,
    },
}
