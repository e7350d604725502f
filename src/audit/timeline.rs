//! `Timeline`: the first and last time of each side, and how many rows lie beyond those of another.
//!
//! Two sweeps over one column: the ends first, then what is beyond them. Times are compared as stored,
//! without rounding; text byte by byte, which is right for ISO 8601.

use std::cmp::Ordering;

use parquet::basic::ConvertedType;
use parquet::schema::types::Type;

use super::canonical::Canonical;
use super::leaf::{Leaf, Visitor};
use super::overlap::side_pairs;
use super::rank::{Rank, RankKind, rank_float};
use super::scan::Scan;
use crate::error::{Result, UsageError};
use crate::schema::NumericKind;
use crate::source::parquet::LeafRun;

/// Times of all sides.
#[derive(Debug)]
pub(super) struct Timeline {
    /// First and last time of each side; `None` for one without any.
    pub ends: Vec<Option<(Rank, Rank)>>,
    /// For each pair of sides: rows of the earlier side later than the first of the later one, and
    /// rows of the later side earlier than the last of the earlier one.
    pub beyond: Vec<[u64; 2]>,
}

/// The times of the output, if a column of time is watched.
pub(super) fn timeline(scan: &Scan<'_>, threads: usize) -> Result<Option<Timeline>> {
    let Some(column) = scan.watched.time else {
        return Ok(None);
    };
    let column = &scan.published.columns[column];
    let root = scan.published.root(column);
    let Some(kind) = rank_kind(root).filter(|_| column.leaves.len() == 1) else {
        return Err(UsageError::InvalidValue {
            flag: "--time",
            value: column.name.clone(),
            reason: format!("the column is {}, which has no order", column.output_type),
        }
        .into());
    };
    let sides = scan.published.sides.len();
    let mut ends: Vec<Option<(Rank, Rank)>> = vec![None; sides];
    each_shard(
        scan,
        threads,
        column.leaves.start,
        || Ends { kind, ends: None },
        |side, found| {
            ends[side] = wider(ends[side].take(), found.ends);
        },
    )?;
    let pairs = side_pairs(sides);
    let mut beyond = vec![[0; 2]; pairs.len()];
    if !pairs.iter().any(|pair| overlaps(&ends, *pair)) {
        return Ok(Some(Timeline { ends, beyond }));
    }
    let bounds = |side: usize| Beyond {
        kind,
        bounds: pairs.iter().map(|pair| bound(&ends, *pair, side)).collect(),
        counts: vec![0; pairs.len()],
    };
    let shards = scan.published.shards();
    run_shards(
        scan,
        threads,
        column.leaves.start,
        |index| bounds(shards[index].0),
        |side, found| {
            for ((total, count), pair) in beyond.iter_mut().zip(found.counts).zip(&pairs) {
                total[usize::from(pair.1 == side)] += count;
            }
        },
    )?;
    Ok(Some(Timeline { ends, beyond }))
}

fn each_shard<V: Visitor + Send>(
    scan: &Scan<'_>,
    threads: usize,
    leaf: usize,
    new: impl Fn() -> V + Sync,
    take: impl FnMut(usize, V),
) -> Result<()> {
    run_shards(scan, threads, leaf, |_| new(), take)
}

/// Shows one leaf of every shard to a visitor of its own, and takes them in order.
fn run_shards<V: Visitor + Send>(
    scan: &Scan<'_>,
    threads: usize,
    leaf: usize,
    new: impl Fn(usize) -> V + Sync,
    mut take: impl FnMut(usize, V),
) -> Result<()> {
    let shards = scan.published.shards();
    scan.ordered(threads, shards.len()).run(
        |index| {
            let (side, shard) = shards[index];
            let file = scan
                .published
                .open_shard(&scan.published.sides[side].shards[shard])?;
            let mut visitor = new(index);
            for row_group in 0..file.metadata().num_row_groups() {
                let part = Leaf {
                    file: &file,
                    row_group,
                    leaf,
                };
                part.visit(&mut visitor)?;
            }
            Ok(visitor)
        },
        |index, visitor| {
            take(shards[index].0, visitor);
            Ok(())
        },
    )
}

/// How values of this type are ordered, if they are.
fn rank_kind(root: &Type) -> Option<RankKind> {
    if !root.is_primitive() {
        return None;
    }
    match NumericKind::of(root) {
        Some(NumericKind::Float16) => None,
        Some(kind) => Some(RankKind {
            is_unsigned: matches!(kind, NumericKind::UInt32 | NumericKind::UInt64),
            is_decimal: kind.is_decimal(),
        }),
        None if root.get_basic_info().converted_type() == ConvertedType::INTERVAL => None,
        None => Some(RankKind::default()),
    }
}

struct Ends {
    kind: RankKind,
    ends: Option<(Rank, Rank)>,
}

