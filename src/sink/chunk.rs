//! `ChunkWriter`: encodes one column chunk, by the plainest means that do.

use parquet::column::writer::{ColumnCloseResult, ColumnWriterImpl};
use parquet::data_type::{DataType, SliceAsBytes};
use parquet::errors::Result as ParquetResult;

use super::plain::PlainWriter;

/// Encodes a column chunk, slice by slice.
#[expect(
    missing_debug_implementations,
    reason = "writers have no state to show"
)]
pub enum ChunkWriter<'a, T: DataType> {
    /// Dictionaries, statistics, nested levels, every type and codec: the Parquet crate's own.
    General(Box<ColumnWriterImpl<'a, T>>),
    /// Numbers of a flat column, as they are.
    Plain(Box<PlainWriter<'a>>),
}

impl<T: DataType> ChunkWriter<'_, T> {
    /// Whether a column that may have nulls is told the level of every slot even where none is one.
    pub fn needs_levels(&self) -> bool {
        matches!(self, Self::General(_))
    }

    /// Writes the next slots: values, and the levels of a column that has some.
    ///
    /// # Errors
    /// When they don't fit each other, or the codec or the sink fails.
    pub fn write_batch(
        &mut self,
        values: &[T::T],
        definition: Option<&[i16]>,
        repetition: Option<&[i16]>,
    ) -> ParquetResult<()> {
        match self {
            Self::General(writer) => writer.write_batch(values, definition, repetition).map(drop),
            Self::Plain(writer) => {
                let bytes = T::T::slice_as_bytes(values);
                writer.write(bytes, size_of::<T::T>(), definition)
            }
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the codec or the sink fails.
    pub(super) fn close(self) -> ParquetResult<ColumnCloseResult> {
        match self {
            Self::General(writer) => writer.close(),
            Self::Plain(writer) => writer.close(),
        }
    }
}
