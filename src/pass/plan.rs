//! The plan: what would be read, without reading more than footers and headers.

use std::collections::BTreeSet;
use std::path::Path;

use super::stores::{Planned, Stores};
use super::{Context, shuffle_bytes, split};
use crate::engine::{Pass, guarded};
use crate::error::{DataError, Error, Place, Result, escape_path};
use crate::schema::{OutputSchema, SAME_COLUMNS, check_frozen, check_no_fold_column};
use crate::source::discover::{Fingerprint, fingerprint, unchanged};
use crate::source::parquet::ParquetFile;
use crate::source::table::Table;
use crate::source::text::{ColumnType, TextFile};
use crate::spec::{Format, JobSpec};

/// What is known before the first row is read.
#[derive(Debug)]
pub struct Plan {
    /// One fingerprint per input.
    pub fingerprints: Vec<Fingerprint>,
    /// What the rows are read from.
    pub rows: Rows,
}

/// What the rows are read from.
#[derive(Debug)]
pub enum Rows {
    /// Parquet files: everything is known from their footers.
    Table(Box<Prepared>),
    /// Text files: rows and types are settled by pass 1.
    Text(TextPlan),
}

/// Text files that were opened.
#[derive(Debug, Default)]
pub struct TextPlan {
    /// The column names of each.
    pub headers: Vec<Vec<String>>,
    /// The most that decompressing one takes beyond a worker's buffers.
    pub window_bytes: u64,
    /// What columns are in an output that more is added to: new files can only widen it.
    pub types: Vec<(String, ColumnType)>,
}

/// A table, and what its shards will look like.
#[derive(Debug)]
pub struct Prepared {
    /// The rows.
    pub table: Table,
    /// The shards' schema.
    pub output: OutputSchema,
}

/// Reads every footer or header.
///
/// # Errors
/// When one can't be read, or the files' columns don't match.
pub fn plan(context: Context<'_>, spec: &JobSpec, format: Format) -> Result<Plan> {
    match format {
        Format::Parquet => {
            let (fingerprints, prepared) = plan_parquet(context, spec)?;
            let rows = Rows::Table(Box::new(prepared));
            Ok(Plan { fingerprints, rows })
        }
        Format::Csv => {
            let (fingerprints, text) = plan_text(context, spec)?;
            let rows = Rows::Text(text);
            Ok(Plan { fingerprints, rows })
        }
    }
}

fn plan_text(context: Context<'_>, spec: &JobSpec) -> Result<(Vec<Fingerprint>, TextPlan)> {
    let mut fingerprints = Vec::with_capacity(context.inputs.len());
    let mut plan = TextPlan::default();
    context.ordered(context.inputs.len()).run(
        |index| {
            let input = &context.inputs[index];
            let file = TextFile::open(&input.path, &spec.input.dialect)?;
            let names = file.header().names.clone();
            Ok((fingerprint(input)?, names, file.window_bytes()))
        },
        |index, (print, names, window_bytes)| {
            let first = plan.headers.first().unwrap_or(&names);
            same_names(first, &names, &context.inputs[0].path).map_err(|error| {
                error
                    .at(Place::path(&context.inputs[index].path))
                    .hint(SAME_COLUMNS)
            })?;
            fingerprints.push(print);
            plan.headers.push(names);
            plan.window_bytes = plan.window_bytes.max(window_bytes);
            Ok(())
        },
    )?;
    check_headers(context, spec, &plan.headers)?;
    let names = plan.headers.iter().flatten().map(String::as_str);
    check_no_fold_column(names, &spec.split)?;
    Ok((fingerprints, plan))
}

/// The features of a scaler that was fitted before must be there; that they are numbers, parsing sees.
fn check_headers(context: Context<'_>, spec: &JobSpec, headers: &[Vec<String>]) -> Result<()> {
    let wanted = spec.columns.features.as_deref().unwrap_or_default();
    match (headers.first(), context.inputs.first()) {
        (Some(names), Some(input)) if spec.columns.frozen => {
            let folders = input
                .hive
                .iter()
                .map(|(key, _)| (key, Some("string".into())));
            let found = names.iter().map(|name| (name, None)).chain(folders);
            let found: Vec<_> = found.map(|(name, not)| (name.as_str(), not)).collect();
            check_frozen(&found, wanted).map_err(|error| error.at(Place::path(&input.path)))
        }
        _ => Ok(()),
    }
}

fn same_names(first: &[String], names: &[String], first_path: &Path) -> Result<()> {
    if first == names {
        return Ok(());
    }
    let first_file = || escape_path(first_path);
    let (known, found): (BTreeSet<_>, BTreeSet<_>) =
        (first.iter().collect(), names.iter().collect());
    if let Some(column) = first.iter().find(|name| !found.contains(name)) {
        let (column, first_file) = (column.clone(), first_file());
        return Err(DataError::MissingColumn { column, first_file }.into());
    }
    if let Some(column) = names.iter().find(|name| !known.contains(name)) {
        let (column, first_file) = (column.clone(), first_file());
        return Err(DataError::ExtraColumn { column, first_file }.into());
    }
    Ok(())
}

