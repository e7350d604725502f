//! `Scaler`: from moments to standardized values.
//!
//! ```text
//! z = ((x - mean) - mean_lo) / scale       in f64, then one rounding to the output type
//! ```
//!
//! Invariant: a finite value never becomes NaN, and NaN is written as one canonical NaN. Limits: an
//! infinite value stays infinite (turning it to null is the caller's policy), and a result beyond
//! the output type is infinite.

use super::Moments;
use super::width::widest;

/// The one NaN that is written as `f64`.
const CANONICAL_NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0000);

/// The one NaN that is written as `f32`.
const CANONICAL_NAN_F32: f32 = f32::from_bits(0x7fc0_0000);

/// Means below this, 2^969, change the largest `f64` by less than half its last place: `x - mean`
/// cannot overflow.
const HARMLESS_MEAN: f64 = f64::from_bits((969 + 1023) << 52);

/// Values that are standardized together.
const BLOCK: usize = 128;

/// Standardizes one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnScaler {
    mean: f64,
    mean_lo: f64,
    scale: f64,
}

/// Standardizes the feature columns of a table; made from what was fitted, in their order.
///
/// ```
/// use prep_stream::kernel::{NumericRows, Scaler, Side, Sides, Welford};
///
/// let mut sides = Sides::default();
/// [Side::Train; 3].into_iter().for_each(|side| sides.push(side));
/// let mut welford = Welford::<f64>::default();
/// welford.extend(sides.train(0, NumericRows { values: &[1.0, 2.0, 3.0], valid: None }));
/// let scaler = Scaler::new(vec![welford.finish(0)]);
/// let mut standardized = vec![];
/// scaler.columns()[0].transform_into_f64(&[2.0, f64::NAN], &mut standardized);
/// assert_eq!(standardized[0], 0.0);
/// assert!(standardized[1].is_nan());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scaler {
    columns: Vec<ColumnScaler>,
    moments: Vec<Moments>,
}

impl Scaler {
    /// The scaler of columns with these moments.
    pub fn new(moments: Vec<Moments>) -> Self {
        let columns = moments.iter().map(ColumnScaler::new).collect();
        Self { columns, moments }
    }

    /// One scaler for each column, in their order.
    pub fn columns(&self) -> &[ColumnScaler] {
        &self.columns
    }

    /// What was fitted, in the same order.
    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }
}

impl ColumnScaler {
    /// The scaler of a column with these moments.
    pub fn new(moments: &Moments) -> Self {
        Self {
            mean: moments.mean(),
            mean_lo: moments.mean_lo(),
            scale: moments.scale(),
        }
    }

    /// What is subtracted.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// What is subtracted after the mean: its rounding error.
    pub fn mean_lo(&self) -> f64 {
        self.mean_lo
    }

    /// What is divided by; positive and finite.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Standardizes one value.
    #[inline]
    pub fn transform(&self, value: f64) -> f64 {
        canonical(self.standardize_any(value))
    }

    /// The value that [`ColumnScaler::transform`] standardizes to `z`, but for rounding.
    #[inline]
    pub fn inverse(&self, z: f64) -> f64 {
        canonical(self.restore_any(z))
    }

    /// Appends the standardized values.
    pub fn transform_into_f64(&self, values: &[f64], into: &mut Vec<f64>) {
        if self.mean.abs() < HARMLESS_MEAN {
            append(values, into, |value| canonical(self.standardize(value)));
        } else {
            append(values, into, |value| self.transform(value));
        }
    }

    /// Appends the standardized values, each rounded once from `f64`.
    pub fn transform_into_f32(&self, values: &[f64], into: &mut Vec<f32>) {
        if self.mean.abs() < HARMLESS_MEAN {
            append(values, into, |value| narrow(self.standardize(value)));
        } else {
            append(values, into, |value| narrow(self.standardize_any(value)));
        }
    }

    /// Appends the values that are standardized to these.
    pub fn inverse_into_f64(&self, standardized: &[f64], into: &mut Vec<f64>) {
        append(standardized, into, |z| self.inverse(z));
    }

    /// Appends the values that are standardized to these, each rounded once from `f64`.
    pub fn inverse_into_f32(&self, standardized: &[f64], into: &mut Vec<f32>) {
        append(standardized, into, |z| narrow(self.restore_any(z)));
    }

    /// `z * scale + mean`, everything a quarter as large where the product alone would overflow.
    #[inline(always)]
    fn restore_any(&self, z: f64) -> f64 {
        let value = z * self.scale + self.mean_lo + self.mean;
        if value.is_finite() || !z.is_finite() {
            return value;
        }
        (z * 0.25 * self.scale + self.mean_lo * 0.25 + self.mean * 0.25) * 4.0
    }

    #[inline(always)]
    fn standardize(&self, value: f64) -> f64 {
        ((value - self.mean) - self.mean_lo) / self.scale
    }

    /// [`ColumnScaler::standardize`] where the difference may overflow: then everything is taken a
    /// quarter as large.
    fn standardize_any(&self, value: f64) -> f64 {
        if (value - self.mean).is_finite() || !value.is_finite() {
            return self.standardize(value);
        }
        let difference = (value * 0.25 - self.mean * 0.25) - self.mean_lo * 0.25;
        difference / self.scale * 4.0
    }
}

/// Appends what becomes of each value, a block at a time: compilers make no vectors of a loop that also moves the
/// end of a list.
fn append<T: Copy + Default>(values: &[f64], into: &mut Vec<T>, each: impl Fn(f64) -> T) {
    widest(
        #[inline(always)]
        || {
            into.reserve(values.len());
            let (blocks, rest) = values.as_chunks::<BLOCK>();
            let mut made = [T::default(); BLOCK];
            for block in blocks {
                for (made, &value) in made.iter_mut().zip(block) {
                    *made = each(value);
                }
                into.extend_from_slice(&made);
            }
            into.extend(rest.iter().map(|&value| each(value)));
        },
    );
}

#[inline(always)]
fn canonical(value: f64) -> f64 {
    if value.is_nan() { CANONICAL_NAN } else { value }
}

#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the one rounding to the output type"
)]
fn narrow(value: f64) -> f32 {
    let narrow = value as f32;
    if narrow.is_nan() {
        CANONICAL_NAN_F32
    } else {
        narrow
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::width::tests::at_every_level;
    use super::*;

    proptest! {
        #[test]
        fn values_are_standardized_to_the_same_bits_at_every_vector_width(
            values in prop::collection::vec(any::<f64>(), 0..200),
            mean in prop_oneof![-10.0..10.0, any::<f64>().prop_filter("finite", |mean| mean.is_finite())],
            mean_lo in -1e-18..1e-18,
            scale in 1e-300..1e300,
        ) {
            let scaler = ColumnScaler { mean, mean_lo, scale };
            let bits = at_every_level(|| {
                let (mut wide, mut narrow) = (Vec::new(), Vec::new());
                scaler.transform_into_f64(&values, &mut wide);
                scaler.inverse_into_f64(&values, &mut wide);
                scaler.transform_into_f32(&values, &mut narrow);
                scaler.inverse_into_f32(&values, &mut narrow);
                let wide: Vec<u64> = wide.into_iter().map(f64::to_bits).collect();
                let narrow: Vec<u32> = narrow.into_iter().map(f32::to_bits).collect();
                (wide, narrow)
            });
            prop_assert!(bits.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }
}
