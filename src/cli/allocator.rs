//! The allocator's one setting: how long it keeps memory that was given back.
//!
//! Memory kept is memory that the budget has to pay for; memory given back comes again as fresh pages
//! that the kernel has to zero. On 690 MiB of Parquet, two threads: kept for a second, which is the
//! allocator's own default, 2.2 CPU seconds at a peak of 127 MiB; given back at once, 5 at 59 MiB.
//! So it is given back at once only where the budget is tight.

use std::ffi::c_long;

use prep_stream::spec::Resources;

/// Below this budget a thread, nothing is kept.
const KEEPING_FROM: u64 = 128 << 20;
/// `mi_option_purge_delay` of `mimalloc.h`, in milliseconds, which the bindings don't name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Fits the allocator to a run's budget; called once, before the run starts any thread.
pub(super) fn suit(resources: Resources) {
    if let Some(milliseconds) = purge_delay(resources) {
        set_purge_delay(milliseconds);
    }
}

/// How long memory is kept, if not as long as the allocator's default is.
fn purge_delay(resources: Resources) -> Option<c_long> {
    let each = resources.memory_bytes_max / resources.threads.max(1) as u64;
    (each < KEEPING_FROM).then_some(0)
}

#[expect(
    unsafe_code,
    reason = "the allocator's C interface is the only way to its settings; bindings declare it unsafe"
)]
fn set_purge_delay(milliseconds: c_long) {
    // SAFETY: `mi_option_set` (options.c) ignores an index outside its table, and else stores the
    // number and a mark in a static array: it takes no pointer, allocates nothing, and holds for any
    // number. Both are plain stores, so no other thread may allocate meanwhile: the one caller runs
    // on the main thread before the first other one is started; signals are handlers, no thread. That
    // the index is the one that is meant is seen by its default in the test below.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, milliseconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "reads the setting through the same interface")]
    fn the_setting_is_the_one_that_is_meant() {
        // SAFETY: `mi_option_get` reads a number from a static array, which nothing here writes to.
        let default = unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(default, 1000, "the default in options.c");
    }

    #[test]
    fn memory_is_given_back_at_once_only_where_it_is_short() {
        let delay = |threads, mib: u64| {
            purge_delay(Resources {
                threads,
                memory_bytes_max: mib << 20,
            })
        };
        assert_eq!(delay(2, 4096), None);
        assert_eq!(delay(2, 256), None);
        assert_eq!(delay(2, 255), Some(0));
        assert_eq!(delay(0, 72), Some(0));
    }
}
