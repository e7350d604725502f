//! `run.json`: what may differ between two runs of the same job: times, machine, memory.

use serde::{Deserialize, Serialize};

use super::seal::seal;
use super::{encode_error, is_sealed};
use crate::error::Result;
use crate::source::discover::{Fingerprint, InputFile};

/// Raised when a reader of the old format would misread the new one.
pub const FORMAT_VERSION: u32 = 1;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Always [`FORMAT_VERSION`].
    pub format_version: u32,
    /// Version of `prep`.
    pub prep_version: String,
    /// The job's id, 64 hex digits.
    pub job: String,
    /// Name of the machine.
    pub host: String,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// When its last shard was written, RFC 3339 in UTC.
    pub finished: String,
    /// Worker threads.
    pub threads: usize,
    /// The memory budget.
    pub memory_bytes_max: u64,
    /// Largest resident set.
    pub peak_memory_bytes: u64,
    /// Finished pieces of work of an earlier, stopped run that were taken up.
    pub taken_up: u64,
    /// Files that appeared after the start and were ignored, written as in the manifest.
    #[serde(default)]
    pub arrived: Vec<String>,
    /// What the user was told meanwhile.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Seconds and bytes of each pass so far.
    pub passes: Vec<PassTiming>,
    /// When each input was last modified, in the manifest's order.
    pub inputs: Vec<InputTime>,
    /// With `--update`: what was added to the output before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateRecord>,
}

/// What was added to an output, and how far it is from what the scaler was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpdateRecord {
    /// Id of the job whose output it was added to, 64 hex digits.
    pub base: String,
    /// New input files.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Their rows on the train side.
    pub train_rows: u64,
    /// Shards that were there before.
    pub shards_kept: u64,
    /// Each feature's new train rows.
    pub columns: Vec<ColumnDrift>,
}

/// A feature's new train rows beside those that its scaler was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// Its name.
    pub name: String,
    /// New values that are numbers.
    pub values: u64,
    /// Mean of the new values once standardized: how many standard deviations their mean moved; `None`
    /// without values.
    pub shift: Option<f64>,
    /// Their standard deviation once standardized: 1 if it is what it was; `None` without values.
    pub spread: Option<f64>,
    /// Share of new rows without a value.
    pub missing: f64,
    /// Share of the rows before that were.
    pub missing_before: f64,
}

/// How one pass went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassTiming {
    /// `plan`, `split`, `fit` or `write`.
    pub pass: String,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Input bytes read.
    pub bytes: u64,
}

/// When one input was last modified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputTime {
    /// As in the manifest.
    pub path: String,
    /// Nanoseconds since 1970.
    pub modified_ns: i64,
}

impl InputTime {
    /// When this input was modified.
    pub fn new(file: &InputFile, fingerprint: &Fingerprint) -> Self {
        Self {
            path: super::escape_name(&file.relative),
            modified_ns: fingerprint.modified_ns,
        }
    }
}

impl RunRecord {
    /// The bytes of `run.json`.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if a field has no JSON form.
    pub fn render(&self) -> Result<Vec<u8>> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|source| encode_error("the run record", source))?;
        Ok(seal(text.strip_suffix("\n}").unwrap_or(&text).to_owned()))
    }

    /// Reads what [`Self::render`] wrote.
    ///
    /// # Errors
    /// A message if the bytes aren't a run record, or a byte has changed since.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, serde_json::Error> {
        let record: Self = serde_json::from_slice(bytes)?;
        if !is_sealed(bytes) {
            return Err(serde::de::Error::custom(
                "its own checksum, in its last line, is another",
            ));
        }
        Ok(record)
    }
}
