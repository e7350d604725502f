//! `--stratify-bins`: where the bins of numeric classes end, by a sample of all rows in use.
//!
//! One more reading of the column before the ranks are sought. Limit: 16,384 rows are sampled.

use super::SplitPlan;
use super::classes::Classes;
use super::key::HASH_RUN_ROWS;
use super::leaf::PieceRows;
use super::narrow::is_kept;
use crate::error::Result;
use crate::kernel::{BottomSample, Domain, file_key, row_hashes};
use crate::source::table::{OpenUnit, Table};

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
        let (mut numbers, mut hashes) = (Vec::new(), Vec::new());
        let take = |rows: PieceRows<'_>, kept: &[u64]| {
            classes.numbers(rows, &mut numbers)?;
            let key = file_key(&self.context.inputs[open.store(rows.piece).input].relative);
            row_hashes(seed, Domain::BINS, key, rows.in_file(), &mut hashes);
            for (row, (hash, number)) in hashes.iter().zip(&numbers).enumerate() {
                if is_kept(kept, row) {
                    sample.push(*hash, *number);
                }
            }
            Ok(())
        };
        self.narrow
            .each_run(self.context, open, HASH_RUN_ROWS, take)?;
        sample.tidy();
        Ok(sample)
    }
}
