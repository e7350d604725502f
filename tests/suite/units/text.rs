//! Text: parsed by the process that plans, read as columns by all others.

use std::fmt::Write;
use std::fs;

use rustix::process::Signal;

use super::{commit, is_same, is_same_isolated, plan, unit, units_twice};
use crate::harness::{Scratch, files_below};

/// Small files, 128 of which make a unit.
const FILES: u64 = 200;
/// More than the rows of a unit.
const ROWS: u64 = 1_300_000;

/// A line of four columns: floats with gaps, integers, text in the last file only, and a key.
fn line(text: &mut String, row: u64, code: &str) {
    let side = row % 5;
    match row % 11 {
        0 => writeln!(text, ",{row},{code},{side}"),
        more => writeln!(text, "{}.5,{},{code},{side}", row % 97, row * 7 % 13 + more),
    }
    .expect("a line");
}

fn file(rows: u64, code: impl Fn(u64) -> String) -> String {
    let mut text = "x,user,code,side\n".to_owned();
    (0..rows).for_each(|row| line(&mut text, row, &code(row)));
    text
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, text.as_bytes()).expect("compress");
    encoder.finish().expect("compress")
}

/// Small files in folders, some of them compressed; the last has text where the others have integers.
fn make_small(scratch: &Scratch) {
    for number in 0..FILES {
        let text = match number {
            199 => file(20, |row| format!("{row:04}a")),
            _ => file(20, |row| row.to_string()),
        };
        let path = format!("in/day={}/{number:03}.csv", number / 50);
        match number % 7 {
            3 => scratch.write(path + ".gz", gzip(&text)),
            _ => scratch.write(path, text),
        };
    }
    // Nothing but a header.
    scratch.write("in/day=1/empty.csv", "x,user,code,side\n");
}

fn units_of(scratch: &Scratch, out: &str, file: &str, flags: &[&str], units: u64) {
    assert_eq!(plan(scratch, out, file, flags), units);
    units_twice(scratch, file, units);
    commit(scratch, file);
}

#[test]
fn units_of_text_give_the_bytes_of_stream_for_every_kind_of_split() {
    let scratch = Scratch::new();
    make_small(&scratch);
    let settings: [&[&str]; 7] = [
        &[],
        &["--val-size", "0.1", "--split-by", "content", "--no-hive"],
        &["--split-by", "group:user,code", "--sample", "0.5"],
        &["--split-by", "time:user", "--cutoff", "5"],
        &["--folds", "3", "--weights", "user"],
        &["--stratify", "side", "--test-size", "1001"],
        &["--folds", "4", "--stratify", "side"],
    ];
    for (number, flags) in settings.iter().enumerate() {
        let [reference, out, file] =
            ["reference", "out", "plan"].map(|name| format!("{name}-{number}"));
        scratch.stream_to(&reference, "in", flags);
        units_of(&scratch, &out, &file, flags, 2);
        is_same(&scratch, &out, &scratch.bytes_of(&reference));
        scratch.prep(&["verify", &out, "--in", "in"]).succeeds();
        let isolated = format!("isolated-{number}");
        is_same_isolated(&scratch, ("in", &isolated), flags, &reference);
    }
}

#[test]
fn a_unit_may_begin_in_the_middle_of_a_file_of_text() {
    let scratch = Scratch::new();
    let code = |row: u64| match row + 1 == ROWS {
        true => "last".to_owned(),
        false => row.to_string(),
    };
    let text = file(ROWS, code);
    scratch.write("in/a.csv", &text);
    scratch.write("in/b.csv.gz", gzip(&text));
    let flags = ["--stratify", "side", "--sample", "0.9"];
    scratch.stream_to("reference", "in", &flags);
    // A plan that was stopped goes on with what it had parsed.
    let line = ["plan", "--in", "in", "--out", "out", "--plan", "plan.json"];
    let mut run = scratch.start(&[&line[..], &["--threads", "1"], &flags].concat());
    let parsed = scratch.path(".out.prep/partials/text-0000000.json");
    run.wait_until(|| parsed.exists());
    run.signal(Signal::KILL);
    run.finish();
    assert!(!scratch.path("plan.json").exists());
    let written = || {
        let metadata = fs::metadata(&parsed).and_then(|file| file.modified());
        metadata.expect("a time")
    };
    let before = written();
    assert_eq!(plan(&scratch, "out", "plan.json", &flags), 3);
    assert_eq!(written(), before);
    units_of(&scratch, "out", "plan.json", &flags, 3);
    is_same(&scratch, "out", &scratch.bytes_of("reference"));
    // Several files of the cache are read for a unit, and one by two.
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}

