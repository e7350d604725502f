//! Walking directories: every entry becomes a candidate or is counted as skipped.
//!
//! Symbolic links to directories aren't entered, and links to files are followed only if they stay
//! within the base, unless links are to be followed: then each directory is entered once, under its
//! own name if it has one here, else under that of the first link in order. So loops end, and the
//! order of a listing changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, DirEntry, FileType, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::InputFile;
use super::arguments::{Reach, Target, io_error};
use super::classify::{self, SkipReason};
use super::pattern::{Pattern, Progress};
use super::recognize::{self, Reached};
use super::select::{Candidate, Found};
use crate::error::{Error, InputError, Place, Result};
use crate::spec::{Format, InputSpec};

/// Adds everything that one argument leads to.
pub(super) fn collect(target: &Target, input: &InputSpec, found: &mut Found) -> Result<()> {
    let mut walk = Walk {
        target,
        format: input.format,
        follows: input.follow_symlinks,
        entered: BTreeSet::new(),
        linked: BTreeMap::new(),
        found,
    };
    match &target.reach {
        Reach::File(name) => walk.named_file(name),
        Reach::Directory => walk.directories(None),
        Reach::Glob(pattern) => walk.globbed(pattern),
    }
}

struct Walk<'a> {
    target: &'a Target,
    format: Option<Format>,
    /// Whether symbolic links are followed wherever they lead.
    follows: bool,
    /// Device and inode of every directory that was entered, if links are followed.
    entered: BTreeSet<(u64, u64)>,
    /// Links to directories, for when all that has a name of its own is listed.
    linked: BTreeMap<PathBuf, Option<Progress>>,
    found: &'a mut Found,
}

/// A directory still to be listed.
struct Pending {
    /// Below the base; empty for the base itself.
    below: PathBuf,
    /// How much of a glob it matches; `None` once everything below is taken.
    progress: Option<Progress>,
    /// Whether a link is on the way to it.
    is_linked: bool,
}

