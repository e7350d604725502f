//! Plain decimals, `-123.4567`: their digits eight at a time, rounded correctly once.
//!
//! Invariant: a number that is read here is the one that `fast_float2` reads, to the bit; whatever is
//! unusual is left to it. Rounding follows Eisel and Lemire (D. Lemire, "Number parsing at a gigabyte per
//! second", 2021), with the powers of ten that at most 19 digits behind a point need: 128 bits of those
//! always decide (N. Mushtak and D. Lemire, "Fast number parsing without fallback", 2023).

/// Digits that always fit 64 bits.
const DIGITS_MAX: usize = 19;

/// Eight bytes of one value.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The field between two positions, if it is at most 19 digits with a point among its first eight bytes,
/// perhaps behind a minus sign. `None` if it is anything else, or too close to an end of the text to be
/// read by words.
#[inline(always)]
pub(crate) fn parse_plain(text: &[u8], start: usize, end: usize) -> Option<f64> {
    // Signs come as they come, so that a branch on them would often go the other way.
    let is_negative = *text.get(start)? == b'-';
    let start = start + usize::from(is_negative);
    let head = u64::from_le_bytes(*text.get(start..)?.first_chunk()?);
    let last: &[u8; 24] = text.get(..end)?.last_chunk()?;
    let points = zero_bytes(head ^ each(b'.'));
    let point_bit = points.trailing_zeros();
    let digits = end.wrapping_sub(start).wrapping_sub(1);
    let places = digits.wrapping_sub((point_bit / 8) as usize);
    if points == 0 || places > DIGITS_MAX || !(1..=DIGITS_MAX).contains(&digits) {
        return None;
    }
    // The bytes before the point become the last ones of eight.
    let whole = ((head ^ each(b'0')) << (63 ^ point_bit)) << 8;
    let masks = LAST_DIGITS[places];
    let digits_of = |word: usize| (word_of(last, word) ^ each(b'0')) & masks[word];
    let (high, low) = (digits_of(1), digits_of(2));
    let mut unusual = above_nine(whole) | above_nine(high) | above_nine(low);
    let mut decimal = number(whole)
        .wrapping_mul(POWERS_OF_TEN[places])
        .wrapping_add(number(high).wrapping_mul(POWERS_OF_TEN[8]))
        .wrapping_add(number(low));
    if places > 16 {
        let top = digits_of(0);
        unusual |= above_nine(top);
        decimal = decimal.wrapping_add(number(top).wrapping_mul(POWERS_OF_TEN[16]));
    }
    if unusual & each(0x80) != 0 {
        return None;
    }
    let sign = u64::from(is_negative) << 63;
    Some(f64::from_bits(rounded(decimal, places) | sign))
}

#[inline(always)]
fn word_of(bytes: &[u8; 24], index: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[8 * index..8 * index + 8]);
    u64::from_le_bytes(word)
}

/// The top bit of each byte that is 0, up to the first of them; what follows may be wrong.
#[inline(always)]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & each(0x80)
}

/// Has the top bit of a byte if one is above 9.
#[inline(always)]
fn above_nine(digits: u64) -> u64 {
    digits.wrapping_add(each(0x7f - 9)) | digits
}

