//! `Memory`: the bytes of the budget, and who may hold them.
//!
//! ```text
//! budget = what the process held before its first row
//!        + workers x WORKER_BYTES       fixed buffers: a window of the file, small pages, runs, encoders
//!        + workers x footers            those of the files that one works on
//!        + half of the rest             pages too large for the fixed buffers of their workers
//!        + half of the rest             encoded columns that wait for their turn
//! ```
//!
//! Invariant: nobody waits for a permit while others wait for what it holds or makes, so there is no
//! deadlock: a worker that waits for room for large pages holds none of it; one that reads several
//! leaves at once asks as a [group](Memory::group), which gets all of that room or none. A waiting
//! column that gets no permit goes to a file. Results never depend on any of it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::resident_memory_bytes;
use crate::error::{Error, ErrorKind, Result};

/// The buffers of a worker that are there whatever it works on.
const WORKER_BYTES: u64 = 24 << 20;
/// Compressed and decompressed pages that are part of those.
const WORKER_PAGE_BYTES: u64 = 6 << 20;
/// Those of a worker that reads several leaves at once and writes nothing.
const READER_BYTES: u64 = 16 << 20;
/// What a file is read ahead by, at least and at most.
const WINDOW_BYTES: [u64; 2] = [2 << 20, 16 << 20];
/// Budget of a worker from which on it reads far ahead.
const WIDE_WINDOW_FROM: u64 = 160 << 20;
/// What the allocator keeps of memory that was given back, as a part of all: an eighth.
const ALLOCATOR_SHARE: u64 = 8;

/// The budget of a run, shared by all of its threads.
#[derive(Debug, Clone)]
pub struct Memory {
    shares: Arc<Shares>,
    group: Option<Arc<Mutex<Group>>>,
}

#[derive(Debug)]
struct Shares {
    budget: u64,
    threads: usize,
    available: AtomicU64,
    workers: AtomicUsize,
    window: AtomicU64,
    pages: AtomicU64,
    columns: AtomicU64,
    is_shared: AtomicBool,
    /// Bytes of large pages that are held now.
    large_pages: Mutex<u64>,
    large_pages_fewer: Condvar,
}

/// Pages that one thread holds through several readers.
#[derive(Debug, Default)]
struct Group {
    bytes: u64,
    /// What it has of the room for large pages: none or all.
    large: u64,
}

impl Memory {
    /// A budget that isn't shared out yet, to plan with: `threads` workers at most, and half of it for
    /// footers.
    pub fn new(budget: u64, threads: usize) -> Self {
        let workers = usize::try_from(budget / WORKER_BYTES).unwrap_or(usize::MAX);
        let shares = Shares {
            budget,
            threads: threads.max(1),
            available: AtomicU64::new(budget),
            workers: AtomicUsize::new(workers.clamp(1, threads.max(1))),
            window: AtomicU64::new(WINDOW_BYTES[0]),
            pages: AtomicU64::new(WORKER_PAGE_BYTES),
            columns: AtomicU64::new(0),
            is_shared: AtomicBool::new(false),
            large_pages: Mutex::new(0),
            large_pages_fewer: Condvar::new(),
        };
        Self {
            shares: Arc::new(shares),
            group: None,
        }
    }

    /// The same budget for one thread that reads several leaves at once: the pages of all readers
    /// that use this handle, or clones of it, count together.
    #[must_use]
    pub fn group(&self) -> Self {
        Self {
            shares: Arc::clone(&self.shares),
            group: Some(Arc::default()),
        }
    }

