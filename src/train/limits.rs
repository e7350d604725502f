//! What a validation may take: fixed buffers, and as many readers as the budget has room for.
//!
//! ```text
//! budget = the process + networks + one slab + readers x (own buffers + the pieces it runs ahead)
//! ```
//!
//! Invariant: only the number of readers follows from the budget, and readers change no result. Limit:
//! what a network takes is an estimate, within a factor of two.

use crate::error::{Error, ErrorKind, Result};
use crate::spec::{Optimizer, Resources, TrainingSpec};

/// The most bytes of a piece, unless [`PIECE_ROWS_MIN`] rows have more.
pub(super) const PIECE_BYTES_MAX: u64 = 16 << 20;
/// The most rows of a piece.
pub(super) const PIECE_ROWS_MAX: u64 = 65_536;
/// Fewer rows would make a piece all overhead.
const PIECE_ROWS_MIN: u64 = 64;
/// A slab is full once its rows or bytes reach those of so many pieces.
const PIECES_PER_SLAB: u64 = 4;
/// A row takes a float32 for each feature, raw and standardized.
const VALUE_BYTES: u64 = 8;

/// What the process needs whatever it does.
const FLOOR_BYTES: u64 = 64 << 20;
/// Pages and decoded values of one column.
const READER_BYTES: u64 = 24 << 20;
/// A reader works on one piece while two wait for their turn.
const PIECES_PER_READER: u64 = 3;
/// Networks are slower than this.
const READERS_MAX: u64 = 4;
/// The most networks at a time: those of `--diagnose`.
const NETWORKS: u64 = 4;
/// Rows of a batch on test, where their number changes nothing.
pub(super) const TEST_BATCH_ROWS: usize = 4_096;
/// Of a batch: what goes in, what comes out, and its gradient.
const COPIES_OF_A_BATCH: u64 = 3;

/// A network and the rows that it is trained on, for what they take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'a> {
    pub(super) features: usize,
    pub(super) outputs: usize,
    /// Train rows; a batch has no more.
    pub(super) rows: u64,
    pub(super) training: &'a TrainingSpec,
}

/// The most rows of a piece with so many features.
pub(super) fn piece_rows(features: usize) -> u64 {
    let fitting = PIECE_BYTES_MAX / (VALUE_BYTES * features.max(1) as u64);
    fitting.clamp(PIECE_ROWS_MIN, PIECE_ROWS_MAX)
}

/// How many rows make a slab full; it has at most a piece more.
pub(super) fn slab_rows(features: usize) -> u64 {
    PIECES_PER_SLAB * piece_rows(features)
}

/// The least memory in bytes that a validation with the default network needs.
pub fn memory_floor(features: usize) -> u64 {
    Shape {
        features,
        outputs: 1,
        rows: u64::MAX,
        training: &TrainingSpec::default(),
    }
    .floor()
}

/// How many readers there is room for.
///
/// # Errors
/// [`ErrorKind::Budget`] if there isn't room for one.
pub(super) fn readers(shape: Shape<'_>, resources: Resources) -> Result<usize> {
    let features = shape.features;
    let (needed, allowed) = (shape.floor(), resources.memory_bytes_max);
    let Some(spare) = allowed.checked_sub(needed) else {
        let what = format!("training on {features} features");
        return Err(Error::from(ErrorKind::Budget {
            what,
            needed,
            allowed,
        })
        .hint(format!("give it --memory {}MiB", needed.div_ceil(1 << 20))));
    };
    let readers = 1 + spare / reader_bytes(features);
    let readers = usize::try_from(readers.min(READERS_MAX)).unwrap_or(1);
    Ok(readers.min(resources.threads.max(1)))
}

impl Shape<'_> {
    fn floor(self) -> u64 {
        let data = slab_bytes(self.features) + reader_bytes(self.features);
        FLOOR_BYTES
            .saturating_add(data)
            .saturating_add(self.networks_bytes())
    }

    fn networks_bytes(self) -> u64 {
        let hidden = self.training.hidden.iter().copied();
        let widths = [self.features]
            .into_iter()
            .chain(hidden)
            .chain([self.outputs]);
        let widths: Vec<u64> = widths.map(|width| width as u64).collect();
        let weights: u64 = widths.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
        // Weights and gradients; Adam remembers two more.
        let copies = match self.training.optimizer {
            Optimizer::Sgd => 2,
            Optimizer::Adam => 4,
        };
        let batch = self.rows.min(self.training.batch_size as u64);
        let batch = batch.max(TEST_BATCH_ROWS as u64);
        let cells = batch.saturating_mul(COPIES_OF_A_BATCH * widths.iter().sum::<u64>());
        (copies * weights)
            .saturating_add(cells)
            .saturating_mul(4 * NETWORKS)
    }
}

fn slab_bytes(features: usize) -> u64 {
    (slab_rows(features) + piece_rows(features)) * row_bytes(features)
}

fn reader_bytes(features: usize) -> u64 {
    READER_BYTES + PIECES_PER_READER * piece_rows(features) * row_bytes(features)
}

/// Features, and what goes with them: target, order, part.
fn row_bytes(features: usize) -> u64 {
    VALUE_BYTES * features as u64 + 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_has_room_for_readers_or_is_refused_with_what_it_takes() {
        let training = TrainingSpec::default();
        for features in [1, 28, 8_000, 100_000] {
            let shape = Shape {
                features,
                outputs: 1,
                rows: 1_000,
                training: &training,
            };
            let readers = |memory_bytes_max, threads| {
                let resources = Resources {
                    threads,
                    memory_bytes_max,
                };
                readers(shape, resources)
            };
            let floor = memory_floor(features);
            assert_eq!(readers(floor, 8).unwrap(), 1);
            assert_eq!(readers(floor + 3 * reader_bytes(features), 8).unwrap(), 4);
            assert_eq!(readers(1 << 40, 8).unwrap(), 4);
            assert_eq!(readers(1 << 40, 2).unwrap(), 2);
            let refused = readers(floor - 1, 8).unwrap_err();
            assert_eq!(refused.exit_code(), 6);
            assert!(refused.to_string().contains(&floor.to_string()));
        }
        assert!(memory_floor(28) < 256 << 20);
    }

    #[test]
    fn batches_and_layers_count_as_far_as_there_are_rows_for_them() {
        let floor = |batch_size, hidden: &[usize], rows| {
            let training = TrainingSpec {
                batch_size,
                hidden: hidden.to_vec(),
                ..TrainingSpec::default()
            };
            Shape {
                features: 10,
                outputs: 3,
                rows,
                training: &training,
            }
            .floor()
        };
        let small = floor(32, &[64, 64], 1 << 40);
        assert_eq!(floor(1 << 30, &[64, 64], 1_000), small);
        assert!(floor(1 << 30, &[64, 64], 1 << 40) > 1 << 38);
        assert!(floor(32, &[4_096; 16], 1_000) > 3 << 30);
    }
}
