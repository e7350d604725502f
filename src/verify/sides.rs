//! The side of a row, again, from `docs/split.md`: hash and thresholds, or what a column says.
//!
//! Written from the specification's text and not by calling the kernel: the two must agree on every
//! row, so a mistake in one of them shows.

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// A side's place in every list here; the directories' names.
pub(super) const SIDES: [&str; 3] = ["train", "test", "val"];
pub(super) const TRAIN: u8 = 0;
pub(super) const TEST: u8 = 1;
pub(super) const VAL: u8 = 2;

/// The split as the manifest records it.
#[derive(Debug, Deserialize)]
pub(super) struct RecordedSplit {
    /// `"row"` or `{"column": NAME}`; any other is not known here.
    by: serde_json::Value,
    test_size: serde_json::Value,
    /// Not there without a val side.
    val_size: Option<serde_json::Value>,
    seed: u64,
    stratify: Option<serde_json::Value>,
    sample: Option<serde_json::Value>,
    filter: Option<serde_json::Value>,
    folds: Option<serde_json::Value>,
}

/// What decides sides.
#[derive(Debug)]
pub(super) enum Split {
    /// A hash of the row.
    Hash(Hash),
    /// This column says it.
    Column(String),
}

/// Rows whose hash is below the first threshold are test rows, those below the second one val rows;
/// both are at most 2^64.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash {
    seed: u64,
    test: u128,
    held_out: u128,
}

impl RecordedSplit {
    /// What of it is not computed again here, as it is typed.
    pub(super) fn unknown(&self) -> Option<String> {
        let mode = match &self.by {
            serde_json::Value::String(mode) => mode.as_str(),
            by => by.as_object().and_then(|by| by.keys().next())?,
        };
        let in_rows = |size: &serde_json::Value| {
            let text = size.as_str();
            text.is_some_and(|text| text.contains("row"))
        };
        if self.folds.is_some() {
            return Some("--folds".to_owned());
        }
        if self.stratify.is_some() {
            return Some("--stratify".to_owned());
        }
        if in_rows(&self.test_size) || self.val_size.as_ref().is_some_and(in_rows) {
            return Some("sizes in rows".to_owned());
        }
        match (mode, &self.sample, &self.filter) {
            ("row" | "column", None, None) => None,
            ("row" | "column", Some(_), _) => Some("--sample".to_owned()),
            ("row" | "column", None, Some(_)) => Some("--where".to_owned()),
            _ => Some(format!("--split-by {mode}")),
        }
    }

    /// Resolves the thresholds; `None` if a size is no fraction, or they are more than all rows.
    pub(super) fn resolve(self) -> Option<Split> {
        if let Some(name) = self.by.get("column") {
            return Some(Split::Column(name.as_str()?.to_owned()));
        }
        let test = self.test_size.as_str()?;
        let val = match &self.val_size {
            Some(size) => size.as_str()?,
            None => "0",
        };
        Some(Split::Hash(Hash {
            seed: self.seed,
            test: threshold(units(test)?)?,
            held_out: threshold(units(test)? + units(val)?)?,
        }))
    }
}

/// A decimal fraction in units of 10^-18.
fn units(fraction: &str) -> Option<u64> {
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
fn threshold(units: u64) -> Option<u128> {
    let threshold = (u128::from(units) << 64) / 10_u128.pow(18);
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
pub(super) fn hashed(hash: Hash, relative: &[u8], rows: std::ops::Range<u64>, sides: &mut Vec<u8>) {
    let digest = Sha256::digest(relative);
    let (key_bytes, _) = digest.split_at(8);
    let key = key_bytes
        .iter()
        .fold(0, |key, byte| (key << 8) | u64::from(*byte));
    let stream = mix(hash.seed ^ key);
    sides.extend(rows.map(|row| match u128::from(mix(stream ^ row)) {
        h if h < hash.test => TEST,
        h if h < hash.held_out => VAL,
        _ => TRAIN,
    }));
}

/// The side that a text names.
pub(super) fn named(text: &[u8]) -> Option<u8> {
    match text {
        b"train" | b"false" | b"False" | b"FALSE" | b"0" => Some(TRAIN),
        b"val" | b"validation" => Some(VAL),
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
        let of = |size| units(size).and_then(threshold);
        assert_eq!(of("0.2"), Some(3_689_348_814_741_910_323));
        assert_eq!(of("0.3"), Some(5_534_023_222_112_865_484));
        assert_eq!(of("1"), Some(1 << 64));
        assert_eq!(of("0"), Some(0));
        for wrong in ["", "1.5", "-0.1", "x", "0.1234567890123456789"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        let recorded = r#"{"by": "row", "test_size": "0.2", "val_size": "0.1", "seed": 42}"#;
        let recorded: RecordedSplit = serde_json::from_str(recorded).unwrap();
        let Some(Split::Hash(hash)) = recorded.resolve() else {
            panic!("no split by hash");
        };
        let mut sides = Vec::new();
        hashed(hash, b"a.parquet", 0..1_000_000, &mut sides);
        let on = |wanted| sides.iter().filter(|side| **side == wanted).count();
        assert_eq!((on(TEST), on(VAL)), (199_540, 100_059));
    }
}
