//! The header of a plain data page of version 1, in the compact protocol of Thrift, as the Parquet format
//! (`parquet.thrift`, `PageHeader` and `DataPageHeader`) has it.

use super::levels::{VARINT_BYTES_MAX, varint};

/// What a header takes at most: its three numbers, and what is the same in each.
pub(super) const HEADER_BYTES_MAX: usize = 3 * VARINT_BYTES_MAX + 15;

/// A field that is the next one and holds a 32-bit number.
const NUMBER: u8 = 0x15;
/// A field that is the next but one and holds a structure.
const STRUCTURE_AFTER_NEXT: u8 = 0x2c;
/// The end of a structure.
const STOP: u8 = 0;
/// Numbers are written with their sign in the lowest bit.
const PLAIN: u8 = 0;
const RLE: u8 = 3 << 1;
const DATA_PAGE: u8 = 0;

/// What is in a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct DataPageHeader {
    /// Slots, with or without a value.
    pub(super) slots: usize,
    /// Bytes of levels and values.
    pub(super) uncompressed: usize,
    /// What they are compressed to.
    pub(super) compressed: usize,
}

impl DataPageHeader {
    /// Writes the header so that it ends where `room` does, and returns where it begins.
    pub(super) fn write_at_end(self, room: &mut [u8]) -> usize {
        let mut header = Vec::with_capacity(HEADER_BYTES_MAX);
        let number = |header: &mut Vec<u8>, value: usize| {
            let mut bytes = [0; VARINT_BYTES_MAX];
            let length = varint(value << 1, &mut bytes);
            header.push(NUMBER);
            header.extend_from_slice(&bytes[..length]);
        };
        header.extend_from_slice(&[NUMBER, DATA_PAGE]);
        number(&mut header, self.uncompressed);
        number(&mut header, self.compressed);
        header.push(STRUCTURE_AFTER_NEXT);
        number(&mut header, self.slots);
        header.extend_from_slice(&[NUMBER, PLAIN, NUMBER, RLE, NUMBER, RLE, STOP, STOP]);
        let start = room.len() - header.len();
        room[start..].copy_from_slice(&header);
        start
    }
}
