//! The records of a run: `scaler.json`, `manifest.json`, `run.json`, and the report.

use std::path::Path;
use std::time::SystemTime;

use super::fold_report::fold_reports;
use super::outlook::format_name;
use super::run::Run;
use super::side_report::{sides, sides_fitted};
use crate::artifact::manifest::{
    Maker, ManifestBadFile, ManifestColumn, ManifestFile, ManifestInput, ManifestShard,
};
use crate::artifact::run::{FORMAT_VERSION, InputTime, PassTiming};
use crate::artifact::{
    FittedColumn, HistogramColumn, HistogramsFile, JobId, Manifest, RunRecord, ScalerFile,
    escape_name, histograms,
};
use crate::engine::peak_memory_bytes;
use crate::error::{OutputError, Result};
use crate::kernel::{Fold, Moments, Side};
use crate::pass::{Fitted, Prepared, SplitTotal, Written};
use crate::report::{ColumnReport, InputReport, RunReport};
use crate::schema::describe;
use crate::sink::staging::shard_name;
use crate::sink::write_synced;
use crate::source::discover::Fingerprint;
use crate::spec::{JobSpec, SplitSpec};

/// What standardized the features.
pub(super) const SCALER: &str = "scaler.json";

/// What the passes found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Results<'a> {
    pub found: Found<'a>,
    pub fitted: &'a Fitted,
    pub sides_written: &'a [Side],
    pub written: &'a Written,
}

/// The part of it that comes before the fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub fingerprints: &'a [Fingerprint],
    pub prepared: &'a Prepared,
    pub sides: &'a SplitTotal,
    /// The command: `prep fit` writes no shards.
    pub made_by: Maker,
}

/// Writes every record below `out`, `_SUCCESS` last.
pub(super) fn write(
    run: &Run<'_>,
    job: &JobId,
    results: &Results<'_>,
    out: &Path,
) -> Result<RunReport> {
    let scaler = scaler_file(run, results.found.prepared, results.fitted, None)?;
    write_synced(&out.join(SCALER), &scaler)?;
    let histograms = histograms_file(job, results).render()?;
    write_synced(&out.join(histograms::FILE_NAME), &histograms)?;
    let files = vec![
        ManifestFile::new(SCALER, &scaler),
        ManifestFile::new(histograms::FILE_NAME, &histograms),
    ];
    let shards = shards(run, job, results.written, &named(results.sides_written));
    let fitted = std::slice::from_ref(results.fitted);
    publish(run, job, results.found, fitted, shards, files, out)
}

/// Sides, each with the name of its directory.
pub(super) fn named(sides: &[Side]) -> Vec<(Side, String)> {
    let named = sides.iter().map(|side| (*side, side.name().to_owned()));
    named.collect()
}

/// Writes the records that say what was read and written; returns the report of it.
pub(super) fn publish(
    run: &Run<'_>,
    job: &JobId,
    found: Found<'_>,
    fitted: &[Fitted],
    shards: Vec<ManifestShard>,
    files: Vec<ManifestFile>,
    out: &Path,
) -> Result<RunReport> {
    let manifest = manifest(run, job, found, shards, files)?;
    publish_manifest(run, job, found, fitted, &manifest, out)
}

/// The same where the manifest is made already.
pub(super) fn publish_manifest(
    run: &Run<'_>,
    job: &JobId,
    found: Found<'_>,
    fitted: &[Fitted],
    manifest: &Manifest,
    out: &Path,
) -> Result<RunReport> {
    write_synced(&out.join("manifest.json"), &manifest.render()?)?;
    let record = run_record(run, job, found.fingerprints).render()?;
    write_synced(&out.join("run.json"), &record)?;
    write_synced(&out.join("_SUCCESS"), &[])?;
    let columns = columns(found.prepared, fitted);
    Ok(report(run, job, found, columns, manifest))
}

/// The bytes of `scaler.json`, or of that of a fold.
pub(super) fn scaler_file(
    run: &Run<'_>,
    prepared: &Prepared,
    fitted: &Fitted,
    fold: Option<Fold>,
) -> Result<Vec<u8>> {
    let features = prepared.table.schema.features();
    let columns = features
        .zip(&fitted.states)
        .map(|((_, column), moments)| FittedColumn {
            name: column.name.clone(),
            moments: moments.clone(),
        })
        .collect();
    ScalerFile::new(run.spec.split.clone(), run.spec.fit, columns)
        .held_out(fold)
        .to_json()
        .map_err(|source| {
            OutputError::Scaler {
                source: source.into(),
            }
            .into()
        })
}