#[test]
fn units_of_text_need_the_cache_alone_and_the_commit_the_inputs() {
    let scratch = Scratch::new();
    make_small(&scratch);
    scratch.stream_to("reference", "in", &[]);
    fs::create_dir(scratch.path("lake")).expect("a directory");
    let line = [
        "plan",
        "--in",
        "in",
        "--out",
        "lake/out",
        "--plan",
        "plan.json",
        "--quiet",
    ];
    scratch.prep(&line).succeeds();
    // Planning is what takes text up: once more, it is all there.
    scratch.prep(&line).succeeds();
    fs::rename(scratch.path("lake"), scratch.path("elsewhere")).expect("move the work");
    fs::rename(scratch.path("in"), scratch.path("aside")).expect("move the input");
    let map = format!(
        "{}={}",
        scratch.path("lake").display(),
        scratch.path("elsewhere").display()
    );
    let at = |line: &[&str]| {
        scratch.prep(&[line, &["--plan", "plan.json", "--map-root", &map]].concat())
    };
    for pass in ["split", "fit"] {
        at(&["unit", pass, "--unit", "0..2"]).succeeds();
    }
    // A file of the cache that changed, one that is shorter, one that is gone.
    let cache = files_below(&scratch.path("elsewhere/.out.prep/cache"));
    let first = cache
        .iter()
        .find(|path| path.ends_with("text-0000150-0000.parquet"));
    let first = first.or_else(|| {
        cache
            .iter()
            .find(|path| path.ends_with("again-0000150-0000.parquet"))
    });
    let first = first.expect("a file of the cache");
    let whole = fs::read(first).expect("a file of the cache");
    let refused = |unit: &str| {
        let error = at(&["unit", "write", "--unit", unit]).fails_with(4);
        for part in ["0000150", "make the plan again"] {
            assert!(error.contains(part), "{error}");
        }
    };
    let mut changed = whole.clone();
    changed[20] ^= 1;
    for bytes in [&changed[..], &whole[..100]] {
        fs::write(first, bytes).expect("damage a file");
        refused("1");
    }
    fs::remove_file(first).expect("remove a file");
    refused("0..2");
    at(&["unit", "write", "--unit", "0"]).succeeds();
    fs::write(first, &whole).expect("mend a file");
    at(&["unit", "write", "--unit", "1"]).succeeds();
    at(&["commit"]).fails_with(3);
    fs::rename(scratch.path("aside"), scratch.path("in")).expect("move the input");
    at(&["commit"]).succeeds();
    // A plan of what is there already is one of nothing to do.
    fs::rename(scratch.path("elsewhere"), scratch.path("lake")).expect("move the output");
    scratch
        .prep(&[&line[..], &["--if-changed", "--overwrite"]].concat())
        .succeeds();
    for pass in ["split", "fit", "write"] {
        unit(&scratch, "plan.json", pass, "0");
    }
    commit(&scratch, "plan.json");
    fs::rename(scratch.path("lake"), scratch.path("elsewhere")).expect("move the output");
    assert!(scratch.bytes_of("elsewhere/out") == scratch.bytes_of("reference"));
}

#[test]
fn errors_in_text_name_its_file_and_its_rows_and_a_plan_that_was_made_is_gone_on_with() {
    let scratch = Scratch::new();
    make_small(&scratch);
    let mut text = file(20, |row| row.to_string());
    text.push_str("inf,1,2,3\n");
    scratch.write("in/day=3/180.csv", &text);
    let stream = ["stream", "--in", "in", "--out", "reference", "--quiet"];
    let wanted = scratch.prep(&stream).fails_with(3);
    assert!(wanted.contains("180.csv: row 21"), "{wanted}");
    assert_eq!(plan(&scratch, "reference", "plan.json", &[]), 2);
    for pass in ["split", "fit"] {
        unit(&scratch, "plan.json", pass, "0..2");
    }
    let line = [
        "unit",
        "write",
        "--plan",
        "plan.json",
        "--unit",
        "0",
        "--quiet",
    ];
    let error = scratch.prep(&line).fails_with(3);
    let root = format!("{}/", scratch.path("").display()).replace("//", "/");
    assert_eq!(error.replace(&root, ""), wanted);

    // Malformed text is an error of the plan, which leaves nothing.
    scratch.write("in/day=3/180.csv", "x,user,code,side\n1,2\n");
    let line = ["plan", "--in", "in", "--out", "out", "--plan", "other.json"];
    let error = scratch.prep(&line).fails_with(3);
    assert!(error.contains("180.csv"), "{error}");
    assert!(!scratch.path("other.json").exists() && !scratch.path(".out.prep").exists());

    // What planning has parsed, stream takes up.
    make_small(&scratch);
    scratch.stream_to("again", "in", &[]);
    plan(&scratch, "out", "plan.json", &[]);
    unit(&scratch, "plan.json", "split", "0..2");
    let run = scratch
        .prep(&["stream", "--in", "in", "--out", "out"])
        .succeeds();
    assert!(run.stdout.contains("finished pieces"), "{}", run.stdout);
    is_same(&scratch, "out", &scratch.bytes_of("again"));
}
