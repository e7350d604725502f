//! `OUT`: where it is, what is there now, and whether it may be replaced.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags};

use super::super::files::io_error;
use super::super::lock::Publishing;
use crate::artifact::{JobId, Manifest};
use crate::error::{Error, OutputError, Place, Result, escape_path};
use crate::spec::Overwrite;

/// Longest file name that common filesystems take.
const NAME_BYTES_MAX: usize = 255;
const STAGING_PREFIX: &str = ".";
const STAGING_SUFFIX: &str = ".prep";

/// The paths of one output; absolute, so that they outlive a change of directory.
#[derive(Debug)]
pub(in crate::sink) struct Destination {
    /// As given, for messages.
    pub(in crate::sink) given: PathBuf,
    /// The directory that holds it.
    pub(in crate::sink) parent: PathBuf,
    /// The output itself.
    pub(in crate::sink) output: PathBuf,
    /// Its staging directory.
    pub(in crate::sink) staging: PathBuf,
}

/// Each file that a manifest names, with its size.
fn sizes(manifest: &Manifest) -> impl Iterator<Item = (&str, u64)> {
    let shards = manifest.shards.iter();
    let files = manifest.files.iter();
    let shards = shards.map(|shard| (shard.path.as_str(), shard.bytes));
    shards.chain(files.map(|file| (file.path.as_str(), file.bytes)))
}

/// What is at the output's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sink) enum Occupant {
    /// Nothing.
    Nothing,
    /// An empty directory.
    Empty,
    /// A finished output of `prep`.
    Ours,
    /// A directory of something else.
    Foreign,
}

