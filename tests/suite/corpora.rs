//! Third-party files, found by `PREP_CORPORA`; without it these tests print that they were skipped.
//!
//! Tolerances: mean 1e-12 times max(|mean|, sd); variance 1e-12 wherever
//! sqrt(1 + mean^2/var) < 1e6, else what the case itself suggests.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Output, Run, Scratch};

/// The corpora's folder, or `None` after saying that the test is skipped.
fn corpora(test: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PREP_CORPORA").map(PathBuf::from);
    if found.is_none() {
        println!("skipped: {test} needs PREP_CORPORA");
    }
    found.map(|path| {
        path.canonicalize()
            .unwrap_or_else(|e| panic!("PREP_CORPORA={}: {e}", path.display()))
    })
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().expect("a number"),
        other => other.as_f64().unwrap_or(f64::NAN),
    }
}

/// Collects what is wrong instead of stopping at the first.
#[derive(Default)]
struct Verdict {
    checked: usize,
    wrong: Vec<String>,
}

impl Verdict {
    fn check(&mut self, right: bool, message: impl FnOnce() -> String) {
        self.checked += 1;
        if !right {
            self.wrong.push(message());
        }
    }

    fn conclude(self, what: &str) {
        println!("{what}: {} checks", self.checked);
        assert!(self.checked > 0, "{what}: nothing was checked");
        assert!(
            self.wrong.is_empty(),
            "{what}: {} wrong\n{}",
            self.wrong.len(),
            self.wrong.join("\n")
        );
    }
}

fn run(scratch: &Scratch, file: &Path, flags: &[&str]) -> Run {
    let input = file.to_str().expect("UTF-8");
    let fixed = [
        "stream",
        "--in",
        input,
        "--out",
        "out",
        "--quiet",
        "--overwrite",
        "--test-size",
        "0",
        "--dtype",
        "float64",
    ];
    scratch.prep(&[&fixed, flags].concat())
}

/// Compares one feature with its expected statistics.
fn check_statistics(
    verdict: &mut Verdict,
    output: &Output,
    file: &str,
    name: &str,
    expected: &Value,
) {
    let features = output.features();
    if !features.iter().any(|f| f == name) {
        verdict.check(false, || {
            format!("{file}: {name} is no feature of {features:?}")
        });
        return;
    }
    let at = |key: &str| output.fitted(key, name);
    for (ours, theirs) in [
        ("n_samples_seen_", "count"),
        ("nulls", "nulls"),
        ("nans", "nan"),
    ] {
        // Infinities were turned into nulls on request.
        let infinite = number(&expected["inf_pos"]) + number(&expected["inf_neg"]);
        let (got, wanted) = (at(ours), number(&expected[theirs]));
        let right = got == wanted || (ours == "nulls" && got == wanted + infinite);
        verdict.check(right, || {
            format!("{file}: {name}: {ours} is {got}, expected {wanted}")
        });
    }
    if number(&expected["count"]) == 0.0 {
        return;
    }
    let (mean, var) = (number(&expected["mean"]), number(&expected["var_pop"]));
    let bound = 1e-12 * mean.abs().max(number(&expected["std_pop"]));
    verdict.check((at("mean_") - mean).abs() <= bound, || {
        format!("{file}: {name}: mean {:e}, expected {mean:e}", at("mean_"))
    });
    let kappa = (1.0 + mean * mean / var).sqrt();
    let suggested = expected["suggested_var_rtol"].as_f64().unwrap_or(1e-12);
    let tolerance = if kappa < 1e6 {
        1e-12
    } else {
        suggested.max(1e-12)
    };
    if var.is_finite() {
        verdict.check((at("var_") - var).abs() <= tolerance * var, || {
            format!("{file}: {name}: var {:e}, expected {var:e}", at("var_"))
        });
    }
    for key in ["min", "max"] {
        let wanted = number(&expected[key]);
        verdict.check(at(key) == wanted, || {
            format!("{file}: {name}: {key} {}, expected {wanted}", at(key))
        });
    }
}

