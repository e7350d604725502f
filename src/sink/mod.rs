//! Writing outputs and staging files. Nothing here reads inputs or computes statistics.

pub mod cache;
