//! CSV and TSV files: from bytes to typed columns, out of order and in parallel.
//!
//! 1. [`TextFile::open`] reads the header.
//! 2. [`TextFile::scan`] finds, for each range of a plain file and for every state the dialect's
//!    automaton might be in at its start, where records start; [`TextFile::stitch`] composes the
//!    ranges into [`TextUnit`]s, which own rows.
//! 3. [`TextFile::parse`] turns a unit into columns, each with the narrowest type over the unit;
//!    [`ColumnType::merge`] settles types over all units. A unit whose type differs in a way that
//!    matters (text kept as numbers) is parsed again, for those columns only.
//!
//! Compressed files go through [`TextFile::segments`] and [`TextFile::parse_segment`] instead.
//!
//! Invariant: rows, values, types after merging and errors depend on the file and the dialect alone,
//! never on range, segment or buffer sizes. Limits: UTF-8 only; ASCII delimiter, quote and comment;
//! records up to the dialect's limit.

mod automaton;
mod block;
mod builder;
mod column;
mod compressed;
mod cutter;
mod decimal;
mod dialect;
mod file;
mod fill;
mod header;
mod number;
mod parse;
#[cfg(test)]
mod properties;
mod reader;
mod record;
mod scan;
mod segment;
mod spans;
mod stitch;
mod structure;
#[cfg(test)]
mod tests;
mod window;

pub use column::{ColumnRequest, ColumnType, TextBatch, TextColumn, TextValues, Values};
pub use file::TextFile;
pub use header::Header;
pub use scan::RangeSummary;
pub use segment::{Segment, Segments};
pub use stitch::{SUB_CHUNK_ROWS, Stitched, TextUnit};
