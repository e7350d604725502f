//! What a run tells whoever watches it: passes begin, advance and end.

use std::fmt;

/// One of the passes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pass {
    /// Find files, read footers and headers.
    Plan,
    /// Assign every row to a side.
    Split,
    /// Mean and variance of the train rows.
    Fit,
    /// Standardize and write both sides.
    Write,
    /// Put the rows of every side in a random order, if that is asked for.
    Shuffle,
    /// Sync and rename into place.
    Commit,
    /// Look for leaks in what was written.
    Audit,
    /// Train networks on what was written.
    Validate,
}

impl Pass {
    /// How many there are.
    pub const COUNT: usize = 8;
}

impl fmt::Display for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plan => "plan",
            Self::Split => "split",
            Self::Fit => "fit",
            Self::Write => "write",
            Self::Shuffle => "shuffle",
            Self::Commit => "commit",
            Self::Audit => "audit",
            Self::Validate => "validate",
        })
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A pass begins; totals are `None` where they aren't known yet.
    Started {
        /// Which pass.
        pass: Pass,
        /// How many rows it will handle.
        rows_total: Option<u64>,
        /// How many input bytes it will read.
        bytes_total: Option<u64>,
    },
    /// A pass got further; amounts since the last event, from any thread.
    Advanced {
        /// Which pass.
        pass: Pass,
        /// Rows handled.
        rows: u64,
        /// Input bytes read.
        bytes: u64,
    },
    /// A pass is over.
    Finished {
        /// Which pass.
        pass: Pass,
        /// How long it took.
        seconds: f64,
    },
    /// Something the user should know, in one lowercase sentence without a period.
    Warning(String),
}

/// Watches a run; called from worker threads, must be quick.
pub trait Observer: Sync {
    /// Takes note of one event.
    fn event(&self, event: &Event);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: &Event) {}
}
