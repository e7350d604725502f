//! Whether two types hold the same values.

use parquet::basic::{ConvertedType, LogicalType, Repetition};
use parquet::schema::types::{Type, TypePtr};

/// Whether two schemas have the same columns in the same order; flat ones may differ in whether nulls are
/// allowed: files that are added later can be the first to have any.
pub fn same_columns(a: &Type, b: &Type) -> bool {
    let (a, b) = (a.get_fields(), b.get_fields());
    let same = |(a, b): (&TypePtr, &TypePtr)| a.name() == b.name() && same_type(a, b, true);
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// Whether two types hold the same values in the same leaves. Field ids don't matter, nor, at the
/// top of a flat column, whether nulls are allowed, nor what writers call the items of a list.
pub(super) fn same_type(a: &Type, b: &Type, top: bool) -> bool {
    let (left, right) = (a.get_basic_info(), b.get_basic_info());
    if left.logical_type_ref() != right.logical_type_ref()
        || left.converted_type() != right.converted_type()
        || a.is_group() != b.is_group()
    {
        return false;
    }
    let repetition_matters = !top || a.is_group();
    if repetition_matters
        && left.has_repetition()
        && right.has_repetition()
        && left.repetition() != right.repetition()
    {
        return false;
    }
    if a.is_primitive() {
        return same_storage(a, b);
    }
    let list = matches!(
        left.logical_type_ref(),
        Some(LogicalType::List | LogicalType::Map)
    ) || matches!(
        left.converted_type(),
        ConvertedType::LIST | ConvertedType::MAP
    ) || (left.has_repetition() && left.repetition() == Repetition::REPEATED);
    a.get_fields().len() == b.get_fields().len()
        && a.get_fields()
            .iter()
            .zip(b.get_fields())
            .all(|(x, y)| (list || x.name() == y.name()) && same_type(x, y, false))
}

pub(super) fn same_storage(a: &Type, b: &Type) -> bool {
    a.get_physical_type() == b.get_physical_type() && length(a) == length(b)
}

pub(super) fn length(leaf: &Type) -> i32 {
    match leaf {
        Type::PrimitiveType { type_length, .. } => *type_length,
        Type::GroupType { .. } => 0,
    }
}
