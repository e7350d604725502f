//! Reading inputs: finding files, recognizing changed ones, decoding them, and the table they make up.
//!
//! Knows nothing of split or moments, and writes nothing.

pub mod blocks;
mod digest;
pub mod discover;
pub mod parquet;
mod record;
pub mod table;
pub mod text;

pub use digest::file_digest;
pub use record::{RecordError, optional_record, record, shard};
