//! The story of a transformation: new data, standardized by a scaler that was fitted before.
//!
//! Invariant: only a scaler file whose every number follows from its exact sums is applied; its columns
//! are matched by name. The rows are on no train side: nothing can be fitted on them.

use serde::Serialize;

use super::run::Run;
use super::{Outcome, arrivals, planned, publish, record, scaler, without_bad_files};
use crate::artifact::manifest::{Maker, ManifestBadFile, ManifestFile, ManifestShard, hex};
use crate::artifact::{JobId, Manifest, ScalerFile};
use crate::engine::{Cancel, Observer, Pass, peak_memory_bytes};
use crate::error::{Error, InputError, Result};
use crate::kernel::{Fraction, Scaler, Side};
use crate::pass::{self, Plan, Prepared, RowsOf, Scaling, SplitPlan, WriteJob, Written};
use crate::report::{ColumnsApplied, TransformReport};
use crate::schema::Schema;
use crate::sink::shard::ShardFormat;
use crate::sink::staging::shard_name;
use crate::sink::{Staging, write_synced};
use crate::source::discover::CHANGED_HINT;
use crate::spec::{
    ColumnSpec, FitSpec, Format, InputSpec, JobSpec, OutputSpec, Size, SplitBy, SplitSpec,
    TransformSpec,
};

/// The directory of the shards.
const DATA: &str = "data";
/// The scaler that was applied, as it was given.
const SCALER: &str = "scaler.json";
/// All rows that are read: on a side that nothing is fitted on.
const SIDE: Side = Side::Test;

/// A scaler file and what is done with it.
struct Applied {
    file: ScalerFile,
    bytes: Vec<u8>,
    inverse: bool,
}

/// Standardizes new data by a scaler file, or, with `spec.inverse`, turns standardized data into what it
/// was. Shards are in `data/` of the output; other columns pass through.
///
/// # Errors
/// Whatever went wrong first; then the output directory is as it was before. One error names every
/// column of the scaler that the input lacks or that is no longer numeric.
pub fn transform(
    spec: &TransformSpec,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Outcome<TransformReport>> {
    let (file, bytes) = scaler::read(&spec.scaler)?;
    let job_spec = job_spec(spec, &file);
    let applied = Applied {
        file,
        bytes,
        inverse: spec.inverse,
    };
    without_bad_files(&job_spec, cancel, observer, |found| {
        let run = Run::new(&job_spec, found, cancel, observer);
        let (plan, job) = planned(&run, &applied.head(&job_spec))?;
        let make = |staging: &Staging| make(&run, &applied, plan, &job, staging);
        let made = publish(&run, &job, run.disk_bytes(), make)?;
        let finish = |report| TransformReport {
            passes: run.passes(),
            peak_memory_bytes: peak_memory_bytes(),
            warnings: run.warnings(),
            ..report
        };
        Ok(Outcome::of(&run, &job, made, finish))
    })
}

/// The job as the passes know it.
fn job_spec(spec: &TransformSpec, file: &ScalerFile) -> JobSpec {
    let names = file.columns().iter().map(|column| column.name.clone());
    JobSpec {
        input: spec.input.clone(),
        split: SplitSpec {
            by: SplitBy::Row,
            test_size: Size::Share(Fraction::ONE),
            ..SplitSpec::default()
        },
        columns: ColumnSpec {
            features: Some(names.collect()),
            frozen: true,
            text: spec.text.clone(),
            ..ColumnSpec::default()
        },
        fit: FitSpec {
            ddof: file.fit().ddof,
            on_inf: spec.on_inf.unwrap_or(file.fit().on_inf),
        },
        output: spec.output.clone(),
        resources: spec.resources,
    }
}

/// What decides the output, as the manifest records it; the scaler's own checksum stands beside it there.
#[derive(Debug, Serialize)]
struct TransformRecord<'a> {
    input: &'a InputSpec,
    text: &'a [String],
    fit: FitSpec,
    inverse: bool,
    output: &'a OutputSpec,
}

impl Applied {
    fn record<'a>(&self, spec: &'a JobSpec) -> TransformRecord<'a> {
        TransformRecord {
            input: &spec.input,
            text: &spec.columns.text,
            fit: spec.fit,
            inverse: self.inverse,
            output: &spec.output,
        }
    }

    /// What decides the output beside the inputs.
    fn head<'a>(&self, spec: &'a JobSpec) -> impl Serialize + 'a {
        let scaler = ManifestFile::new(SCALER, &self.bytes);
        let version = crate::VERSION;
        ("prep transform", version, self.record(spec), scaler)
    }

    /// The scaler of the features of `schema`, in their order.
    fn scaler(&self, schema: &Schema) -> Scaler {
        let fitted = self.file.columns().iter().zip(self.file.scaler().moments());
        let moments = schema.features().filter_map(|(_, column)| {
            let mut fitted = fitted.clone();
            fitted.find_map(|(own, moments)| (own.name == column.name).then_some(*moments))
        });
        Scaler::new(moments.collect())
    }

    fn scaling(&self) -> Scaling {
        match self.inverse {
            true => Scaling::Inverse,
            false => Scaling::Frozen,
        }
    }
}

