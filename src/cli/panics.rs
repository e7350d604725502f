//! Panics: no text of theirs reaches the user; one that nobody caught becomes "internal error".
//!
//! Workers' panics are turned into errors by the engine; what arrives here is a defect of the program.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// Exit code of an internal error: `EX_SOFTWARE` of sysexits, outside the codes that mean something.
pub(super) const EXIT_CODE: u8 = 70;

/// Where the last panic happened, `file:line`.
static LAST_PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Replaces the default hook by one that remembers the place and prints nothing.
pub(super) fn silence() {
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map(|at| format!("{}:{}", at.file(), at.line()));
        if let Ok(mut last) = LAST_PLACE.lock() {
            *last = place;
        }
    }));
}

/// Runs to the end or to a panic, whose place it returns.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Nothing is looked at after a panic but its place, so no broken invariant can be seen.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_payload| {
        let last = LAST_PLACE.lock().ok().and_then(|mut last| last.take());
        last.unwrap_or_else(|| "an unknown place".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_a_place() {
        assert_eq!(catch(|| 1), Ok(1));
        let caught = catch(|| Vec::<u8>::with_capacity(usize::MAX));
        assert!(caught.is_err());
    }
}
