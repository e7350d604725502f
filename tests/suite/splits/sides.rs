//! Train, val and test: which are there, and which rows stay where they are.

use super::{assert_partition, ids_by_side, numbered, split};
use crate::harness::Scratch;

fn two_files() -> Scratch {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &numbered(0, 5000));
    scratch.parquet("in/b/c.parquet", &numbered(5000, 3000));
    scratch
}

#[test]
fn a_val_side_is_there_when_it_is_asked_for_and_takes_rows_from_train_alone() {
    let scratch = two_files();
    let two = split(&scratch, &[]);
    assert_eq!(two.keys().collect::<Vec<_>>(), ["test", "train"]);
    assert_partition(&two, 0..8000);

    let three = split(&scratch, &["--val-size", "0.1"]);
    assert_partition(&three, 0..8000);
    assert_eq!(three["test"], two["test"]);
    assert!(three["val"].iter().all(|id| two["train"].contains(id)));
    let val = three["val"].len();
    assert!((700..900).contains(&val), "{val} of 8000 rows are val");

    let more = split(&scratch, &["--val-size", "0.3"]);
    assert!(three["val"].iter().all(|id| more["val"].contains(id)));
    let none = split(&scratch, &["--val-size", "0"]);
    assert_eq!((none["val"].len(), &none["train"]), (0, &two["train"]));
}

#[test]
fn sizes_add_up_exactly() {
    let scratch = two_files();
    let sides = split(&scratch, &["--test-size", "0.7", "--val-size", "0.3"]);
    assert_eq!(sides["train"].len(), 0);
    assert_partition(&sides, 0..8000);
}

#[test]
fn val_rows_do_not_reach_the_fit_and_are_standardized_like_test() {
    let scratch = Scratch::new();
    let rows = "x,side\n1,train\n3,train\n100,val\n-7,test\n1e300,validation\n";
    scratch.write("in/a.csv", rows);
    let output = scratch.stream("in", &["--split-by", "column:side"]);
    assert_eq!(output.sides(), ["test", "train", "val"]);
    assert_eq!(output.fitted("mean_", "x"), 2.0);
    assert_eq!(output.side("val").floats("x")[0], Some(98.0));
    assert_eq!(output.side("test").floats("x"), [Some(-9.0)]);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let shards = output.json("manifest.json")["shards"].clone();
    let sides = shards.as_array().expect("shards").iter();
    let sides: Vec<&str> = sides.filter_map(|shard| shard["side"].as_str()).collect();
    assert_eq!(sides, ["train", "val", "test"]);
}

#[test]
fn three_sides_are_the_same_bytes_for_any_threads_and_after_a_plan_that_names_them() {
    let scratch = two_files();
    let flags = ["--exclude", "id", "--val-size", "0.25"];
    let one = scratch.stream_to("one", "in", &[&flags[..], &["--threads", "1"]].concat());
    scratch.stream_to("many", "in", &[&flags[..], &["--threads", "7"]].concat());
    assert!(scratch.bytes_of("one") == scratch.bytes_of("many"));
    let plan = ["plan", "--in", "in", "--out", "new", "--log-format", "json"];
    let plan = scratch.prep(&[&plan[..], &flags].concat()).succeeds();
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).expect("JSON");
    for (index, (side, rows)) in [("train", 4400), ("val", 2000), ("test", 1600)]
        .into_iter()
        .enumerate()
    {
        assert_eq!(plan["sides"][index]["name"], side);
        assert_eq!(plan["sides"][index]["rows_expected"], rows);
        let found = ids_by_side(&one)[side].len();
        assert!(found.abs_diff(rows) < 150, "{found} rows are {side}");
    }
}
