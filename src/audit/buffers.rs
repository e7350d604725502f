//! `Buffers`: memory of one row group that the next one takes over, on whatever thread.
//!
//! Fresh memory is zeroed by the system before it is filled; there is one of these a thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Words of the rows of one row group, for fingerprints and keys; the next row group uses them again.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<[Vec<u64>; 2]>>);

impl Buffers {
    /// Those of an earlier row group, or empty ones.
    pub(super) fn take(&self) -> [Vec<u64>; 2] {
        self.lock().pop().unwrap_or_default()
    }

    /// Leaves them to the next.
    pub(super) fn give_back(&self, words: [Vec<u64>; 2]) {
        self.lock().push(words);
    }

    /// Drops them all.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<[Vec<u64>; 2]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
