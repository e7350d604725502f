//! `NumberReader`: one numeric column chunk as float64, whatever it is stored as.
//!
//! Numbers of fixed length that are plain or refer to a dictionary are converted from their pages, each entry of
//! a dictionary once; all others as the Parquet crate decodes them.

use std::sync::Arc;

use half::f16;
use parquet::basic::Type as PhysicalType;
use parquet::data_type::{
    ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type,
};

use super::decimal::{decimal_bytes_to_f64, decimal_to_f64};
use super::file::ParquetFile;
use super::flat::FlatReader;
use super::leaf::{LeafReader, LeafRun};
use crate::error::Result;
use crate::schema::NumericKind;

mod flat;

use self::flat::{Flat, conversion};

/// Reads a flat numeric leaf of one row group as float64 values and definition levels.
pub struct NumberReader(Box<dyn Numbers>);

trait Numbers {
    fn skip(&mut self, rows: usize) -> Result<()>;
    fn read(&mut self, rows: usize, run: &mut LeafRun<f64>) -> Result<()>;
    fn read_some(&mut self, rows: usize, run: &mut NumberRun) -> Result<usize> {
        run.entries = None;
        self.read(rows, &mut run.values)?;
        Ok(rows)
    }
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A run of rows, as values or as codes. Buffers are reused from run to run.
#[derive(Debug, Default)]
pub(crate) struct NumberRun {
    /// What codes refer to; `None` if the run is of values.
    pub(crate) entries: Option<Arc<Vec<f64>>>,
    /// The values.
    pub(crate) values: LeafRun<f64>,
    /// The codes; levels only if some have no value.
    pub(crate) codes: LeafRun<u32>,
}

impl NumberRun {
    /// Makes values of the codes.
    pub(crate) fn decode(&mut self) {
        let Some(entries) = self.entries.take() else {
            return;
        };
        self.values.values.clear();
        let entry = |code: &u32| entries.get(*code as usize).copied();
        let values = self.codes.values.iter();
        let values = values.map(|code| entry(code).unwrap_or(f64::NAN));
        self.values.values.extend(values);
        self.values.definition.clone_from(&self.codes.definition);
    }
}

impl NumberReader {
    /// Opens leaf `leaf` of `row_group` as `kind`.
    ///
    /// # Errors
    /// When the column chunk can't be opened, or isn't stored as `kind` can be.
    pub fn open(
        file: &ParquetFile,
        row_group: usize,
        leaf: usize,
        kind: NumericKind,
    ) -> Result<Self> {
        Self::open_coded(file, (row_group, leaf), kind, 0)
    }

    /// The same; runs whose values refer to a dictionary of at most so many entries can be read as codes.
    ///
    /// # Errors
    /// Those of [`NumberReader::open`].
    pub(crate) fn open_coded(
        file: &ParquetFile,
        (row_group, leaf): (usize, usize),
        kind: NumericKind,
        entries_max: usize,
    ) -> Result<Self> {
        let chunk = Chunk {
            file,
            row_group,
            leaf,
        };
        let physical = file
            .metadata
            .row_group(row_group)
            .column(leaf)
            .column_type();
        if let Some(convert) = conversion(physical, kind)
            && let Some(reader) = FlatReader::open(file, row_group, leaf)?
        {
            return Ok(Self(Box::new(Flat::new(reader, convert, entries_max))));
        }
        chunk.decoded(physical, kind)
    }

    /// Passes over `rows` rows.
    ///
    /// # Errors
    /// As [`LeafReader::skip`].
    pub fn skip(&mut self, rows: usize) -> Result<()> {
        self.0.skip(rows)
    }

    /// Reads the next `rows` rows into `run`, replacing what it held.
    ///
    /// # Errors
    /// As [`LeafReader::read`].
    pub fn read(&mut self, rows: usize, run: &mut LeafRun<f64>) -> Result<()> {
        self.0.read(rows, run)
    }

    /// Reads some of the next `rows` rows (at least 1) into `run`, replacing what it held; returns how many.
    ///
    /// # Errors
    /// As [`LeafReader::read`].
    pub(crate) fn read_some(&mut self, rows: usize, run: &mut NumberRun) -> Result<usize> {
        self.0.read_some(rows, run)
    }

