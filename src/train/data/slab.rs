//! `Pieces`: the pieces of one side in the order of one epoch, put together to slabs.
//!
//! A slab is the shuffle buffer: for training, pieces come in a random order, and the rows of a slab
//! in a random order too; so a row moves among the rows of the pieces that its slab holds, 64 MiB or
//! 262,144 rows of the whole side, whichever is less. A side that fits is shuffled evenly. Threads
//! read ahead, four at most; the order follows from seed and epoch alone.

use super::piece::{self, Block, Part};
use super::{DataSet, Labels, PIECE_BYTES_MAX, PIECE_ROWS_MAX, Piece, Side, VALUE_BYTES};
use crate::engine::{Cancel, Ordered};
use crate::error::Result;
use crate::kernel::{Domain, Fraction};
use crate::train::random::Random;

/// More would hold more pieces in memory, and networks are slower than this.
const READERS_MAX: usize = 4;
/// A slab is full once its rows or bytes reach those of so many pieces.
const PIECES_PER_SLAB: u64 = 4;

/// How the pieces of a side are read.
#[derive(Clone, Copy)]
pub(in crate::train) struct Pieces<'a> {
    pub(in crate::train) data: &'a DataSet,
    pub(in crate::train) labels: &'a Labels,
    pub(in crate::train) seed: u64,
    pub(in crate::train) part: Fraction,
    pub(in crate::train) threads: usize,
    pub(in crate::train) cancel: &'a Cancel,
}

/// Rows, and the order in which they are to be taken.
#[derive(Debug)]
pub(in crate::train) struct Slab {
    pub(in crate::train) block: Block,
    pub(in crate::train) order: Vec<usize>,
}

impl Pieces<'_> {
    /// The train rows in the random order of an epoch.
    pub(in crate::train) fn train(
        &self,
        epoch: usize,
        mut take: impl FnMut(Slab) -> Result<()>,
    ) -> Result<()> {
        let side = &self.data.train;
        let mut pieces = side.pieces.clone();
        let mut random = Random::new(self.seed, Domain::TRAINER_ORDER, epoch as u64);
        random.shuffle(&mut pieces);
        self.read(side, &pieces, |block| {
            let mut order: Vec<usize> = (0..block.rows()).collect();
            random.shuffle(&mut order);
            take(Slab { block, order })
        })
    }

    /// The test rows in the order of the shards.
    pub(in crate::train) fn test(&self, mut take: impl FnMut(Slab) -> Result<()>) -> Result<()> {
        let side = &self.data.test;
        self.read(side, &side.pieces, |block| {
            let order = (0..block.rows()).collect();
            take(Slab { block, order })
        })
    }

    fn read(
        &self,
        side: &Side,
        pieces: &[Piece],
        mut take: impl FnMut(Block) -> Result<()>,
    ) -> Result<()> {
        let ordered = Ordered {
            threads: self.threads.min(READERS_MAX),
            count: pieces.len(),
            cancel: self.cancel,
        };
        let part = Part {
            seed: self.seed,
            threshold: self.part.threshold(),
        };
        let features = self.data.features();
        let mut slab = Block::default();
        ordered.run(
            |index| piece::read(self.data, side, self.labels, part, pieces[index]),
            |_, block| {
                slab.append(block);
                if is_full(slab.rows() as u64, features as u64) {
                    take(std::mem::take(&mut slab))?;
                }
                Ok(())
            },
        )?;
        if slab.rows() > 0 { take(slab) } else { Ok(()) }
    }
}

fn is_full(rows: u64, features: u64) -> bool {
    rows >= PIECES_PER_SLAB * PIECE_ROWS_MAX
        || rows * features * VALUE_BYTES >= PIECES_PER_SLAB * PIECE_BYTES_MAX
}
