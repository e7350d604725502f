//! Counts against a slow search of the edges; merging in any grouping; texts that are none.

#![expect(
    clippy::cast_possible_truncation,
    reason = "values are counted as float32"
)]

use proptest::prelude::*;

use super::super::width::tests::at_every_level;
use super::*;

/// The bin by its edges: the lower sign of the interval is the one nearer to 0.
fn bin_of(z: f64) -> Option<usize> {
    (0..BINS).find(|&bin| {
        let (low, high) = bin_edges(bin);
        if bin < BINS / 2 {
            z <= low.max(high) && z > low && z < 0.0 || z == high && high < 0.0
        } else {
            z >= low && z < high
        }
    })
}

fn histogram(values: &[f64], missing: u64) -> Histogram {
    let mut counts = BinCounts::default();
    counts.extend(values);
    counts.finish(missing)
}

/// Numbers of every size, whole and half bins among them.
fn any_z() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -5.0..5.0_f64,
        2 => (-200..200_i32).prop_map(|step| f64::from(step) / 32.0),
        2 => (-40.0..40.0_f64).prop_map(|power| power.signum() * power.abs().exp2()),
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 4.0, -4.0]),
    ]
}

#[test]
fn the_bins_lie_side_by_side_and_mirror_each_other() {
    let edges: Vec<(f64, f64)> = (0..BINS).map(bin_edges).collect();
    assert!(
        edges
            .windows(2)
            .all(|pair| pair[0].1 == pair[1].0 && pair[0].0 < pair[0].1)
    );
    assert!((0..BINS).all(|bin| edges[bin].0 == -edges[BINS - 1 - bin].1));
    assert_eq!(edges[BINS / 2], (0.0, 1.0 / 32.0));
    assert_eq!((edges[384], edges[387]), ((4.0, 5.0), (7.0, 8.0)));
    assert_eq!(edges[BINS - 1].1, 2.0_f64.powi(34));
}

#[test]
fn every_edge_counts_into_its_own_bin() {
    for bin in 0..BINS {
        let (low, high) = bin_edges(bin);
        let nearer = if bin < BINS / 2 { high } else { low };
        // 0 has no sign.
        let expected = if nearer == 0.0 { BINS / 2 } else { bin };
        let filled: Vec<_> = histogram(&[nearer], 0).bins().collect();
        assert_eq!(filled, [(expected, 1)], "{nearer}");
    }
}

#[test]
fn merged_bins_keep_every_count_and_join_the_tails_last() {
    let values: Vec<f64> = (-900..900).map(|step| f64::from(step) / 97.0).collect();
    let whole = histogram(&values, 0);
    for (merge, far) in [(1, 1), (2, 1), (32, 1), (64, 2), (128, 4)] {
        let merged = whole.merged_bins(merge);
        let mut expected = vec![0; 2 * HALF / far + 2 * HALF / merge];
        for (bin, count) in whole.bins() {
            let (low, _) = bin_edges(bin);
            let before = HALF / far;
            let into = if low < -4.0 {
                bin / far
            } else if low < 4.0 {
                before + (bin - HALF) / merge
            } else {
                before + 2 * HALF / merge + (bin - 3 * HALF) / far
            };
            expected[into] += count;
        }
        assert_eq!(merged, SparseCounts::new(expected), "{merge}");
        assert_eq!(merged.iter().map(|(_, count)| count).sum::<u64>(), 1800);
    }
    assert_eq!(
        whole.merged_bins(1).iter().collect::<Vec<_>>(),
        whole.bins().collect::<Vec<_>>()
    );
}

#[test]
fn mean_and_deviation_are_known_to_half_a_bin() {
    let values: Vec<f64> = (0..1000).map(|row| f64::from(row) / 250.0 - 2.0).collect();
    let (mean, deviation) = histogram(&values, 7).estimate().unwrap();
    assert!(
        (mean + 0.002).abs() < 1.0 / 64.0 && (deviation - 1.1547).abs() < 1.0 / 64.0,
        "{mean} {deviation}"
    );
    // All of a single value: the bin is narrowed by the extremes.
    assert_eq!(
        histogram(&[0.015625; 9], 0).estimate(),
        Some((0.015625, 0.0))
    );
    assert_eq!(histogram(&[1e12], 0).estimate(), None);
    assert_eq!(histogram(&[], 1).estimate(), None);
}

