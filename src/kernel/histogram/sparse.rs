//! Counts of bins, most of them empty, in a byte or two for each that isn't.
//!
//! The text of source maps, unsigned: a number is written in base 32, lowest digits first, each digit
//! as one character of base64, 32 more while others follow. A list of counts in order of their bins is
//! the number of empty bins to skip, then a run's length, then its counts, and so on. Invariant: one
//! text for the same counts. It is what is held in memory, in partial files, and in the report, where a
//! dozen lines of JavaScript read it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::BINS;

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Characters of the largest `u64`: 13 times 5 bits.
const NUMBER_CHARACTERS_MAX: u32 = 13;

/// Counts of bins, as text.
///
/// ```
/// use prep_stream::kernel::SparseCounts;
///
/// let counts = SparseCounts::new([0, 0, 7, 0, 0, 0, 40, 1]);
/// assert_eq!(counts.as_str(), "CBHDCoBB");
/// assert_eq!(counts.iter().collect::<Vec<_>>(), [(2, 7), (6, 40), (7, 1)]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SparseCounts(Box<str>);

/// Why a text holds no counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the counts of at most 512 bins: character {at} of {characters} is wrong")]
pub struct SparseCountsError {
    /// Index of the first character that can't be right.
    at: usize,
    /// Length of the text.
    characters: usize,
}

impl SparseCounts {
    /// The counts of bins 0, 1, 2 and so on.
    pub fn new(counts: impl IntoIterator<Item = u64>) -> Self {
        let (mut text, mut run, mut empty) = (String::new(), Vec::new(), 0);
        let mut put = |empty: &mut u64, run: &mut Vec<u64>| {
            if !run.is_empty() {
                write(*empty, &mut text);
                write(run.len() as u64, &mut text);
                run.drain(..).for_each(|count| write(count, &mut text));
                *empty = 0;
            }
        };
        for count in counts {
            if count == 0 {
                put(&mut empty, &mut run);
                empty += 1;
            } else {
                run.push(count);
            }
        }
        put(&mut empty, &mut run);
        Self(text.into())
    }

    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        if other.0.is_empty() || self.0.is_empty() {
            if self.0.is_empty() {
                self.0.clone_from(&other.0);
            }
            return;
        }
        let mut sums = [0_u64; BINS];
        for (bin, count) in self.iter().chain(other.iter()) {
            if let Some(sum) = sums.get_mut(bin) {
                *sum += count;
            }
        }
        *self = Self::new(sums);
    }

    /// The bins that aren't empty, in order, each with its count.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        Reader {
            characters: self.0.as_bytes(),
            at: 0,
            bin: 0,
            run: 0,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes a text, if it is one of counts.
    fn from_text(text: String) -> Result<Self, SparseCountsError> {
        let counts = Self(text.into());
        let mut reader = Reader {
            characters: counts.0.as_bytes(),
            at: 0,
            bin: 0,
            run: 0,
        };
        let fits = reader.by_ref().all(|(bin, _)| bin < BINS);
        let (at, characters) = (reader.at, counts.0.len());
        let again = Self::new((0..BINS).map({
            let mut rest = counts.iter().peekable();
            move |bin| {
                rest.next_if(|(next, _)| *next == bin)
                    .map_or(0, |(_, count)| count)
            }
        }));
        if fits && at == characters && again == counts {
            Ok(counts)
        } else {
            Err(SparseCountsError { at, characters })
        }
    }
}

impl Serialize for SparseCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SparseCounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_text(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn write(mut number: u64, text: &mut String) {
    loop {
        let more = number > 31;
        let digit = (number & 31) as usize + if more { 32 } else { 0 };
        text.push(char::from(DIGITS[digit]));
        number >>= 5;
        if !more {
            return;
        }
    }
}

/// Reads counts until the text ends, or is none.
struct Reader<'a> {
    characters: &'a [u8],
    /// The next character.
    at: usize,
    /// The next bin.
    bin: usize,
    /// Counts that are left of the run.
    run: u64,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for index in 0..NUMBER_CHARACTERS_MAX {
            let character = *self.characters.get(self.at)?;
            let digit = DIGITS.iter().position(|digit| *digit == character)? as u64;
            self.at += 1;
            number |= (digit & 31) << (5 * index);
            if digit < 32 {
                return Some(number);
            }
        }
        None
    }
}

impl Iterator for Reader<'_> {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<(usize, u64)> {
        if self.run == 0 {
            let empty = usize::try_from(self.number()?).ok()?;
            self.run = self.number()?;
            self.bin = self.bin.checked_add(empty)?;
        }
        let count = self.number()?;
        self.run = self.run.checked_sub(1)?;
        self.bin += 1;
        Some((self.bin - 1, count))
    }
}
