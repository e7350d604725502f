//! What a label may be, what it becomes, and which rows take part.

use prep_stream::spec::Task;

use super::{validate, validation};
use crate::harness::{Column, Scratch, Table, Values};

#[test]
fn what_is_missing_is_counted() {
    let scratch = Scratch::new();
    let mut text = String::from("a,b,side,y\n");
    for row in 0..400 {
        let a = if row % 10 == 0 {
            String::new()
        } else {
            (row % 17).to_string()
        };
        let y = if row % 4 == 1 {
            String::new()
        } else {
            format!("{}.5", row % 17)
        };
        let side = if row < 300 { "train" } else { "test" };
        text += &format!("{a},{},{side},{y}\n", row % 5);
    }
    scratch.write("in.csv", text);
    scratch.stream("in.csv", &["--label", "y", "--split-by", "column:side"]);
    validate(&scratch, &["--label", "y", "--epochs", "20"]).succeeds();
    let validation = validation(&scratch);
    assert_eq!(validation.label.task, Task::Regression);
    assert_eq!(
        (validation.rows.train, validation.rows.train_unlabelled),
        (225, 75)
    );
    assert_eq!(
        (validation.rows.test, validation.rows.test_unlabelled),
        (75, 25)
    );
    // Every tenth row lacks a, every other of those has a label: rows 1 modulo 4 don't.
    assert_eq!(
        (validation.missing.train, validation.missing.test),
        (30, 10)
    );
}

#[test]
fn labels_that_cannot_be_predicted_are_errors() {
    let scratch = Scratch::new();
    scratch.write(
        "in.csv",
        "a,b,name,one,empty\n1,2,x,7,\n2,3,y,7,\n3,5,z,7,\n4,5,z,7,\n",
    );
    scratch.stream("in.csv", &["--label", "name,one,empty", "--test-size", "0"]);
    let cases: [(&str, &[&str], i32, &str); 6] = [
        (
            "nope",
            &[],
            2,
            "no column \"nope\" for --label; the input has \"name\", \"one\", \"empty\"",
        ),
        (
            "a",
            &[],
            2,
            "invalid value \"a\" for --label: it is one of the standardized features",
        ),
        (
            "one",
            &[],
            3,
            "column \"one\" has one class on train, expected at least 2",
        ),
        (
            "empty",
            &[],
            3,
            "no train row has a value in column \"empty\"",
        ),
        (
            "name",
            &["--task", "regression"],
            3,
            "column \"name\" is text, --task regression takes numbers",
        ),
        (
            "name",
            &["--task", "binary"],
            3,
            "column \"name\" has 3 classes on train, --task binary takes 2",
        ),
    ];
    for (label, extra, code, expected) in cases {
        let mut arguments = vec!["--label", label];
        arguments.extend(extra);
        let message = validate(&scratch, &arguments).fails_with(code);
        assert!(message.contains(expected), "{label}: {message}");
    }
    let message = scratch
        .prep(&["validate", "--data", "in.csv", "--label", "a"])
        .fails_with(3);
    assert!(
        message.contains("give the path that was --out of prep stream"),
        "{message}"
    );
    let message = validate(&scratch, &["--label", "name"]).fails_with(1);
    assert!(
        message.contains("no test row has a label to measure by"),
        "{message}"
    );
    assert!(
        scratch.path("out/_SUCCESS").exists(),
        "the output is as it was"
    );
}

/// A table of 300 rows whose label has the values of `label`, over and over.
fn table(label: Column) -> Table {
    let noise = crate::harness::numbers(3).map(|number| (number % 100) as f64);
    let values = |row: usize| (row % 30) as f64;
    Table::new([
        Column::doubles("a", (0..300).map(values)),
        Column::doubles("b", noise.take(300)),
        label,
    ])
}

/// A name, a label, what is asked for, the task, the classes.
type Case = (
    &'static str,
    Column,
    &'static [&'static str],
    Task,
    &'static [&'static str],
);

