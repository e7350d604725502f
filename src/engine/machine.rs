//! What the machine allows: processors and memory, the tightest of hardware and control groups.

use std::fs;
use std::path::{Path, PathBuf};

/// Used where the machine doesn't say how much memory it has.
const MEMORY_UNKNOWN: u64 = 2 << 30;

/// Worker threads by default: what affinity and control groups leave of the processors.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Bytes of memory by default: three quarters of the tightest limit found.
pub fn memory_bytes_default() -> u64 {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = group_limit_files(&groups, Path::new("/sys/fs/cgroup"));
    let tightest = limits
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
        .chain(machine_memory())
        .min()
        .unwrap_or(MEMORY_UNKNOWN);
    tightest / 4 * 3
}

/// Bytes of memory by default of one process of several, each with so many threads.
pub fn memory_bytes_share(threads: usize) -> u64 {
    share(memory_bytes_default(), threads, self::threads())
}

fn share(bytes: u64, threads: usize, of: usize) -> u64 {
    let (threads, of) = (threads.clamp(1, of) as u64, of as u64);
    // Not their product first: it may not fit.
    bytes / of * threads
}

fn machine_memory() -> Option<u64> {
    let info = rustix::system::sysinfo();
    let bytes = info.totalram.checked_mul(u64::from(info.mem_unit))?;
    (bytes > 0).then_some(bytes)
}

/// The files that may hold a limit: of the process's group and of every group above it, since each
/// binds. Files that don't exist, as with a container's own view of the tree, say nothing.
fn group_limit_files(groups: &str, mount: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let (root, names): (PathBuf, &[&str]) = if controllers.is_empty() {
            (mount.to_owned(), &["memory.max", "memory.high"])
        } else if controllers.split(',').any(|name| name == "memory") {
            (mount.join("memory"), &["memory.limit_in_bytes"])
        } else {
            continue;
        };
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            files.extend(names.iter().map(|name| root.join(group).join(name)));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_up_to_the_root_binds() {
        let cases: [(&str, &[&str]); 3] = [
            (
                "0::/a/b",
                &[
                    "a/b/memory.max",
                    "a/b/memory.high",
                    "a/memory.max",
                    "a/memory.high",
                    "memory.max",
                    "memory.high",
                ],
            ),
            (
                "5:cpu:/x\n4:memory:/x\n",
                &[
                    "memory/x/memory.limit_in_bytes",
                    "memory/memory.limit_in_bytes",
                ],
            ),
            ("nonsense", &[]),
        ];
        for (groups, expected) in cases {
            let expected: Vec<PathBuf> = expected
                .iter()
                .map(|file| Path::new("/m").join(file))
                .collect();
            assert_eq!(
                group_limit_files(groups, Path::new("/m")),
                expected,
                "{groups}"
            );
        }
    }

    #[test]
    fn processes_share_memory_by_their_threads() {
        assert_eq!(share(1 << 30, 1, 4), 1 << 28);
        assert_eq!(share(1 << 30, 4, 4), 1 << 30);
        // More threads than processors take no more than there is.
        assert_eq!(share(1 << 30, 9, 4), 1 << 30);
        assert_eq!(share(u64::MAX, 2, 2), u64::MAX - 1);
    }

    #[test]
    fn the_default_budget_is_positive() {
        assert!(memory_bytes_default() > 0);
        assert!(threads() > 0);
    }
}
