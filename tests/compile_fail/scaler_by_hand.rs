//! A scaler comes from moments, and moments from a fit.

use prep_stream::kernel::{ColumnScaler, Scaler};

fn main() {
    let _ = ColumnScaler { mean: 0.0, mean_lo: 0.0, scale: 1.0 };
    let _ = Scaler { columns: Vec::new(), moments: Vec::new() };
}
