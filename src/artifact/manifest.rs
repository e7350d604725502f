//! `manifest.json`: what an output holds and what it was made from.
//!
//! Invariant: its bytes follow from the job alone: no time, host or path of the machine is in it,
//! and two runs of one job write the same bytes. One line per input, column and shard, so that it
//! stays readable with ten thousand of them. It names exactly the shards that were published, and is
//! sealed: `prep verify` finds any changed byte of it.

mod generation;
mod maker;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use twox_hash::XxHash3_128;

use super::seal::seal;
use super::{encode, encode_error, is_sealed};
use crate::error::{Error, Result, UsageError};
use crate::source::discover::{BadFile, Fingerprint, InputFile, SkipReason};

pub use generation::ManifestGeneration;
pub use maker::Maker;

/// The first field's value; what has it is ours.
const FORMAT: &str = "prep manifest";
/// Raised when a reader of the old format would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Version of `prep` that wrote it.
    pub prep_version: String,
    /// The command that made the output.
    pub made_by: Maker,
    /// The job's id, 64 hex digits.
    pub job: String,
    /// The job's spec as JSON: split, fit, columns, dialect, output, as far as the command has them.
    pub spec: serde_json::Value,
    /// Entries of the input directories that were left out, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Input files in the order of the units.
    pub inputs: Vec<ManifestInput>,
    /// The runs that have added to it, the first included; empty if there was only one.
    pub generations: Vec<ManifestGeneration>,
    /// Rows of the inputs that are on no side.
    pub left_out: u64,
    /// Rows of each fold; empty without folds.
    pub folds: Vec<u64>,
    /// Files that can't be read and were left out on request, by path.
    pub bad_files: Vec<ManifestBadFile>,
    /// Columns in the order of the output.
    pub columns: Vec<ManifestColumn>,
    /// Shards, sorted by side and unit.
    pub shards: Vec<ManifestShard>,
    /// Other files whose bytes follow from the job.
    pub files: Vec<ManifestFile>,
}

/// One input file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestInput {
    /// Its relative path, written by [`super::escape_name`].
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// XXH3-128 of its footer or of both its ends.
    #[serde(with = "hex128")]
    pub digest: u128,
}

/// One file that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestBadFile {
    /// Its relative path, written by [`super::escape_name`].
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestColumn {
    /// Its name.
    pub name: String,
    /// `feature`, `label`, `split` or `passed`.
    pub role: String,
    /// Type in the input.
    pub input_type: String,
    /// Type in the output.
    pub output_type: String,
}

/// One file of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestShard {
    /// `train`, `val` or `test`; with folds `data`, or `fold-0/train` and so on.
    pub side: String,
    /// Its path below the output directory.
    pub path: String,
    /// The unit that it holds.
    pub unit: u64,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// XXH3-128 of its bytes.
    #[serde(with = "hex128")]
    pub xxh3_128: u128,
}

/// One file that is no shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its path below the output directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// XXH3-128 of its bytes.
    #[serde(with = "hex128")]
    pub xxh3_128: u128,
}

/// The fields as they stand in the file.
#[derive(Deserialize)]
struct Stored {
    format: String,
    format_version: u32,
    prep_version: String,
    #[serde(default)]
    made_by: Maker,
    job: String,
    spec: serde_json::Value,
    skipped: BTreeMap<String, u64>,
    inputs: Vec<ManifestInput>,
    #[serde(default)]
    generations: Vec<ManifestGeneration>,
    #[serde(default)]
    left_out: u64,
    #[serde(default)]
    folds: Vec<u64>,
    bad_files: Vec<ManifestBadFile>,
    columns: Vec<ManifestColumn>,
    shards: Vec<ManifestShard>,
    files: Vec<ManifestFile>,
}

impl ManifestFile {
    /// A file with this content.
    pub fn new(path: &str, content: &[u8]) -> Self {
        Self {
            path: path.to_owned(),
            bytes: content.len() as u64,
            xxh3_128: XxHash3_128::oneshot(content),
        }
    }
}

impl ManifestBadFile {
    /// What the manifest keeps of a bad file.
    pub fn new(file: &BadFile) -> Self {
        Self {
            path: super::escape_name(&file.relative),
            bytes: file.bytes,
            reason: file.reason.clone(),
        }
    }
}

impl ManifestInput {
    /// What the manifest keeps of an input; not its time, which may differ between two copies.
    pub fn new(file: &InputFile, fingerprint: &Fingerprint, rows: u64) -> Self {
        Self {
            path: super::escape_name(&file.relative),
            bytes: fingerprint.bytes,
            rows,
            digest: fingerprint.digest,
        }
    }
}

