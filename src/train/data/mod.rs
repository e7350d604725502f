//! `DataSet`: a published output as the trainer sees it: features with their scaler, shards in pieces.
//!
//! A piece is a run of rows of one row group, of at most 65,536 rows and 16 MiB; pieces
//! are read and dropped, so memory doesn't grow with the data. Nothing but footers is kept in mind of
//! a shard: the rows of its row groups. Invariant: pieces follow from the shards alone.

mod census;
mod label;
mod label_reader;
mod piece;
mod slab;

use std::path::{Path, PathBuf};

use crate::artifact::manifest::ManifestShard;
use crate::artifact::{Manifest, ScalerFile};
use crate::engine::Memory;
use crate::error::{Error, Place, PublishedError, Result, UsageError};
use crate::source::parquet::ParquetFile;
use crate::source::{self, record};
use crate::spec::Resources;
use crate::train::limits::{memory_floor, piece_rows};

pub(super) use label::{Labels, Target};
pub(super) use slab::{Pieces, Slab};

/// A published output.
#[derive(Debug)]
pub(super) struct DataSet {
    pub(super) manifest: Manifest,
    pub(super) scaler: ScalerFile,
    pub(super) train: Side,
    pub(super) test: Side,
    /// What is left of the budget for large pages.
    memory: Memory,
}

/// The shards of one side, cut into pieces.
#[derive(Debug, Default)]
pub(super) struct Side {
    pub(super) shards: Vec<Shard>,
    pub(super) pieces: Vec<Piece>,
}

/// One file.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) path: PathBuf,
    pub(super) unit: u64,
    /// Rows of each row group.
    pub(super) row_groups: Vec<u64>,
}

/// A run of rows of one row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) shard: usize,
    pub(super) row_group: usize,
    /// The first row, counted in the row group.
    pub(super) first: u64,
    /// The first row, counted in the shard.
    pub(super) first_in_shard: u64,
    pub(super) rows: u64,
}

impl DataSet {
    /// Opens the output at `path`; reads records and footers.
    ///
    /// # Errors
    /// When a record or footer is damaged, or doesn't fit the memory.
    pub(super) fn open(path: &Path, resources: Resources) -> Result<Self> {
        let manifest = record(path, "manifest.json", Manifest::parse)?;
        manifest
            .check_sides("prep validate")
            .map_err(|error| error.at(Place::path(path)))?;
        let scaler = record(path, "scaler.json", ScalerFile::from_json)?;
        let features = scaler.columns().len();
        let memory = Memory::new(resources.memory_bytes_max, resources.threads);
        let side = |name: &str| -> Result<Side> {
            let mut side = Side::default();
            for shard in manifest.shards.iter().filter(|shard| shard.side == name) {
                side.add(path.join(&shard.path), shard, features, &memory)?;
            }
            Ok(side)
        };
        let (train, test) = (side("train")?, side("test")?);
        memory.share_out_to_readers(memory_floor(features));
        Ok(Self {
            manifest,
            scaler,
            train,
            test,
            memory,
        })
    }

    /// Opens one of its shards, several columns of which are read at once.
    fn open_shard(&self, shard: &Shard) -> Result<ParquetFile> {
        ParquetFile::open(&shard.path, &self.memory.group())
    }

    /// How many features there are.
    pub(super) fn features(&self) -> usize {
        self.scaler.columns().len()
    }

    /// Refuses a label that isn't a column that passed through.
    pub(super) fn check_label(&self, label: &str) -> Result<()> {
        let columns = &self.manifest.columns;
        match columns.iter().find(|column| column.name == label) {
            Some(column) if column.role == "feature" => {
                Err(Error::from(UsageError::InvalidValue {
                    flag: "--label",
                    value: label.to_owned(),
                    reason: "it is one of the standardized features".to_owned(),
                })
                .hint(format!(
                    "make the output with prep stream --label {label:?}"
                )))
            }
            Some(_) => Ok(()),
            None => {
                let passed = columns.iter().filter(|column| column.role != "feature");
                let names: Vec<String> = passed.take(5).map(|c| format!("{:?}", c.name)).collect();
                Err(UsageError::UnknownColumn {
                    flag: "--label",
                    column: label.to_owned(),
                    available: if names.is_empty() {
                        "features only".to_owned()
                    } else {
                        names.join(", ")
                    },
                }
                .into())
            }
        }
    }
}

impl Side {
    fn add(
        &mut self,
        path: PathBuf,
        record: &ManifestShard,
        features: usize,
        memory: &Memory,
    ) -> Result<()> {
        let file = source::shard(&path, || ParquetFile::open(&path, memory))?;
        let groups = file.metadata().row_groups().iter();
        let row_groups: Vec<u64> = groups
            .map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
            .collect();
        let found = row_groups.iter().sum();
        if found != record.rows {
            let expected = record.rows;
            let wrong = PublishedError::ShardRows { found, expected };
            return Err(Error::from(wrong).at(Place::path(path)));
        }
        let rows_max = piece_rows(features);
        let mut group_start = 0;
        for (row_group, rows) in row_groups.iter().enumerate() {
            for first in (0..*rows).step_by(usize::try_from(rows_max).unwrap_or(1)) {
                self.pieces.push(Piece {
                    shard: self.shards.len(),
                    row_group,
                    first,
                    first_in_shard: group_start + first,
                    rows: rows_max.min(rows - first),
                });
            }
            group_start += rows;
        }
        self.shards.push(Shard {
            path,
            unit: record.unit,
            row_groups,
        });
        Ok(())
    }
}
