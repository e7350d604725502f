//! Every row is in one fold; no fit for a fold sees it; classes are dealt evenly; the published vectors.

use proptest::prelude::*;

use super::*;
use crate::kernel::{
    Domain, KeyHash, NumericRows, Ranks, Value, Welford, file_key, row_hash, row_hashes,
};

fn count() -> impl Strategy<Value = FoldCount> {
    (2_u64..=100).prop_map(|count| FoldCount::new(count).unwrap())
}

/// Hashes of rows, some of them left out, and how many folds there are.
fn rows() -> impl Strategy<Value = (FoldCount, Vec<Option<u64>>)> {
    let hash = prop_oneof![4 => any::<u64>().prop_map(Some), 1 => Just(None)];
    (count(), prop::collection::vec(hash, 0..300))
}

fn folds_of(count: FoldCount, hashes: &[Option<u64>]) -> Folds {
    let mut folds = Folds::default();
    let of_rows = hashes
        .iter()
        .map(|hash| hash.map(|hash| count.of_hash(hash)));
    of_rows.for_each(|fold| folds.push(fold));
    folds
}

proptest! {
    #[test]
    fn folds_partition_the_rows_that_are_used((count, hashes) in rows()) {
        let folds = folds_of(count, &hashes);
        let mut tested = vec![0; hashes.len()];
        for fold in count.folds() {
            let sides = folds.held_out(fold);
            prop_assert_eq!(sides.len(), hashes.len());
            for (row, hash) in hashes.iter().enumerate() {
                let expected = match hash {
                    None => Side::LeftOut,
                    Some(hash) if count.of_hash(*hash) == fold => Side::Test,
                    Some(_) => Side::Train,
                };
                prop_assert_eq!(sides.side(row), Some(expected));
                tested[row] += usize::from(expected == Side::Test);
            }
            prop_assert_eq!(folds.rows_by_fold(count)[fold.number()], sides.rows_on(Side::Test));
        }
        for (tested, hash) in tested.iter().zip(&hashes) {
            prop_assert_eq!(*tested, usize::from(hash.is_some()));
        }
        let used = hashes.iter().flatten().count() as u64;
        prop_assert_eq!(folds.rows_by_fold(count).iter().sum::<u64>(), used);
        let undivided = folds.undivided();
        prop_assert_eq!(undivided.rows_on(Side::Test), used);
        prop_assert_eq!(undivided.rows_on(Side::Train), 0);
    }

    #[test]
    fn other_values_in_a_fold_leave_its_own_fit_as_it_was(
        (count, hashes) in rows(),
        seed in any::<u64>(),
    ) {
        let folds = folds_of(count, &hashes);
        let values: Vec<f64> = (0..hashes.len() as u64).map(|row| (row ^ seed) as f64).collect();
        for fold in count.folds() {
            let sides = folds.held_out(fold);
            let fit = |values: &[f64]| {
                let mut welford = Welford::<f64>::default();
                welford.extend(sides.train(0, NumericRows { values, valid: None }));
                welford
            };
            let mut others = values.clone();
            for (row, value) in others.iter_mut().enumerate() {
                if sides.side(row) != Some(Side::Train) {
                    *value = f64::NAN;
                }
            }
            prop_assert_eq!(fit(&values), fit(&others));
        }
    }

    #[test]
    fn classes_and_folds_get_as_many_rows_as_each_other(
        count in count(),
        classes in prop::collection::vec(prop_oneof![0_u64..10, 0_u64..10_000], 0..20),
    ) {
        let dealt = deal(&classes, count);
        let mut folds = vec![0; count.folds().len()];
        for (class, of_class) in classes.iter().zip(&dealt) {
            prop_assert_eq!(of_class.iter().sum::<u64>(), *class);
            let (low, high) = (of_class.iter().min(), of_class.iter().max());
            prop_assert!(high.unwrap() - low.unwrap() <= 1, "{of_class:?}");
            folds.iter_mut().zip(of_class).for_each(|(fold, rows)| *fold += rows);
        }
        prop_assert!(folds.iter().max().unwrap() - folds.iter().min().unwrap() <= 1);
    }

    #[test]
    fn cuts_at_ranks_give_each_fold_what_was_dealt(
        count in (2_u64..=12).prop_map(|count| FoldCount::new(count).unwrap()),
        hashes in prop::collection::btree_set(any::<u64>(), 1..400),
    ) {
        let mut ranks = Ranks::new(&count.ends(), 1e30);
        hashes.iter().for_each(|hash| ranks.push(*hash));
        let dealt = deal(&[hashes.len() as u64], count).remove(0);
        let mut end = 0;
        let cuts: Vec<Threshold> = dealt[..dealt.len() - 1].iter().map(|rows| {
            end += rows;
            ranks.cut(end).unwrap().0
        }).collect();
        let mut found = vec![0; dealt.len()];
        hashes.iter().for_each(|hash| found[count.of_cuts(&cuts, *hash).number()] += 1);
        prop_assert_eq!(found, dealt);
    }
}