#[test]
fn nist_sets_meet_their_rule_and_the_goal() {
    let Some(folder) = corpora("nist") else {
        return;
    };
    let mut verdict = Verdict::default();
    let expected = json(&folder.join("nist/expected.json"));
    for case in list(&expected["cases"]) {
        let name = case["name"].as_str().expect("a name");
        let file = folder
            .join("nist")
            .join(case["file"].as_str().expect("a file"));
        let scratch = Scratch::new();
        run(&scratch, &file, &[]).succeeds();
        let output = scratch.output("out");
        let exact = &case["float64_exact"];
        verdict.check(
            output.fitted("n_samples_seen_", "y") == number(&exact["count"]),
            || format!("{name}: count"),
        );
        let mean = number(&exact["mean"]);
        verdict.check(
            (output.fitted("mean_", "y") - mean).abs() <= 1e-14 * mean.abs(),
            || format!("{name}: mean"),
        );
        let var = number(&exact["var_pop"]);
        // Stricter than the rule: no allowance for the condition of the problem.
        verdict.check(
            (output.fitted("var_", "y") - var).abs() <= 1e-12 * var,
            || format!("{name}: variance"),
        );
        run(&scratch, &file, &["--ddof", "1"]).succeeds();
        let certified = number(&case["certified_sd_ddof1"]);
        let sd = output.fitted("var_", "y").sqrt();
        let digits = if sd == certified {
            15.0
        } else {
            -((sd - certified).abs() / certified).log10()
        };
        let goal = number(&case["best_attainable_LRE"]["sd_ddof1"]) - 0.5;
        verdict.check(digits.min(15.0) >= goal, || {
            format!("{name}: {digits:.2} digits, the goal is {goal:.2}")
        });
    }
    verdict.conclude("nist");
}

#[test]
fn good_parquet_files_have_exactly_the_expected_statistics() {
    let Some(folder) = corpora("parquet/good") else {
        return;
    };
    let mut verdict = Verdict::default();
    for entry in fs::read_dir(folder.join("parquet/good")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let Some(stem) = path.to_str().and_then(|p| p.strip_suffix(".expected.json")) else {
            continue;
        };
        let expected = json(&path);
        let file = expected["file"].as_str().expect("a file").to_owned();
        let scratch = Scratch::new();
        let run = run(
            &scratch,
            Path::new(stem),
            &["--on-inf", "null", "--no-hive"],
        );
        if run.code != Some(0) {
            let allowed = expected["expect"] != "ok" && run.is_clear_error();
            verdict.check(allowed, || format!("{file}: {}", run.stderr));
            continue;
        }
        let output = scratch.output("out");
        let rows = parquet_rows(&output);
        verdict.check(rows == number(&expected["rows"]), || {
            format!("{file}: {rows} rows")
        });
        for (name, statistics) in expected["numeric"].as_object().into_iter().flatten() {
            check_statistics(&mut verdict, &output, &file, name, statistics);
        }
    }
    verdict.conclude("parquet/good");
}

/// Rows of both sides, from the footers alone: some pass-through types have no record reader.
fn parquet_rows(output: &Output) -> f64 {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    let mut rows = 0;
    for part in ["train", "test"]
        .iter()
        .flat_map(|side| crate::harness::files_below(&output.path.join(side)))
    {
        let reader =
            SerializedFileReader::new(fs::File::open(part).expect("open")).expect("Parquet");
        rows += reader.metadata().file_metadata().num_rows();
    }
    rows as f64
}

#[test]
fn bad_parquet_files_end_in_a_clear_error_alone_and_beside_a_good_file() {
    let Some(folder) = corpora("parquet/bad") else {
        return;
    };
    let mut verdict = Verdict::default();
    for case in list(&json(&folder.join("parquet/bad/expected.json"))) {
        let file = case["file"].as_str().expect("a file");
        let bytes = fs::read(folder.join("parquet/bad").join(file)).expect("read");
        for beside in [false, true] {
            let scratch = Scratch::new();
            scratch.write(format!("in/{file}"), &bytes);
            if beside {
                scratch.parquet(
                    "in/good.parquet",
                    &crate::harness::Table::new([crate::harness::Column::doubles("x", [1.0])]),
                );
            }
            let run = run(&scratch, &scratch.path("in"), &["--memory", "512MiB"]);
            let right = match run.code {
                Some(0) => case["expect"] != "must-error",
                _ => {
                    run.is_clear_error()
                        && run.stderr.contains("in/")
                        && !scratch.path("out").exists()
                }
            };
            verdict.check(right, || {
                format!("{file} (beside a good file: {beside}): {}", run.describe())
            });
        }
    }
    verdict.conclude("parquet/bad");
}

