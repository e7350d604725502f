//! `--shuffle`: units leave the rows in segments, the commit gathers them.

use std::fs;
use std::path::PathBuf;

use super::{
    FILES, done_four_times_at_once, is_same, is_same_isolated, make_input, plan, unit, units_twice,
};
use crate::harness::{Scratch, files_below};

/// The segment files of a unit.
fn segments(scratch: &Scratch, out: &str, unit: u64) -> Vec<PathBuf> {
    let cache = files_below(&scratch.path(format!(".{out}.prep/cache")));
    let name = format!("segments-{unit:07}-");
    let of_unit = |path: &PathBuf| {
        let found = path.file_name().expect("a name").to_string_lossy();
        found.starts_with(&name)
    };
    cache.into_iter().filter(of_unit).collect()
}

#[test]
fn units_of_shuffled_rows_give_the_bytes_of_stream() {
    let scratch = Scratch::new();
    make_input(&scratch);
    for file in 0..FILES / 3 {
        let rows = (0..20).map(|row| format!("{},{},t{row}\n", row * file % 31, row % 3));
        let text = format!("x,user,name\n{}", rows.collect::<String>());
        scratch.write(format!("text/{file:03}.csv"), text);
    }
    for (number, (input, units, flags)) in [
        ("in", 5, &[][..]),
        ("in", 5, &["--split-by", "group:user", "--val-size", "0.2"]),
        ("in", 5, &["--split-by", "time:user", "--sample", "0.3"]),
        ("text", 2, &["--stratify", "user"]),
    ]
    .into_iter()
    .enumerate()
    {
        let flags = [flags, &["--shuffle"]].concat();
        let [reference, out, file] =
            ["reference", "out", "plan"].map(|name| format!("{name}-{number}"));
        scratch.stream_to(&reference, input, &flags);
        let line = [
            "plan", "--in", input, "--out", &out, "--plan", &file, "--quiet",
        ];
        scratch.prep(&[&line[..], &flags].concat()).succeeds();
        units_twice(&scratch, &file, units);
        // One that is taken up leaves no second file.
        assert_eq!(segments(&scratch, &out, 0).len(), 1);
        let run = scratch.prep(&["commit", "--plan", &file]).succeeds();
        assert!(run.stderr.contains("shuffle"), "{}", run.stderr);
        is_same(&scratch, &out, &scratch.bytes_of(&reference));
        scratch.prep(&["verify", &out, "--in", input]).succeeds();
        let isolated = format!("isolated-{number}");
        is_same_isolated(&scratch, (input, &isolated), &flags, &reference);
    }
}

#[test]
fn the_same_units_scattered_at_the_same_time_do_no_harm() {
    let scratch = Scratch::new();
    make_input(&scratch);
    done_four_times_at_once(&scratch, &["--shuffle"]);
}

#[test]
fn segments_that_are_lost_or_damaged_are_named_whatever_the_proof() {
    let scratch = Scratch::new();
    make_input(&scratch);
    scratch.stream_to("reference", "in", &["--shuffle"]);
    plan(&scratch, "out", "plan.json", &["--shuffle"]);
    for pass in ["split", "fit", "write"] {
        unit(&scratch, "plan.json", pass, "0..5");
    }
    let refused = |parts: &[&str]| {
        for flags in [&[][..], &["--sizes-only"]] {
            let line = [&["commit", "--plan", "plan.json"], flags].concat();
            let error = scratch.prep(&line).fails_with(4);
            for part in parts {
                assert!(error.contains(part), "{error}");
            }
            assert!(!scratch.path("out").exists());
        }
    };
    let [damaged] = &segments(&scratch, "out", 2)[..] else {
        panic!("other than one file");
    };
    let mut bytes = fs::read(damaged).expect("segments");
    bytes[10] ^= 1;
    fs::write(damaged, bytes).expect("damage segments");
    refused(&["write-0000002", "do the unit again"]);
    unit(&scratch, "plan.json", "write", "2");
    // The attempt that is found first is damaged as well: that of a range around it counts.
    for path in segments(&scratch, "out", 2) {
        fs::write(path, b"no segments").expect("damage segments");
    }
    refused(&["pass write", "units 2"]);
    unit(&scratch, "plan.json", "write", "0..4");
    let [lost] = &segments(&scratch, "out", 4)[..] else {
        panic!("other than one file");
    };
    fs::remove_file(lost).expect("remove segments");
    refused(&["pass write", "units 4"]);
    unit(&scratch, "plan.json", "write", "3..5");
    scratch
        .prep(&["commit", "--plan", "plan.json", "--sizes-only"])
        .succeeds();
    is_same(&scratch, "out", &scratch.bytes_of("reference"));
    // What units have scattered, stream gathers.
    plan(&scratch, "again", "plan.json", &["--shuffle"]);
    for pass in ["split", "fit", "write"] {
        unit(&scratch, "plan.json", pass, "1..5");
        unit(&scratch, "plan.json", pass, "0");
    }
    scratch.stream_to("again", "in", &["--shuffle"]);
    is_same(&scratch, "again", &scratch.bytes_of("reference"));
}
