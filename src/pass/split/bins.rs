//! `--stratify-bins`: where the bins of numeric classes end, by a sample of all rows in use.
//!
//! One more reading of the column before the ranks are sought. Limit: 16,384 rows are sampled.

use super::SplitPlan;
use super::classes::Classes;
use super::key::HASH_RUN_ROWS;
use super::leaf::PieceRows;
use crate::engine::guarded;
use crate::error::{Place, Result};
use crate::kernel::{BottomSample, Domain, file_key, row_hashes};
use crate::source::table::{OpenUnit, Piece, Table};

impl SplitPlan<'_> {
    /// Finds where the bins of numeric classes end, by a sample of all rows in use.
    pub(super) fn settle_bins(&mut self, table: &Table) -> Result<()> {
        let Some((exact, classes, bins)) = self
            .exact
            .as_ref()
            .and_then(|exact| Some((exact, exact.classes.as_ref()?, exact.bins?)))
        else {
            return Ok(());
        };
        let context = self.context;
        let mut sample = BottomSample::default();
        context.ordered(table.units.len()).run(
            |index| {
                let open = OpenUnit::new(table, &table.units[index], context.memory);
                self.sample_unit(exact.seed, classes, &open)
            },
            |_, partial| {
                sample.merge(&partial);
                Ok(())
            },
        )?;
        let binned = classes.with_edges(sample.edges(bins));
        if let Some(exact) = &mut self.exact {
            exact.classes = Some(binned);
        }
        Ok(())
    }

    fn sample_unit(
        &self,
        seed: u64,
        classes: &Classes,
        open: &OpenUnit<'_>,
    ) -> Result<BottomSample> {
        let mut sample = BottomSample::default();
        for piece in &open.unit.pieces {
            let input = &self.context.inputs[open.store(piece).input];
            guarded(|| self.sample_piece(seed, classes, open, piece, &mut sample))
                .map_err(|error| error.at(Place::path(&input.path)))?;
        }
        sample.tidy();
        Ok(sample)
    }

    fn sample_piece(
        &self,
        seed: u64,
        classes: &Classes,
        open: &OpenUnit<'_>,
        piece: &Piece,
        sample: &mut BottomSample,
    ) -> Result<()> {
        let (mut numbers, mut hashes) = (Vec::new(), Vec::new());
        let kept = self.narrow.kept(self.context, open, piece)?;
        let key = file_key(&self.context.inputs[open.store(piece).input].relative);
        for rows in PieceRows::runs(self.context, open, piece, HASH_RUN_ROWS) {
            classes.numbers(rows, &mut numbers)?;
            row_hashes(seed, Domain::BINS, key, rows.in_file(), &mut hashes);
            for ((row, hash), number) in (rows.first..).zip(&hashes).zip(&numbers) {
                if kept[row / 64] >> (row % 64) & 1 == 1 {
                    sample.push(*hash, *number);
                }
            }
        }
        Ok(())
    }
}
