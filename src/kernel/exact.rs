//! Sums without rounding: fixed-point integers wide enough for every finite `f64` and its square.
//!
//! Addition is exact, hence associative and commutative: a sum does not depend on the order or the
//! grouping of its terms. Invariant: the representation is canonical (equal values have equal
//! fields). Limits: a sum of fewer than 2^64 values needs 34 words, of their squares 67; only the
//! words in use are stored.

use num_bigint::{BigInt, Sign};

#[cfg(test)]
mod tests;

/// Exponent of the smallest positive `f64`, negated.
const F64_UNIT: i32 = 1074;

/// An exact sum of values: a multiple of 2^-1074.
pub type ExactSum = FixedPoint<1074>;

/// An exact sum of products of two values: a multiple of 2^-2148.
pub type ExactSquareSum = FixedPoint<2148>;

/// An integer multiple of `2^-UNIT`: two's complement, lowest word first, starting at word `base`.
///
/// ```
/// use prep_stream::kernel::ExactSum;
///
/// let mut sum = ExactSum::default();
/// for value in [1e308, 1.0, -1e308] {
///     sum.add(value, 0);
/// }
/// assert_eq!(sum.to_string(), "0x1p0");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FixedPoint<const UNIT: i32> {
    base: usize,
    /// Empty for zero. Neither the first word is zero nor the last one a mere repetition of the
    /// sign below it.
    words: Vec<u64>,
}

impl<const UNIT: i32> FixedPoint<UNIT> {
    /// Adds `value * 2^exponent`. The value must be finite, the product a multiple of the unit.
    pub fn add(&mut self, value: f64, exponent: i32) {
        let value = Binary::of(value);
        self.add_bits(
            [value.mantissa, 0, 0],
            value.exponent + exponent,
            value.negative,
        );
    }

    /// Adds `count * value`. The value must be finite.
    pub fn add_multiple(&mut self, count: u64, value: f64) {
        let value = Binary::of(value);
        let product = u128::from(value.mantissa) * u128::from(count);
        let (low, high) = halves(product);
        self.add_bits([low, high, 0], value.exponent, value.negative);
    }

    /// Adds `left * right * 2^exponent`. Both must be finite, the product a multiple of the unit.
    pub fn add_product(&mut self, left: f64, right: f64, exponent: i32) {
        let (left, right) = (Binary::of(left), Binary::of(right));
        let product = u128::from(left.mantissa) * u128::from(right.mantissa);
        let (low, high) = halves(product);
        let exponent = left.exponent + right.exponent + exponent;
        self.add_bits([low, high, 0], exponent, left.negative != right.negative);
    }

    /// Adds `count * value^2`. The value must be finite.
    pub fn add_square_multiple(&mut self, count: u64, value: f64) {
        let value = Binary::of(value);
        let square = times_square(count, value.mantissa);
        self.add_bits(square, 2 * value.exponent, false);
    }

    /// Adds `weight * value^2`. Both must be finite.
    pub fn add_weighted_square(&mut self, weight: f64, value: f64) {
        let (weight, value) = (Binary::of(weight), Binary::of(value));
        let square = times_square(weight.mantissa, value.mantissa);
        let exponent = weight.exponent + 2 * value.exponent;
        self.add_bits(square, exponent, weight.negative);
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        let Some(&last) = other.words.last() else {
            return;
        };
        let end = other.base + other.words.len();
        self.cover(other.base, end);
        let start = other.base - self.base;
        let sign = if is_negative(last) { u64::MAX } else { 0 };
        let terms = other.words.iter().copied().chain(std::iter::repeat(sign));
        let mut carry = false;
        for (word, term) in self.words[start..].iter_mut().zip(terms) {
            (*word, carry) = word.carrying_add(term, carry);
        }
        self.trim();
    }

    /// Whether the sum is zero.
    pub fn is_zero(&self) -> bool {
        self.words.is_empty()
    }

    /// The sum in units, as an integer.
    pub(super) fn to_integer(&self) -> BigInt {
        let bytes: Vec<u8> = self
            .words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        BigInt::from_signed_bytes_le(&bytes) << (self.base * 64)
    }

    /// Sign, magnitude words (lowest first) and the exponent of the lowest bit.
    pub(super) fn magnitude(&self) -> (bool, Vec<u64>, i64) {
        let (sign, digits) = self.to_integer().into_parts();
        let low_bit = digits.trailing_zeros().unwrap_or(0);
        let words = (digits >> low_bit).to_u64_digits();
        let exponent = i64::try_from(low_bit).unwrap_or(i64::MAX) - i64::from(UNIT);
        (sign == Sign::Minus, words, exponent)
    }

