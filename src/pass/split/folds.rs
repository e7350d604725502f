//! Folds: which fold each row is in, by a hash of its own, or by the rank of that hash in the row's class.
//!
//! Stateless like the modes of sides: folds are computed again wherever they are needed; with classes,
//! the ranks that their folds end at are settled first. The order in which classes are dealt is that of
//! their key hashes.

use super::exact::Exact;
use super::key::HASH_RUN_ROWS;
use super::leaf::PieceRows;
use super::narrow::is_kept;
use super::ranked::Ranked;
use super::{ClassTotal, SplitPlan, SplitTotal, used};
use crate::error::Result;
use crate::kernel::{Fold, FoldCount, Folds, Side, Sides, deal};
use crate::sink::Partials;
use crate::source::table::OpenUnit;

/// Which rows one writing takes, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsOf {
    /// Each row to its side.
    Sides,
    /// All rows to one place, each with the number of its fold.
    AllFolds,
    /// Each row to the side that this fold puts it on.
    Fold(Fold),
}

/// Where the rows of a unit go.
#[derive(Debug)]
pub struct Routed {
    /// The side of each row.
    pub sides: Sides,
    /// The fold of each row, where it is to be written.
    pub folds: Option<Folds>,
}

impl SplitTotal {
    /// Rows of each fold; none without folds.
    pub fn folds(&self) -> &[u64] {
        &self.folds
    }

    /// Rows that are on some side, or in some fold.
    pub fn used(&self) -> u64 {
        Side::WRITTEN.iter().map(|side| self.rows_on(*side)).sum()
    }

    /// What a fold makes of the rows: its own are test, those of the others train.
    #[must_use]
    pub fn held_out(&self, fold: Fold) -> Self {
        let test = self.folds.get(fold.number()).copied().unwrap_or(0);
        let mut total = Self::default();
        total.by_side[Side::Test.index()] = test;
        total.by_side[Side::Train.index()] = self.used().saturating_sub(test);
        total.by_side[Side::LeftOut.index()] = self.rows_on(Side::LeftOut);
        total
    }

    /// Rows by fold; those of folds are on no side of train rows.
    pub(super) fn of_folds(folds: Vec<u64>, left_out: u64, null_keys: u64) -> Self {
        let mut total = Self {
            null_keys,
            ..Self::default()
        };
        total.by_side[Side::Test.index()] = folds.iter().sum();
        total.by_side[Side::LeftOut.index()] = left_out;
        total.folds = folds;
        total
    }
}

impl SplitPlan<'_> {
    /// The sides of a unit's rows, once for each scaler that is fitted: as they are, or as each fold
    /// makes them.
    ///
    /// # Errors
    /// When a column that has a say can't be read.
    pub fn fitted_sides(&self, partials: &Partials, open: &OpenUnit<'_>) -> Result<Vec<Sides>> {
        let Some(count) = self.folds else {
            return Ok(vec![self.sides(partials, open)?]);
        };
        let folds = self.folds(partials, open, count)?;
        Ok(count.folds().map(|fold| folds.held_out(fold)).collect())
    }

    /// Where the rows of a unit go.
    ///
    /// # Errors
    /// When a column that has a say can't be read.
    pub fn routed(&self, partials: &Partials, open: &OpenUnit<'_>, rows: RowsOf) -> Result<Routed> {
        let (Some(count), true) = (self.folds, rows != RowsOf::Sides) else {
            let (sides, folds) = (self.sides(partials, open)?, None);
            return Ok(Routed { sides, folds });
        };
        let folds = self.folds(partials, open, count)?;
        Ok(match rows {
            RowsOf::Fold(fold) => Routed {
                sides: folds.held_out(fold),
                folds: None,
            },
            RowsOf::Sides | RowsOf::AllFolds => Routed {
                sides: folds.undivided(),
                folds: Some(folds),
            },
        })
    }

    /// How many scalers are fitted.
    pub fn scalers(&self) -> usize {
        self.folds.map_or(1, |count| count.folds().len())
    }

    /// The fold of every row of a unit, and how many of those in use have a key with a null.
    pub(super) fn folds_of(&self, open: &OpenUnit<'_>, count: FoldCount) -> Result<(Folds, u64)> {
        let (mut folds, mut null_keys) = (Folds::default(), 0);
        let (mut hashes, mut ids) = (Vec::new(), Vec::new());
        let take = |rows: PieceRows<'_>, kept: &[u64]| {
            let mut nulls = vec![0; rows.rows.div_ceil(64)];
            self.by.hash(rows, &mut hashes, &mut nulls)?;
            null_keys += used(&nulls, kept);
            let Some(exact) = &self.exact else {
                for (row, hash) in hashes.iter().enumerate() {
                    folds.push(is_kept(kept, row).then(|| count.of_hash(*hash)));
                }
                return Ok(());
            };
            if let Some(of_rows) = exact.group_folds(&hashes, count)? {
                for (row, fold) in of_rows.into_iter().enumerate() {
                    folds.push(is_kept(kept, row).then_some(fold));
                }
                return Ok(());
            }
            ids.clear();
            ids.resize(hashes.len(), 0);
            if let Some(classes) = &exact.classes {
                classes.of_rows(rows, &mut ids, None)?;
            }
            for (row, (id, hash)) in ids.iter().zip(&hashes).enumerate() {
                let cuts = exact.fold_cuts.get(id).map_or(&[][..], Vec::as_slice);
                folds.push(is_kept(kept, row).then(|| count.of_cuts(cuts, *hash)));
            }
            Ok(())
        };
        self.narrow
            .each_run(self.context, open, HASH_RUN_ROWS, take)?;
        Ok((folds, null_keys))
    }

    /// Pass 1 of a unit whose folds follow from its own rows: counts those of each.
    pub(super) fn count_folds(
        &self,
        partials: &Partials,
        open: &OpenUnit<'_>,
        count: FoldCount,
    ) -> Result<SplitTotal> {
        let (folds, null_keys) = self.folds_of(open, count)?;
        self.keep(partials, open, &folds)?;
        let rows = folds.rows_by_fold(count);
        let left_out = folds.len() as u64 - rows.iter().sum::<u64>();
        Ok(SplitTotal::of_folds(rows, left_out, null_keys))
    }
}

impl Exact {
    /// Parts the classes at the ranks that their folds end at: rows of each fold, and the classes.
    /// `None` if a hash that is needed isn't held.
    pub(super) fn part_folds(
        &mut self,
        ranked: &Ranked,
        count: FoldCount,
    ) -> Option<(Vec<u64>, Vec<ClassTotal>)> {
        let classes = ranked.classes.values();
        let sizes: Vec<u64> = classes.map(|class| class.ranks.rows()).collect();
        let mut folds = vec![0; count.folds().len()];
        let mut totals = Vec::with_capacity(sizes.len());
        for ((id, class), dealt) in ranked.classes.iter().zip(deal(&sizes, count)) {
            let (mut rank, mut before, mut cuts) = (0, 0, Vec::with_capacity(folds.len()));
            let (last, others) = folds.split_last_mut()?;
            for (fold, rows) in others.iter_mut().zip(dealt) {
                rank += rows;
                let (cut, below) = class.ranks.cut(rank)?;
                *fold += below - before;
                before = below;
                cuts.push(cut);
            }
            *last += class.ranks.rows() - before;
            self.fold_cuts.insert(*id, cuts);
            totals.push(ClassTotal {
                name: class.name.clone(),
                train: 0,
                val: 0,
                test: class.ranks.rows(),
            });
        }
        Some((folds, totals))
    }
}
