//! Worked examples from scikit-learn users, to 1e-12, from text and from Parquet.

use crate::harness::{Column, Output, Scratch, Table};

const FLAGS: &[&str] = &["--split-by", "column:side", "--dtype", "float64"];

#[track_caller]
fn close(got: &[f64], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len(), "{got:?} and {wanted:?}");
    for (got, wanted) in got.iter().zip(wanted) {
        assert!(
            (got - wanted).abs() <= 1e-12 * wanted.abs().max(1.0),
            "{got} is not {wanted}"
        );
    }
}

/// The rows of one side over columns `a` and `b`.
fn rows(output: &Output, side: &str) -> Vec<Vec<f64>> {
    let frame = if side == "train" {
        output.train()
    } else {
        output.test()
    };
    let columns = [frame.floats("a"), frame.floats("b")];
    (0..frame.rows)
        .map(|row| columns.iter().map(|c| c[row].expect("a value")).collect())
        .collect()
}

/// One output for each input format.
fn both(
    a: &[f64],
    b: &[f64],
    side: &[&str],
    label: Option<&[i64]>,
    flags: &[&str],
    check: impl Fn(&Output),
) {
    let scratch = Scratch::new();
    let mut text = String::from(if label.is_some() {
        "a,b,label,side\n"
    } else {
        "a,b,side\n"
    });
    for row in 0..a.len() {
        let label = label.map_or(String::new(), |l| format!("{},", l[row]));
        text += &format!("{:?},{:?},{label}{}\n", a[row], b[row], side[row]);
    }
    scratch.write("text/rows.csv", text);
    let mut columns = vec![
        Column::doubles("a", a.iter().copied()),
        Column::doubles("b", b.iter().copied()),
    ];
    columns.extend(label.map(|l| Column::longs("label", l.iter().copied())));
    columns.push(Column::text("side", side.iter().copied()));
    scratch.parquet("parquet/rows.parquet", &Table::new(columns));
    for input in ["text", "parquet"] {
        check(&scratch.stream_to(&format!("out-{input}"), input, &[FLAGS, flags].concat()));
    }
}

#[test]
fn three_train_rows_give_the_mean_and_variance_scikit_learn_gives() {
    let side = ["train", "train", "train", "test", "test"];
    both(
        &[1.0, 1.5, 1.2, 2.0, 2.5],
        &[2.0, 1.8, 2.2, 3.0, 2.8],
        &side,
        None,
        &[],
        |output| {
            close(&output.scaler("mean_"), &[3.7 / 3.0, 2.0]);
            close(&output.scaler("var_"), &[0.38 / 9.0, 0.08 / 3.0]);
            close(
                &output.scaler("scale_"),
                &[(0.38_f64 / 9.0).sqrt(), (0.08_f64 / 3.0).sqrt()],
            );
            close(&output.scaler("n_samples_seen_"), &[3.0, 3.0]);
            let test = rows(output, "test");
            close(&test[0], &[2.3 / 0.38_f64.sqrt(), (3.0_f64 / 0.08).sqrt()]);
            // The digits as they are quoted.
            assert!(
                (test[0][0] - 3.7310926860).abs() < 5e-11
                    && (test[0][1] - 6.1237243570).abs() < 5e-11
            );
            assert_eq!(rows(output, "train").len(), 3);
        },
    );
}

#[test]
fn the_held_out_row_is_standardized_with_the_other_rows_statistics() {
    let side = ["train", "test", "train", "train", "train"];
    let label = [0, 0, 0, 1, 1];
    both(
        &[1.0, 1.5, 1.2, 2.0, 2.5],
        &[2.0, 1.8, 2.2, 3.0, 2.8],
        &side,
        Some(&label),
        &["--label", "label"],
        |output| {
            let test = rows(output, "test");
            assert_eq!(test.len(), 1);
            close(
                &test[0],
                &[-0.175 / 0.366875_f64.sqrt(), -0.7 / 0.17_f64.sqrt()],
            );
            assert!(
                (test[0][0] + 0.28892092019).abs() < 5e-12
                    && (test[0][1] + 1.69774937525).abs() < 5e-12
            );
            assert_eq!(output.features(), ["a", "b"]);
            assert_eq!(output.train().longs("label"), [0, 0, 1, 1]);
            assert_eq!(output.test().longs("label"), [0]);
        },
    );
}

#[test]
fn a_side_column_of_numbers_or_booleans_says_the_same() {
    let texts = [
        "0\n1\n0\n0\n0",
        "false\ntrue\nfalse\nfalse\nfalse",
        "train\ntest\ntrain\ntrain\ntrain",
    ];
    let mut seen = Vec::new();
    for sides in texts {
        let scratch = Scratch::new();
        let body: String = sides
            .lines()
            .enumerate()
            .map(|(i, side)| format!("{}.5,{side}\n", i * i))
            .collect();
        scratch.write("in/rows.csv", format!("x,side\n{body}"));
        let output = scratch.stream("in", FLAGS);
        seen.push((output.train().floats("x"), output.test().floats("x")));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    assert_eq!(seen[0].1.len(), 1);
}
