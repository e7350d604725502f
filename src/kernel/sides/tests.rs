//! Bits in order, and what must not become a train row.

use super::*;

#[test]
fn rows_keep_the_order_they_were_pushed_in() {
    let two = |row: usize| match row.is_multiple_of(3) || row % 7 == 2 {
        true => Side::Test,
        false => Side::Train,
    };
    let late = |row: usize| match row {
        150.. if row.is_multiple_of(5) => Side::LeftOut,
        70.. if row % 3 == 1 => Side::Val,
        _ => two(row),
    };
    for expected in [&two as &dyn Fn(usize) -> Side, &late] {
        let mut sides = Sides::default();
        (0..200).for_each(|row| sides.push(expected(row)));
        assert_eq!(sides.len(), 200);
        for row in 0..200 {
            assert_eq!(sides.side(row), Some(expected(row)), "row {row}");
            let (low, high) = sides.words(row);
            for bit in 0..64 {
                let side = match row + bit < 200 {
                    true => expected(row + bit),
                    false => Side::Train,
                };
                assert_eq!(
                    Side::of_bits(low >> bit, high >> bit),
                    side,
                    "{row} + {bit}"
                );
            }
        }
        assert_eq!(sides.side(200), None);
        sides.clear();
        assert!(sides.is_empty());
        assert_eq!(sides, Sides::default());
    }
}

#[test]
fn only_train_rows_are_selected() {
    let mut sides = Sides::default();
    for side in [
        Side::Val,
        Side::Train,
        Side::LeftOut,
        Side::Test,
        Side::Train,
    ] {
        sides.push(side);
    }
    let values = &[0.0; 5];
    let (train, _) = sides
        .train(
            0,
            NumericRows {
                values,
                valid: None,
            },
        )
        .selected(0);
    assert_eq!(train, 0b10010);
}

#[test]
#[should_panic(expected = "rows 1 and 2 more asked for, sides are known for 2")]
fn a_row_without_a_side_is_never_a_train_row() {
    let mut sides = Sides::default();
    sides.push_words(0, 0, 2);
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
    sides.push_words(0, 0, 64);
    sides.push_words(0, 0, 1);
    sides.train(
        0,
        NumericRows {
            values: &[0.0; 65],
            valid: Some(&[0]),
        },
    );
}

#[test]
fn rows_that_are_not_kept_are_left_out() {
    let side = |row: usize| match row % 5 {
        0 => Side::Test,
        3 => Side::Val,
        _ => Side::Train,
    };
    let mut piece = Sides::default();
    (0..150).for_each(|row| piece.push(side(row)));
    let mut kept = [0_u64; 3];
    (0..150)
        .filter(|row| row % 7 != 2)
        .for_each(|row| kept[row / 64] |= 1 << (row % 64));
    let (mut sides, mut expected) = (Sides::default(), Sides::default());
    for sides in [&mut sides, &mut expected] {
        sides.push(Side::Test);
    }
    sides.append_kept(&piece, &kept);
    for row in 0..150 {
        expected.push(if row % 7 == 2 {
            Side::LeftOut
        } else {
            side(row)
        });
    }
    assert_eq!(sides, expected);
}

#[test]
fn words_give_the_sides_back_and_what_cannot_be_sides_is_refused() {
    for rows in [0, 1, 63, 64, 65, 200] {
        for all in [
            [Side::Train, Side::Test, Side::Train],
            [Side::Val, Side::LeftOut, Side::Test],
        ] {
            let mut sides = Sides::default();
            (0..rows).for_each(|row| sides.push(all[row % 3]));
            let words = sides.to_words();
            assert!(words.len() <= Sides::words_max(rows));
            assert_eq!(Sides::of_words(rows, words.clone()), Some(sides), "{rows}");
            let longer = [&words[..], &[0; 5]].concat();
            assert_eq!(Sides::of_words(rows, longer), None, "{rows}");
        }
    }
    assert_eq!(Sides::of_words(65, vec![0]), None, "too few");
    assert_eq!(Sides::of_words(65, vec![0, 2]), None, "a bit past the end");
    assert_eq!(
        Sides::of_words(3, vec![0, 8]),
        None,
        "one in the high plane"
    );
}