    /// Checks that no rows are left over; see [`LeafReader::finish`].
    ///
    /// # Errors
    /// When there are.
    pub fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

impl std::fmt::Debug for NumberReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NumberReader").finish_non_exhaustive()
    }
}

struct Chunk<'a> {
    file: &'a ParquetFile,
    row_group: usize,
    leaf: usize,
}

impl Chunk<'_> {
    /// A reader of what the Parquet crate decodes.
    fn decoded(&self, physical: PhysicalType, kind: NumericKind) -> Result<NumberReader> {
        use NumericKind::{Decimal, Float16, UInt32, UInt64};
        let chunk = self;
        Ok(NumberReader(match (physical, kind) {
            (PhysicalType::INT32, UInt32) => {
                chunk.converted::<Int32Type>(|value| f64::from(value.cast_unsigned()))?
            }
            (PhysicalType::INT32, Decimal { scale, .. }) => {
                chunk.converted::<Int32Type>(move |value| decimal_to_f64((*value).into(), scale))?
            }
            (PhysicalType::INT32, _) => chunk.converted::<Int32Type>(|value| f64::from(*value))?,
            (PhysicalType::INT64, UInt64) => {
                chunk.converted::<Int64Type>(|value| value.cast_unsigned() as f64)?
            }
            (PhysicalType::INT64, Decimal { scale, .. }) => {
                chunk.converted::<Int64Type>(move |value| decimal_to_f64(*value, scale))?
            }
            (PhysicalType::INT64, _) => chunk.converted::<Int64Type>(|value| *value as f64)?,
            (PhysicalType::FLOAT, _) => chunk.converted::<FloatType>(|value| f64::from(*value))?,
            (PhysicalType::FIXED_LEN_BYTE_ARRAY, Float16) => {
                chunk.converted::<FixedLenByteArrayType>(|value| half_to_f64(value.data()))?
            }
            (PhysicalType::FIXED_LEN_BYTE_ARRAY, kind) => chunk
                .converted::<FixedLenByteArrayType>(move |value| {
                    decimal_bytes_to_f64(value.data(), kind.scale())
                })?,
            (PhysicalType::BYTE_ARRAY, kind) => chunk.converted::<ByteArrayType>(move |value| {
                decimal_bytes_to_f64(value.data(), kind.scale())
            })?,
            _ => {
                let Chunk {
                    file,
                    row_group,
                    leaf,
                } = *self;
                Box::new(Stored(LeafReader::<DoubleType>::open(
                    file, row_group, leaf,
                )?))
            }
        }))
    }

    fn converted<T: DataType>(
        &self,
        convert: impl Fn(&T::T) -> f64 + 'static,
    ) -> Result<Box<dyn Numbers>> {
        Ok(Box::new(Converted::<T, _> {
            reader: LeafReader::open(self.file, self.row_group, self.leaf)?,
            run: LeafRun::default(),
            convert,
        }))
    }
}

/// Values that are float64 as they are stored: decoded straight into the caller's buffer.
struct Stored(LeafReader<DoubleType>);

impl Numbers for Stored {
    fn skip(&mut self, rows: usize) -> Result<()> {
        self.0.skip(rows)
    }

    fn read(&mut self, rows: usize, run: &mut LeafRun<f64>) -> Result<()> {
        self.0.read(rows, run)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()
    }
}

/// Values of another type, decoded into a buffer of their own and converted one by one.
struct Converted<T: DataType, F> {
    reader: LeafReader<T>,
    run: LeafRun<T::T>,
    convert: F,
}

impl<T: DataType, F: Fn(&T::T) -> f64> Numbers for Converted<T, F> {
    fn skip(&mut self, rows: usize) -> Result<()> {
        self.reader.skip(rows)
    }

    fn read(&mut self, rows: usize, run: &mut LeafRun<f64>) -> Result<()> {
        // The levels stay what they are: the caller's buffer is lent to the decoder for them.
        std::mem::swap(&mut self.run.definition, &mut run.definition);
        let read = self.reader.read(rows, &mut self.run);
        std::mem::swap(&mut self.run.definition, &mut run.definition);
        run.values.clear();
        run.values.extend(self.run.values.iter().map(&self.convert));
        read
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.reader.finish()
    }
}

fn half_to_f64(bytes: &[u8]) -> f64 {
    match bytes {
        [low, high] => f16::from_le_bytes([*low, *high]).to_f64(),
        _ => f64::NAN,
    }
}
