//! Hashes, thresholds and sides of rows, again, from `docs/split.md`.
//!
//! Written from the specification's text and not by calling the kernel: the two must agree on every
//! row, so a mistake in one of them shows.

use sha2::{Digest, Sha256};

use super::rows::Span;
use crate::source::discover::InputFile;

/// A side's place in every list here; the directories' names.
pub(super) const SIDES: [&str; 3] = ["train", "test", "val"];
pub(super) const TRAIN: u8 = 0;
pub(super) const TEST: u8 = 1;
pub(super) const VAL: u8 = 2;
/// On no side.
pub(super) const LEFT_OUT: u8 = 3;

/// What has a hash below the first one is test, what has one below the second val; both are at most 2^64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thresholds {
    pub(super) test: u128,
    pub(super) held_out: u128,
}

impl Thresholds {
    /// The side of what has this hash.
    pub(super) fn side(&self, hash: u64) -> u8 {
        match u128::from(hash) {
            h if h < self.test => TEST,
            h if h < self.held_out => VAL,
            _ => TRAIN,
        }
    }
}

/// A decimal fraction in units of 10^-18.
pub(super) fn units(fraction: &str) -> Option<u64> {
    let (whole, decimals) = fraction.split_once('.').unwrap_or((fraction, ""));
    let zeros = 18_usize.checked_sub(decimals.len())?;
    if whole.is_empty() && decimals.is_empty() {
        return None;
    }
    let units = format!("{whole}{decimals}{}", "0".repeat(zeros))
        .parse()
        .ok()?;
    (units <= 10_u64.pow(18)).then_some(units)
}

/// `floor(2^64 * units / 10^18)`.
pub(super) fn threshold(units: u64) -> Option<u128> {
    let threshold = (u128::from(units) << 64) / 10_u128.pow(18);
    (threshold <= 1 << 64).then_some(threshold)
}

/// SplitMix64.
pub(super) fn mix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The hash of every row of a span, for the use with this constant.
pub(super) fn row_hashes<'a>(
    seed: u64,
    constant: u64,
    span: &Span<'_>,
    inputs: &'a [InputFile],
) -> impl Iterator<Item = u64> + use<'a> {
    let runs = span.runs().into_iter();
    runs.flat_map(move |(input, first, rows)| {
        let stream = mix(seed ^ constant ^ file_key(&inputs[input].relative));
        (first..first + rows as u64).map(move |row| mix(stream ^ row))
    })
}

fn file_key(relative: &[u8]) -> u64 {
    let digest = Sha256::digest(relative);
    let (first, _) = digest.split_at(8);
    first
        .iter()
        .fold(0, |key, byte| (key << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold() {
        let of = |size| units(size).and_then(threshold);
        assert_eq!(of("0.2"), Some(3_689_348_814_741_910_323));
        assert_eq!(of("0.3"), Some(5_534_023_222_112_865_484));
        assert_eq!(of("1"), Some(1 << 64));
        assert_eq!(of("0"), Some(0));
        for wrong in ["", "1.5", "-0.1", "x", "0.1234567890123456789"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        let thresholds = Thresholds {
            test: 3_689_348_814_741_910_323,
            held_out: 5_534_023_222_112_865_484,
        };
        let stream = mix(42 ^ file_key(b"a.parquet"));
        let rows = 0..1_000_000_u64;
        let sides: Vec<u8> = rows.map(|row| thresholds.side(mix(stream ^ row))).collect();
        let on = |wanted| sides.iter().filter(|side| **side == wanted).count();
        assert_eq!((on(TEST), on(VAL)), (199_540, 100_059));
    }
}
