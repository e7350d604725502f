//! Files that change while they are read: a clear error, never mixed statistics; and files that
//! arrive meanwhile, or are still on their way.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use prep_stream::engine::{Cancel, Event, Pass, Silent};
use prep_stream::error::{Error, ErrorKind, InputError, TextError};
use prep_stream::job::{Outcome, stream};
use prep_stream::spec::SplitBy;

use crate::harness::{At, Column, Scratch, Table, normals, spec};

/// What happens to one file.
type Change = fn(&Path);

/// A value of the middle file that is changed in place.
const VALUE: f64 = 1234.5;

fn parquet_files(scratch: &Scratch) -> PathBuf {
    for file in 0..3 {
        let mut x: Vec<f64> = normals(file).take(500).collect();
        x[250] = VALUE;
        let table = Table::new([
            Column::doubles("x", x),
            Column::longs("side", (0..500).map(|row| i64::from(row % 5 == 0))),
            Column::text("name", (0..500).map(|row| format!("{row}"))),
        ]);
        scratch.parquet(format!("in/{file}.parquet"), &table.uncompressed());
    }
    scratch.path("in/1.parquet")
}

/// `code` turns out to be text in the last file, so the others are read again.
fn text_files(scratch: &Scratch) -> PathBuf {
    for file in 0..3 {
        let code = if file == 2 { "none" } else { "007" };
        let mut x: Vec<f64> = normals(file).take(500).collect();
        // Behind the 4 KiB at the start that its fingerprint counts.
        x[250] = VALUE;
        let lines: String = x.iter().map(|x| format!("{x},{code}\n")).collect();
        scratch.write(format!("in/{file}.csv"), format!("x,code\n{lines}"));
    }
    scratch.path("in/1.csv")
}

fn truncate(path: &Path) {
    let file = File::options().write(true).open(path).expect("open");
    let bytes = file.metadata().expect("metadata").len();
    file.set_len(bytes / 2).expect("truncate");
}

fn grow(path: &Path) {
    let mut file = File::options().append(true).open(path).expect("open");
    file.write_all(b"7,8\n").expect("append");
}

fn delete(path: &Path) {
    fs::remove_file(path).expect("remove");
}

/// Another file of the same size in its place.
fn replace(path: &Path) {
    let other = path.with_extension("other");
    fs::write(&other, flipped(path)).expect("write");
    fs::rename(&other, path).expect("rename");
}

/// The same file with another value, its size and times as they were.
fn rewrite_in_place(path: &Path) {
    let bytes = flipped(path);
    let modified = fs::metadata(path).and_then(|found| found.modified());
    let mut file = File::options().write(true).open(path).expect("open");
    file.write_all(&bytes).expect("write");
    file.set_modified(modified.expect("a time"))
        .expect("set the time");
}

/// The bytes of a file with [`VALUE`] changed.
fn flipped(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).expect("read");
    let (old, new) = match path.extension().is_some_and(|extension| extension == "csv") {
        true => (b"1234.5".to_vec(), b"4321.5".to_vec()),
        false => (
            VALUE.to_le_bytes().to_vec(),
            (-VALUE).to_le_bytes().to_vec(),
        ),
    };
    let at = bytes
        .windows(old.len())
        .position(|window| window == old)
        .expect("the value");
    bytes[at..at + old.len()].copy_from_slice(&new);
    bytes
}

/// Runs the job and changes `path` at the event that `is_now`.
fn changed_run(
    scratch: &Scratch,
    by: &SplitBy,
    path: &Path,
    change: Change,
    is_now: impl Fn(&Event) -> bool + Sync,
) -> Result<Outcome, Error> {
    let observer = At(|event: &Event| {
        if is_now(event) {
            change(path);
        }
    });
    let mut spec = spec(scratch, "out", by);
    spec.resources.threads = 1;
    stream(&spec, &Cancel::default(), &observer)
}

fn after(pass: Pass) -> impl Fn(&Event) -> bool + Sync {
    move |event| matches!(event, Event::Finished { pass: finished, .. } if *finished == pass)
}

/// A clear error that names the file, and nothing left behind.
#[track_caller]
fn is_found(scratch: &Scratch, path: &Path, outcome: Result<Outcome, Error>) -> Error {
    let error = outcome.expect_err("a changed file is found");
    let is_clear = matches!(
        error.kind(),
        ErrorKind::Input(InputError::Changed { .. } | InputError::Io { .. })
            | ErrorKind::Text(TextError::FileChanged { .. })
    );
    assert!(is_clear, "{error}");
    assert_eq!(error.exit_code(), 3);
    let place = error.place().expect("a place").file();
    assert_eq!(place, path, "{error}");
    assert!(!scratch.path("out").exists());
    error
}

