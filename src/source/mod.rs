//! Reading inputs: finding files, recognizing changed ones, decoding them.
//!
//! Knows nothing of split or moments and writes nothing.

pub mod discover;