impl Walk<'_> {
    fn named_file(&mut self, name: &Path) -> Result<()> {
        self.found.searched += 1;
        let path = self.target.base.join(name);
        if let Some(reason) = classify::skip_always(name.as_os_str().as_bytes()) {
            self.found.skip(reason);
            return Ok(());
        }
        let at = || Place::path(&path);
        let metadata = fs::metadata(&path)
            .map_err(|source| io_error("read the file's metadata", source).at(at()))?;
        let real = fs::canonicalize(&path)
            .map_err(|source| io_error("resolve the file's path", source).at(at()))?;
        let is_link = path.is_symlink();
        self.add(name, real, is_link, &metadata, Reached::Named)
    }

    fn globbed(&mut self, pattern: &Pattern) -> Result<()> {
        let before = self.found.matched;
        self.directories(Some(pattern))?;
        if self.found.matched == before {
            return Err(Error::from(InputError::NoMatch)
                .at(Place::path(&self.target.given))
                .hint("quote the pattern and check --in"));
        }
        Ok(())
    }

    fn directories(&mut self, pattern: Option<&Pattern>) -> Result<()> {
        let mut pending = vec![Pending {
            below: PathBuf::new(),
            progress: pattern.map(Pattern::start),
            is_linked: false,
        }];
        while let Some(directory) = pending.pop().or_else(|| self.next_link()) {
            let path = self.target.base.join(&directory.below);
            let at = || Place::path(&path);
            if self.follows && !self.is_new(&path, directory.is_linked)? {
                self.found.skip(SkipReason::LinkRepeated);
                continue;
            }
            let entries = fs::read_dir(&path)
                .map_err(|source| io_error("list the directory", source).at(at()))?;
            for entry in entries {
                let entry =
                    entry.map_err(|source| io_error("list the directory", source).at(at()))?;
                if let Some(inner) = self.entry(&entry, &directory, pattern)? {
                    pending.push(inner);
                }
            }
        }
        Ok(())
    }

    /// The first of the links to directories.
    fn next_link(&mut self) -> Option<Pending> {
        let (below, progress) = self.linked.pop_first()?;
        Some(Pending {
            below,
            progress,
            is_linked: true,
        })
    }

    /// Whether a directory is entered for the first time.
    fn is_new(&mut self, path: &Path, is_linked: bool) -> Result<bool> {
        let failed = |source| io_error("follow the link", source).at(Place::path(path));
        let metadata = fs::metadata(path).map_err(failed)?;
        let is_new = self.entered.insert((metadata.dev(), metadata.ino()));
        if is_new && is_linked {
            let real = fs::canonicalize(path).map_err(failed)?;
            self.found.linked.insert(real);
        }
        Ok(is_new)
    }

    /// Handles one entry; returns it if it is a directory to be listed.
    fn entry(
        &mut self,
        entry: &DirEntry,
        directory: &Pending,
        pattern: Option<&Pattern>,
    ) -> Result<Option<Pending>> {
        let name = entry.file_name();
        let below = directory.below.join(&name);
        let progress = match (pattern, &directory.progress) {
            (Some(pattern), Some(progress)) => match pattern.step(progress, &name) {
                next if next.is_empty() => return Ok(None),
                next => (!pattern.is_match(&next)).then_some(next),
            },
            _ => None,
        };
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                self.found.skip(SkipReason::Vanished);
                return Ok(None);
            }
            Err(source) => {
                return Err(io_error("read the entry's type", source).at(Place::path(entry.path())));
            }
        };
        if kind.is_dir() {
            return Ok(self.enter(&name, below, progress, directory.is_linked));
        }
        if self.follows && kind.is_symlink() && entry.path().is_dir() {
            if let Some(link) = self.enter(&name, below, progress, true) {
                self.linked.insert(link.below, link.progress);
            }
            return Ok(None);
        }
        if progress.is_some() {
            return Ok(None); // A file where the glob still wants a directory.
        }
        self.found.searched += 1;
        self.found.matched += 1;
        let reached = match directory.progress {
            Some(_) => Reached::Globbed,
            None => Reached::Listed,
        };
        self.listed_file(&name, &below, kind, reached, directory.is_linked)?;
        Ok(None)
    }

    fn listed_file(
        &mut self,
        name: &OsStr,
        below: &Path,
        kind: FileType,
        reached: Reached,
        is_linked: bool,
    ) -> Result<()> {
        if let Some(reason) = classify::skip_found(name.as_bytes()) {
            self.found.skip(reason);
        } else if kind.is_symlink() || (is_linked && kind.is_file()) {
            self.link(below, reached)?;
        } else if kind.is_file() {
            self.plain(below, reached)?;
        } else {
            self.found.skip(SkipReason::Special);
        }
        Ok(())
    }

    fn enter(
        &mut self,
        name: &OsStr,
        below: PathBuf,
        progress: Option<Progress>,
        is_linked: bool,
    ) -> Option<Pending> {
        if progress.is_none() {
            self.found.matched += 1;
        }
        if let Some(reason) = classify::skip_directory(name.as_bytes()) {
            self.found.searched += 1;
            self.found.skip(reason);
            return None;
        }
        Some(Pending {
            below,
            progress,
            is_linked,
        })
    }

    fn plain(&mut self, below: &Path, reached: Reached) -> Result<()> {
        let path = self.target.base.join(below);
        match fs::symlink_metadata(&path) {
            Ok(metadata) => {
                let real = self.target.base_real.join(below);
                self.add(below, real, false, &metadata, reached)
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                self.found.skip(SkipReason::Vanished);
                Ok(())
            }
            Err(source) => Err(io_error("read the file's metadata", source).at(Place::path(path))),
        }
    }

    fn link(&mut self, below: &Path, reached: Reached) -> Result<()> {
        let path = self.target.base.join(below);
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(source) => {
                let gone = source.kind() == io::ErrorKind::NotFound
                    || source.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
                if gone {
                    self.found.skip(SkipReason::LinkBroken);
                    return Ok(());
                }
                return Err(io_error("follow the link", source).at(Place::path(path)));
            }
        };
        if metadata.is_dir() {
            self.found.skip(SkipReason::LinkToDirectory);
            return Ok(());
        }
        let real = fs::canonicalize(&path)
            .map_err(|source| io_error("follow the link", source).at(Place::path(&path)))?;
        if !self.follows && !real.starts_with(&self.target.base_real) {
            self.found.skip(SkipReason::LinkOutside);
            return Ok(());
        }
        self.add(below, real, true, &metadata, reached)
    }

    fn add(
        &mut self,
        below: &Path,
        real: PathBuf,
        is_link: bool,
        metadata: &Metadata,
        reached: Reached,
    ) -> Result<()> {
        let path = if self.target.base == Path::new(".") {
            below.to_path_buf()
        } else {
            self.target.base.join(below)
        };
        if !metadata.is_file() {
            self.found.skip(SkipReason::Special);
            return Ok(());
        }
        if metadata.len() == 0 {
            self.found.skip(SkipReason::Empty);
            return Ok(());
        }
        let Some((format, codec)) = recognize::format_of(&path, self.format, reached)? else {
            self.found.skip(SkipReason::UnknownExtension);
            return Ok(());
        };
        let modified = metadata.modified().map_err(|source| {
            io_error("read the file's modification time", source).at(Place::path(&path))
        })?;
        let mut relative = self.target.prefix.clone();
        relative.extend_from_slice(below.as_os_str().as_bytes());
        self.found.candidates.push(Candidate {
            real,
            is_link,
            file: InputFile {
                path,
                relative,
                format,
                codec,
                bytes: metadata.len(),
                modified,
                hive: Vec::new(),
            },
        });
        Ok(())
    }
}
