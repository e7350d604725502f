//! The values of one leaf of a piece, one after the other, by what they mean.

use std::ops::Range;

use parquet::basic::Type as PhysicalType;
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type, Int96, Int96Type,
};

use super::Context;
use crate::error::Result;
use crate::kernel::{Moment, Value};
use crate::schema::{Meaning, MomentUnit, NumericKind, Treatment};
use crate::source::parquet::{
    LeafReader, LeafRun, ParquetFile, decimal_bytes_to_f64, decimal_to_f64,
};
use crate::source::table::{OpenUnit, Piece};

/// Rows decoded at a time, at most.
const RUN_ROWS: usize = 16 << 10;

/// Where a value of a nested column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub repetition: i16,
    pub definition: i16,
}

/// Some rows of a piece.
#[derive(Clone, Copy)]
pub(super) struct PieceRows<'a> {
    pub context: Context<'a>,
    pub open: &'a OpenUnit<'a>,
    pub piece: &'a Piece,
    /// Index in the piece of the first of them.
    pub first: usize,
    pub rows: usize,
}

impl<'a> PieceRows<'a> {
    /// All rows of a piece, at most so many at a time.
    pub(super) fn runs(
        context: Context<'a>,
        open: &'a OpenUnit<'a>,
        piece: &'a Piece,
        rows_max: usize,
    ) -> impl Iterator<Item = Self> {
        (0..piece.rows).step_by(rows_max).map(move |first| Self {
            context,
            open,
            piece,
            first,
            rows: rows_max.min(piece.rows - first),
        })
    }

    /// Their indices in their input file.
    pub(super) fn in_file(&self) -> Range<u64> {
        let first = self.piece.first_row + self.first as u64;
        first..first + self.rows as u64
    }

    /// Calls `take` with each row, counted from the first of these, and its value in a flat column.
    pub(super) fn each(&self, column: usize, mut take: impl FnMut(usize, Value<'_>)) -> Result<()> {
        if let Treatment::Folder(index) = self.open.table.schema.columns[column].treatment {
            let input = &self.context.inputs[self.open.store(self.piece).input];
            let value = input.hive.get(index).and_then(|(_, value)| value.as_ref());
            let value = value.map_or(Value::Null, |value| Value::Bytes(value.as_bytes()));
            (0..self.rows).for_each(|row| take(row, value));
            return Ok(());
        }
        self.each_slot(column, 0, |row, _, value| take(row, value))
    }

    /// The same for leaf `offset` of any column of the files; in a nested one a row has any number of
    /// slots, and its value is null wherever it ends.
    pub(super) fn each_slot(
        &self,
        column: usize,
        offset: usize,
        mut take: impl FnMut(usize, Option<Slot>, Value<'_>),
    ) -> Result<()> {
        let file = self.open.file(self.piece)?;
        let leaf = self.open.store(self.piece).layout.columns[column].first_leaf + offset;
        let schema = file.metadata().file_metadata().schema_descr();
        let descriptor = schema.column(leaf);
        let meaning = Meaning::of_leaf(descriptor.self_type());
        let leaf = Leaf {
            rows: *self,
            file,
            leaf,
            top: descriptor.max_def_level(),
            is_nested: descriptor.max_def_level() > 1 || descriptor.max_rep_level() > 0,
        };
        match descriptor.physical_type() {
            PhysicalType::BOOLEAN => {
                leaf.read::<BoolType>(|value| Value::Boolean(*value), &mut take)
            }
            PhysicalType::INT32 => leaf.int32(meaning, &mut take),
            PhysicalType::INT64 => leaf.int64(meaning, &mut take),
            PhysicalType::INT96 => leaf.read::<Int96Type>(impala, &mut take),
            PhysicalType::FLOAT => {
                leaf.read::<FloatType>(|value| Value::Float(f64::from(*value)), &mut take)
            }
            PhysicalType::DOUBLE => {
                leaf.read::<DoubleType>(|value| Value::Float(*value), &mut take)
            }
            PhysicalType::BYTE_ARRAY => {
                leaf.read::<ByteArrayType>(|value| bytes(value.data(), meaning), &mut take)
            }
            PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                leaf.read::<FixedLenByteArrayType>(|value| bytes(value.data(), meaning), &mut take)
            }
        }
    }
}

/// A leaf of the file that a piece is in.
struct Leaf<'a> {
    rows: PieceRows<'a>,
    file: &'a ParquetFile,
    leaf: usize,
    /// The largest definition level.
    top: i16,
    is_nested: bool,
}

