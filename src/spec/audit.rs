//! `AuditSpec`: what an audit looks for, and what makes it fail. Plain data, no I/O.

use std::path::PathBuf;
use std::str::FromStr;

/// What an audit looks for beyond what the output's own records say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditSpec {
    /// What the output was made from, as given then; empty: not looked at.
    pub source: Vec<PathBuf>,
    /// Where its relative paths were counted from, as given then.
    pub root: Option<PathBuf>,
    /// Whether symbolic links were followed then.
    pub follow_symlinks: bool,
    /// Columns taken for labels; empty: those of the job that made the output.
    pub label: Vec<String>,
    /// Columns that make up a key whose rows belong on one side; empty: those of the split.
    pub group: Vec<String>,
    /// A column that train should be earlier in than test.
    pub time: Option<String>,
    /// Columns left out when rows are compared.
    pub ignore: Vec<String>,
}

/// One condition under which an audit fails.
///
/// ```
/// use prep_stream::spec::FailOn;
///
/// assert_eq!("leak".parse(), Ok(FailOn::Leak));
/// assert_eq!("drift>0.2".parse(), Ok(FailOn::Drift(0.2)));
/// assert!("drift".parse::<FailOn>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FailOn {
    /// A finding that is a leak.
    Leak,
    /// A finding that is a leak or a warning.
    Warning,
    /// A feature whose population stability index is above this, and above what chance explains.
    Drift(f64),
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "leak" => Ok(Self::Leak),
            "warning" => Ok(Self::Warning),
            other => {
                let number = other.strip_prefix("drift").and_then(|rest| {
                    let number: f64 = rest.trim_start().strip_prefix('>')?.trim().parse().ok()?;
                    (number.is_finite() && number >= 0.0).then_some(number)
                });
                number
                    .map(Self::Drift)
                    .ok_or_else(|| "expected leak, warning or drift>NUMBER".to_owned())
            }
        }
    }
}

impl std::fmt::Display for FailOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Leak => f.write_str("leak"),
            Self::Warning => f.write_str("warning"),
            Self::Drift(limit) => write!(f, "drift>{limit}"),
        }
    }
}
