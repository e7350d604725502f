//! `--shuffle`: the rows of each side in a seeded random order over all its shards.
//!
//! ```text
//! pass 3, scatter   a unit's rows -> a file of segments: one for each shard of each side
//! pass 4, gather    a shard's segments of all units -> sorted by (hash, file, row) -> the shard
//! ```
//!
//! Invariant: how many shards a side has follows from its rows, the schema and the bytes that the table is
//! stored in, so that a shard is about as large as a block; neither the budget nor the threads have a say. Disk: the rows of all sides once
//! more, uncompressed. Memory: a shard's order, and of a leaf what there is room for. Where processes do the
//! units of pass 3, the one that commits does pass 4.

mod gather;
mod leaf;
mod row;
mod scatter;

use std::path::{Path, PathBuf};

use super::write::WriteJob;
use super::{Histograms, SplitTotal, partial_name};
use crate::kernel::{file_key, hash_range};
use crate::schema::Schema;
use crate::sink::segments::SegmentFile;
use crate::source::blocks::{BLOCK_ROWS_MAX, block_rows};

pub use gather::gather;
pub(super) use row::RowShape;
pub(super) use scatter::{BlockSegments, Scatter};
pub use scatter::{scatter, scatter_units};

/// Bytes that sorting takes a row.
const ORDER_BYTES: u64 = 20;
/// Bytes of a shard, before compression, and the fewest rows that bytes divide a side by.
const SHARD_BYTES: u128 = 128 << 20;
const SHARD_ROWS_MIN: u64 = 64;

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
    /// Where they are until they are whole, and part of their names, if other processes may write the same.
    attempt: Option<PathBuf>,
}

/// Rows and uncompressed bytes of all units of a job.
#[derive(Debug, Clone, Copy)]
pub struct AllRows {
    /// Rows.
    pub rows: u64,
    /// Bytes, as footers say.
    pub bytes: u64,
}

/// What pass 3 leaves.
#[derive(Debug)]
pub struct Scattered {
    /// The segment file of every unit, in order, and where it is.
    files: Vec<(PathBuf, SegmentFile)>,
    /// How standardized values are distributed.
    histograms: Histograms,
}

impl Shuffle {
    /// The shuffle of the sides of `job` that have `sides` rows, of `all` rows; segments go to `directory`.
    pub fn new(
        job: &WriteJob<'_>,
        all: AllRows,
        sides: &SplitTotal,
        seed: u64,
        directory: PathBuf,
    ) -> Self {
        let inputs = job.context.inputs.iter();
        let table = Stored {
            rows_max: block_rows(&job.table.schema) as u64,
            rows: all.rows,
            bytes: all.bytes,
        };
        let shards = job.written.iter().map(|side| {
            let shards = table.shards(sides.rows_on(*side));
            usize::try_from(shards).unwrap_or(usize::MAX)
        });
        Self {
            seed,
            keys: inputs.map(|input| file_key(&input.relative)).collect(),
            shards: shards.collect(),
            directory,
            attempt: None,
        }
    }

    /// The same in one of several processes, whose own directory this is.
    #[must_use]
    pub fn attempted_in(self, attempt: &Path) -> Self {
        Self {
            attempt: Some(attempt.to_path_buf()),
            ..self
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

    /// The name of a unit's segment file. Threads write it in any order, so that two attempts at a unit leave
    /// other bytes: each has a name of its own.
    fn name(&self, unit: usize) -> String {
        let attempt = self.attempt.as_ref().and_then(|path| path.file_name());
        let attempt = attempt.map(|name| format!("-{}", name.to_string_lossy()));
        format!("segments-{unit:07}{}", attempt.unwrap_or_default())
    }
}

/// What decides how many shards rows make.
#[derive(Debug, Clone, Copy)]
struct Stored {
    /// Rows of a shard by the widths of the columns.
    rows_max: u64,
    /// Rows of the whole table.
    rows: u64,
    /// Its bytes before compression, as footers say: texts may be longer than a type tells.
    bytes: u64,
}

impl Stored {
    /// How many shards these rows make, at least one: as many as their number or their share of the bytes
    /// asks for.
    fn shards(&self, rows: u64) -> u64 {
        let bytes = u128::from(self.bytes) * u128::from(rows) / u128::from(self.rows.max(1));
        let by_bytes = u64::try_from(bytes.div_ceil(SHARD_BYTES)).unwrap_or(u64::MAX);
        // Whatever a footer claims.
        let by_bytes = by_bytes.min(rows / SHARD_ROWS_MIN);
        rows.div_ceil(self.rows_max).max(by_bytes).max(1)
    }
}

/// What a worker holds of a shard of a table with this schema, or of any, beside what it encodes.
pub(super) fn shuffle_bytes(schema: Option<&Schema>) -> u64 {
    let rows = schema.map_or(BLOCK_ROWS_MAX, block_rows);
    rows as u64 * ORDER_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_follow_from_rows_and_from_bytes_whichever_asks_for_more() {
        let of = |rows_max, rows, bytes| Stored {
            rows_max,
            rows,
            bytes,
        };
        let cases = [
            (of(1 << 20, 3 << 20, 1 << 20), 2 << 20, 2),
            (of(1 << 20, 3 << 20, 1 << 20), (2 << 20) + 1, 3),
            // Texts: a quarter of the rows has a quarter of the bytes.
            (of(1 << 20, 1 << 20, 1 << 30), 1 << 18, 2),
            (of(1 << 20, 1 << 20, 1 << 30), 1 << 20, 8),
            (of(1 << 20, 1 << 20, 1 << 30), 0, 1),
            // A footer that lies, and no table.
            (of(1 << 20, 1000, u64::MAX), 1000, 15),
            (of(1 << 20, 0, 0), 0, 1),
        ];
        for (table, rows, shards) in cases {
            assert_eq!(table.shards(rows), shards, "{table:?}, {rows} rows");
        }
    }
}
