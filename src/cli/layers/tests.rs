//! Layers win over each other in order, and errors say which layer was wrong.

use std::fs;

use prep_stream::spec::JobSpec;

use super::*;
use crate::cli::commands::Command;

/// What a line of words means, with variables and a configuration.
fn spec_of(line: &[&str], variables: &[(&str, &str)], config: Option<&str>) -> Result<JobSpec> {
    let directory = tempfile::tempdir().unwrap();
    let mut argv: Vec<OsString> = ["prep", "stream"].iter().map(OsString::from).collect();
    argv.extend(line.iter().map(OsString::from));
    if let Some(config) = config {
        let path = directory.path().join("job.toml");
        fs::write(&path, config).unwrap();
        argv.push("--config".into());
        argv.push(path.into());
    }
    match parse(&argv, &Environment::of(variables))? {
        Parsed::Command(Command::Stream(args)) => args.job.into_spec(),
        _ => panic!("{line:?} is no job"),
    }
}

fn seed(line: &[&str], variables: &[(&str, &str)], config: Option<&str>) -> u64 {
    let line = [&["--in", "a", "--out", "o"], line].concat();
    spec_of(&line, variables, config).unwrap().split.seed
}

#[test]
fn a_flag_wins_over_a_variable_over_a_key_over_the_default() {
    assert_eq!(seed(&[], &[], None), 42);
    assert_eq!(seed(&[], &[], Some("seed = 1")), 1);
    assert_eq!(seed(&[], &[("PREP_SEED", "2")], Some("seed = 1")), 2);
    assert_eq!(
        seed(&["--seed", "3"], &[("PREP_SEED", "2")], Some("seed = 1")),
        3
    );
    assert_eq!(seed(&[], &[("PREP_SEED", "")], Some("seed = 0x10")), 16);
}

#[test]
fn lists_of_a_layer_replace_and_do_not_add() {
    let line = ["--in", "typed", "--out", "o", "--label", "t"];
    let config = "in = [\"x\", \"y\"]\nlabel = \"a,b\"\nexclude = [\"a,b\", \"c\\\"d\"]\nnull = [\"\", \"-\"]";
    let spec = spec_of(&line, &[("PREP_IN", "v:w")], Some(config)).unwrap();
    assert_eq!(spec.input.paths, [PathBuf::from("typed")]);
    assert_eq!(spec.columns.label, ["t"]);
    assert_eq!(spec.columns.exclude, ["a,b", "c\"d"]);
    assert_eq!(spec.input.dialect.null_tokens, ["", "-"]);
    let spec = spec_of(&["--out", "o"], &[("PREP_IN", "v:w")], Some(config)).unwrap();
    assert_eq!(spec.input.paths, [PathBuf::from("v"), PathBuf::from("w")]);
    assert_eq!(spec.columns.label, ["a", "b"]);
}

#[test]
fn a_configuration_alone_makes_a_job() {
    let config = "in = \"a\"\nout = \"o\"\ntest-size = 0.1\nno-hive = true\noverwrite = \"two-step\"\n\
                  memory = \"1GiB\"\nthreads = 3\nval-size = 0.3\ncompression = \"none\"";
    let spec = spec_of(&[], &[], Some(config)).unwrap();
    assert_eq!(spec.split.test_size.to_string(), "0.1");
    assert_eq!(
        spec.split.val_size.map(|size| size.to_string()),
        Some("0.3".to_owned())
    );
    assert!(!spec.input.hive);
    assert_eq!(spec.output.overwrite, prep_stream::spec::Overwrite::TwoStep);
    assert_eq!(spec.resources.memory_bytes_max, 1 << 30);
    assert_eq!(spec.resources.threads, 3);
}

#[test]
fn a_size_of_any_layer_contradicts_a_column_that_says_the_sides() {
    let line = ["--in", "a", "--out", "o", "--split-by", "column:side"];
    assert!(spec_of(&line, &[], None).is_ok());
    let layers: [(&[_], _); 2] = [
        (&[("PREP_VAL_SIZE", "0.1")], None),
        (&[], Some("test-size = 0.1")),
    ];
    for (variables, config) in layers {
        let message = spec_of(&line, variables, config).unwrap_err().to_string();
        assert!(message.contains("cannot be used together"), "{message}");
    }
}