impl Visitor for Ends {
    fn run<T: Canonical>(&mut self, _first_row: usize, run: &LeafRun<T>, _level_max: i16) {
        if T::HAS_ORDER {
            let orders = || run.values.iter().filter_map(|value| value.order(self.kind));
            let rank = |order| Rank::from_order(order, self.kind);
            let ends = orders().min().map(rank).zip(orders().max().map(rank));
            self.ends = wider(self.ends.take(), ends);
            return;
        }
        for rank in run.values.iter().filter_map(|value| value.rank(self.kind)) {
            match &mut self.ends {
                Some((first, _)) if rank < *first => *first = rank,
                Some((_, last)) if rank > *last => *last = rank,
                Some(_) => {}
                none => *none = Some((rank.clone(), rank)),
            }
        }
    }
}

fn wider(a: Option<(Rank, Rank)>, b: Option<(Rank, Rank)>) -> Option<(Rank, Rank)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

/// Whether the earlier side has a time after the first of the later one.
fn overlaps(ends: &[Option<(Rank, Rank)>], (earlier, later): (usize, usize)) -> bool {
    match (&ends[earlier], &ends[later]) {
        (Some((_, last)), Some((first, _))) => last > first,
        _ => false,
    }
}

/// What rows of `side` must not be beyond, for one pair of sides.
enum Bound {
    /// Later than this is beyond.
    NotAfter(Rank),
    /// Earlier than this is beyond.
    NotBefore(Rank),
    Free,
}

fn bound(ends: &[Option<(Rank, Rank)>], (earlier, later): (usize, usize), side: usize) -> Bound {
    match (&ends[earlier], &ends[later]) {
        (_, Some((first, _))) if side == earlier => Bound::NotAfter(first.clone()),
        (Some((_, last)), _) if side == later => Bound::NotBefore(last.clone()),
        _ => Bound::Free,
    }
}

struct Beyond {
    kind: RankKind,
    bounds: Vec<Bound>,
    counts: Vec<u64>,
}

impl Visitor for Beyond {
    fn run<T: Canonical>(&mut self, _first_row: usize, run: &LeafRun<T>, _level_max: i16) {
        for (bound, count) in self.bounds.iter().zip(&mut self.counts) {
            *count += match bound {
                Bound::NotAfter(first) => ranked(run, self.kind, first, Ordering::Greater),
                Bound::NotBefore(last) => ranked(run, self.kind, last, Ordering::Less),
                Bound::Free => 0,
            };
        }
    }
}

/// How many values compare with `bound` like this.
fn ranked<T: Canonical>(run: &LeafRun<T>, kind: RankKind, bound: &Rank, wanted: Ordering) -> u64 {
    let values = run.values.iter();
    let count = match bound.order(kind).filter(|_| T::HAS_ORDER) {
        Some(bound) => values
            .filter(|value| {
                value
                    .order(kind)
                    .is_some_and(|order| order.cmp(&bound) == wanted)
            })
            .count(),
        None => values
            .filter(|value| {
                value
                    .rank(kind)
                    .is_some_and(|rank| rank.cmp(bound) == wanted)
            })
            .count(),
    };
    count as u64
}

/// A time in words; `standardized` undoes the scaling of a feature.
pub(super) fn describe(rank: &Rank, output_type: &str, original: impl Fn(f64) -> f64) -> String {
    const DAY_NS: i128 = 86_400_000_000_000;
    let number = match rank {
        Rank::Bytes(bytes) => return String::from_utf8_lossy(bytes).into_owned(),
        Rank::Number(number) => *number,
    };
    let calendar = |unit_ns: i128, digits: usize| {
        let text = rfc3339(number.saturating_mul(unit_ns))?;
        Some(text.chars().take(digits).collect::<String>())
    };
    let known = match output_type {
        "date" => calendar(DAY_NS, 10),
        "timestamp[ms]" => calendar(1_000_000, 30),
        "timestamp[us]" => calendar(1_000, 30),
        "timestamp[ns]" | "timestamp[int96]" => calendar(1, 30),
        "float32" | "float64" => i64::try_from(number)
            .ok()
            .map(|rank| original(rank_float(rank)).to_string()),
        _ => None,
    };
    known.unwrap_or_else(|| number.to_string())
}

fn rfc3339(nanoseconds: i128) -> Option<String> {
    use std::time::{Duration, UNIX_EPOCH};
    let size = nanoseconds.unsigned_abs();
    let seconds = u64::try_from(size / 1_000_000_000).ok()?;
    let rest = u32::try_from(size % 1_000_000_000).ok()?;
    let distance = Duration::new(seconds, rest);
    // Beyond these years humantime has no text.
    let time = if nanoseconds < 0 {
        None
    } else {
        UNIX_EPOCH
            .checked_add(distance)
            .filter(|_| seconds < 253_402_300_800)
    };
    time.map(|time| humantime::format_rfc3339(time).to_string())
}
