//! Page headers: the part of Thrift's compact protocol that they are written in, read by our own code
//! so that sizes are known before anything is decoded.
//!
//! Invariant: never reads past the slice, never recurses deeper than [`DEPTH_MAX`]; what it doesn't
//! know is passed over. Statistics of pages are not looked at.

/// Structs in structs that are passed over.
const DEPTH_MAX: u32 = 16;

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Values, in either version of data pages.
    Data,
    /// The values that data pages refer to.
    Dictionary,
    /// Something that readers pass over.
    Other,
}

/// What a page header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub kind: PageKind,
    /// Bytes of the page once decompressed.
    pub decompressed: u64,
    /// Bytes of the page in the file, header apart.
    pub compressed: u64,
    /// Values, or levels where there are some.
    pub values: u64,
    /// Whether its values are strings of which each leaves out what it shares with the one before.
    pub is_front_coded: bool,
    /// Whether its values are plain or refer to the dictionary, and its levels are run lengths and packed bits.
    pub is_simple: bool,
    /// Bytes of the header itself.
    pub header: usize,
}

/// Why a header can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It goes on behind the slice.
    Short,
    /// It is none.
    Damaged,
}

impl PageHeader {
    /// Reads the header at the start of `bytes`.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unread> {
        let mut cursor = Cursor { bytes, at: 0 };
        let (mut kind, mut decompressed, mut compressed) = (None, None, None);
        let (mut values, mut encoding, mut levels) = (None, None, None);
        let mut id = 0;
        while let Some((field, of)) = cursor.field(id)? {
            id = field;
            match (field, of) {
                (1, INTEGER) => kind = Some(cursor.integer()?),
                (2, INTEGER) => decompressed = Some(cursor.integer()?),
                (3, INTEGER) => compressed = Some(cursor.integer()?),
                // In each kind's own header, the first field is the number of values.
                (5, STRUCT) => [values, encoding, levels] = cursor.integers([1, 2, 3])?,
                (7, STRUCT) => [values, encoding] = cursor.integers([1, 2])?,
                (8, STRUCT) => [values, encoding] = cursor.integers([1, 4])?,
                _ => cursor.pass(of, 0)?,
            }
        }
        // 32 bits by the format: a decoder that takes a longer number's lower half would be told less.
        let size = |value: Option<i64>| {
            let value = value.and_then(|value| i32::try_from(value).ok());
            let value = value.and_then(|value| u64::try_from(value).ok());
            value.ok_or(Unread::Damaged)
        };
        Ok(Self {
            kind: match kind {
                Some(0 | 3) => PageKind::Data,
                Some(2) => PageKind::Dictionary,
                Some(_) => PageKind::Other,
                None => return Err(Unread::Damaged),
            },
            decompressed: size(decompressed)?,
            compressed: size(compressed)?,
            values: size(values.or(Some(0)))?,
            is_front_coded: encoding == Some(DELTA_BYTE_ARRAY),
            is_simple: matches!(encoding, Some(PLAIN | PLAIN_DICTIONARY | RLE_DICTIONARY))
                && matches!(levels, None | Some(RLE)),
            header: cursor.at,
        })
    }
}

/// Encodings, by their number in `parquet.thrift`.
const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE: i64 = 3;
const RLE_DICTIONARY: i64 = 8;
const DELTA_BYTE_ARRAY: i64 = 7;

/// Types of fields, by their number in the compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const SHORT: u8 = 4;
pub(super) const INTEGER: u8 = 5;
const LONG: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;

