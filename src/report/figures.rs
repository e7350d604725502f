//! `Figures`: everything that `report.json` and `report.html` show of an output.
//!
//! Invariant: they follow from the output's own records, so `prep report` draws the same at any time;
//! what may differ between two runs of one job stands in [`RunFigures`] alone. Limit: figures of the
//! sides other than train are read off histograms, to their resolution.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{FoldReport, SideReport};
use crate::artifact::manifest::ManifestColumn;
use crate::artifact::run::{PassTiming, UpdateRecord};
use crate::artifact::{HistogramsFile, Manifest, RunRecord, ScalerFile, Validation};
use crate::kernel::{Drift, Histogram, Moments};

/// The records of one output.
#[derive(Debug)]
pub struct Records {
    /// `manifest.json`.
    pub manifest: Manifest,
    /// `scaler.json`, or that of the first fold.
    pub scaler: ScalerFile,
    /// `scaler-merged.json`, if more rows were added than the scaler was fitted on.
    pub merged: Option<ScalerFile>,
    /// `histograms.json`, unless there are folds.
    pub histograms: Option<HistogramsFile>,
    /// `run.json`.
    pub run: RunRecord,
    /// `validation.json`, if a network was trained.
    pub validation: Option<Validation>,
    /// `audit.json`, if there was an audit.
    pub audit: Option<serde_json::Value>,
}

/// Everything that is shown.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Version of `prep` that made the output.
    pub prep_version: String,
    /// The job's id, 64 hex digits.
    pub job: String,
    /// What was read.
    pub input: InputFigures,
    /// How rows were split.
    pub split: SplitFigures,
    /// Columns by what became of them.
    pub columns: ColumnCounts,
    /// The features in their order; none with folds, each of which has a scaler of its own.
    pub features: Vec<FeatureFigures>,
    /// How networks trained on them.
    pub validation: Option<Validation>,
    /// What the audit found.
    pub audit: Option<serde_json::Value>,
    /// What may differ between two runs of one job.
    pub run: RunFigures,
}

/// What was read.
#[derive(Debug, Serialize)]
pub struct InputFigures {
    /// Files read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
    /// Entries skipped, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Files left out on request, since they can't be read.
    pub bad_files: u64,
}

/// How rows were split.
#[derive(Debug, Serialize)]
pub struct SplitFigures {
    /// "row", "column:NAME" and so on.
    pub by: String,
    /// Its seed.
    pub seed: u64,
    /// What else has a say: "stratify label", "sample 0.1" and so on.
    pub conditions: Vec<String>,
    /// Rows on no side.
    pub left_out: u64,
    /// Sides in their order, train first; or what is written of folds.
    pub sides: Vec<SideReport>,
    /// The folds, if there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub folds: Vec<FoldReport>,
}

/// Columns by what became of them.
#[derive(Debug, Serialize)]
pub struct ColumnCounts {
    /// Standardized.
    pub features: u64,
    /// Passed through.
    pub passed: u64,
}

/// One feature.
#[derive(Debug, Serialize)]
pub struct FeatureFigures {
    /// Its name.
    pub name: String,
    /// Its type in the input.
    pub input_type: String,
    /// Its type in the shards.
    pub output_type: String,
    /// Whether it has one value on train.
    pub is_constant: bool,
    /// Whether its standard deviation is next to nothing beside its mean.
    pub is_near_constant: bool,
    /// Whether its variance is beyond float64; its scale is exact all the same.
    pub is_extreme: bool,
    /// Mean over the train rows that were fitted on; `null` without values, like the others.
    pub mean: f64,
    /// Standard deviation over the same.
    pub sd: f64,
    /// What it was divided by: the standard deviation, or 1 for a constant.
    pub scale: f64,
    /// One for each side, in the order of the split's.
    pub sides: Vec<FeatureSide>,
}

/// One feature on one side. Train's figures are exact, the others' read off the bins.
#[derive(Debug, Serialize)]
pub struct FeatureSide {
    /// The side.
    pub side: String,
    /// Values that are numbers.
    pub values: u64,
    /// Rows without one.
    pub missing: u64,
    /// Their mean, in the input's unit.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub sd: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// How far it is from train; `null` for train itself.
    pub drift: Option<Drift>,
    /// Its values, counted in bins of z.
    pub histogram: Histogram,
}

