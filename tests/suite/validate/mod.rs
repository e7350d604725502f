//! `prep validate` on real tables and on one that is made to be hard: what becomes of the arms.

use prep_stream::artifact::Validation;
use prep_stream::artifact::validation::{Arm, Outcome};
use prep_stream::spec::Task;

use crate::harness::{Run, Scratch};

mod gate;
mod labels;
mod networks;

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
    assert!(part.test.metric.0 < standardized.test.metric.0);
    assert!(part.epochs.iter().all(|epoch| epoch.train.0.is_finite()));
    assert_eq!(standardized.outcome, Outcome::Learned);
    assert!(standardized.test.metric.0 > 0.7, "{:?}", standardized.test);
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

/// A fixture, how it is streamed, its label, epochs, the task, the metric to reach.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
    Task,
    f64,
);

/// Real tables at Keras' learning rate: raw they explode or teach nothing, standardized they do well.
#[test]
fn real_tables_train_standardized_and_not_raw() {
    let cases: [Case; 3] = [
        (
            "breast-cancer.csv",
            &["--label", "diagnosis"],
            "diagnosis",
            "10",
            Task::Binary,
            0.93,
        ),
        (
            "wine.csv",
            &["--label", "cultivar"],
            "cultivar",
            "10",
            Task::Multiclass,
            0.8,
        ),
        (
            "penguins.csv",
            &["--label", "species", "--exclude", "year"],
            "species",
            "10",
            Task::Multiclass,
            0.9,
        ),
    ];
    for (fixture, columns, label, epochs, task, at_least) in cases {
        let scratch = Scratch::new();
        streamed(&scratch, fixture, columns);
        validate(&scratch, &["--label", label, "--epochs", epochs]).succeeds();
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

/// The table has a wind speed of 1,048 mph, by a fault of the station: 119 standard deviations.
#[test]
fn one_wrong_value_is_named_when_even_the_standardized_table_does_not_train() {
    let scratch = Scratch::new();
    streamed(
        &scratch,
        "weather",
        &["--label", "temp", "--exclude", "year"],
    );
    let few = ["--label", "temp", "--epochs", "5"];
    validate(&scratch, &few).fails_with(1);
    let found = validation(&scratch);
    assert_exploded(arms(&found)[0]);
    let far = found.why.farthest.expect("a value");
    assert_eq!(
        (far.column.as_str(), far.value.0.round()),
        ("wind_speed", 1048.0)
    );
    assert!(far.deviations.0 > 100.0 && far.stable_learning_rate.0 < 0.01);
    let named = |advice: &String| advice.contains("\"wind_speed\" has the value 1048.");
    assert!(found.advice.iter().any(named), "{:?}", found.advice);

    let scratch = Scratch::new();
    let without = &["--label", "temp", "--exclude", "year,wind_speed"];
    streamed(&scratch, "weather", without);
    validate(&scratch, &few).succeeds();
    let found = validation(&scratch);
    let [full, _, standardized] = arms(&found);
    assert_exploded(full);
    assert!(standardized.test.metric.0 > 0.9, "{:?}", standardized.test);
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
