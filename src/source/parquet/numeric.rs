//! Which columns are numbers, and how their stored values become float64.
//!
//! Integers up to 2^53 and every float convert exactly; larger integers and decimals are rounded
//! once, to nearest even.

use num_bigint::BigInt;
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

    /// Digits after the decimal point; 0 for anything but a decimal.
    pub(super) fn scale(self) -> u32 {
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

/// `value / 10^scale`, correctly rounded.
pub(super) fn decimal_to_f64(value: i64, scale: u32) -> f64 {
    const EXACT_INTEGERS: u64 = 1 << 53;
    const EXACT_POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    match EXACT_POWERS.get(scale as usize) {
        // Both operands are exact, so the one division rounds once.
        Some(power) if value.unsigned_abs() < EXACT_INTEGERS => value as f64 / power,
        _ => decimal_text_to_f64(&value.to_string(), scale),
    }
}

/// A big-endian two's complement integer over `10^scale`, correctly rounded.
pub(super) fn decimal_bytes_to_f64(bytes: &[u8], scale: u32) -> f64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let leading = bytes.iter().take_while(|byte| **byte == if negative { 0xff } else { 0 }).count();
    if bytes.len() - leading < 8 {
        let start = if negative { -1_i64 } else { 0 };
        let value = bytes[leading..].iter().fold(start, |value, byte| (value << 8) | i64::from(*byte));
        return decimal_to_f64(value, scale);
    }
    decimal_text_to_f64(&BigInt::from_signed_bytes_be(bytes).to_string(), scale)
}

fn decimal_text_to_f64(digits: &str, scale: u32) -> f64 {
    // The standard library's parser rounds correctly at any length, and accepts what is made here.
    format!("{digits}e-{scale}").parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_once() {
        assert_eq!(decimal_to_f64(12345, 2), 123.45);
        assert_eq!(decimal_to_f64(-1, 0), -1.0);
        assert_eq!(decimal_to_f64(9_007_199_254_740_993, 3), 9_007_199_254_740.993);
        assert_eq!(decimal_bytes_to_f64(&[0xff, 0x85], 2), -1.23);
        assert_eq!(decimal_bytes_to_f64(&[], 2), 0.0);
        let wide = BigInt::from(10_u8).pow(60) + 1;
        assert_eq!(decimal_bytes_to_f64(&wide.to_signed_bytes_be(), 30), 1e30);
        let min = BigInt::from(i64::MIN);
        assert_eq!(decimal_bytes_to_f64(&min.to_signed_bytes_be(), 1), -922337203685477580.8);
    }

    #[test]
    fn integers_widen_to_integers_and_floats_to_floats() {
        use NumericKind::{Float32, Float64, Int32, Int64, UInt32, UInt64};
        assert_eq!(Int32.widen(Int64), Some(Int64));
        assert_eq!(UInt32.widen(Int32), Some(Int64));
        assert_eq!(UInt32.widen(UInt64), Some(UInt64));
        assert_eq!(UInt64.widen(Int64), Some(Float64));
        assert_eq!(Float32.widen(Int32), Some(Float64));
        let cents = NumericKind::Decimal { scale: 2, precision: 9 };
        assert_eq!(cents.widen(Int32), None);
        assert_eq!(cents.widen(cents), Some(cents));
    }
}