pub(super) fn histograms_file(job: &JobId, results: &Results<'_>) -> HistogramsFile {
    let written = results.sides_written;
    let features = results.found.prepared.table.schema.features();
    let columns = features
        .zip(&results.written.histograms.0)
        .map(|((_, column), sides)| HistogramColumn {
            name: column.name.clone(),
            sides: written
                .iter()
                .map(|side| sides[side.index()].clone())
                .collect(),
        });
    let names = written.iter().map(|side| side.name().to_owned());
    HistogramsFile::new(job, names.collect(), columns.collect())
}

/// What the output holds of this run.
pub(super) fn manifest(
    run: &Run<'_>,
    job: &JobId,
    found: Found<'_>,
    shards: Vec<ManifestShard>,
    files: Vec<ManifestFile>,
) -> Result<Manifest> {
    let mut columns = columns_written(found.prepared);
    let spec = match found.made_by {
        Maker::Fit => {
            let none = columns.iter_mut();
            none.for_each(|column| column.output_type.clear());
            Manifest::spec_value(&super::fit::recorded(run.spec))?
        }
        _ => Manifest::spec_value(run.spec)?,
    };
    Ok(Manifest {
        prep_version: crate::VERSION.to_string(),
        made_by: found.made_by,
        job: job.to_string(),
        spec,
        skipped: Manifest::skipped_counts(&run.found.skipped),
        inputs: inputs_read(run, found.fingerprints, found.prepared),
        generations: Vec::new(),
        left_out: found.sides.rows_on(Side::LeftOut),
        folds: found.sides.folds().to_vec(),
        bad_files: run.found.bad.iter().map(ManifestBadFile::new).collect(),
        columns,
        shards,
        files,
    })
}

/// The inputs, each with its rows.
pub(super) fn inputs_read(
    run: &Run<'_>,
    fingerprints: &[Fingerprint],
    prepared: &Prepared,
) -> Vec<ManifestInput> {
    let rows = prepared.table.rows_by_input(run.found.files.len());
    let files = run.found.files.iter().zip(fingerprints).zip(rows);
    files
        .map(|((file, print), rows)| ManifestInput::new(file, print, rows))
        .collect()
}

/// The columns, as they were and as shards hold them.
pub(super) fn columns_written(prepared: &Prepared) -> Vec<ManifestColumn> {
    let columns = prepared.table.schema.columns.iter();
    columns
        .zip(prepared.output.root.get_fields())
        .map(|(column, output)| ManifestColumn {
            name: column.name.clone(),
            role: column.role.to_string(),
            input_type: describe(&column.root),
            output_type: describe(output),
        })
        .collect()
}

/// What was written of these sides, each with the name of its directory.
pub(super) fn shards(
    run: &Run<'_>,
    job: &JobId,
    written: &Written,
    sides: &[(Side, String)],
) -> Vec<ManifestShard> {
    let mut shards = Vec::new();
    for (side, name) in sides {
        for partial in &written.partials {
            let unit = run.known().units + partial.unit as u64;
            shards.extend(partial.shard(*side).map(|shard| ManifestShard {
                side: name.clone(),
                path: format!("{name}/{}", shard_name(unit, job)),
                unit,
                rows: shard.rows,
                bytes: shard.written.bytes,
                xxh3_128: shard.written.digest,
            }));
        }
    }
    shards
}

/// How the run went so far.
pub(super) fn run_record(run: &Run<'_>, job: &JobId, fingerprints: &[Fingerprint]) -> RunRecord {
    let rfc3339 = |time| humantime::format_rfc3339_millis(time).to_string();
    let passes = run.passes();
    RunRecord {
        format_version: FORMAT_VERSION,
        prep_version: crate::VERSION.to_string(),
        job: job.to_string(),
        host: crate::sink::host_name(),
        started: rfc3339(run.started),
        finished: rfc3339(SystemTime::now()),
        threads: run.spec.resources.threads,
        memory_bytes_max: run.spec.resources.memory_bytes_max,
        peak_memory_bytes: peak_memory_bytes(),
        taken_up: run.taken_up(),
        arrived: run.late_files(),
        warnings: run.warnings(),
        passes: passes
            .iter()
            .map(|pass| PassTiming {
                pass: pass.pass.to_string(),
                seconds: pass.seconds,
                bytes: pass.bytes,
            })
            .collect(),
        inputs: run
            .found
            .files
            .iter()
            .zip(fingerprints)
            .map(|(file, print)| InputTime::new(file, print))
            .collect(),
        update: run.update(),
    }
}

