//! The command around the checks: its report, its exit code, and what it refuses.

use std::collections::BTreeSet;
use std::fs;

use super::{Plant, found};
use crate::harness::{Column, Scratch, Table, normals};

/// Does something to an output, one of whose parts is given.
type Damage = fn(&Scratch, &std::path::Path);

#[test]
fn the_report_is_the_same_whatever_the_threads_and_the_memory() {
    let scratch = Scratch::new();
    let plant = Plant::clean(40_000)
        .copy_rows(30)
        .integer("k", |row| i64::try_from(row % 9_000).expect("small"))
        .float("t", |row| (row * 7919 % 50_000) as f64);
    plant.write(&scratch);
    scratch.stream("in", &["--label", "y", "--exclude", "k,t"]);
    let audit = |extra: &[&str]| {
        let mut arguments = vec![
            "audit",
            "out",
            "--group",
            "k",
            "--time",
            "t",
            "--log-format",
            "json",
        ];
        arguments.extend(extra);
        let printed = scratch.prep(&arguments).succeeds().stdout;
        assert_eq!(printed, scratch.output("out").text("audit.json"));
        printed
    };
    let first = audit(&["--threads", "1"]);
    assert!(
        first.contains("\"duplicates\"")
            && first.contains("\"groups\"")
            && first.contains("\"time\"")
    );
    for extra in [
        &["--threads", "2"][..],
        &["--threads", "7"],
        &["--threads", "3", "--memory", "200MiB"],
    ] {
        assert_eq!(audit(extra), first, "{extra:?}");
    }
}

#[test]
fn a_stream_audits_before_it_publishes() {
    let scratch = Scratch::new();
    Plant::clean(4_000).copy_rows(5).write(&scratch);
    let stream = |out: &str, extra: &[&str]| {
        let mut arguments = vec![
            "stream",
            "--in",
            "in",
            "--out",
            out,
            "--split-by",
            "column:side",
            "--label",
            "y",
        ];
        arguments.extend(extra);
        scratch.prep(&arguments)
    };
    let run = stream("out", &["--audit"]).succeeds();
    assert!(
        run.stdout
            .contains("5 rows of test (0.5%) have an exact copy in train"),
        "{}",
        run.stdout
    );
    let staged = scratch.output("out").text("audit.json");
    scratch.prep(&["audit", "out", "--quiet"]).succeeds();
    assert_eq!(scratch.output("out").text("audit.json"), staged);
    // Nothing but audit.json and the report that shows it tells the two outputs apart.
    stream("plain", &[]).succeeds();
    let data = |out: &str| {
        let mut files = scratch.bytes_of(out);
        files.retain(|name, _| {
            !matches!(name.as_str(), "audit.json" | "report.json" | "report.html")
        });
        files
    };
    let plain = data("plain");
    assert_eq!(data("out"), plain);
    // The output is there though the check failed.
    let error = stream("failed", &["--fail-on", "drift>0.2,leak", "--quiet"]).fails_with(1);
    assert!(
        error.contains("the audit found leak: 5 rows of test (0.5%) have an exact copy in train"),
        "{error}"
    );
    assert_eq!(data("failed"), plain);
    assert!(scratch.path("failed/audit.json").exists());
    // An output that is up to date is audited as it is.
    let error = stream("plain", &["--if-changed", "--fail-on", "leak", "--quiet"]).fails_with(1);
    assert!(error.contains("leak"), "{error}");
    assert!(scratch.path("plain/audit.json").exists());
}

#[test]
fn conditions_decide_the_exit_code() {
    let scratch = Scratch::new();
    let train = 4_000;
    Plant::clean(train)
        .float("moved", move |row| {
            (row % 100) as f64 + if row < train { 0.0 } else { 30.0 }
        })
        .write(&scratch);
    scratch.stream("in", &["--label", "y", "--split-by", "column:side"]);
    let audit =
        |conditions: &str| scratch.prep(&["audit", "out", "--quiet", "--fail-on", conditions]);
    for conditions in ["leak", "drift>9", "leak,drift>9.5"] {
        audit(conditions).succeeds();
    }
    for (conditions, reason) in [
        ("drift>0.2", "the audit found drift>0.2: PSI "),
        ("leak,drift > 1", "of \"moved\" on test"),
        ("warning", "the audit found warning: "),
    ] {
        let error = audit(conditions).fails_with(1);
        assert!(error.contains(reason), "{error}");
    }
    for conditions in ["drift", "drift>", "drift>-1", "drift>nan", "leaks", ""] {
        audit(conditions).fails_with(2);
    }
}

