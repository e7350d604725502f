//! Reading one field as a number or as a missing value.
//!
//! Spaces and tabs around a number or a null token are ignored; `+5`, `.5`, `1.`, `1e5`, `inf` and `infinity` (any
//! case) are numbers; `0x10`, `1,000` and `1_000` are not. An integer is a 64-bit integer unless it
//! does not fit or is a negative zero, which only a float can hold; this rule looks at one field
//! alone, so a column's type and bits don't depend on the order of its rows.

use std::collections::HashSet;

/// The field values that mean "missing" in numeric columns.
#[derive(Debug, Clone)]
pub(crate) struct NullTokens {
    tokens: HashSet<Box<[u8]>>,
    /// Some token other than a NaN is a number itself, for example `-999`.
    numeric: bool,
    bytes_max: usize,
}

impl NullTokens {
    pub(crate) fn new(tokens: &[String]) -> Self {
        let numeric = tokens
            .iter()
            .any(|token| parse_float(token.as_bytes()).is_some_and(|value| !value.is_nan()));
        Self {
            bytes_max: tokens.iter().map(String::len).max().unwrap_or(0),
            tokens: tokens.iter().map(|token| token.as_bytes().into()).collect(),
            numeric,
        }
    }

    /// Whether the field means "missing".
    pub(crate) fn contains(&self, field: &[u8]) -> bool {
        if field.len() <= self.bytes_max && self.tokens.contains(field) {
            return true;
        }
        let bare = trim(field);
        bare.len() < field.len() && bare.len() <= self.bytes_max && self.tokens.contains(bare)
    }

    /// Whether a field that is a number may still mean "missing".
    pub(crate) fn any_numeric(&self) -> bool {
        self.numeric
    }
}

/// A field read as a 64-bit integer.
#[inline]
pub(crate) fn parse_integer(field: &[u8]) -> Option<i64> {
    let (negative, digits) = match field {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        [b' ' | b'\t', ..] => return parse_padded(field),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    if digits.len() <= 18 {
        for byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return parse_padded(field);
            }
            value = value * 10 + i64::from(digit);
        }
        if negative && value == 0 {
            return None;
        }
        return Some(if negative { -value } else { value });
    }
    parse_long_integer(negative, digits).or_else(|| parse_padded(field))
}

/// Integers of 19 and more digits, which may overflow.
fn parse_long_integer(negative: bool, digits: &[u8]) -> Option<i64> {
    let mut value = 0_i64;
    for byte in digits {
        let digit = i64::from(byte.checked_sub(b'0').filter(|digit| *digit <= 9)?);
        value = value.checked_mul(10)?;
        value = if negative {
            value.checked_sub(digit)?
        } else {
            value.checked_add(digit)?
        };
    }
    (value != 0 || !negative).then_some(value)
}

/// Integers up to here are float64 values, too.
const FLOAT_EXACT_MAX: u64 = 1 << 53;

/// How fields become numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Whatever is a number, for its value.
    Value,
    /// Only what can be told from its number again: identifiers keep their zeros and all digits.
    Identity,
}

impl Reading {
    /// A field read as an integer.
    #[inline(always)]
    pub(crate) fn integer(self, field: &[u8]) -> Option<i64> {
        match self {
            Self::Value => parse_integer(field),
            Self::Identity => parse_integer(field).filter(|_| is_usual_integer(field)),
        }
    }

    /// A field read as a float.
    #[inline(always)]
    pub(crate) fn float(self, field: &[u8]) -> Option<f64> {
        match self {
            Self::Value => parse_float(field),
            Self::Identity => parse_float(field).filter(|_| is_float_or_small_integer(field)),
        }
    }

    /// Whether these integers may become floats.
    pub(crate) fn may_widen(self, integers: &[i64]) -> bool {
        self == Self::Value
            || integers
                .iter()
                .all(|value| value.unsigned_abs() <= FLOAT_EXACT_MAX)
    }
}

fn is_usual_integer(field: &[u8]) -> bool {
    let digits = field.strip_prefix(b"-").unwrap_or(field);
    digits == b"0"
        || digits
            .first()
            .is_some_and(|digit| matches!(digit, b'1'..=b'9'))
}

fn is_float_or_small_integer(field: &[u8]) -> bool {
    let digits = field
        .strip_prefix(b"-")
        .or_else(|| field.strip_prefix(b"+"))
        .unwrap_or(field);
    if !digits.iter().all(u8::is_ascii_digit) {
        return true;
    }
    is_usual_integer(field)
        && parse_integer(field).is_some_and(|value| value.unsigned_abs() <= FLOAT_EXACT_MAX)
}

/// An integer with spaces around it.
#[cold]
fn parse_padded(field: &[u8]) -> Option<i64> {
    let bare = trim(field);
    if bare.len() < field.len() {
        parse_integer(bare)
    } else {
        None
    }
}

/// A field read as a float, rounded correctly once.
#[inline]
pub(crate) fn parse_float(field: &[u8]) -> Option<f64> {
    match fast_float2::parse(field) {
        Ok(value) => Some(value),
        Err(_) => {
            let bare = trim(field);
            if bare.len() < field.len() {
                fast_float2::parse(bare).ok()
            } else {
                None
            }
        }
    }
}

/// The field without spaces and tabs around it.
fn trim(field: &[u8]) -> &[u8] {
    let mut bare = field;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bare {
        bare = rest;
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_what_fits_64_bits() {
        for (field, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("+5", Some(5)),
            ("-5", Some(-5)),
            (" 5", Some(5)),
            ("-5 ", Some(-5)),
            ("\t5 ", Some(5)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("00000000000000000000012", Some(12)),
            ("00000000000000000000012 ", Some(12)),
            ("-0", None),
            ("-00000000000000000000", None),
            ("", None),
            ("-", None),
            ("- 5", None),
            ("+-5", None),
            (" ", None),
            ("1 2", None),
            ("1.0", None),
            ("0x10", None),
        ] {
            assert_eq!(parse_integer(field.as_bytes()), expected, "{field:?}");
        }
    }

    #[test]
    fn floats_are_what_pandas_takes_for_floats() {
        for (field, expected) in [
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("1.", Some(1.0)),
            ("1E-7", Some(1e-7)),
            ("+1e5", Some(1e5)),
            (" 1.5 ", Some(1.5)),
            ("inf", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("1e400", Some(f64::INFINITY)),
            ("18446744073709551616", Some(18_446_744_073_709_551_616.0)),
            ("", None),
            (" ", None),
            (".", None),
            ("-", None),
            ("1e", None),
            ("1,5", None),
            ("0x10", None),
            ("1_000", None),
            ("1 2", None),
        ] {
            assert_eq!(parse_float(field.as_bytes()), expected, "{field:?}");
        }
        assert!(parse_float(b"-0").is_some_and(|zero| zero == 0.0 && zero.is_sign_negative()));
        assert!(parse_float(b"NAN").is_some_and(f64::is_nan));
    }
}
