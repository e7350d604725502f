//! `Ordered`: work in parallel, results in order, a bound on how far ahead the work may run.
//!
//! The one way this crate uses threads. Workers take indices in order; the caller's thread consumes
//! results in order. A worker that got too far ahead waits, so that finished results don't pile up.
//! The error that is returned is that of the lowest index, whatever the number of threads: every
//! index below it was handed out before it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::Cancel;
use crate::error::{DataError, Error, InputError, Result};

/// How many results may wait for each thread's next turn.
const AHEAD_PER_THREAD: usize = 2;

/// A number of independent pieces of work.
#[derive(Debug, Clone)]
pub struct Ordered<'a> {
    /// Worker threads; 1 works in the caller's thread.
    pub threads: usize,
    /// Pieces of work.
    pub count: usize,
    /// Asked before each piece.
    pub cancel: &'a Cancel,
}

struct State<R> {
    next: usize,
    consumed: usize,
    failed: bool,
    ready: Vec<Option<Result<R>>>,
}

struct Shared<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
}

impl Ordered<'_> {
    /// Runs `produce` for every index, on any thread, and `consume` for every result, in order.
    ///
    /// A panic in either is an error like any other.
    ///
    /// # Errors
    /// The first error in order of indices, of either function; a request to stop.
    pub fn run<R: Send>(
        &self,
        produce: impl Fn(usize) -> Result<R> + Sync,
        mut consume: impl FnMut(usize, R) -> Result<()>,
    ) -> Result<()> {
        self.feed(produce, |next| {
            (0..self.count).try_for_each(|index| consume(index, next()?))
        })
    }

    /// Runs `produce` for every index, on any thread, and `consume` once: each call of the function that it is
    /// given returns the next result, of which there are [`count`](Self::count).
    ///
    /// A panic in either is an error like any other.
    ///
    /// # Errors
    /// The first error in order of indices, of either function; a request to stop.
    pub fn feed<R: Send>(
        &self,
        produce: impl Fn(usize) -> Result<R> + Sync,
        consume: impl FnOnce(&mut dyn FnMut() -> Result<R>) -> Result<()>,
    ) -> Result<()> {
        let produce = |index| {
            self.cancel.check()?;
            guarded(|| produce(index))
        };
        let mut indices = 0..;
        let threads = self.threads.min(self.count);
        if threads <= 1 {
            return guarded(|| consume(&mut || produce(indices.next().unwrap_or_default())));
        }
        let window = threads * AHEAD_PER_THREAD;
        let shared = Shared {
            state: Mutex::new(State {
                next: 0,
                consumed: 0,
                failed: false,
                ready: (0..window).map(|_| None).collect(),
            }),
            changed: Condvar::new(),
        };
        thread::scope(|scope| {
            for worker in 0..threads {
                let work = || shared.work(self.count, &produce);
                let started = thread::Builder::new()
                    .name(format!("prep-worker-{worker}"))
                    .spawn_scoped(scope, work);
                if let (Err(source), 0) = (started, worker) {
                    // One worker is enough; none at all is an error of the run.
                    return Err(Error::from(InputError::Io {
                        action: "start a worker thread",
                        source,
                    }));
                }
            }
            let mut next = || shared.take(indices.next().unwrap_or_default());
            let done = guarded(|| consume(&mut next));
            shared.stop();
            done
        })
    }

    /// Runs `produce` for every index and returns the results in order.
    ///
    /// # Errors
    /// As [`Ordered::run`].
    pub fn collect<R: Send>(&self, produce: impl Fn(usize) -> Result<R> + Sync) -> Result<Vec<R>> {
        let mut results = Vec::with_capacity(self.count);
        self.run(produce, |_, result| {
            results.push(result);
            Ok(())
        })?;
        Ok(results)
    }
}

impl<R> Shared<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        // The state is only ever changed in whole steps, so a poisoned lock still guards a valid one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<R>>) -> MutexGuard<'a, State<R>> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, count: usize, produce: &impl Fn(usize) -> Result<R>) {
        loop {
            let mut state = self.lock();
            while !state.failed
                && state.next < count
                && state.next >= state.consumed + state.ready.len()
            {
                state = self.wait(state);
            }
            if state.failed || state.next >= count {
                return;
            }
            let index = state.next;
            state.next += 1;
            drop(state);
            let result = produce(index);
            let mut state = self.lock();
            state.failed |= result.is_err();
            let slot = index % state.ready.len();
            state.ready[slot] = Some(result);
            drop(state);
            self.changed.notify_all();
        }
    }

    fn take(&self, index: usize) -> Result<R> {
        let mut state = self.lock();
        let slot = index % state.ready.len();
        loop {
            if let Some(result) = state.ready[slot].take() {
                state.consumed = index + 1;
                drop(state);
                self.changed.notify_all();
                return result;
            }
            state = self.wait(state);
        }
    }

    fn stop(&self) {
        self.lock().failed = true;
        self.changed.notify_all();
    }
}

/// Runs `work`; a panic in it, of a decoder for example, becomes an error of the run.
///
/// # Errors
/// Those of `work`, and [`DataError::Decoder`] for a panic.
pub fn guarded<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let detail = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no detail");
        Err(DataError::Decoder {
            detail: detail.to_string(),
        }
        .into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(threads: usize, count: usize, fails: &[usize]) -> Result<Vec<usize>> {
        let cancel = Cancel::default();
        Ordered {
            threads,
            count,
            cancel: &cancel,
        }
        .collect(|index| {
            if fails.contains(&index) {
                return Err(InputError::NoFiles {
                    searched: index as u64,
                }
                .into());
            }
            if index % 7 == 0 {
                thread::sleep(std::time::Duration::from_micros(300));
            }
            Ok(index * index)
        })
    }

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        let expected: Vec<usize> = (0..100).map(|index| index * index).collect();
        for threads in [1, 2, 3, 8, 200] {
            assert_eq!(run(threads, 100, &[]).unwrap(), expected);
        }
        assert!(run(4, 0, &[]).unwrap().is_empty());
    }

    #[test]
    fn the_first_error_in_order_is_returned() {
        for threads in [1, 2, 8] {
            let error = run(threads, 100, &[90, 63, 21]).unwrap_err();
            assert_eq!(error.to_string(), "no input files found among 21 entries");
        }
    }

    #[test]
    fn a_panic_is_an_error() {
        let cancel = Cancel::default();
        for threads in [1, 4] {
            let error = Ordered {
                threads,
                count: 9,
                cancel: &cancel,
            }
            .collect(|index| {
                assert!(index != 5, "five");
                Ok(index)
            })
            .unwrap_err();
            assert_eq!(error.to_string(), "cannot decode the data: five");
        }
    }

    #[test]
    fn a_failing_consumer_stops_the_workers() {
        let cancel = Cancel::default();
        let ordered = Ordered {
            threads: 4,
            count: 10_000,
            cancel: &cancel,
        };
        let error = ordered.run(Ok, |index, _| match index {
            3 => Err(InputError::NoFiles { searched: 3 }.into()),
            _ => Ok(()),
        });
        assert_eq!(error.unwrap_err().exit_code(), 3);
    }

    #[test]
    fn a_request_to_stop_ends_the_run() {
        let cancel = Cancel::default();
        cancel
            .cell()
            .store(15, std::sync::atomic::Ordering::Relaxed);
        let error = Ordered {
            threads: 2,
            count: 5,
            cancel: &cancel,
        }
        .collect(Ok)
        .unwrap_err();
        assert_eq!(error.exit_code(), 143);
    }
}
