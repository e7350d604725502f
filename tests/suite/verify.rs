//! `prep verify`: good outputs are good, and whatever is changed in one is found and named.

use std::fs;

use parquet::basic::Compression;

use crate::harness::{Column, Scratch, Table, Values, files_below, normals, numbers};

fn features(rows: usize, seed: u64) -> Table {
    let with_gaps = numbers(seed).zip(normals(seed + 1));
    Table::new([
        Column::doubles("price", normals(seed).map(|z| 1e6 + z).take(rows)),
        Column::optional_doubles(
            "weight",
            with_gaps.map(|(n, z)| (n % 5 > 0).then_some(z)).take(rows),
        ),
        Column::longs("same", std::iter::repeat_n(7, rows)),
        Column::text(
            "name",
            numbers(seed).map(|n| format!("n{}", n % 100)).take(rows),
        ),
        Column::new(
            "optional boolean flag;",
            Values::Bool(
                numbers(seed)
                    .map(|n| (n % 3 > 0).then_some(n % 2 == 0))
                    .take(rows)
                    .collect(),
            ),
        ),
        Column::new(
            "required float label;",
            Values::F32(
                numbers(seed + 2)
                    .map(|n| Some(f32::from(u16::try_from(n % 999).expect("small")) / 8.0))
                    .take(rows)
                    .collect(),
            ),
        ),
    ])
}

/// Two files in two row groups each, in an output of the given flags.
fn scratch(extra: &[&str]) -> Scratch {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &features(700, 1).rows_per_group(300));
    scratch.parquet("in/b.parquet", &features(500, 2));
    scratch.stream("in", extra);
    scratch
}

fn finds(scratch: &Scratch, file: &str, arguments: &[&str]) -> String {
    let run = scratch.prep(&[&["verify", "out"], arguments].concat());
    assert_eq!(run.code, Some(1), "{}", run.describe());
    assert!(run.is_clear_error(), "{}", run.describe());
    let named = run.stdout.lines().any(|line| line.contains(file));
    assert!(named, "{file} is not named: {}", run.describe());
    run.stdout
}

#[test]
fn a_good_output_is_good() {
    let cases: &[&[&str]] = &[
        &[],
        &["--dtype", "float32"],
        &["--label", "label", "--ddof", "1", "--test-size", "0.5"],
        &["--test-size", "1"],
        &["--test-size", "0.15", "--val-size", "0.25"],
        &["--test-size", "0", "--exclude", "weight,same"],
        &["--split-by", "column:flag2"],
    ];
    for case in cases {
        let scratch = Scratch::new();
        let flag = numbers(9).map(|n| i64::try_from(n % 2).expect("a bit"));
        let rows = features(600, 3);
        scratch.parquet(
            "in/k=1/a.parquet",
            &rows.with(Column::longs("flag2", flag.take(600))),
        );
        let flag = numbers(8).map(|n| i64::try_from(n % 2).expect("a bit"));
        let rows = features(90, 4);
        scratch.parquet(
            "in/k=2/b.parquet",
            &rows.with(Column::longs("flag2", flag.take(90))),
        );
        scratch.stream("in", case);
        for arguments in [vec!["verify", "out"], vec!["verify", "out", "--in", "in"]] {
            let run = scratch.prep(&arguments).succeeds();
            assert!(run.stdout.contains("good"), "{case:?}{}", run.describe());
        }
    }
}

#[test]
fn a_good_output_of_text_is_good() {
    let scratch = Scratch::new();
    let rows = |seed: u64, rows: usize| -> String {
        let lines = numbers(seed).zip(normals(seed)).take(rows);
        let line = |(n, z): (u64, f64)| match n % 7 {
            0 => format!("{},,\"a, {n}\",{:03}\n", n % 1000, n % 900),
            _ => format!("{},{z},b,{:03}\n", n % 1000, n % 900),
        };
        lines.fold("count,value,note,zip\n".to_owned(), |text, part| {
            text + &line(part)
        })
    };
    scratch.write("in/a.csv", rows(1, 900));
    scratch.write("in/b.csv", rows(2, 10));
    scratch.stream("in", &["--text", "zip", "--dtype", "float32"]);
    let run = scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    assert!(run.stdout.contains("910 rows"), "{}", run.describe());
}