impl Destination {
    /// Finds the parent, which must exist.
    pub(super) fn resolve(given: &Path) -> Result<Self> {
        let at = || Place::path(given);
        let Some(name) = given.file_name() else {
            return Err(Error::from(OutputError::NoName)
                .at(at())
                .hint("for example --out ./standardized"));
        };
        let bytes_max = NAME_BYTES_MAX - STAGING_PREFIX.len() - STAGING_SUFFIX.len();
        if name.len() > bytes_max {
            return Err(Error::from(OutputError::NameTooLong {
                bytes: name.len(),
                bytes_max,
            })
            .at(at()));
        }
        let parent = match given.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parent = fs::canonicalize(parent).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => Error::from(OutputError::NoParent).at(at()).hint(format!(
                "make it with: mkdir -p \"{}\"",
                escape_path(parent)
            )),
            _ => io_error("open the parent directory", parent, source),
        })?;
        if !parent.is_dir() {
            return Err(Error::from(OutputError::ParentNotADirectory)
                .at(at())
                .hint("choose another --out"));
        }
        let mut staging_name = OsString::from(STAGING_PREFIX);
        staging_name.push(name);
        staging_name.push(STAGING_SUFFIX);
        Ok(Self {
            given: given.to_path_buf(),
            output: parent.join(name),
            staging: parent.join(staging_name),
            parent,
        })
    }

    /// Makes sure that the output may be made, with what is there now.
    pub(super) fn admit(&self, overwrite: Overwrite) -> Result<()> {
        let at = || Place::path(&self.given);
        match (self.occupant()?, overwrite) {
            (Occupant::Nothing | Occupant::Empty, _)
            | (Occupant::Ours, Overwrite::Exchange | Overwrite::TwoStep) => Ok(()),
            // It may be what this command made before it was stopped: known once the job is.
            (Occupant::Ours, Overwrite::Never)
                if self.is_just_published() || self.is_nearly_tidy() =>
            {
                Ok(())
            }
            (Occupant::Ours, Overwrite::Never) => Err(Error::from(OutputError::NotEmpty)
                .at(at())
                .hint("replace it with --overwrite, or choose another --out")),
            (Occupant::Foreign, Overwrite::Never) => Err(Error::from(OutputError::NotEmpty)
                .at(at())
                .hint("choose an --out that does not exist yet")),
            (Occupant::Foreign, _) => Err(Error::from(OutputError::NotOurs)
                .at(at())
                .hint("remove it yourself if nothing in it is needed, or choose another --out")),
        }
    }

    /// Whether the run that made the output was stopped before it had tidied up.
    fn is_just_published(&self) -> bool {
        Publishing::recorded(&self.staging)
            .is_some_and(|publishing| publishing.is_done(&self.output))
    }

    /// Whether an empty staging directory is there. A run that was stopped at its very end leaves one,
    /// once the lock with the record of what it has published is gone; so does one that was stopped at
    /// its very beginning: which of them it was, the output's own manifest says.
    pub(super) fn is_nearly_tidy(&self) -> bool {
        fs::read_dir(&self.staging).is_ok_and(|mut entries| entries.next().is_none())
    }

    /// Whether a finished output of `job` is there, each shard with the size it had.
    pub(super) fn holds(&self, job: &JobId) -> bool {
        let manifest = fs::read(self.output.join("manifest.json"))
            .ok()
            .and_then(|bytes| Manifest::parse(&bytes).ok());
        let is_whole = |manifest: &Manifest| {
            manifest.job == job.as_str()
                && self.output.join("_SUCCESS").is_file()
                && sizes(manifest).all(|(path, bytes)| {
                    fs::metadata(self.output.join(path))
                        .is_ok_and(|metadata| metadata.len() == bytes)
                })
        };
        manifest.is_some_and(|manifest| is_whole(&manifest))
    }

    /// What is there; refuses what no rename can replace.
    pub(in crate::sink) fn occupant(&self) -> Result<Occupant> {
        let at = || Place::path(&self.given);
        let kind = match fs::symlink_metadata(&self.output) {
            Ok(metadata) => metadata.file_type(),
            Err(source) if source.kind() == io::ErrorKind::NotFound => {
                return Ok(Occupant::Nothing);
            }
            Err(source) => return Err(io_error("look at the output", &self.given, source)),
        };
        if !kind.is_dir() {
            let what = if kind.is_symlink() {
                "symbolic link"
            } else if kind.is_file() {
                "file"
            } else {
                "special file"
            };
            return Err(Error::from(OutputError::NotADirectory { what })
                .at(at())
                .hint("choose an --out that does not exist yet"));
        }
        if self.is_mount_point()? {
            return Err(Error::from(OutputError::MountPoint).at(at()).hint(format!(
                "choose a directory inside it, for example --out {}",
                escape_path(&self.given.join("data"))
            )));
        }
        self.directory_occupant()
    }

    fn directory_occupant(&self) -> Result<Occupant> {
        let mut entries = fs::read_dir(&self.output)
            .map_err(|source| io_error("list the output", &self.given, source))?;
        if entries.next().is_none() {
            return Ok(Occupant::Empty);
        }
        let path = self.output.join("manifest.json");
        let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        if !is_file {
            return Ok(Occupant::Foreign);
        }
        let mut first = Vec::new();
        File::open(&path)
            .and_then(|file| {
                file.take(Manifest::FIRST_BYTES as u64)
                    .read_to_end(&mut first)
            })
            .map_err(|source| io_error("read the manifest", &path, source))?;
        Ok(if Manifest::is_one(&first) {
            Occupant::Ours
        } else {
            Occupant::Foreign
        })
    }

    fn is_mount_point(&self) -> Result<bool> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        if let Ok(stat) = rustix::fs::statx(CWD, &self.output, flags, StatxFlags::BASIC_STATS)
            && stat
                .stx_attributes_mask
                .contains(StatxAttributes::MOUNT_ROOT)
        {
            return Ok(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
        }
        // Kernels before 5.8: a bind mount of the same filesystem goes unseen here, and the rename
        // will fail instead.
        let device = |path: &Path| {
            fs::symlink_metadata(path)
                .map(|metadata| metadata.dev())
                .map_err(|source| io_error("look at the output", path, source))
        };
        Ok(device(&self.output)? != device(&self.parent)?)
    }
}