#[test]
fn a_bad_output_is_a_clear_error() {
    let made = || {
        let scratch = Scratch::new();
        Plant::clean(400).write(&scratch);
        scratch.stream("in", &["--label", "y"]);
        scratch
    };
    let part = |scratch: &Scratch, side: &str| {
        crate::harness::files_below(&scratch.path(format!("out/{side}"))).remove(0)
    };
    let cases: [(&str, Damage, i32, &str); 8] = [
        (
            "no directory",
            |s, _| fs::remove_dir_all(s.path("out")).expect("gone"),
            3,
            "no output of prep: it has no directory",
        ),
        (
            "no manifest",
            |s, _| fs::remove_file(s.path("out/manifest.json")).expect("gone"),
            3,
            "it has no manifest.json",
        ),
        (
            "no scaler",
            |s, _| fs::remove_file(s.path("out/scaler.json")).expect("gone"),
            3,
            "it has no scaler.json",
        ),
        (
            "a broken scaler",
            |s, _| fs::write(s.path("out/scaler.json"), "{}").expect("written"),
            3,
            "cannot read scaler.json",
        ),
        (
            "a missing shard",
            |_, part| fs::remove_file(part).expect("gone"),
            3,
            "the shard is missing",
        ),
        (
            "a short shard",
            |_, part| {
                let bytes = fs::read(part).expect("read");
                fs::write(part, &bytes[..bytes.len() / 2]).expect("written");
            },
            3,
            "part-",
        ),
        (
            "a flipped bit",
            |_, part| {
                let mut bytes = fs::read(part).expect("read");
                bytes[100] ^= 1;
                fs::write(part, bytes).expect("written");
            },
            3,
            "the shard's XXH3-128 is",
        ),
        (
            "another shard",
            |s, part| {
                fs::copy(
                    crate::harness::files_below(&s.path("out/test")).remove(0),
                    part,
                )
                .expect("copied");
            },
            3,
            "rows, manifest.json says",
        ),
    ];
    for (name, damage, code, message) in cases {
        let scratch = made();
        damage(&scratch, &part(&scratch, "train"));
        let error = scratch.prep(&["audit", "out"]).fails_with(code);
        assert!(error.contains(message), "{name}: {error}");
        assert!(!scratch.path("out/audit.json").exists(), "{name}");
    }
}

#[test]
fn columns_that_are_not_there_are_usage_errors() {
    let scratch = Scratch::new();
    Plant::clean(400).write(&scratch);
    scratch.stream("in", &["--label", "y"]);
    for flag in ["--group", "--label", "--time", "--ignore"] {
        let error = scratch
            .prep(&["audit", "out", flag, "nowhere"])
            .fails_with(2);
        assert!(
            error.contains(&format!("no column \"nowhere\" for {flag}")),
            "{error}"
        );
    }
    let error = scratch
        .prep(&["audit", "out", "--memory", "20MiB"])
        .fails_with(6);
    assert!(error.contains("--memory allows 20971520 bytes"), "{error}");
}

#[test]
fn a_source_that_is_no_longer_the_same_is_reported() {
    let scratch = Scratch::new();
    for name in ["a", "b", "c"] {
        let table = Table::new([Column::doubles(
            "x",
            normals(u64::from(name.as_bytes()[0])).take(50),
        )]);
        scratch.parquet(format!("in/{name}.parquet"), &table);
    }
    scratch.stream("in", &[]);
    let audit = || {
        scratch
            .prep(&["audit", "out", "--in", "in", "--quiet"])
            .succeeds();
        scratch.output("out").json("audit.json")
    };
    assert!(!found(&audit()).contains("source warning"));
    fs::remove_file(scratch.path("in/a.parquet")).expect("gone");
    let table = Table::new([Column::doubles("x", normals(9).take(60))]);
    scratch
        .parquet("in/b.parquet", &table)
        .parquet("in/d.parquet", &table);
    let report = audit();
    let summaries: Vec<&str> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["check"] == "source")
        .map(|finding| finding["summary"].as_str().expect("text"))
        .collect();
    assert_eq!(
        summaries,
        [
            "1 input file changed since the output was made: \"b.parquet\"",
            "1 input file is of the output no longer there: \"a.parquet\"",
            "1 input file is not in the output: \"d.parquet\"",
        ]
    );
}

#[test]
fn a_scaler_of_other_rows_is_found() {
    let scratch = Scratch::new();
    Plant::clean(4_000).write(&scratch);
    scratch.stream_to("out", "in", &["--label", "y", "--split-by", "column:side"]);
    scratch.stream_to(
        "other",
        "in",
        &["--label", "y", "--split-by", "column:side", "--ddof", "1"],
    );
    fs::copy(
        scratch.path("other/scaler.json"),
        scratch.path("out/scaler.json"),
    )
    .expect("copied");
    let report = {
        scratch.prep(&["audit", "out", "--quiet"]).succeeds();
        scratch.output("out").json("audit.json")
    };
    let expected = ["a", "b", "level"].map(|name| format!("moments leak {name}"));
    assert_eq!(found(&report), BTreeSet::from(expected));
}
