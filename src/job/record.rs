//! The records of a run: `scaler.json`, `manifest.json`, `run.json`, and the report.

use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use super::outlook::{asked_share, format_name, whole_rows};
use super::run::Run;
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
use crate::kernel::{Moments, Side};
use crate::pass::{Fitted, Prepared, SplitTotal, Written};
use crate::report::{ColumnReport, InputReport, RunReport, SideReport};
use crate::schema::{Role, describe};
use crate::sink::staging::shard_name;
use crate::sink::write_synced;
use crate::source::discover::Fingerprint;
use crate::spec::{ColumnSpec, FitSpec, InputSpec, JobSpec, SplitBy, SplitSpec};

/// What the passes found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Results<'a> {
    pub fingerprints: &'a [Fingerprint],
    pub prepared: &'a Prepared,
    pub fitted: &'a Fitted,
    pub sides: &'a SplitTotal,
    pub sides_written: &'a [Side],
    /// `None`: no shards were asked for, only a scaler.
    pub written: Option<&'a Written>,
}

/// What decides the output of `prep fit`, as its manifest records it.
#[derive(Debug, Serialize)]
struct FitRecord<'a> {
    input: &'a InputSpec,
    split: &'a SplitSpec,
    columns: &'a ColumnSpec,
    fit: &'a FitSpec,
}

/// What decides the output of `prep fit`, beside its inputs.
pub(super) fn fit_spec(spec: &JobSpec) -> impl Serialize + '_ {
    FitRecord {
        input: &spec.input,
        split: &spec.split,
        columns: &spec.columns,
        fit: &spec.fit,
    }
}

/// Writes every record below `out`, `_SUCCESS` last.
pub(super) fn write(
    run: &Run<'_>,
    job: &JobId,
    results: &Results<'_>,
    out: &Path,
) -> Result<RunReport> {
    let scaler = scaler_file(run, results)?;
    write_synced(&out.join("scaler.json"), &scaler)?;
    let mut files = vec![ManifestFile::new("scaler.json", &scaler)];
    if let Some(written) = results.written {
        let histograms = histograms_file(job, results, written).render()?;
        write_synced(&out.join(histograms::FILE_NAME), &histograms)?;
        files.push(ManifestFile::new(histograms::FILE_NAME, &histograms));
    }
    let manifest = manifest(run, job, results, files)?;
    write_synced(&out.join("manifest.json"), &manifest.render()?)?;
    let record = run_record(run, job, results.fingerprints);
    write_synced(&out.join("run.json"), &record.render()?)?;
    write_synced(&out.join("_SUCCESS"), &[])?;
    Ok(report(run, job, results, &manifest))
}

fn scaler_file(run: &Run<'_>, results: &Results<'_>) -> Result<Vec<u8>> {
    let names = results
        .prepared
        .table
        .schema
        .features()
        .map(|(_, column)| column.name.clone());
    let columns = names
        .zip(&results.fitted.states)
        .map(|(name, moments)| FittedColumn {
            name,
            moments: moments.clone(),
        })
        .collect();
    ScalerFile::new(run.spec.split.clone(), run.spec.fit, columns)
        .to_json()
        .map_err(|source| {
            OutputError::Scaler {
                source: source.into(),
            }
            .into()
        })
}

