//! `Timeline`: the first and last time of each side, and how many rows lie beyond those of another.
//!
//! The sweep over all columns finds the ends of each shard; those in whose midst a side ends are read once
//! more. Times are compared as stored, without rounding; text byte by byte, which is right for ISO 8601.

use std::cmp::Ordering;

use parquet::basic::ConvertedType;
use parquet::schema::types::Type;

use super::canonical::Canonical;
use super::columns::Watched;
use super::leaf::{Leaf, Visitor};
use super::overlap::side_pairs;
use super::published::Published;
use super::rank::{Rank, RankKind, rank_float};
use super::scan::{Scan, SideState};
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

/// How times are compared, if a column of time is watched.
///
/// # Errors
/// [`UsageError::InvalidValue`] if its values have no order.
pub(super) fn time_kind(published: &Published, watched: &Watched) -> Result<Option<RankKind>> {
    let Some(column) = watched.time else {
        return Ok(None);
    };
    let column = &published.columns[column];
    let kind = rank_kind(published.root(column)).filter(|_| column.leaves.len() == 1);
    let refused = || UsageError::InvalidValue {
        flag: "--time",
        value: column.name.clone(),
        reason: format!("the column is {}, which has no order", column.output_type),
    };
    Ok(Some(kind.ok_or_else(refused)?))
}

/// The times of the output, whose ends the sweep has found, if a column of time is watched.
pub(super) fn timeline(
    scan: &Scan<'_>,
    sides: &[SideState],
    threads: usize,
) -> Result<Option<Timeline>> {
    let (Some(column), Some(kind)) = (scan.watched.time, scan.time) else {
        return Ok(None);
    };
    let leaf = scan.published.columns[column].leaves.start;
    let ends = sides.iter().map(|side| {
        let of_shards = side.times.iter().map(|times| times.ends.clone());
        of_shards.fold(None, wider)
    });
    let ends: Vec<Option<(Rank, Rank)>> = ends.collect();
    let pairs = side_pairs(sides.len());
    let mut beyond = vec![[0; 2]; pairs.len()];
    if !pairs.iter().any(|pair| overlaps(&ends, *pair)) {
        return Ok(Some(Timeline { ends, beyond }));
    }
    let bounds = |side: usize| -> Vec<Bound> {
        let bounds = pairs.iter().map(|pair| bound(&ends, *pair, side));
        bounds.collect()
    };
    let shards = scan.published.shards();
    scan.ordered(threads, shards.len()).run(
        |index| {
            let (side, shard) = shards[index];
            let bounds = bounds(side);
            let times = sides[side].times.get(shard);
            let known = bounds.iter().map(|bound| times?.beyond(bound));
            match known.collect() {
                Some(counts) => Ok(counts),
                // Some of its rows are beyond and some aren't.
                None => read_beyond(scan, (side, shard), leaf, Beyond::new(kind, bounds)),
            }
        },
        |index, counts| {
            let (side, _) = shards[index];
            for ((total, count), pair) in beyond.iter_mut().zip(counts).zip(&pairs) {
                total[usize::from(pair.1 == side)] += count;
            }
            Ok(())
        },
    )?;
    Ok(Some(Timeline { ends, beyond }))
}

/// Counts the rows of a shard that are beyond the bounds.
fn read_beyond(
    scan: &Scan<'_>,
    (side, shard): (usize, usize),
    leaf: usize,
    mut beyond: Beyond,
) -> Result<Vec<u64>> {
    let shard = &scan.published.sides[side].shards[shard];
    let file = scan.published.open_shard(shard)?;
    for row_group in 0..file.metadata().num_row_groups() {
        scan.cancel.check()?;
        let part = Leaf {
            file: &file,
            row_group,
            leaf,
        };
        part.visit(&mut beyond)?;
    }
    Ok(beyond.counts)
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

/// The times of one shard.
#[derive(Debug)]
pub(super) struct ShardTimes {
    kind: RankKind,
    /// The first and the last.
    ends: Option<(Rank, Rank)>,
    /// Rows that have one.
    count: u64,
}

impl ShardTimes {
    /// None seen yet.
    pub(super) fn new(kind: RankKind) -> Self {
        Self {
            kind,
            ends: None,
            count: 0,
        }
    }

    /// How many rows are beyond a bound, if the ends alone say it.
    fn beyond(&self, bound: &Bound) -> Option<u64> {
        let Some((first, last)) = &self.ends else {
            return Some(0);
        };
        let (all_are, none_is) = match bound {
            Bound::NotAfter(bound) => (first > bound, last <= bound),
            Bound::NotBefore(bound) => (last < bound, first >= bound),
            Bound::Free => (false, true),
        };
        match (all_are, none_is) {
            (true, _) => Some(self.count),
            (_, true) => Some(0),
            _ => None,
        }
    }
}

impl Visitor for ShardTimes {
    fn run<T: Canonical>(&mut self, _first_row: usize, run: &LeafRun<T>, _level_max: i16) {
        if T::HAS_ORDER {
            let (mut first, mut last) = (i64::MAX, i64::MIN);
            let before = self.count;
            for order in run.values.iter().filter_map(|value| value.order(self.kind)) {
                (first, last) = (first.min(order), last.max(order));
                self.count += 1;
            }
            let rank = |order| Rank::from_order(order, self.kind);
            let ends = (self.count > before).then(|| (rank(first), rank(last)));
            self.ends = wider(self.ends.take(), ends);
            return;
        }
        for rank in run.values.iter().filter_map(|value| value.rank(self.kind)) {
            self.count += 1;
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

impl Beyond {
    fn new(kind: RankKind, bounds: Vec<Bound>) -> Self {
        Self {
            kind,
            counts: vec![0; bounds.len()],
            bounds,
        }
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted<V: Visitor>(mut visitor: V, times: &[i64], first_rows: usize) -> V {
        let (first, rest) = times.split_at(first_rows.min(times.len()));
        for values in [first, rest] {
            let run = LeafRun {
                values: values.to_vec(),
                ..LeafRun::default()
            };
            visitor.run(0, &run, 0);
        }
        visitor
    }

    proptest! {
        #[test]
        fn what_the_ends_of_a_shard_say_is_what_its_rows_say(
            times in prop::collection::vec(-5..5_i64, 0..6),
            bound in -6..6_i64,
            cut in 0..6_usize,
        ) {
            let kind = RankKind::default();
            let shard = counted(ShardTimes::new(kind), &times, cut);
            let rank = Rank::Number(bound.into());
            for (bound, is_after) in [(Bound::NotAfter(rank.clone()), true), (Bound::NotBefore(rank), false)] {
                let known = shard.beyond(&bound);
                let read = counted(Beyond::new(kind, vec![bound]), &times, cut).counts[0];
                prop_assert!(known.is_none_or(|known| known == read), "{known:?} {read} {is_after}");
                let all = read == times.len() as u64;
                prop_assert_eq!(known.is_some(), read == 0 || all);
            }
            prop_assert_eq!(shard.beyond(&Bound::Free), Some(0));
        }
    }
}