impl Leaf<'_> {
    fn int32(
        &self,
        meaning: Meaning,
        take: &mut impl FnMut(usize, Option<Slot>, Value<'_>),
    ) -> Result<()> {
        use NumericKind::{Decimal, UInt32};
        match meaning {
            Meaning::Number(UInt32) => self.read::<Int32Type>(
                |value| Value::Integer(i64::from(value.cast_unsigned())),
                take,
            ),
            Meaning::Number(Decimal { scale, .. }) => {
                self.read::<Int32Type>(|value| decimal(i64::from(*value), scale), take)
            }
            Meaning::Moment(unit) => {
                self.read::<Int32Type>(|value| moment(i64::from(*value), unit), take)
            }
            _ => self.read::<Int32Type>(|value| Value::Integer(i64::from(*value)), take),
        }
    }

    fn int64(
        &self,
        meaning: Meaning,
        take: &mut impl FnMut(usize, Option<Slot>, Value<'_>),
    ) -> Result<()> {
        use NumericKind::{Decimal, UInt64};
        match meaning {
            Meaning::Number(UInt64) => {
                self.read::<Int64Type>(|value| Value::Unsigned(value.cast_unsigned()), take)
            }
            Meaning::Number(Decimal { scale, .. }) => {
                self.read::<Int64Type>(|value| decimal(*value, scale), take)
            }
            Meaning::Moment(unit) => self.read::<Int64Type>(|value| moment(*value, unit), take),
            _ => self.read::<Int64Type>(|value| Value::Integer(*value), take),
        }
    }

    fn read<T: DataType>(
        &self,
        value: impl for<'v> Fn(&'v T::T) -> Value<'v>,
        take: &mut impl FnMut(usize, Option<Slot>, Value<'_>),
    ) -> Result<()> {
        let PieceRows { piece, context, .. } = self.rows;
        let mut reader = LeafReader::<T>::open(self.file, piece.row_group, self.leaf)?;
        if self.rows.first > 0 {
            reader.skip(self.rows.first)?;
        }
        let (mut run, mut row) = (LeafRun::default(), 0);
        while row < self.rows.rows {
            context.cancel.check()?;
            let rows = reader.read_some(RUN_ROWS.min(self.rows.rows - row), &mut run)?;
            self.run(&run, row..row + rows, &value, take);
            row += rows;
        }
        reader.finish()
    }

    fn run<V>(
        &self,
        run: &LeafRun<V>,
        rows: Range<usize>,
        value: &impl for<'v> Fn(&'v V) -> Value<'v>,
        take: &mut impl FnMut(usize, Option<Slot>, Value<'_>),
    ) {
        let mut values = run.values.iter();
        let mut next = |definition: i16| match definition == self.top {
            true => values.next().map_or(Value::Null, value),
            false => Value::Null,
        };
        if self.is_nested {
            let mut row = rows.start;
            for (slot, definition) in run.definition.iter().enumerate() {
                let repetition = run.repetition.get(slot).copied().unwrap_or(0);
                row += usize::from(repetition == 0 && slot > 0);
                let definition = *definition;
                let slot = Slot {
                    repetition,
                    definition,
                };
                take(row, Some(slot), next(definition));
            }
        } else if run.definition.is_empty() {
            for (row, one) in rows.zip(&run.values) {
                take(row, None, value(one));
            }
        } else {
            for (row, definition) in rows.zip(&run.definition) {
                take(row, None, next(*definition));
            }
        }
    }
}

fn decimal(unscaled: i64, scale: u32) -> Value<'static> {
    Value::decimal(unscaled.into(), scale, || decimal_to_f64(unscaled, scale))
}

fn moment(count: i64, unit: MomentUnit) -> Value<'static> {
    Value::Moment(match unit {
        MomentUnit::Days => Moment::of_day(count),
        MomentUnit::PerSecond(units) => Moment::of_units(count, units),
        MomentUnit::Impala => Moment::of_units(count, 1_000_000_000),
    })
}

fn impala(value: &Int96) -> Value<'_> {
    const UNIX_DAY: i64 = 2_440_588;
    let [low, high, day] = value.data().try_into().unwrap_or([0; 3]);
    let midnight = Moment::of_day(i64::from(day) - UNIX_DAY);
    let within = u64::from(high) << 32 | u64::from(low);
    let within = Moment::of_units(within.cast_signed(), 1_000_000_000);
    Value::Moment(Moment {
        seconds: midnight.seconds + within.seconds,
        nanos: within.nanos,
    })
}

fn bytes(bytes: &[u8], meaning: Meaning) -> Value<'_> {
    match meaning {
        Meaning::Number(NumericKind::Float16) => match bytes {
            [low, high] => Value::Float(half::f16::from_le_bytes([*low, *high]).to_f64()),
            _ => Value::Null,
        },
        Meaning::Number(kind) => wide_decimal(bytes, kind.scale()),
        _ => Value::Bytes(bytes),
    }
}

/// A big-endian two's complement integer over `10^scale`.
fn wide_decimal(bytes: &[u8], scale: u32) -> Value<'_> {
    let is_negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let (start, filler) = if is_negative { (-1, 0xff) } else { (0_i128, 0) };
    let filled = bytes.iter().take_while(|byte| **byte == filler).count();
    let nearest = || decimal_bytes_to_f64(bytes, scale);
    if bytes.len() - filled >= 16 {
        return Value::Float(nearest());
    }
    let significant = bytes[filled..].iter();
    let unscaled = significant.fold(start, |value, byte| value << 8 | i128::from(*byte));
    Value::decimal(unscaled, scale, nearest)
}
