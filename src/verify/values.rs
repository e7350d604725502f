//! The values of a column over a span, one after the other, by what they mean.
//!
//! Written from `docs/split.md` and the Parquet format, through big integers and text: slow and plain.

use half::f16;
use num_bigint::BigInt;
use parquet::basic::Type as PhysicalType;
use parquet::data_type::{
    AsBytes, BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType,
    FloatType, Int32Type, Int64Type, Int96, Int96Type,
};

use super::leaves::stored;
use super::rows::Span;
use super::slots::{FileSlots, Piece, Slots, TextSlots, text_integer, text_number, text_string};
use crate::error::Result;
use crate::schema::{Meaning, MomentUnit, NumericKind};
use crate::source::discover::InputFile;
use crate::source::text::Values;

/// What a row holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Held {
    Null,
    /// A whole number of 64 bits, signed or not.
    Whole(i128),
    /// Any other number, as the nearest float64.
    Number(f64),
    Boolean(bool),
    /// Nanoseconds since 1970, or since midnight.
    Nanos(i128),
    Bytes(ByteArray),
}

/// Repetition and definition level, in nested columns.
pub(super) type Levels = Option<[u64; 2]>;

/// Takes a row, counted from the first of the span, and what it holds; nested columns have any number of
/// values a row.
pub(super) type Take<'a> = dyn FnMut(usize, Levels, Held) + 'a;

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

impl Held {
    /// A whole number: as it is if it has 64 bits, else the nearest float64.
    pub(super) fn whole(value: &BigInt) -> Self {
        let is_whole = i64::try_from(value).is_ok() || u64::try_from(value).is_ok();
        match i128::try_from(value) {
            Ok(value) if is_whole => Self::Whole(value),
            _ => Self::Number(nearest(value, 0)),
        }
    }

    /// A float: as a whole number if it is one.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number in the range of the type"
    )]
    pub(super) fn float(value: f64) -> Self {
        let is_in_range = (-(2.0_f64.powi(63))..2.0_f64.powi(64)).contains(&value);
        match is_in_range && value.fract() == 0.0 {
            true => Self::Whole(value as i128),
            false => Self::Number(value),
        }
    }

    pub(super) fn decimal(unscaled: &BigInt, scale: u32) -> Self {
        let power = BigInt::from(10).pow(scale);
        match unscaled % &power == BigInt::ZERO {
            true => Self::whole(&(unscaled / power)),
            false => Self::Number(nearest(unscaled, scale)),
        }
    }

    /// As a float64; `None` if it is no number, or NaN.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(value) => Some(*value as f64),
            Self::Number(value) => Some(*value).filter(|value| !value.is_nan()),
            _ => None,
        }
    }
}

