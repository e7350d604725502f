//! Ranks against sorting everything.

use proptest::prelude::*;

use super::*;
use crate::kernel::mix;

fn hashes(rows: u64, distinct: u64) -> Vec<u64> {
    (0..rows).map(|row| mix(row % distinct)).collect()
}

/// The hashes, in parts of `part`.
fn ranks(hashes: &[u64], centers: &[u64], part: usize) -> Ranks {
    ranks_within(hashes, centers, part, 8.0)
}

fn ranks_within(hashes: &[u64], centers: &[u64], part: usize, reach: f64) -> Ranks {
    let mut all = Ranks::new(centers, reach);
    for part in hashes.chunks(part) {
        let mut ranks = Ranks::new(centers, reach);
        part.iter().for_each(|hash| ranks.push(*hash));
        ranks.tidy();
        all.merge(&ranks);
    }
    all
}

#[test]
fn a_rank_near_its_share_is_found_exactly_and_little_is_held() {
    let hashes = hashes(200_000, u64::MAX);
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    for share in [0.001, 0.2, 0.5, 0.999] {
        let center = hash_at(share);
        for part in [7_000, 200_000] {
            let ranks = ranks(&hashes, &[center], part);
            let rank = (share * 200_000.0).round();
            for rank in
                [rank - 20.0, rank, rank + 20.0].map(|rank| hash_at(rank / 2.0_f64.powi(64)))
            {
                let hash = sorted[usize::try_from(rank).unwrap()];
                assert_eq!(
                    ranks.cut(rank),
                    Some((Threshold::Below(hash), rank)),
                    "{share}"
                );
            }
            let held = ranks.near[0].held.len();
            assert!(held < 8_000, "{held} hashes held at {share}");
        }
        assert_eq!(
            ranks(&hashes, &[center], 9_999).cut(60_000).is_some(),
            (share - 0.3).abs() < 0.01
        );
    }
}

#[test]
fn equal_hashes_are_never_parted() {
    let hashes = hashes(1000, 10);
    let ranks = ranks_within(&hashes, &[1 << 62], 300, 1e30);
    let mut sorted = hashes.clone();
    sorted.sort_unstable();
    for (rank, found) in [
        (100, 100),
        (149, 100),
        (150, 100),
        (151, 200),
        (999, 1000),
        (1000, 1000),
    ] {
        let (threshold, below) = ranks.cut(rank).unwrap();
        assert_eq!(below, found, "{rank}");
        let counted = hashes
            .iter()
            .filter(|hash| threshold.contains(**hash))
            .count();
        assert_eq!(counted as u64, below);
    }
}

proptest! {
    #[test]
    fn a_cut_parts_as_many_as_it_says(seed in any::<u64>(), rows in 1..3000_u64, distinct in 1..4000_u64, share in 0.0..1.0, part in 1..900_usize) {
        let hashes: Vec<u64> = (0..rows).map(|row| mix(seed ^ (row % distinct))).collect();
        let ranks = ranks(&hashes, &[hash_at(share)], part);
        let rank = hash_at(share * rows as f64 / 2.0_f64.powi(64));
        if let Some((threshold, below)) = ranks.cut(rank) {
            let counted = hashes.iter().filter(|hash| threshold.contains(**hash)).count() as u64;
            prop_assert_eq!(counted, below);
            if distinct >= rows {
                prop_assert_eq!(below, rank);
            }
        } else {
            prop_assert!(distinct < rows);
        }
    }
}
