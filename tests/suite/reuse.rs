//! `prep fit`, `transform` and `merge`: a scaler outlives the run that fitted it.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use parquet::record::Field;
use prep_stream::engine::{Cancel, Event, Pass, Silent};
use prep_stream::job::{self, Outcome};
use prep_stream::spec::{OutputSpec, SplitBy, TransformSpec};

use crate::harness::{At, Column, Frame, Output, Scratch, Table, Values, normals, numbers, spec};

/// Whole numbers on either side of 0.
fn counts(seed: u64) -> impl Iterator<Item = i64> {
    numbers(seed).map(|z| i64::try_from(z % 40_001).expect("small") - 20_000)
}

/// Integers, floats with holes, a large mean, text, and a label.
pub(crate) fn table(seed: u64, rows: usize) -> Table {
    let ids = 0..i64::try_from(rows).expect("few rows");
    Table::new([
        Column::longs("count", counts(seed).take(rows)),
        Column::optional_doubles(
            "holes",
            normals(seed + 1)
                .take(rows)
                .map(|z| (z < 1.2).then_some(z * 3.7)),
        ),
        Column::doubles("far", normals(seed + 2).take(rows).map(|z| 1e12 + z)),
        Column::text("name", ids.clone().map(|id| format!("row {id} of {seed}"))),
        Column::longs("label", ids),
    ])
    .rows_per_group(700)
}

pub(crate) fn csv(seed: u64, rows: usize) -> String {
    let mut text = String::from("count,holes,far,code,label\n");
    let all = normals(seed).zip(counts(seed)).take(rows);
    for (row, (z, count)) in all.enumerate() {
        let holes = match row % 7 {
            0 => "NA".to_owned(),
            _ => format!("{}", z * 3.7),
        };
        text += &format!("{count},{holes},{},x{row},{row}\n", 1e12 + z);
    }
    text
}

/// Both formats of the same shape.
fn inputs(scratch: &Scratch) -> [&'static str; 2] {
    for seed in 0..3_u64 {
        scratch.parquet(format!("parquet/{seed}.parquet"), &table(seed * 10, 1500));
        scratch.write(format!("csv/{seed}.csv"), csv(seed * 10, 1500));
    }
    ["parquet", "csv"]
}

const FEATURES: [&str; 3] = ["count", "holes", "far"];

/// The rows of a frame as text, in an order of their own; floats by their bits.
pub(crate) fn rows_of(frame: &Frame, names: &[&str]) -> Vec<String> {
    let columns: Vec<&[Field]> = names.iter().map(|name| frame.column(name)).collect();
    let shown = |value: &Field| match value {
        Field::Double(value) => format!("{:016x}", value.to_bits()),
        Field::Float(value) => format!("{:08x}", value.to_bits()),
        other => other.to_string(),
    };
    let row = |row: usize| {
        let values: Vec<String> = columns.iter().map(|column| shown(&column[row])).collect();
        values.join("|")
    };
    let mut rows: Vec<String> = (0..frame.rows).map(row).collect();
    rows.sort_unstable();
    rows
}

pub(crate) fn transform(
    scratch: &Scratch,
    scaler: &str,
    input: &str,
    out: &str,
    extra: &[&str],
) -> Output {
    let flags = ["transform", "--scaler", scaler, "--in", input, "--out", out];
    scratch
        .prep(&[&flags[..], &["--quiet"], extra].concat())
        .succeeds();
    scratch.output(out)
}

fn fit(scratch: &Scratch, input: &str, out: &str, extra: &[&str]) -> Output {
    let flags = ["fit", "--in", input, "--out", out, "--quiet"];
    scratch.prep(&[&flags[..], extra].concat()).succeeds();
    scratch.output(out)
}