fn make(
    run: &Run<'_>,
    applied: &Applied,
    plan: Plan,
    job: &JobId,
    staging: &Staging,
) -> Result<TransformReport> {
    let (spec, context, partials) = (run.spec, run.context(), staging.partials());
    let settle = || pass::settle(context, spec, plan.rows, &staging.cache_dir(), partials);
    let prepared = match run.found.format {
        Format::Csv => run.pass(Pass::Split, settle)?,
        Format::Parquet => settle()?,
    };
    let table = &prepared.table;
    run.expect_rows(table.rows());
    let scaler = applied.scaler(&table.schema);
    let format = ShardFormat::new(&prepared.output, &table.schema, spec.output.compression)?;
    let written = run.pass(Pass::Write, || {
        let directory = staging.side_dir(DATA)?;
        let write = WriteJob {
            context,
            partials,
            table,
            plan: &SplitPlan::new(context, &table.schema, &spec.split)?,
            scaler: &scaler,
            format: &format,
            spool: &staging.cache_dir(),
            dtype: spec.output.dtype,
            on_inf: spec.fit.on_inf,
            scaling: applied.scaling(),
            rows: RowsOf::Sides,
            written: &[SIDE],
            directories: std::slice::from_ref(&directory),
            unfinished: std::slice::from_ref(&directory),
            job,
        };
        let written = pass::write(&write)?;
        staging.keep_only(&pass::shard_paths(&write, &written.partials))?;
        Ok(written)
    })?;
    let shards = shards(job, &written);
    check_rows(table.rows(), &shards)?;
    pass::check_unchanged(context, &plan.fingerprints)?;
    arrivals::warn_of(run);
    run.took_up(partials.taken_up());
    let out = staging.out_dir();
    write_synced(&out.join(SCALER), &applied.bytes)?;
    let manifest = Manifest {
        prep_version: crate::VERSION.to_string(),
        made_by: Maker::Transform,
        job: job.to_string(),
        spec: Manifest::spec_value(&applied.record(spec))?,
        skipped: Manifest::skipped_counts(&run.found.skipped),
        inputs: record::inputs_read(run, &plan.fingerprints, &prepared),
        generations: Vec::new(),
        left_out: 0,
        folds: Vec::new(),
        bad_files: run.found.bad.iter().map(ManifestBadFile::new).collect(),
        columns: record::columns_written(&prepared),
        shards,
        files: vec![ManifestFile::new(SCALER, &applied.bytes)],
    };
    write_synced(&out.join("manifest.json"), &manifest.render()?)?;
    let record = record::run_record(run, job, &plan.fingerprints);
    write_synced(&out.join("run.json"), &record.render()?)?;
    Ok(report(run, applied, job, &prepared, &manifest))
}

/// Every row that was read is written.
fn check_rows(read: u64, shards: &[ManifestShard]) -> Result<()> {
    let written: u64 = shards.iter().map(|shard| shard.rows).sum();
    if written == read {
        return Ok(());
    }
    Err(Error::from(InputError::Changed {
        what: "number of rows",
        before: read.to_string(),
        after: written.to_string(),
    })
    .hint(CHANGED_HINT))
}

fn shards(job: &JobId, written: &Written) -> Vec<ManifestShard> {
    let shard = |partial: &pass::WritePartial| {
        let shard = partial.shard(SIDE)?;
        let unit = partial.unit as u64;
        Some(ManifestShard {
            side: DATA.to_owned(),
            path: format!("{DATA}/{}", shard_name(unit, job)),
            unit,
            rows: shard.rows,
            bytes: shard.written.bytes,
            xxh3_128: shard.written.digest,
        })
    };
    written.partials.iter().filter_map(shard).collect()
}

fn report(
    run: &Run<'_>,
    applied: &Applied,
    job: &JobId,
    prepared: &Prepared,
    manifest: &Manifest,
) -> TransformReport {
    let scaler = ManifestFile::new(SCALER, &applied.bytes);
    let columns = manifest.columns.len();
    let features = prepared.table.schema.features().count();
    TransformReport {
        version: crate::VERSION.to_string(),
        job: job.short().to_string(),
        output: run.spec.output.path.display().to_string(),
        inputs: record::inputs(run, prepared.table.rows()),
        scaler_xxh3_128: hex(scaler.xxh3_128),
        inverse: applied.inverse,
        columns: ColumnsApplied {
            features: features as u64,
            passed: (columns - features) as u64,
        },
        shards: manifest.shards.len() as u64,
        bytes: manifest.shards.iter().map(|shard| shard.bytes).sum(),
        passes: run.passes(),
        taken_up: run.taken_up(),
        peak_memory_bytes: peak_memory_bytes(),
        warnings: run.warnings(),
    }
}
