//! Reading: discovery, Parquet, text. Knows nothing of split or moments; writes nothing.
pub mod parquet;