#[test]
fn fit_leaves_the_scaler_of_stream_and_no_shards() {
    let scratch = Scratch::new();
    for input in inputs(&scratch) {
        let settings: [&[&str]; 4] = [
            &["--label", "label"],
            &["--seed", "7", "--val-size", "0.1", "--ddof", "1"],
            &["--split-by", "group:label", "--where", "count > 0"],
            &[
                "--stratify",
                "label",
                "--test-size",
                "1000",
                "--stratify-bins",
                "5",
            ],
        ];
        for (number, flags) in settings.iter().enumerate() {
            let (one, two) = (format!("s-{input}-{number}"), format!("f-{input}-{number}"));
            let streamed = scratch.stream_to(&one, input, flags);
            let fitted = fit(&scratch, input, &two, flags);
            assert_eq!(fitted.text("scaler.json"), streamed.text("scaler.json"));
            let bytes = scratch.bytes_of(&two);
            let names: Vec<&str> = bytes.keys().map(String::as_str).collect();
            assert_eq!(names, ["_SUCCESS", "manifest.json", "scaler.json"]);
            let manifest = fitted.json("manifest.json");
            assert_ne!(manifest["job"], streamed.json("manifest.json")["job"]);
            assert_eq!(manifest["made_by"], "fit");
            let again = fit(
                &scratch,
                input,
                "again",
                &[flags, &["--threads", "1"][..]].concat(),
            );
            assert_eq!(again.text("manifest.json"), fitted.text("manifest.json"));
            fs::remove_dir_all(scratch.path("again")).expect("remove an output");
        }
    }
}

#[test]
fn transform_writes_the_numbers_that_stream_writes_for_the_same_rows() {
    let scratch = Scratch::new();
    for input in inputs(&scratch) {
        for dtype in ["float64", "float32"] {
            let (one, two) = (format!("s-{input}-{dtype}"), format!("t-{input}-{dtype}"));
            let flags = ["--label", "label", "--dtype", dtype];
            let streamed = scratch.stream_to(&one, input, &flags);
            let scaler = format!("{one}/scaler.json");
            let applied = transform(&scratch, &scaler, input, &two, &["--dtype", dtype]);
            let all = Frame::read(&scratch.path(&two).join("data"));
            let mut wanted = rows_of(
                &streamed.train(),
                &all.names.iter().map(String::as_str).collect::<Vec<_>>(),
            );
            let names = streamed.train().names;
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            assert_eq!(
                names,
                all.names.iter().map(String::as_str).collect::<Vec<_>>()
            );
            wanted.extend(rows_of(&streamed.test(), &names));
            wanted.sort_unstable();
            assert!(rows_of(&all, &names) == wanted, "{input} as {dtype}");
            assert_eq!(all.schema, streamed.train().schema);
            assert_eq!(applied.text("scaler.json"), streamed.text("scaler.json"));
            scratch.prep(&["verify", &two]).succeeds();
        }
    }
}

#[test]
fn what_was_standardized_comes_back_but_for_the_rounding_of_floats() {
    let scratch = Scratch::new();
    for input in inputs(&scratch) {
        let (fitted, z, x) = (
            format!("f-{input}"),
            format!("z-{input}"),
            format!("x-{input}"),
        );
        fit(&scratch, input, &fitted, &["--exclude", "label"]);
        let scaler = format!("{fitted}/scaler.json");
        transform(&scratch, &scaler, input, &z, &[]);
        let standardized = format!("{z}/data");
        transform(&scratch, &scaler, &standardized, &x, &["--inverse"]);
        // Units keep the order of the rows, and parts that of the units.
        let back = Frame::read(&scratch.path(&x).join("data"));
        scratch.stream_to(
            &format!("plain-{input}"),
            input,
            &["--test-size", "0", "--exclude", "count,holes,far,label"],
        );
        let plain = scratch.output(&format!("plain-{input}")).train();
        assert_eq!(back.rows, 4500);
        assert_eq!(back.rows, plain.rows);
        for name in FEATURES {
            let before: Vec<Option<f64>> = match name {
                "count" => plain
                    .longs(name)
                    .into_iter()
                    .map(|value| Some(value as f64))
                    .collect(),
                _ => plain.floats(name),
            };
            for (before, after) in before.iter().zip(back.floats(name)) {
                let is_near = match (before, after) {
                    (Some(before), Some(after)) => {
                        // Two units of the last place of the value, or of what was subtracted.
                        (before - after).abs() <= 4.0 * f64::EPSILON * before.abs().max(1e4)
                    }
                    (before, after) => before.is_none() && after.is_none(),
                };
                assert!(is_near, "{name}: {before:?} came back as {after:?}");
            }
        }
        let passed = if input == "csv" { "code" } else { "name" };
        assert_eq!(back.strings(passed), plain.strings(passed));
    }
}

