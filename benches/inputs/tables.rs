//! Text: floats of 17 digits, integers, and quoted text.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use std::fmt::Write as _;

/// The tables by their names.
pub(crate) fn tables(rows: u64) -> [(&'static str, String); 3] {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        state >> 11
    };
    let [mut floats, mut integers, mut text] = [String::new(), String::new(), String::new()];
    for column in 0..28 {
        write!(floats, "{}c{column}", if column > 0 { "," } else { "" }).unwrap();
    }
    integers.push_str("a,b,c,d,e");
    text.push_str("id,name,note,price");
    for row in 0..rows {
        for column in 0..28 {
            // Around 10 i with a deviation of about 1 + i, like the table that peers are compared on.
            let spread =
                next() as f64 / (1_u64 << 53) as f64 + next() as f64 / (1_u64 << 53) as f64 - 1.0;
            let value = 10.0 * f64::from(column) + 2.5 * f64::from(1 + column) * spread;
            floats.push(if column == 0 { '\n' } else { ',' });
            floats.push_str(&digits(value, 17));
        }
        for column in 0..5 {
            integers.push(if column == 0 { '\n' } else { ',' });
            let digits = next() % 30;
            write!(integers, "{}", next() >> (22 + digits)).unwrap();
        }
        let price = (next() % 100_000) as f64 / 100.0;
        write!(
            text,
            "\n{row},\"name {}\",\"a \"\"quoted\"\" note, {row}\",{price:.2}",
            row % 77
        )
        .unwrap();
    }
    [("floats", floats), ("integers", integers), ("text", text)]
}

/// A number with so many significant digits, zeros at its end left out.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the digits before the point of a number of a table"
)]
fn digits(value: f64, significant: usize) -> String {
    let whole = value.abs().log10().floor().max(-4.0) as i64;
    let places = usize::try_from(significant as i64 - 1 - whole).unwrap_or(0);
    let all = format!("{value:.places$}");
    all.trim_end_matches('0').trim_end_matches('.').to_owned()
}
