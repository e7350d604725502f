//! A scaler comes from moments, and moments from a fit.

use prep_stream::kernel::{ColumnScaler, Moments};

fn main() {
    let _ = ColumnScaler { mean: 0.0, mean_lo: 0.0, scale: 1.0 };
    let _ = Moments { count: 1, mean: 0.0, ..Default::default() };
}
