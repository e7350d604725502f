//! `--stratify` by groups: classes keep their shares as nearly as whole groups allow.
//!
//! ```text
//! spill   each unit: (key hash, class, rows), parted by ranges of hashes, in a file
//! count   range by range, of all units: the groups, the class of each, and the rows of each class
//! decide  range by range once more: the side of each group, in the order of hashes
//! ```
//!
//! Invariant: what is decided follows from the rows alone: ranges and units only say what is held at a
//! time. The keys of test and of val groups, or of all folds but the last, end up in a sorted list each, in the
//! staging directory; any other key is a train key, or one of the last fold. Disk: 20 bytes for each key of each run of 262,144 rows. Memory: 20 MiB for
//! each thread, whatever the number of groups.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::classes::ClassId;
use super::exact::{Exact, held_out};
use super::leaf::PieceRows;
use super::narrow::is_kept;
use super::ranked::check_classes;
use super::{By, ClassTotal, KeyColumns, SplitPlan, SplitTotal, used};
use crate::engine::Pass;
use crate::error::Result;
use crate::kernel::{
    GroupFill, KeyRows, Side, Sides, apportion, hash_range, key_groups, merge_key_rows,
};
use crate::pass::partial_name;
use crate::sink::Partials;
use crate::sink::key_list::{KeyList, KeyListWriter};
use crate::sink::segments::{ChunkId, SegmentFile, SegmentWriter, read_segments};
use crate::source::table::{OpenUnit, Table};

/// Rows that are counted at a time.
const SPILL_ROWS: usize = 1 << 18;
/// Rows in a range of hashes, about.
const RANGE_ROWS: u64 = 1 << 17;
/// Key hash, class, rows.
const COUNT_BYTES: usize = 20;

/// The side or the fold of every group.
#[derive(Debug)]
pub(super) struct Groups {
    /// The keys of test and of val, or of each fold but the last.
    pub(super) lists: Vec<KeyList>,
}

/// What one unit leaves.
#[derive(Debug, Serialize, Deserialize)]
struct GroupPartial {
    file: SegmentFile,
    names: BTreeMap<ClassId, String>,
    null_keys: u64,
}

/// What all units left.
pub(super) struct Spilled {
    files: Vec<(PathBuf, SegmentFile)>,
    ranges: usize,
    pub(super) names: BTreeMap<ClassId, String>,
    pub(super) null_keys: u64,
}

impl Groups {
    /// For each of these hashes the index of the list that it is in, or how many lists there are.
    pub(super) fn find(&self, hashes: &[u64]) -> Result<Vec<usize>> {
        let mut pairs: Vec<(u64, u32)> = hashes.iter().copied().zip(0..).collect();
        pairs.sort_unstable();
        let mut found = vec![self.lists.len(); hashes.len()];
        for (index, list) in self.lists.iter().enumerate() {
            list.find(&pairs, |row| found[row as usize] = index)?;
        }
        Ok(found)
    }

    /// Appends the sides of rows whose keys have these hashes.
    pub(super) fn assign(&self, hashes: &[u64], sides: &mut Sides) -> Result<()> {
        for list in self.find(hashes)? {
            sides.push(match list {
                0 => Side::Test,
                1 => Side::Val,
                _ => Side::Train,
            });
        }
        Ok(())
    }
}

