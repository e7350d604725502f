//! A check that found what it must not find (exit code 1).

/// What failed, though everything ran.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The audit found what `--fail-on` names.
    #[error("the audit found {found}")]
    Audit {
        /// Each condition of `--fail-on` with what met it.
        found: String,
    },
}
