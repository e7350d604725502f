//! Which columns are numbers, and which kinds of numbers mix.

use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::schema::types::Type;

/// A numeric column's storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumericKind {
    /// Signed integers of up to 32 bits.
    Int32,
    /// Signed integers of 64 bits.
    Int64,
    /// Unsigned integers of up to 32 bits.
    UInt32,
    /// Unsigned integers of 64 bits.
    UInt64,
    /// IEEE 754 binary16.
    Float16,
    /// IEEE 754 binary32.
    Float32,
    /// IEEE 754 binary64.
    Float64,
    /// Integers of any width times a power of ten.
    Decimal {
        /// Digits after the decimal point.
        scale: u32,
        /// Digits in all.
        precision: u32,
    },
}

impl NumericKind {
    /// The kind of a top-level column, `None` if it isn't a number.
    ///
    /// Dates, times, booleans, repeated and nested columns are not numbers.
    pub fn of(root: &Type) -> Option<Self> {
        if !root.is_primitive() {
            return None;
        }
        let info = root.get_basic_info();
        if info.has_repetition() && info.repetition() == parquet::basic::Repetition::REPEATED {
            return None;
        }
        let physical = root.get_physical_type();
        match info.logical_type_ref() {
            Some(LogicalType::Integer(int)) => Some(Self::integer(physical, int.is_signed)?),
            Some(LogicalType::Decimal(_)) => Self::decimal(root),
            Some(LogicalType::Float16) => Some(Self::Float16),
            Some(_) => None,
            None => Self::of_converted(root, info.converted_type()),
        }
    }

    fn of_converted(root: &Type, converted: ConvertedType) -> Option<Self> {
        match (converted, root.get_physical_type()) {
            (ConvertedType::NONE, PhysicalType::INT32) => Some(Self::Int32),
            (ConvertedType::NONE, PhysicalType::INT64) => Some(Self::Int64),
            (ConvertedType::NONE, PhysicalType::FLOAT) => Some(Self::Float32),
            (ConvertedType::NONE, PhysicalType::DOUBLE) => Some(Self::Float64),
            (ConvertedType::DECIMAL, _) => Self::decimal(root),
            (
                ConvertedType::INT_8
                | ConvertedType::INT_16
                | ConvertedType::INT_32
                | ConvertedType::INT_64,
                physical,
            ) => Self::integer(physical, true),
            (
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
                physical,
            ) => Self::integer(physical, false),
            _ => None,
        }
    }

    fn integer(physical: PhysicalType, signed: bool) -> Option<Self> {
        match (physical, signed) {
            (PhysicalType::INT32, true) => Some(Self::Int32),
            (PhysicalType::INT32, false) => Some(Self::UInt32),
            (PhysicalType::INT64, true) => Some(Self::Int64),
            (PhysicalType::INT64, false) => Some(Self::UInt64),
            _ => None,
        }
    }

    fn decimal(root: &Type) -> Option<Self> {
        Some(Self::Decimal {
            scale: u32::try_from(root.get_scale()).ok()?,
            precision: u32::try_from(root.get_precision()).ok()?,
        })
    }

    /// Whether it holds whole numbers only, decimals apart.
    pub fn is_integer(self) -> bool {
        matches!(
            self,
            Self::Int32 | Self::Int64 | Self::UInt32 | Self::UInt64
        )
    }

    /// Whether it is a decimal.
    pub fn is_decimal(self) -> bool {
        matches!(self, Self::Decimal { .. })
    }

    /// Digits after the decimal point; 0 for anything but a decimal.
    pub fn scale(self) -> u32 {
        match self {
            Self::Decimal { scale, .. } => scale,
            _ => 0,
        }
    }

    /// The type that holds the values of both without loss of kind: integers stay integers, anything
    /// with a float is float64. `None` where the two don't mix: a decimal and anything else.
    pub fn widen(self, other: Self) -> Option<Self> {
        use NumericKind::{Decimal, Float64, Int32, Int64, UInt32, UInt64};
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Decimal { .. }, _) | (_, Decimal { .. }) => None,
            (Int32 | UInt32 | Int64, Int32 | UInt32 | Int64) => Some(Int64),
            (UInt32 | UInt64, UInt32 | UInt64) => Some(UInt64),
            _ => Some(Float64),
        }
    }
}

impl std::fmt::Display for NumericKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int32 => f.write_str("int32"),
            Self::Int64 => f.write_str("int64"),
            Self::UInt32 => f.write_str("uint32"),
            Self::UInt64 => f.write_str("uint64"),
            Self::Float16 => f.write_str("float16"),
            Self::Float32 => f.write_str("float32"),
            Self::Float64 => f.write_str("float64"),
            Self::Decimal { scale, precision } => write!(f, "decimal({precision},{scale})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_widen_to_integers_and_floats_to_floats() {
        use NumericKind::{Float32, Float64, Int32, Int64, UInt32, UInt64};
        assert_eq!(Int32.widen(Int64), Some(Int64));
        assert_eq!(UInt32.widen(Int32), Some(Int64));
        assert_eq!(UInt32.widen(UInt64), Some(UInt64));
        assert_eq!(UInt64.widen(Int64), Some(Float64));
        assert_eq!(Float32.widen(Int32), Some(Float64));
        let cents = NumericKind::Decimal {
            scale: 2,
            precision: 9,
        };
        assert_eq!(cents.widen(Int32), None);
        assert_eq!(cents.widen(cents), Some(cents));
    }
}
