//! The values of one column over one unit, with the narrowest type that holds them.
//!
//! Types widen `Null < Int64 < Float64 < Text`. Text columns keep every field exactly, missing or
//! not; in numeric columns null tokens are missing.

use super::number::Reading;

/// What a column's fields are.
///
/// ```
/// use prep_stream::source::text::ColumnType;
///
/// assert_eq!(ColumnType::Int64.merge(ColumnType::Float64), ColumnType::Float64);
/// assert_eq!(ColumnType::Null.merge(ColumnType::Text), ColumnType::Text);
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// Every field is missing.
    Null,
    /// Every field that is not missing is a 64-bit integer.
    Int64,
    /// Every field that is not missing is a number.
    Float64,
    /// Some field is not a number.
    Text,
}

impl ColumnType {
    /// The narrowest type that holds both.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        self.max(other)
    }
}

/// How a column is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColumnRequest {
    /// As the narrowest type that holds it.
    #[default]
    Infer,
    /// As the narrowest type from which every field can be told again: a field of digits that is not
    /// the usual form of a 64-bit integer (`007`, `+5`, 20 digits) makes the column text.
    Keep,
    /// As this type; a field that does not fit is an error. `Null` is the same as `Infer`.
    As(ColumnType),
    /// Not at all: the column is left out of the batch.
    Skip,
}

/// The rows of one unit, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct TextBatch {
    /// First row, counted from 0 over the file's data rows; a multiple of 4,096.
    pub first_row: u64,
    /// Rows in every column.
    pub rows: usize,
    /// The columns that were asked for, in the order of the header.
    pub columns: Vec<TextColumn>,
    /// Bytes of the records that were parsed.
    pub source_bytes: u64,
    /// XXH3-128 of what they were read from, which is all of a scanned file or the records of a segment:
    /// who reads them again finds out whether they are the same.
    pub source_digest: u128,
}

/// One column of a [`TextBatch`].
#[derive(Debug, Clone, PartialEq)]
pub struct TextColumn {
    /// Position in the header, from 0.
    pub index: usize,
    /// The values that are not missing, in row order.
    pub values: Values,
    /// For each row whether it has a value; `None` if all have.
    pub validity: Option<Vec<bool>>,
}

/// Values that are not missing, in row order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// There are none.
    Null {
        /// Every field was empty, so that read as text each is the empty string.
        blank: bool,
    },
    /// 64-bit integers.
    Int64(Vec<i64>),
    /// 64-bit floats, possibly NaN or infinite.
    Float64(Vec<f64>),
    /// Fields as they were, without quotes; UTF-8.
    Text(TextValues),
}

/// Strings back to back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextValues {
    bytes: Vec<u8>,
    ends: Vec<u64>,
}

impl TextColumn {
    /// Whether it holds integers that float64 would round.
    pub fn has_wide_integers(&self) -> bool {
        match &self.values {
            Values::Int64(values) => !Reading::Identity.may_widen(values),
            _ => false,
        }
    }

    /// The narrowest type that holds the values.
    pub fn column_type(&self) -> ColumnType {
        match self.values {
            Values::Null { .. } => ColumnType::Null,
            Values::Int64(_) => ColumnType::Int64,
            Values::Float64(_) => ColumnType::Float64,
            Values::Text(_) => ColumnType::Text,
        }
    }
}

impl TextValues {
    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no string.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All strings back to back.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the string of this row starts in [`bytes`](Self::bytes), which is where the one before
    /// ends; for `row == len()`, the number of bytes.
    pub fn start(&self, row: usize) -> usize {
        let end = row.checked_sub(1).and_then(|before| self.ends.get(before));
        end.map_or(0, |end| usize::try_from(*end).unwrap_or(usize::MAX))
    }

    /// The strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|row| &self.bytes[self.start(row)..self.start(row + 1)])
    }

    /// No strings yet.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::with_capacity(count),
        }
    }

    /// As many empty strings.
    pub(crate) fn blank(count: usize) -> Self {
        Self {
            bytes: Vec::new(),
            ends: vec![0; count],
        }
    }

    /// Appends a string.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u64);
    }

    /// Appends a string in which each doubled quote stands for one.
    pub(crate) fn push_escaped(&mut self, raw: &[u8], quote: u8) {
        let mut rest = raw;
        while let Some(at) = memchr::memchr(quote, rest) {
            self.bytes.extend_from_slice(&rest[..=at]);
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        self.push(rest);
    }
}