/// Goes through bytes, and never past them.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Result<u8, Unread> {
        let byte = self.bytes.get(self.at).copied().ok_or(Unread::Short)?;
        self.at += 1;
        Ok(byte)
    }

    /// An unsigned number of any width.
    pub(super) fn varint(&mut self) -> Result<u64, Unread> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Unread::Damaged)
    }

    /// A signed number of any width.
    pub(super) fn integer(&mut self) -> Result<i64, Unread> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The next field's number and type; `None` at the end of the struct.
    pub(super) fn field(&mut self, before: i64) -> Result<Option<(i64, u8)>, Unread> {
        let byte = self.byte()?;
        let (delta, of) = (byte >> 4, byte & 0x0f);
        if of == 0 {
            return Ok(None);
        }
        let id = match delta {
            0 => self.integer()?,
            delta => before + i64::from(delta),
        };
        Ok(Some((id, of)))
    }

    /// Passes a struct, and returns those of its fields that are numbers.
    fn integers<const N: usize>(&mut self, fields: [i64; N]) -> Result<[Option<i64>; N], Unread> {
        let (mut id, mut found) = (0, [None; N]);
        while let Some((field, of)) = self.field(id)? {
            id = field;
            match (fields.iter().position(|wanted| *wanted == field), of) {
                (Some(index), INTEGER) => found[index] = Some(self.integer()?),
                _ => self.pass(of, 1)?,
            }
        }
        Ok(found)
    }

    fn skip(&mut self, length: u64) -> Result<(), Unread> {
        let length = usize::try_from(length).ok().ok_or(Unread::Damaged)?;
        let end = self.at.checked_add(length).ok_or(Unread::Damaged)?;
        if end > self.bytes.len() {
            return Err(Unread::Short);
        }
        self.at = end;
        Ok(())
    }

    /// Passes a field's value.
    pub(super) fn pass(&mut self, of: u8, depth: u32) -> Result<(), Unread> {
        if depth > DEPTH_MAX {
            return Err(Unread::Damaged);
        }
        match of {
            TRUE | FALSE => Ok(()),
            BYTE => self.skip(1),
            SHORT | INTEGER | LONG => self.varint().map(drop),
            DOUBLE => self.skip(8),
            BINARY => {
                let length = self.varint()?;
                self.skip(length)
            }
            LIST | SET => self.pass_list(depth),
            STRUCT => {
                let mut id = 0;
                while let Some((field, of)) = self.field(id)? {
                    id = field;
                    self.pass(of, depth + 1)?;
                }
                Ok(())
            }
            // A map has no place in a page header.
            MAP => Err(Unread::Damaged),
            _ => Err(Unread::Damaged),
        }
    }

    /// Begins a list: the type of its entries, and how many there are.
    pub(super) fn list(&mut self) -> Result<(u8, u64), Unread> {
        let byte = self.byte()?;
        let length = match byte >> 4 {
            15 => self.varint()?,
            length => u64::from(length),
        };
        Ok((byte & 0x0f, length))
    }

    fn pass_list(&mut self, depth: u32) -> Result<(), Unread> {
        let (entry, length) = self.list()?;
        for _ in 0..length {
            match entry {
                // In a list, a truth value takes a byte.
                TRUE | FALSE => self.skip(1)?,
                of => self.pass(of, depth + 1)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data page of version 1: sizes 300 and 200, 100 values, with a statistic of 3 bytes.
    const DATA: &[u8] = &[
        0x15, 0x00, 0x15, 0xd8, 0x04, 0x15, 0x90, 0x03, 0x2c, 0x15, 0xc8, 0x01, 0x15, 0x00, 0x15,
        0x06, 0x15, 0x06, 0x1c, 0x18, 0x03, b'a', b'b', b'c', 0x00, 0x00, 0x00,
    ];

    #[test]
    fn a_data_page_is_read_with_its_sizes() {
        let header = PageHeader::read(&[DATA, b"rest"].concat()).unwrap();
        assert_eq!(
            header,
            PageHeader {
                kind: PageKind::Data,
                decompressed: 300,
                compressed: 200,
                values: 100,
                is_front_coded: false,
                is_simple: true,
                header: DATA.len(),
            }
        );
    }

    #[test]
    fn what_ends_early_is_short_and_what_is_nonsense_is_damaged() {
        for end in 0..DATA.len() {
            assert_eq!(PageHeader::read(&DATA[..end]), Err(Unread::Short), "{end}");
        }
        let cases: [&[u8]; 5] = [
            &[0x00],
            &[0x15, 0x00, 0x15, 0x01, 0x15, 0x02, 0x00],
            &[0x1b, 0x00],
            // A size of 2^31 bytes.
            &[
                0x15, 0x00, 0x15, 0x80, 0x80, 0x80, 0x80, 0x10, 0x15, 0x02, 0x00,
            ],
            &[
                0x15, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
            ],
        ];
        for bytes in cases {
            assert_eq!(PageHeader::read(bytes), Err(Unread::Damaged), "{bytes:?}");
        }
        let deep = [&[0x15_u8, 0x00][..], &[0x8c; 100]].concat();
        assert_eq!(PageHeader::read(&deep), Err(Unread::Damaged));
    }
}
