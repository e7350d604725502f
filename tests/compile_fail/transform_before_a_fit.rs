//! A state that isn't finished cannot transform, and makes no scaler.

use prep_stream::kernel::{ColumnScaler, Welford};

fn main() {
    let state = Welford::<f64>::default();
    let _ = ColumnScaler::transform(&state, 1.0);
    let _ = ColumnScaler::new(&state);
}
