//! `Limits`: what an audit may hold in memory.
//!
//! ```text
//! a quarter of --memory     fingerprints of rows, and of keys, together; the rest is spilled
//! an eighth                 sampled values and rows of all features
//! for each thread           one row group's fingerprints and labels, and one column
//! the rest                  pages too large for that
//! ```
//!
//! Invariant: threads follow from the memory as well; what is sampled follows from the output's shape
//! alone, so that the report is the same with any budget. Refused is what can't fit with one thread.

use super::columns::Watched;
use super::published::Published;
use crate::error::{Error, ErrorKind, Result};
use crate::spec::Resources;

/// What the process needs whatever it does.
const FLOOR_BYTES: u64 = 64 << 20;
/// Bytes of a column chunk, its pages and values in flight.
const COLUMN_BYTES: u64 = 24 << 20;
/// Bytes of words for each row of a row group: fingerprint, key, and the two records they become.
const ROW_BYTES: u64 = 2 * 8 + 2 * 16;
/// Bytes of a label for each row of a row group.
const LABEL_BYTES: u64 = 2 * 8;
/// Bytes of a sampled value.
const VALUE_BYTES: u64 = 64;
/// Bytes of a feature's counts.
const FEATURE_BYTES: u64 = 12 << 10;
/// Bytes of sampled values of all features of one shard.
const SAMPLE_BYTES: u64 = 8 << 20;
/// Sampled values a feature.
const CAPACITY: [u64; 2] = [64, 4096];
/// Sampled rows of train.
const SAMPLED_ROWS: [u64; 2] = [256, 8192];

/// Numbers that bound the audit's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub threads: usize,
    /// Bytes of fingerprints in memory, in each store.
    pub prints_bytes: u64,
    /// Bytes of large pages, of all threads together.
    pub pages_bytes: u64,
    /// Distinct values kept of each feature.
    pub value_capacity: usize,
    /// Train rows whose hash is below this are sampled.
    pub sample_below: u64,
}

impl Limits {
    /// What `resources` allow for this output.
    pub(super) fn new(
        published: &Published,
        watched: &Watched,
        resources: Resources,
    ) -> Result<Self> {
        let columns = published.columns.len().max(1) as u64;
        let features = watched.features.len().max(1) as u64;
        let samples = (watched.labels.len().max(1) as u64) * features;
        let capacity = (SAMPLE_BYTES / VALUE_BYTES / samples).clamp(CAPACITY[0], CAPACITY[1]);
        let sampled = (SAMPLE_BYTES / 8 / columns).clamp(SAMPLED_ROWS[0], SAMPLED_ROWS[1]);
        let train_rows = published.sides.first().map_or(0, |side| side.rows);

        let labels = watched.labels.len() as u64 * LABEL_BYTES;
        let rows = published.largest_row_group();
        let state = samples * capacity * VALUE_BYTES + features * FEATURE_BYTES;
        // Finished states wait for their turn, two a thread.
        let thread = COLUMN_BYTES + rows * (ROW_BYTES + labels) + 3 * state;
        let fixed = FLOOR_BYTES + state + columns * sampled * 8;
        let allowed = resources.memory_bytes_max;
        let needed = fixed + thread + (allowed / 4).min(FLOOR_BYTES / 4);
        if allowed < needed {
            let what = format!("the audit of {columns} columns in row groups of {rows} rows");
            return Err(Error::from(ErrorKind::Budget {
                what,
                needed,
                allowed,
            })
            .hint(format!("give it --memory {}MiB", needed.div_ceil(1 << 20))));
        }
        let stores = if watched.group.is_empty() { 1 } else { 2 };
        let prints_bytes = allowed / 4;
        let rest = allowed.saturating_sub(fixed + prints_bytes);
        let threads = (rest / thread).clamp(1, resources.threads.max(1) as u64);
        Ok(Self {
            threads: usize::try_from(threads).unwrap_or(usize::MAX),
            pages_bytes: rest.saturating_sub(threads * thread),
            prints_bytes: prints_bytes / stores,
            value_capacity: usize::try_from(capacity).unwrap_or(usize::MAX),
            sample_below: sample_below(sampled, train_rows),
        })
    }
}

/// The bound below which the hashes of about `wanted` of `rows` rows lie.
fn sample_below(wanted: u64, rows: u64) -> u64 {
    let share = (u128::from(wanted) << 64) / u128::from(rows.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}
