//! Shards: bytes, checksum, schema and rows of each against the manifest.

use std::io;
use std::path::{Path, PathBuf};

use parquet::schema::types::{Type, TypePtr};

use super::Context;
use super::findings::{Findings, damage};
use super::records::{Records, differs};
use crate::artifact::Manifest;
use crate::artifact::manifest::{Maker, ManifestShard};
use crate::engine::guarded;
use crate::error::Result;
use crate::report::VerifyReport;
use crate::schema::{describe, same_columns};
use crate::source::file_digest;
use crate::source::parquet::ParquetFile;

/// What was seen of one shard.
struct Seen {
    findings: Findings,
    root: Option<TypePtr>,
}

/// Looks at every shard.
pub(super) fn check(
    context: Context<'_>,
    records: &Records,
    findings: &mut Findings,
    report: &mut VerifyReport,
) -> Result<()> {
    let manifest = &records.manifest;
    let shards = &manifest.shards;
    let mut first: Option<(&str, TypePtr)> = None;
    context.ordered(shards.len()).run(
        |index| look(context, manifest, &shards[index]),
        |index, seen| {
            let shard = &shards[index];
            findings.append(seen.findings);
            report.shards += 1;
            report.bytes += shard.bytes;
            report.rows += shard.rows;
            match (&first, seen.root) {
                (None, Some(root)) => first = Some((&shard.path, root)),
                (Some((path, expected)), Some(root)) if !is_same(manifest, expected, &root) => {
                    findings.push(&shard.path, format!("its schema is not that of {path}"));
                }
                _ => {}
            }
            Ok(())
        },
    )?;
    let inputs: u64 = manifest.inputs.iter().map(|input| input.rows).sum();
    let rows: u64 = shards.iter().map(|shard| shard.rows).sum();
    // The sides of every fold hold all rows again.
    let times = match records.is_materialized() {
        true => records.folds() as u64,
        false => 1,
    };
    let expected = inputs.checked_sub(manifest.left_out);
    let folds: u64 = manifest.folds.iter().sum();
    if records.folds() > 0 && expected != Some(folds) {
        let what = format!("its folds have {folds} rows, its inputs {inputs}");
        findings.push("manifest.json", what);
    }
    let has_rows = manifest.made_by != Maker::Fit;
    if has_rows && expected.map(|rows| rows * times) != Some(rows) {
        let mut what = format!("its shards have {rows} rows, its inputs {inputs}");
        if manifest.left_out > 0 {
            what.push_str(&format!(", of which {} are left out", manifest.left_out));
        }
        findings.push("manifest.json", what);
    }
    Ok(())
}

/// Whether two shards have the columns that they should share: those of files that were added later may be
/// the first to have nulls.
fn is_same(manifest: &Manifest, a: &Type, b: &Type) -> bool {
    match manifest.generations.is_empty() {
        true => a == b,
        false => same_columns(a, b),
    }
}

fn look(context: Context<'_>, manifest: &Manifest, shard: &ManifestShard) -> Result<Seen> {
    let mut findings = Findings::default();
    let path = path_of(&context.spec.output, shard);
    let mut root = None;
    match file_digest(&path, || context.cancel.check().is_ok()) {
        // What is missing or no file has its finding already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => findings.push(&shard.path, format!("cannot read it: {error}")),
        Ok(found) => match differs(found, (shard.bytes, shard.xxh3_128)) {
            Some(what) => findings.push(&shard.path, what),
            None => root = footer(context, &path, manifest, shard, &mut findings)?,
        },
    }
    context.cancel.check()?;
    Ok(Seen { findings, root })
}

/// Where a shard is; nowhere below `..`, whatever a manifest says.
pub(super) fn path_of(output: &Path, shard: &ManifestShard) -> PathBuf {
    let parts = shard.path.split('/').filter(|part| *part != "..");
    parts.fold(output.to_path_buf(), |path, part| path.join(part))
}

/// Compares the footer with the manifest; returns the schema.
fn footer(
    context: Context<'_>,
    path: &Path,
    manifest: &Manifest,
    shard: &ManifestShard,
    findings: &mut Findings,
) -> Result<Option<TypePtr>> {
    let file = match guarded(|| ParquetFile::open(path, context.memory)) {
        Ok(file) => file,
        Err(error) => {
            findings.push(&shard.path, damage(error)?);
            return Ok(None);
        }
    };
    let groups = file.metadata().row_groups();
    let rows: i64 = groups.iter().map(|group| group.num_rows()).sum();
    if u64::try_from(rows) != Ok(shard.rows) {
        let what = format!("{rows} rows, the manifest says {}", shard.rows);
        findings.push(&shard.path, what);
    }
    let root = file
        .metadata()
        .file_metadata()
        .schema_descr()
        .root_schema_ptr();
    let found = root
        .get_fields()
        .iter()
        .map(|field| (field.name().to_owned(), describe(field)));
    let said = manifest
        .columns
        .iter()
        .map(|column| (column.name.clone(), column.output_type.clone()));
    if !found.eq(said) {
        findings.push(&shard.path, "its columns are not those of the manifest");
        return Ok(None);
    }
    Ok(Some(root))
}