#[test]
fn extreme_values_come_back_finite() {
    let scratch = Scratch::new();
    let values = [f64::MAX, -f64::MAX, 1e300, 0.0, -1e-300, 5e-324];
    let wide = Table::new([Column::doubles("x", values.into_iter().cycle().take(60))]);
    scratch.parquet("in/a.parquet", &wide);
    fit(&scratch, "in", "fitted", &["--test-size", "0"]);
    transform(&scratch, "fitted/scaler.json", "in", "z", &[]);
    transform(
        &scratch,
        "fitted/scaler.json",
        "z/data",
        "x",
        &["--inverse"],
    );
    let back = Frame::read(&scratch.path("x/data")).floats("x");
    for (before, after) in values.into_iter().cycle().zip(back) {
        let after = after.expect("a value");
        let off = (after / 2.0 - before / 2.0).abs();
        assert!(
            after.is_finite() && off <= f64::MAX * 4.0 * f64::EPSILON,
            "{before:e} {after:e}"
        );
    }
}

#[test]
fn one_error_names_every_column_that_is_missing_renamed_or_no_number() {
    let scratch = Scratch::new();
    inputs(&scratch);
    fit(&scratch, "parquet", "fitted", &["--exclude", "label"]);
    let changed = Table::new([
        Column::doubles("Count", [1.0]),
        Column::text("holes", ["x"]),
        Column::longs("label", [1]),
    ]);
    scratch.parquet("new/a.parquet", &changed);
    scratch.write("text/a.csv", "Count,holes\n1,2\n");
    scratch.write("word/a.csv", "count,holes,far\n1,2,3\n4,five,6\n");
    let refused = |input: &str| {
        let flags = [
            "transform",
            "--scaler",
            "fitted/scaler.json",
            "--in",
            input,
            "--out",
            "z",
        ];
        let error = scratch.prep(&flags).fails_with(3);
        assert!(!scratch.path("z").exists() && !scratch.path(".z.prep").exists());
        error
    };
    let page = ["new", "text", "word"].map(refused).join("\n");
    insta::assert_snapshot!(page);
}

#[test]
fn columns_are_matched_by_name_in_whatever_order_and_type_they_come() {
    let scratch = Scratch::new();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([
            Column::doubles("a", [1.0, 2.0, 3.0]),
            Column::doubles("b", [10.0, 20.0, 60.0]),
        ]),
    );
    fit(&scratch, "in", "fitted", &["--test-size", "0"]);
    let turned = Table::new([
        Column::new("required int32 b;", Values::I32(vec![Some(30), Some(60)])),
        Column::text("new", ["u", "v"]),
        Column::new("optional float a;", Values::F32(vec![Some(2.0), None])),
    ]);
    scratch.parquet("new/a.parquet", &turned);
    let out = transform(&scratch, "fitted/scaler.json", "new", "z", &[]);
    let frame = Frame::read(&out.path.join("data"));
    assert_eq!(frame.names, ["b", "new", "a"]);
    assert_eq!(frame.floats("a"), [Some(0.0), None]);
    assert_eq!(frame.floats("b")[0], Some(0.0));
    scratch.prep(&["verify", "z"]).succeeds();
}

