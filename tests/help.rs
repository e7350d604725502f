//! What the command line says about itself: help and usage errors, pinned word by word.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot start its program has failed"
)]

use std::path::Path;

use assert_cmd::Command;

/// Runs `prep` with a fixed width and none of our variables but those given.
fn prep(arguments: &[&str], variables: &[(&str, &str)], directory: &Path) -> (String, String, i32) {
    let mut command = Command::cargo_bin("prep").unwrap();
    for (name, _) in std::env::vars() {
        if name.starts_with("PREP_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(arguments)
        .current_dir(directory)
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (stdout, stderr, output.status.code().unwrap())
}

fn help(arguments: &[&str]) -> String {
    let (stdout, stderr, code) = prep(arguments, &[], Path::new("."));
    assert_eq!((stderr.as_str(), code), ("", 0));
    stdout
}

#[test]
fn help_lists_the_commands() {
    insta::assert_snapshot!(help(&["--help"]));
}

#[test]
fn help_of_stream_explains_every_flag() {
    insta::assert_snapshot!(help(&["stream", "--help"]));
}

#[test]
fn help_of_fit_transform_and_merge_says_what_a_scaler_is_good_for() {
    let pages = ["fit", "transform", "merge"].map(|command| help(&[command, "--help"]));
    insta::assert_snapshot!(pages.join("\n"));
}

#[test]
fn help_of_plan_unit_and_commit_says_how_processes_share_a_job() {
    let plan = help(&["plan", "--help"]);
    let plan = plan.split("\n\n").find(|part| part.contains("--plan"));
    let pages = ["unit", "commit"].map(|command| help(&[command, "--help"]));
    insta::assert_snapshot!(format!("{}\n\n{}", plan.unwrap(), pages.join("\n")));
}

#[test]
fn help_of_verify_says_what_is_proven() {
    insta::assert_snapshot!(help(&["verify", "--help"]));
}

#[test]
fn help_of_validate_says_which_networks_are_trained() {
    insta::assert_snapshot!(help(&["validate", "--help"]));
}

#[test]
fn help_of_audit_says_what_each_condition_is() {
    insta::assert_snapshot!(help(&["audit", "--help"]));
}

#[test]
fn usage_errors_name_what_was_typed_and_the_way_out() {
    let directory = tempfile::tempdir().unwrap();
    let config = "in = \"a\"\nout = \"o\"\ntest-sise = 0.1\n";
    std::fs::write(directory.path().join("typo.toml"), config).unwrap();
    std::fs::write(
        directory.path().join("value.toml"),
        "seed = 1\nmemory = \"much\"\n",
    )
    .unwrap();
    std::fs::write(
        directory.path().join("broken.toml"),
        "seed = 1\nlabel = [\n",
    )
    .unwrap();
    let lines = [
        "",
        "steam --in a --out o",
        "stream",
        "stream --in a",
        "stream --in a --out",
        "stream --in a --out o stray",
        "stream --in a --out o --test-sise 0.1",
        "stream --in a --out o --test-size 1.5",
        "stream --in a --out o --test-size abc",
        "stream --in a --out o --seed -1",
        "stream --in a --out o --seed 1 --seed 2",
        "stream --in a --out o --memory 12parsecs",
        "stream --in a --out o --threads 0",
        "stream --in a --out o --split-by column:",
        "stream --in a --out o --split-by colum:x",
        "stream --in a --out o --dtype float23",
        "stream --in a --out o --compression zstd:99",
        "stream --in a --out o --settle soon",
        "stream --in a --out o --delimiter ;;",
        "stream --in a --out o --label a,,b",
        "stream --in a --out o --overwrite=maybe",
        "stream --in a --out o --config missing.toml",
        "stream --config typo.toml",
        "stream --in a --out o --config value.toml",
        "stream --in a --out o --config broken.toml",
        "PREP_SEED=x stream --in a --out o",
        "PREP_SEDE=1 stream --in a --out o",
        "stream --in a --out o --seed x --log-format json",
        "audit",
        "audit o --fail-on drift",
        "audit o --grup a",
        "fit --in a --out o --dtype float32",
        "transform --in a --out o",
        "transform --scaler s --in a --out o --seed 1",
        "merge a.json --out b.json",
        "unit fit --plan p.json --unit 3..3",
        "commit --plan p.json --map-root here",
        "completions tcsh",
    ];
    let mut page = String::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (variables, arguments): (Vec<&str>, Vec<&str>) = words
            .into_iter()
            .partition(|word| word.starts_with("PREP_"));
        let variables: Vec<_> = variables
            .iter()
            .filter_map(|word| word.split_once('='))
            .collect();
        let (stdout, stderr, code) = prep(&arguments, &variables, directory.path());
        assert_eq!((stdout.as_str(), code), ("", 2), "{line}\n{stderr}");
        page.push_str(&format!("$ prep {line}\n{stderr}\n"));
    }
    insta::with_settings!({filters => vec![(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "[time]")]}, {
        insta::assert_snapshot!(page);
    });
}

#[test]
fn completions_and_manual_pages_come_from_the_same_definition() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            help(&["completions", shell]).contains("test-size"),
            "{shell}"
        );
    }
    let pages = help(&["man"]);
    for word in [
        ".TH prep",
        ".TH prep-stream",
        "\\-\\-test\\-size",
        "prep\\-plan",
    ] {
        assert!(pages.contains(word), "{word}");
    }
    let directory = tempfile::tempdir().unwrap();
    let (_, _, code) = prep(&["man", "--dir", "man1"], &[], directory.path());
    assert_eq!(code, 0);
    for page in [
        "prep.1",
        "prep-stream.1",
        "prep-plan.1",
        "prep-audit.1",
        "prep-man.1",
        "prep-completions.1",
    ] {
        assert!(directory.path().join("man1").join(page).exists(), "{page}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_prep"))
        .args(["man"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &[][..])
    );
}
