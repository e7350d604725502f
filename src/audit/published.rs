//! `Published`: an output that is read again, from its records alone.
//!
//! Invariant: what is read is exactly what `manifest.json` names: every shard is there with its size,
//! rows, columns and checksum, or there is an error that names it. Limit: format version 1.

use std::ops::Range;
use std::path::{Path, PathBuf};

use parquet::schema::types::{SchemaDescriptor, TypePtr};

use crate::artifact::manifest::{ManifestShard, hex};
use crate::artifact::{Manifest, ScalerFile};
use crate::engine::Memory;
use crate::error::{Error, Place, PublishedError, Result};
use crate::schema::same_columns;
use crate::source::parquet::ParquetFile;
use crate::source::{self, file_digest, optional_record, record};

/// Sides in the order in which every list here has them; others come after.
const SIDE_ORDER: [&str; 3] = ["train", "val", "test"];
/// The roles that manifest.json gives.
const FEATURE: &str = "feature";
/// What features were standardized by, and with it what all train rows have.
const SCALER: &str = "scaler.json";
const MERGED: &str = "scaler-merged.json";

/// An output with its records, before any row is read.
#[derive(Debug)]
pub(super) struct Published {
    memory: Memory,
    dir: PathBuf,
    pub manifest: Manifest,
    pub scaler: ScalerFile,
    /// The moments of all train rows, where more were added than the scaler was fitted on.
    pub merged: Option<ScalerFile>,
    pub columns: Vec<Column>,
    /// Train first.
    pub sides: Vec<Side>,
    root: TypePtr,
    largest_row_group: u64,
}

/// One side.
#[derive(Debug)]
pub(super) struct Side {
    pub name: String,
    pub rows: u64,
    pub shards: Vec<Shard>,
}

/// One shard and where its rows are on its side.
#[derive(Debug)]
pub(super) struct Shard {
    pub record: ManifestShard,
    /// Index, on its side, of its first row.
    pub first_row: u64,
}

/// One column of the shards.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub name: String,
    pub role: String,
    /// Its type before it was standardized.
    pub input_type: String,
    /// Its type in the shards.
    pub output_type: String,
    /// Its leaves in the shards' schema.
    pub leaves: Range<usize>,
    /// Its index in `scaler.json`.
    pub feature: Option<usize>,
}

impl Column {
    /// Whether its values can be codes rather than measurements: whole numbers, text.
    pub(super) fn is_code(&self) -> bool {
        let starts = ["int", "uint", "string", "binary"];
        starts
            .iter()
            .any(|start| self.input_type.starts_with(start))
    }

    /// Whether its values were whole numbers.
    pub(super) fn is_integer(&self) -> bool {
        ["int", "uint"]
            .iter()
            .any(|start| self.input_type.starts_with(start))
    }
}

impl Published {
    /// Reads the records of the output at `dir`.
    pub(super) fn open(dir: &Path, memory: &Memory) -> Result<Self> {
        let manifest = record(dir, "manifest.json", Manifest::parse)?;
        manifest
            .check_sides("prep audit")
            .map_err(|error| error.at(Place::path(dir)))?;
        let scaler = record(dir, SCALER, ScalerFile::from_json)?;
        let merged = match manifest.generations.is_empty() {
            true => None,
            false => optional_record(dir, MERGED, ScalerFile::from_json)?,
        };
        let sides = sides(&manifest);
        let Some(first) = sides.first().filter(|side| side.name == SIDE_ORDER[0]) else {
            let side = SIDE_ORDER[0];
            return Err(Error::from(PublishedError::NoSide { side }).at(Place::path(dir)));
        };
        let path = first.shards.first().map(|shard| &shard.record.path);
        let path = dir.join(path.map_or("", String::as_str));
        let file = source::shard(&path, || ParquetFile::open(&path, memory))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let columns = columns(&manifest, schema, &path)?;
        let features = columns.iter().filter(|c| c.feature.is_some()).count();
        for (name, scaler) in [(SCALER, Some(&scaler)), (MERGED, merged.as_ref())] {
            let found = scaler.map_or(features, |scaler| scaler.columns().len());
            if found != features {
                let expected = features;
                return Err(Error::from(PublishedError::Features { found, expected })
                    .at(Place::path(dir.join(name))));
            }
        }
        let mut published = Self {
            dir: dir.to_path_buf(),
            memory: memory.clone(),
            root: schema.root_schema_ptr(),
            largest_row_group: 0,
            manifest,
            scaler,
            merged,
            columns,
            sides,
        };
        published.largest_row_group = published.measure_row_groups()?;
        Ok(published)
    }

    /// Reads every footer, so that what is missing is known before the first row is read.
    fn measure_row_groups(&self) -> Result<u64> {
        let mut largest = 0;
        for shard in self.sides.iter().flat_map(|side| &side.shards) {
            let file = self.open_shard(shard)?;
            let rows = file
                .metadata()
                .row_groups()
                .iter()
                .map(|group| group.num_rows());
            largest = largest.max(u64::try_from(rows.max().unwrap_or(0)).unwrap_or(0));
        }
        Ok(largest)
    }

    /// Rows of the largest row group.
    pub(super) fn largest_row_group(&self) -> u64 {
        self.largest_row_group
    }

    /// Where the output is.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// All shards, side by side in order, each as its side and its index there.
    pub(super) fn shards(&self) -> Vec<(usize, usize)> {
        let shards =
            |(side, found): (usize, &Side)| (0..found.shards.len()).map(move |s| (side, s));
        self.sides.iter().enumerate().flat_map(shards).collect()
    }