/// What may differ between two runs of one job.
#[derive(Debug, Serialize)]
pub struct RunFigures {
    /// Name of the machine.
    pub host: String,
    /// When it began, RFC 3339 in UTC.
    pub started: String,
    /// Worker threads.
    pub threads: usize,
    /// The memory budget.
    pub memory_bytes_max: u64,
    /// Largest resident set.
    pub peak_memory_bytes: u64,
    /// Finished pieces of work of an earlier, stopped run that were taken up.
    pub taken_up: u64,
    /// What the user was told meanwhile.
    pub warnings: Vec<String>,
    /// Seconds and bytes of each pass.
    pub passes: Vec<PassTiming>,
    /// With `--update`: what was added, and how far it is from the scaler.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<UpdateRecord>,
}

impl Figures {
    /// All figures of an output whose rows were split in this way.
    pub fn new(records: Records, split: SplitFigures) -> Self {
        let features = features(&records);
        let manifest = records.manifest;
        let is_feature = |column: &&ManifestColumn| column.role == "feature";
        let feature_count = manifest.columns.iter().filter(is_feature).count();
        Self {
            prep_version: manifest.prep_version,
            job: manifest.job,
            columns: ColumnCounts {
                features: feature_count as u64,
                passed: (manifest.columns.len() - feature_count) as u64,
            },
            input: InputFigures {
                files: manifest.inputs.len() as u64,
                bytes: manifest.inputs.iter().map(|input| input.bytes).sum(),
                rows: manifest.inputs.iter().map(|input| input.rows).sum(),
                skipped: manifest.skipped,
                bad_files: manifest.bad_files.len() as u64,
            },
            split,
            features,
            validation: records.validation,
            audit: records.audit,
            run: RunFigures::new(records.run),
        }
    }
}

impl RunFigures {
    fn new(run: RunRecord) -> Self {
        Self {
            host: run.host,
            started: run.started,
            threads: run.threads,
            memory_bytes_max: run.memory_bytes_max,
            peak_memory_bytes: run.peak_memory_bytes,
            taken_up: run.taken_up,
            warnings: run.warnings,
            passes: run.passes,
            update: run.update,
        }
    }
}

fn features(records: &Records) -> Vec<FeatureFigures> {
    let Some(histograms) = &records.histograms else {
        return Vec::new();
    };
    let columns = records.manifest.columns.iter();
    let columns = columns.filter(|column| column.role == "feature");
    let moments = records.scaler.scaler().moments().iter();
    let all = records.merged.as_ref().unwrap_or(&records.scaler);
    let moments = moments.zip(all.scaler().moments());
    columns
        .zip(moments)
        .zip(&histograms.columns)
        .map(|((column, (moments, all)), histogram)| FeatureFigures {
            name: column.name.clone(),
            input_type: column.input_type.clone(),
            output_type: column.output_type.clone(),
            is_constant: moments.is_constant(),
            is_near_constant: moments.is_near_constant(),
            is_extreme: moments.var_extreme(),
            mean: moments.mean(),
            sd: moments.sd(),
            scale: moments.scale(),
            sides: sides(&histograms.sides, &histogram.sides, (moments, all)),
        })
        .collect()
}

/// `moments` are those that features were standardized by, `all` those of all train rows.
fn sides(
    names: &[String],
    histograms: &[Histogram],
    (moments, all): (&Moments, &Moments),
) -> Vec<FeatureSide> {
    let train = histograms.first();
    let sides = names.iter().zip(histograms).enumerate();
    sides
        .map(|(place, (name, histogram))| {
            let is_train = place == 0;
            let [mean, sd, min, max] = if is_train {
                exact(all)
            } else {
                estimated(histogram, moments)
            };
            FeatureSide {
                side: name.clone(),
                values: histogram.values(),
                missing: histogram.missing() + histogram.nans(),
                mean,
                sd,
                min,
                max,
                drift: train
                    .filter(|_| !is_train)
                    .and_then(|train| Drift::between(train, histogram)),
                histogram: histogram.clone(),
            }
        })
        .collect()
}

/// Mean, standard deviation, smallest and largest value of train.
fn exact(moments: &Moments) -> [Option<f64>; 4] {
    let any = |value: f64| (moments.count() > 0).then_some(value);
    [
        any(moments.mean()),
        any(moments.sd()),
        moments.min(),
        moments.max(),
    ]
}

/// The same of another side, from its bins.
fn estimated(histogram: &Histogram, moments: &Moments) -> [Option<f64>; 4] {
    let raw = |z: f64| z * moments.scale() + moments.mean();
    let estimate = histogram.estimate();
    [
        estimate.map(|(mean, _)| raw(mean)),
        estimate.map(|(_, sd)| sd * moments.scale()),
        histogram.min().map(|z| raw(f64::from(z))),
        histogram.max().map(|z| raw(f64::from(z))),
    ]
}
