//! What a file's metadata says of its columns beyond their Parquet types: Arrow types that Parquet
//! has no word for, and the columns that are pandas' index.

use std::collections::BTreeSet;

use arrow_schema::DataType;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::FileMetaData;

pub(super) const ARROW_SCHEMA_KEY: &str = "ARROW:schema";
pub(super) const PANDAS_KEY: &str = "pandas";

/// Names of columns that are stored as numbers and aren't features by themselves.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Durations and dictionaries (categories): numbers to Parquet, not to those who wrote them.
    pub(super) not_numbers: BTreeSet<String>,
    /// The index of a pandas data frame.
    pub(super) index: BTreeSet<String>,
}

impl Hints {
    /// Reads the hints; what can't be read says nothing.
    pub(super) fn of(metadata: &FileMetaData) -> Self {
        let pairs = metadata.key_value_metadata();
        let value_of = |key: &str| {
            let mut found = pairs.into_iter().flatten().filter(|pair| pair.key == key);
            found.next().and_then(|pair| pair.value.as_deref())
        };
        let mut hints = Self::default();
        if value_of(ARROW_SCHEMA_KEY).is_some()
            && let Ok(arrow) = parquet_to_arrow_schema(metadata.schema_descr(), pairs)
        {
            let special = |data_type: &DataType| {
                matches!(
                    data_type,
                    DataType::Duration(_) | DataType::Dictionary(_, _)
                )
            };
            let fields = arrow
                .fields()
                .iter()
                .filter(|field| special(field.data_type()));
            hints
                .not_numbers
                .extend(fields.map(|field| field.name().clone()));
        }
        let pandas: Option<serde_json::Value> =
            value_of(PANDAS_KEY).and_then(|text| serde_json::from_str(text).ok());
        let index = pandas
            .as_ref()
            .and_then(|pandas| pandas.get("index_columns")?.as_array());
        let names = index.into_iter().flatten().filter_map(|name| name.as_str());
        hints.index.extend(names.map(str::to_string));
        hints
    }
}
