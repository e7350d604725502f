//! Exact sizes and shares: `--test-size 1000`, `--stratify`. A class's rows are parted at the hash of the
//! rank that its share ends at.
//!
//! One reading of the key columns as a rule: each unit holds the hashes near the ranks that its own rows
//! let expect, and the merge picks those of the true ranks. Where one isn't held (sizes in rows when a
//! filter keeps an unknown number, keys of many rows), the units are read again and hold more.

use std::collections::BTreeMap;
use std::path::Path;

use super::classes::{ClassId, Classes};
use super::groups::Groups;
use super::key::HASH_RUN_ROWS;
use super::leaf::PieceRows;
use super::narrow::is_kept;
use super::ranked::{Ranked, RankedClass};
use super::{ClassTotal, SplitPlan, SplitTotal, used};
use crate::engine::Pass;
use crate::error::{Result, UsageError};
use crate::kernel::{Cuts, FoldCount, HeldOut, Ranks, Side, Sides, Threshold, apportion};
use crate::pass::partial_name;
use crate::schema::Schema;
use crate::sink::Partials;
use crate::source::table::{OpenUnit, Table};
use crate::spec::{Size, SplitBy, SplitSpec};

/// How far from the expected rank hashes are held, in standard deviations, sweep by sweep; the last is
/// all of them.
pub(super) const REACHES: [f64; 5] = [8.0, 8.0, 64.0, 1024.0, 1e30];

/// Sides of exact sizes, or of classes that keep their shares.
#[derive(Debug)]
pub(super) struct Exact {
    pub(super) test: Size,
    pub(super) val: Size,
    pub(super) classes: Option<Classes>,
    pub(super) bins: Option<u32>,
    /// Name of the column that classes are made of.
    pub(super) column: String,
    pub(super) seed: u64,
    /// Where each class is parted, once its ranks are known.
    cuts: BTreeMap<ClassId, Cuts>,
    /// The sides of whole groups, if those decide, once they are known.
    pub(super) groups: Option<Groups>,
    /// How many folds there are in place of sides, if there are.
    folds: Option<FoldCount>,
    /// Where the folds of each class end, likewise.
    pub(super) fold_cuts: BTreeMap<ClassId, Vec<Threshold>>,
}

impl Exact {
    /// `None` if the sides are shares of all rows, which need no ranks.
    ///
    /// # Errors
    /// When the column of `--stratify` has no classes.
    pub(super) fn new(schema: &Schema, spec: &SplitSpec) -> Result<Option<Self>> {
        if !spec.is_exact() || matches!(spec.by, SplitBy::Time(_)) {
            return Ok(None);
        }
        let stratify = spec.stratify.as_ref();
        let bins = stratify.and_then(|stratify| stratify.bins);
        let classes = match stratify {
            Some(stratify) => Classes::new(schema, &stratify.column, bins.is_some())?,
            None => None,
        };
        Ok(Some(Self {
            test: spec.test_size,
            val: spec.val_size.unwrap_or(Size::ZERO),
            classes,
            bins,
            column: stratify.map_or_else(String::new, |stratify| stratify.column.clone()),
            seed: spec.seed,
            cuts: BTreeMap::new(),
            groups: None,
            folds: spec.folds.map(|folds| folds.count),
            fold_cuts: BTreeMap::new(),
        }))
    }

    /// About where the sides, or the folds, end among the hashes of `rows` rows.
    fn centers(&self, rows: u64) -> Result<Vec<u64>> {
        if let Some(folds) = self.folds {
            return Ok(folds.ends());
        }
        let HeldOut { test, both } = held_out(self.test, self.val, rows)?;
        let center = |part: u64| {
            let hash = (u128::from(part) << 64) / u128::from(rows.max(1));
            u64::try_from(hash).unwrap_or(u64::MAX)
        };
        Ok(vec![center(test), center(both)])
    }

    /// Ranks of nothing, around those that the sides of `rows` rows are expected to end at.
    fn no_ranks(&self, rows: u64, sweep: usize, reach: f64) -> Result<Ranks> {
        // Rows that are too few for what was asked are an error once their number is known.
        let centers = self.centers(rows).or_else(|error| match sweep {
            0 => Ok(vec![u64::MAX; 2]),
            _ => Err(error),
        })?;
        Ok(Ranks::new(&centers, reach))
    }

