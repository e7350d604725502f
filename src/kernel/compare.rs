//! Comparing a value with a constant: exact between integers and floats of any size.
//!
//! Invariant: a null or NaN compares with nothing, so no comparison with one holds, not even `!=`.

use std::cmp::Ordering;

use super::{Moment, Value};

#[cfg(test)]
mod tests;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    /// A whole number.
    Integer(i128),
    /// Any number.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// A date or time.
    Moment(Moment),
    /// Text or bytes, compared byte by byte.
    Bytes(Vec<u8>),
}

impl Operator {
    /// Whether `value OPERATOR constant` holds.
    ///
    /// ```
    /// use prep_stream::kernel::{Constant, Operator, Value};
    ///
    /// assert!(Operator::Less.holds(Value::Float(2.5), &Constant::Integer(3)));
    /// assert!(!Operator::NotEqual.holds(Value::Null, &Constant::Integer(3)));
    /// ```
    #[inline(always)]
    pub fn holds(self, value: Value<'_>, constant: &Constant) -> bool {
        let Some(order) = constant.order(value) else {
            return false;
        };
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

impl Constant {
    /// Where `value` stands to this constant; `None` if they can't be compared.
    #[inline(always)]
    fn order(&self, value: Value<'_>) -> Option<Ordering> {
        match (value, self) {
            (Value::Integer(a), Self::Integer(b)) => Some(i128::from(a).cmp(b)),
            (Value::Unsigned(a), Self::Integer(b)) => Some(i128::from(a).cmp(b)),
            (Value::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Value::Float(a), Self::Integer(b)) => order(*b, a).map(Ordering::reverse),
            (Value::Integer(a), Self::Float(b)) => order(a.into(), *b),
            (Value::Unsigned(a), Self::Float(b)) => order(a.into(), *b),
            (Value::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Value::Moment(a), Self::Moment(b)) => Some(a.cmp(b)),
            (Value::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// Where an integer stands to a float, exactly.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the float is whole and below 2^126 in magnitude"
)]
fn order(integer: i128, float: f64) -> Option<Ordering> {
    const LIMIT: f64 = 8.507_059_173_023_462e37;
    if float.is_nan() {
        return None;
    }
    if float.abs() >= LIMIT {
        return (integer.unsigned_abs() < 1 << 126).then_some(match float > 0.0 {
            true => Ordering::Less,
            false => Ordering::Greater,
        });
    }
    let whole = float.floor();
    Some(match integer.cmp(&(whole as i128)) {
        Ordering::Equal if float > whole => Ordering::Less,
        order => order,
    })
}
