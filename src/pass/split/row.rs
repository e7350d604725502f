//! Mode `row`: a hash of seed, relative path and row index decides, as `docs/split.md` says.
//!
//! Stateless: the side of a row is computed again wherever it is needed, about a nanosecond a row.

use super::Context;
use crate::error::Result;
use crate::kernel::{Cuts, HashSplit, Sides, file_key};
use crate::source::table::{OpenUnit, Piece};

/// Rows hashed between two looks at whether to stop: some milliseconds.
const HASH_RUN_ROWS: u64 = 4 << 20;

/// The sides that the hash gives.
#[derive(Debug)]
pub(super) struct ByRow {
    split: HashSplit,
    keys: Vec<u64>,
}

impl ByRow {
    /// The split of the inputs with this seed.
    pub(super) fn new(context: Context<'_>, seed: u64, cuts: Cuts) -> Self {
        Self {
            split: HashSplit::new(seed, cuts),
            keys: context
                .inputs
                .iter()
                .map(|input| file_key(&input.relative))
                .collect(),
        }
    }

    /// Appends the sides of a piece.
    pub(super) fn assign(
        &self,
        context: Context<'_>,
        open: &OpenUnit<'_>,
        piece: &Piece,
        sides: &mut Sides,
    ) -> Result<()> {
        let key = self.keys[open.store(piece).input];
        let end = piece.first_row + piece.rows as u64;
        let mut row = piece.first_row;
        while row < end {
            context.cancel.check()?;
            let next = end.min(row + HASH_RUN_ROWS);
            self.split.assign(key, row..next, sides);
            row = next;
        }
        Ok(())
    }
}
