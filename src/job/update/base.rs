//! `Base`: the output that files are added to, and what of the inputs it knows.
//!
//! Invariant: nothing is added unless all that it was made from is there as it was (size, time, digest of
//! footer or ends), and its shards are there with the size they had.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::settings;
use crate::artifact::manifest::{ManifestGeneration, ManifestInput};
use crate::artifact::{
    HistogramsFile, JobId, Manifest, RunRecord, ScalerFile, escape_name, histograms,
};
use crate::error::{Error, InputError, Place, PublishedError, Result, UsageError};
use crate::job::record::SCALER;
use crate::pass::Known;
use crate::source::discover::{Discovery, InputFile, fingerprint};
use crate::source::{optional_record, record};
use crate::spec::JobSpec;

/// What to do where nothing can be added.
pub(super) const REFIT: &str =
    "--update adds files and changes none: fit and write everything again with --update --refit";
/// The scaler of all train rows, which nothing is standardized by.
pub(in crate::job) const MERGED: &str = "scaler-merged.json";
/// The most files that an error names.
const NAMED_MAX: usize = 10;

/// An output with its records.
#[derive(Debug)]
pub(super) struct Base {
    pub manifest: Manifest,
    pub run: RunRecord,
    /// What everything in it is standardized by.
    pub scaler: ScalerFile,
    /// The bytes of that.
    pub scaler_bytes: Vec<u8>,
    /// The moments of all train rows.
    pub merged: ScalerFile,
    pub histograms: HistogramsFile,
    pub generations: Vec<ManifestGeneration>,
}

impl Base {
    /// Reads the output of a job; `None` if there is none.
    pub(super) fn read(spec: &JobSpec) -> Result<Option<Self>> {
        let out = &spec.output.path;
        let is_there = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
        if !is_there {
            return Ok(None);
        }
        let manifest = record(out, "manifest.json", Manifest::parse)?;
        let at = |error: Error| error.at(Place::path(out));
        manifest.check_sides("prep stream --update").map_err(at)?;
        let scaler_bytes = fs::read(out.join(SCALER)).map_err(|source| {
            let action = "read the scaler";
            Error::from(PublishedError::Io { action, source }).at(Place::path(out.join(SCALER)))
        })?;
        let scaler = record(out, SCALER, ScalerFile::from_json)?;
        let merged = optional_record(out, MERGED, ScalerFile::from_json)?;
        let base = Self {
            run: record(out, "run.json", RunRecord::parse)?,
            merged: merged.unwrap_or_else(|| scaler.clone()),
            histograms: record(out, histograms::FILE_NAME, HistogramsFile::parse)?,
            generations: manifest.all_generations(),
            scaler,
            scaler_bytes,
            manifest,
        };
        base.check_settings(spec).map_err(at)?;
        base.check_shards(out)?;
        Ok(Some(base))
    }

    /// The job that made it.
    pub(super) fn job(&self) -> JobId {
        JobId::recorded(&self.manifest)
    }

    /// What passes need to know of it.
    pub(super) fn known(&self) -> Known {
        let last = self.generations.last();
        Known {
            inputs: self.manifest.inputs.len(),
            units: last.map_or(0, |last| last.units_end),
        }
    }

    /// Makes sure that another run has not put another output in its place meanwhile.
    pub(super) fn check_still_there(&self, out: &Path) -> Result<()> {
        let now = record(out, "manifest.json", Manifest::parse)?;
        if now == self.manifest {
            return Ok(());
        }
        let (before, after) = (self.manifest.job.clone(), now.job);
        let what = "job of the output";
        Err(Error::from(InputError::Changed {
            what,
            before,
            after,
        })
        .at(Place::path(out))
        .hint("another run has replaced it: run again"))
    }

    fn check_settings(&self, spec: &JobSpec) -> Result<()> {
        let now = Manifest::spec_value(spec)?;
        let mut differences = settings::differences(&self.manifest.spec, &now);
        let version = &self.manifest.prep_version;
        if version != crate::VERSION {
            differences.push(format!("version of prep {version}, now {}", crate::VERSION));
        }
        if differences.is_empty() {
            return Ok(());
        }
        let differences = differences.join("; ");
        Err(Error::from(UsageError::OtherSettings { differences }).hint(
            "give the settings that it was made with, or make it again with --update --refit",
        ))
    }

    /// Every shard is there and has the size it had.
    fn check_shards(&self, out: &Path) -> Result<()> {
        for shard in &self.manifest.shards {
            let path = out.join(&shard.path);
            let expected = shard.bytes;
            let wrong = match fs::metadata(&path) {
                Ok(found) if found.len() == expected => continue,
                Ok(found) => PublishedError::ShardSize {
                    found: found.len(),
                    expected,
                },
                Err(_) => PublishedError::ShardMissing,
            };
            return Err(Error::from(wrong)
                .at(Place::path(path))
                .hint("the output was damaged since it was made: make it again with --overwrite"));
        }
        Ok(())
    }

    /// What was found, first what the output was made from, in its order, then what is new.
    ///
    /// # Errors
    /// One error that names every file that changed or is gone.
    pub(super) fn sort_out(&self, found: &Discovery, out: &Path) -> Result<Discovery> {
        let mut by_name: BTreeMap<String, &InputFile> = BTreeMap::new();
        for file in &found.files {
            by_name.insert(escape_name(&file.relative), file);
        }
        let times = self.run.inputs.iter();
        let times: BTreeMap<&str, i64> = times
            .map(|input| (input.path.as_str(), input.modified_ns))
            .collect();
        let (mut files, mut other) = (Vec::with_capacity(found.files.len()), Vec::new());
        for input in &self.manifest.inputs {
            let file = by_name.remove(&input.path);
            match became(input, times.get(input.path.as_str()).copied(), file)? {
                None => files.extend(file.cloned()),
                Some(what) => other.push(format!("\"{}\" ({what})", input.path)),
            }
        }
        if !other.is_empty() {
            let count = other.len();
            let more = if count > NAMED_MAX { ", ..." } else { "" };
            let named = format!("{}{more}", other[..count.min(NAMED_MAX)].join(", "));
            return Err(Error::from(InputError::KnownFiles { count, named })
                .at(Place::path(out))
                .hint(REFIT));
        }
        let is_new = |file: &&InputFile| by_name.contains_key(&escape_name(&file.relative));
        files.extend(found.files.iter().filter(is_new).cloned());
        Ok(Discovery {
            files,
            ..found.clone()
        })
    }
}

/// What became of a file that the output was made from; `None` if it is what it was.
fn became(
    input: &ManifestInput,
    modified_ns: Option<i64>,
    file: Option<&InputFile>,
) -> Result<Option<&'static str>> {
    let Some(file) = file else {
        return Ok(Some("gone"));
    };
    if file.bytes != input.bytes {
        return Ok(Some("another size"));
    }
    let now = fingerprint(file)?;
    Ok(if now.digest != input.digest {
        Some("other content")
    } else if modified_ns != Some(now.modified_ns) {
        Some("modified at another time")
    } else {
        None
    })
}