    /// Parts the classes at their ranks; `None` if a hash that is needed isn't held.
    fn part(&mut self, ranked: &Ranked) -> Result<Option<Vec<ClassTotal>>> {
        let classes = ranked.classes.values();
        let sizes: Vec<u64> = classes.map(|class| class.ranks.rows()).collect();
        let parts = apportion(&sizes, held_out(self.test, self.val, ranked.rows())?);
        let mut totals = Vec::with_capacity(sizes.len());
        for ((id, class), part) in ranked.classes.iter().zip(parts) {
            let (Some((test, tests)), Some((both, held_out))) =
                (class.ranks.cut(part.test), class.ranks.cut(part.both))
            else {
                return Ok(None);
            };
            self.cuts.insert(*id, Cuts::between(test, both));
            totals.push(ClassTotal {
                name: class.name.clone(),
                train: class.ranks.rows() - held_out,
                val: held_out - tests,
                test: tests,
            });
        }
        Ok(Some(totals))
    }

    /// Appends the sides of some rows with these hashes.
    pub(super) fn assign(
        &self,
        rows: PieceRows<'_>,
        hashes: &[u64],
        sides: &mut Sides,
    ) -> Result<()> {
        if let Some(groups) = &self.groups {
            return groups.assign(hashes, sides);
        }
        let Some(classes) = &self.classes else {
            let cuts = self.cuts.get(&0).copied();
            cuts.unwrap_or(Cuts::NONE).assign(hashes, sides);
            return Ok(());
        };
        let mut ids = Vec::new();
        classes.of_rows(rows, &mut ids, None)?;
        let mut last = (0, Cuts::NONE);
        for (id, hash) in ids.into_iter().zip(hashes) {
            if id != last.0 {
                last = (id, self.cuts.get(&id).copied().unwrap_or(Cuts::NONE));
            }
            sides.push(last.1.side(*hash));
        }
        Ok(())
    }
}

/// The rows to hold out of `rows`; shares are rounded up.
///
/// # Errors
/// [`UsageError::TooFewRows`].
pub(super) fn held_out(test: Size, val: Size, rows: u64) -> Result<HeldOut> {
    let of = |size: Size| match size {
        Size::Share(share) => share.rows_of(rows),
        Size::Rows(rows) => rows,
    };
    let shares = test.share().zip(val.share());
    let sum = shares.and_then(|(test, val)| test.checked_add(val));
    let both = match sum {
        Some(sum) => sum.rows_of(rows),
        None => of(test).saturating_add(of(val)),
    };
    if both > rows {
        let flag = match test {
            Size::Rows(_) => "--test-size",
            Size::Share(_) => "--val-size",
        };
        let asked = both;
        return Err(UsageError::TooFewRows { flag, asked, rows }.into());
    }
    let test = of(test);
    Ok(HeldOut { test, both })
}

