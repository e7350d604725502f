//! Writing outputs: the staging directory, its lock, durable files, and the one rename at the end.
//!
//! Invariant: nothing outside the output's path and its staging neighbour is ever written.

pub mod cache;
mod commit;
mod files;
mod hashing;
mod lock;
pub mod partials;
pub mod shard;
pub mod staging;

pub use files::{replace_synced, sync_file, write_synced};
pub use hashing::{HashingWriter, Written};
pub use lock::host_name;
pub use partials::Partials;
pub use staging::Staging;
