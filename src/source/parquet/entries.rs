//! `Entries`: the values of a dictionary page, as they are stored, and how a flat column's values are stored.
//!
//! A stored value is its bytes in little-endian order, or a string behind its length: what the plain encoding
//! has, so that it can be written to another page as it is. Limit: pages of less than 4 GiB, as the format has
//! them.

use std::ops::Range;

use bytes::Bytes;
use parquet::basic::Type as PhysicalType;
use parquet::schema::types::ColumnDescriptor;

/// Bytes that say how long a string is.
pub(crate) const LENGTH_BYTES: usize = 4;

/// How the values of a column are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueWidth {
    /// Each behind its length.
    Strings,
    /// So many bytes each.
    Fixed(usize),
}

/// Where a stored value is in its page: its first byte in the upper half, and the one behind its last.
pub(crate) type Span = u64;

/// The bytes of a span.
#[inline]
pub(crate) fn bytes_of(span: Span) -> Range<usize> {
    let half = |half: u64| usize::try_from(half & u64::from(u32::MAX)).unwrap_or(usize::MAX);
    half(span >> 32)..half(span)
}

impl ValueWidth {
    /// That of a column; `None` for one of bits.
    pub(crate) fn of(column: &ColumnDescriptor) -> Option<Self> {
        Some(match column.physical_type() {
            PhysicalType::BOOLEAN => return None,
            PhysicalType::INT32 | PhysicalType::FLOAT => Self::Fixed(4),
            PhysicalType::INT64 | PhysicalType::DOUBLE => Self::Fixed(8),
            PhysicalType::INT96 => Self::Fixed(12),
            PhysicalType::BYTE_ARRAY => Self::Strings,
            PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                Self::Fixed(usize::try_from(column.type_length()).ok()?)
            }
        })
    }

    /// What a stored value holds, without its length.
    pub(crate) fn content(self, stored: &[u8]) -> &[u8] {
        match self {
            Self::Strings => stored.get(LENGTH_BYTES..).unwrap_or_default(),
            Self::Fixed(_) => stored,
        }
    }
}

/// Where the string is that is stored from `at` on, in a page of less than 4 GiB; `None` if it isn't there.
pub(super) fn string_at(bytes: &[u8], at: usize) -> Option<Span> {
    let length = bytes.get(at..)?.first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let end = at.checked_add(LENGTH_BYTES)?.checked_add(length)?;
    (end <= bytes.len()).then_some(((at as u64) << 32) | end as u64)
}

/// The entries of a dictionary.
#[derive(Debug, Clone)]
pub(crate) struct Entries {
    bytes: Bytes,
    width: ValueWidth,
    /// Of strings.
    spans: Vec<Span>,
    count: usize,
}

impl Entries {
    /// The first `count` values of a page; `None` if it hasn't as many.
    pub(crate) fn new(bytes: Bytes, width: ValueWidth, count: usize) -> Option<Self> {
        let mut spans = Vec::new();
        match width {
            ValueWidth::Fixed(length) => {
                if length == 0 || bytes.len() / length < count {
                    return None;
                }
            }
            ValueWidth::Strings => {
                // Not more than there are, whatever the page says.
                spans.reserve(count.min(bytes.len() / LENGTH_BYTES));
                let mut at = 0;
                for _ in 0..count {
                    let span = string_at(&bytes, at)?;
                    at = bytes_of(span).end;
                    spans.push(span);
                }
            }
        }
        Some(Self {
            bytes,
            width,
            spans,
            count,
        })
    }

    /// These numbers of so many bytes each.
    pub(crate) fn of_numbers(stored: &[u8], length: usize) -> Self {
        Self {
            bytes: Bytes::copy_from_slice(stored),
            width: ValueWidth::Fixed(length),
            spans: Vec::new(),
            count: stored.len() / length.max(1),
        }
    }

    /// All of them, if they are numbers.
    pub(super) fn numbers(&self) -> &[u8] {
        match self.width {
            ValueWidth::Fixed(length) => self.bytes.get(..length * self.count).unwrap_or_default(),
            ValueWidth::Strings => &[],
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// One of them, as it is stored; nothing behind the last.
    pub(crate) fn stored(&self, index: usize) -> &[u8] {
        let range = match self.width {
            ValueWidth::Fixed(length) if index < self.count => index * length..(index + 1) * length,
            ValueWidth::Fixed(_) => return &[],
            ValueWidth::Strings => match self.spans.get(index) {
                Some(span) => bytes_of(*span),
                None => return &[],
            },
        };
        self.bytes.get(range).unwrap_or_default()
    }

    /// What one of them holds.
    pub(crate) fn content(&self, index: usize) -> &[u8] {
        self.width.content(self.stored(index))
    }

    /// Whether all of them are UTF-8.
    pub(super) fn are_text(&self) -> bool {
        let is_text = |index| std::str::from_utf8(self.content(index)).is_ok();
        // Lengths of short strings are ASCII too.
        self.bytes.is_ascii() || (0..self.count).all(is_text)
    }
}
