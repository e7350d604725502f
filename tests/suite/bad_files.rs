//! Files that can't be read: an error, or with `--on-bad-file skip` the result of a run that never saw
//! them, and exit code 7.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;

use serde_json::Value;

use crate::harness::{Column, Scratch, Table, normals};

/// Puts one bad file beside good ones; returns its name.
type Make = fn(&Scratch) -> &'static str;

fn table(file: u64) -> Table {
    Table::new([
        Column::doubles("x", normals(file).take(300)),
        Column::text("name", (0..300).map(|row| format!("row {row}"))),
    ])
    .uncompressed()
}

fn parquet_files(scratch: &Scratch) {
    for file in [0, 2, 4] {
        scratch.parquet(format!("in/{file}.parquet"), &table(file));
    }
}

fn text_files(scratch: &Scratch) {
    for file in [0, 2, 4] {
        let lines: String = normals(file)
            .take(300)
            .map(|z| format!("{z},a\n"))
            .collect();
        scratch.write(format!("in/{file}.csv"), format!("x,name\n{lines}"));
    }
}

fn bad_parquet(
    scratch: &Scratch,
    name: &'static str,
    spoil: impl Fn(&mut Vec<u8>),
) -> &'static str {
    parquet_files(scratch);
    let mut bytes = table(9).to_parquet();
    spoil(&mut bytes);
    scratch.write(format!("in/{name}"), bytes);
    name
}

fn bad_text(scratch: &Scratch, name: &'static str, bytes: impl AsRef<[u8]>) -> &'static str {
    text_files(scratch);
    scratch.write(format!("in/{name}"), bytes);
    name
}

/// Makes the page that holds `marker` unreadable: its header comes right before.
fn spoil_page_of(bytes: &mut [u8], marker: &[u8]) {
    let at = bytes
        .windows(marker.len())
        .position(|window| window == marker)
        .expect("the marker");
    bytes[at - 30..at].fill(0xff);
}

const BAD: &[Make] = &[
    |s| bad_parquet(s, "1.parquet", |bytes| bytes.truncate(bytes.len() - 20)),
    |s| bad_parquet(s, "9.parquet", |bytes| bytes.truncate(3)),
    |s| bad_parquet(s, "1.parquet", |bytes| *bytes = b"x,name\n1,a\n".to_vec()),
    // The first of all: it would set the schema.
    |s| bad_parquet(s, "-.parquet", |bytes| bytes.truncate(bytes.len() / 2)),
    // Pages are met by pass 2 if they are a feature's, by pass 3 if they aren't.
    |s| bad_parquet(s, "1.parquet", |bytes| bytes[4..24].fill(0xff)),
    |s| bad_parquet(s, "3.parquet", |bytes| spoil_page_of(bytes, b"row 0")),
    |s| bad_text(s, "1.csv", "x,name\n1,\"open\n2,b\n"),
    |s| bad_text(s, "1.csv", "x,name\n1,a\n2\n"),
    |s| bad_text(s, "9.csv", b"x,name\n1,a\n2,\xff\xfe\n"),
    |s| bad_text(s, "-.csv", b"\xff\xfex\0,\0n\0"),
    |s| bad_text(s, "3.csv.gz", &gzip("x,name\n1,a\n2,b\n")[..12]),
    |s| bad_text(s, "3.csv.zst", "no such thing"),
];

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("compress");
    encoder.finish().expect("compress")
}

const SKIP: [&str; 8] = [
    "stream",
    "--in",
    "in",
    "--out",
    "out",
    "--quiet",
    "--on-bad-file",
    "skip",
];

/// Files with their bytes, without those that speak of the bad file.
fn data_of(scratch: &Scratch, out: &str) -> BTreeMap<String, Vec<u8>> {
    let mut files = scratch.bytes_of(out);
    for name in ["manifest.json", "report.json", "report.html"] {
        files.remove(name);
    }
    files
}

fn bad_files(scratch: &Scratch) -> Vec<String> {
    let manifest = scratch.output("out").json("manifest.json");
    let bad = manifest["bad_files"].as_array().expect("an array");
    let names = bad.iter().filter_map(|file| file["path"].as_str());
    names.map(str::to_owned).collect()
}

