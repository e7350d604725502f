//! Engines and other programs that start this one: what they are told, and what is said without them.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::harness::{Column, Scratch, Table};

fn with_input() -> Scratch {
    let scratch = Scratch::new();
    let table = Table::new([Column::doubles("price", [1.0, 2.0, 3.0])]);
    scratch.parquet("in/part.parquet", &table);
    scratch
}

/// A Python that prints, as the search for modules does, and keeps what it is started with.
fn python(scratch: &Scratch, prints: &str) -> String {
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = -c ] && {{ echo '{prints}'; exit; }}\necho \"$@\" >started\n"
    );
    scratch.write("bin/python3", text);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(scratch.path("bin/python3"), mode).expect("a mode");
    scratch.path("bin").display().to_string()
}

#[test]
fn an_engine_without_what_it_needs_says_how_to_get_it() {
    let scratch = with_input();
    let arguments = ["stream", "--in", "in", "--out", "out", "--engine", "ray"];
    let run = |path: &str| scratch.prep_with_env(&arguments, &[("PATH", path)]);
    let hint = "hint: pip install 'prep-stream[ray]', here and on the workers";

    let no_python = run("/nowhere").fails_with(2);
    assert!(
        no_python.contains("--engine ray needs python3: "),
        "{no_python}"
    );
    assert!(no_python.contains(hint), "{no_python}");

    let no_module = run(&python(&scratch, "ray")).fails_with(2);
    assert!(
        no_module.contains("--engine ray needs the module ray, which python3 hasn't"),
        "{no_module}"
    );
    assert!(no_module.contains(hint), "{no_module}");
    assert!(!scratch.path("started").exists());
}

#[test]
fn an_engine_gets_the_job_as_it_was_typed() {
    let scratch = with_input();
    let arguments =
        "stream --in in --out out --engine spark --address spark://h:1 --threads 2 --test-size 0.5";
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let variables = [("PATH", &*python(&scratch, "")), ("PREP_MEMORY", "1GiB")];
    scratch.prep_with_env(&arguments, &variables).succeeds();
    let started =
        std::fs::read_to_string(scratch.path("started")).expect("what it was started with");
    let expected = format!(
        "-m prep_stream.spark --plan .out.plan.json --address=spark://h:1 --threads=2 --memory=1073741824 \
         --log-format=text -- {}\n",
        arguments[1..].join(" ")
    );
    assert_eq!(started, expected);
}

#[test]
fn an_address_without_an_engine_is_refused() {
    let scratch = with_input();
    let message = scratch
        .prep(&["stream", "--in", "in", "--out", "out", "--address", "h:1"])
        .fails_with(2);
    assert!(
        message.contains("--address and --engine local"),
        "{message}"
    );
}

#[test]
fn errors_for_machines_have_a_kind_a_place_a_hint_and_the_exit_code() {
    let scratch = with_input();
    scratch.write("bad/part.parquet", "PAR1 and no more");
    let cases = [("input", "nowhere", 3), ("data", "bad", 3)];
    for (kind, input, code) in cases {
        let arguments = [
            "stream",
            "--in",
            input,
            "--out",
            "out",
            "--log-format",
            "json",
        ];
        let run = scratch.prep(&arguments);
        assert_eq!(run.code, Some(code), "{}", run.describe());
        let last = run.stderr.lines().last().expect("a line");
        let event: Value = serde_json::from_str(last).expect("JSON");
        assert_eq!(event["event"], "error");
        assert_eq!(event["kind"], kind, "{event}");
        assert_eq!(event["exit_code"], code, "{event}");
        assert!(
            event["place"]
                .as_str()
                .is_some_and(|place| place.contains(input)),
            "{event}"
        );
        assert!(event["error"].is_string(), "{event}");
    }
}
