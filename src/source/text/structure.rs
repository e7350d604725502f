//! Finding the bytes that matter: positions of delimiters, line ends and quotes in a buffer.
//!
//! 64 bytes are compared at a time, with AVX-512 or AVX2 where the processor has them; what matches becomes
//! one word of bits. Elsewhere the comparison is a loop over bytes without branches, which compilers turn into
//! vector instructions. Invariant: the same positions each way.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::__m256i;

#[cfg(target_arch = "x86_64")]
use pulp::x86::{V3, V4};

/// The bytes looked for; a byte may be given twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needles(pub(crate) [u8; 4]);

/// Bytes turned into one word of bits.
const BLOCK_BYTES: usize = 64;
const BLOCK_STEP: u32 = 64;

/// How many positions are written at once, wanted or not: `positions` must be so much longer than the text.
pub(crate) const SPARE: usize = 8;

/// Writes the position of every needle in `text` to `positions` and returns how many there are.
///
/// `positions` must be longer than `text` by [`SPARE`]; entries past the returned number mean nothing.
/// `text` must be shorter than 4 GiB.
pub(crate) fn find(text: &[u8], needles: Needles, positions: &mut [u32]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = V4::try_new() {
        return find_by_avx512(simd, text, needles, positions);
    }
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = V3::try_new() {
        return find_by_avx2(simd, text, needles, positions);
    }
    find_by(text, positions, |block| block_mask(block, needles))
}

// Closures given to `array::map` would be compiled without the instructions, and called.

#[cfg(target_arch = "x86_64")]
fn find_by_avx512(simd: V4, text: &[u8], needles: Needles, positions: &mut [u32]) -> usize {
    let [a, b, c, d] = needles.0;
    let [a, b] = [pulp::cast([a; BLOCK_BYTES]), pulp::cast([b; BLOCK_BYTES])];
    let [c, d] = [pulp::cast([c; BLOCK_BYTES]), pulp::cast([d; BLOCK_BYTES])];
    simd.vectorize(
        #[inline(always)]
        || {
            find_by(
                text,
                positions,
                #[inline(always)]
                |block| {
                    let block = pulp::cast(*block);
                    let instructions = simd.avx512bw;
                    instructions._mm512_cmpeq_epi8_mask(block, a)
                        | instructions._mm512_cmpeq_epi8_mask(block, b)
                        | instructions._mm512_cmpeq_epi8_mask(block, c)
                        | instructions._mm512_cmpeq_epi8_mask(block, d)
                },
            )
        },
    )
}

#[cfg(target_arch = "x86_64")]
fn find_by_avx2(simd: V3, text: &[u8], needles: Needles, positions: &mut [u32]) -> usize {
    let [a, b, c, d] = needles.0;
    let [a, b] = [pulp::cast([a; 32]), pulp::cast([b; 32])];
    let [c, d] = [pulp::cast([c; 32]), pulp::cast([d; 32])];
    simd.vectorize(
        #[inline(always)]
        || {
            find_by(
                text,
                positions,
                #[inline(always)]
                |block| {
                    let [low, high]: [[u8; 32]; 2] = pulp::cast(*block);
                    half_mask(simd, low, [a, b, c, d]) | half_mask(simd, high, [a, b, c, d]) << 32
                },
            )
        },
    )
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn half_mask(simd: V3, half: [u8; 32], [a, b, c, d]: [__m256i; 4]) -> u64 {
    let half = pulp::cast(half);
    let instructions = simd.avx2;
    let (a, b) = (
        instructions._mm256_cmpeq_epi8(half, a),
        instructions._mm256_cmpeq_epi8(half, b),
    );
    let (c, d) = (
        instructions._mm256_cmpeq_epi8(half, c),
        instructions._mm256_cmpeq_epi8(half, d),
    );
    let (one, other) = (
        instructions._mm256_or_si256(a, b),
        instructions._mm256_or_si256(c, d),
    );
    let found = instructions._mm256_movemask_epi8(instructions._mm256_or_si256(one, other));
    u64::from(found.cast_unsigned())
}

#[inline(always)]
fn find_by(
    text: &[u8],
    positions: &mut [u32],
    mask_of: impl Fn(&[u8; BLOCK_BYTES]) -> u64,
) -> usize {
    let (blocks, rest) = text.as_chunks::<BLOCK_BYTES>();
    let mut found = 0;
    let mut base = 0;
    for block in blocks {
        found = write_positions(mask_of(block), base, positions, found);
        base += BLOCK_STEP;
    }
    let mut last = [0; BLOCK_BYTES];
    last[..rest.len()].copy_from_slice(rest);
    let valid = (1_u64 << rest.len()) - 1;
    write_positions(mask_of(&last) & valid, base, positions, found)
}

/// Writes eight positions at a time: how many there are in a block, no branch could foresee.
#[inline(always)]
fn write_positions(mut mask: u64, base: u32, positions: &mut [u32], start: usize) -> usize {
    let count = mask.count_ones() as usize;
    let mut written = 0;
    loop {
        let next = start + written;
        for position in &mut positions[next..next + SPARE] {
            *position = base + mask.trailing_zeros();
            mask &= mask.wrapping_sub(1);
        }
        written += SPARE;
        if written >= count {
            return start + count;
        }
    }
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
            let found = |find: &dyn Fn(&mut [u32]) -> usize| {
                let mut positions = vec![0; text.len() + SPARE];
                let count = find(&mut positions);
                positions.truncate(count);
                positions
            };
            prop_assert_eq!(&found(&|positions| find(&text, needles, positions)), &expected);
            let anywhere = |positions: &mut [u32]| find_by(&text, positions, |block| block_mask(block, needles));
            prop_assert_eq!(&found(&anywhere), &expected);
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = V3::try_new() {
                let avx2 = |positions: &mut [u32]| find_by_avx2(simd, &text, needles, positions);
                prop_assert_eq!(&found(&avx2), &expected);
            }
            #[cfg(target_arch = "x86_64")]
            if let Some(simd) = V4::try_new() {
                let avx512 = |positions: &mut [u32]| find_by_avx512(simd, &text, needles, positions);
                prop_assert_eq!(&found(&avx512), &expected);
            }
        }
    }
}
