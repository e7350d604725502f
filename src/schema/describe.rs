//! Types in words, for messages and plans.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as PhysicalType};
use parquet::schema::types::Type;

use super::NumericKind;

/// A column's type as a person would name it, for example `int32` or `decimal(15,2)`.
pub fn describe(root: &Type) -> String {
    if let Some(kind) = NumericKind::of(root) {
        return kind.to_string();
    }
    let info = root.get_basic_info();
    if root.is_group() {
        let kind = match (info.logical_type_ref(), info.converted_type()) {
            (Some(LogicalType::List), _) | (_, ConvertedType::LIST) => "list",
            (Some(LogicalType::Map), _)
            | (_, ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE) => "map",
            _ => "struct",
        };
        let fields: Vec<String> = match (kind, root.get_fields()) {
            // A list of three levels: the middle one only says that its items repeat.
            ("list", [middle]) if middle.is_group() && middle.get_fields().len() == 1 => middle
                .get_fields()
                .iter()
                .map(|item| describe(item))
                .collect(),
            ("map", [pairs]) if pairs.is_group() => pairs
                .get_fields()
                .iter()
                .map(|field| describe(field))
                .collect(),
            (_, fields) => fields.iter().map(|field| describe(field)).collect(),
        };
        return format!("{kind}<{}>", fields.join(", "));
    }
    match info.logical_type_ref() {
        Some(LogicalType::String) => "string".into(),
        Some(LogicalType::Date) => "date".into(),
        Some(LogicalType::Time(time)) => format!("time[{}]", unit(&time.unit)),
        Some(LogicalType::Timestamp(time)) => format!("timestamp[{}]", unit(&time.unit)),
        Some(other) => format!("{other:?}").to_lowercase(),
        None => describe_converted(root),
    }
}

fn describe_converted(root: &Type) -> String {
    match (
        root.get_basic_info().converted_type(),
        root.get_physical_type(),
    ) {
        (ConvertedType::UTF8, _) => "string".into(),
        (ConvertedType::NONE, PhysicalType::BOOLEAN) => "bool".into(),
        (ConvertedType::NONE, PhysicalType::INT96) => "timestamp[int96]".into(),
        (ConvertedType::NONE, PhysicalType::BYTE_ARRAY) => "binary".into(),
        (ConvertedType::NONE, physical) => physical.to_string().to_lowercase(),
        (converted, _) => converted.to_string().to_lowercase(),
    }
}

fn unit(unit: &TimeUnit) -> &'static str {
    match unit {
        TimeUnit::MILLIS => "ms",
        TimeUnit::MICROS => "us",
        TimeUnit::NANOS => "ns",
    }
}
