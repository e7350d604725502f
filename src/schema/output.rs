//! The schema of the shards: the table's columns, features as floats, everything else as it was.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema as ArrowSchema};
use parquet::arrow::{encode_arrow_schema, parquet_to_arrow_schema};
use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, KeyValue};
use parquet::schema::types::{Type, TypePtr};

use super::hints::{ARROW_SCHEMA_KEY, PANDAS_KEY};
use super::{Column, NumericKind, Schema, Treatment};
use crate::error::{DataError, Result};
use crate::spec::{Dtype, OnInf};

/// Metadata of the first file that stays true of the shards: it describes columns that pass through.
const KEPT_KEYS: [&str; 1] = ["geo"];

/// What every shard's footer says.
#[derive(Debug, Clone)]
pub struct OutputSchema {
    /// The Parquet schema.
    pub root: TypePtr,
    /// Metadata that readers use: Arrow types, pandas' index.
    pub metadata: Vec<KeyValue>,
}

/// Derives the shards' schema; `first` is the footer of the first file, if that was Parquet.
///
/// # Errors
/// When a type can't be written, which no type that was read should be.
pub fn output_schema(
    schema: &Schema,
    first: Option<&FileMetaData>,
    dtype: Dtype,
    on_inf: OnInf,
) -> Result<OutputSchema> {
    let fields = schema
        .columns
        .iter()
        .map(|column| output_root(column, dtype, on_inf))
        .collect::<std::result::Result<Vec<TypePtr>, ParquetError>>()
        .map_err(unwritable)?;
    let root = Type::group_type_builder("schema")
        .with_fields(fields)
        .build()
        .map_err(unwritable)?;
    Ok(OutputSchema {
        root: Arc::new(root),
        metadata: first.map_or_else(Vec::new, |first| metadata(schema, first, dtype)),
    })
}

/// An optional column of text.
pub(super) fn text_column(name: &str) -> Result<Type> {
    Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY)
        .with_logical_type(Some(LogicalType::String))
        .with_repetition(Repetition::OPTIONAL)
        .build()
        .map_err(unwritable)
}

pub(super) fn unwritable(source: ParquetError) -> crate::error::Error {
    DataError::Parquet {
        action: "derive the output's schema",
        source,
    }
    .into()
}

fn output_root(
    column: &Column,
    dtype: Dtype,
    on_inf: OnInf,
) -> std::result::Result<TypePtr, ParquetError> {
    let number = |physical, logical, nullable| {
        Type::primitive_type_builder(&column.name, physical)
            .with_logical_type(logical)
            .with_repetition(if nullable {
                Repetition::OPTIONAL
            } else {
                Repetition::REQUIRED
            })
            .build()
            .map(Arc::new)
    };
    match column.treatment {
        Treatment::Standardize(_) => {
            let nullable = column.nullable || on_inf == OnInf::Null;
            number(float(dtype), None, nullable)
        }
        Treatment::Widen(NumericKind::Int64) => number(PhysicalType::INT64, None, column.nullable),
        Treatment::Widen(NumericKind::UInt64) => {
            let unsigned = Some(LogicalType::integer(64, false));
            number(PhysicalType::INT64, unsigned, column.nullable)
        }
        Treatment::Widen(_) => number(PhysicalType::DOUBLE, None, column.nullable),
        Treatment::Copy if column.root.is_primitive() && column.nullable => optional(&column.root),
        Treatment::Copy | Treatment::Folder(_) | Treatment::Fold => Ok(Arc::clone(&column.root)),
    }
}

fn float(dtype: Dtype) -> PhysicalType {
    match dtype {
        Dtype::Float32 => PhysicalType::FLOAT,
        Dtype::Float64 => PhysicalType::DOUBLE,
    }
}

/// The same flat column with nulls allowed: some other file has them.
fn optional(root: &TypePtr) -> std::result::Result<TypePtr, ParquetError> {
    let Type::PrimitiveType {
        basic_info,
        physical_type,
        type_length,
        scale,
        precision,
    } = root.as_ref()
    else {
        return Ok(Arc::clone(root));
    };
    if basic_info.has_repetition() && basic_info.repetition() != Repetition::REQUIRED {
        return Ok(Arc::clone(root));
    }
    Type::primitive_type_builder(basic_info.name(), *physical_type)
        .with_logical_type(basic_info.logical_type_ref().cloned())
        .with_converted_type(basic_info.converted_type())
        .with_repetition(Repetition::OPTIONAL)
        .with_length(*type_length)
        .with_scale(*scale)
        .with_precision(*precision)
        .with_id(basic_info.has_id().then(|| basic_info.id()))
        .build()
        .map(Arc::new)
}

