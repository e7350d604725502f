//! `Prints`: the fingerprint of every row, by partitions, in memory or spilled.
//!
//! ```text
//! record = fingerprint, side << 62 | row << 16 | copies - 1      16 bytes, sorted as two numbers
//! partition = the top bits of the fingerprint
//! ```
//!
//! Invariant: what [`Prints::load`] gives follows from what was put in, in whatever order and from
//! however many threads. At no time are more than the bytes allowed held in memory: when they are
//! full, equal fingerprints of a side become one record each, where there are many, and if that doesn't
//! help, all are spilled. Limits: 4 sides of 2^46 rows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use std::path::{Path, PathBuf};

use super::spill::{Extent, Spill};
use crate::error::Result;

const RECORD_BYTES: usize = 16;
const COPIES_BITS: u32 = 16;
const SIDE_SHIFT: u32 = 62;
const COPIES_MASK: u64 = (1 << COPIES_BITS) - 1;
const ROW_MASK: u64 = (1 << (SIDE_SHIFT - COPIES_BITS)) - 1;
/// Partitions are sorted one a thread; fewer rows than this need no more of them.
const PARTITION_ROWS: u64 = 1 << 16;
const PARTITION_BITS_MAX: u32 = 12;
/// Records that are left to compare, about, and bits they are dealt by, at most.
const HANDFUL: usize = 4;
const DEAL_BITS_MAX: u32 = 16;

/// A fingerprint, one side that has it, the first of its rows there, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Record {
    pub print: u64,
    tag: u64,
}

impl Record {
    /// One row.
    pub(super) fn new(print: u64, side: usize, row: u64) -> Self {
        let tag = (side as u64) << SIDE_SHIFT | (row & ROW_MASK) << COPIES_BITS;
        Self { print, tag }
    }

    /// Its side.
    pub(super) fn side(self) -> usize {
        usize::try_from(self.tag >> SIDE_SHIFT).unwrap_or(0)
    }

    /// The first of its rows.
    pub(super) fn row(self) -> u64 {
        (self.tag >> COPIES_BITS) & ROW_MASK
    }

    /// How many rows it stands for.
    pub(super) fn copies(self) -> u64 {
        (self.tag & COPIES_MASK) + 1
    }

    /// Takes in a later row of the same side; what doesn't fit stays outside.
    fn absorb(&mut self, other: Self) -> Option<Self> {
        let total = self.copies() + other.copies();
        let kept = total.min(COPIES_MASK + 1);
        self.tag = self.tag & !COPIES_MASK | (kept - 1);
        (total > kept).then(|| Self {
            tag: other.tag & !COPIES_MASK | (total - kept - 1),
            ..other
        })
    }
}

/// The fingerprints of all rows.
#[derive(Debug)]
pub(super) struct Prints {
    dir: PathBuf,
    bits: u32,
    records_max: usize,
    left_out: Option<u64>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    partitions: Vec<Partition>,
    records: usize,
    spill: Option<Spill>,
}

#[derive(Debug, Default)]
struct Partition {
    /// As they came: one list would be copied whenever it grows.
    pieces: Vec<Vec<Record>>,
    spilled: Vec<Extent>,
}

impl Prints {
    /// For `rows` rows, of which `bytes_max` bytes stay in memory and the rest goes to a file in
    /// `dir`; partitions are loaded on `threads` threads.
    pub(super) fn new(dir: &Path, rows: u64, bytes_max: u64, threads: usize) -> Self {
        let records_max = usize::try_from(bytes_max / RECORD_BYTES as u64).unwrap_or(usize::MAX);
        // Loaded partitions may take as much again: a quarter each, so that sorting fits too.
        let fitting = (records_max as u64 / (4 * threads.max(1) as u64)).max(1);
        let wanted = rows.div_ceil(fitting.min(PARTITION_ROWS.max(rows / 64)));
        let bits = wanted.max(1).next_power_of_two().trailing_zeros();
        let bits = bits.min(PARTITION_BITS_MAX);
        Self {
            dir: dir.to_path_buf(),
            bits,
            records_max: records_max.max(1),
            left_out: None,
            inner: Mutex::new(Inner {
                partitions: (0..1 << bits).map(|_| Partition::default()).collect(),
                records: 0,
                spill: None,
            }),
        }
    }

    /// The same without the rows of one fingerprint, of missing keys for example.
    pub(super) fn without(mut self, print: u64) -> Self {
        self.left_out = Some(print);
        self
    }

    /// How many partitions there are.
    pub(super) fn partitions(&self) -> usize {
        1 << self.bits
    }

