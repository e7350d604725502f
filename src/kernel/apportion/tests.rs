//! Rounded shares: never further from exact than a row, and the sums are kept.

use proptest::prelude::*;

use super::*;

#[test]
fn shares_are_those_of_the_largest_remainders() {
    let test = |classes: &[u64], test| -> Vec<u64> {
        let parts = apportion(classes, HeldOut { test, both: test });
        parts.iter().map(|part| part.test).collect()
    };
    assert_eq!(test(&[50, 30, 20], 20), [10, 6, 4]);
    assert_eq!(test(&[1, 2, 97], 20), [0, 1, 19]);
    assert_eq!(test(&[1, 1, 1], 1), [1, 0, 0]);
    assert_eq!(test(&[7], 7), [7]);
    assert_eq!(test(&[], 0), Vec::<u64>::new());
}

proptest! {
    #[test]
    fn every_class_is_within_a_row_of_its_share_on_every_side(
        classes in prop::collection::vec(prop_oneof![1..4_u64, 1..100_000_u64], 1..30),
        test in 0..=1000_u64,
        val in 0..=1000_u64,
    ) {
        let rows: u64 = classes.iter().sum();
        let test = rows * test / 1000;
        let both = test + (rows - test) * val / 1000;
        let parts = apportion(&classes, HeldOut { test, both });
        let sum = |of: fn(&HeldOut) -> u64| parts.iter().map(of).sum::<u64>();
        prop_assert_eq!(sum(|part| part.both), both);
        prop_assert!(sum(|part| part.test).abs_diff(test) <= classes.len() as u64 / 2);
        if both == test {
            prop_assert_eq!(sum(|part| part.test), test);
        }
        for (class, part) in classes.iter().zip(&parts) {
            prop_assert!(part.test <= part.both && part.both <= *class);
            let sides = [(part.test, test), (part.both - part.test, both - test), (class - part.both, rows - both)];
            for (found, side) in sides {
                let exact = u128::from(*class) * u128::from(side);
                let off = (u128::from(found) * u128::from(rows)).abs_diff(exact);
                prop_assert!(off < u128::from(rows), "{} of {} rows", found, class);
            }
        }
    }
}
