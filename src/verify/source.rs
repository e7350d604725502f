//! The inputs again: found, recognized, cut into spans of rows that are compared one by one.
//!
//! A span is a run of row groups, or of text records, of at most a million rows unless a single row
//! group is larger: the unit of memory. Shards hold the rows of each side in the order of the inputs,
//! so a span's rows lie where those of the spans before it end.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::Context;
use super::columns::Opened;
use super::findings::Findings;
use super::records::Records;
use super::rows::{Comparison, Span};
use super::slots::Piece;
use super::split::RecordedSplit;
use super::views::views;
use crate::artifact::escape_name;
use crate::error::{Place, Result};
use crate::report::VerifyReport;
use crate::source::discover::{InputFile, discover, fingerprint};
use crate::source::text::{ColumnRequest, ColumnType, TextFile};
use crate::spec::{Dialect, Format, InputSpec};

/// Rows of a span, and the most files in it.
const SPAN_ROWS: usize = 1 << 20;
const SPAN_FILES: usize = 64;
/// Text that is parsed at a time, at most, and the part of the memory that it may be: it grows by
/// doubling, and its columns may take several times as much.
const RANGE_BYTES_MAX: u64 = 64 << 20;
const RANGE_SHARE: u64 = 12;
const RANGE_BYTES_MIN: u64 = 1 << 20;

/// What the manifest's spec says that is needed here.
#[derive(Debug, Deserialize)]
struct RecordedSpec {
    input: RecordedInput,
    split: RecordedSplit,
    columns: RecordedColumns,
}

#[derive(Debug, Deserialize)]
struct RecordedColumns {
    weights: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RecordedInput {
    format: Option<Format>,
    dialect: Dialect,
    hive: bool,
}

/// Splits, fits and standardizes every row again and compares it with the shards.
pub(super) fn check(
    context: Context<'_>,
    records: &Records,
    findings: &mut Findings,
    report: &mut VerifyReport,
) -> Result<()> {
    let spec: RecordedSpec = match serde_json::from_value(records.manifest.spec.clone()) {
        Ok(spec) => spec,
        Err(error) => {
            findings.push("manifest.json", format!("its spec cannot be read: {error}"));
            return Ok(());
        }
    };
    let Some(mut split) = spec.split.resolve() else {
        findings.push("manifest.json", "its split cannot be read");
        return Ok(());
    };
    let Some(inputs) = inputs(context, &spec.input, records, findings, report)? else {
        return Ok(());
    };
    let spans = Spans {
        context,
        dialect: &spec.input.dialect,
        records,
        inputs: &inputs,
    };
    if split
        .settle(context, &inputs, |take| spans.each(|span| take(&span)))?
        .is_none()
    {
        findings.push("manifest.json", "its sides are larger than the inputs");
        return Ok(());
    }
    let weights = spec.columns.weights.as_deref();
    for view in &views(records) {
        let of = (&split, view);
        let mut comparison = Comparison::new(context, records, &inputs, of, weights);
        spans.each(|span| comparison.span(&span, findings))?;
        comparison.in_order(&mut |take| spans.each(|span| take(&span)), findings)?;
        report.source_rows = comparison.finish(findings);
        if !findings.is_empty() {
            break;
        }
    }
    Ok(())
}

/// The inputs, span by span.
#[derive(Clone, Copy)]
struct Spans<'a> {
    context: Context<'a>,
    dialect: &'a Dialect,
    records: &'a Records,
    inputs: &'a [InputFile],
}

impl Spans<'_> {
    fn each(self, mut take: impl FnMut(Span<'_>) -> Result<()>) -> Result<()> {
        match self.inputs.first().map(|input| input.format) {
            Some(Format::Csv) => {
                text_spans(self.context, self.dialect, self.records, self.inputs, take)
            }
            _ => {
                let borders = self.records.manifest.borders();
                parquet_spans(self.context, self.inputs, &borders, &mut take)
            }
        }
    }
}

