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

/// Fits the allocator to a run's budget; called before the run starts any thread.
pub(super) fn suit(resources: Resources) {
    let each = resources.memory_bytes_max / resources.threads.max(1) as u64;
    if each < KEEPING_FROM {
        set_purge_delay(0);
    }
}

#[expect(
    unsafe_code,
    reason = "the allocator's C interface is the only way to its settings; bindings declare it unsafe"
)]
fn set_purge_delay(milliseconds: c_long) {
    // SAFETY: `mi_option_set` stores an integer in a static table and touches no memory of ours; the
    // option is one of the enumeration's, as the test below checks by its default.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, milliseconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        unsafe_code,
        reason = "reads the setting back through the same interface"
    )]
    fn the_setting_is_the_one_that_is_meant() {
        // SAFETY: reads an integer from a static table.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        let default = delay();
        assert_eq!(default, 1000, "the default in options.c");
        let resources = |mib: u64| Resources {
            threads: 2,
            memory_bytes_max: mib << 20,
        };
        suit(resources(4096));
        assert_eq!(delay(), default);
        suit(resources(128));
        assert_eq!(delay(), 0);
    }
}