fn report(
    run: &Run<'_>,
    job: &JobId,
    found: Found<'_>,
    columns: ColumnReport,
    manifest: &Manifest,
) -> RunReport {
    let spec = run.spec;
    RunReport {
        version: crate::VERSION.to_string(),
        job: job.short().to_string(),
        output: spec.output.path.display().to_string(),
        inputs: inputs(run, manifest.inputs.iter().map(|input| input.rows).sum()),
        sides: match found.made_by {
            Maker::Fit => sides_fitted(found.sides, &spec.split),
            _ => sides(manifest, &spec.split),
        },
        folds: fold_reports(manifest, &spec.split),
        left_out: manifest.left_out,
        split_by: spec.split.by.to_string(),
        conditions: all_conditions(spec),
        is_exact: spec.split.is_exact(),
        seed: spec.split.seed,
        columns,
        passes: run.passes(),
        taken_up: run.taken_up(),
        peak_memory_bytes: peak_memory_bytes(),
        warnings: run.warnings(),
        update: run.update(),
        audit: None,
        validation: None,
    }
}

/// What was read and what was left out.
pub(super) fn inputs(run: &Run<'_>, rows: u64) -> InputReport {
    InputReport {
        format: format_name(run.found.format).to_string(),
        files: run.found.files.len() as u64,
        bytes: run.found.files.iter().map(|file| file.bytes).sum(),
        rows,
        skipped: Manifest::skipped_counts(&run.found.skipped)
            .into_iter()
            .collect(),
        bad: run
            .found
            .bad
            .iter()
            .map(|bad| (escape_name(&bad.relative), bad.reason.clone()))
            .collect(),
    }
}

/// All that has a say in which rows are where, as it is typed without dashes.
pub(super) fn all_conditions(spec: &JobSpec) -> Vec<String> {
    let shuffle = spec.output.shuffle.then(|| "shuffle".to_owned());
    conditions(&spec.split).into_iter().chain(shuffle).collect()
}

/// What else has a say in sides, as it is typed without dashes: `sample 0.1`, `where x > 3`.
pub(super) fn conditions(split: &SplitSpec) -> Vec<String> {
    let stratify = split.stratify.as_ref();
    let stratify = stratify.map(|stratify| format!("stratify {stratify}"));
    let cutoff = (!split.cutoff.is_empty()).then(|| format!("cutoff {}", split.cutoff.join(",")));
    let gap = split.gap.as_ref().map(|gap| format!("gap {gap}"));
    let sample = split.sample.map(|share| format!("sample {share}"));
    let filter = split.filter.as_ref();
    let filter = filter.map(|filter| format!("where {filter}"));
    let folds = split.folds.map(|folds| folds.to_string());
    [cutoff, gap, folds, stratify, sample, filter]
        .into_iter()
        .flatten()
        .collect()
}

/// Columns that are peculiar to any of the fits.
fn columns(prepared: &Prepared, fitted: &[Fitted]) -> ColumnReport {
    let schema = &prepared.table.schema;
    let moments_of = |feature: usize| {
        let each = fitted.iter().map(move |fitted| fitted.scaler.moments());
        each.filter_map(move |moments| moments.get(feature))
    };
    let named = |wanted: fn(&Moments) -> bool| -> Vec<String> {
        let features = schema.features().enumerate();
        features
            .filter(|(feature, _)| moments_of(*feature).any(wanted))
            .map(|(_, (_, column))| column.name.clone())
            .collect()
    };
    let features = schema.features().count();
    let missing = schema
        .features()
        .enumerate()
        .filter_map(|(feature, (_, column))| {
            let share = moments_of(feature).map(share_missing).fold(0.0, f64::max);
            (share > 0.5).then(|| (column.name.clone(), share))
        });
    ColumnReport {
        features: features as u64,
        passed: (schema.columns.len() - features) as u64,
        constant: named(|moments| moments.is_constant()),
        near_constant: named(|moments| moments.is_near_constant()),
        mostly_missing: missing.collect(),
        extreme: named(|moments| moments.var_extreme()),
    }
}

/// The share of train rows without a value.
pub(super) fn share_missing(moments: &Moments) -> f64 {
    let missing = moments.nulls() + moments.nans() + moments.infinities();
    let rows = missing + moments.count();
    if rows == 0 {
        0.0
    } else {
        missing as f64 / rows as f64
    }
}
