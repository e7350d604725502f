//! `plan.json`: a job that is done unit by unit, by any number of processes.
//!
//! Holds what the job is asked to do, where, and its id; not what each unit is read from, which the list of
//! units in the work directory says ([`super::planned`]), so that it stays small however many there are.
//! Paths are absolute, and may be elsewhere on another machine.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::seal::seal;
use super::{JobId, encode, escape_name, is_sealed, unescape_name};
use crate::error::Result;
use crate::spec::{JobSpec, Overwrite, Resources};

/// The first field's value; what has it is ours.
const FORMAT: &str = "prep plan";
/// Raised when a reader of the old format would misread the new one.
const FORMAT_VERSION: u32 = 2;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    format: String,
    format_version: u32,
    prep_version: String,
    job: JobId,
    units: u64,
    /// What the spec doesn't say of itself, since it doesn't decide the output.
    inputs: Vec<String>,
    root: Option<String>,
    follow_symlinks: bool,
    output: String,
    overwrite: PlannedOverwrite,
    audit: bool,
    validate: bool,
    report: bool,
    spec: JobSpec,
    /// The seal, which is checked on its own.
    #[serde(default, skip_serializing)]
    xxh3_128: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PlannedOverwrite {
    Never,
    Exchange,
    TwoStep,
}

impl PlanFile {
    /// The plan of a job of `units` units, whose paths are absolute.
    pub fn new(spec: &JobSpec, job: &JobId, units: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            prep_version: crate::VERSION.to_owned(),
            job: job.clone(),
            units,
            inputs: spec.input.paths.iter().map(|path| text(path)).collect(),
            root: spec.input.root.as_deref().map(text),
            follow_symlinks: spec.input.follow_symlinks,
            output: text(&spec.output.path),
            overwrite: match spec.output.overwrite {
                Overwrite::Never => PlannedOverwrite::Never,
                Overwrite::Exchange => PlannedOverwrite::Exchange,
                Overwrite::TwoStep => PlannedOverwrite::TwoStep,
            },
            audit: spec.output.audit,
            validate: spec.output.validate,
            report: spec.output.report,
            spec: spec.clone(),
            xxh3_128: None,
        }
    }

    /// The job's id.
    pub fn job(&self) -> &JobId {
        &self.job
    }

    /// How many units there are.
    pub fn units(&self) -> u64 {
        self.units
    }

    /// What the job is asked to do; `path` says where a path of the plan is on this machine.
    pub fn spec(&self, resources: Resources, place: impl Fn(&Path) -> PathBuf) -> JobSpec {
        let here = |name: &String| place(&path(name));
        let mut spec = self.spec.clone();
        spec.input.paths = self.inputs.iter().map(here).collect();
        spec.input.root = self.root.as_ref().map(here);
        spec.input.follow_symlinks = self.follow_symlinks;
        spec.output.path = here(&self.output);
        spec.output.overwrite = match self.overwrite {
            PlannedOverwrite::Never => Overwrite::Never,
            PlannedOverwrite::Exchange => Overwrite::Exchange,
            PlannedOverwrite::TwoStep => Overwrite::TwoStep,
        };
        spec.output.audit = self.audit;
        spec.output.validate = self.validate;
        spec.output.report = self.report;
        spec.resources = resources;
        spec
    }

    /// The bytes of `plan.json`.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if a field has no JSON form.
    pub fn render(&self) -> Result<Vec<u8>> {
        let text = encode("the plan", self)?;
        Ok(seal(text.strip_suffix('}').unwrap_or(&text).to_owned()))
    }

    /// Reads what [`Self::render`] wrote.
    ///
    /// # Errors
    /// A message if the bytes aren't a plan that this version reads, or a byte has changed since.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, serde_json::Error> {
        let wrong = |what: String| Err(serde::de::Error::custom(what));
        let mut plan: Self = serde_json::from_slice(bytes)?;
        if (plan.format.as_str(), plan.format_version) != (FORMAT, FORMAT_VERSION) {
            return wrong(format!(
                "it is \"{}\" version {}, expected \"{FORMAT}\" version {FORMAT_VERSION}",
                plan.format, plan.format_version
            ));
        }
        if !is_sealed(bytes) {
            return wrong("its own checksum, in its last line, is another".to_owned());
        }
        plan.xxh3_128 = None;
        Ok(plan)
    }
}

fn text(path: &Path) -> String {
    escape_name(path.as_os_str().as_bytes())
}

/// What was never escaped is taken as it stands.
fn path(text: &str) -> PathBuf {
    let bytes = unescape_name(text);
    bytes.map_or_else(
        || PathBuf::from(text),
        |bytes| PathBuf::from(OsStr::from_bytes(&bytes)),
    )
}
