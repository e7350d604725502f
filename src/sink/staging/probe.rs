//! What the filesystem can do, found out by doing it in the staging directory before any work.

use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::super::files::{create_directory, io_error, remove};
use crate::error::Result;

/// Which renames the filesystem has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sink) struct RenameSupport {
    /// One that refuses to replace anything.
    pub(in crate::sink) no_replace: bool,
    /// One that exchanges two names.
    pub(in crate::sink) exchange: bool,
}

impl RenameSupport {
    /// Nothing is known to work.
    pub(super) const NONE: Self = Self {
        no_replace: false,
        exchange: false,
    };
}

/// Renames two directories to and fro.
pub(super) fn rename_support(staging: &Path) -> Result<RenameSupport> {
    let [first, second, third] = ["probe-1", "probe-2", "probe-3"].map(|name| staging.join(name));
    create_directory(&first)?;
    create_directory(&second)?;
    let no_replace = supports(&first, &third, RenameFlags::NOREPLACE)?;
    let partner = if no_replace { &third } else { &first };
    let exchange = supports(partner, &second, RenameFlags::EXCHANGE)?;
    for path in [&first, &second, &third] {
        remove(path, true)?;
    }
    Ok(RenameSupport {
        no_replace,
        exchange,
    })
}

fn supports(from: &Path, to: &Path, flags: RenameFlags) -> Result<bool> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, flags) {
        Ok(()) => Ok(true),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(false),
        Err(source) => Err(io_error(
            "rename in the staging directory",
            from,
            source.into(),
        )),
    }
}

/// Bytes that this user may still write.
pub(super) fn free_bytes(path: &Path) -> Result<u64> {
    let stat = rustix::fs::statvfs(path)
        .map_err(|source| io_error("read the free space", path, source.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
