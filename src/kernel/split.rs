//! Split spec v1: a row's side is a hash of the seed, its file's relative path and its index.
//!
//! Invariant: the constants and the order of operations in here are published and versioned; adding
//! files, moving the root or changing threads moves no row to another side. Limit: a renamed file
//! has other sides.
//!
//! ```text
//! h(row) = mix(mix(seed ^ D ^ file_key) ^ row)        test if h < T(test), val if h < T(test + val), else train
//! ```

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{Fraction, Side, Sides, Threshold};

#[cfg(test)]
mod tests;

/// What a use of the hash is for: each use has its own published constant, so that a 1% sample does
/// not lie wholly on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Domain(u64);

impl Domain {
    /// Deciding sides.
    pub const SPLIT: Self = Self(0);
    /// Deciding sides by group keys: the first 8 bytes of the SHA-256 of `prep group`.
    pub const GROUP: Self = Self(0xc4c5_3b65_954b_9562);
    /// Deciding sides by the content of rows: likewise of `prep content`.
    pub const CONTENT: Self = Self(0x8a94_05ce_cb80_10c8);
    /// Which fold a row is in: likewise of `prep fold`.
    pub const FOLD: Self = Self(0x72d0_7269_0bad_6568);
    /// Which fold the rows of a group key are in: likewise of `prep fold group`.
    pub const FOLD_GROUP: Self = Self(0x333f_42e4_2f3f_b7ef);
    /// Which fold rows of one content are in: likewise of `prep fold content`.
    pub const FOLD_CONTENT: Self = Self(0x59dc_4252_1a37_53d8);
    /// Which rows tell where a rank in time is: likewise of `prep time`.
    pub const TIME: Self = Self(0x66f7_9bcc_f690_5910);
    /// Telling the classes of a stratified split apart: likewise of `prep class`.
    pub const CLASS: Self = Self(0xf380_f604_ba8f_6316);
    /// Which rows decide where bins end: likewise of `prep bins`.
    pub const BINS: Self = Self(0xb900_9e59_59b2_5dba);
    /// Which rows are used at all: likewise of `prep sample`.
    pub const SAMPLE: Self = Self(0x66e0_cd4b_1ee1_f5e9);
    /// The order of shuffled rows: likewise of `prep shuffle`.
    pub const SHUFFLE: Self = Self(0xe0d9_3f7c_aaa2_9aa0);
    /// The trainer's initial weights: likewise of `prep trainer weights`.
    pub const TRAINER_WEIGHTS: Self = Self(0x645f_a71c_a474_93bd);
    /// The order in which the trainer sees rows: likewise of `prep trainer order`.
    pub const TRAINER_ORDER: Self = Self(0xbd1e_26e6_18b1_dde0);
    /// The part of the rows that one of its arms sees: likewise of `prep trainer part`.
    pub const TRAINER_PART: Self = Self(0x83ed_4c12_a97d_5eb0);

    /// What is mixed into the seed.
    pub fn constant(self) -> u64 {
        self.0
    }
}

/// One step of SplitMix64: a bijection of 64-bit words that scatters neighbours.
#[inline(always)]
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

/// Replaces `hashes` by those of `rows` (indices in their file); see [`row_hash`].
pub fn row_hashes(
    seed: u64,
    domain: Domain,
    file_key: u64,
    rows: Range<u64>,
    hashes: &mut Vec<u64>,
) {
    let stream = mix(seed ^ domain.0 ^ file_key);
    hashes.clear();
    hashes.extend(rows.map(|row| mix(stream ^ row)));
}

/// Where the hashes of the sides end, in the order test, val, train.
///
/// Train is what remains: a larger test share keeps its rows, and a val share takes its rows from
/// train alone.
///
/// ```
/// use prep_stream::kernel::{Cuts, Side};
///
/// let cuts = Cuts::new("0.2".parse()?, "0.1".parse()?).ok_or("more than all rows")?;
/// assert_eq!(cuts.side(3_689_348_814_741_910_322), Side::Test);
/// assert_eq!(cuts.side(3_689_348_814_741_910_323), Side::Val);
/// assert_eq!(cuts.side(5_534_023_222_112_865_484), Side::Train);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuts {
    test: Threshold,
    held_out: Threshold,
}

impl Cuts {
    /// Sides of these shares; `None` if they are more than all rows together.
    pub fn new(test: Fraction, val: Fraction) -> Option<Self> {
        Some(Self {
            test: test.threshold(),
            held_out: test.checked_add(val)?.threshold(),
        })
    }

