//! Parquet files: positional reads, checked footers, leaves decoded in runs of rows.

mod decimal;
mod file;
mod footer;
mod header;
mod leaf;
mod numbers;
mod pages;

pub use file::ParquetFile;
pub use leaf::{LeafReader, LeafRun};
pub use numbers::NumberReader;
