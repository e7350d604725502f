//! Reading one piece: features of every labelled row in both forms, row-major, with its target.
//!
//! A missing feature (null or NaN) becomes the train mean, 0 once standardized, and is counted.

use std::collections::BTreeMap;

use super::label::{Labels, Target};
use super::{DataSet, Piece, Side};
use crate::error::{Error, Place, Result, TrainError};
use crate::kernel::{ColumnScaler, Domain, Threshold, row_hash};
use crate::schema::NumericKind;
use crate::source::parquet::{LeafRun, NumberReader, ParquetFile};
use crate::train::network::narrow;

/// Labelled rows, ready for a network.
#[derive(Debug, Default)]
pub(in crate::train) struct Block {
    pub(in crate::train) features: usize,
    /// z x scale + mean, row after row.
    pub(in crate::train) raw: Vec<f32>,
    /// z, row after row.
    pub(in crate::train) standardized: Vec<f32>,
    /// One for each row, never absent.
    pub(in crate::train) targets: Vec<Target>,
    /// Whether the row belongs to the part.
    pub(in crate::train) in_part: Vec<bool>,
    /// Feature values that were missing.
    pub(in crate::train) missing: u64,
}

/// Which train rows belong to the part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) seed: u64,
    pub(super) threshold: Threshold,
}

impl Block {
    pub(in crate::train) fn rows(&self) -> usize {
        self.targets.len()
    }

    /// Takes in the rows of another block; `room`, for so many rows, is made once and not doubled later.
    pub(super) fn append(&mut self, mut other: Self, room: usize) {
        if self.rows() == 0 {
            self.raw.reserve_exact(room * other.features);
            self.standardized.reserve_exact(room * other.features);
        }
        self.features = other.features;
        self.raw.append(&mut other.raw);
        self.standardized.append(&mut other.standardized);
        self.targets.append(&mut other.targets);
        self.in_part.append(&mut other.in_part);
        self.missing += other.missing;
    }
}

/// Reads the labelled rows of one piece.
pub(super) fn read(
    data: &DataSet,
    side: &Side,
    labels: &Labels,
    part: Part,
    piece: Piece,
) -> Result<Block> {
    let shard = &side.shards[piece.shard];
    // Only a part of each column chunk is wanted.
    let file = data.open_shard(shard)?.by_pages();
    let (first, rows) = (length(piece.first), length(piece.rows));
    let mut reader = labels.reader(&file, piece.row_group)?;
    reader.skip(first)?;
    let targets = labels.targets(&mut reader, rows)?;
    let labelled: Vec<usize> = (0..rows)
        .filter(|row| {
            targets
                .get(*row)
                .is_some_and(|target| *target != Target::Absent)
        })
        .collect();
    let features = data.features();
    let mut block = Block {
        features,
        raw: vec![0.0; labelled.len() * features],
        standardized: vec![0.0; labelled.len() * features],
        targets: labelled.iter().map(|row| targets[*row]).collect(),
        in_part: Vec::with_capacity(labelled.len()),
        missing: 0,
    };
    for row in &labelled {
        let row = piece.first_in_shard + *row as u64;
        let hash = row_hash(part.seed, Domain::TRAINER_PART, shard.unit, row);
        block.in_part.push(part.threshold.contains(hash));
    }
    let scalers = data.scaler.scaler().columns();
    let leaves = leaves(&file);
    let mut run = LeafRun::default();
    let mut column = vec![f64::NAN; rows];
    for (index, (fitted, scaler)) in data.scaler.columns().iter().zip(scalers).enumerate() {
        let leaf = leaves.get(fitted.name.as_str()).copied();
        let mut numbers = open(&file, piece.row_group, leaf, &fitted.name)?;
        numbers.skip(first)?;
        numbers.read(rows, &mut run)?;
        spread(&run, &mut column);
        block.fill(index, scaler, labelled.iter().map(|row| column[*row]));
    }
    Ok(block)
}

impl Block {
    /// Fills one feature of every row from its standardized values.
    fn fill(&mut self, index: usize, scaler: &ColumnScaler, values: impl Iterator<Item = f64>) {
        let cells = (index..).step_by(self.features);
        for (cell, z) in cells.zip(values) {
            let is_missing = z.is_nan();
            let z = if is_missing { 0.0 } else { z };
            self.missing += u64::from(is_missing);
            self.standardized[cell] = narrow(z);
            self.raw[cell] = narrow(scaler.inverse(z));
        }
    }
}

/// One value a row, NaN where there is none.
fn spread(run: &LeafRun<f64>, column: &mut [f64]) {
    if run.definition.is_empty() {
        column.copy_from_slice(&run.values);
        return;
    }
    let mut values = run.values.iter();
    for (value, level) in column.iter_mut().zip(&run.definition) {
        let there = if *level > 0 { values.next() } else { None };
        *value = there.copied().unwrap_or(f64::NAN);
    }
}

/// The leaf of each column that isn't nested.
fn leaves(file: &ParquetFile) -> BTreeMap<&str, usize> {
    let schema = file.metadata().file_metadata().schema_descr();
    let flat = schema.columns().iter().enumerate();
    flat.filter(|(_, column)| column.path().parts().len() == 1)
        .map(|(leaf, column)| (column.name(), leaf))
        .collect()
}

fn open(
    file: &ParquetFile,
    row_group: usize,
    leaf: Option<usize>,
    name: &str,
) -> Result<NumberReader> {
    let schema = file.metadata().file_metadata().schema_descr();
    let kind = leaf.and_then(|leaf| Some((leaf, NumericKind::of(schema.get_column_root(leaf))?)));
    let (leaf, kind) = kind.ok_or_else(|| {
        let column = name.to_owned();
        Error::from(TrainError::NotAFeature { column }).at(Place::path(file.path()))
    })?;
    NumberReader::open(file, row_group, leaf, kind)
}

fn length(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}
