//! Keys: the canonical form of values, so that what is one key to a person has one hash, whatever type
//! a file stores it as.
//!
//! Invariant: the tags and the order of words are published in `docs/split.md` and never change. A
//! value is one or more 64-bit words, a key the words of its values in order; no key's words begin
//! another's. Limit: two keys may share a hash, once in 2^64 pairs, and then a side.
//!
//! ```text
//! h = mix(seed ^ D), then h = mix(h ^ word) for each word
//! null            0
//! whole number    1, value           (two's complement, from -2^63 to 2^63 - 1)
//! larger ones     2, value           (from 2^63 to 2^64 - 1)
//! other numbers   3, float64 bits    (one NaN)
//! true, false     4, 1 or 0
//! date or time    5, seconds, nanoseconds
//! text, bytes     6, length in bytes, then 8 bytes a word, little-endian, the last filled up with 0
//! slot            7, repetition * 2^16 + definition level; before each value of a nested column
//! ```

use super::{Domain, Moment, Value, mix};

#[cfg(test)]
mod tests;

const NULL: u64 = 0;
const INTEGER: u64 = 1;
const UNSIGNED: u64 = 2;
const FLOAT: u64 = 3;
const BOOLEAN: u64 = 4;
const MOMENT: u64 = 5;
const BYTES: u64 = 6;
const SLOT: u64 = 7;

/// The hash of a key, taking in one value after the other.
///
/// ```
/// use prep_stream::kernel::{Domain, KeyHash, Value};
///
/// let start = KeyHash::new(42, Domain::GROUP);
/// assert_eq!(start.value(Value::Float(1.0)).finish(), start.value(Value::Integer(1)).finish());
/// assert_ne!(start.value(Value::Bytes(b"1")).finish(), start.value(Value::Integer(1)).finish());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(u64);

impl KeyHash {
    /// The hash of no values yet.
    pub fn new(seed: u64, domain: Domain) -> Self {
        Self(mix(seed ^ domain.constant()))
    }

    /// The hash that [`KeyHash::finish`] gave, to go on with.
    #[inline(always)]
    pub fn resume(hash: u64) -> Self {
        Self(hash)
    }

    /// The hash of all values so far.
    #[inline(always)]
    pub fn finish(self) -> u64 {
        self.0
    }

    /// Takes in a value.
    #[inline(always)]
    #[must_use]
    pub fn value(self, value: Value<'_>) -> Self {
        match value {
            Value::Null => self.word(NULL),
            Value::Integer(value) => self.integer(value),
            Value::Unsigned(value) => self.unsigned(value),
            Value::Float(value) => self.number(value),
            Value::Boolean(value) => self.word(BOOLEAN).word(u64::from(value)),
            Value::Moment(Moment { seconds, nanos }) => {
                let start = self.word(MOMENT).word(seconds.cast_unsigned());
                start.word(u64::from(nanos))
            }
            Value::Bytes(value) => self.bytes(value),
        }
    }

    /// Takes in where a slot of a nested column stands: its repetition and definition level.
    #[must_use]
    pub fn slot(self, repetition: i16, definition: i16) -> Self {
        let [repetition, definition] =
            [repetition, definition].map(|level| u64::from(level.cast_unsigned()));
        self.word(SLOT).word(repetition << 16 | definition)
    }

    #[inline(always)]
    fn integer(self, value: i64) -> Self {
        self.word(INTEGER).word(value.cast_unsigned())
    }

    fn unsigned(self, value: u64) -> Self {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.word(UNSIGNED).word(value),
        }
    }

    fn number(self, value: f64) -> Self {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        if value.trunc() == value {
            // Exact: the value is whole and in range.
            if (-TWO_63..TWO_63).contains(&value) {
                return self.integer(whole(value));
            }
            if (TWO_63..2.0 * TWO_63).contains(&value) {
                return self.unsigned(whole(value / 2.0).cast_unsigned() << 1);
            }
        }
        let bits = if value.is_nan() {
            f64::NAN.to_bits()
        } else {
            value.to_bits()
        };
        self.word(FLOAT).word(bits)
    }

    fn bytes(self, value: &[u8]) -> Self {
        let start = self.word(BYTES).word(value.len() as u64);
        let (words, rest) = value.as_chunks::<8>();
        let hash = words
            .iter()
            .fold(start, |hash, word| hash.word(u64::from_le_bytes(*word)));
        if rest.is_empty() {
            return hash;
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash.word(u64::from_le_bytes(last))
    }

    #[inline(always)]
    fn word(self, word: u64) -> Self {
        Self(mix(self.0 ^ word))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the caller has checked that the value is whole and fits"
)]
fn whole(value: f64) -> i64 {
    value as i64
}
