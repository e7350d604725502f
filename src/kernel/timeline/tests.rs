//! Ranks in time against sorting everything.

use proptest::prelude::*;

use super::*;
use crate::kernel::mix;

/// Sweeps over the keys, in parts, until the rank is found; how many it took.
fn find(keys: &[TimeKey], rank: u64, part: usize) -> (TimeKey, usize) {
    let mut window = Timeline::default().window;
    for sweep in 1..10 {
        let mut all = Timeline::within(window.0, window.1);
        for part in keys.chunks(part) {
            let mut timeline = Timeline::within(window.0, window.1);
            part.iter()
                .for_each(|key| timeline.push(*key, mix(key.1 ^ 77)));
            timeline.tidy();
            all.merge(&timeline);
        }
        match all.find(rank) {
            Found::Key(key) => return (key, sweep),
            Found::Window(first, last) => window = (first, last),
        }
    }
    panic!("rank {rank} of {} not found in 9 sweeps", keys.len());
}

#[test]
fn any_rank_of_any_times_is_found_in_two_or_three_sweeps() {
    let row = |row: u64| mix(row);
    let few: Vec<TimeKey> = (0..400_000).map(|i| (i128::from(i % 5), row(i))).collect();
    let skewed: Vec<TimeKey> = (0..400_000)
        .map(|i| ((1_i128 << (i % 90)) - i128::from(i), row(i)))
        .collect();
    for keys in [few, skewed] {
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        for rank in [0, 1, 79_999, 80_000, 320_000, 399_999] {
            let (key, sweeps) = find(&keys, rank, 100_000);
            assert_eq!(key, sorted[usize::try_from(rank).unwrap()], "rank {rank}");
            assert!(sweeps <= 3, "{sweeps} sweeps for rank {rank}");
        }
    }
}

proptest! {
    #[test]
    fn any_rank_of_a_few_is_found_at_once(times in prop::collection::vec(-20..20_i128, 1..300), part in 1..300_usize) {
        let keys: Vec<TimeKey> = (0..).zip(&times).map(|(row, time)| (*time, mix(row))).collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        for rank in [0, keys.len() / 2, keys.len() - 1] {
            prop_assert_eq!(find(&keys, rank as u64, part), (sorted[rank], 1));
        }
    }
}
