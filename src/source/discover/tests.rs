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
use crate::spec::Dialect;

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
    InputSpec {
        paths: paths
            .iter()
            .map(|path| directory.path().join(path))
            .collect(),
        root: None,
        format: None,
        dialect: Dialect::default(),
        hive: true,
        settle: None,
    }
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
fn one_relative_path_under_two_roots_is_an_error_that_a_root_resolves() {
    let directory = tree(&["x/a.csv", "y/a.csv"]);
    let mut spec = spec(&directory, &["x", "y"]);
    assert_eq!(
        message(&directory, find(&spec)),
        "two input files have the relative path \"a.csv\": \"x/a.csv\" and \"y/a.csv\"\n  \
         hint: give a directory that holds both as --root"
    );
    spec.root = Some(directory.path().to_path_buf());
    assert_eq!(relatives(&find(&spec).unwrap()), ["x/a.csv", "y/a.csv"]);
    spec.root = Some(directory.path().join("x"));
    assert_eq!(
        message(&directory, find(&spec)),
        "not below --root \"x\"\n  --> y\n  hint: give a --root that holds every --in"
    );
}

#[test]
fn mixed_formats_need_a_choice() {
    let directory = tree(&["a.parquet", "b.csv", "c.parquet"]);
    let mut spec = spec(&directory, &[""]);
    assert_eq!(
        message(&directory, find(&spec)),
        "Parquet and CSV mixed: \"a.parquet\" and \"b.csv\"\n  \
         hint: choose one with --format parquet or --format csv"
    );
    spec.format = Some(Format::Parquet);
    let found = find(&spec).unwrap();
    assert_eq!(relatives(&found), ["a.parquet", "c.parquet"]);
    assert_eq!(
        found.skipped,
        BTreeMap::from([(SkipReason::OtherFormat, 1)])
    );
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
    assert_eq!(
        message(&directory, find(&explicit)),
        "cannot tell the format: the name ends in no known extension\n  --> lineitem.tbl\n  \
         hint: say which with --format parquet or --format csv"
    );
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
fn what_is_not_there_is_an_error_with_a_hint() {
    let directory = tree(&["d/readme.md", "d/.x.csv"]);
    symlink("gone", directory.path().join("broken")).unwrap();
    for (argument, expected) in [
        (
            "none.csv",
            "no such file or directory\n  --> none.csv\n  \
             hint: check --in; relative paths count from the current directory",
        ),
        (
            "broken",
            "no such file or directory\n  --> broken\n  hint: it is a symbolic link to nothing",
        ),
        (
            "d/*.csv.gz",
            "the pattern matches nothing\n  --> d/*.csv.gz\n  \
             hint: quote the pattern and check --in",
        ),
        (
            "none/*.csv",
            "the pattern matches nothing\n  --> none/*.csv\n  \
             hint: there is no directory \"none\"",
        ),
        (
            "d",
            "no input files found among 2 entries\n  \
             hint: skipped: 1 dot entries, 1 unknown extensions",
        ),
    ] {
        let spec = spec(&directory, &[argument]);
        assert_eq!(message(&directory, find(&spec)), expected);
    }
    let pipe = InputSpec {
        paths: vec![PathBuf::from("/dev/null")],
        ..spec(&directory, &["d"])
    };
    assert_eq!(
        find(&pipe).unwrap_err().to_string(),
        "neither a file nor a directory\n  --> /dev/null"
    );
}

#[test]
fn a_young_file_is_refused() {
    let directory = tree(&["a.csv"]);
    let file = File::options()
        .append(true)
        .open(directory.path().join("a.csv"))
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(10))
        .unwrap();
    let mut spec = spec(&directory, &[""]);
    spec.settle = Some(Duration::from_secs(3600));
    let text = message(&directory, find(&spec));
    assert!(text.starts_with("modified 1"), "{text}");
    assert!(
        text.contains("s ago, --settle asks for 1h\n  --> a.csv\n"),
        "{text}"
    );
    spec.settle = Some(Duration::from_secs(5));
    find(&spec).unwrap();
}

#[test]
fn folders_must_have_the_same_keys() {
    let directory = tree(&[
        "y=1/m=a%20b/a.csv",
        "y=__HIVE_DEFAULT_PARTITION__/m=2/a.csv",
    ]);
    let hive = spec(&directory, &[""]);
    let found = find(&hive).unwrap();
    let pair = |key: &str, value: Option<&str>| (key.to_owned(), value.map(str::to_owned));
    assert_eq!(
        found.files[0].hive,
        [pair("y", Some("1")), pair("m", Some("a b"))]
    );
    assert_eq!(found.files[1].hive, [pair("y", None), pair("m", Some("2"))]);
    put(&directory.path().join("z.csv"));
    assert_eq!(
        message(&directory, find(&hive)),
        "folders give different columns: \"y=1/m=a%20b/a.csv\" has y, m, \"z.csv\" has none\n  \
         hint: leave the folders out of the columns with --no-hive, or give one level as --in"
    );
    let flat = InputSpec {
        hive: false,
        ..hive
    };
    assert!(
        find(&flat)
            .unwrap()
            .files
            .iter()
            .all(|file| file.hive.is_empty())
    );
}

