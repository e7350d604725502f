//! Decimals as float64: rounded once, to nearest even, whatever their width.

use num_bigint::BigInt;

/// `value / 10^scale`, correctly rounded.
pub(crate) fn decimal_to_f64(value: i64, scale: u32) -> f64 {
    const EXACT_INTEGERS: u64 = 1 << 53;
    const EXACT_POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
        1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];
    match EXACT_POWERS.get(scale as usize) {
        // Both operands are exact, so the one division rounds once.
        Some(power) if value.unsigned_abs() < EXACT_INTEGERS => value as f64 / power,
        _ => decimal_text_to_f64(&value.to_string(), scale),
    }
}

/// A big-endian two's complement integer over `10^scale`, correctly rounded.
pub(crate) fn decimal_bytes_to_f64(bytes: &[u8], scale: u32) -> f64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let leading = bytes
        .iter()
        .take_while(|byte| **byte == if negative { 0xff } else { 0 })
        .count();
    if bytes.len() - leading < 8 {
        let start = if negative { -1_i64 } else { 0 };
        let value = bytes[leading..]
            .iter()
            .fold(start, |value, byte| (value << 8) | i64::from(*byte));
        return decimal_to_f64(value, scale);
    }
    decimal_text_to_f64(&BigInt::from_signed_bytes_be(bytes).to_string(), scale)
}

fn decimal_text_to_f64(digits: &str, scale: u32) -> f64 {
    // The standard library's parser rounds correctly at any length, and accepts what is made here.
    format!("{digits}e-{scale}").parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_rounded_once() {
        assert_eq!(decimal_to_f64(12345, 2), 123.45);
        assert_eq!(decimal_to_f64(-1, 0), -1.0);
        assert_eq!(
            decimal_to_f64(9_007_199_254_740_993, 3),
            9_007_199_254_740.993
        );
        assert_eq!(decimal_bytes_to_f64(&[0xff, 0x85], 2), -1.23);
        assert_eq!(decimal_bytes_to_f64(&[], 2), 0.0);
        let wide: BigInt = BigInt::from(10_u8).pow(60) + 1;
        assert_eq!(decimal_bytes_to_f64(&wide.to_signed_bytes_be(), 30), 1e30);
        let min = BigInt::from(i64::MIN);
        assert_eq!(
            decimal_bytes_to_f64(&min.to_signed_bytes_be(), 1),
            -922337203685477580.8
        );
    }
}