#[test]
fn text_files_end_as_one_of_the_accepted_outcomes() {
    let Some(folder) = corpora("csv/files") else {
        return;
    };
    let mut verdict = Verdict::default();
    for case in list(&json(&folder.join("csv/expected.json"))) {
        let file = case["file"].as_str().expect("a file");
        let delimiter = case["expected"]["delimiter"].as_str().unwrap_or(",");
        let scratch = Scratch::new();
        let flags = [
            "--delimiter",
            delimiter,
            "--on-inf",
            "null",
            "--no-hive",
            "--format",
            "csv",
        ];
        let run = run(&scratch, &folder.join("csv/files").join(file), &flags);
        let accepted = list(&case["accept"])
            .iter()
            .any(|accept| accepts(accept, &run, &scratch));
        verdict.check(accepted, || {
            format!("{file}: accepted {}: {}", case["accept"], run.describe())
        });
        if run.code != Some(0) {
            continue;
        }
        let output = scratch.output("out");
        // By position: empty and repeated names of a header get names of their own.
        let names = column_names(&output);
        for column in case["expected"]["column_stats"]
            .as_object()
            .into_iter()
            .flat_map(|c| c.values())
        {
            let name = &names[column["index"]
                .as_u64()
                .and_then(|i| usize::try_from(i).ok())
                .expect("an index")];
            let statistics = match column["kind"].as_str() {
                Some("numeric") => column,
                Some("numeric-with-na-tokens") => &column["pandas_na"],
                _ => continue,
            };
            check_statistics(&mut verdict, &output, file, name, statistics);
        }
    }
    verdict.conclude("csv/files");
}

/// The columns of the output, in order.
fn column_names(output: &Output) -> Vec<String> {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    let parts = crate::harness::files_below(&output.path.join("train"));
    let reader =
        SerializedFileReader::new(fs::File::open(&parts[0]).expect("open")).expect("Parquet");
    let schema = reader
        .metadata()
        .file_metadata()
        .schema_descr()
        .root_schema()
        .clone();
    schema
        .get_fields()
        .iter()
        .map(|field| field.name().to_owned())
        .collect()
}

/// Whether a run ended as one entry of `accept` allows.
fn accepts(accept: &Value, run: &Run, scratch: &Scratch) -> bool {
    if accept["outcome"] == "ok" {
        let rows = || parquet_rows(&scratch.output("out"));
        return run.code == Some(0)
            && accept["rows"]
                .as_f64()
                .is_none_or(|wanted| rows() == wanted);
    }
    let line = accept["line"].as_u64();
    let named = |line: u64| {
        let numbers: Vec<&str> = run
            .stderr
            .split(|c: char| !c.is_ascii_alphanumeric())
            .collect();
        numbers
            .windows(2)
            .any(|pair| pair[0] == "line" && pair[1] == line.to_string())
    };
    run.is_clear_error() && line.is_none_or(named)
}

#[test]
fn hostile_text_files_never_crash_or_hang() {
    let Some(folder) = corpora("csv/fuzz") else {
        return;
    };
    let mut verdict = Verdict::default();
    for file in crate::harness::files_below(&folder.join("csv/fuzz")) {
        let scratch = Scratch::new();
        let started = std::time::Instant::now();
        let run = run(&scratch, &file, &["--memory", "512MiB", "--format", "csv"]);
        let seconds = started.elapsed().as_secs_f64();
        let right = (run.code == Some(0) || run.is_clear_error()) && seconds < 10.0;
        verdict.check(right, || {
            format!(
                "{} after {seconds:.1} s: {}",
                file.display(),
                run.describe()
            )
        });
    }
    verdict.conclude("csv/fuzz");
}