#[test]
fn an_infinite_value_is_an_error_with_its_place_or_null_as_when_the_scaler_was_fitted() {
    let scratch = Scratch::new();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([Column::doubles("x", [1.0, 2.0, 6.0])]),
    );
    let values = [Some(1.0), None, Some(f64::INFINITY), Some(3.0)];
    let new = Table::new([Column::optional_doubles("x", values)]).rows_per_group(2);
    scratch.parquet("new/a.parquet", &new);
    fit(&scratch, "in", "strict", &["--test-size", "0"]);
    fit(
        &scratch,
        "in",
        "loose",
        &["--test-size", "0", "--on-inf", "null"],
    );
    let run = |scaler: &str, out: &str, extra: &[&str]| {
        let flags = [
            "transform",
            "--scaler",
            scaler,
            "--in",
            "new",
            "--out",
            out,
            "--quiet",
        ];
        scratch.prep(&[&flags[..], extra].concat())
    };
    let error = run("strict/scaler.json", "a", &[]).fails_with(3);
    assert!(
        error.contains("new/a.parquet: row 3, column \"x\""),
        "{error}"
    );
    for (scaler, out, flags) in [
        ("loose/scaler.json", "b", &[][..]),
        ("strict/scaler.json", "c", &["--on-inf", "null"][..]),
    ] {
        run(scaler, out, flags).succeeds();
        let frame = Frame::read(&scratch.path(out).join("data"));
        let nulls: Vec<bool> = frame.floats("x").iter().map(Option::is_none).collect();
        assert_eq!(nulls, [false, true, true, false]);
    }
}

#[test]
fn transform_gives_the_same_bytes_for_any_threads_and_memory() {
    let scratch = Scratch::new();
    for input in inputs(&scratch) {
        let fitted = format!("f-{input}");
        fit(&scratch, input, &fitted, &[]);
        let scaler = format!("{fitted}/scaler.json");
        let reference = format!("reference-{input}");
        transform(&scratch, &scaler, input, &reference, &["--threads", "1"]);
        let wanted = scratch.bytes_of(&reference);
        for (number, flags) in [
            &["--threads", "7"][..],
            &["--memory", "100MiB"],
            &["--threads", "2", "--memory", "4GiB"],
        ]
        .iter()
        .enumerate()
        {
            let out = format!("out-{input}-{number}");
            transform(&scratch, &scaler, input, &out, flags);
            assert!(scratch.bytes_of(&out) == wanted, "{flags:?}");
        }
        let flags = [
            "transform",
            "--scaler",
            &scaler,
            "--in",
            input,
            "--out",
            &reference,
        ];
        let again = scratch
            .prep(&[&flags[..], &["--if-changed"]].concat())
            .succeeds();
        assert!(again.stdout.contains("is up to date"), "{}", again.stdout);
        scratch.prep(&flags).fails_with(4);
    }
}

#[test]
fn merged_scalers_of_disjoint_files_are_the_bytes_of_one_fit_over_all() {
    let scratch = Scratch::new();
    for input in inputs(&scratch) {
        for (number, flags) in [
            &["--exclude", "label"][..],
            &[
                "--split-by",
                "group:label",
                "--val-size",
                "0.1",
                "--ddof",
                "1",
            ],
            &["--split-by", "content", "--weights", "label"],
            &["--split-by", "time:label", "--cutoff", "900"],
        ]
        .iter()
        .enumerate()
        {
            let extension = if input == "csv" { "csv" } else { "parquet" };
            let all = format!("all-{input}-{number}");
            fit(&scratch, input, &all, flags);
            let part = |index: u64| {
                let out = format!("part-{input}-{number}-{index}");
                let file = format!("{input}/{index}.{extension}");
                fit(
                    &scratch,
                    &file,
                    &out,
                    &[*flags, &["--root", input]].concat(),
                );
                format!("{out}/scaler.json")
            };
            let parts = [0, 1, 2].map(part);
            let merged = format!("merged-{input}-{number}.json");
            let [a, b, c] = parts.each_ref().map(String::as_str);
            for (order, out) in [
                ([a, b, c], &merged),
                ([c, a, b], &format!("turned-{merged}")),
            ] {
                let line = [&["merge"], &order[..], &["--out", out]].concat();
                scratch.prep(&line).succeeds();
                let bytes = fs::read_to_string(scratch.path(out)).expect("a scaler");
                assert_eq!(bytes, scratch.output(&all).text("scaler.json"));
            }
        }
    }
}

