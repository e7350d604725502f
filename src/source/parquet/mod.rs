//! Parquet files: positional reads, checked footers, leaves decoded in runs of rows.

mod file;
mod footer;
mod leaf;
mod numbers;
mod numeric;

pub use file::ParquetFile;
pub use leaf::{LeafReader, LeafRun};
pub use numbers::NumberReader;
pub use numeric::NumericKind;
