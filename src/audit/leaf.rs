//! Reading a leaf of a row group run by run, whatever its type.

use parquet::basic::Type as PhysicalType;
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type, Int96Type,
};

use super::canonical::Canonical;
use crate::error::Result;
use crate::source::parquet::{LeafReader, LeafRun, ParquetFile};

/// Rows decoded at a time.
pub(super) const RUN_ROWS: usize = 16 << 10;

/// A leaf of one row group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf<'a> {
    pub file: &'a ParquetFile,
    pub row_group: usize,
    pub leaf: usize,
}

/// Takes runs of rows of any type.
pub(super) trait Visitor {
    /// One run; its first row counts from the start of the row group.
    fn run<T: Canonical>(&mut self, first_row: usize, run: &LeafRun<T>, level_max: i16);
}

impl Leaf<'_> {
    /// Rows of the row group.
    pub(super) fn rows(&self) -> usize {
        let rows = self.file.metadata().row_group(self.row_group).num_rows();
        usize::try_from(rows).unwrap_or(0)
    }

    /// Shows `visitor` all rows.
    pub(super) fn visit(&self, visitor: &mut impl Visitor) -> Result<()> {
        self.dispatch(&Rows::All, visitor)
    }

    /// Shows `visitor` these rows, ascending and each once, one a run.
    pub(super) fn visit_rows(&self, rows: &[usize], visitor: &mut impl Visitor) -> Result<()> {
        self.dispatch(&Rows::These(rows), visitor)
    }

    fn dispatch(&self, rows: &Rows<'_>, visitor: &mut impl Visitor) -> Result<()> {
        let group = self.file.metadata().row_group(self.row_group);
        match group.column(self.leaf).column_type() {
            PhysicalType::BOOLEAN => self.read::<BoolType>(rows, visitor),
            PhysicalType::INT32 => self.read::<Int32Type>(rows, visitor),
            PhysicalType::INT64 => self.read::<Int64Type>(rows, visitor),
            PhysicalType::INT96 => self.read::<Int96Type>(rows, visitor),
            PhysicalType::FLOAT => self.read::<FloatType>(rows, visitor),
            PhysicalType::DOUBLE => self.read::<DoubleType>(rows, visitor),
            PhysicalType::BYTE_ARRAY => self.read::<ByteArrayType>(rows, visitor),
            PhysicalType::FIXED_LEN_BYTE_ARRAY => self.read::<FixedLenByteArrayType>(rows, visitor),
        }
    }

    fn read<T: DataType>(&self, rows: &Rows<'_>, visitor: &mut impl Visitor) -> Result<()>
    where
        T::T: Canonical,
    {
        let group = self.file.metadata().row_group(self.row_group);
        let level_max = group.column(self.leaf).column_descr().max_def_level();
        let mut reader = LeafReader::<T>::open(self.file, self.row_group, self.leaf)?;
        let mut run = LeafRun::default();
        match rows {
            Rows::All => {
                let mut first = 0;
                while first < self.rows() {
                    let rows = RUN_ROWS.min(self.rows() - first);
                    let read = reader.read_some(rows, &mut run)?;
                    visitor.run(first, &run, level_max);
                    first += read;
                }
                reader.finish()
            }
            Rows::These(rows) => {
                let mut position = 0;
                for &row in *rows {
                    reader.skip(row - position)?;
                    reader.read(1, &mut run)?;
                    visitor.run(row, &run, level_max);
                    position = row + 1;
                }
                Ok(())
            }
        }
    }
}

enum Rows<'a> {
    All,
    These(&'a [usize]),
}