#[test]
fn switches_take_true_and_false_in_every_layer() {
    let overwrite = |variables: &[(&str, &str)], config| {
        let spec = spec_of(&["--in", "a", "--out", "o"], variables, config).unwrap();
        spec.output.overwrite
    };
    use prep_stream::spec::Overwrite;
    assert_eq!(
        overwrite(&[], Some("overwrite = true")),
        Overwrite::Exchange
    );
    assert_eq!(overwrite(&[], Some("overwrite = false")), Overwrite::Never);
    assert_eq!(
        overwrite(&[("PREP_OVERWRITE", "1")], None),
        Overwrite::Exchange
    );
    assert_eq!(
        overwrite(&[("PREP_OVERWRITE", "no")], Some("overwrite = true")),
        Overwrite::Never
    );
    assert_eq!(
        overwrite(&[("PREP_OVERWRITE", "two-step")], None),
        Overwrite::TwoStep
    );
}

/// Environment variables with their values.
type Variables = &'static [(&'static str, &'static str)];

/// Variables, a configuration, and the error they end in.
const WRONG: &[(Variables, &str, &str)] = &[
    (
        &[("PREP_SEED", "x")],
        "",
        "invalid value \"x\" for PREP_SEED: expected a whole number from 0 to 18446744073709551615",
    ),
    (
        &[("PREP_QUIET", "maybe")],
        "",
        "invalid value \"maybe\" for PREP_QUIET: expected true or false",
    ),
    (
        &[("PREP_TEST_SISE", "0.1")],
        "",
        "the variable PREP_TEST_SISE is no setting\n  hint: did you mean PREP_TEST_SIZE? otherwise unset PREP_TEST_SISE",
    ),
    (
        &[("PREP_CORPORA", "x")],
        "seed = -1",
        "invalid value \"-1\" for seed: expected a whole number from 0 to 18446744073709551615\n  --> FILE: line 1",
    ),
    (
        &[],
        "\n\ndtype = \"float23\"",
        "invalid value \"float23\" for dtype: expected float32 or float64\n  --> FILE: line 3\n  hint: did you mean float32?",
    ),
    (
        &[],
        "test_sise = 1",
        "unknown key \"test_sise\" in the configuration\n  --> FILE: line 1\n  hint: did you mean test-size?",
    ),
    (
        &[],
        "config = \"x\"",
        "unknown key \"config\" in the configuration\n  --> FILE: line 1\n  hint: keys are the names of flags without the dashes in front",
    ),
    (
        &[],
        "seed = [1, 2]",
        "invalid value \"1\", \"2\" for seed: expected one value, not a list\n  --> FILE: line 1",
    ),
    (
        &[],
        "[split]\nseed = 1",
        "unknown key \"split\" in the configuration\n  --> FILE: line 1\n  hint: keys are the names of flags without the dashes in front",
    ),
    (
        &[],
        "seed = 2024-01-01",
        "key \"seed\" of the configuration is a date, which no setting takes\n  --> FILE: line 1",
    ),
    (
        &[],
        "label = []",
        "invalid value \"[]\" for label: an empty list is no value; leave the key out\n  --> FILE: line 1",
    ),
    (
        &[],
        "seed = ",
        "cannot parse the configuration: string values must be quoted, expected literal string\n  --> FILE: line 1",
    ),
];

#[test]
fn errors_name_the_layer_the_line_and_the_key() {
    for (variables, config, expected) in WRONG {
        let line = ["--in", "a", "--out", "o"];
        let error = spec_of(&line, variables, Some(config)).unwrap_err();
        let file = error
            .place()
            .map(|place| place.to_string())
            .unwrap_or_default();
        let file = file.split(": line").next().unwrap_or_default().to_owned();
        let message = error.to_string();
        let message = if file.is_empty() {
            message
        } else {
            message.replace(&file, "FILE")
        };
        assert_eq!(message, *expected);
        assert_eq!(error.exit_code(), 2);
    }
}
