//! The JSON records of an output, read and checked one by one.

use std::fs;
use std::path::Path;

use twox_hash::XxHash3_128;

use super::findings::Findings;
use super::scaler::RecordedScaler;
use crate::artifact::manifest::Maker;
use crate::artifact::{Manifest, RunRecord, ScalerFile, is_sealed, is_sealed_page};

/// A record of ten million inputs is smaller.
const RECORD_BYTES_MAX: u64 = 4 << 30;

/// What the records say.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) manifest: Manifest,
    /// `None` if `scaler.json` isn't what the manifest says, which is a finding, or there are folds.
    pub(super) scaler: Option<RecordedScaler>,
    /// The moments of all train rows, where more were added than the scaler was fitted on.
    pub(super) merged: Option<RecordedScaler>,
    /// Those of the folds, with the names of their files.
    pub(super) fold_scalers: Vec<(String, RecordedScaler)>,
}

impl Records {
    /// How many folds there are; 0 if there are sides.
    pub(super) fn folds(&self) -> usize {
        self.manifest.folds.len()
    }

    /// Whether the sides of every fold are written.
    pub(super) fn is_materialized(&self) -> bool {
        let folds = self.manifest.spec.pointer("/split/folds/materialized");
        folds.and_then(serde_json::Value::as_bool).unwrap_or(false)
    }
}

/// The scaler of an output with sides.
pub(super) const SCALER: &str = "scaler.json";
/// Beside it where more was added to the output.
pub(super) const MERGED: &str = "scaler-merged.json";

/// Reads all records; `None` if the manifest, which the rest hangs on, is damaged.
pub(super) fn read(output: &Path, findings: &mut Findings) -> Option<Records> {
    let manifest = parsed(output, "manifest.json", findings, Manifest::parse)?;
    if let Some(run) = parsed(output, "run.json", findings, RunRecord::parse)
        && run.job != manifest.job
    {
        let what = format!(
            "it is of job {}, manifest.json of job {}",
            run.job, manifest.job
        );
        findings.push("run.json", what);
    }
    check_report(output, findings);
    check_generations(&manifest, findings);
    let (mut scaler, mut merged) = (None, None);
    let mut fold_scalers = Vec::new();
    let folds = manifest.folds.len();
    for file in &manifest.files {
        let Some(bytes) = bytes(output, &file.path, findings) else {
            continue;
        };
        let digest = XxHash3_128::oneshot(&bytes);
        if let Some(what) = differs((bytes.len() as u64, digest), (file.bytes, file.xxh3_128)) {
            findings.push(&file.path, what);
        } else if file.path == SCALER {
            scaler = read_scaler(SCALER, &bytes, &manifest, findings);
        } else if file.path == MERGED {
            merged = read_scaler(MERGED, &bytes, &manifest, findings);
        } else if file.path.starts_with("scaler-fold-") {
            let read = read_scaler(&file.path, &bytes, &manifest, findings);
            fold_scalers.extend(read.map(|scaler| (file.path.clone(), scaler)));
        }
    }
    let mut expected: Vec<String> = (0..folds)
        .map(|fold| format!("scaler-fold-{fold}.json"))
        .collect();
    if folds == 0 {
        expected.push(SCALER.to_owned());
    }
    if !manifest.generations.is_empty() {
        expected.push(MERGED.to_owned());
    }
    for name in expected {
        if !manifest.files.iter().any(|file| file.path == name) {
            findings.push("manifest.json", format!("it does not name {name}"));
        }
    }
    // In the order of the folds, whatever that of the manifest is.
    fold_scalers.sort_by_key(|(_, scaler)| scaler.fold);
    Some(Records {
        manifest,
        scaler,
        merged,
        fold_scalers,
    })
}

