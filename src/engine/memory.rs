//! `Memory`: the bytes of the budget, and who may hold them.
//!
//! ```text
//! budget = what the process held before its first row
//!        + workers x WORKER_BYTES       fixed buffers: a window of the file, small pages, runs, encoders
//!        + half of the rest             one worker at a time: pages too large for its fixed buffers
//!        + half of the rest             encoded columns that wait for their turn
//! ```
//!
//! Invariant: nobody waits for a permit while others wait for what it makes, so there is no deadlock:
//! the permit for large pages is held by one worker at a time, which needs nothing else; a waiting
//! column that gets none goes to a file. Results never depend on any of it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::resident_memory_bytes;
use crate::error::{Error, ErrorKind, Result};

/// The buffers of a worker that are there whatever it works on.
const WORKER_BYTES: u64 = 24 << 20;
/// Compressed and decompressed pages that are part of those.
const WORKER_PAGE_BYTES: u64 = 6 << 20;
/// What a file is read ahead by, at least and at most.
const WINDOW_BYTES: [u64; 2] = [2 << 20, 16 << 20];
/// Budget of a worker from which on it reads far ahead.
const WIDE_WINDOW_FROM: u64 = 160 << 20;
/// What the allocator keeps of memory that was given back, as a part of all: an eighth.
const ALLOCATOR_SHARE: u64 = 8;

/// The budget of a run, shared by all of its threads.
#[derive(Debug, Clone)]
pub struct Memory(Arc<Shares>);

#[derive(Debug)]
struct Shares {
    budget: u64,
    threads: usize,
    available: AtomicU64,
    workers: AtomicUsize,
    window: AtomicU64,
    pages: AtomicU64,
    columns: AtomicU64,
    large_page: Mutex<bool>,
    large_page_free: Condvar,
}

impl Memory {
    /// A budget that isn't shared out yet: `threads` workers, which must do with little.
    pub fn new(budget: u64, threads: usize) -> Self {
        Self(Arc::new(Shares {
            budget,
            threads: threads.max(1),
            available: AtomicU64::new(budget),
            workers: AtomicUsize::new(threads.max(1)),
            window: AtomicU64::new(WINDOW_BYTES[0]),
            pages: AtomicU64::new(WORKER_PAGE_BYTES),
            columns: AtomicU64::new(0),
            large_page: Mutex::new(false),
            large_page_free: Condvar::new(),
        }))
    }

    /// No budget at all: nothing is refused, and nobody waits.
    pub fn unlimited() -> Self {
        let memory = Self::new(u64::MAX, 1);
        memory.0.pages.store(u64::MAX, Ordering::Relaxed);
        memory
    }

    /// Shares out what the process doesn't hold by now, but for `kept` bytes that it is going to.
    pub fn share_out(&self, kept: u64) {
        let shares = &self.0;
        let held = resident_memory_bytes().saturating_add(kept);
        let rest = shares.budget.saturating_sub(held);
        let available = rest - rest / ALLOCATOR_SHARE;
        let workers = self.workers_of(available, WORKER_BYTES);
        let mut pool = available.saturating_sub(workers as u64 * WORKER_BYTES);
        let mut window = WINDOW_BYTES[0];
        if available / workers as u64 >= WIDE_WINDOW_FROM {
            window = WINDOW_BYTES[1];
            pool -= workers as u64 * (WINDOW_BYTES[1] - WINDOW_BYTES[0]);
        }
        shares.available.store(available, Ordering::Relaxed);
        shares.workers.store(workers, Ordering::Relaxed);
        shares.window.store(window, Ordering::Relaxed);
        let pages = WORKER_PAGE_BYTES + pool / 2;
        shares.pages.store(pages, Ordering::Relaxed);
        shares.columns.store(pool / 2, Ordering::Relaxed);
    }

    fn workers_of(&self, available: u64, bytes_each: u64) -> usize {
        let room = usize::try_from(available / bytes_each.max(1)).unwrap_or(usize::MAX);
        room.clamp(1, self.0.threads)
    }

    /// How many threads there is room for.
    pub fn workers(&self) -> usize {
        self.0.workers.load(Ordering::Relaxed)
    }

    /// The same if each of them takes `bytes` and nothing else is held.
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if there isn't room for one.
    pub fn workers_taking(&self, bytes: u64, what: impl FnOnce() -> String) -> Result<usize> {
        let available = self.0.available.load(Ordering::Relaxed);
        if bytes > available {
            return Err(self.refused(what(), bytes - available));
        }
        Ok(self.workers_of(available, bytes))
    }

