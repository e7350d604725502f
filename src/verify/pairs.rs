//! One column over one span: what the source gives, and what the shards hold, slot by slot.

use std::cell::RefCell;

use parquet::basic::Type as PhysicalType;
use parquet::data_type::{
    AsBytes, BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type, Int96Type,
};

use super::columns::{Opened, Stored};
use super::findings::damage;
use super::leaves::{Nothing, Widened, number, standardized, stored};
use super::rows::{Span, SpanRows};
use super::scaler::Feature;
use super::sides::{LEFT_OUT, SIDES, TRAIN};
use super::slots::{
    FileSlots, Leaf, Listed, Piece, Repeated, Slot, Slots, TextSlots, text_integer, text_number,
    text_string,
};
use super::sums::Sums;
use super::tally::{Tally, put_float, put_slot};
use crate::engine::Memory;
use crate::error::{DataError, Error, Place, Result};
use crate::schema::NumericKind;
use crate::source::discover::InputFile;
use crate::source::parquet::LeafRun;
use crate::source::text::{TextColumn, Values};
use crate::spec::OnInf;

/// The first row where a column of the shards isn't what the source gives.
#[derive(Debug)]
pub(super) struct Mismatch {
    /// Index of the row in the span.
    pub(super) row: usize,
    pub(super) side: u8,
    /// Index of the row among those of its side.
    pub(super) row_of_side: usize,
    /// What is there and what should be.
    pub(super) what: String,
}

/// A column of a span, with the rows of the shards that belong to it.
pub(super) struct Pair<'a> {
    pub(super) span: &'a Span<'a>,
    pub(super) rows: &'a SpanRows,
    pub(super) inputs: &'a [InputFile],
    pub(super) name: &'a str,
    /// Any shard: they have one schema.
    pub(super) shape: &'a Opened,
    /// The column in the shards.
    pub(super) stored: &'a Stored,
    pub(super) on_inf: OnInf,
    /// That of a group: readers of the source and of all sides are open at once.
    pub(super) memory: Memory,
    /// What slots are added to where rows are shuffled, in place of being compared one by one.
    pub(super) tally: Option<RefCell<Tally<'a>>>,
}

/// Most characters of a value that a finding shows.
const SHOWN_MAX: usize = 60;

impl<'a> Pair<'a> {
    /// Compares a feature, standardized again, and sums its train values.
    pub(super) fn feature(
        &self,
        feature: &Feature<'_>,
        sums: &mut Sums,
    ) -> Result<Option<Mismatch>> {
        let mut source = self.floats();
        let is_single = self.stored.root.get_physical_type() == PhysicalType::FLOAT;
        let expected = |x: &Slot<f64>| {
            let is_null = |x: &f64| x.is_infinite() && self.on_inf == OnInf::Null;
            let kept = x.value.filter(|x| !is_null(x));
            kept.map(|x| standardized(x, feature, is_single))
        };
        self.compare(
            &mut *source,
            |piece| {
                let kind = NumericKind::of(&self.stored.root).unwrap_or(NumericKind::Float64);
                number(piece, self.stored.first_leaf, kind, &self.memory)
            },
            |x, side, row| {
                match (side, &self.rows.weights) {
                    (TRAIN, None) => sums.add(x.value),
                    (TRAIN, Some(weights)) => sums.add_weighted(x.value, weights[row]),
                    _ => {}
                }
                expected(x)
            },
            |expected, found| same_float(*expected, found.value),
            put_float,
        )
    }

    /// Adds a feature of the shards, as they hold it, to the tally.
    pub(super) fn tally_feature(&self) -> Result<Option<Mismatch>> {
        let mut source = self.floats();
        self.compare(
            &mut *source,
            |piece| {
                number(
                    piece,
                    self.stored.first_leaf,
                    NumericKind::Float64,
                    &self.memory,
                )
            },
            |z, _, _| z.value,
            |expected, found| same_float(*expected, found.value),
            put_float,
        )
    }

    /// Compares a column that passed through.
    pub(super) fn passed(&self) -> Result<Option<Mismatch>> {
        if self.is_folder() {
            return self.as_stored::<ByteArrayType>(&mut self.folder(), 0);
        }
        if !self.stored.root.is_primitive() {
            let mut leaves = 0..self.stored.leaves;
            return leaves.try_fold(None, |found, leaf| match found {
                Some(found) => Ok(Some(found)),
                None => self.leaf(leaf),
            });
        }
        match (self.stored.root.get_physical_type(), self.span) {
            (PhysicalType::INT64, _) => self.as_stored::<Int64Type>(&mut *self.integers(), 0),
            (PhysicalType::DOUBLE, _) => self.as_stored::<DoubleType>(&mut *self.floats(), 0),
            (_, Span::Text { batch, .. }) => match self.text_column() {
                Some(column) => {
                    let mut source = TextSlots::new(column, batch.rows, text_string);
                    self.as_stored::<ByteArrayType>(&mut source, 0)
                }
                None => Err(self.missing(0)),
            },
            _ => self.leaf(0),
        }
    }

