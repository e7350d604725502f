//! Tests of discovery: which files are found, under which relative paths.

mod changes;
mod refusals;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;

/// A directory with files of ten bytes each; names that end in `/` are directories.
fn tree(names: &[&str]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for name in names {
        put(&directory.path().join(name));
    }
    directory
}

fn put(path: &Path) {
    if path.as_os_str().as_bytes().ends_with(b"/") {
        fs::create_dir_all(path).unwrap();
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, b"0123456789").unwrap();
}

fn spec<P: AsRef<Path>>(directory: &TempDir, paths: &[P]) -> InputSpec {
    let paths = paths.iter().map(|path| directory.path().join(path));
    InputSpec::new(paths.collect())
}

fn find(spec: &InputSpec) -> Result<Discovery> {
    discover(spec, Path::new("/nowhere/out"))
}

fn relatives(discovery: &Discovery) -> Vec<String> {
    let names = discovery
        .files
        .iter()
        .map(|file| select::escape_bytes(&file.relative));
    names.collect()
}

/// The message, with the test's directory left out.
fn message(directory: &TempDir, result: Result<Discovery>) -> String {
    let text = result.unwrap_err().to_string();
    text.replace(&format!("{}/", directory.path().display()), "")
        .replace(&directory.path().display().to_string(), ".")
}

#[test]
fn a_directory_is_read_recursively_and_sorted_by_bytes() {
    let directory = tree(&[
        "b/x.csv",
        "a.csv",
        "b.csv",
        "B.csv",
        "b/a/y.tsv.gz",
        "empty/",
    ]);
    let found = find(&spec(&directory, &[""])).unwrap();
    assert_eq!(
        relatives(&found),
        ["B.csv", "a.csv", "b.csv", "b/a/y.tsv.gz", "b/x.csv"]
    );
    assert_eq!(found.format, Format::Csv);
    assert_eq!(found.skipped, BTreeMap::new());
    let tsv = &found.files[3];
    assert_eq!((tsv.codec, tsv.bytes), (Codec::Gzip, 10));
    assert!(tsv.is_tab_separated() && !found.files[4].is_tab_separated());
}

#[test]
fn what_holds_no_data_is_skipped_and_counted() {
    let directory = tree(&[
        "a.parquet",
        "_SUCCESS",
        "_metadata",
        "_common_metadata",
        "_temporary/0/b.parquet",
        ".git/b.parquet",
        ".b.parquet",
        ".a.parquet.crc",
        "a.parquet.crc",
        "b.parquet.part",
        "c.parquet.6eF5bC3A",
        "readme.md",
    ]);
    File::create(directory.path().join("empty.parquet")).unwrap();
    symlink("a.parquet", directory.path().join("link.parquet")).unwrap();
    symlink("gone", directory.path().join("broken.parquet")).unwrap();
    symlink(".git", directory.path().join("folder")).unwrap();
    symlink("/proc/version", directory.path().join("outside.parquet")).unwrap();
    symlink("loop.parquet", directory.path().join("loop.parquet")).unwrap();
    let found = find(&spec(&directory, &[""])).unwrap();
    assert_eq!(relatives(&found), ["a.parquet"]);
    let expected = BTreeMap::from([
        (SkipReason::DotEntry, 2),
        (SkipReason::Metadata, 2),
        (SkipReason::SuccessMarker, 1),
        (SkipReason::Underscore, 1),
        (SkipReason::Checksum, 2),
        (SkipReason::Leftover, 2),
        (SkipReason::Empty, 1),
        (SkipReason::UnknownExtension, 1),
        (SkipReason::LinkToDirectory, 1),
        (SkipReason::LinkOutside, 1),
        (SkipReason::LinkBroken, 2),
        (SkipReason::Duplicate, 1),
    ]);
    assert_eq!(found.skipped, expected);
}

#[test]
fn a_link_within_the_input_keeps_its_own_name_if_its_target_is_not_read() {
    let directory = tree(&["..data/a.csv"]);
    symlink("..data/a.csv", directory.path().join("a.csv")).unwrap();
    assert_eq!(
        relatives(&find(&spec(&directory, &[""])).unwrap()),
        ["a.csv"]
    );
}