#[test]
fn a_file_that_changes_between_any_two_passes_stops_the_run() {
    for (make, by) in [
        (parquet_files as fn(&Scratch) -> PathBuf, SplitBy::Row),
        (parquet_files, SplitBy::Column("side".into())),
        (text_files, SplitBy::Row),
    ] {
        for pass in [Pass::Plan, Pass::Split, Pass::Fit, Pass::Write] {
            for change in [truncate, grow, delete, replace] {
                let scratch = Scratch::new();
                let path = make(&scratch);
                let outcome = changed_run(&scratch, &by, &path, change, after(pass));
                is_found(&scratch, &path, outcome);
            }
        }
    }
}

#[test]
fn a_file_rewritten_in_place_with_its_size_and_time_is_found_by_its_content() {
    let by_x = || SplitBy::Group(vec!["x".into()]);
    for (by, pass) in [
        (SplitBy::Row, Pass::Fit),
        (SplitBy::Column("side".into()), Pass::Fit),
        // Keys that pass 1 went by, which pass 2 has no need to read.
        (by_x(), Pass::Split),
        (by_x(), Pass::Fit),
    ] {
        let scratch = Scratch::new();
        let path = parquet_files(&scratch);
        let outcome = changed_run(&scratch, &by, &path, rewrite_in_place, after(pass));
        let error = is_found(&scratch, &path, outcome);
        assert!(error.to_string().contains("content digest"), "{error}");
        // What was begun with the old content is gone: the same command ends well.
        assert!(!scratch.path(".out.prep").exists());
        scratch.stream("in", &[]);
    }
}

#[test]
fn a_row_group_that_is_read_block_by_block_in_pass_3_is_compared_page_by_page() {
    // More rows than a block has: pass 3 passes over pages, and reads the dictionary when it is due.
    const ROWS: usize = (1 << 20) + 5000;
    for distinct in [500, ROWS] {
        let scratch = Scratch::new();
        let path = scratch.path("in/a.parquet");
        let mut x: Vec<f64> = normals(5).take(distinct).collect();
        *x.last_mut().expect("a value") = VALUE;
        let table = Table::new([
            Column::doubles("x", x.iter().copied().cycle().take(ROWS)),
            Column::text("name", (0..ROWS).map(|row| format!("{}", row % 1000))),
        ]);
        scratch.parquet("in/a.parquet", &table.uncompressed());
        scratch.stream_to("reference", "in", &[]);
        let outcome = changed_run(
            &scratch,
            &SplitBy::Row,
            &path,
            rewrite_in_place,
            after(Pass::Fit),
        );
        let error = is_found(&scratch, &path, outcome);
        assert!(error.to_string().contains("content digest"), "{error}");
    }
}

/// Rewrites a text file in place at one of the run's readings, counted from 0.
fn text_rewritten_at(reading: u64) {
    let scratch = Scratch::new();
    let path = text_files(&scratch);
    let readings = AtomicU64::new(0);
    let outcome = changed_run(&scratch, &SplitBy::Row, &path, rewrite_in_place, |event| {
        let is_read =
            matches!(event, Event::Advanced { pass: Pass::Split, bytes, .. } if *bytes > 0);
        is_read && readings.fetch_add(1, Ordering::Relaxed) == reading
    });
    let error = is_found(&scratch, &path, outcome);
    assert!(error.to_string().contains("content digest"), "{error}");
}

#[test]
fn text_rewritten_in_place_between_its_two_readings_is_found_by_its_content() {
    text_rewritten_at(2);
}

#[test]
fn text_rewritten_in_place_between_scan_and_parse_is_found_by_its_content() {
    // All files are scanned before the first one is parsed.
    text_rewritten_at(0);
}