/// What was added to an output makes up all of it: its inputs, and units that come one after the other.
fn check_generations(manifest: &Manifest, findings: &mut Findings) {
    let generations = &manifest.generations;
    let Some(last) = generations.last() else {
        return;
    };
    let inputs = generations.iter().map(|generation| generation.inputs);
    let inputs = inputs.fold(0, u64::saturating_add);
    let in_order = generations.is_sorted_by_key(|generation| generation.units_end);
    let shards = manifest.shards.iter();
    let all_in = shards.clone().all(|shard| shard.unit < last.units_end);
    let is_whole = inputs == manifest.inputs.len() as u64 && in_order && all_in;
    if !is_whole || last.job != manifest.job {
        findings.push("manifest.json", "its generations do not make up the output");
    }
}

/// Both files of a report, if there is one, are what was drawn.
fn check_report(output: &Path, findings: &mut Findings) {
    let mut check = |name: &str, is_whole: fn(&[u8]) -> bool| {
        if output.join(name).exists()
            && bytes(output, name, findings).is_some_and(|bytes| !is_whole(&bytes))
        {
            findings.push(name, "its own checksum, in its last line, is another");
        }
    };
    check("report.json", is_sealed);
    check("report.html", is_sealed_page);
}

/// How size and checksum of a file differ from what the manifest says, if they do.
pub(super) fn differs(found: (u64, u128), said: (u64, u128)) -> Option<String> {
    if found.0 != said.0 {
        return Some(format!("{} bytes, the manifest says {}", found.0, said.0));
    }
    (found.1 != said.1).then(|| {
        format!(
            "its checksum is {:032x}, the manifest says {:032x}",
            found.1, said.1
        )
    })
}

fn read_scaler(
    name: &str,
    bytes: &[u8],
    manifest: &Manifest,
    findings: &mut Findings,
) -> Option<RecordedScaler> {
    let parsed = ScalerFile::from_json(bytes)
        .map_err(|error| error.to_string())
        .and_then(|_| RecordedScaler::parse(bytes));
    let scaler = match parsed {
        Ok(scaler) => scaler,
        Err(what) => {
            findings.push(name, what);
            return None;
        }
    };
    let says_its_fold = match scaler.fold {
        Some(fold) => name == format!("scaler-fold-{fold}.json"),
        None => name == SCALER || name == MERGED,
    };
    // What was applied may have been any.
    let says_its_fold = says_its_fold || manifest.made_by == Maker::Transform;
    if !says_its_fold {
        findings.push(name, "it is not the scaler of the fold that its name says");
        return None;
    }
    let features = manifest.columns.iter().filter(|c| c.role == "feature");
    let mut features: Vec<&String> = features.map(|column| &column.name).collect();
    let mut names: Vec<&String> = scaler.names().collect();
    if manifest.made_by == Maker::Transform {
        // The new data may have them in another order.
        features.sort_unstable();
        names.sort_unstable();
    }
    if names != features {
        let what = "its columns are not the features of manifest.json, in their order";
        findings.push(name, what);
        return None;
    }
    Some(scaler)
}

fn parsed<T, E: std::fmt::Display>(
    output: &Path,
    name: &str,
    findings: &mut Findings,
    parse: impl Fn(&[u8]) -> Result<T, E>,
) -> Option<T> {
    let bytes = bytes(output, name, findings)?;
    parse(&bytes)
        .map_err(|error| findings.push(name, error.to_string()))
        .ok()
}

fn bytes(output: &Path, name: &str, findings: &mut Findings) -> Option<Vec<u8>> {
    let path = output.join(name);
    let read = fs::symlink_metadata(&path).and_then(|metadata| {
        if !metadata.is_file() || metadata.len() > RECORD_BYTES_MAX {
            return Ok(None);
        }
        fs::read(&path).map(Some)
    });
    match read {
        Ok(Some(bytes)) => return Some(bytes),
        Ok(None) => findings.push(name, "it is no record: not a file, or beyond 4 GiB"),
        Err(source) => findings.push(name, format!("cannot read it: {source}")),
    }
    None
}
