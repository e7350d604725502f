//! Codes in the hybrid of run lengths and bit packing of the Parquet format.
//!
//! A run of equal codes that begins with a whole group of eight is written as one; everything between such runs
//! is packed. What is written follows from the codes alone.

use super::levels::{VARINT_BYTES_MAX, varint};

/// Codes that are packed together.
const GROUP: usize = 8;
/// The widest codes whose group fits a word of 128 bits.
const WIDE: u32 = 16;

/// How many bits it takes to tell `entries` apart; one for a single entry, which not every reader takes
/// for none.
pub(super) fn code_bits(entries: usize) -> u32 {
    let largest = entries.saturating_sub(1);
    (usize::BITS - largest.leading_zeros()).max(1)
}

/// Appends codes of so many bits each.
pub(super) fn encode(codes: &[u32], bits: u32, out: &mut Vec<u8>) {
    let (mut packed_from, mut at) = (0, 0);
    while let Some(group) = codes.get(at..).and_then(<[u32]>::first_chunk::<GROUP>) {
        let first = group[0];
        if group.iter().fold(0, |any, code| any | (code ^ first)) != 0 {
            at += GROUP;
            continue;
        }
        let rest = codes[at..].iter();
        let equal = rest.take_while(|code| **code == first).count();
        pack(&codes[packed_from..at], bits, out);
        number(equal << 1, out);
        let length = bits.div_ceil(8) as usize;
        out.extend_from_slice(&first.to_le_bytes()[..length]);
        at += equal;
        packed_from = at;
    }
    pack(&codes[packed_from..], bits, out);
}

fn number(value: usize, out: &mut Vec<u8>) {
    let mut bytes = [0; VARINT_BYTES_MAX];
    let length = varint(value, &mut bytes);
    out.extend_from_slice(&bytes[..length]);
}

/// Packs codes, the last group filled up with zeros.
fn pack(codes: &[u32], bits: u32, out: &mut Vec<u8>) {
    if codes.is_empty() {
        return;
    }
    let groups = codes.len().div_ceil(GROUP);
    number((groups << 1) | 1, out);
    let (whole, rest) = codes.as_chunks::<GROUP>();
    let start = out.len();
    let length = bits as usize;
    out.resize(start + groups * length, 0);
    let mut last = [0; GROUP];
    last[..rest.len()].copy_from_slice(rest);
    let groups = whole.iter().chain((!rest.is_empty()).then_some(&last));
    for (group, out) in groups.zip(out[start..].chunks_exact_mut(length)) {
        if bits <= WIDE {
            let folded = group.iter().rev();
            let word = folded.fold(0_u128, |word, code| (word << bits) | u128::from(*code));
            out.copy_from_slice(&word.to_le_bytes()[..length]);
        } else {
            pack_wide(group, bits, out);
        }
    }
}

/// Packs a group that is longer than a word.
fn pack_wide(group: &[u32; GROUP], bits: u32, out: &mut [u8]) {
    let (mut word, mut held) = (0_u64, 0);
    let mut codes = group.iter();
    for byte in out {
        while held < 8 {
            let Some(code) = codes.next() else { break };
            word |= u64::from(*code) << held;
            held += bits;
        }
        [*byte, ..] = word.to_le_bytes();
        word >>= 8;
        held = held.saturating_sub(8);
    }
}
