//! `prep stream --update`: what is new is added, and nothing else moves.

mod refusals;
mod stopped;

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::harness::{Column, Frame, Output, Run, Scratch, Table, files_below};
use crate::reuse::{csv, rows_of, table, transform};

/// Where files arrive: days, so that their order isn't that of their arrival.
const ARRIVALS: [&[u64]; 3] = [&[3, 4, 7], &[1, 9], &[0, 5, 8]];

fn arrive(scratch: &Scratch, input: &str, days: &[u64]) {
    for day in days {
        let seed = day * 10;
        match input {
            "csv" => scratch.write(format!("csv/{day}.csv"), csv(seed, 900)),
            _ => scratch.parquet(format!("parquet/{day}.parquet"), &table(seed, 900)),
        };
    }
}

fn update(scratch: &Scratch, input: &str, out: &str, flags: &[&str]) -> Run {
    let own = ["stream", "--in", input, "--out", out, "--update"];
    scratch.prep(&[&own[..], flags].concat())
}

/// An output that has grown twice.
fn grown(scratch: &Scratch, input: &str, out: &str, flags: &[&str]) -> Output {
    for days in ARRIVALS {
        arrive(scratch, input, days);
        update(scratch, input, out, &[flags, &["--quiet"]].concat()).succeeds();
    }
    scratch.output(out)
}

fn proven(scratch: &Scratch, input: &str, out: &str) {
    scratch.prep(&["verify", out]).succeeds();
    scratch.prep(&["verify", out, "--in", input]).succeeds();
    let audited = ["audit", out, "--quiet", "--fail-on", "leak"];
    scratch.prep(&audited).succeeds();
}

#[test]
fn rows_go_where_a_fresh_run_puts_them_and_the_merged_moments_are_its_own() {
    let settings: [&[&str]; 6] = [
        &["--label", "label"],
        &["--val-size", "0.1", "--ddof", "1", "--dtype", "float32"],
        &["--split-by", "group:label", "--exclude", "far"],
        &[
            "--split-by",
            "content",
            "--weights",
            "label",
            "--sample",
            "0.7",
        ],
        &["--split-by", "time:label", "--cutoff", "700", "--gap", "50"],
        &["--where", "count > 0", "--seed", "7"],
    ];
    for input in ["parquet", "csv"] {
        for (number, flags) in settings.iter().enumerate() {
            let scratch = Scratch::new();
            let out = grown(&scratch, input, "out", flags);
            let fresh = scratch.stream_to("fresh", input, flags);
            let what = format!("{input} {number}");
            assert_eq!(
                out.text("scaler-merged.json"),
                fresh.text("scaler.json"),
                "{what}"
            );
            assert_ne!(out.text("scaler.json"), fresh.text("scaler.json"), "{what}");
            let passed = if input == "csv" { "code" } else { "name" };
            assert_eq!(out.sides(), fresh.sides());
            for side in out.sides() {
                let names = |output: &Output| rows_of(&output.side(&side), &[passed]);
                assert!(names(&out) == names(&fresh), "{side} of {what}");
            }
            let (kept, all) = (out.json("manifest.json"), fresh.json("manifest.json"));
            assert_eq!(kept["left_out"], all["left_out"], "{what}");
            assert_eq!(kept["generations"].as_array().expect("a list").len(), 3);
            proven(&scratch, input, "out");
        }
    }
}

#[test]
fn all_numbers_are_by_the_scaler_of_the_first_run_to_the_bit() {
    for input in ["parquet", "csv"] {
        for dtype in ["float64", "float32"] {
            let scratch = Scratch::new();
            arrive(&scratch, input, ARRIVALS[0]);
            let flags = ["--label", "label", "--dtype", dtype];
            let first = scratch
                .stream_to("first", input, &flags)
                .text("scaler.json");
            let out = grown(&scratch, input, "out", &flags);
            assert_eq!(out.text("scaler.json"), first);
            transform(
                &scratch,
                "out/scaler.json",
                input,
                "all",
                &["--dtype", dtype],
            );
            let all = Frame::read(&scratch.path("all/data"));
            let names: Vec<&str> = all.names.iter().map(String::as_str).collect();
            let mut rows = rows_of(&out.train(), &names);
            rows.extend(rows_of(&out.test(), &names));
            rows.sort_unstable();
            assert!(rows == rows_of(&all, &names), "{input} as {dtype}");
        }
    }
}

