//! What can't be added is refused with one error, and leaves the output as it was.

use std::fs;

use super::{ARRIVALS, arrive, grown, update};
use crate::harness::{Column, Scratch, Table};

#[test]
fn one_error_names_every_file_that_changed_or_is_gone() {
    let scratch = Scratch::new();
    for input in ["parquet", "csv"] {
        grown(&scratch, input, input_out(input), &[]);
        let before = scratch.bytes_of(input_out(input));
        let name = |day: u64| scratch.path(format!("{input}/{day}.{input}"));
        // Other rows, the same bytes at another time, none, and bytes of the same size.
        match input {
            "csv" => scratch.write("csv/3.csv", "count,holes,far,code,label\n1,2,3,x,4\n"),
            _ => scratch.parquet(
                "parquet/3.parquet",
                &Table::new([Column::doubles("x", [1.0])]),
            ),
        };
        let file = fs::File::options()
            .append(true)
            .open(name(4))
            .expect("open a file");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH)
            .expect("set its time");
        fs::remove_file(name(9)).expect("remove a file");
        let mut bytes = fs::read(name(5)).expect("read a file");
        let last = bytes.len() - 20;
        bytes[last] ^= 1;
        fs::write(name(5), bytes).expect("write a file");
        let error = update(&scratch, input, input_out(input), &[]).fails_with(3);
        for part in [
            "4 changed or are gone",
            "/3",
            "(gone)",
            "(other content)",
            "(modified at another time)",
            "--update --refit",
        ] {
            let part = part.replace("/3", &format!("\"3.{input}\" (another size)"));
            assert!(error.contains(&part), "no {part} in {error}");
        }
        assert!(scratch.bytes_of(input_out(input)) == before);
        fs::remove_file(name(3)).expect("remove a file");
        fs::remove_file(name(5)).expect("remove a file");
        update(&scratch, input, input_out(input), &["--refit"]).succeeds();
    }
}

fn input_out(input: &str) -> &'static str {
    match input {
        "csv" => "from-csv",
        _ => "from-parquet",
    }
}

#[test]
fn other_settings_and_splits_that_move_rows_are_refused() {
    let scratch = Scratch::new();
    arrive(&scratch, "parquet", ARRIVALS[0]);
    update(&scratch, "parquet", "out", &["--label", "label"]).succeeds();
    arrive(&scratch, "parquet", ARRIVALS[1]);
    let before = scratch.bytes_of("out");
    let other = update(
        &scratch,
        "parquet",
        "out",
        &["--seed", "7", "--dtype", "float32"],
    );
    insta::assert_snapshot!(other.fails_with(2));
    let refused: [&[&str]; 5] = [
        &["--stratify", "label"],
        &["--test-size", "100"],
        &["--split-by", "time:label"],
        &["--folds", "3"],
        &["--shuffle"],
    ];
    for flags in refused {
        let error = update(&scratch, "parquet", "out", flags).fails_with(2);
        assert!(
            error.contains("--update") && error.contains("--refit"),
            "{error}"
        );
    }
    let refit = ["stream", "--in", "parquet", "--out", "out", "--refit"];
    scratch.prep(&refit).fails_with(2);
    let plan = [
        "plan", "--in", "parquet", "--out", "out", "--update", "--label", "label",
    ];
    scratch.prep(&plan).fails_with(2);
    assert!(scratch.bytes_of("out") == before);
    assert!(!scratch.path(".out.prep").exists());
}

#[test]
fn files_that_make_another_table_of_everything_are_refused() {
    let good = "a,b,c\n1,2,x\n3,4,y\n5,6,z\n";
    let cases: [(&str, &str, &[&str]); 4] = [
        (
            "a feature that is text now",
            "a,b,c\n1,two,x\n",
            &["--exclude", "a"],
        ),
        (
            "whole numbers that pass through",
            "a,b,c\n1.5,2,x\n",
            &["--exclude", "a"],
        ),
        ("another column", "a,b,d\n1,2,x\n", &[]),
        ("another order", "b,a,c\n1,2,x\n", &[]),
    ];
    let mut page = String::new();
    for (name, text, flags) in cases {
        let scratch = Scratch::new();
        scratch.write("in/a.csv", good);
        update(&scratch, "in", "out", flags).succeeds();
        let before = scratch.bytes_of("out");
        scratch.write("in/b.csv", text);
        page += &format!(
            "{name}\n{}\n",
            update(&scratch, "in", "out", &[flags, &["--quiet"]].concat()).fails_with(3)
        );
        assert!(scratch.bytes_of("out") == before, "{name}");
        assert!(!scratch.path(".out.prep").exists(), "{name}");
    }
    insta::assert_snapshot!(page);
}

#[test]
fn what_is_no_whole_output_of_stream_is_refused() {
    let scratch = Scratch::new();
    arrive(&scratch, "parquet", ARRIVALS[0]);
    let fit = ["fit", "--in", "parquet", "--out", "fitted", "--quiet"];
    scratch.prep(&fit).succeeds();
    update(&scratch, "parquet", "fitted", &[]).fails_with(2);
    scratch.write("foreign/notes.txt", "mine");
    update(&scratch, "parquet", "foreign", &[]).fails_with(4);
    let out = scratch.stream_to("out", "parquet", &[]);
    let shard = crate::harness::files_below(&out.path.join("train")).remove(0);
    fs::remove_file(&shard).expect("remove a shard");
    arrive(&scratch, "parquet", ARRIVALS[1]);
    let error = update(&scratch, "parquet", "out", &[]).fails_with(3);
    assert!(error.contains("the shard is missing"), "{error}");
}

#[test]
fn an_infinite_value_in_a_new_file_is_an_error_with_its_place() {
    let scratch = Scratch::new();
    let table = |values: [f64; 3]| Table::new([Column::doubles("x", values)]);
    scratch.parquet("in/a.parquet", &table([1.0, 2.0, 4.0]));
    update(&scratch, "in", "out", &[]).succeeds();
    let before = scratch.bytes_of("out");
    scratch.parquet("in/b.parquet", &table([1.0, f64::INFINITY, 4.0]));
    let error = update(&scratch, "in", "out", &[]).fails_with(3);
    assert!(error.contains("first in in/b.parquet: row 2"), "{error}");
    assert!(scratch.bytes_of("out") == before);
}
