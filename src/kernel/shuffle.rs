//! The order of shuffled rows: that of a hash of their own.
//!
//! ```text
//! h(row) = mix(mix(seed ^ D ^ file_key) ^ row)        rows of a side in the order of (h, file, row)
//! shard  = floor(h S / 2^64)                          of S shards, so shards are in order, too
//! ```
//!
//! Invariant: the order follows from the rows of a side alone; neither the other sides, nor how many
//! shards there are, nor how rows were gathered have a say.

/// Which of so many equal ranges of hashes, in ascending order, a hash is in: floor(h n / 2^64).
///
/// ```
/// use prep_stream::kernel::hash_range;
///
/// assert_eq!(hash_range(0, 3), 0);
/// assert_eq!(hash_range(1 << 63, 3), 1);
/// assert_eq!(hash_range(u64::MAX, 3), 2);
/// ```
#[inline]
pub fn hash_range(hash: u64, ranges: usize) -> usize {
    let scaled = (u128::from(hash) * ranges as u128) >> 64;
    usize::try_from(scaled).unwrap_or(usize::MAX)
}

/// The rows of one shard in the order that they come in, each with its hash.
///
/// 16 bytes a row, and 4 more while they are sorted.
#[derive(Debug, Default)]
pub struct ShuffleOrder(Vec<(u64, u32)>);

impl ShuffleOrder {
    /// No rows yet, and room for so many.
    pub fn with_capacity(rows: usize) -> Self {
        Self(Vec::with_capacity(rows))
    }

    /// Takes the next row, in the order of files and rows.
    pub fn push(&mut self, hash: u64) {
        let row = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.push((hash, row));
    }

    /// The place of every row in the shuffled order.
    ///
    /// ```
    /// use prep_stream::kernel::ShuffleOrder;
    ///
    /// let mut order = ShuffleOrder::default();
    /// [30, 10, 30, 20].into_iter().for_each(|hash| order.push(hash));
    /// assert_eq!(order.places(), [2, 0, 3, 1]);
    /// ```
    pub fn places(mut self) -> Vec<u32> {
        self.0.sort_unstable();
        let mut places = vec![0; self.0.len()];
        for (place, (_, row)) in (0..).zip(&self.0) {
            if let Some(of_row) = places.get_mut(*row as usize) {
                *of_row = place;
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::{Domain, file_key, row_hash};

    #[test]
    fn the_published_vectors_hold() {
        let key = file_key(b"a.parquet");
        let hashes: Vec<u64> = (0..3)
            .map(|row| row_hash(42, Domain::SHUFFLE, key, row))
            .collect();
        assert_eq!(hashes, PUBLISHED);
    }

    const PUBLISHED: [u64; 3] = [
        0x0063_7110_19ad_f705,
        0x73fb_eef1_5def_21e9,
        0x795b_1334_91d6_272a,
    ];

    proptest! {
        #[test]
        fn a_shuffle_is_a_permutation_in_the_order_of_hashes_and_then_of_rows(
            // Few values, so that many are equal.
            hashes in prop::collection::vec(prop_oneof![any::<u64>(), 0..4_u64, u64::MAX - 2..=u64::MAX], 0..300),
            shards in 1_usize..9,
        ) {
            let mut shuffled = Vec::new();
            for shard in 0..shards {
                let rows: Vec<usize> = (0..hashes.len())
                    .filter(|row| hash_range(hashes[*row], shards) == shard)
                    .collect();
                let mut order = ShuffleOrder::with_capacity(rows.len());
                rows.iter().for_each(|row| order.push(hashes[*row]));
                let mut of_shard = vec![usize::MAX; rows.len()];
                for (row, place) in rows.iter().zip(order.places()) {
                    of_shard[place as usize] = *row;
                }
                shuffled.extend(of_shard);
            }
            let mut expected: Vec<usize> = (0..hashes.len()).collect();
            expected.sort_by_key(|row| (hashes[*row], *row));
            prop_assert_eq!(shuffled, expected);
        }
    }
}
