//! The rows behind equal fingerprints, compared value by value.
//!
//! Invariant: what comes out is equal in every compared value; nothing is believed because of a hash.
//! One leaf at a time, so that only that leaf's values of the candidates are held.

use std::collections::BTreeMap;

use super::canonical::{self, Canonical};
use super::leaf::{Leaf, Visitor};
use super::overlap::Candidate;
use super::published::Published;
use crate::engine::{Cancel, Ordered};
use crate::error::Result;
use crate::source::parquet::LeafRun;

/// Candidates of one pair of sides, and what is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub published: &'a Published,
    /// The earlier and the later side.
    pub sides: (usize, usize),
    /// Indices of the columns whose values must be equal.
    pub columns: &'a [usize],
    pub threads: usize,
    pub cancel: &'a Cancel,
}

impl Comparison<'_> {
    /// The candidates whose rows are equal, in their order.
    pub(super) fn confirmed(&self, candidates: &[Candidate]) -> Result<Vec<Candidate>> {
        let leaves: Vec<usize> = self
            .columns
            .iter()
            .flat_map(|column| self.published.columns[*column].leaves.clone())
            .collect();
        let wanted = self.wanted(candidates);
        let mut equal = vec![true; candidates.len()];
        let ordered = Ordered {
            threads: self.threads,
            count: leaves.len(),
            cancel: self.cancel,
        };
        ordered.run(
            |index| self.compare(leaves[index], &wanted, candidates),
            |_, same| {
                for (equal, same) in equal.iter_mut().zip(same) {
                    *equal &= same;
                }
                Ok(())
            },
        )?;
        let kept = candidates.iter().zip(equal).filter(|(_, equal)| *equal);
        Ok(kept.map(|(candidate, _)| *candidate).collect())
    }

    /// The rows of both sides by shard: `(side, shard) -> rows`, ascending and each once.
    fn wanted(&self, candidates: &[Candidate]) -> BTreeMap<(usize, usize), Vec<u64>> {
        let mut wanted: BTreeMap<(usize, usize), Vec<u64>> = BTreeMap::new();
        for candidate in candidates {
            let both = [
                (self.sides.0, candidate.earlier_row),
                (self.sides.1, candidate.later_row),
            ];
            for (side, row) in both {
                let shards = &self.published.sides[side].shards;
                let index = shards.partition_point(|shard| shard.first_row <= row);
                if let Some(index) = index.checked_sub(1) {
                    let rows = wanted.entry((side, index)).or_default();
                    rows.push(row - shards[index].first_row);
                }
            }
        }
        for rows in wanted.values_mut() {
            rows.sort_unstable();
            rows.dedup();
        }
        wanted
    }

    fn compare(
        &self,
        leaf: usize,
        wanted: &BTreeMap<(usize, usize), Vec<u64>>,
        candidates: &[Candidate],
    ) -> Result<Vec<bool>> {
        let mut values: BTreeMap<(usize, u64), Vec<u8>> = BTreeMap::new();
        for (&(side, index), rows) in wanted {
            let shard = &self.published.sides[side].shards[index];
            let file = self.published.open_shard(shard)?.by_pages();
            let mut group_start = 0_u64;
            for row_group in 0..file.metadata().num_row_groups() {
                self.cancel.check()?;
                let part = Leaf {
                    file: &file,
                    row_group,
                    leaf,
                };
                let group_end = group_start + part.rows() as u64;
                let here: Vec<usize> = rows
                    .iter()
                    .filter(|row| (group_start..group_end).contains(*row))
                    .map(|row| usize::try_from(row - group_start).unwrap_or(usize::MAX))
                    .collect();
                if !here.is_empty() {
                    let mut gathered = Gathered::default();
                    part.visit_rows(&here, &mut gathered)?;
                    for (row, bytes) in gathered.0 {
                        let row = shard.first_row + group_start + row as u64;
                        values.insert((side, row), bytes);
                    }
                }
                group_start = group_end;
            }
        }
        let value = |side, row| values.get(&(side, row));
        let same = candidates.iter().map(|candidate| {
            let earlier = value(self.sides.0, candidate.earlier_row);
            earlier.is_some() && earlier == value(self.sides.1, candidate.later_row)
        });
        Ok(same.collect())
    }
}

/// Canonical bytes by row.
#[derive(Default)]
struct Gathered(Vec<(usize, Vec<u8>)>);

impl Visitor for Gathered {
    fn run<T: Canonical>(&mut self, first_row: usize, run: &LeafRun<T>, level_max: i16) {
        let mut bytes = Vec::new();
        canonical::bytes(run, level_max, &mut bytes);
        self.0.push((first_row, bytes));
    }
}
