//! Exact decimal fractions from 0 to 1 and the hash thresholds they stand for.
//!
//! A share of rows is a decimal as typed, never a binary float: `0.2` is 2/10, so its threshold is
//! the same on every machine and in every language. Limit: 18 decimals.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

#[cfg(test)]
mod tests;

/// Most decimals a fraction may have; `10^18` fits 64 bits.
const DECIMALS_MAX: u32 = 18;

/// An exact decimal fraction from 0 to 1, `numerator / 10^decimals`, without trailing zeros.
///
/// ```
/// use prep_stream::kernel::Fraction;
///
/// let fraction: Fraction = ".20".parse()?;
/// assert_eq!(fraction.to_string(), "0.2");
/// assert!("1.5".parse::<Fraction>().is_err());
/// # Ok::<(), prep_stream::kernel::FractionError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: u64,
    decimals: u32,
}

/// Which hashes lie on a fraction's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// Hashes below this value.
    Below(u64),
    /// Every hash: the fraction is 1, and 2^64 does not fit.
    Every,
}

/// Why a text is no fraction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FractionError {
    /// Not a number at all.
    #[error("\"{text}\" is not a decimal number like 0.2")]
    NotDecimal {
        /// The text as given.
        text: String,
    },
    /// Below 0.
    #[error("{text} is negative; a share of rows is from 0 to 1")]
    Negative {
        /// The text as given.
        text: String,
    },
    /// Above 1.
    #[error("{text} is above 1; a share of rows is from 0 to 1")]
    AboveOne {
        /// The text as given.
        text: String,
    },
    /// More decimals than are kept exactly.
    #[error("{text} has more than {limit} decimals")]
    TooManyDecimals {
        /// The text as given.
        text: String,
        /// How many are accepted.
        limit: u32,
    },
}

impl Fraction {
    /// No rows.
    pub const ZERO: Self = Self {
        numerator: 0,
        decimals: 0,
    };
    /// One row in ten.
    pub const TENTH: Self = Self {
        numerator: 1,
        decimals: 1,
    };
    /// One row in five.
    pub const FIFTH: Self = Self {
        numerator: 2,
        decimals: 1,
    };
    /// All rows.
    pub const ONE: Self = Self {
        numerator: 1,
        decimals: 0,
    };

    /// The hashes on this fraction's side: `floor(2^64 * numerator / 10^decimals)`, exactly.
    ///
    /// ```
    /// use prep_stream::kernel::{Fraction, Threshold};
    ///
    /// let fraction: Fraction = "0.2".parse()?;
    /// assert_eq!(fraction.threshold(), Threshold::Below(3_689_348_814_741_910_323));
    /// # Ok::<(), prep_stream::kernel::FractionError>(())
    /// ```
    pub fn threshold(self) -> Threshold {
        let scaled = (u128::from(self.numerator) << 64) / 10_u128.pow(self.decimals);
        u64::try_from(scaled).map_or(Threshold::Every, Threshold::Below)
    }

    /// This share of `rows` rows, rounded up, as scikit-learn rounds the size of a test side.
    ///
    /// ```
    /// use prep_stream::kernel::Fraction;
    ///
    /// assert_eq!("0.25".parse::<Fraction>()?.rows_of(10), 3);
    /// # Ok::<(), prep_stream::kernel::FractionError>(())
    /// ```
    pub fn rows_of(self, rows: u64) -> u64 {
        let product = u128::from(self.numerator) * u128::from(rows);
        let part = product.div_ceil(10_u128.pow(self.decimals));
        u64::try_from(part).unwrap_or(u64::MAX)
    }

