//! One block of values that fits the second-level cache, with its sides.

use prep_stream::kernel::{
    ColumnScaler, Cuts, Fraction, HashSplit, NumericRows, SUB_CHUNK_ROWS, Sides, Welford, file_key,
    mix,
};

/// Rows of the block: 16 sub-chunks, 512 KiB of float64.
pub(crate) const ROWS: usize = 16 * SUB_CHUNK_ROWS;

pub(crate) fn values() -> Vec<f64> {
    (0..ROWS as u64)
        .map(|row| (mix(row) >> 11) as f64 * 1e-12 - 3.0)
        .collect()
}

/// Bits of a column a quarter of whose values are missing.
pub(crate) fn some_null() -> Vec<u64> {
    (0..ROWS as u64 / 64)
        .map(|word| mix(word) | mix(!word))
        .collect()
}

pub(crate) fn split() -> HashSplit {
    let fraction: Fraction = "0.2".parse().unwrap_or(Fraction::ZERO);
    HashSplit::new(42, Cuts::test(fraction))
}

pub(crate) fn assigned() -> Sides {
    let mut sides = Sides::default();
    split().assign(file_key(b"a.parquet"), 0..ROWS as u64, &mut sides);
    sides
}

pub(crate) fn fitted(values: &[f64], sides: &Sides, valid: Option<&[u64]>) -> Welford<f64> {
    let mut welford = Welford::<f64>::default();
    welford.extend(sides.train(0, NumericRows { values, valid }));
    welford
}

pub(crate) fn scaler(values: &[f64], sides: &Sides) -> ColumnScaler {
    ColumnScaler::new(&fitted(values, sides, None).finish(0))
}