fn nearest(unscaled: &BigInt, scale: u32) -> f64 {
    format!("{unscaled}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// Goes through a column; of a file that hasn't it, through the folder of this name.
///
/// # Errors
/// When it can't be read.
pub(super) fn each(
    span: &Span<'_>,
    name: &str,
    inputs: &[InputFile],
    take: &mut Take<'_>,
) -> Result<()> {
    let pieces = match span {
        Span::Files(pieces) => pieces,
        Span::Text { .. } => return each_of_text(span, name, inputs, take),
    };
    let mut first = 0;
    for piece in pieces {
        let mut take = |row: usize, levels: Levels, held| take(first + row, levels, held);
        match piece.opened.columns.get(name) {
            Some(column) => {
                let mut leaves = column.first_leaf..column.first_leaf + column.leaves;
                leaves.try_for_each(|leaf| each_of_leaf(piece, leaf, &mut take))?;
            }
            None => {
                let held = folder(&inputs[piece.input], name);
                (0..piece.rows).for_each(|row| take(row, None, held.clone()));
            }
        }
        first += piece.rows;
    }
    Ok(())
}

/// The value of a folder, which all rows of a file have.
fn folder(input: &InputFile, name: &str) -> Held {
    let mut named = input.hive.iter().filter(|(key, _)| key == name);
    let value = named.next().and_then(|(_, value)| value.as_deref());
    value.map_or(Held::Null, |value| Held::Bytes(value.into()))
}

fn each_of_text(
    span: &Span<'_>,
    name: &str,
    inputs: &[InputFile],
    take: &mut Take<'_>,
) -> Result<()> {
    let Span::Text {
        batch,
        names,
        input,
    } = span
    else {
        return Ok(());
    };
    let index = names.iter().position(|other| other == name);
    let mut columns = batch.columns.iter();
    let Some(column) = columns.find(|column| Some(column.index) == index) else {
        let held = folder(&inputs[*input], name);
        (0..batch.rows).for_each(|row| take(row, None, held.clone()));
        return Ok(());
    };
    match &column.values {
        Values::Int64(_) => flat(
            &mut TextSlots::new(column, batch.rows, text_integer),
            |value| Held::Whole(value.into()),
            take,
        ),
        Values::Float64(_) => flat(
            &mut TextSlots::new(column, batch.rows, text_number),
            Held::float,
            take,
        ),
        Values::Text(_) | Values::Null { .. } => flat(
            &mut TextSlots::new(column, batch.rows, text_string),
            Held::Bytes,
            take,
        ),
    }
}

fn flat<V>(slots: &mut impl Slots<V>, held: impl Fn(V) -> Held, take: &mut Take<'_>) -> Result<()> {
    let mut row = 0;
    while let Some(slot) = slots.next_slot()? {
        take(row, None, slot.value.map_or(Held::Null, &held));
        row += 1;
    }
    Ok(())
}

fn each_of_leaf(piece: &Piece, leaf: usize, take: &mut Take<'_>) -> Result<()> {
    let metadata = piece.opened.file.metadata();
    let descriptor = metadata.file_metadata().schema_descr().column(leaf);
    let meaning = Meaning::of_leaf(descriptor.self_type());
    match descriptor.physical_type() {
        PhysicalType::BOOLEAN => typed::<BoolType>(piece, leaf, Held::Boolean, take),
        PhysicalType::INT32 => {
            let held = |value: i32| match meaning {
                Meaning::Number(NumericKind::UInt32) => Held::Whole(value.cast_unsigned().into()),
                _ => counted(value.into(), meaning),
            };
            typed::<Int32Type>(piece, leaf, held, take)
        }
        PhysicalType::INT64 => {
            let held = |value: i64| match meaning {
                Meaning::Number(NumericKind::UInt64) => Held::Whole(value.cast_unsigned().into()),
                _ => counted(value, meaning),
            };
            typed::<Int64Type>(piece, leaf, held, take)
        }
        PhysicalType::INT96 => typed::<Int96Type>(piece, leaf, |value| impala(&value), take),
        PhysicalType::FLOAT => {
            typed::<FloatType>(piece, leaf, |value| Held::float(value.into()), take)
        }
        PhysicalType::DOUBLE => typed::<DoubleType>(piece, leaf, Held::float, take),
        PhysicalType::BYTE_ARRAY => {
            typed::<ByteArrayType>(piece, leaf, |value| of_bytes(value, meaning), take)
        }
        PhysicalType::FIXED_LEN_BYTE_ARRAY => {
            let held = |value| of_bytes(ByteArray::from(value), meaning);
            typed::<FixedLenByteArrayType>(piece, leaf, held, take)
        }
    }
}

fn typed<T: DataType>(
    piece: &Piece,
    leaf: usize,
    held: impl Fn(T::T) -> Held,
    take: &mut Take<'_>,
) -> Result<()> {
    let (_, is_nested) = piece.opened.levels(leaf);
    let pieces = std::slice::from_ref(piece);
    let memory = piece.opened.file.memory();
    let mut slots = FileSlots::new(pieces, |piece| stored::<T>(piece, leaf, memory));
    let mut begun = 0;
    while let Some(slot) = slots.next_slot()? {
        begun += usize::from(slot.repetition == 0);
        let levels =
            [slot.repetition, slot.definition].map(|level| u64::from(level.unsigned_abs()));
        let held = slot.value.map_or(Held::Null, &held);
        take(begun.max(1) - 1, is_nested.then_some(levels), held);
    }
    Ok(())
}

/// An integer that stands for what its type means.
fn counted(value: i64, meaning: Meaning) -> Held {
    match meaning {
        Meaning::Number(NumericKind::Decimal { scale, .. }) => Held::decimal(&value.into(), scale),
        Meaning::Moment(MomentUnit::Days) => Held::Nanos(i128::from(value) * DAY),
        Meaning::Moment(MomentUnit::PerSecond(units)) => {
            Held::Nanos(i128::from(value) * (SECOND / i128::from(units)))
        }
        _ => Held::Whole(value.into()),
    }
}

/// Nanoseconds of the day, and the day, counted as astronomers do.
fn impala(value: &Int96) -> Held {
    let [low, high, day] = value.data().try_into().unwrap_or([0; 3]);
    let within = i128::from(high) * (1 << 32) + i128::from(low);
    Held::Nanos((i128::from(day) - 2_440_588) * DAY + within)
}

fn of_bytes(value: ByteArray, meaning: Meaning) -> Held {
    match (meaning, value.as_bytes()) {
        (Meaning::Number(NumericKind::Float16), [low, high]) => {
            Held::float(f16::from_le_bytes([*low, *high]).to_f64())
        }
        (Meaning::Number(kind), bytes) => {
            Held::decimal(&BigInt::from_signed_bytes_be(bytes), kind.scale())
        }
        _ => Held::Bytes(value),
    }
}