    /// Rows of all sides.
    pub(super) fn rows(&self) -> u64 {
        self.sides.iter().map(|side| side.rows).sum()
    }

    /// Makes sure that a shard's bytes are those that were written.
    pub(super) fn check_bytes(&self, shard: &Shard) -> Result<()> {
        let path = self.dir.join(&shard.record.path);
        let (bytes, digest) = source::shard(&path, || digest(&path))?;
        let expected = &shard.record;
        let wrong = if bytes != expected.bytes {
            PublishedError::ShardSize {
                found: bytes,
                expected: expected.bytes,
            }
        } else if digest != expected.xxh3_128 {
            PublishedError::ShardDigest {
                found: hex(digest),
                expected: hex(expected.xxh3_128),
            }
        } else {
            return Ok(());
        };
        Err(Error::from(wrong)
            .at(Place::path(path))
            .hint("the output was changed or damaged since it was made: make it again"))
    }

    /// Opens a shard, if its columns and rows are those of the records.
    pub(super) fn open_shard(&self, shard: &Shard) -> Result<ParquetFile> {
        let path = self.dir.join(&shard.record.path);
        let file = source::shard(&path, || ParquetFile::open(&path, &self.memory))?;
        let metadata = file.metadata().file_metadata();
        let found = u64::try_from(metadata.num_rows()).unwrap_or(0);
        if found != shard.record.rows {
            return Err(Error::from(PublishedError::ShardRows {
                found,
                expected: shard.record.rows,
            })
            .at(Place::path(path)));
        }
        let root = metadata.schema_descr().root_schema();
        // Shards of files that were added later may be the first to have nulls.
        let is_same = *root == *self.root
            || (!self.manifest.generations.is_empty() && same_columns(root, &self.root));
        if !is_same {
            columns(&self.manifest, metadata.schema_descr(), &path)?;
            let said = |root: &TypePtr| format!("{} columns", root.get_fields().len());
            return Err(Error::from(PublishedError::Columns {
                found: said(&metadata.schema_descr().root_schema_ptr()),
                expected: said(&self.root),
            })
            .at(Place::path(path)));
        }
        Ok(file)
    }

    /// The shard that holds a row of a side, and the row in it.
    pub(super) fn locate(&self, side: usize, row: u64) -> Option<(&Shard, u64)> {
        let shards = &self.sides.get(side)?.shards;
        let index = shards.partition_point(|shard| shard.first_row <= row);
        let shard = shards.get(index.checked_sub(1)?)?;
        Some((shard, row - shard.first_row))
    }

    /// The type of a column in the shards.
    pub(super) fn root(&self, column: &Column) -> &TypePtr {
        let index = self
            .columns
            .iter()
            .position(|other| other.leaves == column.leaves);
        &self.root.get_fields()[index.unwrap_or(0)]
    }

    /// The index of the column with this name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

fn digest(path: &Path) -> Result<(u64, u128)> {
    file_digest(path, || true).map_err(|source| {
        let action = "read the shard";
        Error::from(PublishedError::Io { action, source }).at(Place::path(path))
    })
}

fn sides(manifest: &Manifest) -> Vec<Side> {
    let mut sides: Vec<Side> = Vec::new();
    for record in &manifest.shards {
        let index = sides.iter().position(|side| side.name == record.side);
        let index = index.unwrap_or_else(|| {
            sides.push(Side {
                name: record.side.clone(),
                rows: 0,
                shards: Vec::new(),
            });
            sides.len() - 1
        });
        let side = &mut sides[index];
        side.shards.push(Shard {
            record: record.clone(),
            first_row: side.rows,
        });
        side.rows += record.rows;
    }
    let order = |side: &Side| {
        let known = SIDE_ORDER.iter().position(|name| *name == side.name);
        known.unwrap_or(SIDE_ORDER.len())
    };
    sides.sort_by_key(order);
    sides
}

fn columns(manifest: &Manifest, schema: &SchemaDescriptor, path: &Path) -> Result<Vec<Column>> {
    let fields = schema.root_schema().get_fields();
    let differs = |found: String, expected: String| {
        Error::from(PublishedError::Columns { found, expected }).at(Place::path(path))
    };
    if fields.len() != manifest.columns.len() {
        let said = |count: usize| format!("{count} columns");
        return Err(differs(said(fields.len()), said(manifest.columns.len())));
    }
    let mut first_leaf = 0;
    let mut features = 0;
    let mut columns = Vec::with_capacity(fields.len());
    for (index, (field, record)) in fields.iter().zip(&manifest.columns).enumerate() {
        if field.name() != record.name {
            let quoted = |name: &str| format!("\"{name}\"");
            return Err(differs(quoted(field.name()), quoted(&record.name)));
        }
        let leaves = (first_leaf..schema.num_columns())
            .take_while(|leaf| schema.get_column_root_idx(*leaf) == index)
            .count();
        let is_feature = record.role == FEATURE;
        columns.push(Column {
            name: record.name.clone(),
            role: record.role.clone(),
            input_type: record.input_type.clone(),
            output_type: record.output_type.clone(),
            leaves: first_leaf..first_leaf + leaves,
            feature: is_feature.then_some(features),
        });
        first_leaf += leaves;
        features += usize::from(is_feature);
    }
    Ok(columns)
}
