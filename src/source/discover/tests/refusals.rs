//! Inputs that are refused, and the messages.

use super::*;

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