    /// Every row is train.
    pub const NONE: Self = Self {
        test: Threshold::Below(0),
        held_out: Threshold::Below(0),
    };

    /// Test below the first threshold, val from there to the second, which isn't lower.
    pub fn between(test: Threshold, held_out: Threshold) -> Self {
        Self { test, held_out }
    }

    /// A test side of this share, and train.
    pub fn test(test: Fraction) -> Self {
        let test = test.threshold();
        Self {
            test,
            held_out: test,
        }
    }

    /// The side of a hash.
    #[inline]
    pub fn side(self, hash: u64) -> Side {
        match (self.test.contains(hash), self.held_out.contains(hash)) {
            (true, _) => Side::Test,
            (false, true) => Side::Val,
            (false, false) => Side::Train,
        }
    }

    /// Appends the side of each hash to `sides`.
    pub fn assign(self, hashes: &[u64], sides: &mut Sides) {
        let bits = |word: &[u64], threshold: Threshold| {
            let bit = |hash: &u64| u64::from(threshold.contains(*hash));
            word.iter()
                .rev()
                .fold(0, |bits, hash| (bits << 1) | bit(hash))
        };
        for word in hashes.chunks(64) {
            let low = bits(word, self.test);
            let high = match self.held_out == self.test {
                true => 0,
                false => bits(word, self.held_out) & !low,
            };
            sides.push_words(low, high, word.len());
        }
    }
}

/// Which rows are used at all: a share of them, whatever their side. A smaller share is part of a
/// larger one.
#[derive(Debug, Clone, Copy)]
pub struct RowSample {
    seed: u64,
    threshold: Threshold,
}

impl RowSample {
    /// A sample of this share.
    pub fn new(seed: u64, share: Fraction) -> Self {
        Self {
            seed,
            threshold: share.threshold(),
        }
    }

    /// Clears the bit of every row of `rows` (indices in their file) that is not in the sample; bit 0
    /// of word 0 is the first row.
    pub fn keep(&self, file_key: u64, rows: Range<u64>, kept: &mut [u64]) {
        let Threshold::Below(limit) = self.threshold else {
            return;
        };
        let stream = mix(self.seed ^ Domain::SAMPLE.0 ^ file_key);
        for (word, row) in kept.iter_mut().zip(rows.clone().step_by(64)) {
            *word &= bits_below(stream, row, (rows.end - row).min(64), limit);
        }
    }
}

/// Assigns rows to sides by hash.
#[derive(Debug, Clone, Copy)]
pub struct HashSplit {
    seed: u64,
    cuts: Cuts,
}

impl HashSplit {
    /// A split with this seed (0 is valid) and these sides.
    pub fn new(seed: u64, cuts: Cuts) -> Self {
        Self { seed, cuts }
    }

    /// Appends the sides of `rows` (indices in their file) to `sides`; about 1 ns a row.
    ///
    /// ```
    /// use prep_stream::kernel::{Cuts, HashSplit, Side, Sides, file_key};
    ///
    /// let split = HashSplit::new(42, Cuts::test("0.2".parse()?));
    /// let mut sides = Sides::default();
    /// split.assign(file_key(b"a.parquet"), 0..1_000_000, &mut sides);
    /// assert_eq!(sides.rows_on(Side::Test), 199_540);
    /// # Ok::<(), prep_stream::kernel::FractionError>(())
    /// ```
    pub fn assign(&self, file_key: u64, rows: Range<u64>, sides: &mut Sides) {
        let stream = mix(self.seed ^ Domain::SPLIT.0 ^ file_key);
        let Cuts { test, held_out } = self.cuts;
        let bits = |threshold, row, count| match threshold {
            Threshold::Below(limit) => bits_below(stream, row, count, limit),
            Threshold::Every => u64::MAX,
        };
        let mut row = rows.start;
        while row < rows.end {
            let count = (rows.end - row).min(64);
            let low = bits(test, row, count);
            let high = match held_out == test {
                true => 0,
                false => bits(held_out, row, count) & !low,
            };
            sides.push_words(low, high, count as usize);
            row += count;
        }
    }
}

/// One bit per row, bit 0 first: set where the hash is below `limit`. From the last row down, a bit
/// shifted in at a time: the scalar form, as baseline vectors have no 64-bit multiplication.
fn bits_below(stream: u64, first: u64, count: u64, limit: u64) -> u64 {
    (0..count).rev().fold(0, |word, i| {
        let is_below = mix(stream ^ (first + i)) < limit;
        (word << 1) + u64::from(is_below)
    })
}
