//! Sums over runs of rows, eight side by side: one sum would wait for each addition before the next.

use crate::kernel::widest;

const LANES: usize = 8;

/// The sum of `term` over the values.
#[inline(always)]
pub(super) fn lanes(values: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    pair_lanes(values, values, |value, _| term(value))
}

/// The sum of `term` over the rows of two columns of as many.
#[inline(always)]
pub(super) fn pair_lanes(x: &[f64], y: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    widest(
        #[inline(always)]
        || sum(x, y, term),
    )
}

#[inline(always)]
fn sum(x: &[f64], y: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (x, y) in x.iter().zip(y) {
        for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
            *sum += term(*x, *y);
        }
    }
    let rest = x_rest.iter().zip(y_rest).map(|(x, y)| term(*x, *y));
    sums.into_iter().sum::<f64>() + rest.sum::<f64>()
}