/// The inputs that the manifest names, in its order; `None`, with findings, if they aren't what they
/// were.
fn inputs(
    context: Context<'_>,
    recorded: &RecordedInput,
    records: &Records,
    findings: &mut Findings,
    report: &mut VerifyReport,
) -> Result<Option<Vec<InputFile>>> {
    let spec = InputSpec {
        root: context.spec.root.clone(),
        format: recorded.format,
        dialect: recorded.dialect.clone(),
        hive: recorded.hive,
        follow_symlinks: context.spec.follow_symlinks,
        ..InputSpec::new(context.spec.inputs.clone())
    };
    let found = discover(&spec, &context.spec.output)?;
    let mut by_name: BTreeMap<String, InputFile> = found
        .files
        .into_iter()
        .map(|file| (escape_name(&file.relative), file))
        .collect();
    let mut inputs = Vec::new();
    let mut is_same = true;
    for said in &records.manifest.inputs {
        context.cancel.check()?;
        let Some(file) = by_name.remove(&said.path) else {
            findings.push(&said.path, "the manifest names it, --in does not have it");
            is_same = false;
            continue;
        };
        let print = fingerprint(&file)?;
        if (print.bytes, print.digest) != (said.bytes, said.digest) {
            findings.push(
                &said.path,
                "it is not the file that was read for the output",
            );
            is_same = false;
        }
        inputs.push(file);
    }
    report.source_files_ignored = by_name.len() as u64;
    Ok(is_same.then_some(inputs))
}

/// A span never crosses one of the `borders`, where what was added later begins.
fn parquet_spans(
    context: Context<'_>,
    inputs: &[InputFile],
    borders: &[usize],
    mut compare: impl FnMut(Span<'_>) -> Result<()>,
) -> Result<()> {
    let (mut pieces, mut rows, mut files) = (Vec::new(), 0, 0);
    for (index, input) in inputs.iter().enumerate() {
        context.cancel.check()?;
        let name = escape_name(&input.relative);
        let opened = Arc::new(Opened::open(name, &input.path, context.memory)?);
        if borders.contains(&index) && !pieces.is_empty() {
            compare(Span::Files(std::mem::take(&mut pieces)))?;
            (rows, files) = (0, 0);
        }
        files += 1;
        let mut first_row = 0;
        for (group, group_rows) in opened.group_rows().enumerate() {
            if rows > 0 && (rows + group_rows > SPAN_ROWS || files > SPAN_FILES) {
                compare(Span::Files(std::mem::take(&mut pieces)))?;
                (rows, files) = (0, 1);
            }
            pieces.push(Piece {
                opened: Arc::clone(&opened),
                group,
                skip: 0,
                rows: group_rows,
                first_row,
                input: index,
            });
            rows += group_rows;
            first_row += group_rows as u64;
        }
    }
    compare(Span::Files(pieces))
}

fn text_spans(
    context: Context<'_>,
    dialect: &Dialect,
    records: &Records,
    inputs: &[InputFile],
    mut compare: impl FnMut(Span<'_>) -> Result<()>,
) -> Result<()> {
    let range_bytes = context.memory.available() / RANGE_SHARE;
    let range_bytes = range_bytes.clamp(RANGE_BYTES_MIN, RANGE_BYTES_MAX);
    for (index, input) in inputs.iter().enumerate() {
        let file = TextFile::open(&input.path, dialect)?;
        let names = &file.header().names;
        let requests: Vec<ColumnRequest> = names
            .iter()
            .map(|name| ColumnRequest::As(recorded_type(records, name)))
            .collect();
        if file.is_compressed() {
            let what = || "the window of a zstd file".to_owned();
            let window = file.window_bytes();
            let fits = context.memory.check_worker_fits(window, what);
            fits.map_err(|error| error.at(Place::path(&input.path)))?;
            let segment = usize::try_from(range_bytes).unwrap_or(usize::MAX);
            file.parse_stream(&requests, segment, |batch| {
                context.cancel.check()?;
                compare(Span::Text {
                    batch: &batch,
                    names,
                    input: index,
                })
            })?;
            continue;
        }
        let ranges = file.ranges(range_bytes);
        let summaries = context
            .ordered(ranges.len())
            .collect(|range| file.scan(ranges[range].clone()))?;
        for unit in &file.stitch(&summaries).units {
            context.cancel.check()?;
            compare(Span::Text {
                batch: &file.parse(unit, &requests)?,
                names,
                input: index,
            })?;
        }
    }
    Ok(())
}

/// How a column of text was read in the end.
fn recorded_type(records: &Records, name: &str) -> ColumnType {
    let mut columns = records.manifest.columns.iter();
    match columns.find(|column| column.name == name) {
        Some(column) if column.input_type == "int64" => ColumnType::Int64,
        Some(column) if column.input_type == "float64" => ColumnType::Float64,
        _ => ColumnType::Text,
    }
}