    /// Shares out what the process doesn't hold by now, but for `kept` bytes that it is going to, and
    /// `each` that every worker will.
    pub fn share_out(&self, kept: u64, each: u64) {
        let each = each.saturating_add(WORKER_BYTES);
        let shares = &self.shares;
        let held = resident_memory_bytes().saturating_add(kept);
        let rest = shares.budget.saturating_sub(held);
        let available = rest - rest / ALLOCATOR_SHARE;
        let workers = self.workers_of(available, each);
        let mut pool = available.saturating_sub((workers as u64).saturating_mul(each));
        let mut window = WINDOW_BYTES[0];
        if pool / workers as u64 >= WIDE_WINDOW_FROM - WORKER_BYTES {
            window = WINDOW_BYTES[1];
            pool -= workers as u64 * (WINDOW_BYTES[1] - WINDOW_BYTES[0]);
        }
        shares.available.store(available, Ordering::Relaxed);
        shares.workers.store(workers, Ordering::Relaxed);
        shares.window.store(window, Ordering::Relaxed);
        let pages = WORKER_PAGE_BYTES + pool / 2;
        shares.pages.store(pages, Ordering::Relaxed);
        shares.columns.store(pool / 2, Ordering::Relaxed);
        shares.is_shared.store(true, Ordering::Relaxed);
    }

    /// The same for workers that only read: several leaves each, as a [group](Self::group).
    pub fn share_out_to_readers(&self, kept: u64) {
        let held = resident_memory_bytes().saturating_add(kept);
        let rest = self.shares.budget.saturating_sub(held);
        let available = rest - rest / ALLOCATOR_SHARE;
        let workers = self.workers_of(available, READER_BYTES);
        self.shares.available.store(available, Ordering::Relaxed);
        self.assign(
            workers,
            available.saturating_sub(workers as u64 * READER_BYTES),
        );
    }

    /// Takes it from somebody else who shared it out: so many workers, and so many bytes of large
    /// pages for all of them.
    pub fn assign(&self, workers: usize, large_pages: u64) {
        let shares = &self.shares;
        shares.workers.store(workers, Ordering::Relaxed);
        let pages = WORKER_PAGE_BYTES + large_pages;
        shares.pages.store(pages, Ordering::Relaxed);
        shares.is_shared.store(true, Ordering::Relaxed);
    }

    fn workers_of(&self, available: u64, bytes_each: u64) -> usize {
        let room = usize::try_from(available / bytes_each.max(1)).unwrap_or(usize::MAX);
        room.clamp(1, self.shares.threads)
    }

    /// How many threads there is room for.
    pub fn workers(&self) -> usize {
        self.shares.workers.load(Ordering::Relaxed)
    }

    /// The same if each of them takes `bytes` and nothing else is held.
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if there isn't room for one.
    pub fn workers_taking(&self, bytes: u64, what: impl FnOnce() -> String) -> Result<usize> {
        let available = self.available();
        if bytes > available {
            return Err(self.refused(what(), bytes - available));
        }
        Ok(self.workers_of(available, bytes))
    }

    /// Makes sure that there is room for a worker that holds `bytes`, if any, beside its buffers.
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if there isn't.
    pub fn check_worker_fits(&self, bytes: u64, what: impl FnOnce() -> String) -> Result<()> {
        match bytes {
            0 => Ok(()),
            _ => self
                .workers_taking(bytes.saturating_add(WORKER_BYTES), what)
                .map(drop),
        }
    }

    /// The most bytes of a file that a reader may read with one read.
    pub fn window_bytes_max(&self) -> u64 {
        match self.group {
            None => self.shares.window.load(Ordering::Relaxed),
            // There are several of them.
            Some(_) => WINDOW_BYTES[0],
        }
    }

    /// Bytes that are left for all workers together.
    pub fn available(&self) -> u64 {
        self.shares.available.load(Ordering::Relaxed)
    }

