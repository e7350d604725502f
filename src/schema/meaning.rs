//! What the values of a leaf mean: numbers, moments, text, whatever they are stored as.

use parquet::basic::{ConvertedType, LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::schema::types::Type;

use super::NumericKind;

/// What the values of a column or leaf mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Numbers.
    Number(NumericKind),
    /// True and false.
    Boolean,
    /// Dates, times of day, or both, as a count of this unit.
    Moment(MomentUnit),
    /// Text, or bytes of any other kind.
    Bytes,
    /// Lists, structs and maps: not one value a row.
    Nested,
}

/// The unit of a stored date or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MomentUnit {
    /// Days since 1970.
    Days,
    /// Fractions of a second, so many of them in one.
    PerSecond(u32),
    /// Days and nanoseconds in 96 bits, as Impala wrote them.
    Impala,
}

impl Meaning {
    /// Of a column.
    pub fn of(root: &Type) -> Self {
        let info = root.get_basic_info();
        let is_repeated = info.has_repetition() && info.repetition() == Repetition::REPEATED;
        match root.is_primitive() && !is_repeated {
            true => Self::of_leaf(root),
            false => Self::Nested,
        }
    }

    /// Of a leaf, wherever it stands.
    pub fn of_leaf(leaf: &Type) -> Self {
        if let Some(kind) = NumericKind::of(leaf) {
            return Self::Number(kind);
        }
        if let Some(unit) = MomentUnit::of(leaf) {
            return Self::Moment(unit);
        }
        match leaf.get_physical_type() {
            PhysicalType::BOOLEAN => Self::Boolean,
            PhysicalType::INT32 => Self::Number(NumericKind::Int32),
            PhysicalType::INT64 => Self::Number(NumericKind::Int64),
            PhysicalType::FLOAT => Self::Number(NumericKind::Float32),
            PhysicalType::DOUBLE => Self::Number(NumericKind::Float64),
            PhysicalType::INT96 => Self::Moment(MomentUnit::Impala),
            PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY => Self::Bytes,
        }
    }
}

impl MomentUnit {
    /// `None` if the leaf holds no dates or times.
    fn of(leaf: &Type) -> Option<Self> {
        let info = leaf.get_basic_info();
        match (info.logical_type_ref(), info.converted_type()) {
            (Some(LogicalType::Date), _) | (None, ConvertedType::DATE) => Some(Self::Days),
            (Some(LogicalType::Time(time) | LogicalType::Timestamp(time)), _) => {
                Some(Self::PerSecond(match time.unit {
                    TimeUnit::MILLIS => 1_000,
                    TimeUnit::MICROS => 1_000_000,
                    TimeUnit::NANOS => 1_000_000_000,
                }))
            }
            (None, ConvertedType::TIME_MILLIS | ConvertedType::TIMESTAMP_MILLIS) => {
                Some(Self::PerSecond(1_000))
            }
            (None, ConvertedType::TIME_MICROS | ConvertedType::TIMESTAMP_MICROS) => {
                Some(Self::PerSecond(1_000_000))
            }
            _ => None,
        }
    }
}
