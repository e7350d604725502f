//! The lock of one output: `.OUT.prep/lock`, held by the kernel for as long as its owner lives.
//!
//! The file also says who holds it. The kernel's lock is authoritative on this machine; where two
//! machines share a filesystem that keeps locks to each of them, the file's content decides: a lock
//! that names another machine is never judged dead, but by whoever says `--break-lock`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::files::{create_directory, io_error, sync_file};
use crate::artifact::JobId;
use crate::error::{Error, ErrorKind, OutputError, Place, Result, escape_path};

/// The lock's name in the staging directory.
pub(super) const LOCK_NAME: &str = "lock";
/// How often a lock is tried again whose file its last owner removed meanwhile.
const ATTEMPTS_MAX: u32 = 100;
/// Longest content that is read.
const CONTENT_BYTES_MAX: u64 = 4096;
const PAUSE: Duration = Duration::from_millis(20);

/// A lock that is held until it is released or dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    content: Content,
}

/// What the lock file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    #[serde(flatten)]
    owner: Owner,
    /// Kept from owner to owner until the staging directory is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    publishing: Option<Publishing>,
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    host: String,
    boot_id: String,
    pid: u32,
    started: String,
}

/// A directory that is about to become the output. Once it is the output, the run is complete,
/// whatever is left to tidy up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Publishing {
    /// The job whose output it is.
    pub(super) job: JobId,
    device: u64,
    inode: u64,
}

impl Publishing {
    /// `out` of `job`, not yet renamed.
    pub(super) fn new(job: &JobId, out: &Path) -> Result<Self> {
        let metadata = fs::symlink_metadata(out)
            .map_err(|source| io_error("look at the new output", out, source))?;
        Ok(Self {
            job: job.clone(),
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// What the lock of a staging directory says, whoever holds it.
    pub(super) fn recorded(staging: &Path) -> Option<Self> {
        let mut file = File::open(staging.join(LOCK_NAME)).ok()?;
        read_content(&mut file)?.publishing
    }

    /// Whether that directory is `output` by now.
    pub(super) fn is_done(&self, output: &Path) -> bool {
        fs::symlink_metadata(output)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == (self.device, self.inode))
    }
}

impl Lock {
    /// Makes the staging directory if need be and locks it, or says who has. With `is_broken`,
    /// another machine's lock counts as left behind.
    pub(super) fn acquire(staging: &Path, output: &Path, is_broken: bool) -> Result<Self> {
        let here = Owner::current();
        let path = staging.join(LOCK_NAME);
        for _ in 0..ATTEMPTS_MAX {
            create_directory(staging)?;
            refuse_foreign_directory(staging)?;
            let file = match open(&path) {
                Ok(file) => file,
                // Its last owner removed the directory in between.
                Err(source) if source.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(io_error("open the lock", &path, source)),
            };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let owner = read_owner_patiently(&path);
                    // A file server may keep the lock of a machine that is gone.
                    if is_broken && owner.as_ref().is_some_and(|owner| owner.is_foreign(&here)) {
                        replace_lock(&path)?;
                        continue;
                    }
                    return Err(locked(output, owner, &here));
                }
                Err(TryLockError::Error(source)) => {
                    return Err(io_error("lock the staging directory", &path, source)
                        .hint("choose an --out on a filesystem that has locks (flock)"));
                }
            }
            if still_at(&file, &path)? {
                return Self::take_over(file, path, output, here, is_broken);
            }
            thread::sleep(PAUSE);
        }
        Err(locked(output, None, &here))
    }

    /// Judges the last owner and writes the new one.
    fn take_over(
        mut file: File,
        path: PathBuf,
        output: &Path,
        here: Owner,
        is_broken: bool,
    ) -> Result<Self> {
        let last = read_content(&mut file);
        if let Some(Content { owner: last, .. }) = &last
            && last.is_foreign(&here)
            && !is_broken
        {
            return Err(locked(output, Some(last.clone()), &here));
        }
        let content = Content {
            owner: here,
            publishing: last.and_then(|last| last.publishing),
        };
        let mut lock = Self {
            file,
            path,
            content,
        };
        lock.write().inspect_err(|_| {
            // On a full disk nothing stays; but work of an earlier run keeps its lock's name.
            let staging = lock.path.parent().unwrap_or(Path::new("."));
            if fs::read_dir(staging).is_ok_and(|entries| entries.count() == 1) {
                fs::remove_file(&lock.path).unwrap_or_default();
            }
        })?;
        Ok(lock)
    }

    /// Makes sure that nobody has taken this lock away, as `--break-lock` on another machine does.
    pub(super) fn check_held(&self, output: &Path) -> Result<()> {
        if still_at(&self.file, &self.path)? {
            return Ok(());
        }
        let owner = read_owner_patiently(&self.path);
        Err(locked(output, owner, &self.content.owner)
            .hint("it has taken this run's lock with --break-lock; nothing was published here"))
    }

