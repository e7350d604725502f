//! A request to stop, set by a signal handler and looked at between blocks of work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{ErrorKind, Result};

/// Shared by the whole run; holds the number of the signal that asked to stop, or 0.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicUsize>);

impl Cancel {
    /// The cell that a signal handler stores the signal's number in.
    pub fn cell(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.0)
    }

    /// Fails once a stop was asked for; called between blocks of work.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] with the signal's number.
    pub fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(ErrorKind::Interrupted {
                signal: i32::try_from(signal).unwrap_or(2),
            }
            .into()),
        }
    }
}