    /// The exact sum; `None` above 1.
    ///
    /// ```
    /// use prep_stream::kernel::Fraction;
    ///
    /// let [test, val]: [Fraction; 2] = ["0.2".parse()?, "0.15".parse()?];
    /// assert_eq!(test.checked_add(val), Some("0.35".parse()?));
    /// assert_eq!(test.checked_add("0.9".parse()?), None);
    /// # Ok::<(), prep_stream::kernel::FractionError>(())
    /// ```
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let decimals = self.decimals.max(other.decimals);
        let scaled = |fraction: Self| {
            u128::from(fraction.numerator) * 10_u128.pow(decimals - fraction.decimals)
        };
        let (sum, one) = (scaled(self) + scaled(other), 10_u128.pow(decimals));
        let (mut numerator, mut decimals) = (u64::try_from(sum).ok()?, decimals);
        while decimals > 0 && numerator.is_multiple_of(10) {
            numerator /= 10;
            decimals -= 1;
        }
        (sum <= one).then_some(Self {
            numerator,
            decimals,
        })
    }

    /// The nearest `f64`, for reports; never for deciding a side.
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / 10_u64.pow(self.decimals) as f64
    }
}

impl Threshold {
    /// Whether a hash lies on the fraction's side.
    #[inline]
    pub fn contains(self, hash: u64) -> bool {
        match self {
            Self::Below(limit) => hash < limit,
            Self::Every => true,
        }
    }
}

impl FromStr for Fraction {
    type Err = FractionError;

    /// Reads `0.2`, `.2`, `1`, `1.0` and exponents like `1e-7`.
    fn from_str(text: &str) -> Result<Self, FractionError> {
        let not_decimal = || FractionError::NotDecimal {
            text: text.to_owned(),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let exponent = exponent.parse::<i32>().ok().ok_or_else(not_decimal)?;
                (mantissa, i64::from(exponent))
            }
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{part}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(not_decimal());
        }
        if mantissa.starts_with('-') {
            return Err(FractionError::Negative {
                text: text.to_owned(),
            });
        }
        let decimals = i64::try_from(part.len()).ok().ok_or_else(not_decimal)? - exponent;
        Self::from_digits(&digits, decimals, text)
    }
}

impl Fraction {
    /// `digits / 10^decimals`; `text` is what messages quote.
    fn from_digits(digits: &str, decimals: i64, text: &str) -> Result<Self, FractionError> {
        let significant = digits.trim_start_matches('0');
        let trimmed = significant.trim_end_matches('0');
        if trimmed.is_empty() {
            return Ok(Self::ZERO);
        }
        let zeros = i64::try_from(significant.len() - trimmed.len()).unwrap_or(i64::MAX);
        let decimals = decimals.saturating_sub(zeros);
        let length = i64::try_from(trimmed.len()).unwrap_or(i64::MAX);
        if trimmed == "1" && decimals == 0 {
            return Ok(Self::ONE);
        }
        // The first significant digit stands before the decimal point.
        if length > decimals {
            return Err(FractionError::AboveOne {
                text: text.to_owned(),
            });
        }
        let too_many = || FractionError::TooManyDecimals {
            text: text.to_owned(),
            limit: DECIMALS_MAX,
        };
        let decimals = u32::try_from(decimals).ok().ok_or_else(too_many)?;
        if decimals > DECIMALS_MAX {
            return Err(too_many());
        }
        let numerator = trimmed.parse::<u64>().ok().ok_or_else(too_many)?;
        Ok(Self {
            numerator,
            decimals,
        })
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.decimals == 0 {
            return write!(f, "{}", self.numerator);
        }
        let width = self.decimals as usize;
        write!(f, "0.{:0width$}", self.numerator)
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FractionVisitor)
    }
}

/// Takes a decimal string, or a number at its shortest decimal.
struct FractionVisitor;

impl de::Visitor<'_> for FractionVisitor {
    type Value = Fraction;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal fraction from 0 to 1, like \"0.2\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Fraction, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Fraction, E> {
        value.to_string().parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Fraction, E> {
        value.to_string().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Fraction, E> {
        value.to_string().parse().map_err(E::custom)
    }
}
