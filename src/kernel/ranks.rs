//! `Ranks`: the hash of any rank among many, without holding them all.
//!
//! Hashes are spread evenly, so the one of rank k among n lies near 2^64 k / n: only those near enough
//! are held, the others are counted. Nearness is a matter of how many were seen, and narrows with them.
//!
//! ```text
//! held around share f of n hashes:  f +- reach * (sqrt(f (1 - f) / n) + 1 / n),  of 2^64
//! ```
//!
//! Invariant: what is found is exact; when the hash isn't among those held, nothing is found, and
//! another sweep with a larger reach is needed. Limit: about 2 reach sqrt(n) hashes are held a share.

use serde::{Deserialize, Serialize};

use super::Threshold;

#[cfg(test)]
mod tests;

/// Held hashes are looked through again when there are this many, or twice as many as were left.
const TIDY_AT: usize = 4096;

/// The hashes around some shares of all that were pushed.
///
/// ```
/// use prep_stream::kernel::{Ranks, Threshold};
///
/// let mut ranks = Ranks::new(&[1 << 63], 8.0);
/// [40, 10, 30, 20].into_iter().for_each(|hash| ranks.push(hash));
/// assert_eq!(ranks.cut(2), Some((Threshold::Below(30), 2)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranks {
    rows: u64,
    reach: f64,
    near: Vec<Near>,
}

/// The hashes around one share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Near {
    center: u64,
    /// What is held: from `low` to `high`, both included.
    low: u64,
    high: u64,
    /// How many were lower.
    below: u64,
    held: Vec<u64>,
    tidy_at: usize,
}

impl Ranks {
    /// Nothing yet; `centers` are the shares in units of 2^-64.
    pub fn new(centers: &[u64], reach: f64) -> Self {
        let near = centers.iter().map(|center| Near {
            center: *center,
            low: 0,
            high: u64::MAX,
            below: 0,
            held: Vec::new(),
            tidy_at: TIDY_AT,
        });
        Self {
            rows: 0,
            reach,
            near: near.collect(),
        }
    }

    /// How many hashes were pushed.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes in a hash.
    pub fn push(&mut self, hash: u64) {
        self.rows += 1;
        for near in &mut self.near {
            if hash < near.low {
                near.below += 1;
            } else if hash <= near.high {
                near.held.push(hash);
                if near.held.len() >= near.tidy_at {
                    near.tidy(self.rows, self.reach);
                }
            }
        }
    }

    /// Takes in all that `other`, made with the same shares and reach, has taken in.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for (near, other) in self.near.iter_mut().zip(&other.near) {
            near.below += other.below;
            near.held.extend_from_slice(&other.held);
            near.narrow(near.low.max(other.low), near.high.min(other.high));
            near.tidy(self.rows, self.reach);
        }
    }

    /// Drops what is no longer near.
    pub fn tidy(&mut self) {
        for near in &mut self.near {
            near.tidy(self.rows, self.reach);
        }
    }

    /// A threshold that about `rank` hashes are below, and how many really are: as near as equal
    /// hashes, which are never parted, allow. `None` if that hash isn't held.
    pub fn cut(&self, rank: u64) -> Option<(Threshold, u64)> {
        if rank == 0 {
            return Some((Threshold::Below(0), 0));
        }
        if rank >= self.rows {
            return Some((Threshold::Every, self.rows));
        }
        self.near.iter().find_map(|near| near.cut(rank))
    }
}

impl Near {
    fn tidy(&mut self, rows: u64, reach: f64) {
        const ALL: f64 = 18_446_744_073_709_551_616.0;
        let (share, rows) = (self.center as f64 / ALL, rows as f64);
        let reach = reach * ((share * (1.0 - share) / rows).sqrt() + 1.0 / rows);
        self.narrow(hash_at(share - reach), hash_at(share + reach));
        self.tidy_at = TIDY_AT.max(2 * self.held.len());
    }

    /// Holds nothing outside these two any more.
    fn narrow(&mut self, low: u64, high: u64) {
        (self.low, self.high) = (self.low.max(low), self.high.min(high));
        let mut lower = 0;
        let (low, high) = (self.low, self.high);
        self.held.retain(|hash| {
            lower += u64::from(*hash < low);
            (low..=high).contains(hash)
        });
        self.below += lower;
    }

    fn cut(&self, rank: u64) -> Option<(Threshold, u64)> {
        let index = usize::try_from(rank.checked_sub(self.below)?).ok()?;
        // Sorting is worth it only around the right share.
        self.held.get(index)?;
        let mut held = self.held.clone();
        held.sort_unstable();
        let hash = *held.get(index)?;
        // Ranks at which the equal hashes around this one begin and end.
        let first = held.partition_point(|other| *other < hash);
        let end = held.partition_point(|other| *other <= hash);
        if index - first <= end - index {
            return Some((Threshold::Below(hash), self.below + first as u64));
        }
        let threshold = hash.checked_add(1);
        let threshold = threshold.map_or(Threshold::Every, Threshold::Below);
        Some((threshold, self.below + end as u64))
    }
}

/// The hash that this share of all hashes is below.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates at the ends, as it should"
)]
fn hash_at(share: f64) -> u64 {
    (share * 18_446_744_073_709_551_616.0) as u64
}
