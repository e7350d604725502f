//! `LabelReader`: the label column of one row group, as numbers or as text, one entry a row.
//!
//! Absent are nulls, NaN and infinities. Limit: flat columns of numbers, booleans or text.

use parquet::data_type::{BoolType, ByteArray, ByteArrayType};
use parquet::schema::types::Type;

use crate::error::{Error, Place, Result, TrainError};
use crate::schema::NumericKind;
use crate::source::parquet::{LeafReader, LeafRun, NumberReader, ParquetFile};

/// A run of label values.
pub(super) enum Values {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<ByteArray>>),
}

/// Reads the label of one row group from its first row to its last.
pub(super) enum LabelReader {
    Number(NumberReader, LeafRun<f64>),
    Boolean(LeafReader<BoolType>, LeafRun<bool>),
    Text(LeafReader<ByteArrayType>, LeafRun<ByteArray>),
}

impl LabelReader {
    pub(super) fn open(file: &ParquetFile, row_group: usize, column: &str) -> Result<Self> {
        let schema = file.metadata().file_metadata().schema_descr();
        let place = || Place::path(file.path()).column(column);
        let leaf = (0..schema.num_columns())
            .find(|leaf| schema.column(*leaf).path().parts() == [column])
            .ok_or_else(|| unusable(column, "nested or not there").at(place()))?;
        let root: &Type = schema.get_column_root(leaf);
        if let Some(kind) = NumericKind::of(root) {
            let reader = NumberReader::open(file, row_group, leaf, kind)?;
            return Ok(Self::Number(reader, LeafRun::default()));
        }
        if schema.column(leaf).max_rep_level() > 0 {
            return Err(unusable(column, "a list").at(place()));
        }
        match root.get_physical_type() {
            parquet::basic::Type::BOOLEAN => {
                let reader = LeafReader::open(file, row_group, leaf)?;
                Ok(Self::Boolean(reader, LeafRun::default()))
            }
            parquet::basic::Type::BYTE_ARRAY => {
                let reader = LeafReader::open(file, row_group, leaf)?;
                Ok(Self::Text(reader, LeafRun::default()))
            }
            _ => Err(unusable(column, "neither a number, text nor a boolean").at(place())),
        }
    }

    pub(super) fn is_textual(&self) -> bool {
        matches!(self, Self::Text(..))
    }

    pub(super) fn skip(&mut self, rows: usize) -> Result<()> {
        match self {
            Self::Number(reader, _) => reader.skip(rows),
            Self::Boolean(reader, _) => reader.skip(rows),
            Self::Text(reader, _) => reader.skip(rows),
        }
    }

    pub(super) fn read(&mut self, rows: usize) -> Result<Values> {
        match self {
            Self::Number(reader, run) => {
                reader.read(rows, run)?;
                let finite = |value: &f64| Some(*value).filter(|value| value.is_finite());
                Ok(Values::Numbers(spread(run, rows, finite)))
            }
            Self::Boolean(reader, run) => {
                reader.read(rows, run)?;
                let number = |value: &bool| Some(f64::from(u8::from(*value)));
                Ok(Values::Numbers(spread(run, rows, number)))
            }
            Self::Text(reader, run) => {
                reader.read(rows, run)?;
                Ok(Values::Texts(spread(run, rows, |value| {
                    Some(value.clone())
                })))
            }
        }
    }
}

/// One entry a row from the values that are there.
fn spread<T, V>(run: &LeafRun<T>, rows: usize, map: impl Fn(&T) -> Option<V>) -> Vec<Option<V>> {
    if run.definition.is_empty() {
        return run.values.iter().map(map).collect();
    }
    let mut values = run.values.iter();
    let defined = run.definition.iter().take(rows);
    defined
        .map(|level| {
            if *level > 0 {
                values.next().and_then(&map)
            } else {
                None
            }
        })
        .collect()
}

fn unusable(column: &str, found: &'static str) -> Error {
    Error::from(TrainError::NotALabel {
        column: column.to_owned(),
        found,
    })
}
