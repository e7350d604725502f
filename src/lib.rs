//! `prep`: split tabular data first, fit mean and variance on train only, write standardized Parquet
//! shards for both sides; in passes over files larger than memory.

pub mod artifact;
pub mod audit;
pub mod engine;
pub mod error;
pub mod job;
pub mod kernel;
pub mod pass;
pub mod report;
pub mod schema;
pub mod sink;
pub mod source;
pub mod spec;
pub mod train;
pub mod verify;

/// Version of this crate, as recorded in every output.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
