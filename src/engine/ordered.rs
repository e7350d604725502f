//! `Ordered`: work in parallel, results in order, a bound on how far ahead the work may run.
//!
//! The one way this crate uses threads. Workers take indices in order; the caller's thread consumes
//! results in order, and may leave to the workers what remains to be done with them, in any order. A worker
//! that got too far ahead waits, so that finished results don't pile up. The error that is returned is that
//! of the lowest index, whatever the number of threads: every index below it was handed out before it; or
//! that of what was left to the workers.

use std::collections::VecDeque;
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

/// What is left to be done with a result.
type Rest = Box<dyn FnOnce() -> Result<()> + Send>;

/// What a consumer is given.
pub struct Feed<'a, R> {
    next: &'a mut dyn FnMut() -> Result<R>,
    later: &'a dyn Fn(Rest) -> Result<()>,
}

impl<R> std::fmt::Debug for Feed<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl<R> Feed<'_, R> {
    /// The next result.
    ///
    /// # Errors
    /// Those of what makes it, and of what was left to the workers.
    pub fn take(&mut self) -> Result<R> {
        (self.next)()
    }

    /// Has any thread do `rest`, before it makes further results.
    ///
    /// # Errors
    /// Those of `rest`, if there is but this thread; others are returned later.
    pub fn later(&self, rest: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        (self.later)(Box::new(rest))
    }
}

struct State<R> {
    next: usize,
    consumed: usize,
    ready: Vec<Option<Result<R>>>,
    rests: VecDeque<Rest>,
    /// What one of them has failed with.
    error: Option<Error>,
    end: Option<End>,
}

/// Why there is nothing more to be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Consumed,
    Failed,
}

/// What a thread does next.
enum Turn {
    Rest(Rest),
    Produce(usize),
    End,
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
        self.feed(produce, |feed| {
            (0..self.count).try_for_each(|index| consume(index, feed.take()?))
        })
    }

    /// Runs `produce` for every index, on any thread, and `consume` once, which takes the results, of which there
    /// are [`count`](Self::count), from what it is given. All that it leaves to the workers is done at the end.
    ///
    /// A panic in either is an error like any other.
    ///
    /// # Errors
    /// The first error in order of indices, of either function; a request to stop.
    pub fn feed<R: Send>(
        &self,
        produce: impl Fn(usize) -> Result<R> + Sync,
        consume: impl FnOnce(&mut Feed<'_, R>) -> Result<()>,
    ) -> Result<()> {
        let produce = |index| {
            self.cancel.check()?;
            guarded(|| produce(index))
        };
        let mut indices = 0..;
        let threads = self.threads.min(self.count);
        if threads <= 1 {
            let next = &mut || produce(indices.next().unwrap_or_default());
            let later = &|rest: Rest| rest();
            return guarded(|| consume(&mut Feed { next, later }));
        }
        let window = threads * AHEAD_PER_THREAD;
        let shared = Shared {
            state: Mutex::new(State {
                next: 0,
                consumed: 0,
                ready: (0..window).map(|_| None).collect(),
                rests: VecDeque::new(),
                error: None,
                end: None,
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
            let next = &mut || shared.take(indices.next().unwrap_or_default());
            let later = &|rest| {
                shared.leave(rest);
                Ok(())
            };
            let done = guarded(|| consume(&mut Feed { next, later }));
            shared.end(if done.is_ok() {
                End::Consumed
            } else {
                End::Failed
            });
            // What is left is for this thread as well.
            shared.work(self.count, &produce);
            done
        })?;
        let error = shared.lock().error.take();
        error.map_or(Ok(()), Err)
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
            match self.turn(count) {
                Turn::End => return,
                Turn::Rest(rest) => {
                    if let Err(error) = guarded(rest) {
                        let mut state = self.lock();
                        state.error.get_or_insert(error);
                        state.end = Some(End::Failed);
                    }
                }
                Turn::Produce(index) => {
                    let result = produce(index);
                    let mut state = self.lock();
                    if result.is_err() {
                        state.end = Some(End::Failed);
                    }
                    let slot = index % state.ready.len();
                    state.ready[slot] = Some(result);
                }
            }
            self.changed.notify_all();
        }
    }

    fn turn(&self, count: usize) -> Turn {
        let mut state = self.lock();
        loop {
            if state.end == Some(End::Failed) {
                return Turn::End;
            }
            if let Some(rest) = state.rests.pop_front() {
                return Turn::Rest(rest);
            }
            if state.end.is_some() {
                return Turn::End;
            }
            if state.next < count && state.next < state.consumed + state.ready.len() {
                state.next += 1;
                return Turn::Produce(state.next - 1);
            }
            state = self.wait(state);
        }
    }

    fn leave(&self, rest: Rest) {
        self.lock().rests.push_back(rest);
        self.changed.notify_all();
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
            if let Some(error) = state.error.take() {
                return Err(error);
            }
            state = self.wait(state);
        }
    }

    fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
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
mod tests;
