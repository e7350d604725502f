//! `Rank`: which of two values of a column is earlier.
//!
//! Invariant: ranks compare as the values do, whatever stores them; nothing is rounded. Limit: decimals
//! of at most 16 bytes.

/// A value that can be earlier or later than another of its column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Integers, decimals without their point, times in their unit; floats by [`float_rank`].
    Number(i128),
    /// Text and other bytes.
    Bytes(Vec<u8>),
}

impl Rank {
    /// The rank of a value with this order.
    pub(super) fn from_order(order: i64, kind: RankKind) -> Self {
        Self::Number(if kind.is_unsigned {
            order_unsigned(order).into()
        } else {
            order.into()
        })
    }

    /// The order of a value with this rank, if its type has one.
    pub(super) fn order(&self, kind: RankKind) -> Option<i64> {
        match self {
            Self::Number(number) if kind.is_unsigned => {
                u64::try_from(*number).ok().map(unsigned_order)
            }
            Self::Number(number) => i64::try_from(*number).ok(),
            Self::Bytes(_) => None,
        }
    }
}

pub(super) fn unsigned_order(value: u64) -> i64 {
    (value ^ (1 << 63)).cast_signed()
}

fn order_unsigned(order: i64) -> u64 {
    order.cast_unsigned() ^ (1 << 63)
}

/// What the type says beyond how a value is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RankKind {
    pub is_unsigned: bool,
    pub is_decimal: bool,
}

/// A float as an integer of the same order.
pub(super) fn float_rank(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The float with this rank.
pub(super) fn rank_float(rank: i64) -> f64 {
    let bits = if rank < 0 { rank ^ i64::MAX } else { rank };
    f64::from_bits(bits.cast_unsigned())
}

#[inline(always)]
pub(super) fn integer_order(value: i64, unsigned: u64, kind: RankKind) -> Option<i64> {
    Some(if kind.is_unsigned {
        unsigned_order(unsigned)
    } else {
        value
    })
}

pub(super) fn bytes_rank(bytes: &[u8], kind: RankKind) -> Option<Rank> {
    if !kind.is_decimal {
        return Some(Rank::Bytes(bytes.to_vec()));
    }
    let start = match bytes.first() {
        Some(first) if first & 0x80 != 0 => -1,
        _ => 0,
    };
    let value = bytes
        .iter()
        .fold(start, |value: i128, byte| value << 8 | i128::from(*byte));
    (bytes.len() <= 16).then_some(Rank::Number(value))
}

#[cfg(test)]
mod tests;