/// Opens every input; returns the index and error of each that is a bad file, in order.
///
/// # Errors
/// When the run is asked to stop.
pub fn screen(context: Context<'_>, spec: &JobSpec, format: Format) -> Result<Vec<(usize, Error)>> {
    let mut bad = Vec::new();
    let open = |path: &Path| match format {
        Format::Parquet => ParquetFile::open(path, context.memory).map(drop),
        Format::Csv => TextFile::open(path, &spec.input.dialect).map(drop),
    };
    context.ordered(context.inputs.len()).run(
        |index| {
            let path = &context.inputs[index].path;
            let outcome = guarded(|| open(path)).map_err(|error| error.at(Place::path(path)));
            // Any other error is for the pass that meets it.
            Ok(outcome.err().filter(Error::is_bad_file))
        },
        |index, error| {
            bad.extend(error.map(|error| (index, error)));
            Ok(())
        },
    )?;
    Ok(bad)
}

/// Makes sure that every input is still what it was when it was planned with: no statistics of one
/// content are ever applied to another.
///
/// # Errors
/// When a file's size, time or footer has changed; the first such file in order.
pub fn check_unchanged(context: Context<'_>, fingerprints: &[Fingerprint]) -> Result<()> {
    let inputs = context.inputs;
    context.ordered(inputs.len().min(fingerprints.len())).run(
        |index| unchanged(&inputs[index], &fingerprints[index]),
        |_, ()| Ok(()),
    )
}

impl Plan {
    /// How many columns the table has, folders apart.
    pub fn columns(&self) -> usize {
        match &self.rows {
            Rows::Table(prepared) => prepared.table.schema.columns.len(),
            Rows::Text(text) => text.headers.first().map_or(0, Vec::len),
        }
    }

    /// What the sides of the largest unit take, which are held in memory; a footer can claim any
    /// number of rows. Units of text are small.
    pub fn sides_bytes(&self, spec: &JobSpec) -> u64 {
        let rows = match &self.rows {
            Rows::Table(prepared) => {
                let rows = prepared.table.units.iter().map(|unit| unit.rows as u64);
                rows.max().unwrap_or(0)
            }
            Rows::Text(_) => 0,
        };
        split::sides_bytes(&spec.split, rows, spec.resources.threads)
    }

    /// What is kept on disk of the sides that columns decide; how many rows of text there are isn't known
    /// yet.
    pub fn settled_bytes(&self, spec: &JobSpec) -> u64 {
        match &self.rows {
            Rows::Table(prepared) => split::settled_bytes(&spec.split, prepared.table.rows()),
            Rows::Text(_) => 0,
        }
    }

    /// What each worker holds of rows that are to be shuffled; widths of text columns aren't known yet.
    pub fn shuffle_bytes(&self, spec: &JobSpec) -> u64 {
        match &self.rows {
            _ if !spec.output.shuffle => 0,
            Rows::Table(prepared) => shuffle_bytes(Some(&prepared.table.schema)),
            Rows::Text(_) => shuffle_bytes(None),
        }
    }

    /// What all rows take in memory, if that is known.
    pub fn bytes(&self) -> Option<u64> {
        match &self.rows {
            Rows::Table(prepared) => Some(prepared.table.bytes()),
            Rows::Text(_) => None,
        }
    }

    /// What a worker holds beside its buffers, at most: the footers of a unit, or the window of what it
    /// decompresses.
    pub fn worker_bytes(&self) -> u64 {
        let prepared = match &self.rows {
            Rows::Table(prepared) => prepared,
            Rows::Text(text) => return text.window_bytes,
        };
        let units = prepared.table.units.iter();
        let bytes = units.map(|unit| prepared.table.footer_bytes(unit));
        bytes.max().unwrap_or(0)
    }
}

fn plan_parquet(context: Context<'_>, spec: &JobSpec) -> Result<(Vec<Fingerprint>, Prepared)> {
    let mut fingerprints = Vec::with_capacity(context.inputs.len());
    let mut stores = Stores::default();
    context.ordered(context.inputs.len()).run(
        |index| {
            let input = &context.inputs[index];
            let file = guarded(|| ParquetFile::open(&input.path, context.memory))
                .map_err(|error| error.at(Place::path(&input.path)))?;
            context.advanced(Pass::Plan, 0, 0);
            Ok((fingerprint(input)?, Planned::of(&file)))
        },
        |index, (print, file)| {
            fingerprints.push(print);
            stores.add(index, &context.inputs[index].path, &file)
        },
    )?;
    Ok((fingerprints, stores.finish(context, spec)?))
}