#[test]
fn a_first_run_makes_what_stream_makes_and_old_shards_are_linked_not_written() {
    for input in ["parquet", "csv"] {
        let scratch = Scratch::new();
        arrive(&scratch, input, ARRIVALS[0]);
        update(&scratch, input, "out", &[]).succeeds();
        scratch.stream_to("fresh", input, &[]);
        assert!(scratch.bytes_of("out") == scratch.bytes_of("fresh"));
        let shards = |out: &str| {
            let mut found = files_below(&scratch.path(out).join("train"));
            found.extend(files_below(&scratch.path(out).join("test")));
            let inode = |path: &std::path::PathBuf| {
                let metadata = fs::metadata(path).expect("a shard");
                assert_eq!(metadata.nlink(), 1);
                (path.clone(), metadata.ino())
            };
            found.iter().map(inode).collect::<Vec<_>>()
        };
        let before = shards("out");
        arrive(&scratch, input, ARRIVALS[1]);
        let run = update(&scratch, input, "out", &[]).succeeds();
        assert!(
            run.stdout.contains("2 new files, 1,800 rows"),
            "{}",
            run.stdout
        );
        let after = shards("out");
        assert_eq!(after.len(), 2 * before.len());
        assert!(before.iter().all(|shard| after.contains(shard)));
        assert!(!scratch.path(".out.prep").exists());
    }
}

#[test]
fn nothing_new_is_said_and_changes_nothing() {
    for input in ["parquet", "csv"] {
        let scratch = Scratch::new();
        grown(&scratch, input, "out", &[]);
        let before = scratch.bytes_of("out");
        for flags in [&[][..], &["--if-changed"], &["--overwrite=two-step"]] {
            let run = update(&scratch, input, "out", flags).succeeds();
            assert!(run.stdout.contains("is up to date"), "{}", run.stdout);
            assert!(scratch.bytes_of("out") == before);
            assert!(!scratch.path(".out.prep").exists());
        }
    }
}

#[test]
fn refit_writes_what_a_fresh_run_writes_and_does_nothing_twice() {
    for input in ["parquet", "csv"] {
        let scratch = Scratch::new();
        grown(&scratch, input, "out", &[]);
        scratch.stream_to("fresh", input, &[]);
        update(&scratch, input, "out", &["--refit"]).succeeds();
        assert!(scratch.bytes_of("out") == scratch.bytes_of("fresh"));
        let again = update(&scratch, input, "out", &["--refit"]).succeeds();
        assert!(again.stdout.contains("is up to date"), "{}", again.stdout);
    }
}

#[test]
fn threads_and_memory_change_no_byte() {
    for input in ["parquet", "csv"] {
        let scratch = Scratch::new();
        grown(&scratch, input, "reference", &["--threads", "1"]);
        let wanted = scratch.bytes_of("reference");
        for (number, flags) in [&["--threads", "7"][..], &["--memory", "100MiB"]]
            .iter()
            .enumerate()
        {
            let again = Scratch::new();
            for days in ARRIVALS {
                for day in days {
                    let name = format!("{input}/{day}.{input}");
                    let target = again.path(&name);
                    fs::create_dir_all(target.parent().expect("a parent")).expect("a directory");
                    let status = std::process::Command::new("cp")
                        .arg("-p")
                        .args([scratch.path(&name), target])
                        .status();
                    assert!(status.expect("cp").success());
                }
                update(&again, input, "out", flags).succeeds();
            }
            assert!(again.bytes_of("out") == wanted, "{input} {number}");
        }
    }
}

#[test]
fn drift_is_told_by_mean_spread_and_missing_rows() {
    let scratch = Scratch::new();
    let first = (0..200).map(f64::from);
    let table = |values: Vec<Option<f64>>| Table::new([Column::optional_doubles("x", values)]);
    scratch.parquet("in/a.parquet", &table(first.clone().map(Some).collect()));
    let flags = ["--test-size", "0"];
    update(&scratch, "in", "out", &flags).succeeds();
    let moved = first.map(|x| (x < 100.0).then_some(2.0 * x + 300.0));
    scratch.parquet("in/b.parquet", &table(moved.collect()));
    let run = update(&scratch, "in", "out", &flags).succeeds();
    let record = scratch.output("out").json("run.json")["update"].clone();
    assert_eq!(
        (&record["files"], &record["rows"]),
        (&1.into(), &200.into())
    );
    let column = &record["columns"][0];
    let sd = |n: f64, step: f64| step * ((n * n - 1.0) / 12.0).sqrt();
    let near = |key: &str, wanted: f64| {
        let found = column[key].as_f64().expect("a number");
        assert!(
            (found - wanted).abs() < 1e-12,
            "{key}: {found}, expected {wanted}"
        );
    };
    near("shift", (399.0 - 99.5) / sd(200.0, 1.0));
    near("spread", sd(100.0, 2.0) / sd(200.0, 1.0));
    near("missing", 0.5);
    near("missing_before", 0.0);
    assert!(
        run.stdout
            .contains("x: mean +5.188 sd, sd x 1.000, missing 50.0% (before 0.0%)"),
        "{}",
        run.stdout
    );
    let report = scratch.output("out").json("report.json");
    assert_eq!(report["run"]["update"], record);
    let train = &report["features"][0]["sides"][0];
    assert_eq!(
        (&train["values"], &train["missing"]),
        (&300.into(), &100.into())
    );
    assert_eq!(train["max"], 498.0);
}

