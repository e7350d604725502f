//! `prep`: split tabular data first, fit mean and variance on train only, write standardized Parquet
//! shards for both sides; in passes over files larger than memory.
//!
//! [`Job`] does what `prep stream` does, [`Scaler`] applies what was fitted to Arrow record batches and takes
//! it back, [`Moments`] merge exactly. The modules behind them are public, too: what the command line is made
//! of, and less settled.

mod api;
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

pub use api::{Job, Moments, Output, Scaler};
pub use arrow_array;
#[cfg(feature = "polars")]
pub use polars;

/// Version of this crate, as recorded in every output.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