impl SplitPlan<'_> {
    /// Whether whole groups are to keep the shares of classes.
    pub(super) fn is_by_groups(&self) -> bool {
        let has_classes = self
            .exact
            .as_ref()
            .is_some_and(|exact| exact.classes.is_some());
        let by_groups =
            matches!(&self.by, By::Key(by) if matches!(by.columns, KeyColumns::Group(_)));
        has_classes && by_groups
    }

    /// Finds the side of every group; the rows on each side follow from that.
    pub(super) fn settle_groups(
        &mut self,
        partials: &Partials,
        table: &Table,
        directory: &Path,
    ) -> Result<SplitTotal> {
        let Some(exact) = &self.exact else {
            return Ok(SplitTotal::default());
        };
        let spilled = self.spill(exact, partials, table, directory)?;
        let (groups, classes) = self.decide(exact, &spilled, directory)?;
        if let Some(exact) = &mut self.exact {
            exact.groups = Some(groups);
        }
        Ok(self.total(table.rows(), spilled.null_keys, classes))
    }

    pub(super) fn spill(
        &self,
        exact: &Exact,
        partials: &Partials,
        table: &Table,
        directory: &Path,
    ) -> Result<Spilled> {
        let context = self.context;
        let ranges = self.rows_expected(table.rows()).div_ceil(RANGE_ROWS).max(1);
        let mut spilled = Spilled {
            files: Vec::with_capacity(table.units.len()),
            ranges: usize::try_from(ranges).unwrap_or(usize::MAX),
            names: BTreeMap::new(),
            null_keys: 0,
        };
        let ranges = spilled.ranges;
        let path = |unit: usize| directory.join(format!("groups-{unit:07}"));
        context.ordered(table.units.len()).run(
            |index| {
                let (unit, name) = (&table.units[index], partial_name(Pass::Split, index));
                let partial = match partials.take_up(&name) {
                    Some(partial) => partial,
                    None => {
                        let open = OpenUnit::new(table, unit, context.memory);
                        let path = path(index);
                        let writer = SegmentWriter::create(&path, ranges)?;
                        let partial = self.spill_unit(exact, &open, writer, ranges)?;
                        let file = partials.file(&path, partial.file.written);
                        partials.keep(&name, &partial, vec![file])?;
                        partial
                    }
                };
                context.advanced(Pass::Split, unit.rows as u64, 0);
                Ok(partial)
            },
            |index, partial: GroupPartial| {
                spilled.files.push((path(index), partial.file));
                spilled.null_keys += partial.null_keys;
                for (class, name) in partial.names {
                    spilled.names.entry(class).or_insert(name);
                }
                check_classes(spilled.names.len(), &exact.column)
            },
        )?;
        Ok(spilled)
    }

    fn spill_unit(
        &self,
        exact: &Exact,
        open: &OpenUnit<'_>,
        writer: SegmentWriter,
        ranges: usize,
    ) -> Result<GroupPartial> {
        let (mut null_keys, mut names) = (0, BTreeMap::new());
        let (mut hashes, mut ids, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        let mut parts = vec![Vec::new(); ranges];
        let mut run = 0;
        let take = |rows: PieceRows<'_>, kept: &[u64]| {
            let mut nulls = vec![0; rows.rows.div_ceil(64)];
            self.by.hash(rows, &mut hashes, &mut nulls)?;
            null_keys += used(&nulls, kept);
            let mut of_run = BTreeMap::new();
            if let Some(classes) = &exact.classes {
                classes.of_rows(rows, &mut ids, Some(&mut of_run))?;
            }
            counts.clear();
            let pairs = hashes.iter().zip(&ids).enumerate();
            let pairs = pairs.filter(|(row, _)| is_kept(kept, *row));
            counts.extend(pairs.map(|(_, (hash, class))| KeyRows {
                hash: *hash,
                class: *class,
                rows: 1,
            }));
            merge_key_rows(&mut counts);
            for counted in &counts {
                // Rows that are kept out name no class.
                let name = || of_run.get(&counted.class).cloned().unwrap_or_default();
                names.entry(counted.class).or_insert_with(name);
                parts[hash_range(counted.hash, ranges)].extend(to_bytes(counted));
            }
            check_classes(names.len(), &exact.column)?;
            let id = ChunkId {
                leaf: 0,
                block: run,
                chunk: 0,
            };
            run += 1;
            writer.append(id, &mut parts)
        };
        self.narrow.each_run(self.context, open, SPILL_ROWS, take)?;
        Ok(GroupPartial {
            file: writer.finish()?,
            names,
            null_keys,
        })
    }

    /// Goes through the counts of all units, range by range: `reduce` on any thread, `take` in order.
    pub(super) fn sweep<R: Send>(
        &self,
        spilled: &Spilled,
        reduce: impl Fn(Vec<KeyRows>) -> R + Sync,
        mut take: impl FnMut(R) -> Result<()>,
    ) -> Result<()> {
        self.context.ordered(spilled.ranges).run(
            |range| {
                let (mut counts, mut bytes) = (Vec::new(), Vec::new());
                for (path, file) in &spilled.files {
                    let segments = file.segments(path, range)?;
                    read_segments(path, &segments, &mut bytes, |bytes| {
                        let (chunks, _) = bytes.as_chunks();
                        counts.extend(chunks.iter().map(from_bytes));
                        Ok(())
                    })?;
                }
                merge_key_rows(&mut counts);
                Ok(reduce(counts))
            },
            |_, reduced| take(reduced),
        )
    }

    fn decide(
        &self,
        exact: &Exact,
        spilled: &Spilled,
        directory: &Path,
    ) -> Result<(Groups, Vec<ClassTotal>)> {
        let mut rows: BTreeMap<ClassId, u64> = BTreeMap::new();
        let add = |rows: &mut BTreeMap<ClassId, u64>, class, more| {
            *rows.entry(class).or_default() += more;
        };
        self.sweep(
            spilled,
            |counts| {
                let mut rows = BTreeMap::new();
                key_groups(&counts).for_each(|(_, class, more)| add(&mut rows, class, more));
                rows
            },
            |partial| {
                let partial = partial.into_iter();
                partial.for_each(|(class, more)| add(&mut rows, class, more));
                Ok(())
            },
        )?;
        let sizes: Vec<u64> = rows.values().copied().collect();
        let parts = apportion(&sizes, held_out(exact.test, exact.val, sizes.iter().sum())?);
        let fills = parts.into_iter().map(GroupFill::new);
        let mut fills: BTreeMap<ClassId, GroupFill> = rows.into_keys().zip(fills).collect();
        let mut totals: BTreeMap<ClassId, ClassTotal> = spilled.totals();
        let mut test = KeyListWriter::create(&directory.join("keys-test"))?;
        let mut val = KeyListWriter::create(&directory.join("keys-val"))?;
        self.sweep(
            spilled,
            |counts| counts,
            |counts| {
                for (group, class, rows) in key_groups(&counts) {
                    let fill = fills.get_mut(&class);
                    let side = fill.map_or(Side::Train, |fill| fill.side(rows));
                    let hash = group.first().map_or(0, |counted| counted.hash);
                    match side {
                        Side::Test => test.push(hash)?,
                        Side::Val => val.push(hash)?,
                        Side::Train | Side::LeftOut => {}
                    }
                    for counted in group {
                        if let Some(total) = totals.get_mut(&counted.class) {
                            total.add(side, counted.rows);
                        }
                    }
                }
                Ok(())
            },
        )?;
        let (test, val) = (test.finish()?, val.finish()?);
        let lists = vec![test, val];
        Ok((Groups { lists }, totals.into_values().collect()))
    }
}

impl Spilled {
    /// No rows of each class yet.
    fn totals(&self) -> BTreeMap<ClassId, ClassTotal> {
        let names = self.names.iter();
        names
            .map(|(class, name)| (*class, ClassTotal::named(name.clone())))
            .collect()
    }
}

fn to_bytes(counted: &KeyRows) -> [u8; COUNT_BYTES] {
    // A run has fewer rows than that.
    let rows = u32::try_from(counted.rows).unwrap_or(u32::MAX);
    let mut bytes = [0; COUNT_BYTES];
    bytes[..8].copy_from_slice(&counted.hash.to_le_bytes());
    bytes[8..16].copy_from_slice(&counted.class.to_le_bytes());
    bytes[16..].copy_from_slice(&rows.to_le_bytes());
    bytes
}

fn from_bytes(bytes: &[u8; COUNT_BYTES]) -> KeyRows {
    let word = |bytes: &[u8]| {
        let bytes = bytes.iter().rev();
        bytes.fold(0, |word, byte| word << 8 | u64::from(*byte))
    };
    KeyRows {
        hash: word(&bytes[..8]),
        class: word(&bytes[8..16]),
        rows: word(&bytes[16..]),
    }
}
