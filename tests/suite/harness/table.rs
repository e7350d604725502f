//! Tables written with the low-level Parquet API, so that any physical layout can be made.

use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::{ColumnWriter, ColumnWriterImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// One leaf column: `None` is a null of an optional field.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Bool(Vec<Option<bool>>),
    I32(Vec<Option<i32>>),
    I64(Vec<Option<i64>>),
    I96(Vec<Option<i64>>),
    F32(Vec<Option<f32>>),
    F64(Vec<Option<f64>>),
    Bytes(Vec<Option<Vec<u8>>>),
    Fixed(Vec<Option<Vec<u8>>>),
}

/// A column as a line of Parquet's schema language and its leaf's values.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) schema: String,
    pub(crate) values: Values,
    /// Definition and repetition levels, for nested columns.
    pub(crate) levels: Option<(Vec<i16>, Vec<i16>)>,
}

/// Columns of the same number of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows_per_group: usize,
    codec: Option<Compression>,
}

impl Column {
    pub(crate) fn new(schema: impl Into<String>, values: Values) -> Self {
        Self {
            schema: schema.into(),
            values,
            levels: None,
        }
    }

    pub(crate) fn doubles(name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let values = values.into_iter().map(Some).collect();
        Self::new(format!("required double {name};"), Values::F64(values))
    }

    pub(crate) fn longs(name: &str, values: impl IntoIterator<Item = i64>) -> Self {
        let values = values.into_iter().map(Some).collect();
        Self::new(format!("required int64 {name};"), Values::I64(values))
    }

    pub(crate) fn optional_doubles(
        name: &str,
        values: impl IntoIterator<Item = Option<f64>>,
    ) -> Self {
        let values = values.into_iter().collect();
        Self::new(format!("optional double {name};"), Values::F64(values))
    }

    pub(crate) fn text<S: Into<String>>(name: &str, values: impl IntoIterator<Item = S>) -> Self {
        let bytes = |value: S| Some(value.into().into_bytes());
        let values = values.into_iter().map(bytes).collect();
        Self::new(
            format!("required binary {name} (STRING);"),
            Values::Bytes(values),
        )
    }
}

impl Table {
    pub(crate) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self {
            columns: columns.into_iter().collect(),
            rows_per_group: usize::MAX,
            codec: None,
        }
    }

    /// With one more column.
    pub(crate) fn with(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// Several row groups; only for flat columns.
    pub(crate) fn rows_per_group(mut self, rows: usize) -> Self {
        self.rows_per_group = rows;
        self
    }

    pub(crate) fn codec(mut self, codec: Compression) -> Self {
        self.codec = Some(codec);
        self
    }

    pub(crate) fn uncompressed(self) -> Self {
        self.codec(Compression::UNCOMPRESSED)
    }

    pub(crate) fn to_parquet(&self) -> Vec<u8> {
        let fields: String = self.columns.iter().map(|c| c.schema.as_str()).collect();
        let message = format!("message schema {{ {fields} }}");
        let schema = parse_message_type(&message).unwrap_or_else(|e| panic!("{message}: {e}"));
        let properties = WriterProperties::builder()
            .set_compression(self.codec.unwrap_or(Compression::SNAPPY))
            .build();
        let mut writer =
            SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))
                .expect("a Parquet writer");
        let rows = self.columns.first().map_or(0, Column::rows);
        let mut first = 0;
        while first < rows || (first == 0 && rows == 0) {
            let last = rows.min(first.saturating_add(self.rows_per_group));
            let mut group = writer.next_row_group().expect("a row group");
            for column in &self.columns {
                let mut open = group.next_column().expect("no error").expect("a column");
                column.write(open.untyped(), first, last);
                open.close().expect("close a column");
            }
            group.close().expect("close a row group");
            first = last.max(first + 1);
        }
        writer.into_inner().expect("a finished file")
    }
}

impl Column {
    fn rows(&self) -> usize {
        if let Some((_, repetition)) = &self.levels {
            return repetition.iter().filter(|level| **level == 0).count();
        }
        match &self.values {
            Values::Bool(v) => v.len(),
            Values::I32(v) => v.len(),
            Values::I64(v) | Values::I96(v) => v.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::Bytes(v) | Values::Fixed(v) => v.len(),
        }
    }

    fn write(&self, writer: &mut ColumnWriter<'_>, first: usize, last: usize) {
        match (&self.values, writer) {
            (Values::Bool(v), ColumnWriter::BoolColumnWriter(w)) => {
                self.put(w, v, first, last, |v| *v)
            }
            (Values::I32(v), ColumnWriter::Int32ColumnWriter(w)) => {
                self.put(w, v, first, last, |v| *v)
            }
            (Values::I64(v), ColumnWriter::Int64ColumnWriter(w)) => {
                self.put(w, v, first, last, |v| *v)
            }
            (Values::I96(v), ColumnWriter::Int96ColumnWriter(w)) => {
                self.put(w, v, first, last, |v| {
                    let mut value = Int96::new();
                    let day = u32::try_from(*v).expect("a small day");
                    value.set_data(day, 7, 2_440_588);
                    value
                })
            }
            (Values::F32(v), ColumnWriter::FloatColumnWriter(w)) => {
                self.put(w, v, first, last, |v| *v)
            }
            (Values::F64(v), ColumnWriter::DoubleColumnWriter(w)) => {
                self.put(w, v, first, last, |v| *v)
            }
            (Values::Bytes(v), ColumnWriter::ByteArrayColumnWriter(w)) => {
                self.put(w, v, first, last, |v| ByteArray::from(v.clone()));
            }
            (Values::Fixed(v), ColumnWriter::FixedLenByteArrayColumnWriter(w)) => {
                self.put(w, v, first, last, |v| {
                    FixedLenByteArray::from(ByteArray::from(v.clone()))
                });
            }
            _ => panic!("{} does not hold these values", self.schema),
        }
    }

    fn put<S, T: DataType>(
        &self,
        writer: &mut ColumnWriterImpl<'_, T>,
        values: &[Option<S>],
        first: usize,
        last: usize,
        convert: impl Fn(&S) -> T::T,
    ) {
        let (slice, levels) = match &self.levels {
            Some((definition, repetition)) => {
                (values, Some((definition.clone(), Some(&repetition[..]))))
            }
            None if self.schema.trim_start().starts_with("optional") => {
                let slice = &values[first..last];
                (
                    slice,
                    Some((slice.iter().map(|v| i16::from(v.is_some())).collect(), None)),
                )
            }
            None => (&values[first..last], None),
        };
        let present: Vec<T::T> = slice.iter().flatten().map(convert).collect();
        let (definition, repetition) = match &levels {
            Some((definition, repetition)) => (Some(&definition[..]), *repetition),
            None => (None, None),
        };
        writer
            .write_batch(&present, definition, repetition)
            .expect("write values");
    }
}
