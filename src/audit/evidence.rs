//! `Evidence`: everything that was measured, for the checks to judge.

use super::columns::Watched;
use super::confirm::Comparison;
use super::origin::Origin;
use super::overlap::{Candidate, overlap, side_pairs};
use super::prints::Prints;
use super::published::Published;
use super::scan::{Scan, SideState};
use super::timeline::Timeline;
use crate::error::Result;

/// What the checks know.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub published: &'a Published,
    pub watched: &'a Watched,
    /// In the order of the output's sides.
    pub sides: &'a [SideState],
    /// Rows on several sides; `None` if there is one side.
    pub duplicates: Option<Shared>,
    /// Keys on several sides; `None` if there is one side, or no key.
    pub groups: Option<Shared>,
    /// `None` without a column of time.
    pub times: Option<Timeline>,
    /// `None` without a source.
    pub origin: Option<Origin>,
}

/// What sides have in common.
#[derive(Debug)]
pub(super) struct Shared {
    /// Distinct rows or keys of each side.
    pub distinct: Vec<u64>,
    /// Pairs of equal train rows.
    pub train_pairs: u128,
    /// By pairs of sides.
    pub pairs: Vec<SharedPair>,
}

/// What two sides have in common.
#[derive(Debug)]
pub(super) struct SharedPair {
    /// The earlier and the later side.
    pub sides: (usize, usize),
    /// Distinct rows or keys on both.
    pub distinct: u64,
    /// Rows with them on the earlier and the later side.
    pub rows: [u64; 2],
    /// Pairs of such rows.
    pub pairs: u128,
    /// The first of them, every value compared.
    pub confirmed: Vec<Candidate>,
}

impl Shared {
    /// Finds equal fingerprints, and compares the values of `columns` of their rows.
    pub(super) fn find(
        scan: &Scan<'_>,
        prints: &Prints,
        columns: &[usize],
        threads: usize,
    ) -> Result<Self> {
        let count = scan.published.sides.len();
        let found = overlap(prints, count, threads, scan.cancel)?;
        let mut pairs = Vec::new();
        for (sides, common) in side_pairs(count).into_iter().zip(found.common) {
            let comparison = Comparison {
                published: scan.published,
                sides,
                columns,
                threads,
                cancel: scan.cancel,
            };
            let confirmed = comparison.confirmed(&common.candidates)?;
            let mut pair = SharedPair {
                sides,
                distinct: common.prints,
                rows: common.rows,
                pairs: common.pairs,
                confirmed,
            };
            // Different rows with one fingerprint: none of them is reported.
            let is_refuted = |one: &&Candidate| !pair.confirmed.contains(one);
            let refuted: Vec<Candidate> = common
                .candidates
                .iter()
                .filter(is_refuted)
                .copied()
                .collect();
            refuted.iter().for_each(|one| pair.take_back(one));
            pairs.push(pair);
        }
        Ok(Self {
            distinct: found.distinct,
            train_pairs: found.train_pairs,
            pairs,
        })
    }
}

impl SharedPair {
    fn take_back(&mut self, refuted: &Candidate) {
        let [earlier, later] = refuted.copies;
        self.distinct -= 1;
        self.rows[0] -= earlier;
        self.rows[1] -= later;
        self.pairs -= u128::from(earlier) * u128::from(later);
    }
}
