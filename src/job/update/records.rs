//! The records of an output that more was added to: what was there, and what is new.

use std::path::Path;

use super::base::{Base, MERGED};
use crate::artifact::manifest::Maker;
use crate::artifact::manifest::{ManifestFile, ManifestGeneration};
use crate::artifact::run::{ColumnDrift, UpdateRecord};
use crate::artifact::{
    FittedColumn, HistogramColumn, HistogramsFile, JobId, Manifest, ScalerFile, histograms,
};
use crate::error::{Error, OutputError, Place, PublishedError, Result};
use crate::job::record::{self, Found, Results, SCALER};
use crate::job::run::Run;
use crate::job::warnings;
use crate::kernel::{Histogram, Moments, Side};
use crate::pass::{Fitted, Prepared, SplitTotal, Written};
use crate::report::RunReport;
use crate::sink::write_synced;
use crate::source::discover::Fingerprint;

/// What the passes over the new files found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Added<'a> {
    pub base: &'a Base,
    pub fingerprints: &'a [Fingerprint],
    pub prepared: &'a Prepared,
    pub sides: &'a SplitTotal,
    /// The moments of new train rows, which nothing is standardized by.
    pub fitted: &'a Fitted,
    pub sides_written: &'a [Side],
    pub written: &'a Written,
}

/// Writes every record below `out`, `_SUCCESS` last.
pub(super) fn write(
    run: &Run<'_>,
    job: &JobId,
    added: &Added<'_>,
    out: &Path,
) -> Result<RunReport> {
    let base = added.base;
    let merged = merged(run, added)?;
    let histograms = all_histograms(job, added).render()?;
    let mut files = Vec::new();
    for (name, bytes) in [
        (SCALER, &base.scaler_bytes),
        (MERGED, &merged),
        (histograms::FILE_NAME, &histograms),
    ] {
        write_synced(&out.join(name), bytes)?;
        files.push(ManifestFile::new(name, bytes));
    }
    let manifest = manifest(run, job, added, files)?;
    let update = update_record(run, added);
    warnings::after_update(run, &update);
    run.updated(update);
    let frozen = Fitted {
        scaler: base.scaler.scaler().clone(),
        states: Vec::new(),
    };
    let fitted = std::slice::from_ref(&frozen);
    record::publish_manifest(run, job, results(added).found, fitted, &manifest, out)
}

fn results<'a>(added: &Added<'a>) -> Results<'a> {
    Results {
        found: Found {
            fingerprints: added.fingerprints,
            prepared: added.prepared,
            sides: added.sides,
            made_by: Maker::Stream,
        },
        fitted: added.fitted,
        sides_written: added.sides_written,
        written: added.written,
    }
}

/// The bytes of the scaler of all train rows: those of a fresh run's `scaler.json`.
fn merged(run: &Run<'_>, added: &Added<'_>) -> Result<Vec<u8>> {
    let base = &added.base.merged;
    let states = base.columns().iter().zip(&added.fitted.states);
    let columns = states.map(|(column, new)| {
        let mut moments = column.moments.clone();
        moments.merge(new);
        let name = column.name.clone();
        FittedColumn { name, moments }
    });
    ScalerFile::new(run.spec.split.clone(), run.spec.fit, columns.collect())
        .to_json()
        .map_err(|source| {
            let source = source.into();
            OutputError::Scaler { source }.into()
        })
}

/// Old rows and new ones, counted in the same bins.
fn all_histograms(job: &JobId, added: &Added<'_>) -> HistogramsFile {
    let (before, new) = (
        &added.base.histograms,
        record::histograms_file(job, &results(added)),
    );
    let counted = |file: &HistogramsFile, side: &String, column: usize| -> Option<Histogram> {
        let place = file.sides.iter().position(|name| name == side)?;
        file.columns.get(column)?.sides.get(place).cloned()
    };
    let columns = new.columns.iter().enumerate();
    let columns = columns.map(|(index, column)| {
        let sides = new.sides.iter().map(|side| {
            let mut both = counted(before, side, index).unwrap_or_default();
            both.merge(&counted(&new, side, index).unwrap_or_default());
            both
        });
        let name = column.name.clone();
        HistogramColumn {
            name,
            sides: sides.collect(),
        }
    });
    HistogramsFile::new(job, new.sides.clone(), columns.collect())
}

/// What was there and what is new.
fn manifest(
    run: &Run<'_>,
    job: &JobId,
    added: &Added<'_>,
    files: Vec<ManifestFile>,
) -> Result<Manifest> {
    let (before, known) = (&added.base.manifest, run.known());
    let sides = record::named(added.sides_written);
    let new = record::shards(run, job, added.written, &sides);
    let mut manifest = record::manifest(run, job, results(added).found, new, files)?;
    let inputs = manifest
        .inputs
        .split_off(known.inputs.min(manifest.inputs.len()));
    let units = added.prepared.table.units.len() as u64;
    manifest.generations = added.base.generations.clone();
    manifest.generations.push(ManifestGeneration {
        job: job.to_string(),
        inputs: inputs.len() as u64,
        units_end: known.units.saturating_add(units),
    });
    manifest.inputs = before.inputs.iter().cloned().chain(inputs).collect();
    manifest.left_out = manifest.left_out.saturating_add(before.left_out);
    let new = std::mem::take(&mut manifest.shards);
    for (_, name) in &sides {
        let of_side = before.shards.iter().chain(&new);
        let of_side = of_side.filter(|shard| shard.side == *name).cloned();
        manifest.shards.extend(of_side);
    }
    if manifest.shards.len() != before.shards.len() + new.len() {
        let source = "it has shards of other sides than train, val and test".into();
        let what = "manifest.json";
        return Err(Error::from(PublishedError::Record { what, source })
            .at(Place::path(&run.spec.output.path)));
    }
    Ok(manifest)
}

fn update_record(run: &Run<'_>, added: &Added<'_>) -> UpdateRecord {
    let base = added.base;
    let frozen = base
        .scaler
        .columns()
        .iter()
        .zip(base.scaler.scaler().moments());
    let new = added.fitted.scaler.moments();
    UpdateRecord {
        base: base.manifest.job.clone(),
        files: run.found.files.len().saturating_sub(run.known().inputs) as u64,
        rows: added.prepared.table.rows(),
        train_rows: added.sides.rows_on(Side::Train),
        shards_kept: base.manifest.shards.len() as u64,
        columns: frozen
            .zip(new)
            .map(|((column, frozen), new)| drift(&column.name, frozen, new))
            .collect(),
    }
}

/// How far new train rows are from those that the scaler was fitted on.
fn drift(name: &str, frozen: &Moments, new: &Moments) -> ColumnDrift {
    let any = |value: f64| (new.count() > 0 && value.is_finite()).then_some(value);
    let distance = (new.mean() - frozen.mean()) + (new.mean_lo() - frozen.mean_lo());
    ColumnDrift {
        name: name.to_owned(),
        values: new.count(),
        shift: any(distance / frozen.scale()),
        spread: any(new.sd() / frozen.scale()),
        missing: record::share_missing(new),
        missing_before: record::share_missing(frozen),
    }
}
