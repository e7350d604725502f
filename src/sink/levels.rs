//! `Levels`: the definition levels of a page of a flat column, as bits, in the hybrid of run lengths and
//! bit packing of the Parquet format.

use super::pages::PAGE_ROWS;

/// What the levels of a page take at most: their length, a header, and a bit a slot.
pub(super) const LEVELS_BYTES_MAX: usize = LENGTH_BYTES + HEADER_BYTES_MAX + PAGE_ROWS / 8;

const LENGTH_BYTES: usize = 4;
const HEADER_BYTES_MAX: usize = VARINT_BYTES_MAX;
/// What a number of 32 bits takes, seven bits a byte.
pub(super) const VARINT_BYTES_MAX: usize = 5;

/// Which slots of a page are there.
#[derive(Debug, Default)]
pub(super) struct Levels {
    slots: usize,
    missing: usize,
    /// A bit a slot, the lowest first, once one is missing.
    bits: Vec<u8>,
}

impl Levels {
    /// No slots.
    pub(super) fn clear(&mut self) {
        (self.slots, self.missing) = (0, 0);
        self.bits.clear();
    }

    /// How many are missing.
    pub(super) fn missing(&self) -> usize {
        self.missing
    }

    /// So many more that are there.
    pub(super) fn defined(&mut self, slots: usize) {
        if self.missing > 0 {
            (0..slots).for_each(|_| self.push(true));
        } else {
            self.slots += slots;
        }
    }

    /// Slots of these levels, 0 or 1; returns how many are there.
    pub(super) fn extend(&mut self, levels: &[i16]) -> usize {
        let there = levels.iter().map(|level| usize::from(*level == 1)).sum();
        if there == levels.len() {
            self.defined(there);
            return there;
        }
        if self.missing == 0 {
            self.bits.clear();
            self.bits.resize(self.slots.div_ceil(8), 0xff);
            if let Some(last) = self
                .bits
                .last_mut()
                .filter(|_| !self.slots.is_multiple_of(8))
            {
                *last >>= 8 - self.slots % 8;
            }
        }
        self.missing += levels.len() - there;
        levels.iter().for_each(|level| self.push(*level == 1));
        there
    }

    fn push(&mut self, is_there: bool) {
        match self.slots % 8 {
            0 => self.bits.push(u8::from(is_there)),
            bit => {
                if let Some(last) = self.bits.last_mut() {
                    *last |= u8::from(is_there) << bit;
                }
            }
        }
        self.slots += 1;
    }

    /// Writes the levels and their length so that they end at `end`, and returns where they begin.
    pub(super) fn write_before(&self, end: usize, page: &mut [u8]) -> usize {
        let is_mixed = (1..self.slots).contains(&self.missing);
        let value = [u8::from(self.missing == 0)];
        let (header, body) = match is_mixed {
            true => ((self.slots.div_ceil(8) << 1) | 1, self.bits.as_slice()),
            false => (self.slots << 1, &value[..]),
        };
        let mut head = [0; HEADER_BYTES_MAX];
        let head_bytes = varint(header, &mut head);
        let length = head_bytes + body.len();
        let start = end - length - LENGTH_BYTES;
        let length_bytes = u32::try_from(length).unwrap_or(0).to_le_bytes();
        page[start..start + LENGTH_BYTES].copy_from_slice(&length_bytes);
        page[end - length..end - body.len()].copy_from_slice(&head[..head_bytes]);
        page[end - body.len()..end].copy_from_slice(body);
        start
    }
}

/// Writes a number, seven bits a byte, the lowest first; returns how many bytes it took.
pub(super) fn varint(mut number: usize, bytes: &mut [u8]) -> usize {
    let mut written = 0;
    for byte in bytes {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        written += 1;
        *byte = (low & 0x7f) | if number > 0 { 0x80 } else { 0 };
        if number == 0 {
            break;
        }
    }
    written
}
