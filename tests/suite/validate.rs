//! `prep validate` on real tables and on one that is made to be hard: what becomes of the arms.

use prep_stream::artifact::Validation;
use prep_stream::artifact::validation::{Arm, Outcome};
use prep_stream::spec::Task;

use crate::harness::{Run, Scratch};

/// `prep stream` on a fixture, into `out`.
fn streamed(scratch: &Scratch, fixture: &str, extra: &[&str]) {
    let path = format!("{}/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR"));
    scratch.stream(&path, extra);
}

fn validate(scratch: &Scratch, extra: &[&str]) -> Run {
    let mut arguments = vec!["validate", "--data", "out", "--quiet"];
    arguments.extend(extra);
    scratch.prep(&arguments)
}

fn validation(scratch: &Scratch) -> Validation {
    let bytes = std::fs::read(scratch.path("out/validation.json")).expect("validation.json");
    let validation = Validation::parse(&bytes).expect("a validation");
    assert_eq!(
        validation.render().expect("JSON"),
        bytes,
        "every figure survives"
    );
    validation
}

fn arms(validation: &Validation) -> [&Arm; 3] {
    let arms: Vec<&Arm> = validation.arms.iter().collect();
    let names: Vec<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
    assert_eq!(names, ["raw, full", "raw, part", "standardized, full"]);
    arms.try_into().expect("three arms")
}

/// It exploded, and says where and how.
fn assert_exploded(arm: &Arm) {
    assert_eq!(arm.outcome, Outcome::Exploded, "{arm:?}");
    let place = arm.first_non_finite.expect("a place");
    assert!(place.step >= 1 && place.step <= arm.steps);
    assert!(arm.test.metric.0.is_nan());
    assert!(arm.epochs.last().expect("an epoch").test.0.is_nan());
    assert!(arm.curve.last().expect("a point").step <= place.step);
}

#[test]
fn one_rare_row_ends_the_raw_table_in_nan_and_not_the_standardized_one() {
    let scratch = Scratch::new();
    streamed(&scratch, "heavy-tails.csv", &["--label", "score"]);
    let run = validate(&scratch, &["--label", "score"]).succeeds();
    assert_eq!(run.stdout, "");
    let validation = validation(&scratch);
    let [full, part, standardized] = arms(&validation);
    assert_exploded(full);
    assert_ne!(part.outcome, Outcome::Exploded);
    assert!(part.rows < full.rows / 5 && part.first_non_finite.is_none());
    assert!(part.epochs.iter().all(|epoch| epoch.train.0.is_finite()));
    assert_eq!(standardized.outcome, Outcome::Learned);
    assert!(standardized.test.metric.0 > 0.3, "{:?}", standardized.test);
    let first = standardized.epochs[0].train.0;
    assert!(standardized.epochs.last().expect("an epoch").train.0 < first);
    assert!(full.first_gradient_norm.0 > standardized.first_gradient_norm.0);
    assert!(validation.passed && validation.reason.is_none());
    assert!(
        validation.advice[0].starts_with("standardize: "),
        "{:?}",
        validation.advice
    );
}

