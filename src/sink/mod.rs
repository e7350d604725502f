//! Writing outputs: the staging directory, its lock, durable files, and the one rename at the end.
//!
//! Invariant: nothing outside the output's path and its staging neighbour is ever written.

mod buffers;
pub mod cache;
pub mod chunk;
mod commit;
mod dictionary;
mod extremes;
mod file_writer;
mod files;
pub mod flat;
mod hashing;
mod hybrid;
pub mod key_list;
mod ledger;
mod levels;
mod lock;
mod page_header;
mod pages;
pub mod partials;
mod placed;
mod ranges;
pub mod segments;
pub mod shard;
mod spool;
pub mod staging;

pub use files::{sync_file, write_atomically, write_synced};
pub use hashing::{HashingWriter, Written};
pub use lock::host_name;
pub use partials::{Partials, Proof};
pub use ranges::{Covered, Leaving};
pub use spool::SpoolPlace;
pub use staging::{Staging, Work};
