//! The rows behind equal fingerprints, compared value by value.
//!
//! Invariant: what comes out is equal in every compared value; nothing is believed because of a hash.
//! One leaf at a time, and fewer candidates at a time where its values are long, so that a few MiB of
//! values are held at most, or those of one pair of rows.

use std::collections::BTreeMap;

use super::canonical::{self, Canonical};
use super::leaf::{Leaf, Visitor};
use super::overlap::Candidate;
use super::published::Published;
use crate::engine::{Cancel, Ordered};
use crate::error::Result;
use crate::source::parquet::LeafRun;

/// Values of several candidates that are held at a time.
const HELD_BYTES_MAX: usize = 8 << 20;

/// Canonical bytes by side and row.
type RowValues = BTreeMap<(usize, u64), Vec<u8>>;

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
        let mut equal = vec![true; candidates.len()];
        let ordered = Ordered {
            threads: self.threads,
            count: leaves.len(),
            cancel: self.cancel,
        };
        ordered.run(
            |index| self.compare(leaves[index], candidates),
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

    /// For each candidate, whether both rows have the same in this leaf.
    fn compare(&self, leaf: usize, candidates: &[Candidate]) -> Result<Vec<bool>> {
        let room = match candidates.len() {
            0 | 1 => usize::MAX,
            _ => HELD_BYTES_MAX,
        };
        let Some(values) = self.values(leaf, candidates, room)? else {
            let (first, rest) = candidates.split_at(candidates.len() / 2);
            let mut same = self.compare(leaf, first)?;
            same.extend(self.compare(leaf, rest)?);
            return Ok(same);
        };
        let value = |side, row| values.get(&(side, row));
        let same = candidates.iter().map(|candidate| {
            let earlier = value(self.sides.0, candidate.earlier_row);
            earlier.is_some() && earlier == value(self.sides.1, candidate.later_row)
        });
        Ok(same.collect())
    }

    /// The values of a leaf in the candidates' rows, by side and row; `None` if there isn't room.
    fn values(
        &self,
        leaf: usize,
        candidates: &[Candidate],
        mut room: usize,
    ) -> Result<Option<RowValues>> {
        let mut values = RowValues::new();
        for ((side, index), rows) in self.wanted(candidates) {
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
                    let mut gathered = Gathered {
                        values: Vec::new(),
                        room: Some(room),
                    };
                    part.visit_rows(&here, &mut gathered)?;
                    let Some(left) = gathered.room else {
                        return Ok(None);
                    };
                    room = left;
                    for (row, bytes) in gathered.values {
                        let row = shard.first_row + group_start + row as u64;
                        values.insert((side, row), bytes);
                    }
                }
                group_start = group_end;
            }
        }
        Ok(Some(values))
    }
}

/// Canonical bytes by row.
struct Gathered {
    values: Vec<(usize, Vec<u8>)>,
    /// How many more bytes there is room for; `None` once there were too many, which are dropped.
    room: Option<usize>,
}

impl Visitor for Gathered {
    fn run<T: Canonical>(&mut self, first_row: usize, run: &LeafRun<T>, level_max: i16) {
        let mut bytes = Vec::new();
        canonical::bytes(run, level_max, &mut bytes);
        self.room = self.room.and_then(|room| room.checked_sub(bytes.len()));
        match self.room {
            Some(_) => self.values.push((first_row, bytes)),
            None => self.values.clear(),
        }
    }
}