impl Manifest {
    /// The spec as the manifest records it.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if it has no JSON form.
    pub fn spec_value(spec: &impl Serialize) -> Result<serde_json::Value> {
        serde_json::to_value(spec).map_err(|source| encode_error("the job spec", source))
    }

    /// The skipped entries as the manifest records them: `empty files`, 2.
    pub fn skipped_counts(skipped: &BTreeMap<SkipReason, u64>) -> BTreeMap<String, u64> {
        skipped
            .iter()
            .map(|(reason, count)| (reason.to_string(), *count))
            .collect()
    }

    /// The bytes of `manifest.json`.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if a field has no JSON form.
    pub fn render(&self) -> Result<Vec<u8>> {
        let mut text = format!("{{\n\"format\": {},\n", encode("the manifest", &FORMAT)?);
        let mut field = |name: &str, value: String| {
            text.push_str(&format!("\"{name}\": {value},\n"));
        };
        field("format_version", FORMAT_VERSION.to_string());
        field("prep_version", encode("the manifest", &self.prep_version)?);
        if self.made_by != Maker::Stream {
            field("made_by", encode("the manifest", &self.made_by)?);
        }
        field("job", encode("the manifest", &self.job)?);
        field("spec", encode("the job spec", &self.spec)?);
        field("skipped", encode("the manifest", &self.skipped)?);
        field("inputs", lines("the inputs", &self.inputs)?);
        if !self.generations.is_empty() {
            field("generations", lines("the generations", &self.generations)?);
        }
        if self.left_out > 0 {
            field("left_out", self.left_out.to_string());
        }
        if !self.folds.is_empty() {
            field("folds", encode("the folds", &self.folds)?);
        }
        field("bad_files", lines("the bad files", &self.bad_files)?);
        field("columns", lines("the columns", &self.columns)?);
        field("shards", lines("the shards", &self.shards)?);
        text.push_str(&format!("\"files\": {}", lines("the files", &self.files)?));
        Ok(seal(text))
    }

    /// Reads what [`Self::render`] wrote.
    ///
    /// # Errors
    /// A message if the bytes aren't JSON of a format that this version reads, or a byte has changed
    /// since.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, serde_json::Error> {
        let stored: Stored = serde_json::from_slice(bytes)?;
        if stored.format != FORMAT || stored.format_version != FORMAT_VERSION {
            return Err(serde::de::Error::custom(format!(
                "it is \"{}\" version {}, expected \"{FORMAT}\" version {FORMAT_VERSION}",
                stored.format, stored.format_version
            )));
        }
        if !is_sealed(bytes) {
            return Err(serde::de::Error::custom(
                "its own checksum, in its last line, is another",
            ));
        }
        Ok(Self {
            prep_version: stored.prep_version,
            made_by: stored.made_by,
            job: stored.job,
            spec: stored.spec,
            skipped: stored.skipped,
            inputs: stored.inputs,
            generations: stored.generations,
            left_out: stored.left_out,
            folds: stored.folds,
            bad_files: stored.bad_files,
            columns: stored.columns,
            shards: stored.shards,
            files: stored.files,
        })
    }

    /// Refuses an output of folds to a command that looks at sides.
    ///
    /// # Errors
    /// [`UsageError::NoSides`].
    pub fn check_sides(&self, command: &'static str) -> Result<()> {
        self.check_streamed(command)?;
        if self.folds.is_empty() {
            return Ok(());
        }
        let made_with = "--folds".to_owned();
        Err(Error::from(UsageError::NoSides { command, made_with })
            .hint("make an output of the same rows without --folds"))
    }

    /// Whether a file that begins with these bytes is a manifest of `prep`, of whatever version.
    pub fn is_one(first_bytes: &[u8]) -> bool {
        first_bytes.starts_with(format!("{{\n\"format\": \"{FORMAT}\",\n").as_bytes())
    }

    /// How many bytes [`Self::is_one`] needs.
    pub const FIRST_BYTES: usize = 64;
}

/// An array with one element a line.
pub(super) fn lines<T: Serialize>(what: &'static str, elements: &[T]) -> Result<String> {
    if elements.is_empty() {
        return Ok("[]".to_owned());
    }
    let elements = elements.iter().map(|element| encode(what, element));
    Ok(format!(
        "[\n{}\n]",
        elements.collect::<Result<Vec<_>>>()?.join(",\n")
    ))
}

/// A digest as 32 hex digits.
pub fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

/// Digests as 32 hex digits.
pub(crate) mod hex128 {
    use super::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        digest: &u128,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&super::hex(*digest))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        // One text per digest, so that no changed byte goes unseen.
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(serde::de::Error::custom(
                "a digest has 32 lowercase hex digits",
            ));
        }
        u128::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