    /// Adds or subtracts `magnitude * 2^exponent`, a multiple of the unit.
    pub(super) fn add_bits(&mut self, magnitude: [u64; 3], exponent: i32, negative: bool) {
        if magnitude == [0; 3] {
            return;
        }
        let (magnitude, position) = aligned(magnitude, exponent + UNIT);
        let (base, shift) = (position / 64, position % 64);
        let [a, b, c] = magnitude;
        let term = if shift == 0 {
            [a, b, c, 0]
        } else {
            let back = 64 - shift;
            [
                a << shift,
                b << shift | a >> back,
                c << shift | b >> back,
                c >> back,
            ]
        };
        let length = term
            .iter()
            .rposition(|&word| word != 0)
            .map_or(0, |last| last + 1);
        self.cover(base, base + length);
        let start = base - self.base;
        let terms = term.into_iter().chain(std::iter::repeat(0));
        let mut carry = false;
        for (index, (word, term)) in self.words[start..].iter_mut().zip(terms).enumerate() {
            if index >= length && !carry {
                break;
            }
            (*word, carry) = if negative {
                word.borrowing_sub(term, carry)
            } else {
                word.carrying_add(term, carry)
            };
        }
        self.trim();
    }

    /// Stores the words from `base` to one above both `end` and the current end, for the sign.
    fn cover(&mut self, base: usize, end: usize) {
        if self.words.is_empty() {
            self.base = base;
        }
        if base < self.base {
            let missing = self.base - base;
            self.words.splice(..0, std::iter::repeat_n(0, missing));
            self.base = base;
        }
        let sign = match self.words.last() {
            Some(&last) if is_negative(last) => u64::MAX,
            _ => 0,
        };
        let end = end.max(self.base + self.words.len()) + 1;
        self.words.resize(end - self.base, sign);
    }

    /// Makes the representation canonical again.
    fn trim(&mut self) {
        while let [.., below, last] = self.words[..] {
            let sign = if is_negative(below) { u64::MAX } else { 0 };
            if last != sign {
                break;
            }
            self.words.pop();
        }
        let zeros = self.words.iter().take_while(|&&word| word == 0).count();
        self.words.drain(..zeros);
        self.base = if self.words.is_empty() {
            0
        } else {
            self.base + zeros
        };
    }
}

/// `magnitude * 2^position` as the same with a position of at least 0.
fn aligned(mut magnitude: [u64; 3], position: i32) -> ([u64; 3], usize) {
    let mut below = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
    if position >= 0 {
        return (magnitude, below);
    }
    while below > 0 {
        let shift = below.min(63);
        let [a, b, c] = magnitude;
        debug_assert!(
            a.trailing_zeros() as usize >= shift || a == 0,
            "a bit below the unit"
        );
        let back = 64 - shift;
        magnitude = [a >> shift | b << back, b >> shift | c << back, c >> shift];
        below -= shift;
    }
    (magnitude, 0)
}

/// A finite `f64` as `mantissa * 2^exponent`.
struct Binary {
    negative: bool,
    mantissa: u64,
    exponent: i32,
}

impl Binary {
    #[inline]
    fn of(value: f64) -> Self {
        debug_assert!(value.is_finite(), "{value} has no place in a sum");
        let bits = value.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let exponent = i32::from((bits >> 52) as u16 & 0x7ff);
        let (mantissa, exponent) = if exponent == 0 {
            (fraction, 0)
        } else {
            (fraction | 1 << 52, exponent - 1)
        };
        Self {
            negative: is_negative(bits),
            mantissa,
            exponent: exponent - F64_UNIT,
        }
    }
}

/// `count * value^2`, lowest word first.
#[inline]
fn times_square(count: u64, value: u64) -> [u64; 3] {
    let (low, high) = halves(u128::from(value) * u128::from(value));
    let (first, carry) = halves(u128::from(low) * u128::from(count));
    let (second, third) = halves(u128::from(high) * u128::from(count) + u128::from(carry));
    [first, second, third]
}

/// Low and high word.
#[inline]
fn halves(value: u128) -> (u64, u64) {
    let low = value & u128::from(u64::MAX);
    (
        u64::try_from(low).unwrap_or(u64::MAX),
        u64::try_from(value >> 64).unwrap_or(u64::MAX),
    )
}

/// Whether the top bit is set.
#[inline]
fn is_negative(word: u64) -> bool {
    word >> 63 == 1
}
