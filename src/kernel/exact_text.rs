//! Exact sums as text: `-0x1a2bp-1074` means -0x1a2b * 2^-1074.
//!
//! Invariant: one text per value. The hexadecimal mantissa is odd, lower case and without leading
//! zeros; zero is `0x0p0`. Python's `float.fromhex` reads it (with rounding). Limit: sums of fewer
//! than 2^64 values or squares.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::FixedPoint;

/// Why a text is no exact sum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExactTextError {
    /// Not of the form `-0x1a2bp-1074`.
    #[error("\"{text}\" is not an exact sum like -0x1a2bp-1074")]
    Form {
        /// The text, cut after 40 characters.
        text: String,
    },
    /// The value has another text.
    #[error("\"{text}\" is not the canonical text of its value")]
    NotCanonical {
        /// The text, cut after 40 characters.
        text: String,
    },
    /// Larger or finer than any sum of finite values.
    #[error("\"{text}\" is out of range: bits from 2^{lowest} to 2^{highest} are possible")]
    Range {
        /// The text, cut after 40 characters.
        text: String,
        /// The exponent of the lowest bit a sum can have.
        lowest: i32,
        /// The exponent of the highest bit a sum can have.
        highest: i32,
    },
}

impl<const UNIT: i32> FixedPoint<UNIT> {
    /// Highest bit of a sum of 2^64 values (or their squares), with room for the sign.
    const HIGHEST_BIT: i32 = (UNIT / 1074) * 1024 + 63;
}

impl<const UNIT: i32> fmt::Display for FixedPoint<UNIT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0x0p0");
        }
        let (negative, words, exponent) = self.magnitude();
        f.write_str(if negative { "-0x" } else { "0x" })?;
        for (index, word) in words.iter().rev().enumerate() {
            match index {
                0 => write!(f, "{word:x}")?,
                _ => write!(f, "{word:016x}")?,
            }
        }
        write!(f, "p{exponent}")
    }
}

impl<const UNIT: i32> FromStr for FixedPoint<UNIT> {
    type Err = ExactTextError;

    fn from_str(text: &str) -> Result<Self, ExactTextError> {
        let quoted = || text.chars().take(40).collect::<String>();
        let form = || ExactTextError::Form { text: quoted() };
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text),
        };
        let (digits, exponent) = unsigned
            .strip_prefix("0x")
            .and_then(|rest| rest.split_once('p'))
            .ok_or_else(form)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(form());
        }
        let exponent: i32 = exponent.parse().ok().ok_or_else(form)?;
        let bits = i64::try_from(digits.len())
            .unwrap_or(i64::MAX)
            .saturating_mul(4);
        let highest = bits.saturating_add(i64::from(exponent));
        // The top digit may use one bit only: three more would still be in range.
        let is_possible = highest <= i64::from(Self::HIGHEST_BIT) + 4 && exponent >= -UNIT;
        if !is_possible && digits != "0" {
            let (lowest, highest) = (-UNIT, Self::HIGHEST_BIT);
            return Err(ExactTextError::Range {
                text: quoted(),
                lowest,
                highest,
            });
        }
        let sum = Self::from_digits(digits, exponent, negative).ok_or_else(form)?;
        if sum.to_string() != text {
            return Err(ExactTextError::NotCanonical { text: quoted() });
        }
        Ok(sum)
    }
}

impl<const UNIT: i32> FixedPoint<UNIT> {
    /// `digits * 2^exponent`, both within the limits.
    fn from_digits(digits: &str, exponent: i32, negative: bool) -> Option<Self> {
        let mut sum = Self::default();
        let mut exponent = exponent;
        for chunk in digits.as_bytes().rchunks(16) {
            let word = u64::from_str_radix(str::from_utf8(chunk).ok()?, 16).ok()?;
            sum.add_bits([word, 0, 0], exponent, negative);
            exponent += 64;
        }
        Some(sum)
    }
}

impl<const UNIT: i32> Serialize for FixedPoint<UNIT> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const UNIT: i32> Deserialize<'de> for FixedPoint<UNIT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::kernel::{ExactSquareSum, ExactSum};

    #[test]
    fn a_sum_prints_with_an_odd_mantissa() {
        let cases = [
            (0.0, "0x0p0"),
            (1.0, "0x1p0"),
            (-6.0, "-0x3p1"),
            (0.1, "0xccccccccccccdp-55"),
            (5e-324, "0x1p-1074"),
            (f64::MAX, "0x1fffffffffffffp971"),
        ];
        for (value, expected) in cases {
            let mut sum = ExactSum::default();
            sum.add(value, 0);
            assert_eq!(sum.to_string(), expected);
            assert_eq!(expected.parse::<ExactSum>().unwrap(), sum);
        }
    }

    #[test]
    fn what_is_no_canonical_sum_is_refused() {
        let cases = [
            ("", "\"\" is not an exact sum like -0x1a2bp-1074"),
            ("0x1", "\"0x1\" is not an exact sum like -0x1a2bp-1074"),
            ("0xp1", "\"0xp1\" is not an exact sum like -0x1a2bp-1074"),
            (
                "0x+1p1",
                "\"0x+1p1\" is not an exact sum like -0x1a2bp-1074",
            ),
            (
                "0x1p1.5",
                "\"0x1p1.5\" is not an exact sum like -0x1a2bp-1074",
            ),
            (
                "-0x0p0",
                "\"-0x0p0\" is not the canonical text of its value",
            ),
            ("0x0p7", "\"0x0p7\" is not the canonical text of its value"),
            ("0x2p0", "\"0x2p0\" is not the canonical text of its value"),
            (
                "0x01p0",
                "\"0x01p0\" is not the canonical text of its value",
            ),
            ("0xAp0", "\"0xAp0\" is not the canonical text of its value"),
            (
                "0x1p+0",
                "\"0x1p+0\" is not the canonical text of its value",
            ),
            (
                "0x1p-1075",
                "\"0x1p-1075\" is out of range: bits from 2^-1074 to 2^1087 are possible",
            ),
            (
                "0x1p1088",
                "\"0x1p1088\" is out of range: bits from 2^-1074 to 2^1087 are possible",
            ),
            (
                "0x1p2147483647",
                "\"0x1p2147483647\" is out of range: bits from 2^-1074 to 2^1087 are possible",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(
                text.parse::<ExactSum>().unwrap_err().to_string(),
                expected,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_sum_reads_back_as_itself(terms in prop::collection::vec(any::<f64>(), 0..9)) {
            let mut sum = ExactSum::default();
            let mut squares = ExactSquareSum::default();
            for term in terms.into_iter().filter(|term| term.is_finite()) {
                sum.add(term, 0);
                squares.add_product(term, -term, 0);
            }
            prop_assert_eq!(sum.to_string().parse::<ExactSum>().unwrap(), sum);
            prop_assert_eq!(squares.to_string().parse::<ExactSquareSum>().unwrap(), squares);
        }
    }
}