    /// The most bytes of a file that a worker may read with one read.
    pub fn window_bytes_max(&self) -> u64 {
        self.0.window.load(Ordering::Relaxed)
    }

    /// The permit for pages that take `bytes` together; waits for another worker that has one. Small
    /// pages need none.
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if they don't fit.
    pub fn pages(&self, bytes: u64, what: impl FnOnce() -> String) -> Result<Option<PagePermit>> {
        let allowed = self.0.pages.load(Ordering::Relaxed);
        if bytes <= WORKER_PAGE_BYTES || allowed == u64::MAX {
            return Ok(None);
        }
        if bytes > allowed {
            // With more memory, more workers would come first, with wider windows.
            let threads = self.0.threads as u64;
            let workers = threads * (WORKER_BYTES + WINDOW_BYTES[1]);
            return Err(self.refused(what(), workers.saturating_add(2 * (bytes - allowed))));
        }
        let lock = self.0.large_page.lock();
        let mut taken = lock.unwrap_or_else(PoisonError::into_inner);
        while *taken {
            let wait = self.0.large_page_free.wait(taken);
            taken = wait.unwrap_or_else(PoisonError::into_inner);
        }
        *taken = true;
        Ok(Some(PagePermit(self.clone())))
    }

    /// A permit for `bytes` of a column that waits for its turn, if there are that many left.
    pub fn take(&self, bytes: u64) -> Option<Permit> {
        let left = |free: u64| free.checked_sub(bytes);
        let columns = &self.0.columns;
        columns
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .ok()?;
        Some(Permit {
            memory: self.clone(),
            bytes,
        })
    }

    /// The error of something that is `missing` bytes too large.
    fn refused(&self, what: String, missing: u64) -> Error {
        let allowed = self.0.budget;
        let missing = missing.saturating_add(missing / (ALLOCATOR_SHARE - 1) + 1);
        let needed = allowed.saturating_add(missing);
        Error::from(ErrorKind::Budget {
            what,
            needed,
            allowed,
        })
        .hint(format!("give it --memory {}MiB", needed.div_ceil(1 << 20)))
    }
}

/// Bytes that may be held until this is dropped.
#[derive(Debug)]
pub struct Permit {
    memory: Memory,
    bytes: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.memory
            .0
            .columns
            .fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// The right to hold large pages, until this is dropped.
#[derive(Debug)]
pub struct PagePermit(Memory);

impl Drop for PagePermit {
    fn drop(&mut self) {
        let lock = self.0.0.large_page.lock();
        *lock.unwrap_or_else(PoisonError::into_inner) = false;
        self.0.0.large_page_free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn shared(budget: u64, threads: usize) -> Memory {
        let memory = Memory::new(resident_memory_bytes() + budget, threads);
        memory.share_out(0);
        memory
    }

    #[test]
    fn a_small_budget_has_room_for_one_worker() {
        assert_eq!(shared(30 * MIB, 8).workers(), 1);
        assert_eq!(shared(4096 * MIB, 8).workers(), 8);
        assert_eq!(shared(0, 8).workers(), 1);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_budget_that_would_do() {
        let memory = shared(100 * MIB, 1);
        assert!(memory.pages(MIB, String::new).unwrap().is_none());
        assert!(memory.pages(20 * MIB, String::new).unwrap().is_some());
        let error = memory.pages(200 * MIB, || "a page".into()).unwrap_err();
        assert_eq!(error.exit_code(), 6);
        let ErrorKind::Budget { needed, .. } = error.kind() else {
            panic!("{error}");
        };
        let memory = Memory::new(*needed + MIB, 1);
        memory.share_out(0);
        assert!(memory.pages(200 * MIB, String::new).is_ok());
    }

    #[test]
    fn permits_come_back() {
        let memory = shared(100 * MIB, 1);
        let first = memory.take(20 * MIB).unwrap();
        assert!(memory.take(20 * MIB).is_none());
        drop(first);
        assert!(memory.take(20 * MIB).is_some());
    }

    #[test]
    fn large_pages_are_held_by_one_worker_at_a_time() {
        let memory = shared(100 * MIB, 2);
        let held = memory.pages(10 * MIB, String::new).unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| memory.pages(10 * MIB, String::new).unwrap().is_some());
            std::thread::sleep(std::time::Duration::from_millis(5));
            assert!(!other.is_finished());
            drop(held);
            assert!(other.join().unwrap());
        });
    }
}