#[test]
fn tables_that_are_full_are_emptied_and_lose_nothing() {
    let mut counts = BinCounts::default();
    counts.extend(&[1.0; 100]);
    counts.counted = u32::MAX as usize - 10;
    counts.extend(&[1.0; 100]);
    assert_eq!(counts.counted, 100);
    assert_eq!(counts.finish(3), histogram(&[1.0; 200], 3));
}

#[test]
fn a_text_that_holds_no_counts_is_refused() {
    let read = |text: &str| serde_json::from_value::<SparseCounts>(text.into());
    assert!(read("").is_ok() && read("CBHDCoBB").is_ok());
    // Torn, foreign characters, a run of none, an empty bin counted, more bins, a longer text.
    for text in [
        "C",
        "CB",
        "CBHD",
        "CBHDCoB",
        "CB!",
        "CA",
        "CBA",
        "ggBBB",
        "gggggggggggggggB",
        "CBHABH",
        "CBng",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn counts_are_the_same_at_every_vector_width(values in prop::collection::vec(any_z(), 0..300)) {
        let counted = at_every_level(|| histogram(&values, 3));
        prop_assert!(counted.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[test]
    fn a_value_counts_into_the_bin_that_its_edges_enclose(z in any_z()) {
        // Within 2^-22 of an edge either bin may be named; see the module's invariant.
        let nudged = |by: f64| bin_of(z + by).or(bin_of(z));
        let filled: Vec<_> = histogram(&[z], 0).bins().collect();
        let found = filled.first().map(|(bin, _)| *bin);
        let near = 2.0_f64.powi(-22) * z.abs().max(1.0);
        prop_assert!(
            [0.0, near, -near].into_iter().any(|by| nudged(by) == found),
            "{z} is in {found:?}, expected {:?}", bin_of(z)
        );
    }

    #[test]
    fn every_row_is_in_exactly_one_count(values in prop::collection::vec(any_z(), 0..300), missing in 0_u64..9) {
        let counted = histogram(&values, missing);
        prop_assert_eq!(counted.rows(), values.len() as u64 + missing);
        prop_assert_eq!(counted.nans(), values.iter().filter(|z| z.is_nan()).count() as u64);
        let beyond = |sign: f64| values.iter().filter(|z| (**z * sign) as f32 >= 2.0_f32.powi(34)).count() as u64;
        prop_assert_eq!((counted.below(), counted.above()), (beyond(-1.0), beyond(1.0)));
        let numbers = || values.iter().filter(|z| !z.is_nan()).map(|z| (*z as f32).clamp(f32::MIN, f32::MAX));
        prop_assert_eq!(counted.min(), numbers().reduce(f32::min));
        prop_assert_eq!(counted.max(), numbers().reduce(f32::max));
    }

    #[test]
    fn any_grouping_and_order_merge_to_the_same_histogram(
        values in prop::collection::vec(any_z(), 0..400),
        cuts in prop::collection::vec(0_usize..400, 0..5),
    ) {
        let whole = histogram(&values, 5);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(values.len())).collect();
        cuts.extend([0, values.len()]);
        cuts.sort_unstable();
        let parts: Vec<Histogram> = cuts.windows(2).map(|pair| histogram(&values[pair[0]..pair[1]], 0)).collect();
        let mut merged = Histogram::default();
        parts.iter().rev().for_each(|part| merged.merge(part));
        merged.merge(&histogram(&[], 5));
        prop_assert_eq!(&merged, &whole);
        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), whole);
    }

    #[test]
    fn float32_values_count_as_the_float64_ones_that_they_are(values in prop::collection::vec(any::<f32>(), 0..200)) {
        let mut counts = BinCounts::default();
        counts.extend(&values);
        let wide: Vec<f64> = values.iter().map(|z| f64::from(*z)).collect();
        prop_assert_eq!(counts.finish(0), histogram(&wide, 0));
    }

    #[test]
    fn counts_of_any_size_are_read_back(counts in prop::collection::vec(prop_oneof![Just(0), 1_u64..50, any::<u64>()], 0..BINS)) {
        let sparse = SparseCounts::new(counts.iter().copied());
        let filled: Vec<(usize, u64)> = counts.iter().copied().enumerate().filter(|(_, count)| *count > 0).collect();
        prop_assert_eq!(sparse.iter().collect::<Vec<_>>(), filled);
        let text = serde_json::to_string(&sparse).unwrap();
        prop_assert_eq!(serde_json::from_str::<SparseCounts>(&text).unwrap(), sparse);
    }
}
