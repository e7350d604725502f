//! Split spec v1: a row's side is a hash of the seed, its file's relative path and its index.
//!
//! Invariant: the constants and the order of operations in here are published and versioned; adding
//! files, moving the root or changing threads moves no row to another side. Limit: a renamed file
//! has other sides.
//!
//! ```text
//! h(row) = mix(mix(seed ^ D ^ file_key) ^ row)        test if h < T(test fraction), else train
//! ```

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{Fraction, Sides, Threshold};

/// What a use of the hash is for: each use has its own published constant, so that a 1% sample does
/// not lie wholly on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Domain(u64);

impl Domain {
    /// Deciding sides.
    pub const SPLIT: Self = Self(0);
    /// The trainer's initial weights: the first 8 bytes of the SHA-256 of `prep trainer weights`.
    pub const TRAINER_WEIGHTS: Self = Self(0x645f_a71c_a474_93bd);
    /// The order in which the trainer sees rows: likewise of `prep trainer order`.
    pub const TRAINER_ORDER: Self = Self(0xbd1e_26e6_18b1_dde0);
    /// The part of the rows that one of its arms sees: likewise of `prep trainer part`.
    pub const TRAINER_PART: Self = Self(0x83ed_4c12_a97d_5eb0);
}

/// One step of SplitMix64: a bijection of 64-bit words that scatters neighbours.
#[inline]
pub fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The key of a file: the first 8 bytes, big-endian, of the SHA-256 of its path relative to the
/// root; bytes as stored, `/` between folders, no normalization.
///
/// ```
/// assert_eq!(prep_stream::kernel::file_key(b"a.parquet"), 0xcb8e_b0d4_cd41_f22d);
/// ```
pub fn file_key(relative_path: &[u8]) -> u64 {
    let digest = Sha256::digest(relative_path);
    digest
        .iter()
        .take(8)
        .fold(0, |key, &byte| (key << 8) | u64::from(byte))
}

/// The hash of one row; `row` counts the data rows of its own file from 0.
///
/// ```
/// use prep_stream::kernel::{Domain, file_key, row_hash};
///
/// let hash = row_hash(42, Domain::SPLIT, file_key(b"a.parquet"), 0);
/// assert_eq!(hash, 0xe6f8_6535_2676_cb80);
/// ```
pub fn row_hash(seed: u64, domain: Domain, file_key: u64, row: u64) -> u64 {
    mix(mix(seed ^ domain.0 ^ file_key) ^ row)
}

/// Assigns rows to sides by hash.
#[derive(Debug, Clone, Copy)]
pub struct HashSplit {
    seed: u64,
    test: Threshold,
}

impl HashSplit {
    /// A split with this seed (0 is valid) and this share of test rows.
    pub fn new(seed: u64, test: Fraction) -> Self {
        Self {
            seed,
            test: test.threshold(),
        }
    }

    /// Appends the sides of `rows` (indices in their file) to `sides`; about 1 ns a row.
    ///
    /// ```
    /// use prep_stream::kernel::{HashSplit, Side, Sides, file_key};
    ///
    /// let split = HashSplit::new(42, "0.2".parse()?);
    /// let mut sides = Sides::default();
    /// split.assign(file_key(b"a.parquet"), 0..1_000_000, &mut sides);
    /// assert_eq!(sides.rows_on(Side::Test), 199_540);
    /// # Ok::<(), prep_stream::kernel::FractionError>(())
    /// ```
    pub fn assign(&self, file_key: u64, rows: Range<u64>, sides: &mut Sides) {
        let stream = mix(self.seed ^ Domain::SPLIT.0 ^ file_key);
        let mut row = rows.start;
        while row < rows.end {
            let count = (rows.end - row).min(64);
            let word = match self.test {
                Threshold::Below(limit) => test_bits(stream, row, count, limit),
                Threshold::Every => u64::MAX,
            };
            sides.push_word(word, count as usize);
            row += count;
        }
    }
}

/// One bit per row, bit 0 first: set where the hash is below `limit`. From the last row down, a bit
/// shifted in at a time: the scalar form, as baseline vectors have no 64-bit multiplication.
fn test_bits(stream: u64, first: u64, count: u64, limit: u64) -> u64 {
    (0..count).rev().fold(0, |word, i| {
        let is_test = mix(stream ^ (first + i)) < limit;
        (word << 1) + u64::from(is_test)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Side;

    #[test]
    fn the_published_vectors_hold() {
        let key = file_key(b"a.parquet");
        assert_eq!(key, 0xcb8e_b0d4_cd41_f22d);
        let expected = [
            0xe6f8_6535_2676_cb80,
            0x233c_db63_7169_05c9,
            0xc2c1_f58f_d9a4_0d5c,
        ];
        for (row, expected) in (0..).zip(expected) {
            assert_eq!(row_hash(42, Domain::SPLIT, key, row), expected);
        }
        let mut sides = Sides::default();
        HashSplit::new(42, "0.2".parse().unwrap()).assign(key, 0..1_000_000, &mut sides);
        assert_eq!(sides.len(), 1_000_000);
        assert_eq!(sides.rows_on(Side::Test), 199_540);
        assert_eq!(sides.rows_on(Side::Train), 800_460);
    }

    #[test]
    fn a_rows_side_does_not_depend_on_the_range_it_came_in() {
        let key = file_key("nested/\u{e9}.csv".as_bytes());
        let split = HashSplit::new(0, "0.37".parse().unwrap());
        let mut whole = Sides::default();
        split.assign(key, 5..1_000, &mut whole);
        let mut pieces = Sides::default();
        for (start, end) in [(5, 5), (5, 6), (6, 77), (77, 640), (640, 1_000)] {
            split.assign(key, start..end, &mut pieces);
        }
        assert_eq!(whole, pieces);
        let threshold = "0.37".parse::<Fraction>().unwrap().threshold();
        for row in 5..1_000_usize {
            let hash = row_hash(0, Domain::SPLIT, key, row as u64);
            let is_test = threshold.contains(hash);
            let side = whole.side(row - 5).unwrap();
            assert_eq!(side == Side::Test, is_test, "row {row}");
        }
    }

    #[test]
    fn the_extreme_fractions_put_every_row_on_one_side() {
        for (fraction, expected) in [(Fraction::ZERO, 0), (Fraction::ONE, 1_000)] {
            let mut sides = Sides::default();
            HashSplit::new(42, fraction).assign(7, 0..1_000, &mut sides);
            assert_eq!(sides.rows_on(Side::Test), expected);
        }
    }
}