    /// Compares the column of folds with those of the span's rows.
    pub(super) fn fold(&self, folds: &[u8]) -> Result<Option<Mismatch>> {
        let mut source = Listed(folds.iter());
        self.as_stored::<Int32Type>(&mut source, 0)
    }

    /// Compares a leaf that was copied.
    fn leaf(&self, offset: usize) -> Result<Option<Mismatch>> {
        let Span::Files(pieces) = self.span else {
            return Err(self.missing(0));
        };
        match self.shape.physical_type(self.stored.first_leaf + offset) {
            PhysicalType::BOOLEAN => self.copied::<BoolType>(pieces, offset),
            PhysicalType::INT32 => self.copied::<Int32Type>(pieces, offset),
            PhysicalType::INT64 => self.copied::<Int64Type>(pieces, offset),
            PhysicalType::INT96 => self.copied::<Int96Type>(pieces, offset),
            PhysicalType::FLOAT => self.copied::<FloatType>(pieces, offset),
            PhysicalType::DOUBLE => self.copied::<DoubleType>(pieces, offset),
            PhysicalType::BYTE_ARRAY => self.copied::<ByteArrayType>(pieces, offset),
            PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                self.copied::<FixedLenByteArrayType>(pieces, offset)
            }
        }
    }

    fn copied<T: DataType>(&self, pieces: &[Piece], offset: usize) -> Result<Option<Mismatch>> {
        let mut source = FileSlots::new(pieces, |piece| {
            stored::<T>(piece, self.source_leaf(piece, offset)?, &self.memory)
        });
        self.as_stored::<T>(&mut source, offset)
    }

    /// Compares with a leaf of the shards as it is stored, bit by bit.
    fn as_stored<T: DataType>(
        &self,
        source: &mut dyn Slots<T::T>,
        offset: usize,
    ) -> Result<Option<Mismatch>> {
        self.compare(
            source,
            |piece| stored::<T>(piece, self.stored.first_leaf + offset, &self.memory),
            |slot, _, _| slot.clone(),
            |expected, found| {
                let bytes =
                    |slot: &Slot<T::T>| slot.value.as_ref().map(|value| value.as_bytes().to_vec());
                let levels = |slot: &Slot<T::T>| (slot.repetition, slot.definition);
                levels(expected) == levels(found) && bytes(expected) == bytes(found)
            },
            put_slot,
        )
    }

    /// Goes through the slots of the span; `expect` says what a slot of the source, in a row of this side
    /// and index, becomes, and `put` the bytes that this has and nothing else.
    fn compare<V, D, E>(
        &self,
        source: &mut dyn Slots<V>,
        open: impl Fn(&Piece) -> Result<Leaf<D>> + Copy,
        mut expect: impl FnMut(&Slot<V>, u8, usize) -> E,
        same: impl Fn(&E, &Slot<D>) -> bool,
        put: impl Fn(&E, &mut Vec<u8>),
    ) -> Result<Option<Mismatch>>
    where
        D: Clone + std::fmt::Debug,
        E: std::fmt::Debug,
    {
        let sides = &self.rows.sides;
        let mut shards: Vec<FileSlots<'_, D>> = self
            .rows
            .shards
            .iter()
            .map(|pieces| FileSlots::new(pieces, open))
            .collect();
        let mut begun = [0; SIDES.len()];
        let mut row = 0;
        while let Some(slot) = source.next_slot()? {
            row += usize::from(slot.repetition == 0);
            let Some(side) = row.checked_sub(1).and_then(|row| sides.get(row)).copied() else {
                return Err(self.row_count());
            };
            if side == LEFT_OUT {
                continue;
            }
            let side_index = usize::from(side);
            begun[side_index] += usize::from(slot.repetition == 0);
            let expected = expect(&slot, side, row - 1);
            if let Some(tally) = &self.tally {
                tally
                    .borrow_mut()
                    .add(row - 1, |bytes| put(&expected, bytes));
                continue;
            }
            let mismatch = |what| {
                Ok(Some(Mismatch {
                    row: row - 1,
                    side,
                    row_of_side: begun[side_index] - 1,
                    what,
                }))
            };
            match shards[side_index].next_slot() {
                Ok(Some(found)) if same(&expected, &found) => {}
                Ok(Some(found)) => {
                    let (found, expected) = (shown(&found), shown(&expected));
                    return mismatch(format!("it holds {found}, the source gives {expected}"));
                }
                Ok(None) => return mismatch("it has no more values".to_owned()),
                Err(error) => return mismatch(damage(error)?),
            }
        }
        if row != sides.len() {
            return Err(self.row_count());
        }
        Ok(None)
    }

    /// The column of the source as float64.
    fn floats(&self) -> Box<dyn Slots<f64> + '_> {
        match self.span {
            Span::Files(pieces) => Box::new(FileSlots::new(pieces, |piece| {
                let column = self.source(piece)?;
                let kind = NumericKind::of(&column.root).unwrap_or(NumericKind::Float64);
                number(piece, column.first_leaf, kind, &self.memory)
            })),
            Span::Text { batch, .. } => self.text(batch.rows, text_number),
        }
    }

    /// The column of the source as 64-bit integers, whatever their width.
    fn integers(&self) -> Box<dyn Slots<i64> + '_> {
        match self.span {
            Span::Files(pieces) => Box::new(FileSlots::new(pieces, |piece| {
                let column = self.source(piece)?;
                if column.root.get_physical_type() == PhysicalType::INT64 {
                    return stored::<Int64Type>(piece, column.first_leaf, &self.memory);
                }
                let narrow = stored::<Int32Type>(piece, column.first_leaf, &self.memory)?;
                Ok(Leaf {
                    top: narrow.top,
                    nested: narrow.nested,
                    runs: Box::new(Widened {
                        narrow: narrow.runs,
                        run: LeafRun::default(),
                        is_unsigned: NumericKind::of(&column.root) == Some(NumericKind::UInt32),
                    }),
                })
            })),
            Span::Text { batch, .. } => self.text(batch.rows, text_integer),
        }
    }

    fn text<V: 'static>(
        &self,
        rows: usize,
        value: fn(&Values, usize) -> Option<V>,
    ) -> Box<dyn Slots<V> + '_> {
        match self.text_column() {
            Some(column) => Box::new(TextSlots::new(column, rows, value)),
            None => Box::new(Nothing),
        }
    }

    fn text_column(&self) -> Option<&'a TextColumn> {
        let Span::Text { batch, names, .. } = self.span else {
            return None;
        };
        let index = names.iter().position(|name| name == self.name)?;
        batch.columns.iter().find(|column| column.index == index)
    }

    /// Whether the column comes from `key=value` folders.
    fn is_folder(&self) -> bool {
        let in_file = match self.span {
            Span::Files(pieces) => pieces
                .iter()
                .all(|piece| piece.opened.columns.contains_key(self.name)),
            Span::Text { .. } => self.text_column().is_some(),
        };
        !in_file
    }

    fn folder(&self) -> Repeated<'_> {
        let value = |input: usize| {
            let keys = self.inputs.get(input).map(|input| input.hive.iter());
            let mut named = keys
                .into_iter()
                .flatten()
                .filter(|(key, _)| key == self.name);
            named.next().and_then(|(_, value)| value.as_deref())
        };
        let parts: Vec<(usize, Option<&str>)> = match self.span {
            Span::Files(pieces) => pieces
                .iter()
                .map(|piece| (piece.rows, value(piece.input)))
                .collect(),
            Span::Text { batch, input, .. } => vec![(batch.rows, value(*input))],
        };
        Repeated {
            parts: parts.into_iter(),
            left: 0,
            value: None,
        }
    }

    fn source<'p>(&self, piece: &'p Piece) -> Result<&'p Stored> {
        let column = piece.opened.columns.get(self.name);
        column.ok_or_else(|| self.missing(piece.input))
    }

    fn source_leaf(&self, piece: &Piece, offset: usize) -> Result<usize> {
        Ok(self.source(piece)?.first_leaf + offset)
    }

    fn missing(&self, input: usize) -> Error {
        let (column, first_file) = (self.name.to_owned(), "the output".to_owned());
        let error = Error::from(DataError::MissingColumn { column, first_file });
        match self.inputs.get(input) {
            Some(input) => error.at(Place::path(&input.path)),
            None => error,
        }
    }

    fn row_count(&self) -> Error {
        let detail = format!("column \"{}\" has another number of rows", self.name);
        Error::from(DataError::Decoder { detail })
    }
}

/// The same bits; NaN is NaN.
fn same_float(expected: Option<f64>, found: Option<f64>) -> bool {
    match (expected, found) {
        (Some(a), Some(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn shown(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
