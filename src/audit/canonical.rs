//! Canonical values: what is equal gives the same word and the same bytes, whatever bits stored it.
//!
//! A fingerprint takes in one word after the other by a multiplication to 128 bits whose halves are folded,
//! as wyhash does: most of an audit's time would go into anything slower.
//! -0.0 is 0.0, every NaN is one NaN, a null is a value of its own. Words are 64 bits, so that two
//! different values may share one (once in 2^64 pairs); bytes never do. Limit: values of one type are
//! told apart, not an int32 from an int64: one output has one type a column.

use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use twox_hash::XxHash3_128;

use super::rank::{Rank, RankKind, bytes_rank, float_rank, integer_order};
use crate::kernel::mix;
use crate::source::parquet::LeafRun;

/// Tells a value from a null, whose word is its level.
const VALUE: u64 = 0x5bd1_e995_97f4_a7c1;
/// What no value is likely to be.
const NULL: u64 = 0x94d0_49bb_1331_11eb;
/// Blind the factors of a fingerprint: neither is zero but by a chance of one in 2^64.
const BLINDS: [u64; 2] = [0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db];

/// A value as it is compared.
pub(super) trait Canonical {
    /// A word that equal values share.
    fn word(&self) -> u64;

    /// Appends bytes that equal values share and no others.
    fn bytes(&self, into: &mut Vec<u8>);

    /// The value as a number, if it is one without further knowledge of its type.
    fn number(&self) -> Option<f64> {
        None
    }

    /// Values that are their own numbers.
    fn floats(_values: &[Self]) -> Option<&[f64]>
    where
        Self: Sized,
    {
        None
    }

    /// The value's place among others of its column; `None` for NaN.
    fn rank(&self, kind: RankKind) -> Option<Rank>;

    /// Whether [`Canonical::order`] says the same.
    const HAS_ORDER: bool = false;

    /// The same as a 64-bit integer, quick to compare.
    fn order(&self, _kind: RankKind) -> Option<i64> {
        None
    }
}

macro_rules! fixed {
    ($type:ty, |$value:ident| $word:expr, |$same:ident| $number:expr, |$one:ident, $kind:ident| $order:expr $(, |$all:ident| $floats:expr)?) => {
        impl Canonical for $type {
            #[inline(always)]
            fn word(&self) -> u64 {
                let $value = *self;
                $word
            }

            fn bytes(&self, into: &mut Vec<u8>) {
                into.extend_from_slice(&self.word().to_le_bytes());
            }

            #[inline(always)]
            fn number(&self) -> Option<f64> {
                let $same = *self;
                $number
            }

            $(
                fn floats($all: &[Self]) -> Option<&[f64]> {
                    $floats
                }
            )?

            fn rank(&self, kind: RankKind) -> Option<Rank> {
                self.order(kind).map(|order| Rank::from_order(order, kind))
            }

            const HAS_ORDER: bool = true;

            #[inline(always)]
            fn order(&self, $kind: RankKind) -> Option<i64> {
                let $one = *self;
                $order
            }
        }
    };
}

fixed!(
    bool,
    |value| u64::from(value),
    |value| Some(f64::from(u8::from(value))),
    |value, kind| integer_order(value.into(), value.into(), kind)
);
fixed!(
    i32,
    |value| i64::from(value).cast_unsigned(),
    |value| Some(f64::from(value)),
    |value, kind| integer_order(value.into(), value.cast_unsigned().into(), kind)
);
fixed!(
    i64,
    |value| value.cast_unsigned(),
    |value| Some(value as f64),
    |value, kind| integer_order(value, value.cast_unsigned(), kind)
);
fixed!(
    f32,
    |value| float_word(f64::from(value)),
    |value| Some(f64::from(value)),
    |value, kind| f64::from(value).order(kind)
);
fixed!(
    f64,
    |value| float_word(value),
    |value| Some(value),
    |value, _kind| (!value.is_nan()).then(|| float_rank(value)),
    |values| Some(values)
);

#[inline(always)]
fn float_word(value: f64) -> u64 {
    // Adding 0.0 turns -0.0 into 0.0.
    if value.is_nan() {
        f64::NAN.to_bits()
    } else {
        (value + 0.0).to_bits()
    }
}

impl Canonical for Int96 {
    fn word(&self) -> u64 {
        let [low, middle, high] = self.data().try_into().unwrap_or([0; 3]);
        mix(u64::from(low) << 32 | u64::from(middle)) ^ u64::from(high)
    }

    fn bytes(&self, into: &mut Vec<u8>) {
        for word in self.data() {
            into.extend_from_slice(&word.to_le_bytes());
        }
    }

    fn rank(&self, _kind: RankKind) -> Option<Rank> {
        const UNIX_DAY: i128 = 2_440_588;
        const DAY_NS: i128 = 86_400_000_000_000;
        let [low, high, day] = self.data().try_into().unwrap_or([0; 3]);
        let within = i128::from(u64::from(high) << 32 | u64::from(low));
        Some(Rank::Number((i128::from(day) - UNIX_DAY) * DAY_NS + within))
    }
}

impl Canonical for ByteArray {
    fn word(&self) -> u64 {
        bytes_word(self.data())
    }

    fn bytes(&self, into: &mut Vec<u8>) {
        delimited(self.data(), into);
    }

    fn rank(&self, kind: RankKind) -> Option<Rank> {
        bytes_rank(self.data(), kind)
    }
}

impl Canonical for FixedLenByteArray {
    fn word(&self) -> u64 {
        bytes_word(self.data())
    }