#[test]
fn scalers_that_do_not_belong_together_are_not_merged() {
    let scratch = Scratch::new();
    inputs(&scratch);
    let root = ["--root", "parquet"];
    let with = |out: &str, file: &str, extra: &[&str]| {
        fit(&scratch, file, out, &[&root[..], extra].concat());
    };
    with("a", "parquet/0.parquet", &[]);
    with("b", "parquet/1.parquet", &["--seed", "7"]);
    with("c", "parquet/1.parquet", &["--ddof", "1"]);
    with("d", "parquet/1.parquet", &["--exclude", "far"]);
    with(
        "e",
        "parquet/2.parquet",
        &["--weights", "label", "--columns", "far"],
    );
    with("f", "parquet/1.parquet", &["--columns", "far"]);
    with("g", "parquet/1.parquet", &["--test-size", "100"]);
    with("h", "parquet/2.parquet", &["--test-size", "100"]);
    fit(&scratch, "parquet", "i", &[]);
    fs::copy(scratch.path("a/scaler.json"), scratch.path("copy.json")).expect("copy a scaler");
    let text = scratch.output("a").text("scaler.json");
    let mean = text.find("\"mean_\"").expect("means") + 12;
    let forged = format!("{}7{}", &text[..mean], &text[mean..]);
    scratch.write("forged.json", forged);
    let cases = [
        "a/scaler.json b/scaler.json",
        "a/scaler.json c/scaler.json",
        "a/scaler.json d/scaler.json",
        "f/scaler.json e/scaler.json",
        "g/scaler.json h/scaler.json",
        "a/scaler.json i/scaler.json",
        "a/scaler.json copy.json",
        "a/scaler.json forged.json",
        "a/scaler.json a/manifest.json",
        "a/scaler.json a",
        "a/scaler.json gone.json",
    ];
    let mut page = String::new();
    for case in cases {
        let words: Vec<&str> = case.split(' ').collect();
        let line = [&["merge"], &words[..], &["--out", "out.json"]].concat();
        let error = scratch.prep(&line).fails_with(3);
        assert!(!scratch.path("out.json").exists(), "{case}");
        page += &format!("$ prep merge {case}\n{error}\n");
    }
    insta::with_settings!({filters => vec![(r"is [-0-9.e+]+, its exact sums give [-0-9.e+]+", "is [x], its exact sums give [y]")]}, {
        insta::assert_snapshot!(page);
    });
    scratch.write("out.json", "mine");
    let line = ["merge", "a/scaler.json", "copy.json", "--out", "out.json"];
    scratch.prep(&line).fails_with(4);
    assert_eq!(fs::read(scratch.path("out.json")).expect("mine"), b"mine");
}

#[test]
fn verify_knows_what_made_an_output_and_other_commands_want_sides() {
    let scratch = Scratch::new();
    inputs(&scratch);
    fit(&scratch, "parquet", "fitted", &[]);
    transform(&scratch, "fitted/scaler.json", "parquet", "z", &[]);
    for out in ["fitted", "z"] {
        scratch.prep(&["verify", out]).succeeds();
        let with_in = scratch
            .prep(&["verify", out, "--in", "parquet"])
            .fails_with(2);
        assert!(with_in.contains("cannot compare every row"), "{with_in}");
        for line in [
            vec!["audit", out],
            vec!["report", out],
            vec!["validate", "--data", out, "--label", "label"],
        ] {
            let error = scratch.prep(&line).fails_with(2);
            assert!(
                error.contains("needs a train and a test side"),
                "{line:?}: {error}"
            );
        }
        let scaler = format!("{out}/scaler.json");
        let text = fs::read_to_string(scratch.path(&scaler)).expect("a scaler");
        scratch.write(&scaler, text.replacen("\"ddof\": 0", "\"ddof\": 1", 1));
        let damaged = scratch.prep(&["verify", out]);
        assert_eq!(damaged.code, Some(1), "{}", damaged.describe());
    }
}