#[test]
fn relative_paths_count_from_the_root_of_each_argument() {
    let directory = tree(&["d/e/a.csv", "d/f/b.csv"]);
    for (argument, expected) in [
        ("d", &["e/a.csv", "f/b.csv"][..]),
        ("d/", &["e/a.csv", "f/b.csv"]),
        ("d/e", &["a.csv"]),
        ("d/e/a.csv", &["a.csv"]),
        ("d/*/a.csv", &["e/a.csv"]),
        ("d/**/*.csv", &["e/a.csv", "f/b.csv"]),
        ("d/*", &["e/a.csv", "f/b.csv"]),
        ("*", &["d/e/a.csv", "d/f/b.csv"]),
        ("d/[!e]/?.csv", &["f/b.csv"]),
    ] {
        let mut spec = spec(&directory, &[argument]);
        assert_eq!(relatives(&find(&spec).unwrap()), expected, "{argument}");
        spec.root = Some(directory.path().join("d"));
        if argument != "*" {
            let below: Vec<String> = relatives(&find(&spec).unwrap());
            assert!(
                below.iter().all(|path| path.starts_with(['e', 'f'])),
                "{argument} {below:?}"
            );
        }
    }
}

#[test]
fn overlapping_arguments_read_a_file_once_in_any_order() {
    let directory = tree(&["d/e/a.csv", "d/b.csv"]);
    for paths in [
        ["d", "d/e"],
        ["d/e", "d"],
        ["d/e/../e/a.csv", "d"],
        ["d/*", "d/e/a.csv"],
    ] {
        let found = find(&spec(&directory, &paths)).unwrap();
        assert_eq!(relatives(&found), ["b.csv", "e/a.csv"], "{paths:?}");
        assert_eq!(found.skipped, BTreeMap::from([(SkipReason::Duplicate, 1)]));
    }
}

#[test]
fn a_named_file_needs_no_extension() {
    let directory = tree(&[
        "lineitem.tbl",
        "d/x.dat",
        ".hidden.csv",
        "_SUCCESS",
        "x.csv",
    ]);
    let mut explicit = spec(&directory, &["lineitem.tbl"]);
    assert_eq!(find(&explicit).unwrap().format, Format::Csv);
    explicit.format = Some(Format::Csv);
    assert_eq!(relatives(&find(&explicit).unwrap()), ["lineitem.tbl"]);
    fs::write(directory.path().join("lineitem.tbl"), b"PAR1....PAR1").unwrap();
    explicit.format = None;
    assert_eq!(find(&explicit).unwrap().format, Format::Parquet);
    let shell = spec(&directory, &["_SUCCESS", ".hidden.csv", "x.csv"]);
    assert_eq!(relatives(&find(&shell).unwrap()), [".hidden.csv", "x.csv"]);
    let glob = InputSpec {
        format: Some(Format::Csv),
        ..spec(&directory, &["d/*.dat"])
    };
    assert_eq!(relatives(&find(&glob).unwrap()), ["x.dat"]);
}

#[test]
fn any_name_is_read_and_printed_escaped() {
    let directory = tree(&[]);
    let names: [&[u8]; 4] = [b"a\nb.csv", b"\xff\xfe.csv", b"e\x1b[31m.csv", &[b'x'; 251]];
    let mut long = names[3].to_vec();
    long.extend_from_slice(b".csv");
    for name in [names[0], names[1], names[2], &long] {
        put(&directory.path().join(OsStr::from_bytes(name)));
    }
    for argument in ["", "*.csv", "*"] {
        let found = find(&spec(&directory, &[argument])).unwrap();
        let printed = relatives(&found);
        assert_eq!(
            printed[..2],
            ["a\\nb.csv", "e\\u{1b}[31m.csv"],
            "{argument}"
        );
        assert_eq!(printed[2].len(), 255);
        assert_eq!(printed[3], "\\xff\\xfe.csv");
        assert_eq!(found.files[3].relative, b"\xff\xfe.csv");
    }
}
