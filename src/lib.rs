//! `prep`: split tabular data first, fit mean and variance on train only, write standardized Parquet
//! shards for both sides; in passes over files larger than memory.

pub mod engine;
pub mod error;
pub mod job;
pub mod kernel;
pub mod report;
pub mod spec;
