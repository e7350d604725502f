//! What the process uses, and has used so far.

/// The largest resident set of this process until now, in bytes; 0 where the system doesn't say.
pub fn peak_memory_bytes() -> u64 {
    status("VmHWM:")
}

/// The resident set of this process, in bytes; 0 where the system doesn't say.
pub fn resident_memory_bytes() -> u64 {
    status("VmRSS:")
}

/// What this process has mapped to write to, in bytes, most of which the allocator only holds ready.
pub(super) fn data_bytes() -> u64 {
    status("VmData:")
}

fn status(field: &str) -> u64 {
    const KIB: u64 = 1024;
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
        })
        .map_or(0, |kib| kib * KIB)
}