#[test]
fn the_task_follows_from_the_label() {
    let longs = |classes: i64| Column::longs("y", (0..300).map(move |row| row % 30 % classes));
    let doubles =
        |step: f64| Column::doubles("y", (0..300).map(move |row| f64::from(row % 30) * step));
    let texts = Column::text(
        "y",
        (0..300).map(|row| ["lo", "mid", "high"][row % 30 / 10]),
    );
    let bools = (0..300).map(|row| Some(row % 30 > 12)).collect();
    let bools = Column::new("required boolean y;", Values::Bool(bools));
    let cases: [Case; 9] = [
        ("two integers", longs(2), &[], Task::Binary, &["0", "1"]),
        (
            "three integers",
            longs(3),
            &[],
            Task::Multiclass,
            &["0", "1", "2"],
        ),
        ("more integers", longs(21), &[], Task::Regression, &[]),
        ("halves", doubles(0.5), &[], Task::Regression, &[]),
        (
            "whole doubles",
            doubles(2.0),
            &["--task", "multiclass"],
            Task::Multiclass,
            &[],
        ),
        (
            "three integers, asked",
            longs(3),
            &["--task", "regression"],
            Task::Regression,
            &[],
        ),
        (
            "two integers, asked",
            longs(2),
            &["--task", "multiclass"],
            Task::Multiclass,
            &["0", "1"],
        ),
        ("text", texts, &[], Task::Multiclass, &["high", "lo", "mid"]),
        ("booleans", bools, &[], Task::Binary, &["0", "1"]),
    ];
    for (name, label, extra, task, classes) in cases {
        let scratch = Scratch::new();
        scratch.parquet("in.parquet", &table(label));
        scratch.stream("in.parquet", &["--label", "y"]);
        let run = validate(
            &scratch,
            &[&["--label", "y", "--epochs", "1"], extra].concat(),
        );
        assert!(
            matches!(run.code, Some(0 | 1)),
            "{name}: {}",
            run.describe()
        );
        let found = validation(&scratch);
        assert_eq!(found.label.task, task, "{name}");
        let outputs = match task {
            Task::Regression => 1,
            Task::Binary | Task::Multiclass => found.label.classes.len(),
        };
        assert_eq!(found.training.outputs, outputs, "{name}");
        if !classes.is_empty() {
            assert_eq!(found.label.classes, classes, "{name}");
        }
    }
}

#[test]
fn a_label_is_scaled_for_training_and_measured_in_its_own_unit() {
    let scratch = Scratch::new();
    let label = Column::doubles(
        "y",
        (0..300).map(|row| 1000.0 + 100.5 * f64::from(row % 30)),
    );
    scratch.parquet("in.parquet", &table(label));
    scratch.stream("in.parquet", &["--label", "y"]);
    validate(&scratch, &["--label", "y", "--epochs", "50"]).succeeds();
    let scaled = validation(&scratch);
    let [_, _, standardized] = super::arms(&scaled);
    assert!(scaled.label.scaled && (scaled.label.mean.0 - 2457.0).abs() < 100.0);
    assert!((scaled.label.scale.0 - 870.0).abs() < 50.0);
    // The error of the best constant is the spread of test, about that of train.
    assert!((scaled.baseline.rmse.0 / scaled.label.scale.0 - 1.0).abs() < 0.2);
    let share = standardized.test.rmse.0 / scaled.baseline.rmse.0;
    assert!((1.0 - share * share - standardized.test.metric.0).abs() < 1e-9);
    // The loss is that of a standardized label: about 1 for a constant.
    assert!(standardized.epochs[0].train.0 < 2.0);
    let run = validate(
        &scratch,
        &["--label", "y", "--epochs", "1", "--no-scale-label"],
    );
    assert!(matches!(run.code, Some(0 | 1)), "{}", run.describe());
    let unscaled = validation(&scratch);
    assert!(!unscaled.label.scaled);
    assert!(unscaled.arms[2].first_gradient_norm.0 > 100.0 * standardized.first_gradient_norm.0);
}