/// Asks a run to stop once it has got some way in a pass.
fn stop_in<'a>(wanted: Pass, cancel: &'a Cancel) -> At<impl Fn(&Event) + Sync + 'a> {
    At(move |event: &Event| {
        if matches!(event, Event::Advanced { pass, .. } if *pass == wanted) {
            cancel.cell().store(15, Ordering::Relaxed);
        }
    })
}

#[test]
fn a_fit_and_a_transformation_go_on_where_they_were_stopped() {
    let scratch = Scratch::new();
    for file in 0..300 {
        let table = Table::new([Column::doubles("x", normals(file).take(10))]);
        scratch.parquet(format!("in/{file:03}.parquet"), &table);
    }
    fit(&scratch, "in", "fitted", &[]);
    transform(&scratch, "fitted/scaler.json", "in", "z", &[]);

    let mut fitting = spec(&scratch, "again", &SplitBy::Row);
    fitting.output.report = false;
    let cancel = Cancel::default();
    job::fit(&fitting, &cancel, &stop_in(Pass::Fit, &cancel)).expect_err("it is stopped");
    let outcome = job::fit(&fitting, &Cancel::default(), &Silent).expect("it goes on");
    assert!(matches!(outcome, Outcome::Written(report) if report.taken_up > 0));
    assert!(scratch.bytes_of("again") == scratch.bytes_of("fitted"));

    let applying = TransformSpec {
        scaler: scratch.path("fitted/scaler.json"),
        inverse: false,
        input: fitting.input,
        text: Vec::new(),
        on_inf: None,
        output: OutputSpec {
            path: scratch.path("z-again"),
            ..fitting.output
        },
        resources: fitting.resources,
    };
    let cancel = Cancel::default();
    job::transform(&applying, &cancel, &stop_in(Pass::Write, &cancel)).expect_err("it is stopped");
    assert!(!scratch.path("z-again").exists());
    let outcome = job::transform(&applying, &Cancel::default(), &Silent).expect("it goes on");
    assert!(matches!(outcome, Outcome::Written(report) if report.taken_up > 0));
    assert!(scratch.bytes_of("z-again") == scratch.bytes_of("z"));
}

#[test]
fn the_commands_of_the_page_do_what_it_says() {
    let scratch = Scratch::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(project.join("docs/reuse.md")).expect("the page");
    let script = page
        .split("```")
        .find_map(|block| block.strip_prefix("sh\n"));
    let binary = Path::new(env!("CARGO_BIN_EXE_prep"))
        .parent()
        .expect("a folder");
    fs::create_dir(scratch.path("target")).expect("a folder");
    std::os::unix::fs::symlink(project.join("fixtures"), scratch.path("fixtures")).expect("a link");
    let inherited = std::env::var("PATH").expect("PATH");
    let output = std::process::Command::new("sh")
        .args(["-e", "-c", script.expect("a block of commands")])
        .current_dir(scratch.path(""))
        .env("PATH", format!("{}:{inherited}", binary.display()))
        .output()
        .expect("run sh");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(scratch.path("target/back/data").is_dir());
}

#[test]
fn the_scaler_of_a_fold_is_applied_like_any_other_and_merged_with_none_of_another_fold() {
    let scratch = Scratch::new();
    inputs(&scratch);
    scratch.stream_to("folds", "parquet", &["--folds", "3"]);
    transform(&scratch, "folds/scaler-fold-1.json", "parquet", "z", &[]);
    scratch.prep(&["verify", "z"]).succeeds();
    let scalers = ["folds/scaler-fold-0.json", "folds/scaler-fold-1.json"];
    let line = [&["merge"], &scalers[..], &["--out", "m.json"]].concat();
    scratch.prep(&line).fails_with(3);
    let line = ["fit", "--in", "parquet", "--out", "f", "--folds", "3"];
    let error = scratch.prep(&line).fails_with(2);
    assert!(error.contains("--folds and prep fit"), "{error}");
}
