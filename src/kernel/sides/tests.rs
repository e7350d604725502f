//! Bits in order, and what must not become a train row.

use super::*;

#[test]
fn rows_keep_the_order_they_were_pushed_in() {
    let mut sides = Sides::default();
    let is_test = |row: usize| row.is_multiple_of(3) || row % 7 == 2;
    for row in 0..200 {
        sides.push(if is_test(row) {
            Side::Test
        } else {
            Side::Train
        });
    }
    assert_eq!(sides.len(), 200);
    assert_eq!(
        sides.rows_on(Side::Test),
        (0..200).filter(|&r| is_test(r)).count() as u64
    );
    for row in 0..200 {
        assert_eq!(
            sides.side(row) == Some(Side::Test),
            is_test(row),
            "row {row}"
        );
        let expected = (0..64).fold(0, |word, i| {
            word | (u64::from(row + i < 200 && is_test(row + i)) << i)
        });
        assert_eq!(sides.word(row), expected, "word at {row}");
    }
    assert_eq!(sides.side(200), None);
    sides.clear();
    assert!(sides.is_empty());
}

#[test]
#[should_panic(expected = "rows 1 and 2 more asked for, sides are known for 2")]
fn a_row_without_a_side_is_never_a_train_row() {
    let mut sides = Sides::default();
    sides.push_word(0, 2);
    sides.train(
        1,
        NumericRows {
            values: &[1.0, 2.0],
            valid: None,
        },
    );
}

#[test]
#[should_panic(expected = "validity has 64 bits, the column 65 rows")]
fn a_short_validity_is_refused() {
    let mut sides = Sides::default();
    sides.push_word(0, 64);
    sides.push_word(0, 1);
    sides.train(
        0,
        NumericRows {
            values: &[0.0; 65],
            valid: Some(&[0]),
        },
    );
}