#[test]
fn the_published_vectors_hold() {
    let five = FoldCount::new(5).unwrap();
    let key = file_key(b"a.parquet");
    let hashes: Vec<u64> = (0..3)
        .map(|row| row_hash(42, Domain::FOLD, key, row))
        .collect();
    assert_eq!(
        hashes
            .iter()
            .map(|h| format!("{h:016x}"))
            .collect::<Vec<_>>(),
        VECTORS
    );
    let numbers: Vec<usize> = hashes.iter().map(|h| five.of_hash(*h).number()).collect();
    assert_eq!(numbers, [3, 3, 2]);
    let mut all = Vec::new();
    row_hashes(42, Domain::FOLD, key, 0..1_000_000, &mut all);
    let mut folds = Folds::default();
    all.iter()
        .for_each(|hash| folds.push(Some(five.of_hash(*hash))));
    assert_eq!(
        folds.rows_by_fold(five),
        [199_780, 200_219, 199_470, 199_853, 200_678]
    );
    let start = KeyHash::new(42, Domain::FOLD_GROUP);
    let hash = start.value(Value::Bytes(b"user-0042")).finish();
    assert_eq!(
        (format!("{hash:016x}").as_str(), five.of_hash(hash).number()),
        ("48466d463cdeb28c", 1)
    );
}

/// Of the first three rows of `a.parquet`, seed 42.
const VECTORS: [&str; 3] = ["b7301686f6823da1", "a82c0ce3f3570402", "6c532a5709509e0f"];

#[test]
fn only_a_sane_number_of_folds_is_one() {
    for (text, is_one) in [
        ("1", false),
        ("2", true),
        ("100", true),
        ("101", false),
        ("0", false),
        ("1e3", false),
        ("18446744073709551615", false),
    ] {
        assert_eq!(
            serde_json::from_str::<FoldCount>(text).is_ok(),
            is_one,
            "{text}"
        );
    }
}

#[test]
fn words_give_the_folds_back_and_what_cannot_be_folds_is_refused() {
    let three = FoldCount::new(3).unwrap();
    for rows in [0, 1, 7, 8, 9, 50] {
        let mut folds = Folds::default();
        for row in 0..rows {
            folds.push((row % 4 != 0).then(|| three.of_hash((row as u64) << 58)));
        }
        let words = folds.to_words();
        assert_eq!(words.len(), Folds::words_max(rows));
        assert_eq!(Folds::of_words(rows, &words), Some(folds), "{rows}");
        assert_eq!(
            Folds::of_words(rows, &[&words[..], &[0]].concat()),
            None,
            "{rows}"
        );
    }
    assert_eq!(
        Folds::of_words(2, &[0x01_0000]),
        None,
        "a byte past the end"
    );
    assert_eq!(Folds::of_words(2, &[200]), None, "no fold has that number");
}
