//! Exact sizes and shares: `--test-size 1000`, `--stratify`. A class's rows are parted at the hash of the
//! rank that its share ends at.
//!
//! One reading of the key columns as a rule: each unit holds the hashes near the ranks that its own rows
//! let expect, and the merge picks those of the true ranks. Where one isn't held (sizes in rows when a
//! filter keeps an unknown number, keys of many rows), the units are read again and hold more.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::classes::{ClassId, Classes};
use super::groups::Groups;
use super::key::HASH_RUN_ROWS;
use super::leaf::PieceRows;
use super::narrow::is_kept;
use super::{ClassTotal, SplitPlan, SplitTotal, used};
use crate::engine::Pass;
use crate::error::{Error, Result, UsageError};
use crate::kernel::{Cuts, FoldCount, HeldOut, Ranks, Side, Sides, Threshold, apportion};
use crate::pass::partial_name;
use crate::schema::Schema;
use crate::sink::Partials;
use crate::source::table::{OpenUnit, Table};
use crate::spec::{Size, SplitBy, SplitSpec};

/// The most classes: each has its own ranks.
const CLASSES_MAX: usize = 1 << 12;

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

/// What one unit, or all, say of the ranks of hashes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Ranked {
    pub(super) classes: BTreeMap<ClassId, RankedClass>,
    pub(super) null_keys: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RankedClass {
    pub(super) name: String,
    pub(super) ranks: Ranks,
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

    /// Parts the classes at their ranks; `None` if a hash that is needed isn't held.
    fn part(&mut self, ranked: &Ranked) -> Result<Option<Vec<ClassTotal>>> {
        let sizes: Vec<u64> = ranked
            .classes
            .values()
            .map(|class| class.ranks.rows())
            .collect();
        let parts = apportion(&sizes, held_out(self.test, self.val, sizes.iter().sum())?);
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

impl Ranked {
    fn merge(&mut self, other: Self) {
        self.null_keys += other.null_keys;
        for (id, class) in other.classes {
            match self.classes.get_mut(&id) {
                Some(known) => known.ranks.merge(&class.ranks),
                None => drop(self.classes.insert(id, class)),
            }
        }
    }

    fn check(&self, column: &str) -> Result<()> {
        check_classes(self.classes.len(), column)
    }
}

/// Refuses more classes than are kept apart.
pub(super) fn check_classes(classes: usize, column: &str) -> Result<()> {
    if classes <= CLASSES_MAX {
        return Ok(());
    }
    let error = UsageError::TooManyClasses {
        column: column.to_owned(),
        limit: CLASSES_MAX,
    };
    Err(Error::from(error).hint("name a column of fewer values, or give numbers --stratify-bins"))
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
            return self.settle_groups(partials, table, directory);
        }
        let mut rows = self.rows_expected(table);
        for (sweep, reach) in REACHES.into_iter().enumerate() {
            let ranked = self.rank(partials, table, sweep, rows, reach)?;
            rows = ranked
                .classes
                .values()
                .map(|class| class.ranks.rows())
                .sum();
            let Some(exact) = &mut self.exact else {
                break;
            };
            if let Some(classes) = exact.part(&ranked)? {
                return Ok(self.total(table, ranked.null_keys, classes));
            }
        }
        // Every hash was held, so every rank was found.
        Ok(SplitTotal::default())
    }

    /// About how many rows are used: exactly, unless there is a sample or a filter.
    pub(super) fn rows_expected(&self, table: &Table) -> u64 {
        let rows = table.rows();
        self.sample.map_or(rows, |share| share.rows_of(rows))
    }

    pub(super) fn total(
        &self,
        table: &Table,
        null_keys: u64,
        classes: Vec<ClassTotal>,
    ) -> SplitTotal {
        let mut total = SplitTotal {
            null_keys,
            ..SplitTotal::default()
        };
        let mut left_out = table.rows();
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
        let Some(exact) = &self.exact else {
            return Ok(Ranked::default());
        };
        // Rows that are too few for what was asked are an error once their number is known.
        let centers = exact.centers(rows).or_else(|error| match sweep {
            0 => Ok(vec![u64::MAX; 2]),
            _ => Err(error),
        })?;
        let mut ranked = Ranked::default();
        context.ordered(table.units.len()).run(
            |index| {
                let (unit, name) = (&table.units[index], partial_name(Pass::Split, index));
                let kept = (sweep == 0).then(|| partials.take_up(&name)).flatten();
                let partial = match kept {
                    Some(partial) => partial,
                    None => {
                        let open = OpenUnit::new(table, unit, context.memory);
                        let partial = self.rank_unit(exact, &open, &Ranks::new(&centers, reach))?;
                        if sweep == 0 {
                            partials.keep(&name, &partial, Vec::new())?;
                        }
                        partial
                    }
                };
                if sweep == 0 {
                    context.advanced(Pass::Split, unit.rows as u64, 0);
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
