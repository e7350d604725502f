//! `Dictionary`: the different values of a column chunk, numbered in the order in which they first come.
//!
//! Entries lie one after the other as the plain encoding has them, so they are the page already. Invariant: equal
//! bytes have one number, and the numbers follow from the values alone; the hash only says where to look. Limit: no
//! entry that would make the page longer than its writer allows.

use parquet::errors::Result as ParquetResult;
use twox_hash::XxHash3_128;

/// A number that no entry has.
pub(super) const NO_CODE: u32 = u32::MAX;
/// Places of a new table; a power of two.
const PLACES_MIN: usize = 1024;

/// The values.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    /// All entries, as they are stored.
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    /// Numbers of entries by their hash, each at the first free place; at most half of them are taken.
    places: Vec<u32>,
}

impl Dictionary {
    /// No entries; memory stays.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.places.clear();
        self.places.resize(PLACES_MIN, NO_CODE);
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The page.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All entries, as they are stored.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|code| self.entry(code))
    }

    fn entry(&self, code: usize) -> &[u8] {
        let end = |code: usize| self.ends.get(code).map_or(0, |end| *end as usize);
        let start = code.checked_sub(1).map_or(0, end);
        &self.bytes[start..end(code)]
    }

    /// The number of a value, which becomes an entry if it is none yet; `None` if there would be more than
    /// `bytes_max` bytes of them.
    pub(super) fn code(&mut self, stored: &[u8], bytes_max: usize) -> ParquetResult<Option<u32>> {
        let place = self.place(stored);
        match self.places[place] {
            NO_CODE => {}
            code => return Ok(Some(code)),
        }
        if self.bytes.len() + stored.len() > bytes_max {
            return Ok(None);
        }
        let code = u32::try_from(self.len())?;
        self.bytes.extend_from_slice(stored);
        self.ends.push(u32::try_from(self.bytes.len())?);
        self.places[place] = code;
        if self.len() * 2 > self.places.len() {
            self.grow()?;
        }
        Ok(Some(code))
    }

    /// Where a value's number is, or would be.
    fn place(&self, stored: &[u8]) -> usize {
        let mask = self.places.len() - 1;
        let mut place = hash(stored) & mask;
        loop {
            match self.places[place] {
                NO_CODE => return place,
                code if self.entry(code as usize) == stored => return place,
                _ => place = (place + 1) & mask,
            }
        }
    }

    fn grow(&mut self) -> ParquetResult<()> {
        let length = self.places.len() * 2;
        self.places.clear();
        self.places.resize(length, NO_CODE);
        for code in 0..self.len() {
            let place = self.place(self.entry(code));
            self.places[place] = u32::try_from(code)?;
        }
        Ok(())
    }
}

/// The lower half of XXH3.
fn hash(stored: &[u8]) -> usize {
    let [low @ .., _, _, _, _, _, _, _, _] = XxHash3_128::oneshot(stored).to_le_bytes();
    usize::try_from(u64::from_le_bytes(low)).unwrap_or(0)
}
