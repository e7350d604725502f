//! Lengths of strings in delta encodings, read before the decoder allocates by their word.
//!
//! ```text
//! DELTA_LENGTH_BYTE_ARRAY   lengths | bytes                     strings point into the page
//! DELTA_BYTE_ARRAY          prefix lengths | lengths | bytes    every string is copied: what it shares
//!                                                               with the one before, and the rest
//! ```
//!
//! Invariant: nothing is allocated; a number of strings beyond the page's values is an error, and so
//! is what ends early.

use super::header::Cursor;

/// Bits of a length.
const LENGTH_BITS: u8 = 32;

/// Bytes of the strings that are copied out of a page of `values` values at most.
pub(super) fn copied_bytes(data: &[u8], values: u64) -> Option<u64> {
    let (prefixes, end) = sum_of_lengths(data, values)?;
    let (suffixes, _) = sum_of_lengths(data.get(end..)?, values)?;
    Some(prefixes.saturating_add(suffixes))
}

/// The sum of lengths that are packed as deltas at the start of `data`, and where they end.
pub(super) fn sum_of_lengths(data: &[u8], values: u64) -> Option<(u64, usize)> {
    let mut cursor = Cursor { bytes: data, at: 0 };
    let block = cursor.varint().ok()?;
    let parts = cursor.varint().ok()?;
    let mut left = cursor.varint().ok().filter(|count| *count <= values)?;
    let per_part = block.checked_div(parts)?;
    let mut last = wrapped(cursor.integer().ok()?);
    if left == 0 {
        return Some((0, cursor.at));
    }
    let mut sum = length(last);
    left -= 1;
    while left > 0 {
        let least = wrapped(cursor.integer().ok()?);
        let widths = cursor.at..cursor.at.checked_add(usize::try_from(parts).ok()?)?;
        let widths = data.get(widths.clone()).map(|bits| (bits, widths.end))?;
        cursor.at = widths.1;
        for width in widths.0 {
            if left == 0 {
                break;
            }
            let bytes = usize::try_from(per_part.checked_mul(u64::from(*width))? / 8).ok()?;
            let packed = data.get(cursor.at..)?;
            if *width > LENGTH_BITS {
                return None;
            }
            let here = left.min(per_part);
            for index in 0..here {
                last = last
                    .wrapping_add(least)
                    .wrapping_add(bits(packed, index, *width)?);
                sum = sum.saturating_add(length(last));
            }
            left -= here;
            cursor.at = cursor.at.checked_add(bytes)?;
        }
        if per_part == 0 {
            return None;
        }
    }
    Some((sum, cursor.at))
}

/// Arithmetic of lengths is that of 32 bits.
fn wrapped(value: i64) -> u32 {
    let low = value.cast_unsigned() & u64::from(u32::MAX);
    u32::try_from(low).unwrap_or(0)
}

/// A negative length is the decoder's to refuse.
fn length(value: u32) -> u64 {
    u64::try_from(value.cast_signed()).unwrap_or(0)
}

/// The number at `index` among numbers of `width` bits each, lowest bit first.
fn bits(packed: &[u8], index: u64, width: u8) -> Option<u32> {
    if width == 0 {
        return Some(0);
    }
    let first = index.checked_mul(u64::from(width))?;
    let (byte, shift) = (usize::try_from(first / 8).ok()?, first % 8);
    let mut word = [0; 8];
    let end = packed.len().min(byte.checked_add(8)?);
    let there = packed.get(byte..end)?;
    let needed = (shift + u64::from(width)).div_ceil(8);
    if (there.len() as u64) < needed {
        return None;
    }
    word[..there.len()].copy_from_slice(there);
    let value = (u64::from_le_bytes(word) >> shift) & ((1 << width) - 1);
    u32::try_from(value).ok()
}