fn metadata(schema: &Schema, first: &FileMetaData, dtype: Dtype) -> Vec<KeyValue> {
    let Some(pairs) = first.key_value_metadata() else {
        return Vec::new();
    };
    let value_of = |key: &str| {
        pairs
            .iter()
            .find(|pair| pair.key == key)
            .and_then(|pair| pair.value.clone())
    };
    let mut kept = Vec::new();
    let pandas = value_of(PANDAS_KEY).and_then(|text| output_pandas(schema, &text, dtype));
    // A hint that can't be decoded is left out: the Parquet types alone stay right.
    if value_of(ARROW_SCHEMA_KEY).is_some()
        && let Ok(arrow) = parquet_to_arrow_schema(first.schema_descr(), Some(pairs))
    {
        // Where there is an Arrow schema, pyarrow looks for pandas' description inside it.
        let inside: HashMap<String, String> = pandas
            .iter()
            .map(|text| (PANDAS_KEY.to_string(), text.clone()))
            .collect();
        let arrow = output_arrow(schema, &arrow, dtype).with_metadata(inside);
        kept.push(KeyValue::new(
            ARROW_SCHEMA_KEY.to_string(),
            encode_arrow_schema(&arrow),
        ));
    }
    kept.extend(pandas.map(|pandas| KeyValue::new(PANDAS_KEY.to_string(), pandas)));
    for key in KEPT_KEYS {
        kept.extend(value_of(key).map(|value| KeyValue::new(key.to_string(), value)));
    }
    kept
}

fn output_arrow(schema: &Schema, first: &ArrowSchema, dtype: Dtype) -> ArrowSchema {
    let float = match dtype {
        Dtype::Float32 => DataType::Float32,
        Dtype::Float64 => DataType::Float64,
    };
    let fields: Vec<Field> = schema
        .columns
        .iter()
        .map(|column| {
            let own = first.field_with_name(&column.name).cloned();
            let number = |to: DataType| Field::new(&column.name, to, true);
            match (&column.treatment, own) {
                (Treatment::Standardize(_), _) => number(float.clone()),
                (Treatment::Widen(NumericKind::Int64), _) => number(DataType::Int64),
                (Treatment::Widen(NumericKind::UInt64), _) => number(DataType::UInt64),
                (Treatment::Widen(_), _) => number(DataType::Float64),
                (Treatment::Fold, _) => Field::new(&column.name, DataType::Int32, false),
                (_, Ok(field)) => field,
                (_, Err(_)) => number(DataType::Utf8),
            }
        })
        .collect();
    ArrowSchema::new(fields)
}

/// pandas' own description: features become floats, and an index that was a range is forgotten,
/// since each side holds only some of its rows.
fn output_pandas(schema: &Schema, text: &str, dtype: Dtype) -> Option<String> {
    let mut pandas: serde_json::Value = serde_json::from_str(text).ok()?;
    let float = match dtype {
        Dtype::Float32 => "float32",
        Dtype::Float64 => "float64",
    };
    if let Some(index) = pandas
        .get_mut("index_columns")
        .and_then(|index| index.as_array_mut())
    {
        index.retain(serde_json::Value::is_string);
    }
    let columns = pandas
        .get_mut("columns")
        .and_then(|columns| columns.as_array_mut());
    for described in columns.into_iter().flatten() {
        let name = described
            .get("field_name")
            .or_else(|| described.get("name"));
        let feature = name
            .and_then(|name| name.as_str())
            .and_then(|name| schema.position(name))
            .is_some_and(|index| {
                matches!(schema.columns[index].treatment, Treatment::Standardize(_))
            });
        if let (true, Some(described)) = (feature, described.as_object_mut()) {
            for key in ["pandas_type", "numpy_type"] {
                described.insert(key.into(), float.into());
            }
            described.insert("metadata".into(), serde_json::Value::Null);
        }
    }
    serde_json::to_string(&pandas).ok()
}
