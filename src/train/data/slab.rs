//! `Pieces`: the pieces of one side in the order of one epoch, put together to slabs.
//!
//! A slab is the shuffle buffer: for training, pieces come in a random order, and the rows of a slab
//! in a random order too; so a row moves among the rows of the pieces that its slab holds, 64 MiB or
//! 262,144 rows of the whole side, whichever is less. A side that fits is shuffled evenly. Threads
//! read ahead, four at most; the order follows from seed and epoch alone.

use super::piece::{self, Block, Part};
use super::{DataSet, Labels, Piece, Side};
use crate::engine::{Cancel, Ordered};
use crate::error::Result;
use crate::kernel::{Domain, Fraction};
use crate::train::limits::{piece_rows, slab_rows};
use crate::train::random::Random;

/// How the pieces of a side are read.
#[derive(Clone, Copy)]
pub(in crate::train) struct Pieces<'a> {
    pub(in crate::train) data: &'a DataSet,
    pub(in crate::train) labels: &'a Labels,
    pub(in crate::train) seed: u64,
    pub(in crate::train) part: Fraction,
    /// Threads that read ahead.
    pub(in crate::train) readers: usize,
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
            threads: self.readers,
            count: pieces.len(),
            cancel: self.cancel,
        };
        let part = Part {
            seed: self.seed,
            threshold: self.part.threshold(),
        };
        let features = self.data.features();
        let full = slab_rows(features);
        let rows: u64 = pieces.iter().map(|piece| piece.rows).sum();
        let room = usize::try_from(rows.min(full + piece_rows(features))).unwrap_or(0);
        let mut slab = Block::default();
        ordered.run(
            |index| piece::read(self.data, side, self.labels, part, pieces[index]),
            |_, block| {
                slab.append(block, room);
                if slab.rows() as u64 >= full {
                    take(std::mem::take(&mut slab))?;
                }
                Ok(())
            },
        )?;
        if slab.rows() > 0 { take(slab) } else { Ok(()) }
    }
}
