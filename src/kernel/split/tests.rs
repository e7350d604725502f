//! The published vectors; what moves no row.

use super::*;

#[test]
fn the_published_vectors_hold() {
    let key = file_key(b"a.parquet");
    assert_eq!(key, 0xcb8e_b0d4_cd41_f22d);
    let expected = [
        0xe6f8_6535_2676_cb80,
        0x233c_db63_7169_05c9,
        0xc2c1_f58f_d9a4_0d5c,
    ];
    for (row, expected) in (0..).zip(expected) {
        assert_eq!(row_hash(42, Domain::SPLIT, key, row), expected);
    }
    let mut sides = Sides::default();
    HashSplit::new(42, Cuts::test("0.2".parse().unwrap())).assign(key, 0..1_000_000, &mut sides);
    assert_eq!(sides.len(), 1_000_000);
    assert_eq!(sides.rows_on(Side::Test), 199_540);
    assert_eq!(sides.rows_on(Side::Train), 800_460);
}

#[test]
fn a_rows_side_does_not_depend_on_the_range_it_came_in() {
    let key = file_key("nested/\u{e9}.csv".as_bytes());
    let [test, val] = ["0.37", "0.11"].map(|text| text.parse().unwrap());
    let split = HashSplit::new(0, Cuts::new(test, val).unwrap());
    let mut whole = Sides::default();
    split.assign(key, 5..1_000, &mut whole);
    let mut pieces = Sides::default();
    for (start, end) in [(5, 5), (5, 6), (6, 77), (77, 640), (640, 1_000)] {
        split.assign(key, start..end, &mut pieces);
    }
    assert_eq!(whole, pieces);
    let [test, held_out] =
        ["0.37", "0.48"].map(|text| text.parse::<Fraction>().unwrap().threshold());
    for row in 5..1_000_usize {
        let hash = row_hash(0, Domain::SPLIT, key, row as u64);
        let side = match () {
            () if test.contains(hash) => Side::Test,
            () if held_out.contains(hash) => Side::Val,
            () => Side::Train,
        };
        assert_eq!(whole.side(row - 5), Some(side), "row {row}");
    }
}

#[test]
fn the_extreme_fractions_put_every_row_on_one_side() {
    for (fraction, expected) in [(Fraction::ZERO, 0), (Fraction::ONE, 1_000)] {
        let mut sides = Sides::default();
        HashSplit::new(42, Cuts::test(fraction)).assign(7, 0..1_000, &mut sides);
        assert_eq!(sides.rows_on(Side::Test), expected);
    }
}

#[test]
fn a_val_side_takes_its_rows_from_train_alone() {
    let [test, val]: [Fraction; 2] = ["0.2", "0.1"].map(|text| text.parse().unwrap());
    let (mut two, mut three) = (Sides::default(), Sides::default());
    HashSplit::new(42, Cuts::test(test)).assign(7, 0..10_000, &mut two);
    let cuts = Cuts::new(test, val).unwrap();
    HashSplit::new(42, cuts).assign(7, 0..10_000, &mut three);
    for row in 0..10_000 {
        let is_test = |sides: &Sides| sides.side(row) == Some(Side::Test);
        assert_eq!(is_test(&two), is_test(&three), "row {row}");
    }
    let val = three.rows_on(Side::Val);
    assert!((900..1_100).contains(&val), "{val} of 10,000 rows are val");
    assert_eq!(Cuts::new(Fraction::ONE, test), None);
}

#[test]
fn a_smaller_sample_is_part_of_a_larger_one_and_independent_of_the_side() {
    let key = file_key(b"a.parquet");
    let kept = |share: &str| {
        let mut kept = vec![u64::MAX; 100_000_usize.div_ceil(64)];
        RowSample::new(42, share.parse().unwrap()).keep(key, 7..100_007, &mut kept);
        let bit = |row: usize| kept[row / 64] >> (row % 64) & 1 == 1;
        (0..100_000).map(bit).collect::<Vec<bool>>()
    };
    let (small, large) = (kept("0.05"), kept("0.3"));
    assert!(
        small
            .iter()
            .zip(&large)
            .all(|(small, large)| !small || *large)
    );
    let mut sides = Sides::default();
    HashSplit::new(42, Cuts::test("0.2".parse().unwrap())).assign(key, 7..100_007, &mut sides);
    for (kept, share) in [(&small, 0.05), (&large, 0.3)] {
        let rows = (0..100_000).filter(|row| kept[*row]);
        let test = rows
            .clone()
            .filter(|row| sides.side(*row) == Some(Side::Test));
        let (rows, test) = (rows.count() as f64, test.count() as f64);
        assert!((rows / 1e5 - share).abs() < 0.005, "{rows} of 100000 rows");
        assert!((test / rows - 0.2).abs() < 0.02, "{test} of {rows} rows");
    }
    assert!(kept("1").iter().all(|kept| *kept));
    assert!(!kept("0").iter().any(|kept| *kept));
    // The published vector: rows 0 to 9 of `a.parquet`.
    let rows = (0..10).filter(|row| row_hash(42, Domain::SAMPLE, key, *row) < 1 << 62);
    assert_eq!(rows.collect::<Vec<_>>(), [0, 7]);
}

#[test]
fn hashes_are_cut_like_rows() {
    let cuts = Cuts::new("0.3".parse().unwrap(), "0.2".parse().unwrap()).unwrap();
    let hashes: Vec<u64> = (0..333)
        .map(|row| row_hash(1, Domain::SPLIT, 7, row))
        .collect();
    let mut sides = Sides::default();
    sides.push(Side::Train);
    cuts.assign(&hashes, &mut sides);
    let mut expected = Sides::default();
    expected.push(Side::Train);
    hashes
        .iter()
        .for_each(|hash| expected.push(cuts.side(*hash)));
    assert_eq!(sides, expected);
}
