//! The headers of data pages of version 1 and of dictionaries, in the compact protocol of Thrift, as the Parquet
//! format (`parquet.thrift`: `PageHeader`, `DataPageHeader`, `DictionaryPageHeader`) has them.

use super::levels::{VARINT_BYTES_MAX, varint};

/// What a header takes at most: its three numbers, and what is the same in each.
pub(super) const HEADER_BYTES_MAX: usize = 3 * VARINT_BYTES_MAX + 15;

/// A field that is the next one and holds a 32-bit number.
const NUMBER: u8 = 0x15;
/// A field that comes so many after the one before, and holds a structure.
const STRUCTURE: u8 = 0x0c;
/// The end of a structure.
const STOP: u8 = 0;
/// Numbers are written with their sign in the lowest bit.
const PLAIN: u8 = 0;
const RLE: u8 = 3 << 1;
const RLE_DICTIONARY: u8 = 8 << 1;
const DATA_PAGE: u8 = 0;
const DICTIONARY_PAGE: u8 = 2 << 1;

/// What a page holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Values.
    Plain,
    /// Numbers of the dictionary's entries.
    Coded,
    /// The entries.
    Dictionary,
}

/// What is in a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageHeader {
    pub(super) content: Content,
    /// Slots, with or without a value; entries of a dictionary.
    pub(super) values: usize,
    /// Bytes of levels and values.
    pub(super) uncompressed: usize,
    /// What they are compressed to.
    pub(super) compressed: usize,
}

impl PageHeader {
    /// Writes the header so that it ends where `room` does, and returns where it begins.
    pub(super) fn write_at_end(self, room: &mut [u8]) -> usize {
        let mut header = Vec::with_capacity(HEADER_BYTES_MAX);
        let number = |header: &mut Vec<u8>, value: usize| {
            let mut bytes = [0; VARINT_BYTES_MAX];
            let length = varint(value << 1, &mut bytes);
            header.push(NUMBER);
            header.extend_from_slice(&bytes[..length]);
        };
        // The structure of data pages is the fifth field, that of dictionaries the seventh.
        let (page, structure, encoding) = match self.content {
            Content::Plain => (DATA_PAGE, 2 << 4, PLAIN),
            Content::Coded => (DATA_PAGE, 2 << 4, RLE_DICTIONARY),
            Content::Dictionary => (DICTIONARY_PAGE, 4 << 4, PLAIN),
        };
        header.extend_from_slice(&[NUMBER, page]);
        number(&mut header, self.uncompressed);
        number(&mut header, self.compressed);
        header.push(STRUCTURE | structure);
        number(&mut header, self.values);
        header.extend_from_slice(&[NUMBER, encoding]);
        if self.content != Content::Dictionary {
            header.extend_from_slice(&[NUMBER, RLE, NUMBER, RLE]);
        }
        header.extend_from_slice(&[STOP, STOP]);
        let start = room.len() - header.len();
        room[start..].copy_from_slice(&header);
        start
    }
}
