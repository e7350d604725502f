//! `ChunkWriter`: encodes one column chunk, by the plainest means that do.

use parquet::column::writer::{ColumnCloseResult, ColumnWriterImpl};
use parquet::data_type::{AsBytes, DataType, SliceAsBytes};
use parquet::errors::Result as ParquetResult;

use super::flat::FlatWriter;
use crate::source::parquet::ValueWidth;

/// Encodes a column chunk, slice by slice.
#[expect(
    missing_debug_implementations,
    reason = "writers have no state to show"
)]
pub enum ChunkWriter<'a, T: DataType> {
    /// Nested levels, every type and codec: the Parquet crate's own.
    General(Box<ColumnWriterImpl<'a, T>>),
    /// Strings and numbers of a flat column.
    Flat(Box<FlatWriter<'a>>),
}

impl<'a, T: DataType> ChunkWriter<'a, T> {
    /// Whether a column that may have nulls is told the level of every slot even where none is one.
    pub fn needs_levels(&self) -> bool {
        matches!(self, Self::General(_))
    }

    /// The writer of a column without lists, which takes values as they are stored, and codes.
    pub(crate) fn flat(&mut self) -> Option<&mut FlatWriter<'a>> {
        match self {
            Self::General(_) => None,
            Self::Flat(writer) => Some(writer),
        }
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
            Self::Flat(writer) => match writer.width() {
                ValueWidth::Fixed(_) => {
                    writer.write_numbers(T::T::slice_as_bytes(values), definition)
                }
                ValueWidth::Strings => {
                    let mut strings = values.iter().map(AsBytes::as_bytes);
                    writer.write_contents(values.len(), &mut strings, definition)
                }
            },
        }
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the codec or the sink fails.
    pub(super) fn close(self) -> ParquetResult<ColumnCloseResult> {
        match self {
            Self::General(writer) => writer.close(),
            Self::Flat(writer) => writer.close(),
        }
    }
}
