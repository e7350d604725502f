//! Mode `row`: a hash of seed, relative path and row index decides, as `docs/split.md` says.
//!
//! Stateless: the side of a row is computed again wherever it is needed, about a nanosecond a row.

use super::leaf::PieceRows;
use super::{Context, file_keys};
use crate::error::Result;
use crate::kernel::{Cuts, Domain, HashSplit, Sides, row_hashes};
use crate::source::table::{OpenUnit, Piece};

/// Rows hashed between two looks at whether to stop: some milliseconds.
const HASH_RUN_ROWS: u64 = 4 << 20;

/// The sides that the hash gives.
#[derive(Debug)]
pub(super) struct ByRow {
    seed: u64,
    domain: Domain,
    split: HashSplit,
    keys: Vec<u64>,
}

impl ByRow {
    /// The split of the inputs with this seed.
    pub(super) fn new(context: Context<'_>, seed: u64, cuts: Cuts, has_folds: bool) -> Self {
        Self {
            seed,
            domain: match has_folds {
                false => Domain::SPLIT,
                true => Domain::FOLD,
            },
            split: HashSplit::new(seed, cuts),
            keys: file_keys(context),
        }
    }

    /// Replaces `hashes` by those of some rows.
    pub(super) fn hash(&self, rows: PieceRows<'_>, hashes: &mut Vec<u64>) {
        let key = self.keys[rows.open.store(rows.piece).input];
        row_hashes(self.seed, self.domain, key, rows.in_file(), hashes);
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
