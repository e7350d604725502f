//! `--folds` with `--stratify` by groups: every fold has its share of each class as nearly as whole groups allow.
//!
//! The counts are those of [`super::groups`], gone through twice: for the rows of each class and the largest
//! groups, which are dealt before all others; and to deal. Memory: 65,536 counts more, of the largest groups.

use std::collections::BTreeMap;
use std::path::Path;

use super::classes::ClassId;
use super::exact::Exact;
use super::groups::{Groups, Spilled};
use super::{ClassTotal, SplitPlan, SplitTotal};
use crate::error::Result;
use crate::kernel::{Fold, FoldCount, GroupFolds, KeyRows, LargestGroups};
use crate::sink::Partials;
use crate::sink::key_list::KeyListWriter;
use crate::source::table::Table;

impl SplitPlan<'_> {
    /// Finds the fold of every group; the rows in each follow from that.
    pub(super) fn settle_group_folds(
        &mut self,
        partials: &Partials,
        table: &Table,
        directory: &Path,
        count: FoldCount,
    ) -> Result<SplitTotal> {
        let Some(exact) = &self.exact else {
            return Ok(SplitTotal::default());
        };
        let spilled = self.spill(exact, partials, table, directory)?;
        let (rows, largest) = self.classes_and_largest(&spilled)?;
        let mut folds = GroupFolds::new(count, &rows);
        let dealt = largest.into_groups().filter_map(|group| {
            let hash = group.first()?.hash;
            Some((hash, folds.fold(&group)))
        });
        let dealt: BTreeMap<u64, Fold> = dealt.collect();
        let groups = self.deal_rest(&spilled, (&mut folds, &dealt), directory, count)?;
        let total = total(table, &spilled, &rows, &folds);
        if let Some(exact) = &mut self.exact {
            exact.groups = Some(groups);
        }
        Ok(total)
    }

    /// The rows of each class, and the groups that are dealt first.
    fn classes_and_largest(
        &self,
        spilled: &Spilled,
    ) -> Result<(BTreeMap<ClassId, u64>, LargestGroups)> {
        let (mut rows, mut largest) = (BTreeMap::new(), LargestGroups::default());
        self.sweep(
            spilled,
            |counts| counts,
            |counts| {
                for counted in &counts {
                    *rows.entry(counted.class).or_default() += counted.rows;
                }
                by_key(&counts).for_each(|group| largest.offer(group));
                Ok(())
            },
        )?;
        Ok((rows, largest))
    }

    /// Deals the groups that aren't dealt yet, and writes the lists of keys.
    fn deal_rest(
        &self,
        spilled: &Spilled,
        (folds, dealt): (&mut GroupFolds, &BTreeMap<u64, Fold>),
        directory: &Path,
        count: FoldCount,
    ) -> Result<Groups> {
        let others = count.folds().filter(|fold| *fold != count.last());
        let lists =
            others.map(|fold| KeyListWriter::create(&directory.join(format!("keys-{fold}"))));
        let mut lists = lists.collect::<Result<Vec<_>>>()?;
        self.sweep(
            spilled,
            |counts| counts,
            |counts| {
                for group in by_key(&counts) {
                    let hash = group.first().map_or(0, |counted| counted.hash);
                    let fold = dealt.get(&hash).copied();
                    let fold = fold.unwrap_or_else(|| folds.fold(group));
                    if let Some(list) = lists.get_mut(fold.number()) {
                        list.push(hash)?;
                    }
                }
                Ok(())
            },
        )?;
        let lists = lists.into_iter().map(KeyListWriter::finish);
        let lists = lists.collect::<Result<_>>()?;
        Ok(Groups { lists })
    }
}

impl Exact {
    /// The folds of rows whose keys have these hashes, if those of whole groups are known.
    pub(super) fn group_folds(
        &self,
        hashes: &[u64],
        count: FoldCount,
    ) -> Result<Option<Vec<Fold>>> {
        let Some(groups) = &self.groups else {
            return Ok(None);
        };
        let of_list = |list: usize| count.folds().nth(list).unwrap_or(count.last());
        let found = groups.find(hashes)?;
        Ok(Some(found.into_iter().map(of_list).collect()))
    }
}

/// The counts of each key, in order.
fn by_key(counts: &[KeyRows]) -> impl Iterator<Item = &[KeyRows]> {
    counts.chunk_by(|one, next| one.hash == next.hash)
}

fn total(
    table: &Table,
    spilled: &Spilled,
    rows: &BTreeMap<ClassId, u64>,
    folds: &GroupFolds,
) -> SplitTotal {
    let folds = folds.rows().to_vec();
    let left_out = table.rows().saturating_sub(folds.iter().sum());
    let classes = rows.iter().map(|(class, rows)| ClassTotal {
        test: *rows,
        ..ClassTotal::named(spilled.names.get(class).cloned().unwrap_or_default())
    });
    SplitTotal {
        classes: classes.collect(),
        ..SplitTotal::of_folds(folds, left_out, spilled.null_keys)
    }
}