impl SplitPlan<'_> {
    /// Finds where exact sides end; the rows on each side follow from that.
    pub(super) fn settle(
        &mut self,
        partials: &Partials,
        table: &Table,
        directory: &Path,
    ) -> Result<SplitTotal> {
        self.settle_bins(table)?;
        if self.is_by_groups() {
            return match self.folds {
                Some(count) => self.settle_group_folds(partials, table, directory, count),
                None => self.settle_groups(partials, table, directory),
            };
        }
        let mut rows = self.rows_expected(table.rows());
        for (sweep, reach) in REACHES.into_iter().enumerate() {
            let ranked = self.rank(partials, table, sweep, rows, reach)?;
            rows = ranked.rows();
            if let Some(total) = self.part(&ranked, table.rows())? {
                return Ok(total);
            }
        }
        // Every hash was held, so every rank was found.
        Ok(SplitTotal::default())
    }

    /// Whether the sides follow from the ranks of all rows.
    pub(in crate::pass) fn is_ranked(&self) -> bool {
        self.exact.is_some()
    }

    /// Parts the classes at the ranks that sides or folds end at; `rows` are all that there are. `None`
    /// if a hash that is needed isn't held.
    pub(in crate::pass) fn part(
        &mut self,
        ranked: &Ranked,
        rows: u64,
    ) -> Result<Option<SplitTotal>> {
        let folds = self.folds;
        let Some(exact) = &mut self.exact else {
            return Ok(None);
        };
        ranked.check(&exact.column)?;
        let Some(count) = folds else {
            let classes = exact.part(ranked)?;
            return Ok(classes.map(|classes| self.total(rows, ranked.null_keys, classes)));
        };
        let parted = exact.part_folds(ranked, count);
        Ok(parted.map(|(folds, classes)| {
            let left_out = rows.saturating_sub(folds.iter().sum());
            SplitTotal {
                classes,
                ..SplitTotal::of_folds(folds, left_out, ranked.null_keys)
            }
        }))
    }

    /// About how many rows are used: exactly, unless there is a sample or a filter.
    pub(super) fn rows_expected(&self, rows: u64) -> u64 {
        self.sample.map_or(rows, |share| share.rows_of(rows))
    }

    pub(super) fn total(&self, rows: u64, null_keys: u64, classes: Vec<ClassTotal>) -> SplitTotal {
        let mut total = SplitTotal {
            null_keys,
            ..SplitTotal::default()
        };
        let mut left_out = rows;
        for class in &classes {
            for (side, rows) in [
                (Side::Train, class.train),
                (Side::Val, class.val),
                (Side::Test, class.test),
            ] {
                total.by_side[side.index()] += rows;
                left_out -= rows.min(left_out);
            }
        }
        total.by_side[Side::LeftOut.index()] = left_out;
        if self
            .exact
            .as_ref()
            .is_some_and(|exact| exact.classes.is_some())
        {
            total.classes = classes;
        }
        total
    }

    /// One sweep: the ranks of all units.
    pub(super) fn rank(
        &self,
        partials: &Partials,
        table: &Table,
        sweep: usize,
        rows: u64,
        reach: f64,
    ) -> Result<Ranked> {
        let context = self.context;
        let mut ranked = Ranked::default();
        let Some(exact) = &self.exact else {
            return Ok(ranked);
        };
        let none = exact.no_ranks(rows, sweep, reach)?;
        context.ordered(table.units.len()).run(
            |index| {
                if sweep > 0 {
                    let open = OpenUnit::new(table, &table.units[index], context.memory);
                    return self.rank_unit(exact, &open, &none);
                }
                let (partial, is_new) = self.first_ranks(partials, table, &none, index)?;
                if is_new {
                    let name = partial_name(Pass::Split, table.units[index].index);
                    partials.keep(&name, &partial, Vec::new())?;
                }
                Ok(partial)
            },
            |_, partial: Ranked| {
                ranked.merge(partial);
                ranked.check(&exact.column)
            },
        )?;
        Ok(ranked)
    }

    /// The ranks of no rows yet, as the first sweep over `rows` rows begins with them.
    pub(in crate::pass) fn no_ranks(&self, rows: u64) -> Result<Ranks> {
        let none = |exact: &Exact| exact.no_ranks(self.rows_expected(rows), 0, REACHES[0]);
        self.exact
            .as_ref()
            .map_or_else(|| Ok(Ranks::new(&[], 0.0)), none)
    }

    /// The first sweep of a unit, and whether nobody has kept it.
    pub(in crate::pass) fn first_ranks(
        &self,
        partials: &Partials,
        table: &Table,
        none: &Ranks,
        index: usize,
    ) -> Result<(Ranked, bool)> {
        let unit = &table.units[index];
        let ranked = partials.already_or(&partial_name(Pass::Split, unit.index), || {
            let open = OpenUnit::new(table, unit, self.context.memory);
            let exact = self.exact.as_ref();
            exact.map_or_else(
                || Ok(Ranked::default()),
                |exact| self.rank_unit(exact, &open, none),
            )
        })?;
        self.context.advanced(Pass::Split, unit.rows as u64, 0);
        Ok(ranked)
    }

    fn rank_unit(&self, exact: &Exact, open: &OpenUnit<'_>, none: &Ranks) -> Result<Ranked> {
        let mut ranked = Ranked::default();
        let (mut ids, mut names) = (Vec::new(), BTreeMap::new());
        let mut hashes = Vec::new();
        let take = |rows: PieceRows<'_>, kept: &[u64]| {
            let mut nulls = vec![0; rows.rows.div_ceil(64)];
            self.by.hash(rows, &mut hashes, &mut nulls)?;
            ranked.null_keys += used(&nulls, kept);
            ids.clear();
            ids.resize(hashes.len(), 0);
            if let Some(classes) = &exact.classes {
                classes.of_rows(rows, &mut ids, Some(&mut names))?;
            }
            for (row, (id, hash)) in ids.iter().zip(&hashes).enumerate() {
                if is_kept(kept, row) {
                    let class = ranked.classes.entry(*id).or_insert_with(|| RankedClass {
                        name: names.get(id).cloned().unwrap_or_default(),
                        ranks: none.clone(),
                    });
                    class.ranks.push(*hash);
                }
            }
            ranked.check(&exact.column)
        };
        self.narrow
            .each_run(self.context, open, HASH_RUN_ROWS, take)?;
        ranked
            .classes
            .values_mut()
            .for_each(|class| class.ranks.tidy());
        Ok(ranked)
    }
}
