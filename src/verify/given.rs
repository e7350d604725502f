//! The sides of a span's rows: by hash, or as a column of the data says them.

use parquet::basic::Type as PhysicalType;
use parquet::data_type::{AsBytes, BoolType, ByteArrayType, DataType, FixedLenByteArrayType};

use super::columns::Stored;
use super::leaves::{number, stored};
use super::rows::Span;
use super::sides::{Split, hashed, named, numbered};
use super::slots::{FileSlots, Leaf, Piece, Slots, TextSlots, text_number, text_string};
use crate::error::{DataError, Error, Place, Result};
use crate::schema::NumericKind;
use crate::source::discover::InputFile;

/// The side of every row of a span, in order.
///
/// # Errors
/// When a column that says it can't be read, or says nothing for a row.
pub(super) fn sides_of(span: &Span<'_>, split: &Split, inputs: &[InputFile]) -> Result<Vec<u8>> {
    let mut sides = Vec::with_capacity(span.rows());
    match split {
        Split::Hash(hash) => {
            for (input, first, rows) in span.runs() {
                let rows = first..first + rows as u64;
                hashed(*hash, &inputs[input].relative, rows, &mut sides);
            }
        }
        Split::Column(name) => {
            for side in given(span, name, inputs)? {
                let side = side.ok_or_else(|| unknown(span, sides.len(), name, inputs))?;
                sides.push(side);
            }
        }
    }
    Ok(sides)
}

fn unknown(span: &Span<'_>, row: usize, column: &str, inputs: &[InputFile]) -> Error {
    let (input, row) = span.locate(row);
    let value = "the value".to_owned();
    let place = Place::path(&inputs[input].path).row(row).column(column);
    Error::from(DataError::UnknownSide { value }).at(place)
}

fn given(span: &Span<'_>, name: &str, inputs: &[InputFile]) -> Result<Vec<Option<u8>>> {
    match span {
        Span::Text { batch, names, .. } => {
            let index = names.iter().position(|other| other == name);
            let mut columns = batch.columns.iter();
            match columns.find(|column| Some(column.index) == index) {
                Some(column) => {
                    let mut numbers = TextSlots::new(column, batch.rows, text_number);
                    let mut texts = TextSlots::new(column, batch.rows, text_string);
                    let numbers = collect(&mut numbers, |value| numbered(*value))?;
                    let texts = collect(&mut texts, |value| named(value.data()))?;
                    let pairs = numbers.into_iter().zip(texts);
                    Ok(pairs.map(|(number, text)| number.or(text)).collect())
                }
                None => Ok(of_folders(span, name, inputs)),
            }
        }
        Span::Files(pieces) => {
            let mut sides = Vec::with_capacity(span.rows());
            for piece in pieces {
                match piece.opened.columns.get(name) {
                    Some(column) => sides.extend(of_piece(piece, column)?),
                    None => return Ok(of_folders(span, name, inputs)),
                }
            }
            Ok(sides)
        }
    }
}

fn of_folders(span: &Span<'_>, name: &str, inputs: &[InputFile]) -> Vec<Option<u8>> {
    let of_run = |(input, _, rows): (usize, u64, usize)| {
        let mut named_so = inputs[input].hive.iter().filter(|(key, _)| key == name);
        let value = named_so.next().and_then(|(_, value)| value.as_deref());
        std::iter::repeat_n(value.and_then(|value| named(value.as_bytes())), rows)
    };
    span.runs().into_iter().flat_map(of_run).collect()
}

fn of_piece(piece: &Piece, column: &Stored) -> Result<Vec<Option<u8>>> {
    let leaf = column.first_leaf;
    if let Some(kind) = NumericKind::of(&column.root) {
        return of_leaf(
            piece,
            |piece| number(piece, leaf, kind, piece.opened.file.memory()),
            |value| numbered(*value),
        );
    }
    match piece.opened.physical_type(leaf) {
        PhysicalType::BOOLEAN => of_leaf(
            piece,
            |piece| stored::<BoolType>(piece, leaf, piece.opened.file.memory()),
            |test| numbered(f64::from(u8::from(*test))),
        ),
        PhysicalType::BYTE_ARRAY => of_text::<ByteArrayType>(piece, leaf),
        _ => of_text::<FixedLenByteArrayType>(piece, leaf),
    }
}

fn of_text<T: DataType>(piece: &Piece, leaf: usize) -> Result<Vec<Option<u8>>> {
    of_leaf(
        piece,
        |piece| stored::<T>(piece, leaf, piece.opened.file.memory()),
        |text| named(text.as_bytes()),
    )
}

fn of_leaf<V: Clone>(
    piece: &Piece,
    open: impl Fn(&Piece) -> Result<Leaf<V>>,
    side: impl Fn(&V) -> Option<u8>,
) -> Result<Vec<Option<u8>>> {
    collect(&mut FileSlots::new(std::slice::from_ref(piece), open), side)
}

fn collect<V>(
    slots: &mut impl Slots<V>,
    side: impl Fn(&V) -> Option<u8>,
) -> Result<Vec<Option<u8>>> {
    let mut sides = Vec::new();
    while let Some(slot) = slots.next_slot()? {
        sides.push(slot.value.as_ref().and_then(&side));
    }
    Ok(sides)
}
