//! Pass 1: the side of every row.
//!
//! After this pass the side of a row follows from the row and the [`SplitPlan`] alone. In hashed mode
//! it is recomputed wherever it is needed, about a nanosecond a row, and this pass only counts.

use parquet::basic::Type as PhysicalType;
use parquet::data_type::{BoolType, ByteArrayType, DataType, FixedLenByteArrayType};

use super::Context;
use crate::engine::Pass;
use crate::error::{DataError, Error, Place, Result};
use crate::kernel::{HashSplit, Side, Sides, file_key};
use crate::schema::{Layout, Treatment};
use crate::source::parquet::{LeafReader, LeafRun, NumberReader};
use crate::source::table::{OpenUnit, Piece, Table};
use crate::spec::{SplitBy, SplitSpec};

/// What decides the side of every row of a table.
#[derive(Debug)]
pub struct SplitPlan<'a> {
    context: Context<'a>,
    by: By,
}

#[derive(Debug)]
enum By {
    Hash { split: HashSplit, keys: Vec<u64> },
    Column(usize),
}

/// How many rows pass 1 found on each side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SplitTotal {
    /// Rows on the train side.
    pub train: u64,
    /// Rows on the test side.
    pub test: u64,
}

impl<'a> SplitPlan<'a> {
    /// Resolves the split for `table`.
    pub fn new(context: Context<'a>, table: &Table, spec: &SplitSpec) -> Self {
        let column = match &spec.by {
            SplitBy::Row => None,
            SplitBy::Column(name) => table.schema.position(name),
        };
        let by = column.map_or_else(
            || By::Hash {
                split: HashSplit::new(spec.seed, spec.test_size),
                keys: context
                    .inputs
                    .iter()
                    .map(|input| file_key(&input.relative))
                    .collect(),
            },
            By::Column,
        );
        Self { context, by }
    }

    /// The sides of all rows of a unit, in order.
    ///
    /// # Errors
    /// When the split column can't be read, or holds a value that names no side.
    pub fn sides(&self, open: &OpenUnit<'_>) -> Result<Sides> {
        let mut sides = Sides::default();
        for piece in &open.unit.pieces {
            match &self.by {
                By::Hash { split, keys } => {
                    let rows = piece.first_row..piece.first_row + piece.rows as u64;
                    split.assign(keys[open.store(piece).input], rows, &mut sides);
                }
                By::Column(column) => self.given(open, piece, *column, &mut sides)?,
            }
        }
        Ok(sides)
    }

    /// The sides of a piece as a column of the data says them.
    fn given(
        &self,
        open: &OpenUnit<'_>,
        piece: &Piece,
        column: usize,
        sides: &mut Sides,
    ) -> Result<()> {
        let store = open.store(piece);
        let input = &self.context.inputs[store.input];
        let name = &open.table.schema.columns[column].name;
        let given = Given {
            open,
            piece,
            layout: &store.layout,
            column,
        };
        let found = match open.table.schema.columns[column].treatment {
            Treatment::Folder(index) => {
                let value = input
                    .hive
                    .get(index)
                    .and_then(|(_, value)| value.as_deref());
                let side = named(value.map(str::as_bytes));
                vec![side; piece.rows]
            }
            _ => given.read()?,
        };
        for (row, side) in found.into_iter().enumerate() {
            let side = side.map_err(|value| {
                let place = Place::path(&input.path).row(piece.first_row + row as u64);
                Error::from(DataError::UnknownSide { value }).at(place.column(name.clone()))
            })?;
            sides.push(side);
        }
        Ok(())
    }
}

/// A side, or the value that names none.
type Named = std::result::Result<Side, String>;

fn named(value: Option<&[u8]>) -> Named {
    match value {
        Some(b"train" | b"false" | b"False" | b"FALSE" | b"0") => Ok(Side::Train),
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

struct Given<'a> {
    open: &'a OpenUnit<'a>,
    piece: &'a Piece,
    layout: &'a Layout,
    column: usize,
}

impl Given<'_> {
    fn read(&self) -> Result<Vec<Named>> {
        let column = self.layout.columns[self.column];
        let file = self.open.file(self.piece)?;
        let group = self.piece.row_group;
        if let Some(kind) = column.kind {
            let mut run = LeafRun::default();
            let mut reader = NumberReader::open(file, group, column.first_leaf, kind)?;
            reader.read(self.piece.rows, &mut run)?;
            return Ok(self.rows(&run, |value| numbered(value.copied())));
        }
        let leaf = file.metadata().row_group(group).column(column.first_leaf);
        match leaf.column_type() {
            PhysicalType::BOOLEAN => self
                .stored::<BoolType>(|value| numbered(value.map(|test| f64::from(u8::from(*test))))),
            PhysicalType::BYTE_ARRAY => {
                self.stored::<ByteArrayType>(|value| named(value.map(|text| text.data())))
            }
            _ => self.stored::<FixedLenByteArrayType>(|value| named(value.map(|text| text.data()))),
        }
    }

    fn stored<T: DataType>(&self, side: impl Fn(Option<&T::T>) -> Named) -> Result<Vec<Named>> {
        let mut run = LeafRun::default();
        let leaf = self.layout.columns[self.column].first_leaf;
        LeafReader::<T>::open(self.open.file(self.piece)?, self.piece.row_group, leaf)?
            .read(self.piece.rows, &mut run)?;
        Ok(self.rows(&run, side))
    }

    fn rows<T>(&self, run: &LeafRun<T>, side: impl Fn(Option<&T>) -> Named) -> Vec<Named> {
        let mut values = run.values.iter();
        let top = run.definition.iter().copied().max().unwrap_or(0).max(1);
        (0..self.piece.rows)
            .map(|row| match run.definition.get(row) {
                Some(level) if *level < top => side(None),
                _ => side(values.next()),
            })
            .collect()
    }
}

/// Runs pass 1 over `table`: counts the rows of each side.
///
/// # Errors
/// When the split column can't be read, or a value in it names no side.
pub fn split(context: Context<'_>, table: &Table, plan: &SplitPlan<'_>) -> Result<SplitTotal> {
    let mut total = SplitTotal::default();
    context.ordered(table.units.len()).run(
        |index| {
            let sides = plan.sides(&OpenUnit::new(table, &table.units[index]))?;
            context.advanced(Pass::Split, sides.len() as u64, 0);
            Ok(SplitTotal {
                train: sides.rows_on(Side::Train),
                test: sides.rows_on(Side::Test),
            })
        },
        |_, partial| {
            total.train += partial.train;
            total.test += partial.test;
            Ok(())
        },
    )?;
    Ok(total)
}
