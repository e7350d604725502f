//! Reading: discovery, Parquet, text, and the table they make up. Knows nothing of split or moments,
//! and writes nothing.

pub mod blocks;
pub mod parquet;
pub mod table;
