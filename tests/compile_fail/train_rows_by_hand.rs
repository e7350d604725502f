//! Train rows have no constructor but the split.

use prep_stream::kernel::{NumericRows, Sides, TrainRows};

fn main() {
    let rows = NumericRows { values: &[1.0, 2.0], valid: None };
    let sides = Sides::default();
    let _ = TrainRows { sides: &sides, first: 0, column: rows };
}