    fn bytes(&self, into: &mut Vec<u8>) {
        delimited(self.data(), into);
    }

    fn rank(&self, kind: RankKind) -> Option<Rank> {
        bytes_rank(self.data(), kind)
    }
}

fn bytes_word(bytes: &[u8]) -> u64 {
    let digest = XxHash3_128::oneshot(bytes).to_le_bytes();
    u64::from_le_bytes(digest[..8].try_into().unwrap_or([0; 8]))
}

fn delimited(bytes: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    into.extend_from_slice(bytes);
}

/// The word of a null at this definition level.
#[inline(always)]
fn null_word(level: i16) -> u64 {
    NULL ^ u64::from(level.cast_unsigned())
}

/// The fingerprint of a row of `leaves` nulls, none of them in a nested column.
pub(super) fn null_print(seed: u64, leaves: usize) -> u64 {
    (0..leaves).fold(seed, |print, _| absorb(print, null_word(0)))
}

/// Takes one more word into a fingerprint.
#[inline(always)]
pub(super) fn absorb(print: u64, word: u64) -> u64 {
    let product = u128::from(print ^ BLINDS[0]) * u128::from(word ^ BLINDS[1]);
    let folded = (product ^ (product >> 64)) & u128::from(u64::MAX);
    // It fits.
    u64::try_from(folded).unwrap_or(0)
}

/// Takes the slots of a run into the fingerprints of its rows.
pub(super) fn absorb_run<T: Canonical>(run: &LeafRun<T>, level_max: i16, prints: &mut [u64]) {
    if let Some(values) = one_a_row(run) {
        for (print, value) in prints.iter_mut().zip(values) {
            *print = absorb(*print, value.word());
        }
        return;
    }
    slots(run, level_max, |row, level, repetition, value| {
        if let Some(print) = prints.get_mut(row) {
            let word = value.map_or_else(|| null_word(level), Canonical::word);
            *print = absorb(*print, goes_on(word, repetition));
        }
    });
}

/// Where a list goes on tells [[1], [2]] from [[1, 2]].
#[inline(always)]
fn goes_on(word: u64, repetition: i16) -> u64 {
    word ^ (u64::from(repetition.cast_unsigned()) << 48)
}

/// The word of a value that is there.
#[inline(always)]
pub(super) fn word<T: Canonical>(value: &T) -> u64 {
    mix(value.word() ^ VALUE)
}

/// The values of a run in which every row has one, whether or not its type allows nulls.
pub(super) fn one_a_row<T>(run: &LeafRun<T>) -> Option<&[T]> {
    (is_whole(run) && run.repetition.is_empty()).then_some(&run.values[..])
}

/// Whether every slot of a run has a value.
fn is_whole<T>(run: &LeafRun<T>) -> bool {
    run.definition.is_empty() || run.definition.len() == run.values.len()
}

/// Calls `each` with the row, counted from the start of the run, and the word of every slot.
pub(super) fn words<T: Canonical>(
    run: &LeafRun<T>,
    level_max: i16,
    mut each: impl FnMut(usize, u64),
) {
    if let Some(values) = one_a_row(run) {
        for (row, value) in values.iter().enumerate() {
            each(row, word(value));
        }
        return;
    }
    slots(run, level_max, |row, level, repetition, value| {
        let word = match value {
            Some(value) => word(value),
            None => null_word(level),
        };
        each(row, goes_on(word, repetition));
    });
}

/// Appends the canonical bytes of the run's rows, taken together.
pub(super) fn bytes<T: Canonical>(run: &LeafRun<T>, level_max: i16, into: &mut Vec<u8>) {
    slots(run, level_max, |_, level, repetition, value| {
        into.extend_from_slice(&level.to_le_bytes());
        into.extend_from_slice(&repetition.to_le_bytes());
        if let Some(value) = value {
            value.bytes(into);
        }
    });
}

/// Calls `each` with row, definition level, repetition level and value of every slot.
fn slots<T>(run: &LeafRun<T>, level_max: i16, mut each: impl FnMut(usize, i16, i16, Option<&T>)) {
    let count = run
        .definition
        .len()
        .max(run.repetition.len())
        .max(run.values.len());
    let mut values = run.values.iter();
    let mut row = None;
    for slot in 0..count {
        let level = run.definition.get(slot).copied().unwrap_or(level_max);
        let repetition = run.repetition.get(slot).copied().unwrap_or(0);
        if repetition == 0 {
            row = Some(row.map_or(0, |row: usize| row + 1));
        }
        let value = if level == level_max {
            values.next()
        } else {
            None
        };
        each(row.unwrap_or(0), level, repetition, value);
    }
}

/// One number a row, NaN where there is none: as they are stored, or in `buffer`.
pub(super) fn numbers<'a, T: Canonical>(
    run: &'a LeafRun<T>,
    level_max: i16,
    buffer: &'a mut Vec<f64>,
) -> &'a [f64] {
    let number = |value: &T| value.number().unwrap_or(f64::NAN);
    let is_whole = is_whole(run);
    if let Some(floats) = T::floats(&run.values).filter(|_| is_whole) {
        return floats;
    }
    buffer.clear();
    if is_whole {
        buffer.extend(run.values.iter().map(number));
        return buffer;
    }
    let mut values = run.values.iter();
    buffer.extend(run.definition.iter().map(|level| {
        let value = if *level == level_max {
            values.next()
        } else {
            None
        };
        value.map_or(f64::NAN, number)
    }));
    buffer
}

#[cfg(test)]
mod tests;
