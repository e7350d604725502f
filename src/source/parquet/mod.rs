//! Parquet files: positional reads, checked footers, leaves decoded in runs of rows.

mod decimal;
mod file;
mod footer;
mod leaf;
mod numbers;

pub use file::ParquetFile;
pub use leaf::{LeafReader, LeafRun};
pub use numbers::NumberReader;
