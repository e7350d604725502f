//! `Extremes`: the smallest and largest value of a column chunk, for readers that filter by them.
//!
//! Strings are compared byte by byte, numbers with their sign. The Parquet crate says how they are put down: long
//! strings shortened, as in the columns that it writes.

use parquet::basic::{SortOrder, Type as PhysicalType};
use parquet::column::writer::get_column_writer;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};

/// What was seen of a column's values.
#[derive(Debug)]
pub(super) enum Extremes {
    Int32(Option<(i32, i32)>),
    Int64(Option<(i64, i64)>),
    Strings(Option<StringExtremes>),
}

/// Strings, and the first eight bytes of each, by which most others are told from them.
#[derive(Debug)]
pub(super) struct StringExtremes {
    min: Vec<u8>,
    max: Vec<u8>,
    min_head: u64,
    max_head: u64,
}

impl Extremes {
    /// Those of no values; `None` for a column whose order is another one.
    pub(super) fn of(column: &ColumnDescriptor) -> Option<Self> {
        match (column.physical_type(), column.sort_order()) {
            (PhysicalType::INT32, SortOrder::SIGNED) => Some(Self::Int32(None)),
            (PhysicalType::INT64, SortOrder::SIGNED) => Some(Self::Int64(None)),
            (PhysicalType::BYTE_ARRAY, SortOrder::UNSIGNED) => Some(Self::Strings(None)),
            _ => None,
        }
    }

    /// Takes note of a value: a number in little-endian order, or a string.
    pub(super) fn add(&mut self, content: &[u8]) {
        match self {
            Self::Int32(_) | Self::Int64(_) => self.add_numbers(content),
            Self::Strings(Some(seen)) => seen.add(content),
            Self::Strings(none) => {
                *none = Some(StringExtremes {
                    min: content.to_vec(),
                    max: content.to_vec(),
                    min_head: head(content),
                    max_head: head(content),
                });
            }
        }
    }

    /// Takes note of numbers, one after the other.
    pub(super) fn add_numbers(&mut self, stored: &[u8]) {
        match self {
            Self::Int32(seen) => {
                let numbers = stored.as_chunks().0.iter().copied();
                widen(seen, numbers.map(i32::from_le_bytes));
            }
            Self::Int64(seen) => {
                let numbers = stored.as_chunks().0.iter().copied();
                widen(seen, numbers.map(i64::from_le_bytes));
            }
            Self::Strings(_) => {}
        }
    }

    /// What is put down of them, in a column with so many missing values.
    pub(super) fn statistics(
        self,
        column: &ColumnDescPtr,
        missing: u64,
    ) -> ParquetResult<Option<Statistics>> {
        let string = |bytes: Vec<u8>| ByteArray::from(bytes);
        let statistics = match self {
            Self::Int32(seen) => put_down::<Int32Type>(column, seen),
            Self::Int64(seen) => put_down::<Int64Type>(column, seen),
            Self::Strings(seen) => {
                let seen = seen.map(|seen| (string(seen.min), string(seen.max)));
                put_down::<ByteArrayType>(column, seen)
            }
        }?;
        Ok(statistics.map(|statistics| with_missing(statistics, missing)))
    }
}

fn widen<T: Ord + Copy>(seen: &mut Option<(T, T)>, mut numbers: impl Iterator<Item = T>) {
    let Some((min, max)) = seen.or_else(|| numbers.next().map(|first| (first, first))) else {
        return;
    };
    let widened = numbers.fold((min, max), |(min, max), x| (min.min(x), max.max(x)));
    *seen = Some(widened);
}

impl StringExtremes {
    #[inline]
    fn add(&mut self, string: &[u8]) {
        let own = head(string);
        if own <= self.min_head && string < self.min.as_slice() {
            self.min.clear();
            self.min.extend_from_slice(string);
            self.min_head = own;
        }
        if own >= self.max_head && string > self.max.as_slice() {
            self.max.clear();
            self.max.extend_from_slice(string);
            self.max_head = own;
        }
    }
}

/// The first bytes of a string as a number of the same order, up to ties.
#[inline]
fn head(string: &[u8]) -> u64 {
    if let Some(first) = string.first_chunk() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; 8];
    first[..string.len()].copy_from_slice(string);
    u64::from_be_bytes(first)
}

/// What the Parquet crate puts down of a column of these two values.
fn put_down<T: DataType>(
    column: &ColumnDescPtr,
    seen: Option<(T::T, T::T)>,
) -> ParquetResult<Option<Statistics>> {
    let values: Vec<T::T> = seen.into_iter().flat_map(|(min, max)| [min, max]).collect();
    let levels = vec![column.max_def_level(); values.len()];
    let mut nowhere = TrackedWrite::new(std::io::sink());
    let pages = Box::new(SerializedPageWriter::new(&mut nowhere));
    let properties = WriterProperties::builder().set_dictionary_enabled(false);
    let properties = WriterPropertiesPtr::new(properties.build());
    let writer = get_column_writer(column.clone(), properties, pages);
    let writer = T::get_column_writer(writer).ok_or_else(|| {
        ParquetError::General(format!(
            "{} is not {}",
            column.path(),
            T::get_physical_type()
        ))
    });
    let mut writer = writer?;
    writer.write_batch(&values, Some(&levels), None)?;
    Ok(writer.close()?.metadata.statistics().cloned())
}

fn with_missing(statistics: Statistics, missing: u64) -> Statistics {
    match statistics {
        Statistics::Int32(of) => Statistics::Int32(of_missing::<Int32Type>(&of, missing)),
        Statistics::Int64(of) => Statistics::Int64(of_missing::<Int64Type>(&of, missing)),
        Statistics::ByteArray(of) => {
            Statistics::ByteArray(of_missing::<ByteArrayType>(&of, missing))
        }
        other => other,
    }
}

fn of_missing<T: DataType>(of: &ValueStatistics<T::T>, missing: u64) -> ValueStatistics<T::T> {
    let ends = (of.min_opt().cloned(), of.max_opt().cloned());
    ValueStatistics::new(ends.0, ends.1, None, Some(missing), false)
        .with_min_is_exact(of.min_is_exact())
        .with_max_is_exact(of.max_is_exact())
        .with_backwards_compatible_min_max(of.is_min_max_backwards_compatible())
}
