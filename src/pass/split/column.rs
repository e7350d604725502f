//! Mode `column`: the data says the side of every row.
//!
//! `train`, `val` or `validation`, and `test`; 0 and 1 or false and true for train and test. Anything
//! else is an error that names its row.

use parquet::basic::Type as PhysicalType;
use parquet::data_type::{BoolType, ByteArrayType, DataType, FixedLenByteArrayType};

use super::Context;
use crate::error::{DataError, Error, Place, Result, UsageError};
use crate::kernel::{Side, Sides};
use crate::schema::{Schema, Treatment};
use crate::source::parquet::{LeafReader, LeafRun, NumberReader, ParquetFile};
use crate::source::table::{OpenUnit, Piece};

/// Rows of the column that are decoded at a time.
const RUN_ROWS: usize = 16 << 10;

/// The sides that a column of the data gives.
#[derive(Debug)]
pub(super) struct ByColumn {
    /// Index of the column in the table.
    column: usize,
}

impl ByColumn {
    /// The column with this name.
    ///
    /// # Errors
    /// [`UsageError::UnknownColumn`] if there is none.
    pub(super) fn new(schema: &Schema, name: &str) -> Result<Self> {
        let column = named_column(schema, name)?;
        Ok(Self { column })
    }

    /// Appends the sides of a piece.
    pub(super) fn assign(
        &self,
        context: Context<'_>,
        open: &OpenUnit<'_>,
        piece: &Piece,
        sides: &mut Sides,
    ) -> Result<()> {
        let mut given = Given {
            context,
            open,
            piece,
            column: self.column,
            first: piece.first_row,
            sides,
        };
        if let Treatment::Folder(index) = open.table.schema.columns[self.column].treatment {
            let input = &context.inputs[open.store(piece).input];
            let value = input
                .hive
                .get(index)
                .and_then(|(_, value)| value.as_deref());
            return (0..piece.rows).try_for_each(|_| given.push(named(value.map(str::as_bytes))));
        }
        given.read()
    }
}

/// Index of the column of `--split-by` with this name.
///
/// # Errors
/// [`UsageError::UnknownColumn`] if there is none, which was seen to with the roles.
pub(super) fn named_column(schema: &Schema, name: &str) -> Result<usize> {
    let column = schema.position(name);
    column.ok_or_else(|| {
        UsageError::UnknownColumn {
            flag: "--split-by",
            column: name.to_owned(),
            available: format!("{} columns", schema.columns.len()),
        }
        .into()
    })
}

/// A side, or the value that names none.
type Named = std::result::Result<Side, String>;

fn named(value: Option<&[u8]>) -> Named {
    match value {
        Some(b"train" | b"false" | b"False" | b"FALSE" | b"0") => Ok(Side::Train),
        Some(b"val" | b"validation") => Ok(Side::Val),
        Some(b"test" | b"true" | b"True" | b"TRUE" | b"1") => Ok(Side::Test),
        Some(other) => Err(format!("{:?}", String::from_utf8_lossy(other))),
        None => Err("null".into()),
    }
}

fn numbered(value: Option<f64>) -> Named {
    match value {
        Some(0.0) => Ok(Side::Train),
        Some(1.0) => Ok(Side::Test),
        Some(other) => Err(other.to_string()),
        None => Err("null".into()),
    }
}

/// Takes the sides of one piece from a column of it.
struct Given<'a> {
    context: Context<'a>,
    open: &'a OpenUnit<'a>,
    piece: &'a Piece,
    column: usize,
    /// Index, in its input, of the next row.
    first: u64,
    sides: &'a mut Sides,
}

impl Given<'_> {
    fn read(&mut self) -> Result<()> {
        let stored = self.open.store(self.piece).layout.columns[self.column];
        let (file, group) = (self.open.file(self.piece)?, self.piece.row_group);
        if let Some(kind) = stored.kind {
            let mut reader = NumberReader::open(file, group, stored.first_leaf, kind)?;
            self.runs(
                |rows, run| reader.read(rows, run).map(|()| rows),
                |value| numbered(value.copied()),
            )?;
            return reader.finish();
        }
        let leaf = file.metadata().row_group(group).column(stored.first_leaf);
        match leaf.column_type() {
            PhysicalType::BOOLEAN => self.stored::<BoolType>(file, |value| {
                numbered(value.map(|test| f64::from(u8::from(*test))))
            }),
            PhysicalType::BYTE_ARRAY => {
                self.stored::<ByteArrayType>(file, |value| named(value.map(|text| text.data())))
            }
            _ => self.stored::<FixedLenByteArrayType>(file, |value| {
                named(value.map(|text| text.data()))
            }),
        }
    }

    fn stored<T: DataType>(
        &mut self,
        file: &ParquetFile,
        side: impl Fn(Option<&T::T>) -> Named,
    ) -> Result<()> {
        let leaf = self.open.store(self.piece).layout.columns[self.column].first_leaf;
        let mut reader = LeafReader::<T>::open(file, self.piece.row_group, leaf)?;
        self.runs(|rows, run| reader.read_some(rows, run), side)?;
        reader.finish()
    }

    /// Reads all rows of a flat leaf, run by run; `read` says how many rows it has read.
    fn runs<T>(
        &mut self,
        mut read: impl FnMut(usize, &mut LeafRun<T>) -> Result<usize>,
        side: impl Fn(Option<&T>) -> Named,
    ) -> Result<()> {
        let mut run = LeafRun::default();
        let mut rest = self.piece.rows;
        while rest > 0 {
            self.context.cancel.check()?;
            let rows = read(RUN_ROWS.min(rest), &mut run)?;
            let mut values = run.values.iter();
            for row in 0..rows {
                let value = match run.definition.get(row) {
                    Some(0) => None,
                    _ => values.next(),
                };
                self.push(side(value))?;
            }
            rest -= rows;
        }
        Ok(())
    }

    fn push(&mut self, side: Named) -> Result<()> {
        let side = side.map_err(|value| {
            let input = &self.context.inputs[self.open.store(self.piece).input];
            let name = &self.open.table.schema.columns[self.column].name;
            Error::from(DataError::UnknownSide { value })
                .at(Place::path(&input.path).row(self.first).column(name))
                .hint("say the side of every row, or split by --split-by row")
        })?;
        self.sides.push(side);
        self.first += 1;
        Ok(())
    }
}