#[test]
fn input_and_output_must_not_overlap() {
    let directory = tree(&["d/a.csv", "d/out/train/x.csv", "e/a.csv", ".new.prep/a.csv"]);
    let hint = "hint: choose an --out outside every --in";
    for (argument, out, expected) in [
        ("d", "d", Some("the output is the input \"d\"\n  --> d")),
        (
            "d",
            "d/new",
            Some("the output lies inside the input \"d\"\n  --> d/new"),
        ),
        (
            "d",
            "d/../d/new/",
            Some("the output lies inside the input \"d\"\n  --> d/../d/new/"),
        ),
        (
            "d/**/*.parquet",
            "d/new",
            Some("the output lies inside the input \"d/**/*.parquet\"\n  --> d/new"),
        ),
        (
            "d/*",
            "d/new",
            Some("the output lies inside the input \"d/*\"\n  --> d/new"),
        ),
        (
            "d/out/train/x.csv",
            "d/out",
            Some("the output holds the input \"d/out/train/x.csv\"\n  --> d/out"),
        ),
        (
            "d/a.csv",
            "d/a.csv",
            Some("the output holds the input \"d/a.csv\"\n  --> d/a.csv"),
        ),
        (
            ".new.prep/a.csv",
            "new",
            Some(
                "the output is made in a directory that holds the input \".new.prep/a.csv\"\n  --> new",
            ),
        ),
        ("d/*.csv", "d/new", None),
        ("d/a.csv", "d/new", None),
        ("e", "new", None),
    ] {
        let spec = spec(&directory, &[argument]);
        let result = discover(&spec, &directory.path().join(out));
        match expected {
            Some(expected) => {
                assert_eq!(message(&directory, result), format!("{expected}\n  {hint}"));
            }
            None => assert!(result.is_ok(), "{argument} {out}"),
        }
    }
    symlink("d", directory.path().join("link")).unwrap();
    let spec = spec(&directory, &["d"]);
    assert_eq!(
        discover(&spec, &directory.path().join("link/new"))
            .unwrap_err()
            .exit_code(),
        4
    );
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

#[test]
fn a_changed_file_is_found() {
    let directory = tree(&["a.csv"]);
    let path = directory.path().join("a.csv");
    let found = find(&spec(&directory, &[""])).unwrap();
    let file = &found.files[0];
    let before = fingerprint(file).unwrap();
    unchanged(file, &before).unwrap();
    let check = || message(&directory, unchanged(file, &before).map(|()| found.clone()));

    fs::write(&path, b"0123456780").unwrap();
    assert!(check().starts_with("the file changed during the run: its modification time was 2"));
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(file.modified)
        .unwrap();
    assert!(check().starts_with("the file changed during the run: its content digest was "));
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"1")
        .unwrap();
    assert_eq!(
        check(),
        "the file changed during the run: its size was 10 bytes and is now 11 bytes\n  \
         --> a.csv\n  \
         hint: run again once nothing writes the input any more; --settle 60s waits for that"
    );
    assert_eq!(fingerprint(file).unwrap_err().exit_code(), 3);
    fs::remove_file(&path).unwrap();
    assert!(check().starts_with("cannot open the file: No such file"));
}

#[test]
fn the_fingerprint_of_parquet_is_its_footer() {
    let directory = tree(&["a.parquet", "b.parquet", "c.parquet", "d.parquet"]);
    let put = |name: &str, parts: &[&[u8]]| {
        fs::write(directory.path().join(name), parts.concat()).unwrap();
    };
    let data = vec![7; 50_000];
    let other = vec![8; 50_000];
    let footer = vec![1; 20_000];
    let length = 20_000_u32.to_le_bytes();
    let senseless = u32::MAX.to_le_bytes();
    put("a.parquet", &[b"PAR1", &data, &footer, &length, b"PAR1"]);
    put("b.parquet", &[b"PAR1", &other, &footer, &length, b"PAR1"]);
    put(
        "c.parquet",
        &[b"PAR1", &data, &footer[1..], b"\0", &length, b"PAR1"],
    );
    put("d.parquet", &[b"PAR1", &data, &footer, &senseless, b"PAR1"]);
    let found = find(&spec(&directory, &[""])).unwrap();
    let digests: Vec<u128> = found
        .files
        .iter()
        .map(|file| fingerprint(file).unwrap().digest)
        .collect();
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
    assert_ne!(digests[0], digests[3]);
}
