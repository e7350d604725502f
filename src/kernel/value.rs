//! One value by what it means, not by how a file stores it.
//!
//! Invariant: equal values of different types (1 as int32, int64, decimal or float) are told apart by
//! nothing in here. Limit: numbers that are no whole ones of 64 bits are their nearest float64.

use super::Moment;

/// A value of any column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A whole number from -2^63 to 2^63 - 1.
    Integer(i64),
    /// A whole number from 0 to 2^64 - 1.
    Unsigned(u64),
    /// Any number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A date, a time of day, or both.
    Moment(Moment),
    /// Text, or bytes of any other kind.
    Bytes(&'a [u8]),
}

impl Value<'_> {
    /// `unscaled / 10^scale`: a whole number if it is one, else the float64 that `nearest` makes.
    pub fn decimal(mut unscaled: i128, mut scale: u32, nearest: impl FnOnce() -> f64) -> Self {
        while scale > 0 && unscaled % 10 == 0 {
            if unscaled == 0 {
                return Self::Integer(0);
            }
            unscaled /= 10;
            scale -= 1;
        }
        if scale > 0 {
            return Self::Float(nearest());
        }
        match (i64::try_from(unscaled), u64::try_from(unscaled)) {
            (Ok(value), _) => Self::Integer(value),
            (_, Ok(value)) => Self::Unsigned(value),
            _ => Self::Float(nearest()),
        }
    }
}
