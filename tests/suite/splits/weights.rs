//! `--weights`: weighted mean and variance of the train rows.

use super::numbered;
use crate::harness::{Column, Scratch, normals};

#[test]
fn weighted_moments_are_fitted_on_train_rows_and_missing_ones_do_not_count() {
    let scratch = Scratch::new();
    let rows = "x,y,w,side\n1,10,3,train\n5,,1,train\n9e9,10,0,train\n7,7,-1,test\n,12,2,train\n8,8,,test\n";
    scratch.write("in/a.csv", rows);
    let flags = ["--weights", "w", "--split-by", "column:side"];
    let output = scratch.stream("in", &flags);
    assert_eq!(output.features(), ["x", "y"]);
    assert_eq!(output.scaler("mean_"), [2.0, 10.8]);
    assert_eq!(output.scaler("var_")[0], 3.0);
    assert_eq!(output.scaler("n_samples_seen_"), [2.0, 2.0]);
    assert_eq!(output.fitted("nulls", "y"), 1.0);
    assert_eq!(output.train().longs("w")[0], 3);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}

#[test]
fn a_leak_of_moments_is_not_invented_for_weighted_rows() {
    let scratch = Scratch::new();
    let weights = normals(3).take(3000).map(|z| z * z);
    scratch.parquet(
        "in/a.parquet",
        &numbered(0, 3000).with(Column::doubles("w", weights)),
    );
    scratch.stream("in", &["--weights", "w", "--exclude", "id"]);
    scratch
        .prep(&["audit", "out", "--fail-on", "leak"])
        .succeeds();
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}

#[test]
fn what_is_no_weight_is_refused_with_its_row() {
    let scratch = Scratch::new();
    scratch.write("in/a.csv", "x,w,s\n1,1,a\n2,-0.5,b\n3,,c\n");
    let args = ["stream", "--in", "in", "--out", "out", "--test-size", "0"];
    for (flags, code, message) in [
        (
            &["--weights", "w"][..],
            3,
            "-0.5 is no weight: a weight is finite and not negative",
        ),
        (&["--weights", "w"], 3, "in/a.csv: row 2"),
        (
            &["--weights", "w", "--where", "x <> 2"],
            3,
            "a missing value is no weight",
        ),
        (
            &["--weights", "s"],
            2,
            "column \"s\" of --weights is not numeric",
        ),
        (&["--weights", "v"], 2, "no column \"v\" for --weights"),
        (
            &["--weights", "w", "--ddof", "1"],
            2,
            "--weights and --ddof cannot be used together",
        ),
    ] {
        let refused = scratch.prep(&[&args[..], flags].concat()).fails_with(code);
        assert!(refused.contains(message), "{flags:?}: {refused}");
    }
    scratch.stream(
        "in",
        &["--test-size", "0", "--weights", "w", "--where", "w >= 0"],
    );
}