/// The number of eight digits from 0 to 9: first of pairs, then of fours, then of all.
#[inline(always)]
fn number(digits: u64) -> u64 {
    let pairs = (digits.wrapping_mul((10 << 8) + 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul((100 << 16) + 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul((10_000 << 32) + 1) >> 32
}

/// For each number of digits, which bytes they are of the three words that end with them.
const LAST_DIGITS: [[u64; 3]; DIGITS_MAX + 1] = {
    let mut masks = [[0; 3]; DIGITS_MAX + 1];
    let mut count = 1;
    while count <= DIGITS_MAX {
        masks[count] = masks[count - 1];
        let digit = count - 1;
        masks[count][2 - digit / 8] |= 0xff << (56 - 8 * (digit % 8));
        count += 1;
    }
    masks
};

const POWERS_OF_TEN: [u64; DIGITS_MAX + 1] = {
    let mut powers = [1; DIGITS_MAX + 1];
    let mut exponent = 1;
    while exponent <= DIGITS_MAX {
        powers[exponent] = 10 * powers[exponent - 1];
        exponent += 1;
    }
    powers
};

/// The first 128 bits of 1 / 5^k, rounded up, from the first one that is set.
const RECIPROCALS: [(u64, u64); DIGITS_MAX + 1] = {
    let mut found = [(1 << 63, 0); DIGITS_MAX + 1];
    let mut power = 1_u64;
    let mut exponent = 1;
    while exponent <= DIGITS_MAX {
        power *= 5;
        found[exponent] = reciprocal(power);
        exponent += 1;
    }
    found
};

/// The same of a number that is no power of two, by long division.
const fn reciprocal(of: u64) -> (u64, u64) {
    let bits = 64 - of.leading_zeros();
    let of = of as u128;
    let dividend = 1_u128 << (63 + bits);
    let first = dividend / of;
    let second = ((dividend % of) << 64) / of;
    words((first << 64) + second + 1)
}

#[expect(clippy::cast_possible_truncation, reason = "that cuts it into words")]
const fn words(both: u128) -> (u64, u64) {
    ((both >> 64) as u64, both as u64)
}

/// The product in two words.
#[inline(always)]
fn product(one: u64, other: u64) -> (u64, u64) {
    words(u128::from(one) * u128::from(other))
}

/// The bits of decimal / 10^places as a float64, to nearest; less than 10^7.
#[inline(always)]
fn rounded(decimal: u64, places: usize) -> u64 {
    /// Bits of a mantissa that are stored, and of an exponent that stands for 0.
    const STORED: u32 = 52;
    const BIAS: i64 = 1023;
    /// Bits of the product beyond a mantissa, one to round by and one that may be its first.
    const BEYOND: u32 = 64 - STORED - 3;
    if decimal == 0 {
        return 0;
    }
    let zeros = decimal.leading_zeros();
    let scaled = decimal << zeros;
    let (factor, more) = RECIPROCALS[places];
    let (mut high, low) = product(scaled, factor);
    if high & ((1 << BEYOND) - 1) == (1 << BEYOND) - 1 {
        let (rest, _) = product(scaled, more);
        high += u64::from(low.overflowing_add(rest).1);
    }
    let first = (high >> 63) as u32;
    let mantissa = high >> (first + BEYOND);
    // Never half-way between two floats: that is an odd number of 54 bits times 5^places, which is more than
    // ten million, the most there can be before the point, times 10^places.
    let mantissa = (mantissa + (mantissa & 1)) >> 1;
    // log2(10) in 16 bits behind the point.
    let power = ((-(places as i64) * 217_706) >> 16) + 63 + i64::from(first) - i64::from(zeros);
    // The first bit of the mantissa isn't stored; where rounding gave it one more, that is the exponent's.
    (((power + BIAS) as u64) << STORED) + mantissa - (1 << STORED)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The field in the middle of other text.
    fn parse(field: &str) -> Option<f64> {
        let text = format!("{:24}{field},8.12345", "12.5,");
        parse_plain(text.as_bytes(), 24, 24 + field.len())
    }

    fn same(field: &str) {
        let found = parse(field).map(f64::to_bits);
        let expected = fast_float2::parse::<f64, _>(field).map(f64::to_bits).ok();
        assert_eq!(found, expected, "{field:?}");
    }

    #[test]
    fn what_is_read_is_what_fast_float_reads() {
        for field in [
            "0.0",
            "-0.0",
            "1.",
            ".5",
            "-.5",
            "12.345678901234567",
            "-0.12345678901234567",
            "0.000000000000000001",
            ".0000000000000000001",
            "9999999.999999999999",
            "1234567.",
            ".9999999999999999999",
            "0.000000000000000000",
            "999999.9999999999999",
            "0.5000000000000000",
            "4503.599627370496500",
            "4503599.6273704965",
        ] {
            same(field);
        }
    }

    #[test]
    fn what_is_no_plain_decimal_is_left_to_others() {
        for field in [
            "",
            ".",
            "-",
            "-.",
            "5",
            "12345678",
            "12345678.5",
            "1.5e3",
            "1.5 ",
            " 1.5",
            "+1.5",
            "1..5",
            "1.5.",
            "1-.5",
            "1.-5",
            "1:.5",
            "1./5",
            "nan",
            "inf",
            "0.12345678901234567890",
            "12.345678901234567890",
            "1.\u{e9}",
            "\u{fffd}.5",
            "1,5",
            "\"1.5",
        ] {
            assert_eq!(parse(field), None, "{field:?}");
        }
    }

    #[test]
    fn a_field_at_either_end_of_the_text_is_left_to_others() {
        assert_eq!(parse_plain(b"1.5", 0, 3), None);
        assert_eq!(parse_plain(b"1.5,and so on, and on, and on", 0, 3), None);
        assert_eq!(parse_plain(b"before it and before it, 1.5", 25, 28), None);
        assert_eq!(parse_plain(b"1.5", 3, 3), None);
        assert_eq!(parse_plain(b"1.5", 4, 9), None);
    }

    proptest! {
        #[test]
        fn any_digits_round_as_fast_float_rounds_them(
            digits in 0..10_u64.pow(19), count in 1..=19_usize, whole in 0..8_usize, is_negative: bool,
        ) {
            let all = format!("{digits:019}");
            let (front, back) = all[19 - count..].split_at(whole.min(count));
            same(&format!("{}{front}.{back}", if is_negative { "-" } else { "" }));
        }

        /// Half-way between two floats, (2 m + 1) / 2^shift, cut after some places: next to a tie, or one.
        #[test]
        fn digits_next_to_ties_round_as_fast_float_rounds_them(
            mantissa in 1_u128 << 52..1 << 53, shift in 31..=60_u32, places in 1..=19_usize, above in 0..3_u128,
        ) {
            let half = (2 * mantissa + 1) * u128::from(POWERS_OF_TEN[places]);
            let digits = format!("{:0>1$}", (half >> shift) + above, places + 1);
            let (front, back) = digits.split_at(digits.len() - places);
            if front.len() < 8 && digits.len() <= DIGITS_MAX {
                same(&format!("{front}.{back}"));
            }
        }

        #[test]
        fn any_bytes_are_a_plain_decimal_of_fast_float_or_left_to_others(
            field in prop::collection::vec(prop::sample::select(b"0123456789.-+e ,\x00\xff/:".to_vec()), 0..24),
            behind in prop::collection::vec(any::<u8>(), 8),
        ) {
            let text = [&[b'7'; 24][..], &field, &behind].concat();
            if let Some(found) = parse_plain(&text, 24, 24 + field.len()) {
                let expected = fast_float2::parse::<f64, _>(&field).map(f64::to_bits);
                prop_assert_eq!(Ok(found.to_bits()), expected);
            }
        }
    }
}
