//! Sides that take several readings of all rows: found by the process that plans, taken by all others.

use std::fs;

use super::{commit, is_same, is_same_isolated, make_input, plan, unit, units_twice};
use crate::harness::Scratch;

const SETTINGS: [&[&str]; 8] = [
    &["--split-by", "time:user", "--val-size", "0.1", "--gap", "1"],
    &[
        "--split-by",
        "time:user",
        "--test-size",
        "1001",
        "--where",
        "user > 3",
    ],
    &["--stratify", "x", "--stratify-bins", "3", "--sample", "0.5"],
    &["--stratify", "side", "--split-by", "group:user"],
    &["--test-size", "1001", "--split-by", "group:user,name"],
    &["--test-size", "1001", "--where", "user > 3"],
    &[
        "--folds",
        "3",
        "--stratify",
        "side",
        "--split-by",
        "group:user",
    ],
    &["--folds", "3", "--stratify", "x", "--stratify-bins", "2"],
];

#[test]
fn units_of_sides_that_take_several_readings_give_the_bytes_of_stream() {
    let scratch = Scratch::new();
    make_input(&scratch);
    for (number, flags) in SETTINGS.iter().enumerate() {
        let [reference, out, file] =
            ["reference", "out", "plan"].map(|name| format!("{name}-{number}"));
        scratch.stream_to(&reference, "in", flags);
        assert_eq!(plan(&scratch, &out, &file, flags), 5);
        // There is nothing left to do of pass split, but it may be asked for.
        unit(&scratch, &file, "split", "3");
        for pass in ["fit", "write"] {
            for range in ["3..5", "1", "0..2", "2..4"] {
                unit(&scratch, &file, pass, range);
            }
        }
        commit(&scratch, &file);
        is_same(&scratch, &out, &scratch.bytes_of(&reference));
        scratch.prep(&["verify", &out, "--in", "in"]).succeeds();
        let isolated = format!("isolated-{number}");
        is_same_isolated(&scratch, ("in", &isolated), flags, &reference);
    }
}

#[test]
fn units_of_text_take_sides_that_planning_has_found() {
    let scratch = Scratch::new();
    for file in 0..200 {
        let rows = (0..20).map(|row| format!("{},{},{}\n", row * file % 31, row % 3, file * row));
        let text = format!("x,class,at\n{}", rows.collect::<String>());
        scratch.write(format!("in/{file:03}.csv"), text);
    }
    for (number, flags) in [
        &["--split-by", "time:at", "--val-size", "0.2"][..],
        &["--stratify", "class", "--split-by", "group:at"],
    ]
    .into_iter()
    .enumerate()
    {
        let [reference, out, file] =
            ["reference", "out", "plan"].map(|name| format!("{name}-{number}"));
        scratch.stream_to(&reference, "in", flags);
        assert_eq!(plan(&scratch, &out, &file, flags), 2);
        units_twice(&scratch, &file, 2);
        commit(&scratch, &file);
        is_same(&scratch, &out, &scratch.bytes_of(&reference));
    }
}

#[test]
fn sides_that_are_lost_are_named_and_another_plan_finds_them_again() {
    let scratch = Scratch::new();
    make_input(&scratch);
    for (number, flags) in SETTINGS.iter().enumerate().skip(1).step_by(2) {
        let [reference, out, file] =
            ["reference", "out", "plan"].map(|name| format!("{name}-{number}"));
        scratch.stream_to(&reference, "in", flags);
        plan(&scratch, &out, &file, flags);
        let refused = |pass: &str, units: &str, part: &str| {
            let line = ["unit", pass, "--plan", &file, "--unit", units];
            let error = scratch.prep(&line).fails_with(4);
            for part in [part, "make the plan again"] {
                assert!(error.contains(part), "{error}");
            }
        };
        let partials = scratch.path(format!(".{out}.prep/partials"));
        let sides = scratch.path(format!(".{out}.prep/cache/sides-0000003"));
        let mut words = fs::read(&sides).expect("the sides of a unit");
        words[3] ^= 1;
        fs::write(&sides, &words).expect("damage them");
        unit(&scratch, &file, "split", "0..3");
        refused("split", "2..5", "sides-0000003");
        refused("fit", "3", "sides-0000003");
        plan(&scratch, &out, &file, flags);
        unit(&scratch, &file, "fit", "3");
        fs::remove_file(partials.join("sides-0000002.json")).expect("remove sides");
        refused("fit", "0..5", "sides-0000002");
        plan(&scratch, &out, &file, flags);
        unit(&scratch, &file, "fit", "0..5");
        fs::remove_file(partials.join("split-total.json")).expect("remove the total");
        refused("write", "0..5", "split-total");
        plan(&scratch, &out, &file, flags);
        unit(&scratch, &file, "write", "0..4");
        let error = scratch.prep(&["commit", "--plan", &file]).fails_with(4);
        assert!(
            error.contains("pass write") && error.contains("units 4"),
            "{error}"
        );
        unit(&scratch, &file, "write", "4");
        fs::remove_file(partials.join("split-total.json")).expect("remove the total");
        let error = scratch.prep(&["commit", "--plan", &file]).fails_with(4);
        assert!(error.contains("split-total"), "{error}");
        // One process does all that is left, and needs nobody's total.
        scratch.stream_to(&out, "in", flags);
        is_same(&scratch, &out, &scratch.bytes_of(&reference));
    }
}