    /// The permit for pages that take `bytes` together; waits for others that have too much of the
    /// room. Small pages need none.
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if they don't fit, alone or with the others of their group.
    pub fn pages(&self, bytes: u64, what: impl FnOnce() -> String) -> Result<PagePermit> {
        let allowed = self.shares.pages.load(Ordering::Relaxed);
        let Some(group) = &self.group else {
            if bytes > allowed {
                return Err(self.refused_pages(what(), bytes - allowed));
            }
            let large = bytes.saturating_sub(WORKER_PAGE_BYTES);
            self.take_large(large, allowed - WORKER_PAGE_BYTES);
            return Ok(PagePermit {
                memory: self.clone(),
                bytes: large,
            });
        };
        let mut group = lock(group);
        let together = group.bytes.saturating_add(bytes);
        if together > allowed {
            return Err(self.refused_pages(what(), together - allowed));
        }
        if together > WORKER_PAGE_BYTES && group.large == 0 {
            group.large = allowed - WORKER_PAGE_BYTES;
            self.take_large(group.large, group.large);
        }
        group.bytes = together;
        Ok(PagePermit {
            memory: self.clone(),
            bytes,
        })
    }

    /// The permit for decoding a footer that takes `bytes`. Once the budget is shared out, footers have
    /// their share.
    ///
    /// # Errors
    /// [`ErrorKind::Budget`] if it doesn't fit.
    pub fn footer(&self, bytes: u64, what: impl FnOnce() -> String) -> Result<Option<PagePermit>> {
        let room = self.shares.budget / 2;
        if bytes > room {
            return Err(self.refused(what(), (bytes - room).saturating_mul(2)));
        }
        if self.shares.is_shared.load(Ordering::Relaxed) {
            return Ok(None);
        }
        self.take_large(bytes, room);
        let memory = Self {
            shares: Arc::clone(&self.shares),
            group: None,
        };
        Ok(Some(PagePermit { memory, bytes }))
    }

    /// The most bytes that pages held by one worker may take.
    pub fn page_bytes_max(&self) -> u64 {
        self.shares.pages.load(Ordering::Relaxed)
    }

    /// The error of something that was found to take so many bytes more than it was given.
    pub fn too_few_for(&self, what: String, missing: u64) -> Error {
        // A quarter of the room for pages goes to what isn't known beforehand.
        self.refused_pages(what, missing.saturating_mul(4))
    }

    fn take_large(&self, bytes: u64, room: u64) {
        if bytes == 0 {
            return;
        }
        let mut held = lock(&self.shares.large_pages);
        while *held > 0 && held.saturating_add(bytes) > room {
            let wait = self.shares.large_pages_fewer.wait(held);
            held = wait.unwrap_or_else(PoisonError::into_inner);
        }
        *held += bytes;
    }

    fn give_large(&self, bytes: u64) {
        if bytes > 0 {
            *lock(&self.shares.large_pages) -= bytes;
            self.shares.large_pages_fewer.notify_all();
        }
    }

    /// A permit for `bytes` of a column that waits for its turn, if there are that many left.
    pub fn take(&self, bytes: u64) -> Option<Permit> {
        let left = |free: u64| free.checked_sub(bytes);
        let columns = &self.shares.columns;
        columns
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .ok()?;
        Some(Permit {
            memory: self.clone(),
            bytes,
        })
    }

    /// The error of pages that are `missing` bytes too large.
    fn refused_pages(&self, what: String, missing: u64) -> Error {
        // With more memory, more workers would come first, with wider windows.
        let threads = self.shares.threads as u64;
        let workers = threads * (WORKER_BYTES + WINDOW_BYTES[1]);
        self.refused(what, workers.saturating_add(missing.saturating_mul(2)))
    }

    /// The error of something that is `missing` bytes too large.
    fn refused(&self, what: String, missing: u64) -> Error {
        let allowed = self.shares.budget;
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
            .shares
            .columns
            .fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// The right to hold pages, until this is dropped.
#[derive(Debug)]
pub struct PagePermit {
    memory: Memory,
    /// Those of the group, or what is large of them.
    bytes: u64,
}

impl Drop for PagePermit {
    fn drop(&mut self) {
        let Some(group) = &self.memory.group else {
            return self.memory.give_large(self.bytes);
        };
        let mut group = lock(group);
        group.bytes -= self.bytes;
        if group.bytes <= WORKER_PAGE_BYTES {
            self.memory.give_large(std::mem::take(&mut group.large));
        }
    }
}

/// What a lock guards is only ever changed in whole steps, so a poisoned one still guards it well.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