#[test]
fn any_single_flipped_bit_is_found_and_its_file_named() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &features(60, 5));
    let output = scratch.stream("in", &[]);
    let mut flips = 0;
    for path in files_below(&output.path) {
        let good = fs::read(&path).expect("a file");
        let name = path
            .strip_prefix(&output.path)
            .expect("inside")
            .display()
            .to_string();
        // Every bit of every byte in turn, some twenty places a file.
        let step = (good.len() / 20).max(1) * 8 + 1;
        for bit in (0..good.len() * 8).step_by(step) {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &flipped).expect("write");
            finds(&scratch, &name, &[]);
            flips += 1;
        }
        fs::write(&path, &good).expect("write");
    }
    assert!(flips > 80, "{flips} flips");
    scratch.prep(&["verify", "out"]).succeeds();
}

#[test]
fn missing_and_extra_files_are_named() {
    let scratch = scratch(&[]);
    for (name, content) in [
        ("train/part-9.parquet", "x"),
        ("notes.txt", ""),
        ("val/a", ""),
    ] {
        scratch.write(format!("out/{name}"), content);
        finds(&scratch, name, &[]);
        fs::remove_file(scratch.path("out").join(name)).expect("remove");
    }
    fs::remove_dir(scratch.path("out/val")).expect("remove");
    for name in ["report.html", "report.json"] {
        fs::remove_file(scratch.path("out").join(name)).expect("remove");
        scratch.prep(&["verify", "out"]).succeeds();
    }
    scratch.write("out/validation.json", "{}");
    scratch.prep(&["verify", "out"]).succeeds();
    for name in ["_SUCCESS", "run.json", "scaler.json", "manifest.json"] {
        let path = scratch.path("out").join(name);
        let good = fs::read(&path).expect("a file");
        fs::remove_file(&path).expect("remove");
        finds(&scratch, name, &[]);
        fs::write(&path, good).expect("write");
    }
    let shard = files_below(&scratch.path("out/test")).remove(0);
    fs::remove_file(&shard).expect("remove");
    let name = shard.file_name().expect("a name").display().to_string();
    finds(&scratch, &name, &[]);
}

#[test]
fn another_split_fit_or_input_is_found() {
    let scratch = scratch(&[]);
    let json = scratch.prep(&["verify", "out", "--in", "in", "--log-format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&json.succeeds().stdout).expect("JSON");
    assert_eq!(report["source_rows"], 1200);
    assert_eq!(report["finding_count"], 0);
    // More input than the manifest names is no fault of the output.
    scratch.parquet("in/c.parquet", &features(10, 3));
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    // The same names with other contents.
    scratch.parquet("in/a.parquet", &features(700, 7).rows_per_group(300));
    finds(&scratch, "a.parquet", &["--in", "in"]);
    fs::remove_file(scratch.path("in/a.parquet")).expect("remove");
    finds(&scratch, "a.parquet", &["--in", "in"]);
}

/// Changes that the fingerprint of an input doesn't see: the rows do.
#[test]
fn a_value_that_changed_behind_the_fingerprint_is_found() {
    let scratch = Scratch::new();
    let plain = Column::doubles("x", normals(1).take(5000));
    let flags = Column::longs(
        "flag",
        numbers(2)
            .map(|n| i64::try_from(n % 1000).expect("small"))
            .take(5000),
    );
    let table = Table::new([plain, flags]).codec(Compression::UNCOMPRESSED);
    scratch.parquet("in/a.parquet", &table);
    scratch.stream("in", &["--exclude", "flag"]);
    let path = scratch.path("in/a.parquet");
    let good = fs::read(&path).expect("a file");
    // The first page of x, and the last of flag.
    for at in [5000, good.len() - 2000] {
        let mut changed = good.clone();
        changed[at] ^= 4;
        fs::write(&path, &changed).expect("write");
        let found = finds(&scratch, "part-0000000", &["--in", "in"]);
        assert!(found.contains("the source gives"), "{found}");
    }
    fs::write(&path, &good).expect("write");
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    let lines: String = (0..5000)
        .map(|n| format!("{},{}\n", n % 97, n % 7))
        .collect();
    scratch.write("text/a.csv", format!("x,y\n{lines}"));
    scratch.stream("text", &["--overwrite"]);
    let middle = lines.len() / 2 + lines[lines.len() / 2..].find(',').expect("a comma");
    let changed = format!("x,y\n{},9{}", &lines[..middle], &lines[middle + 2..]);
    scratch.write("text/a.csv", changed);
    finds(&scratch, "part-0000000", &["--in", "text"]);
}

#[test]
fn what_is_no_output_is_an_error() {
    let scratch = Scratch::new();
    scratch.prep(&["verify", "nothing"]).fails_with(4);
    scratch.write("empty/x", "");
    let run = scratch.prep(&["verify", "empty"]);
    assert_eq!(run.code, Some(1), "{}", run.describe());
}
