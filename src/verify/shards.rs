//! Shards: bytes, checksum, schema and rows of each against the manifest.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use parquet::schema::types::TypePtr;
use twox_hash::XxHash3_128;

use super::Context;
use super::findings::Findings;
use super::records::{Records, differs};
use crate::artifact::Manifest;
use crate::artifact::manifest::ManifestShard;
use crate::engine::{Cancel, guarded};
use crate::error::Result;
use crate::report::VerifyReport;
use crate::schema::describe;
use crate::source::parquet::ParquetFile;

/// Bytes read at a time.
const READ_BYTES: usize = 1 << 20;

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
                (Some((path, expected)), Some(root)) if **expected != *root => {
                    findings.push(&shard.path, format!("its schema is not that of {path}"));
                }
                _ => {}
            }
            Ok(())
        },
    )?;
    let inputs: u64 = manifest.inputs.iter().map(|input| input.rows).sum();
    let rows: u64 = shards.iter().map(|shard| shard.rows).sum();
    if inputs != rows {
        let what = format!("its shards have {rows} rows, its inputs {inputs}");
        findings.push("manifest.json", what);
    }
    Ok(())
}

fn look(context: Context<'_>, manifest: &Manifest, shard: &ManifestShard) -> Result<Seen> {
    let mut findings = Findings::default();
    let path = path_of(&context.spec.output, shard);
    let mut root = None;
    match digest(&path, context.cancel) {
        // What is missing or no file has its finding already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => findings.push(&shard.path, format!("cannot read it: {error}")),
        Ok(found) => match differs(found, (shard.bytes, shard.xxh3_128)) {
            Some(what) => findings.push(&shard.path, what),
            None => root = footer(context, &path, manifest, shard, &mut findings),
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

fn digest(path: &Path, cancel: &Cancel) -> io::Result<(u64, u128)> {
    let mut file = File::open(path)?;
    let mut hasher = XxHash3_128::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hasher.finish_128())),
            Ok(read) => {
                hasher.write(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if cancel.check().is_err() {
            return Ok((bytes, hasher.finish_128()));
        }
    }
}

/// Compares the footer with the manifest; returns the schema.
fn footer(
    context: Context<'_>,
    path: &Path,
    manifest: &Manifest,
    shard: &ManifestShard,
    findings: &mut Findings,
) -> Option<TypePtr> {
    let file = match guarded(|| ParquetFile::open(path, context.memory)) {
        Ok(file) => file,
        Err(error) => {
            findings.push(&shard.path, error.kind().to_string());
            return None;
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
        return None;
    }
    Some(root)
}
