//! `Size`: how large a side shall be: a share of the rows, or so many of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::kernel::{Fraction, FractionError};

/// How large a side shall be.
///
/// ```
/// use prep_stream::spec::Size;
///
/// assert_eq!("0.2".parse(), Ok(Size::Share("0.2".parse()?)));
/// assert_eq!("1".parse(), Ok(Size::Share("1".parse()?)));
/// assert_eq!("1000".parse(), Ok(Size::Rows(1000)));
/// assert_eq!("1 row".parse(), Ok(Size::Rows(1)));
/// # Ok::<(), prep_stream::kernel::FractionError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Size {
    /// This share of the rows.
    Share(Fraction),
    /// Exactly so many rows.
    Rows(u64),
}

impl Size {
    /// No rows.
    pub const ZERO: Self = Self::Share(Fraction::ZERO);

    /// The share, if it is one.
    pub fn share(self) -> Option<Fraction> {
        match self {
            Self::Share(share) => Some(share),
            Self::Rows(_) => None,
        }
    }
}

impl FromStr for Size {
    type Err = FractionError;

    /// A whole number from 2 on, or one followed by `rows`, is a number of rows; anything else is a
    /// share.
    fn from_str(text: &str) -> Result<Self, FractionError> {
        let text = text.trim();
        let counted = ["rows", "row"]
            .iter()
            .find_map(|unit| text.strip_suffix(unit));
        let digits = counted.unwrap_or(text).trim_end();
        let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        match digits.parse() {
            Ok(rows) if is_whole && (rows > 1 || counted.is_some()) => Ok(Self::Rows(rows)),
            _ => text.parse().map(Self::Share),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => share.fmt(f),
            Self::Rows(1) => f.write_str("1 row"),
            Self::Rows(rows) => write!(f, "{rows} rows"),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
