//! `DataSet`: a published output as the trainer sees it: features with their scaler, shards in pieces.
//!
//! A piece is a run of rows of one row group, of at most [`PIECE_ROWS_MAX`] rows and 16 MiB; pieces
//! are read and dropped, so memory doesn't grow with the data. Nothing but footers is kept in mind of
//! a shard: the rows of its row groups. Invariant: pieces follow from the shards alone.

mod label;
mod piece;
mod slab;

use std::path::{Path, PathBuf};

use crate::artifact::{Manifest, ScalerFile};
use crate::error::{DataError, Error, InputError, Place, Result, UsageError};
use crate::source::parquet::ParquetFile;

pub(super) use label::{Labels, Target};
pub(super) use slab::{Pieces, Slab};

/// The most rows of a piece.
const PIECE_ROWS_MAX: u64 = 65_536;
/// The most bytes of a piece, unless [`PIECE_ROWS_MIN`] rows have more.
const PIECE_BYTES_MAX: u64 = 16 << 20;
/// Fewer rows would make a piece all overhead.
const PIECE_ROWS_MIN: u64 = 64;
/// A row takes a float32 for each feature, raw and standardized.
const VALUE_BYTES: u64 = 8;

/// A published output.
#[derive(Debug)]
pub(super) struct DataSet {
    pub(super) manifest: Manifest,
    pub(super) scaler: ScalerFile,
    pub(super) train: Side,
    pub(super) test: Side,
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
    pub(super) fn open(path: &Path) -> Result<Self> {
        let manifest = record(path, "manifest.json", |bytes| {
            Manifest::parse(bytes).map_err(|error| error.to_string())
        })?;
        let scaler = record(path, "scaler.json", |bytes| {
            ScalerFile::from_json(bytes).map_err(|error| error.to_string())
        })?;
        let features = scaler.columns().len();
        let side = |name: &str| -> Result<Side> {
            let mut side = Side::default();
            for shard in manifest.shards.iter().filter(|shard| shard.side == name) {
                side.add(path.join(&shard.path), shard.unit, features)?;
            }
            Ok(side)
        };
        let (train, test) = (side("train")?, side("test")?);
        Ok(Self {
            manifest,
            scaler,
            train,
            test,
        })
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
    fn add(&mut self, path: PathBuf, unit: u64, features: usize) -> Result<()> {
        let file = ParquetFile::open(&path)?;
        let groups = file.metadata().row_groups().iter();
        let row_groups: Vec<u64> = groups
            .map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
            .collect();
        let fitting = PIECE_BYTES_MAX / (VALUE_BYTES * features.max(1) as u64);
        let rows_max = fitting.clamp(PIECE_ROWS_MIN, PIECE_ROWS_MAX);
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
            unit,
            row_groups,
        });
        Ok(())
    }
}

/// Reads one of the records beside the shards.
fn record<T>(
    output: &Path,
    name: &'static str,
    parse: impl FnOnce(&[u8]) -> std::result::Result<T, String>,
) -> Result<T> {
    let path = output.join(name);
    let bytes = std::fs::read(&path).map_err(|source| {
        Error::from(InputError::Io {
            action: "read a record of the output",
            source,
        })
        .at(Place::path(&path))
        .hint("--data takes an output of prep stream")
    })?;
    parse(&bytes).map_err(|reason| Error::from(DataError::Record { reason }).at(Place::path(&path)))
}
