//! Pass 1: the side of every row.
//!
//! After this pass the side of a row follows from the row and the [`SplitPlan`] alone. In hashed mode
//! it is recomputed wherever it is needed, about a nanosecond a row, and this pass only counts.

use parquet::basic::Type as PhysicalType;
use parquet::data_type::{BoolType, ByteArrayType, DataType, FixedLenByteArrayType};

use serde::{Deserialize, Serialize};

use super::{Context, partial_name};
use crate::engine::Pass;
use crate::error::{DataError, Error, Place, Result};
use crate::kernel::{HashSplit, Side, Sides, file_key};
use crate::schema::Treatment;
use crate::sink::Partials;
use crate::source::parquet::{LeafReader, LeafRun, NumberReader, ParquetFile};
use crate::source::table::{OpenUnit, Piece, Table};
use crate::spec::{SplitBy, SplitSpec};

/// Rows of a given side column that are decoded at a time.
const RUN_ROWS: usize = 16 << 10;
/// Rows hashed between two looks at whether to stop: some milliseconds.
const HASH_RUN_ROWS: u64 = 4 << 20;

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

/// How many rows pass 1 found on each side, in one unit or in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
            self.context.cancel.check()?;
            match &self.by {
                By::Hash { split, keys } => {
                    let key = keys[open.store(piece).input];
                    let end = piece.first_row + piece.rows as u64;
                    let mut row = piece.first_row;
                    while row < end {
                        self.context.cancel.check()?;
                        let next = end.min(row + HASH_RUN_ROWS);
                        split.assign(key, row..next, &mut sides);
                        row = next;
                    }
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
        let mut given = Given {
            context: self.context,
            open,
            piece,
            column,
            first: piece.first_row,
            sides,
        };
        if let Treatment::Folder(index) = open.table.schema.columns[column].treatment {
            let input = &self.context.inputs[open.store(piece).input];
            let value = input
                .hive
                .get(index)
                .and_then(|(_, value)| value.as_deref());
            return (0..piece.rows).try_for_each(|_| given.push(named(value.map(str::as_bytes))));
        }
        given.read()
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
                |rows, run| reader.read(rows, run),
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
        self.runs(|rows, run| reader.read(rows, run), side)?;
        reader.finish()
    }

    /// Reads all rows of a flat leaf, run by run.
    fn runs<T>(
        &mut self,
        mut read: impl FnMut(usize, &mut LeafRun<T>) -> Result<()>,
        side: impl Fn(Option<&T>) -> Named,
    ) -> Result<()> {
        let mut run = LeafRun::default();
        let mut rest = self.piece.rows;
        while rest > 0 {
            self.context.cancel.check()?;
            let rows = RUN_ROWS.min(rest);
            read(rows, &mut run)?;
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

/// Runs pass 1 over `table`: counts the rows of each side.
///
/// # Errors
/// When the split column can't be read, or a value in it names no side.
pub fn split(
    context: Context<'_>,
    partials: &Partials,
    table: &Table,
    plan: &SplitPlan<'_>,
) -> Result<SplitTotal> {
    let mut total = SplitTotal::default();
    context.ordered(table.units.len()).run(
        |index| {
            let (unit, name) = (&table.units[index], partial_name(Pass::Split, index));
            let partial = match partials.take_up(&name) {
                Some(partial) => partial,
                None => {
                    let partial = split_unit(plan, &OpenUnit::new(table, unit, context.memory))?;
                    partials.keep(&name, &partial, Vec::new())?;
                    partial
                }
            };
            context.advanced(Pass::Split, unit.rows as u64, 0);
            Ok(partial)
        },
        |_, partial| {
            total.train += partial.train;
            total.test += partial.test;
            Ok(())
        },
    )?;
    Ok(total)
}

fn split_unit(plan: &SplitPlan<'_>, open: &OpenUnit<'_>) -> Result<SplitTotal> {
    let sides = plan.sides(open)?;
    Ok(SplitTotal {
        train: sides.rows_on(Side::Train),
        test: sides.rows_on(Side::Test),
    })
}
