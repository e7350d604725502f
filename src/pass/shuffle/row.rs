//! A row of one leaf as bytes: what segment files hold.
//!
//! ```text
//! row    = slot, in a repeated leaf slot, slot, ...: the next one with repetition level 0 is another row
//! slot   = repetition level (i16, in a repeated leaf), definition level (i16, unless it is always 0), value
//! value  = as Parquet's plain encoding has it, if there is one: texts after their length (u32)
//! ```
//!
//! Limit: one machine writes and reads it; it has no version.

use parquet::basic::Type as PhysicalType;
use parquet::data_type::AsBytes;
use parquet::schema::types::ColumnDescriptor;

const LEVEL_BYTES: usize = 2;
const LENGTH_BYTES: usize = 4;

/// What the rows of a leaf look like.
#[derive(Debug, Clone, Copy)]
pub(in crate::pass) struct RowShape {
    /// The definition level of a slot that has a value.
    pub(super) top: i16,
    pub(super) is_repeated: bool,
    /// Bytes of a value; `None`: its length comes first.
    width: Option<usize>,
}

/// A slot of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot<'a> {
    pub(super) repetition: i16,
    pub(super) definition: i16,
    pub(super) value: Option<&'a [u8]>,
}

impl RowShape {
    /// The rows of a leaf of the output.
    pub(in crate::pass) fn of(leaf: &ColumnDescriptor) -> Self {
        Self {
            top: leaf.max_def_level(),
            is_repeated: leaf.max_rep_level() > 0,
            width: match leaf.physical_type() {
                PhysicalType::BOOLEAN => Some(1),
                PhysicalType::INT32 | PhysicalType::FLOAT => Some(4),
                PhysicalType::INT64 | PhysicalType::DOUBLE => Some(8),
                PhysicalType::INT96 => Some(12),
                PhysicalType::BYTE_ARRAY | PhysicalType::FIXED_LEN_BYTE_ARRAY => None,
            },
        }
    }

    /// The rows' own hashes, the first leaf after those of the output.
    pub(super) const HASHES: Self = Self {
        top: 0,
        is_repeated: false,
        width: Some(8),
    };

    /// Appends a slot; `value` is taken if its definition level says that there is one.
    #[inline]
    pub(super) fn put<'v, V: AsBytes + 'v>(
        self,
        bytes: &mut Vec<u8>,
        repetition: i16,
        definition: i16,
        value: impl FnOnce() -> Option<&'v V>,
    ) {
        if self.is_repeated {
            bytes.extend_from_slice(&repetition.to_le_bytes());
        }
        if self.top > 0 {
            bytes.extend_from_slice(&definition.to_le_bytes());
        }
        if definition != self.top {
            return;
        }
        let value = value().map_or(&[][..], AsBytes::as_bytes);
        if self.width.is_none() {
            // No value of a Parquet file is longer.
            let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_le_bytes());
        }
        bytes.extend_from_slice(value);
    }

    /// Calls `take` with every slot of the row that begins at `start`; where the row ends. `None` if
    /// there is no whole row.
    #[inline]
    pub(super) fn read<'b>(
        self,
        bytes: &'b [u8],
        start: usize,
        mut take: impl FnMut(Slot<'b>),
    ) -> Option<usize> {
        let mut at = start;
        loop {
            let mut slot = Slot {
                repetition: 0,
                definition: 0,
                value: None,
            };
            if self.is_repeated {
                slot.repetition = level(bytes, at)?;
                at += LEVEL_BYTES;
            }
            if self.top > 0 {
                slot.definition = level(bytes, at)?;
                at += LEVEL_BYTES;
            }
            if slot.definition == self.top {
                let width = match self.width {
                    Some(width) => width,
                    None => {
                        let length = bytes.get(at..)?.first_chunk::<LENGTH_BYTES>()?;
                        at += LENGTH_BYTES;
                        u32::from_le_bytes(*length) as usize
                    }
                };
                slot.value = Some(bytes.get(at..at.checked_add(width)?)?);
                at += width;
            }
            take(slot);
            if !self.is_repeated || level(bytes, at).is_none_or(|level| level == 0) {
                return Some(at);
            }
        }
    }
}

fn level(bytes: &[u8], at: usize) -> Option<i16> {
    let level = bytes.get(at..)?.first_chunk::<LEVEL_BYTES>()?;
    Some(i16::from_le_bytes(*level))
}

#[cfg(test)]
mod tests {
    use parquet::data_type::ByteArray;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_put(
            // Of each row its slots: definition level, and length of the text.
            rows in prop::collection::vec(prop::collection::vec((0..4_i16, 0..9_usize), 1..4), 1..20),
            is_repeated: bool,
            top in 0..4_i16,
        ) {
            let shape = RowShape { top, is_repeated, width: None };
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for row in &rows {
                for (index, (definition, length)) in row.iter().enumerate().take(if is_repeated { 4 } else { 1 }) {
                    let definition = (*definition).min(top);
                    let repetition = i16::from(index > 0);
                    let text = ByteArray::from(vec![7; *length]);
                    shape.put(&mut bytes, repetition, definition, || Some(&text));
                    expected.push((repetition, definition, (definition == top).then_some(*length)));
                }
            }
            let (mut found, mut at) = (Vec::new(), 0);
            for _ in &rows {
                at = shape.read(&bytes, at, |slot| {
                    found.push((slot.repetition, slot.definition, slot.value.map(<[u8]>::len)));
                }).unwrap();
            }
            prop_assert_eq!(at, bytes.len());
            prop_assert_eq!(found, expected);
            // What is torn is no row.
            if bytes.pop().is_some() && !is_repeated {
                let mut last = Some(0);
                for _ in &rows {
                    last = last.and_then(|at| shape.read(&bytes, at, |_| ()));
                }
                prop_assert_eq!(last, None);
            }
        }
    }
}
