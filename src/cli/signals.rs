//! SIGINT, SIGTERM and SIGHUP: the first asks the run to stop, the second ends the process at once.
//!
//! A signal that the process was started with ignored (`nohup`, a shell's background job) stays so.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use prep_stream::engine::Cancel;
use prep_stream::error::Result;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use super::output_error;

/// Makes the signals store their number in `cancel`.
pub(super) fn install(cancel: &Cancel) -> Result<()> {
    // Else a limit on the size of files would end the process without a word; as an error of the
    // write it has a place.
    flag::register(SIGXFSZ, Arc::default())
        .map_err(|source| output_error("install a signal handler", source))?;
    let ignored = ignored_mask();
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        if ignored & (1 << (signal - 1)) != 0 {
            continue;
        }
        let number = usize::try_from(signal).unwrap_or(0);
        // Handlers of one signal run in the order of registration: the shutdown looks at the flag
        // before this signal sets it.
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&is_second))
            .and_then(|_| flag::register_usize(signal, cancel.cell(), number))
            .and_then(|_| flag::register(signal, Arc::clone(&is_second)))
            .map_err(|source| output_error("install a signal handler", source))?;
    }
    Ok(())
}

/// Bit `n - 1` is set where signal `n` is ignored; 0 where the system doesn't say.
fn ignored_mask() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    parse_ignored(&status)
}

fn parse_ignored(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_is_read() {
        let status = "Name:\tprep\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert_eq!(parse_ignored(status), 0x1001);
        assert_eq!(parse_ignored(""), 0);
    }
}