    /// Puts in the fingerprints of consecutive rows of a side.
    pub(super) fn extend(&self, side: usize, first_row: u64, prints: &[u64]) -> Result<()> {
        let piece_rows = self.records_max.min(prints.len()).max(1);
        for (piece, prints) in prints.chunks(piece_rows).enumerate() {
            let first_row = first_row + (piece * piece_rows) as u64;
            let mut sorted: Vec<Vec<Record>> = vec![Vec::new(); self.partitions()];
            // Rows of a key that follow one another are one record; what is reserved may have to be zeroed.
            let changes = prints.windows(2).filter(|pair| pair[0] != pair[1]);
            let share = (1 + changes.count()) / self.partitions();
            for part in &mut sorted {
                part.reserve(share + share / 8);
            }
            let wanted = |(_, print): &(usize, &u64)| Some(**print) != self.left_out;
            for (row, print) in prints.iter().enumerate().filter(wanted) {
                let record = Record::new(*print, side, first_row + row as u64);
                put(record, &mut sorted[self.partition(*print)]);
            }
            let records: usize = sorted.iter().map(Vec::len).sum();
            let mut inner = self.lock();
            if inner.records + records > self.records_max {
                inner.make_room(&self.dir, self.records_max / 2, self.bits)?;
            }
            for (partition, records) in inner.partitions.iter_mut().zip(sorted) {
                partition.pieces.push(records);
            }
            inner.records += records;
        }
        Ok(())
    }

    /// Takes a partition out: one record for each fingerprint and side, sorted; more only where
    /// there are more than 65,536 copies.
    pub(super) fn load(&self, index: usize) -> Result<Vec<Record>> {
        let mut inner = self.lock();
        let Some(partition) = inner.partitions.get_mut(index) else {
            return Ok(Vec::new());
        };
        let mut pieces = std::mem::take(&mut partition.pieces);
        let spilled = std::mem::take(&mut partition.spilled);
        for extent in spilled {
            if let Some(spill) = &inner.spill {
                pieces.push(decode(&spill.read(extent)?));
            }
        }
        drop(inner);
        Ok(collapse(&pieces, self.bits))
    }

    fn partition(&self, print: u64) -> usize {
        // No shift by all 64 bits, which would be none.
        usize::try_from((print >> 1) >> (63 - self.bits)).unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether equal fingerprints are worth the sorting, judged by the fullest partition.
    fn has_copies(&mut self, bits: u32) -> bool {
        let fullest = self
            .partitions
            .iter_mut()
            .max_by_key(|partition| partition.len());
        fullest.is_some_and(|partition| {
            let before = partition.len();
            partition.collapse(bits);
            partition.len() <= before / 2
        })
    }

    /// Leaves at most `records_max` records in memory.
    fn make_room(&mut self, dir: &Path, records_max: usize, bits: u32) -> Result<()> {
        if self.has_copies(bits) {
            let partitions = self.partitions.iter_mut();
            partitions.for_each(|partition| partition.collapse(bits));
        }
        self.records = self.partitions.iter().map(Partition::len).sum();
        if self.records <= records_max {
            return Ok(());
        }
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::create(dir)?),
        };
        for partition in &mut self.partitions {
            let pieces = std::mem::take(&mut partition.pieces);
            if pieces.iter().any(|piece| !piece.is_empty()) {
                partition.spilled.push(spill.append(&encode(&pieces))?);
            }
        }
        self.records = 0;
        Ok(())
    }
}

