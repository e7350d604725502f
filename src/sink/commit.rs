//! The commit: everything on disk first, then one rename, so that `OUT` is wholly old or wholly new.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use super::files::{io_error, remove, sync_directory, sync_tree, write_synced};
use super::staging::{Destination, OLD, Occupant, RenameSupport};
use crate::engine::Cancel;
use crate::error::{Error, OutputError, Place, Result};
use crate::spec::Overwrite;

/// The hint of an error that comes after the rename.
pub(super) const COMPLETE: &str =
    "the output is complete; only its staging directory is left to remove";

/// The hint of an error between the rename and its being on disk.
const NOT_DURABLE: &str = "the output is in place, but a power cut may undo that";

/// Puts `out` in the destination's place; an old generation ends up in the staging directory. `cancel`
/// is looked at before every sync, each of which may take long, and for the last time before the rename.
pub(super) fn publish(
    destination: &Destination,
    out: &Path,
    (overwrite, renames): (Overwrite, RenameSupport),
    cancel: &Cancel,
) -> Result<()> {
    let occupant = destination.occupant()?;
    write_synced(&out.join("_SUCCESS"), b"")?;
    keep_permissions(destination, occupant, out)?;
    sync_tree(out, cancel)?;
    sync_directory(&destination.staging)?;
    cancel.check()?;
    match (occupant, overwrite) {
        (Occupant::Nothing, _) => move_in(destination, out, renames.no_replace)?,
        (Occupant::Empty, _) => move_in(destination, out, false)?,
        (Occupant::Ours, Overwrite::Exchange) => exchange(destination, out)?,
        (Occupant::Ours, Overwrite::TwoStep) => replace_in_two_steps(destination, out, renames)?,
        (Occupant::Ours, Overwrite::Never) | (Occupant::Foreign, _) => {
            return Err(appeared(destination));
        }
    }
    sync_directory(&destination.parent).map_err(|error| error.hint(NOT_DURABLE))
}

/// Takes back the old generation if a run ended between the two steps.
///
/// # Errors
/// When something else is in its place by now; the old generation then stays where it is.
pub(super) fn restore_old(destination: &Destination) -> Result<()> {
    let old = destination.staging.join(OLD);
    if !old.is_dir() {
        return Ok(());
    }
    if !matches!(destination.occupant()?, Occupant::Nothing | Occupant::Empty) {
        return Err(Error::from(OutputError::OldInTheWay)
            .at(Place::path(&old))
            .hint("it is the only copy of the earlier output: move it or the new one elsewhere"));
    }
    fs::rename(&old, &destination.output)
        .map_err(|source| io_error("put the old output back", &destination.given, source))?;
    sync_directory(&destination.parent)
}

/// Renames onto nothing or an empty directory; the kernel refuses anything else.
fn move_in(destination: &Destination, out: &Path, no_replace: bool) -> Result<()> {
    let flags = if no_replace {
        RenameFlags::NOREPLACE
    } else {
        RenameFlags::empty()
    };
    rustix::fs::renameat_with(CWD, out, CWD, &destination.output, flags).map_err(
        |errno| match errno {
            Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR => appeared(destination),
            _ => io_error(
                "rename the output into place",
                &destination.given,
                errno.into(),
            ),
        },
    )
}

fn exchange(destination: &Destination, out: &Path) -> Result<()> {
    rustix::fs::renameat_with(CWD, out, CWD, &destination.output, RenameFlags::EXCHANGE).map_err(
        |errno| {
            io_error(
                "exchange old and new output",
                &destination.given,
                errno.into(),
            )
        },
    )
}

fn replace_in_two_steps(
    destination: &Destination,
    out: &Path,
    renames: RenameSupport,
) -> Result<()> {
    let old = destination.staging.join(OLD);
    fs::rename(&destination.output, &old)
        .map_err(|source| io_error("move the old output away", &destination.given, source))?;
    if let Err(error) = move_in(destination, out, renames.no_replace) {
        return Err(restore_old(destination).err().unwrap_or(error));
    }
    // Durable before the old one goes; and renamed first, so that no later run takes it back.
    sync_directory(&destination.parent).map_err(|error| error.hint(NOT_DURABLE))?;
    let replaced = destination.staging.join("replaced");
    fs::rename(&old, &replaced)
        .map_err(|source| io_error("put the old output aside", &old, source).hint(COMPLETE))?;
    remove(&replaced, true).map_err(|error| error.hint(COMPLETE))
}

/// A directory that is replaced hands its permissions on, unless they would keep us from renaming.
fn keep_permissions(destination: &Destination, occupant: Occupant, out: &Path) -> Result<()> {
    if occupant == Occupant::Nothing {
        return Ok(());
    }
    let permissions = fs::metadata(&destination.output)
        .map_err(|source| io_error("look at the output", &destination.given, source))?
        .permissions();
    if permissions.mode() & 0o700 != 0o700 {
        return Ok(());
    }
    fs::set_permissions(out, permissions)
        .map_err(|source| io_error("set the output's permissions", out, source))
}

fn appeared(destination: &Destination) -> Error {
    Error::from(OutputError::Appeared)
        .at(Place::path(&destination.given))
        .hint("remove it or choose another --out, then run again")
}
