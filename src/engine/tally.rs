//! An observer that also adds up what each pass read.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Event, Observer, Pass};

/// Passes events on, and keeps the bytes of each pass.
pub struct Tally<'a> {
    inner: &'a dyn Observer,
    bytes: [AtomicU64; 6],
}

impl std::fmt::Debug for Tally<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tally")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl<'a> Tally<'a> {
    /// Watches on behalf of `inner`.
    pub fn new(inner: &'a dyn Observer) -> Self {
        Self {
            inner,
            bytes: Default::default(),
        }
    }

    /// Input bytes that `pass` has read so far.
    pub fn bytes(&self, pass: Pass) -> u64 {
        self.bytes[pass as usize].load(Ordering::Relaxed)
    }
}

impl Observer for Tally<'_> {
    fn event(&self, event: &Event) {
        if let Event::Advanced { pass, bytes, .. } = event {
            self.bytes[*pass as usize].fetch_add(*bytes, Ordering::Relaxed);
        }
        self.inner.event(event);
    }
}