#[test]
fn the_result_without_bad_files_is_that_of_a_run_which_never_saw_them() {
    let mut reasons = String::new();
    for make in BAD {
        let scratch = Scratch::new();
        let name = make(&scratch);
        let error = scratch.prep(&SKIP[..6]).fails_with(3);
        assert!(error.contains(name), "{error}");
        // Some have a better hint of their own.
        assert!(error.contains("  hint: "), "{error}");
        assert!(!scratch.path("out").exists());

        let run = scratch.prep(&SKIP);
        assert_eq!(run.code, Some(7), "{}", run.describe());
        assert_eq!(run.stderr, "", "{}", run.describe());
        assert_eq!(bad_files(&scratch), [name]);
        let manifest = scratch.output("out").json("manifest.json");
        let reason = manifest["bad_files"][0]["reason"]
            .as_str()
            .unwrap_or_default();
        reasons += &format!("{name}: {reason}\n");
        assert!(!scratch.path(".out.prep").exists());

        fs::remove_file(scratch.path(format!("in/{name}"))).expect("remove");
        scratch.stream_to("reference", "in", &[]);
        assert!(
            data_of(&scratch, "out") == data_of(&scratch, "reference"),
            "{name}"
        );
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("bad_files", reasons));
}

#[test]
fn many_bad_files_are_all_listed_in_summary_manifest_and_json() {
    let scratch = Scratch::new();
    parquet_files(&scratch);
    for file in 10..19 {
        scratch.write(format!("in/{file}.parquet"), "PAR1 and no more");
    }
    scratch.write("in/\x1b[31m.parquet", "PAR1 and no more");
    let run = scratch.prep(&[
        "stream",
        "--in",
        "in",
        "--out",
        "out",
        "--on-bad-file",
        "skip",
    ]);
    assert_eq!(run.code, Some(7), "{}", run.describe());
    assert_eq!(bad_files(&scratch).len(), 10);
    assert_eq!(run.stdout.matches("left out ").count(), 6, "{}", run.stdout);
    assert!(
        run.stdout
            .contains("... and 4 more; manifest.json lists all"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'));

    let plan = scratch.prep(&[
        "plan",
        "--in",
        "in",
        "--out",
        "new",
        "--on-bad-file",
        "skip",
    ]);
    assert_eq!(plan.code, Some(0), "{}", plan.describe());
    assert!(
        plan.stdout.contains("would leave out 10.parquet"),
        "{}",
        plan.stdout
    );

    let json = scratch.prep(&[
        "stream",
        "--in",
        "in",
        "--out",
        "new",
        "--on-bad-file",
        "skip",
        "--log-format",
        "json",
    ]);
    let line = json.stdout.lines().last().unwrap_or_default();
    let report: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(report["inputs"]["bad"].as_array().map(Vec::len), Some(10));
}

#[test]
fn an_unchanged_output_with_bad_files_beside_it_says_so_by_its_code_too() {
    let scratch = Scratch::new();
    let make = BAD[4];
    make(&scratch);
    let arguments = [&SKIP, &["--if-changed"][..]].concat();
    assert_eq!(scratch.prep(&arguments).code, Some(7));
    let before = fs::read(scratch.path("out/run.json")).expect("run.json");
    let run = scratch.prep(&arguments);
    assert_eq!(run.code, Some(7), "{}", run.describe());
    assert!(fs::read(scratch.path("out/run.json")).expect("run.json") == before);
}

#[test]
fn with_bad_files_alone_there_is_nothing_to_do() {
    let scratch = Scratch::new();
    for file in 0..3 {
        scratch.write(format!("in/{file}.parquet"), "PAR1 and no more");
    }
    let message = scratch.prep(&SKIP).fails_with(3);
    assert!(message.contains("no other file is left"), "{message}");
    assert!(!scratch.path("out").exists());
    assert!(!scratch.path(".out.prep").exists());
}

#[test]
fn what_is_wrong_with_values_or_schemas_is_no_bad_file() {
    for (other, expected) in [
        (Column::text("x", ["a"]), "column \"x\" is string here"),
        (Column::doubles("y", [1.0]), "column \"x\" is missing"),
        (Column::doubles("x", [f64::INFINITY]), "1 infinite values"),
    ] {
        let scratch = Scratch::new();
        scratch.parquet(
            "in/a.parquet",
            &Table::new([Column::doubles("x", [1.0, 2.0])]),
        );
        scratch.parquet("in/b.parquet", &Table::new([other]));
        let message = scratch.prep(&SKIP).fails_with(3);
        assert!(message.contains(expected), "{message}");
    }
}
