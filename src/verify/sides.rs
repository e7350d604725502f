//! The side of a row, again, from `docs/split.md`: hash and threshold, or what a column says.
//!
//! Written from the specification's text and not by calling the kernel: the two must agree on every
//! row, so a mistake in one of them shows.

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A side's place in every list here; the directories' names.
pub(super) const SIDES: [&str; 2] = ["train", "test"];
pub(super) const TRAIN: u8 = 0;
pub(super) const TEST: u8 = 1;

/// The split as the manifest records it.
#[derive(Debug, Deserialize)]
pub(super) struct RecordedSplit {
    by: By,
    test_size: serde_json::Value,
    seed: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Row,
    Column(String),
}

/// What decides sides.
#[derive(Debug)]
pub(super) enum Split {
    /// Rows whose hash is below the threshold are test rows; at most 2^64.
    Hash { seed: u64, threshold: u128 },
    /// This column says it.
    Column(String),
}

impl RecordedSplit {
    /// Resolves the threshold; `None` if the test size is no fraction.
    pub(super) fn resolve(self) -> Option<Split> {
        Some(match self.by {
            By::Column(name) => Split::Column(name),
            By::Row => Split::Hash {
                seed: self.seed,
                threshold: threshold(self.test_size.as_str()?)?,
            },
        })
    }
}

/// `floor(2^64 * numerator / 10^decimals)`.
fn threshold(fraction: &str) -> Option<u128> {
    let (whole, decimals) = fraction.split_once('.').unwrap_or((fraction, ""));
    let places = u32::try_from(decimals.len()).ok().filter(|n| *n <= 18)?;
    let numerator: u64 = format!("{whole}{decimals}").parse().ok()?;
    let threshold = (u128::from(numerator) << 64) / 10_u128.pow(places);
    (threshold <= 1 << 64).then_some(threshold)
}

/// SplitMix64.
fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Appends the sides of `rows` of the file with this relative path.
pub(super) fn hashed(
    seed: u64,
    threshold: u128,
    relative: &[u8],
    rows: std::ops::Range<u64>,
    sides: &mut Vec<u8>,
) {
    let digest = Sha256::digest(relative);
    let (key_bytes, _) = digest.split_at(8);
    let key = key_bytes
        .iter()
        .fold(0, |key, byte| (key << 8) | u64::from(*byte));
    let stream = mix(seed ^ key);
    sides.extend(
        rows.map(|row| match u128::from(mix(stream ^ row)) < threshold {
            true => TEST,
            false => TRAIN,
        }),
    );
}

/// The side that a text names.
pub(super) fn named(text: &[u8]) -> Option<u8> {
    match text {
        b"train" | b"false" | b"False" | b"FALSE" | b"0" => Some(TRAIN),
        b"test" | b"true" | b"True" | b"TRUE" | b"1" => Some(TEST),
        _ => None,
    }
}

/// The side that a number names.
pub(super) fn numbered(value: f64) -> Option<u8> {
    match value {
        0.0 => Some(TRAIN),
        1.0 => Some(TEST),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold() {
        assert_eq!(threshold("0.2"), Some(3_689_348_814_741_910_323));
        assert_eq!(threshold("1"), Some(1 << 64));
        assert_eq!(threshold("0"), Some(0));
        for wrong in ["", "1.5", "-0.1", "x", "0.1234567890123456789"] {
            assert_eq!(threshold(wrong), None, "{wrong}");
        }
        let mut sides = Vec::new();
        let fifth = 3_689_348_814_741_910_323;
        hashed(42, fifth, b"a.parquet", 0..1_000_000, &mut sides);
        let test = sides.iter().filter(|side| **side == TEST).count();
        assert_eq!((sides.len(), test), (1_000_000, 199_540));
    }
}