impl Partition {
    fn len(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    /// Makes one record of those of one fingerprint and side.
    fn collapse(&mut self, bits: u32) {
        let mut records = collapse(&std::mem::take(&mut self.pieces), bits);
        records.shrink_to_fit();
        self.pieces.push(records);
    }
}

/// Appends a later row; rows of a key often follow one another, and are one record then.
#[inline(always)]
fn put(mut record: Record, records: &mut Vec<Record>) {
    if let Some(last) = records.last_mut().filter(|last| last.print == record.print) {
        match last.absorb(record) {
            None => return,
            Some(rest) => record = rest,
        }
    }
    records.push(record);
}

/// All records of some pieces, whose fingerprints have the same `bits` in front, sorted: dealt by those that
/// follow, a handful of records is left to compare, unless many rows are equal.
fn sorted(pieces: &[Vec<Record>], bits: u32) -> Vec<Record> {
    let records = || pieces.iter().flatten();
    let count: usize = pieces.iter().map(Vec::len).sum();
    let deal_bits = (count / HANDFUL).checked_ilog2().unwrap_or(0);
    let deal_bits = deal_bits.min(DEAL_BITS_MAX);
    if deal_bits == 0 {
        let mut all = pieces.concat();
        all.sort_unstable();
        return all;
    }
    let hand =
        |record: &Record| usize::try_from((record.print << bits) >> (64 - deal_bits)).unwrap_or(0);
    let mut ends = vec![0_usize; 1 << deal_bits];
    for record in records() {
        ends[hand(record)] += 1;
    }
    let mut end = 0;
    for count in &mut ends {
        (*count, end) = (end, end + *count);
    }
    let mut dealt = vec![Record { print: 0, tag: 0 }; count];
    for record in records() {
        let place = &mut ends[hand(record)];
        dealt[*place] = *record;
        *place += 1;
    }
    let mut start = 0;
    for end in ends {
        dealt[start..end].sort_unstable();
        start = end;
    }
    dealt
}

/// Sorts, and makes one record of those of one fingerprint and side.
fn collapse(pieces: &[Vec<Record>], bits: u32) -> Vec<Record> {
    let mut records = sorted(pieces, bits);
    let mut kept: usize = 0;
    for index in 0..records.len() {
        let mut record = records[index];
        if let Some(last) = kept.checked_sub(1).and_then(|last| records.get_mut(last))
            && (last.print, last.side()) == (record.print, record.side())
        {
            match last.absorb(record) {
                None => continue,
                Some(rest) => record = rest,
            }
        }
        records[kept] = record;
        kept += 1;
    }
    records.truncate(kept);
    records
}

fn encode(pieces: &[Vec<Record>]) -> Vec<u8> {
    let records: usize = pieces.iter().map(Vec::len).sum();
    let mut bytes = Vec::with_capacity(records * RECORD_BYTES);
    for record in pieces.iter().flatten() {
        let both = u128::from(record.tag) << 64 | u128::from(record.print);
        bytes.extend_from_slice(&both.to_le_bytes());
    }
    bytes
}

fn decode(bytes: &[u8]) -> Vec<Record> {
    let (words, _) = bytes.as_chunks::<RECORD_BYTES>();
    let record = |both: &[u8; RECORD_BYTES]| {
        let both = u128::from_le_bytes(*both);
        let print = u64::try_from(both & u128::from(u64::MAX)).unwrap_or(0);
        let tag = u64::try_from(both >> 64).unwrap_or(0);
        Record { print, tag }
    };
    words.iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn all(prints: &Prints) -> Vec<Record> {
        (0..prints.partitions())
            .flat_map(|index| prints.load(index).unwrap())
            .collect()
    }

    #[test]
    fn more_copies_than_a_record_counts_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        for bytes_max in [1 << 10, 1 << 30] {
            let prints = Prints::new(dir.path(), 200_000, bytes_max, 2);
            prints.extend(1, 7, &vec![42; 200_000]).unwrap();
            let records = all(&prints);
            assert_eq!(records.iter().map(|r| r.copies()).sum::<u64>(), 200_000);
            assert!(records.len() <= 5, "{} records", records.len());
            assert!(records.iter().all(|r| r.print == 42 && r.side() == 1));
            assert_eq!(records[0].row(), 7);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn partitions_and_spilling_change_no_count(
            sides in prop::collection::vec(prop::collection::vec(0_u64..400, 0..700), 1..4),
            bytes_max in prop::sample::select(vec![16_u64, 64, 1600, 1 << 20]),
            threads in 1_usize..5,
            distinct in any::<bool>(),
        ) {
            let dir = tempfile::tempdir().unwrap();
            let rows: usize = sides.iter().map(Vec::len).sum();
            let prints = Prints::new(dir.path(), rows as u64, bytes_max, threads);
            let mut expected: BTreeMap<(u64, usize), (u64, u64)> = BTreeMap::new();
            let mut spread: Vec<Vec<u64>> = Vec::new();
            for (side, keys) in sides.iter().enumerate() {
                let spread_keys: Vec<u64> = keys
                    .iter()
                    .enumerate()
                    .map(|(row, key)| crate::kernel::mix(if distinct { (row as u64) << 2 | side as u64 } else { *key }))
                    .collect();
                for (row, key) in spread_keys.iter().enumerate() {
                    let entry = expected.entry((*key, side)).or_insert((row as u64, 0));
                    entry.1 += 1;
                }
                spread.push(spread_keys);
            }
            // From the last piece to the first: the order must not matter.
            for (side, keys) in spread.iter().enumerate().rev() {
                for (piece, keys) in keys.chunks(97).enumerate().rev() {
                    prints.extend(side, piece as u64 * 97, keys).unwrap();
                }
            }
            let found: BTreeMap<(u64, usize), (u64, u64)> = all(&prints)
                .into_iter()
                .map(|r| ((r.print, r.side()), (r.row(), r.copies())))
                .collect();
            prop_assert_eq!(found, expected);
            prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
