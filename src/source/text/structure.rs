//! Finding the bytes that matter: positions of delimiters, line ends and quotes in a buffer.
//!
//! The comparison is written as a loop over bytes without branches, which compilers turn into vector
//! instructions; the matches are then gathered into one word of bits.

/// The bytes looked for; a byte may be given twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needles(pub(crate) [u8; 4]);

/// Bytes turned into one word of bits.
const BLOCK_BYTES: usize = 64;
const BLOCK_STEP: u32 = 64;

/// Writes the position of every needle in `text` to `positions` and returns how many there are.
///
/// `positions` must be at least as long as `text`; entries past the returned number are left as they
/// were. `text` must be shorter than 4 GiB.
pub(crate) fn find(text: &[u8], needles: Needles, positions: &mut [u32]) -> usize {
    let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
    let mut found = 0;
    let mut base = 0;
    for block in blocks {
        found = write_positions(block_mask(block, needles), base, positions, found);
        base += BLOCK_STEP;
    }
    let mut last = [0; BLOCK_BYTES];
    last[..rest.len()].copy_from_slice(rest);
    let valid = (1_u64 << rest.len()) - 1;
    write_positions(block_mask(&last, needles) & valid, base, positions, found)
}

#[inline(always)]
fn write_positions(mut mask: u64, base: u32, positions: &mut [u32], start: usize) -> usize {
    let count = mask.count_ones() as usize;
    for position in &mut positions[start..start + count] {
        *position = base + mask.trailing_zeros();
        mask &= mask - 1;
    }
    start + count
}

/// One bit for each byte that is a needle.
#[inline(always)]
fn block_mask(block: &[u8; BLOCK_BYTES], needles: Needles) -> u64 {
    // Multiplying gathers the lowest bit of each byte into the top byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let [a, b, c, d] = needles.0;
    let mut matches = [0_u8; BLOCK_BYTES];
    for (found, byte) in matches.iter_mut().zip(block) {
        *found = u8::from((*byte == a) | (*byte == b) | (*byte == c) | (*byte == d));
    }
    let (words, _) = matches.as_chunks::<8>();
    words.iter().enumerate().fold(0, |mask, (index, word)| {
        mask | (u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56) << (8 * index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_needle_is_found_and_nothing_else(
            text in prop::collection::vec(prop::sample::select(b",\n\r\"a\xff\x00\x2b\x2d".to_vec()), 0..300)
        ) {
            let needles = Needles(*b",\n\r\"");
            let expected: Vec<u32> = (0_u32..)
                .zip(&text)
                .filter_map(|(at, byte)| needles.0.contains(byte).then_some(at))
                .collect();
            let mut positions = vec![0; text.len()];
            let count = find(&text, needles, &mut positions);
            prop_assert_eq!(&positions[..count], &expected[..]);
        }
    }
}
