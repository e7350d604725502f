//! The arms: one network, one order, other features; bits that follow from the seed.

use prep_stream::artifact::validation::Outcome;

use super::{arms, streamed, validate, validation};
use crate::harness::{Column, Scratch, Table};

#[test]
fn losses_are_the_same_bits_whatever_the_threads() {
    let scratch = Scratch::new();
    streamed(
        &scratch,
        "weather",
        &["--label", "temp", "--exclude", "year"],
    );
    let mut first: Option<Vec<u8>> = None;
    for (threads, environment) in [("1", "1"), ("3", "1"), ("1", "4"), ("2", "3")] {
        let arguments = [
            "validate",
            "--data",
            "out",
            "--label",
            "temp",
            "--epochs",
            "1",
            "--batch-size",
            "256",
            "--threads",
            threads,
            "--quiet",
        ];
        scratch
            .prep_with_env(&arguments, &[("RAYON_NUM_THREADS", environment)])
            .succeeds();
        let bytes = std::fs::read(scratch.path("out/validation.json")).expect("validation.json");
        match &first {
            None => first = Some(bytes),
            Some(first) => assert!(*first == bytes, "{threads} threads, {environment} of rayon"),
        }
    }
    validate(
        &scratch,
        &[
            "--label",
            "temp",
            "--epochs",
            "1",
            "--batch-size",
            "256",
            "--seed",
            "1",
        ],
    );
    let other = std::fs::read(scratch.path("out/validation.json")).expect("validation.json");
    assert!(first != Some(other), "another seed, other losses");
}

/// Features of mean 0 and standard deviation 1 are the same raw and standardized.
#[test]
fn arms_differ_in_nothing_but_their_features() {
    let scratch = Scratch::new();
    let sign = |bit: usize| {
        move |row: usize| {
            if (row >> bit).is_multiple_of(2) {
                -1.0
            } else {
                1.0
            }
        }
    };
    let rows = 0..512;
    let columns = [0, 1, 2].map(|bit| {
        let name = ["a", "b", "c"][bit];
        Column::doubles(name, rows.clone().map(sign(bit)))
    });
    let label = Column::doubles("y", rows.clone().map(|row| (row % 8) as f64 + 0.5));
    let sides = rows.map(|row| if row < 448 { "train" } else { "test" });
    let table = Table::new(columns)
        .with(label)
        .with(Column::text("side", sides));
    scratch.parquet("in.parquet", &table);
    scratch.stream("in.parquet", &["--label", "y", "--split-by", "column:side"]);
    validate(&scratch, &["--label", "y", "--part", "1"]).succeeds();
    let found = validation(&scratch);
    let [full, part, standardized] = arms(&found);
    let form = |arm: &prep_stream::artifact::validation::Arm| {
        (
            arm.rows,
            arm.steps,
            arm.epochs.clone(),
            arm.curve.clone(),
            arm.test,
        )
    };
    assert_eq!(form(full), form(standardized));
    assert_eq!(form(full), form(part));
    assert_eq!((full.rows, full.steps), (448, 140));
    assert_eq!(full.outcome, Outcome::Learned);
}

/// x is 3 or 7: mean 5, standard deviation 2, mean square 29. Squared loss bears a rate of 1 / 29.
#[test]
fn the_raw_arm_sees_the_values_as_they_were_and_the_why_is_in_closed_form() {
    let scratch = Scratch::new();
    let values = (0..500).map(|row| if row % 2 == 0 { 3.0 } else { 7.0 });
    let wide = (0..500).map(|row| if row % 5 == 0 { 1e-7 } else { 0.0 });
    let table = Table::new([
        Column::doubles("x", values.clone()),
        Column::doubles("tiny", wide),
        Column::doubles("y", values.map(|x| x / 8.0)),
    ]);
    scratch.parquet("in.parquet", &table);
    scratch.stream("in.parquet", &["--label", "y", "--test-size", "0"]);
    validate(&scratch, &["--label", "y", "--task", "regression"]).fails_with(1);
    let why = validation(&scratch).why;
    assert_eq!(why.sample_rows, 500);
    assert!(
        (why.raw.largest_eigenvalue.0 - 29.0).abs() < 1e-4,
        "{why:?}"
    );
    assert!((why.raw.stable_learning_rate.0 - 1.0 / 29.0).abs() < 1e-6);
    assert!((why.standardized.largest_eigenvalue.0 - 1.0).abs() < 0.1);
    let worst = &why.harmful[0];
    assert_eq!(worst.column, "x");
    assert!(worst.share.0 > 0.999 && worst.mean.0 == 5.0 && worst.scale.0 == 2.0);
    assert_eq!(why.harmful.len(), 2);
}
