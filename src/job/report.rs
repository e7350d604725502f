//! `report.json` and `report.html`: drawn from the records of an output, before it is published or at
//! any later time.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::audit::AUDIT;
use super::fold_report::{fold_reports, scaler_name};
use super::record::conditions;
use super::run::Run;
use super::side_report::sides;
use super::update::MERGED;
use crate::artifact::{
    HistogramsFile, Manifest, RunRecord, ScalerFile, Validation, histograms, validation,
};
use crate::error::{Error, OutputError, Place, PublishedError, Result};
use crate::report::{Figures, Records, SplitFigures, figures_html, figures_json};
use crate::sink::{Staging, write_atomically, write_synced};
use crate::source::{optional_record, record};

/// For programs.
const JSON: &str = "report.json";
/// For people.
const PAGE: &str = "report.html";

/// Draws the report of the output at `out` into it, anew if it is there already; returns the page's
/// path.
///
/// # Errors
/// When `out` is no whole output of `prep`, or can't be written to.
pub fn report(out: &Path) -> Result<PathBuf> {
    let figures = figures(out)?;
    write_atomically(&out.join(JSON), &rendered(figures_json(&figures))?)?;
    let page = out.join(PAGE);
    write_atomically(&page, &rendered(figures_html(&figures))?)?;
    Ok(page)
}

/// Draws it anew where there is one, as the records that it shows have changed.
pub(super) fn redraw(out: &Path) -> Result<()> {
    if out.join(PAGE).exists() {
        report(out)?;
    }
    Ok(())
}

/// Draws it into an output that nobody sees yet, if it is wanted.
pub(super) fn before_publishing(run: &Run<'_>, staging: &Staging) -> Result<()> {
    if !run.spec.output.report {
        return Ok(());
    }
    let out = staging.out_dir();
    let figures = figures(&out)?;
    write_synced(&out.join(JSON), &rendered(figures_json(&figures))?)?;
    write_synced(&out.join(PAGE), &rendered(figures_html(&figures))?)
}

fn figures(out: &Path) -> Result<Figures> {
    let manifest = record(out, "manifest.json", Manifest::parse)?;
    let streamed = manifest.check_streamed("prep report");
    streamed.map_err(|error| error.at(Place::path(out)))?;
    let has_folds = !manifest.folds.is_empty();
    let records = Records {
        scaler: record(out, scaler_name(has_folds), ScalerFile::from_json)?,
        merged: match manifest.generations.is_empty() {
            true => None,
            false => optional_record(out, MERGED, ScalerFile::from_json)?,
        },
        histograms: match has_folds {
            true => None,
            false => Some(record(out, histograms::FILE_NAME, HistogramsFile::parse)?),
        },
        run: record(out, "run.json", RunRecord::parse)?,
        validation: optional_record(out, validation::FILE_NAME, Validation::parse)?,
        audit: optional_record(out, AUDIT, |bytes| {
            serde_json::from_slice(bytes).map(findings)
        })?,
        manifest,
    };
    check_jobs(out, &records)?;
    let split = split(&records);
    Ok(Figures::new(records, split))
}

/// An audit without its figures of every column, which audit.json holds.
fn findings(mut audit: Value) -> Value {
    if let Some(fields) = audit.as_object_mut() {
        fields.remove("columns");
    }
    audit
}

/// Every record must be of one job: another one's figures would stand beside this one's.
fn check_jobs(out: &Path, records: &Records) -> Result<()> {
    let manifest = &records.manifest;
    let validation = records.validation.as_ref();
    let audit = records.audit.as_ref();
    let histograms = records.histograms.as_ref();
    let found = [
        ("run.json", Some(records.run.job.as_str())),
        (histograms::FILE_NAME, histograms.map(HistogramsFile::job)),
        (validation::FILE_NAME, validation.map(|it| it.job.as_str())),
        (AUDIT, audit.and_then(|it| it.get("job")?.as_str())),
    ];
    let other = found
        .into_iter()
        .find_map(|(what, job)| Some((what, job.filter(|job| *job != manifest.job)?)));
    if let Some((what, job)) = other {
        let source = format!("it is of job {job}, manifest.json of job {}", manifest.job).into();
        return Err(
            Error::from(PublishedError::Record { what, source }).at(Place::path(out.join(what)))
        );
    }
    let features = manifest
        .columns
        .iter()
        .filter(|column| column.role == "feature")
        .count();
    let binned = histograms.map_or(features, |histograms| histograms.columns.len());
    for found in [records.scaler.columns().len(), binned] {
        if found != features {
            return Err(Error::from(PublishedError::Features {
                found,
                expected: features,
            })
            .at(Place::path(out)));
        }
    }
    Ok(())
}

fn split(records: &Records) -> SplitFigures {
    let (manifest, split) = (&records.manifest, records.scaler.split());
    SplitFigures {
        by: split.by.to_string(),
        seed: split.seed,
        conditions: conditions(split),
        left_out: manifest.left_out,
        sides: sides(manifest, split),
        folds: fold_reports(manifest, split),
    }
}

fn rendered(report: serde_json::Result<Vec<u8>>) -> Result<Vec<u8>> {
    report.map_err(|source| {
        let what = "the report";
        OutputError::Encode { what, source }.into()
    })
}