#[test]
fn a_file_rewritten_in_place_between_a_stopped_run_and_the_next_is_found_too() {
    for make in [parquet_files as fn(&Scratch) -> PathBuf, text_files] {
        let scratch = Scratch::new();
        let path = make(&scratch);
        let cancel = Cancel::default();
        let observer = At(|event: &Event| {
            if after(Pass::Fit)(event) {
                cancel.cell().store(15, Ordering::Relaxed);
            }
        });
        let spec = spec(&scratch, "out", &SplitBy::Row);
        stream(&spec, &cancel, &observer).expect_err("stopped");
        assert!(scratch.path(".out.prep/partials/fit-0000000.json").exists());
        rewrite_in_place(&path);
        let outcome = stream(&spec, &Cancel::default(), &Silent);
        let error = is_found(&scratch, &path, outcome);
        assert!(error.to_string().contains("content digest"), "{error}");
        stream(&spec, &Cancel::default(), &Silent).expect("the old work is gone");
    }
}

#[test]
fn a_file_that_shrank_before_a_pass_read_it_is_called_changed_and_not_damaged() {
    let scratch = Scratch::new();
    let path = parquet_files(&scratch);
    let outcome = changed_run(&scratch, &SplitBy::Row, &path, truncate, after(Pass::Plan));
    let error = is_found(&scratch, &path, outcome);
    let text = error.to_string();
    assert!(
        text.starts_with("the file changed during the run: its size was "),
        "{text}"
    );
    assert!(text.contains("--settle"), "{text}");
}

#[test]
fn files_that_arrive_after_the_start_are_ignored_and_listed() {
    let scratch = Scratch::new();
    parquet_files(&scratch);
    scratch.stream_to("reference", "in", &[]);
    let new = Table::new([Column::doubles("other", [1.0])]).to_parquet();
    let arrive = |_: &Path| {
        for name in [
            "in/new.parquet",
            "in/sub/a\nb.parquet",
            "in/.hidden.parquet",
        ] {
            scratch.write(name, &new);
        }
        scratch.write("in/rest.parquet.6eF5dC2a", &new);
    };
    let observer = At(|event: &Event| {
        if after(Pass::Split)(event) {
            arrive(Path::new(""));
        }
    });
    let spec = spec(&scratch, "out", &SplitBy::Row);
    let outcome = stream(&spec, &Cancel::default(), &observer).expect("the run succeeds");
    let Outcome::Written(report) = outcome else {
        panic!("nothing was written");
    };
    assert_eq!(
        report.warnings,
        [concat!(
            "files that arrived after the start were ignored, 2 in all: ",
            "new.parquet, sub/a\\nb.parquet"
        )]
    );
    assert!(scratch.bytes_of("out") == scratch.bytes_of("reference"));
    let run = scratch.output("out").json("run.json");
    assert_eq!(
        run["arrived"],
        serde_json::json!(["new.parquet", "sub/a\nb.parquet"])
    );
    assert_eq!(run["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_a_sync_has_not_finished_is_skipped_and_counted() {
    let scratch = Scratch::new();
    parquet_files(&scratch);
    let leftovers = [
        ("in/.3.parquet.Xk29zQ", "dot entries"),
        ("in/.rsync-partial/3.parquet", "dot entries"),
        ("in/_temporary/0/3.parquet", "underscore entries"),
        ("in/3.parquet.6eF5dC2a", "unfinished copies"),
        ("in/3.parquet.part", "unfinished copies"),
        ("in/3.parquet.partial", "unfinished copies"),
        ("in/3.parquet.crdownload", "unfinished copies"),
        ("in/3.parquet.tmp", "unfinished copies"),
        ("in/3.parquet._COPYING_", "unfinished copies"),
        ("in/3.parquet.crc", "checksum files"),
    ];
    for (name, _) in leftovers {
        scratch.write(name, "half a fi");
    }
    scratch.stream("in", &[]);
    let manifest = scratch.output("out").json("manifest.json");
    for (_, reason) in leftovers {
        let count = leftovers
            .iter()
            .filter(|(_, other)| *other == reason)
            .count();
        assert_eq!(manifest["skipped"][reason], count, "{reason}");
    }
    let total: u64 = manifest["skipped"]
        .as_object()
        .expect("an object")
        .values()
        .filter_map(serde_json::Value::as_u64)
        .sum();
    assert_eq!(total, leftovers.len() as u64);
    assert_eq!(manifest["inputs"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_file_from_the_future_is_read_like_any_other() {
    let scratch = Scratch::new();
    let path = parquet_files(&scratch);
    let far = SystemTime::now() + std::time::Duration::from_secs(40 << 20);
    let file = File::options().write(true).open(path).expect("open");
    file.set_modified(far).expect("set the time");
    scratch.stream("in", &[]);
}