fn histograms_file(job: &JobId, results: &Results<'_>, made: &Written) -> HistogramsFile {
    let written = results.sides_written;
    let features = results.prepared.table.schema.features();
    let columns = features
        .zip(&made.histograms.0)
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

fn manifest(
    run: &Run<'_>,
    job: &JobId,
    results: &Results<'_>,
    files: Vec<ManifestFile>,
) -> Result<Manifest> {
    let (made_by, spec) = match results.written {
        Some(_) => (Maker::Stream, Manifest::spec_value(run.spec)?),
        None => (Maker::Fit, Manifest::spec_value(&fit_spec(run.spec))?),
    };
    let mut columns = columns_written(results.prepared);
    if results.written.is_none() {
        columns
            .iter_mut()
            .for_each(|column| column.output_type.clear());
    }
    Ok(Manifest {
        prep_version: crate::VERSION.to_string(),
        made_by,
        job: job.to_string(),
        spec,
        skipped: Manifest::skipped_counts(&run.found.skipped),
        inputs: inputs_read(run, results.fingerprints, results.prepared),
        left_out: results.sides.rows_on(Side::LeftOut),
        bad_files: run.found.bad.iter().map(ManifestBadFile::new).collect(),
        columns,
        shards: shards(job, results),
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

fn shards(job: &JobId, results: &Results<'_>) -> Vec<ManifestShard> {
    let mut shards = Vec::new();
    for side in results.sides_written {
        let name = side.name();
        for partial in results.written.iter().flat_map(|made| &made.partials) {
            let unit = partial.unit as u64;
            shards.extend(partial.shard(*side).map(|shard| ManifestShard {
                side: name.to_string(),
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
    }
}

fn report(run: &Run<'_>, job: &JobId, results: &Results<'_>, manifest: &Manifest) -> RunReport {
    let spec = run.spec;
    let table = &results.prepared.table;
    RunReport {
        version: crate::VERSION.to_string(),
        job: job.short().to_string(),
        output: spec.output.path.display().to_string(),
        inputs: inputs(run, table.rows()),
        sides: match results.written {
            Some(_) => sides(manifest, &spec.split),
            None => sides_fitted(results, &spec.split),
        },
        left_out: manifest.left_out,
        split_by: spec.split.by.to_string(),
        conditions: conditions(&spec.split),
        is_exact: spec.split.is_exact(),
        seed: spec.split.seed,
        columns: columns(results),
        passes: run.passes(),
        taken_up: run.taken_up(),
        peak_memory_bytes: peak_memory_bytes(),
        warnings: run.warnings(),
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

/// What else has a say, as it is typed without dashes: `sample 0.1`, `where x > 3`.
pub(super) fn conditions(split: &SplitSpec) -> Vec<String> {
    let stratify = split.stratify.as_ref();
    let stratify = stratify.map(|stratify| format!("stratify {stratify}"));
    let cutoff = (!split.cutoff.is_empty()).then(|| format!("cutoff {}", split.cutoff.join(",")));
    let gap = split.gap.as_ref().map(|gap| format!("gap {gap}"));
    let sample = split.sample.map(|share| format!("sample {share}"));
    let filter = split.filter.as_ref();
    let filter = filter.map(|filter| format!("where {filter}"));
    [cutoff, gap, stratify, sample, filter]
        .into_iter()
        .flatten()
        .collect()
}

/// The sides that were written, as they were asked for and as they are.
pub(super) fn sides(manifest: &Manifest, split: &SplitSpec) -> Vec<SideReport> {
    let total = manifest.shards.iter().map(|shard| shard.rows).sum();
    let of_side = |side: Side| {
        let name = side.name();
        let shards = manifest.shards.iter();
        let shards: Vec<&ManifestShard> = shards.filter(|shard| shard.side == name).collect();
        (!shards.is_empty()).then(|| SideReport {
            shards: shards.len() as u64,
            bytes: shards.iter().map(|shard| shard.bytes).sum(),
            ..side_report(
                split,
                side,
                shards.iter().map(|shard| shard.rows).sum(),
                total,
            )
        })
    };
    Side::WRITTEN.into_iter().filter_map(of_side).collect()
}

/// The same where nothing is written.
fn sides_fitted(results: &Results<'_>, split: &SplitSpec) -> Vec<SideReport> {
    let rows = |side: &Side| results.sides.rows_on(*side);
    let sides = results.sides_written.iter();
    let total = sides.clone().map(rows).sum();
    sides
        .map(|side| side_report(split, *side, rows(side), total))
        .collect()
}

fn side_report(split: &SplitSpec, side: Side, rows: u64, total: u64) -> SideReport {
    let asked = asked_share(split, side);
    SideReport {
        name: side.name().to_string(),
        rows,
        asked,
        band: band(split, total, asked),
        shards: 0,
        bytes: 0,
    }
}

/// Where 99.9% of such splits fall, if rows are drawn one by one.
fn band(split: &SplitSpec, total: u64, asked: Option<f64>) -> Option<(u64, u64)> {
    let by_lot = split.by == SplitBy::Row && !split.is_exact();
    asked
        .filter(|_| by_lot)
        .map(|share| binomial_band(total, share))
}

/// Where 99.9% of draws of `rows` rows with this share fall, by the normal approximation.
fn binomial_band(rows: u64, share: f64) -> (u64, u64) {
    const NORMAL_QUANTILE: f64 = 3.290_526_731_491_926;
    let expected = rows as f64 * share;
    let reach = NORMAL_QUANTILE * (expected * (1.0 - share)).sqrt();
    (
        whole_rows(expected - reach),
        whole_rows(expected + reach).min(rows),
    )
}

fn columns(results: &Results<'_>) -> ColumnReport {
    let schema = &results.prepared.table.schema;
    let moments = results.fitted.scaler.moments();
    let named = |wanted: fn(&Moments) -> bool| -> Vec<String> {
        schema
            .features()
            .zip(moments)
            .filter(|(_, moments)| wanted(moments))
            .map(|((_, column), _)| column.name.clone())
            .collect()
    };
    let features = schema
        .columns
        .iter()
        .filter(|column| column.role == Role::Feature)
        .count();
    ColumnReport {
        features: features as u64,
        passed: (schema.columns.len() - features) as u64,
        constant: named(|moments| moments.is_constant()),
        near_constant: named(|moments| moments.is_near_constant()),
        mostly_missing: schema
            .features()
            .zip(moments)
            .map(|((_, column), moments)| (column.name.clone(), share_missing(moments)))
            .filter(|(_, share)| *share > 0.5)
            .collect(),
        extreme: named(|moments| moments.var_extreme()),
    }
}

fn share_missing(moments: &Moments) -> f64 {
    let missing = moments.nulls() + moments.nans() + moments.infinities();
    let rows = missing + moments.count();
    if rows == 0 {
        0.0
    } else {
        missing as f64 / rows as f64
    }
}