#[test]
fn text_that_is_the_first_with_missing_values_or_fractions_is_added_and_proven() {
    let scratch = Scratch::new();
    let rows = |from: usize, cell: fn(usize) -> String| {
        let lines = (from..from + 400).map(|row| format!("{row},{}\n", cell(row)));
        format!("id,x\n{}", lines.collect::<String>())
    };
    scratch.write("in/b.csv", rows(0, |row| (row % 17).to_string()));
    let flags = ["--exclude", "id"];
    update(&scratch, "in", "out", &flags).succeeds();
    scratch.write(
        "in/a.csv",
        rows(400, |row| match row % 3 {
            0 => "NA".to_owned(),
            _ => format!("{}.25", row % 13),
        }),
    );
    update(&scratch, "in", "out", &flags).succeeds();
    let fresh = scratch.stream_to("fresh", "in", &flags);
    let out = scratch.output("out");
    assert_eq!(out.text("scaler-merged.json"), fresh.text("scaler.json"));
    proven(&scratch, "in", "out");
    let validated = [
        "validate", "--data", "out", "--label", "id", "--epochs", "1",
    ];
    scratch.prep(&validated);
}

#[test]
fn a_side_that_only_new_rows_have_and_files_without_train_rows_are_added() {
    let scratch = Scratch::new();
    let table = |sides: &[&str]| {
        let rows = sides.len() * 10;
        let sides = sides
            .iter()
            .cycle()
            .take(rows)
            .map(|side| (*side).to_owned());
        let values = (0_i32..).map(|row| f64::from(row * row % 97)).take(rows);
        Table::new([Column::doubles("x", values), Column::text("side", sides)])
    };
    let flags = ["--split-by", "column:side"];
    scratch.parquet("in/b.parquet", &table(&["train", "test"]));
    update(&scratch, "in", "out", &flags).succeeds();
    scratch.parquet("in/a.parquet", &table(&["test", "val"]));
    update(&scratch, "in", "out", &flags).succeeds();
    scratch.parquet("in/c.parquet", &table(&[]));
    update(&scratch, "in", "out", &flags).succeeds();
    let out = scratch.output("out");
    let fresh = scratch.stream_to("fresh", "in", &flags);
    assert_eq!(out.sides(), fresh.sides());
    for side in out.sides() {
        assert_eq!(out.side(&side).rows, fresh.side(&side).rows);
    }
    assert_eq!(out.text("scaler-merged.json"), fresh.text("scaler.json"));
    proven(&scratch, "in", "out");
}

#[test]
fn a_change_in_what_was_added_is_found() {
    let scratch = Scratch::new();
    let out = grown(&scratch, "parquet", "out", &[]);
    let last = files_below(&out.path.join("test")).pop().expect("a shard");
    let mut bytes = fs::read(&last).expect("a shard");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&last, bytes).expect("write a shard");
    scratch.prep(&["verify", "out"]).fails_with(1);
}

#[test]
fn merge_knows_what_either_scaler_of_an_output_that_has_grown_was_fitted_on() {
    let scratch = Scratch::new();
    let flags = ["--exclude", "label"];
    arrive(&scratch, "parquet", &[4]);
    update(&scratch, "parquet", "out", &flags).succeeds();
    arrive(&scratch, "parquet", &[2]);
    update(&scratch, "parquet", "out", &flags).succeeds();
    let file = ["--in", "parquet/2.parquet", "--root", "parquet"];
    let fit = ["fit", "--out", "later", "--quiet"];
    scratch.prep(&[&fit[..], &file, &flags].concat()).succeeds();
    let merge = |scaler: &str, out: &str| {
        let scaler = format!("out/{scaler}");
        scratch.prep(&["merge", &scaler, "later/scaler.json", "--out", out])
    };
    merge("scaler.json", "both.json").succeeds();
    let both = fs::read_to_string(scratch.path("both.json")).expect("a scaler");
    assert_eq!(both, scratch.output("out").text("scaler-merged.json"));
    let error = merge("scaler-merged.json", "twice.json").fails_with(3);
    assert!(
        error.contains("both were fitted on \"2.parquet\""),
        "{error}"
    );
}
