//! `Routable`: blocks of values, each value behind those of its side.
//!
//! With AVX-512 values of 8 or 4 bytes are packed a vector at a time, side by side. Otherwise each value is written
//! behind several sides and only its own side's end moves on, so that no branch depends on a row. Invariant: the
//! same values in the same order either way.

#[cfg(target_arch = "x86_64")]
use pulp::x86::V4;

use super::partition::Parts;
use super::sides::WRITTEN_SIDES;

/// Values of a block: a bit each in the words that tell their sides.
pub(super) const BLOCK: usize = 64;

/// A plain value that is routed to its side.
pub trait Routable: Copy + Default {
    /// Appends each value of a block to its side: that in which its bit is set, or none.
    #[inline]
    fn route(block: &[Self; BLOCK], sides: &[u64; WRITTEN_SIDES], parts: &mut Parts<Self>) {
        one_by_one(block, sides, parts);
    }
}

fn one_by_one<T: Copy + Default>(
    block: &[T; BLOCK],
    sides: &[u64; WRITTEN_SIDES],
    parts: &mut Parts<T>,
) {
    for (part, side) in parts.iter_mut().zip(sides).filter(|(_, side)| **side != 0) {
        let (mut packed, mut count) = ([T::default(); BLOCK], 0);
        for (row, &value) in block.iter().enumerate() {
            packed[count & (BLOCK - 1)] = value;
            count += (side >> row & 1) as usize;
        }
        part.extend_from_slice(&packed[..count]);
    }
}

impl Routable for bool {}
impl Routable for i16 {}
#[cfg(test)]
impl Routable for usize {}

/// Types that are routed a vector at a time: its lanes, its mask, and what packs it.
macro_rules! routed_in_vectors {
    ($($value:ty: $lanes:literal, $mask:ty, $compress:ident;)*) => {$(
        impl Routable for $value {
            #[inline]
            #[expect(clippy::cast_possible_truncation, reason = "the bits of one vector")]
            fn route(block: &[Self; BLOCK], sides: &[u64; WRITTEN_SIDES], parts: &mut Parts<Self>) {
                #[cfg(target_arch = "x86_64")]
                if let Some(simd) = avx512() {
                    return simd.vectorize(
                        #[inline(always)]
                        || {
                            for (part, side) in parts.iter_mut().zip(sides).filter(|(_, side)| **side != 0) {
                                // Each vector overwrites what the one before it has left free.
                                let (mut packed, mut count) = ([<$value>::default(); BLOCK + $lanes], 0);
                                let (vectors, _) = block.as_chunks::<$lanes>();
                                for (index, values) in vectors.iter().enumerate() {
                                    let chosen = (side >> (index * $lanes)) as $mask;
                                    let vector = simd.avx512f.$compress(chosen, pulp::cast(*values));
                                    let place: [$value; $lanes] = pulp::cast(vector);
                                    packed[count..count + $lanes].copy_from_slice(&place);
                                    count += chosen.count_ones() as usize;
                                }
                                part.extend_from_slice(&packed[..count]);
                            }
                        },
                    );
                }
                one_by_one(block, sides, parts);
            }
        }
    )*};
}

routed_in_vectors! {
    f64: 8, u8, _mm512_maskz_compress_epi64;
    i64: 8, u8, _mm512_maskz_compress_epi64;
    f32: 16, u16, _mm512_maskz_compress_epi32;
    i32: 16, u16, _mm512_maskz_compress_epi32;
    u64: 8, u8, _mm512_maskz_compress_epi64;
    u32: 16, u16, _mm512_maskz_compress_epi32;
}

/// The instructions, if the processor has them.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn avx512() -> Option<V4> {
    #[cfg(test)]
    if let Some(level) = super::width::tests::level() {
        return level.avx512();
    }
    V4::try_new()
}