    /// Says on disk which directory is about to become the output, or that none is.
    pub(super) fn set_publishing(&mut self, publishing: Option<Publishing>) -> Result<()> {
        if self.content.publishing == publishing {
            return Ok(());
        }
        self.content.publishing = publishing;
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        let content = &self.content;
        let write = |file: &mut File| -> io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            // One call, so that a reader rarely sees a part.
            let mut line = serde_json::to_vec(content)?;
            line.push(b'\n');
            file.write_all(&line)
        };
        write(&mut self.file)
            .map_err(|source| io_error("write the lock", &self.path, source))
            .and_then(|()| sync_file(&self.file, &self.path))
    }

    /// Unlocks, and leaves a file without an owner: what is in the directory stays, for whoever
    /// comes next, on whichever machine.
    pub(super) fn leave(self) -> Result<()> {
        self.file
            .set_len(0)
            .map_err(|source| io_error("write the lock", &self.path, source))
    }

    /// Removes the file, then unlocks it, so that nobody can hold a lock without a name.
    pub(super) fn release(self) -> Result<()> {
        fs::remove_file(&self.path)
            .map_err(|source| io_error("remove the lock", &self.path, source))
    }
}

impl Owner {
    fn current() -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self {
            host: host_name(),
            boot_id: boot_id.trim().to_owned(),
            pid: std::process::id(),
            started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        }
    }

    /// Whether it runs, or ran, on another machine: then nobody here can know whether it is alive.
    /// The same name with another boot id is this machine before it was started again.
    fn is_foreign(&self, here: &Self) -> bool {
        self.host != here.host && (self.boot_id.is_empty() || self.boot_id != here.boot_id)
    }
}

/// The machine's name, as locks and run records give it.
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

/// Puts a copy, which nobody has locked, in the lock's place.
fn replace_lock(path: &Path) -> Result<()> {
    let copy = path.with_extension(std::process::id().to_string());
    fs::copy(path, &copy)
        .and_then(|_| fs::rename(&copy, path))
        .map_err(|source| io_error("break the lock", path, source))
}

/// Whether the path still names the open file, which a finishing run may have removed.
fn still_at(file: &File, path: &Path) -> Result<bool> {
    let open = file
        .metadata()
        .map_err(|source| io_error("look at the lock", path, source))?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io_error("look at the lock", path, source)),
    }
}

/// Refuses a directory of the staging directory's name that isn't one: it would be emptied.
fn refuse_foreign_directory(staging: &Path) -> Result<()> {
    // A finishing run removes the lock last; what it removes meanwhile may still be listed.
    for _ in 0..2 {
        match fs::symlink_metadata(staging) {
            Ok(metadata) if !metadata.is_dir() => break,
            Ok(_) => {}
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => {
                return Err(io_error("look at the staging directory", staging, source));
            }
        }
        match fs::read_dir(staging).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => {
                if entries.is_empty() || entries.iter().any(|entry| entry.file_name() == LOCK_NAME)
                {
                    return Ok(());
                }
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(io_error("list the directory", staging, source)),
        }
        thread::sleep(PAUSE);
    }
    Err(Error::from(OutputError::StagingTaken)
        .at(Place::path(staging))
        .hint("move it away, or choose another --out"))
}

/// Another process' lock may be read between being taken and being written.
fn read_owner_patiently(path: &Path) -> Option<Owner> {
    for _ in 0..5 {
        if let Some(owner) = File::open(path)
            .ok()
            .and_then(|mut file| read_owner(&mut file))
        {
            return Some(owner);
        }
        thread::sleep(PAUSE);
    }
    None
}

fn read_owner(file: &mut File) -> Option<Owner> {
    Some(read_content(file)?.owner)
}

fn read_content(file: &mut File) -> Option<Content> {
    let mut content = Vec::new();
    file.rewind().ok()?;
    file.take(CONTENT_BYTES_MAX)
        .read_to_end(&mut content)
        .ok()?;
    serde_json::from_slice(&content).ok()
}

fn locked(output: &Path, owner: Option<Owner>, here: &Owner) -> Error {
    let hint = match &owner {
        None => "run again",
        Some(owner) if owner.is_foreign(here) => {
            "wait for it to end; if it has ended, run again with --break-lock"
        }
        Some(_) => "wait for it to end, or choose another --out",
    };
    let owner = owner.unwrap_or_else(|| Owner {
        host: "unknown".to_owned(),
        boot_id: String::new(),
        pid: 0,
        started: "just now".to_owned(),
    });
    let printable = |text: &str| escape_path(Path::new(text));
    Error::from(ErrorKind::Locked {
        output: escape_path(output),
        host: printable(&owner.host),
        pid: owner.pid,
        started: printable(&owner.started),
    })
    .hint(hint)
}
