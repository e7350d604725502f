//! Arrow columns as float64, converted as the readers of Parquet files do it, to the bit.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::source::parquet::{decimal_bytes_to_f64, decimal_to_f64};

/// Whether a column of this type is a number.
pub(super) fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale >= 0,
        other => other.is_integer() || other.is_floating(),
    }
}

/// The values of a column, anything where it is null; `None` if it holds no numbers.
pub(super) fn numbers(array: &ArrayRef) -> Option<Vec<f64>> {
    if !is_number(array.data_type()) {
        return None;
    }
    match array.data_type() {
        DataType::Int8 => each::<Int8Type>(array, f64::from),
        DataType::Int16 => each::<Int16Type>(array, f64::from),
        DataType::Int32 => each::<Int32Type>(array, f64::from),
        DataType::Int64 => each::<Int64Type>(array, |value| value as f64),
        DataType::UInt8 => each::<UInt8Type>(array, f64::from),
        DataType::UInt16 => each::<UInt16Type>(array, f64::from),
        DataType::UInt32 => each::<UInt32Type>(array, f64::from),
        DataType::UInt64 => each::<UInt64Type>(array, |value| value as f64),
        DataType::Float16 => each::<Float16Type>(array, f64::from),
        DataType::Float32 => each::<Float32Type>(array, f64::from),
        DataType::Float64 => each::<Float64Type>(array, |value| value),
        DataType::Decimal32(_, scale) => {
            let scale = digits(*scale);
            each::<Decimal32Type>(array, |value| decimal_to_f64(value.into(), scale))
        }
        DataType::Decimal64(_, scale) => {
            let scale = digits(*scale);
            each::<Decimal64Type>(array, |value| decimal_to_f64(value, scale))
        }
        DataType::Decimal128(_, scale) => {
            let scale = digits(*scale);
            each::<Decimal128Type>(array, |value| {
                decimal_bytes_to_f64(&value.to_be_bytes(), scale)
            })
        }
        DataType::Decimal256(_, scale) => {
            let scale = digits(*scale);
            each::<Decimal256Type>(array, |value| {
                decimal_bytes_to_f64(&value.to_be_bytes(), scale)
            })
        }
        _ => None,
    }
}

/// Digits after the decimal point.
fn digits(scale: i8) -> u32 {
    u32::try_from(scale).unwrap_or(0)
}

fn each<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    convert: impl Fn(T::Native) -> f64,
) -> Option<Vec<f64>> {
    let array = array.as_primitive_opt::<T>()?;
    Some(array.values().iter().map(|value| convert(*value)).collect())
}
