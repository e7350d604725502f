//! A fit takes train rows, and only a split makes those.

use prep_stream::kernel::{NumericRows, Welford};

fn main() {
    let rows = NumericRows { values: &[1.0, 2.0], valid: None };
    Welford::<f64>::default().extend(rows);
}
