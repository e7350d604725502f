//! Rows that are used at all: `--sample` and `--where`.

use std::collections::BTreeSet;

use super::{assert_partition, numbered, split};
use crate::harness::Scratch;

fn all(sides: &std::collections::BTreeMap<String, Vec<i64>>) -> BTreeSet<i64> {
    sides.values().flatten().copied().collect()
}

#[test]
fn a_sample_moves_no_row_and_is_part_of_a_larger_one() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &numbered(0, 6000));
    scratch.parquet("in/b.parquet", &numbered(6000, 2000));
    for mode in ["row", "content"] {
        let flags = ["--val-size", "0.1", "--split-by", mode];
        let whole = split(&scratch, &flags);
        assert_partition(&whole, 0..8000);
        let mut larger = all(&whole);
        for share in ["1", "0.5", "0.1", "0.01", "0"] {
            let sides = split(&scratch, &[&flags[..], &["--sample", share]].concat());
            let rows = all(&sides);
            assert!(rows.is_subset(&larger), "at {share}");
            let wanted = share.parse::<f64>().expect("a number") * 8000.0;
            assert!(
                (rows.len() as f64 - wanted).abs() < 150.0,
                "{} rows",
                rows.len()
            );
            for (side, ids) in &sides {
                assert!(
                    ids.iter().all(|id| whole[side].contains(id)),
                    "{side} at {share}"
                );
            }
            larger = rows;
        }
    }
}

#[test]
fn rows_that_fail_a_comparison_are_on_no_side_and_reach_no_fit() {
    let scratch = Scratch::new();
    let rows = "x,country,when\n1,DE,2024-01-01\n3,DE,2024-01-02\n1e300,FR,2024-01-03\n,DE,2024-01-04\n\
                inf,,2024-01-05\n-5,DE,2023-12-31\n";
    scratch.write("in/a.csv", rows);
    let flags = [
        "--test-size",
        "0",
        "--where",
        "country = 'DE' and x >= -4 and when > '2023'",
    ];
    let output = scratch.stream("in", &flags);
    assert_eq!(output.fitted("mean_", "x"), 2.0);
    assert_eq!(output.train().floats("x"), [Some(-1.0), Some(1.0)]);
    let run = output.json("manifest.json");
    let filter = &run["spec"]["split"]["filter"];
    assert_eq!(filter, "country = 'DE' and x >= -4 and when > '2023'");
    let scaler = output.json("scaler.json");
    assert_eq!(&scaler["split"]["filter"], filter);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}

#[test]
fn the_plan_and_the_summary_say_what_narrows_and_the_job_is_another() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &numbered(0, 4000));
    let plan = |flags: &[&str]| {
        let args = ["plan", "--in", "in", "--out", "out", "--log-format", "json"];
        let plan = scratch.prep(&[&args[..], flags].concat()).succeeds();
        serde_json::from_str::<serde_json::Value>(&plan.stdout).expect("JSON")
    };
    let (whole, sample) = (plan(&[]), plan(&["--sample", "0.1"]));
    let filtered = plan(&["--where", "id >= 3"]);
    assert_eq!(whole["sides"][0]["rows_expected"], 3200);
    assert_eq!(sample["sides"][0]["rows_expected"], 320);
    assert!(filtered["sides"][0]["rows_expected"].is_null());
    assert_eq!(sample["conditions"][0], "sample 0.1");
    assert_eq!(filtered["conditions"][0], "where id >= 3");
    let jobs: BTreeSet<String> = [whole, sample, filtered]
        .iter()
        .map(|plan| plan["job"].to_string())
        .collect();
    assert_eq!(jobs.len(), 3);
    let flags = ["stream", "--in", "in", "--out", "out", "--where", "id<1000"];
    let run = scratch.prep(&flags).succeeds();
    for text in ["by row, seed 42, where id < 1000", "3,000 rows left out"] {
        assert!(run.stdout.contains(text), "{text}: {}", run.stdout);
    }
}

#[test]
fn comparisons_that_make_no_sense_are_refused_before_any_row_is_read() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &numbered(0, 10));
    for (filter, message) in [
        ("y > 3", "no column \"y\" for --where"),
        ("x = 'a'", "column \"x\" is compared with a number"),
        ("x = true", "column \"x\" is compared with a number"),
        (
            "x >",
            "\"\" is no value; expected a number, true, false, or text in single quotes",
        ),
        ("x > 1 or x < 0", "expected \"and\" before \"or x < 0\""),
    ] {
        let flags = ["plan", "--in", "in", "--out", "out", "--where", filter];
        let refused = scratch.prep(&flags).fails_with(2);
        assert!(refused.contains(message), "{filter}: {refused}");
    }
}
