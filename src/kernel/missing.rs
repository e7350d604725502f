//! Finding infinities. What happens to them is the caller's policy; here they are only seen.

use num_traits::Float;

use super::width::widest;

/// How many values are looked at before the first decision; a multiple of any vector width.
const BLOCK: usize = 256;

/// The index of the first infinity of either sign.
///
/// ```
/// use prep_stream::kernel::first_infinite;
///
/// assert_eq!(first_infinite(&[1.0, f64::NAN, f64::NEG_INFINITY]), Some(2));
/// ```
pub fn first_infinite(values: &[f64]) -> Option<usize> {
    let block = values
        .chunks(BLOCK)
        .position(|block| count_infinite(block) > 0)?;
    let start = block * BLOCK;
    values[start..]
        .iter()
        .position(|value| value.is_infinite())
        .map(|index| start + index)
}

/// How many values are infinite, of either sign.
pub fn count_infinite(values: &[f64]) -> u64 {
    values
        .iter()
        .map(|value| u64::from(value.abs() == f64::INFINITY))
        .sum()
}

/// Whether there is an infinite value, of either sign.
pub fn any_infinite<T: Float>(values: &[T]) -> bool {
    widest(
        #[inline(always)]
        || {
            // No early end: one pass without a branch is a fraction of a cycle for each value.
            values
                .iter()
                .fold(false, |any, value| any | value.is_infinite())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_infinity_is_found_wherever_it_is() {
        for length in [0, 1, 255, 256, 257, 1000] {
            let mut values = vec![f64::NAN; length];
            assert_eq!(
                (first_infinite(&values), count_infinite(&values)),
                (None, 0)
            );
            assert!(!any_infinite(&values));
            for index in (0..length).rev().step_by(7) {
                values[index] = f64::NEG_INFINITY;
                assert!(any_infinite(&values));
                assert_eq!(first_infinite(&values), Some(index));
            }
        }
        assert_eq!(
            count_infinite(&[f64::MAX, f64::INFINITY, f64::NEG_INFINITY]),
            2
        );
    }
}
