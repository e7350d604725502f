//! `--shuffle`: the rows of each side in a seeded random order over all its shards.
//!
//! ```text
//! pass 3, scatter   a unit's rows -> a file of segments: one for each shard of each side
//! pass 4, gather    a shard's segments of all units -> sorted by (hash, file, row) -> the shard
//! ```
//!
//! Invariant: how many shards a side has follows from its rows and the schema, so that a shard is about
//! as large as a block; neither the budget nor the threads have a say. Disk: the rows of all sides once
//! more, uncompressed. Memory: a shard's order, and of a leaf what there is room for.

mod gather;
mod leaf;
mod row;
mod scatter;

use std::path::PathBuf;

use super::write::WriteJob;
use super::{Histograms, SplitTotal, partial_name};
use crate::kernel::{file_key, hash_range};
use crate::schema::Schema;
use crate::sink::segments::SegmentFile;
use crate::source::blocks::{BLOCK_ROWS_MAX, block_rows};

pub use gather::gather;
pub(super) use row::RowShape;
pub use scatter::scatter;
pub(super) use scatter::{BlockSegments, Scatter};

/// Bytes that sorting takes a row.
const ORDER_BYTES: u64 = 20;

/// How rows are shuffled.
#[derive(Debug)]
pub struct Shuffle {
    seed: u64,
    /// The key of every input.
    keys: Vec<u64>,
    /// How many shards each side that is written has, in order.
    shards: Vec<usize>,
    /// Where segment files are.
    directory: PathBuf,
}

/// What pass 3 leaves.
#[derive(Debug)]
pub struct Scattered {
    /// The segment file of every unit, in order.
    files: Vec<SegmentFile>,
    /// How standardized values are distributed.
    histograms: Histograms,
}

impl Shuffle {
    /// The shuffle of the sides of `job` that have `sides` rows; segments go to `directory`.
    pub fn new(job: &WriteJob<'_>, sides: &SplitTotal, seed: u64, directory: PathBuf) -> Self {
        let inputs = job.context.inputs.iter();
        let rows_max = block_rows(&job.table.schema) as u64;
        let shards = job.written.iter().map(|side| {
            let shards = sides.rows_on(*side).div_ceil(rows_max).max(1);
            usize::try_from(shards).unwrap_or(usize::MAX)
        });
        Self {
            seed,
            keys: inputs.map(|input| file_key(&input.relative)).collect(),
            shards: shards.collect(),
            directory,
        }
    }

    /// Segments of a unit.
    fn segments(&self) -> usize {
        self.shards.iter().sum()
    }

    /// The first segment of the side at `place` among those that are written.
    fn first_segment(&self, place: usize) -> usize {
        self.shards.iter().take(place).sum()
    }

    /// The segment of a row of that side.
    fn segment(&self, place: usize, hash: u64) -> usize {
        self.first_segment(place) + hash_range(hash, self.shards[place])
    }

    /// Every shard: the place of its side, and its number there.
    fn all_shards(&self) -> Vec<(usize, usize)> {
        let places = self.shards.iter().enumerate();
        places
            .flat_map(|(place, shards)| (0..*shards).map(move |shard| (place, shard)))
            .collect()
    }

    fn path(&self, unit: usize) -> PathBuf {
        self.directory.join(format!("segments-{unit:07}"))
    }
}

/// What a worker holds of a shard of a table with this schema, or of any, beside what it encodes.
pub(super) fn shuffle_bytes(schema: Option<&Schema>) -> u64 {
    let rows = schema.map_or(BLOCK_ROWS_MAX, block_rows);
    rows as u64 * ORDER_BYTES
}