/// Real tables at Keras' learning rate: raw they explode or teach nothing, standardized they do well.
#[test]
fn real_tables_train_standardized_and_not_raw() {
    let weather: &[&str] = &["--label", "temp", "--exclude", "year"];
    let cases: [(&str, &[&str], &str, Task, f64); 3] = [
        (
            "breast-cancer.csv",
            &["--label", "diagnosis"],
            "diagnosis",
            Task::Binary,
            0.93,
        ),
        (
            "wine.csv",
            &["--label", "cultivar"],
            "cultivar",
            Task::Multiclass,
            0.9,
        ),
        ("weather", weather, "temp", Task::Regression, 0.9),
    ];
    for (fixture, columns, label, task, at_least) in cases {
        let scratch = Scratch::new();
        streamed(&scratch, fixture, columns);
        validate(&scratch, &["--label", label, "--epochs", "5"]).succeeds();
        let validation = validation(&scratch);
        assert_eq!(validation.label.task, task, "{fixture}");
        let [full, _, standardized] = arms(&validation);
        assert_ne!(full.outcome, Outcome::Learned, "{fixture}");
        assert_eq!(standardized.outcome, Outcome::Learned, "{fixture}");
        let metric = standardized.test.metric.0;
        assert!(metric >= at_least, "{fixture}: {metric}");
        assert!(validation.baseline.metric.0 < metric, "{fixture}");
        let why = &validation.why;
        let rates = [why.raw, why.standardized].map(|form| form.stable_learning_rate.0);
        assert!(
            rates[0] < 1e-4 && rates[0] < rates[1] / 100.0,
            "{fixture}: {rates:?}"
        );
    }
}

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
fn a_label_that_nothing_tells_of_fails_the_check_with_the_reason() {
    let scratch = Scratch::new();
    let mut text = String::from("a,y\n");
    for (row, number) in (0..600).zip(crate::harness::numbers(5)) {
        text += &format!("{},{}.25\n", row % 7, number % 1000);
    }
    scratch.write("in.csv", text);
    scratch.stream("in.csv", &["--label", "y"]);
    let message = validate(&scratch, &["--label", "y"]).fails_with(1);
    assert!(
        message.contains("the validation failed: \"standardized, full\" has learned nothing: R2 "),
        "{message}"
    );
    let validation = validation(&scratch);
    assert!(!validation.passed && validation.reason.is_some());
}

#[test]
fn diagnose_runs_the_raw_arm_with_what_might_help() {
    let scratch = Scratch::new();
    streamed(&scratch, "wine.csv", &["--label", "cultivar"]);
    let run = scratch
        .prep(&[
            "validate",
            "--data",
            "out",
            "--label",
            "cultivar",
            "--diagnose",
        ])
        .succeeds();
    let validation = validation(&scratch);
    let names: Vec<&str> = validation
        .diagnosis
        .iter()
        .map(|arm| arm.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "raw, stable rate",
            "raw, leaky-relu",
            "raw, gelu",
            "raw, tanh"
        ]
    );
    let stable = &validation.diagnosis[0];
    assert!(
        stable.learning_rate < 1e-4 && stable.first_non_finite.is_none(),
        "{stable:?}"
    );
    for word in [
        "raw, stable rate",
        "Advice",
        "a linear model is stable up to",
        "passed",
    ] {
        assert!(run.stdout.contains(word), "{word} in {}", run.stdout);
    }
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
        message.contains("--data takes an output of prep stream"),
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

#[test]
fn stream_validates_before_the_output_appears_and_fails_after_it_has() {
    let scratch = Scratch::new();
    streamed(&scratch, "wine.csv", &["--label", "cultivar", "--validate"]);
    let validation = validation(&scratch);
    assert_eq!(validation.label.task, Task::Multiclass);
    validate(&scratch, &["--label", "cultivar"]).succeeds();
    let message = scratch
        .prep(&["stream", "--in", "in.csv", "--out", "other", "--validate"])
        .fails_with(2);
    assert!(
        message.contains("--validate needs one --label, 0 are given"),
        "{message}"
    );
    scratch.write(
        "noise.csv",
        "a,y\n1,1\n1,2\n1,1\n1,2\n1,1\n1,2\n1,1\n1,2\n1,1\n1,2\n1,2\n1,2\n",
    );
    let run = scratch.prep(&[
        "stream",
        "--in",
        "noise.csv",
        "--out",
        "noise",
        "--label",
        "y",
        "--validate",
    ]);
    let message = run.fails_with(1);
    assert!(message.contains("the validation failed: "), "{message}");
    assert!(message.contains("the output is complete"), "{message}");
    assert!(
        scratch.path("noise/_SUCCESS").exists() && scratch.path("noise/validation.json").exists()
    );
}
