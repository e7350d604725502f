//! Exit codes and records: `prep validate` as a gate, `prep stream --validate`, budgets.

use prep_stream::spec::Task;

use super::{streamed, validate, validation};
use crate::harness::Scratch;

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
        message.contains(
            "the validation failed: \"standardized, full\" has learned nothing beyond chance: R2 "
        ),
        "{message}"
    );
    let validation = validation(&scratch);
    assert!(!validation.passed && validation.reason.is_some());
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
    assert!(
        message.contains("validation.json in the output has every figure"),
        "{message}"
    );
    assert!(
        scratch.path("noise/_SUCCESS").exists() && scratch.path("noise/validation.json").exists()
    );
}

#[test]
fn an_output_that_was_there_already_is_validated_again() {
    let scratch = Scratch::new();
    let mut text = String::from("a,y\n");
    for (row, number) in (0..300).zip(crate::harness::numbers(5)) {
        text += &format!("{},{}.25\n", row % 7, number % 1000);
    }
    scratch.write("in.csv", text);
    let arguments = [
        "stream",
        "--in",
        "in.csv",
        "--out",
        "out",
        "--label",
        "y",
        "--if-changed",
        "--validate",
    ];
    for _ in 0..2 {
        let message = scratch.prep(&arguments).fails_with(1);
        assert!(message.contains("the validation failed: "), "{message}");
    }
    let run = scratch.prep(&arguments[..8]).succeeds();
    assert!(run.stdout.contains("is up to date"), "{}", run.stdout);
}

#[test]
fn a_label_that_cannot_be_trained_on_keeps_the_finished_work() {
    let scratch = Scratch::new();
    scratch.write("in.csv", "a,y\n1,7\n2,7\n3,7\n4,7\n5,7\n6,7\n");
    let mut arguments = vec!["stream", "--in", "in.csv", "--out", "out", "--label", "y"];
    arguments.push("--validate");
    let message = scratch.prep(&arguments).fails_with(3);
    for part in [
        "column \"y\" has one class on train, expected at least 2",
        "--> out",
        "all else is done and kept: run again without --validate",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!scratch.path("out").exists());
    let run = scratch.prep(&arguments[..7]).succeeds();
    assert!(run.stdout.contains("Resumed"), "{}", run.stdout);
}

#[test]
fn a_budget_that_training_does_not_fit_is_refused_with_what_it_takes() {
    let scratch = Scratch::new();
    streamed(&scratch, "wine.csv", &["--label", "cultivar"]);
    let small = &["--label", "cultivar", "--memory", "100MiB"];
    let message = validate(&scratch, small).fails_with(6);
    assert!(
        message.contains("training on 13 features needs ")
            && message.contains("--memory allows 104857600 bytes"),
        "{message}"
    );
    let wine = format!("{}/fixtures/wine.csv", env!("CARGO_MANIFEST_DIR"));
    let run = scratch.prep(&[
        "stream",
        "--in",
        &wine,
        "--out",
        "other",
        "--label",
        "cultivar",
        "--validate",
        "--memory",
        "100MiB",
    ]);
    let message = run.fails_with(6);
    assert!(
        message.contains("training on a table of 14 columns needs "),
        "{message}"
    );
    let wide = &[
        "--label",
        "cultivar",
        "--hidden",
        "4096,4096,4096",
        "--memory",
        "300MiB",
    ];
    validate(&scratch, wide).fails_with(6);
    let fits = &[
        "--label", "cultivar", "--memory", "300MiB", "--epochs", "30",
    ];
    validate(&scratch, fits).succeeds();
}

#[test]
fn an_output_that_is_damaged_or_none_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    streamed(&scratch, "wine.csv", &["--label", "cultivar"]);
    let nowhere = ["validate", "--data", "nowhere", "--label", "cultivar"];
    let message = scratch.prep(&nowhere).fails_with(3);
    assert!(
        message.contains("no output of prep: it has no directory"),
        "{message}"
    );
    let folder = scratch.path("out/test");
    let mut shards = std::fs::read_dir(folder).expect("shards");
    let shard = shards.next().expect("a shard").expect("an entry").path();
    std::fs::remove_file(&shard).expect("remove");
    let message = validate(&scratch, &["--label", "cultivar"]).fails_with(3);
    assert!(message.contains("the shard is missing"), "{message}");
    assert!(!scratch.path("out/validation.json").exists());
}
