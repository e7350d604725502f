//! Every kind of bad input, with the whole text of its error pinned in one snapshot per area.
//!
//! Each error: the right exit code, one message, no panic, no output left behind.

use std::fs;

use crate::harness::{Column, Scratch, Table, Values};

/// A name, what to put into the scratch directory, the arguments after `stream`, the exit code.
type Case = (&'static str, fn(&Scratch), &'static str, i32);

/// Runs the cases and compares everything they print.
fn pin(area: &str, cases: &[Case]) {
    let mut text = String::new();
    for (name, prepare, arguments, code) in cases {
        let scratch = Scratch::new();
        prepare(&scratch);
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let run = scratch.prep(&[&["stream", "--quiet"], &arguments[..]].concat());
        let described = run.describe();
        let message = if *code == 2 {
            // Some of these come from the argument parser, in its own form.
            assert_eq!(run.code, Some(2), "{name}: {described}");
            assert!(!run.stderr.contains("panicked"), "{name}: {described}");
            run.stderr
        } else {
            assert_eq!(run.code, Some(*code), "{name}: {described}");
            run.clear_error()
        };
        assert!(
            !scratch.path("out/_SUCCESS").exists(),
            "{name}: an output was left behind"
        );
        text += &format!(
            "## {name}\n$ prep stream {}\n(exit code {code})\n{message}\n",
            arguments.join(" ")
        );
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(area, text));
}

fn nothing(_: &Scratch) {}

fn good(scratch: &Scratch) {
    let table = Table::new([
        Column::doubles("price", [1.0, 2.0, 3.0]),
        Column::text("city", ["a", "b", "c"]),
    ]);
    scratch.parquet("in/good.parquet", &table);
}

fn text(contents: &'static str, scratch: &Scratch) {
    scratch.write("in/rows.csv", contents);
}

#[test]
fn usage_errors_name_the_flag_and_the_way_out() {
    pin(
        "usage",
        &[
            ("no input", nothing, "--out out", 2),
            ("no output", good, "--in in", 2),
            ("unknown flag", good, "--in in --out out --tset-size 0.2", 2),
            (
                "test size above one",
                good,
                "--in in --out out --test-size 1.5",
                2,
            ),
            (
                "negative test size",
                good,
                "--in in --out out --test-size=-0.1",
                2,
            ),
            (
                "test size that is no number",
                good,
                "--in in --out out --test-size lots",
                2,
            ),
            (
                "too many decimals",
                good,
                "--in in --out out --test-size 0.1234567890123456789",
                2,
            ),
            (
                "more than all rows",
                good,
                "--in in --out out --test-size 0.7 --val-size 0.4",
                2,
            ),
            (
                "a size where the data says the sides",
                good,
                "--in in --out out --split-by column:city --val-size 0.1",
                2,
            ),
            (
                "seed that is no number",
                good,
                "--in in --out out --seed now",
                2,
            ),
            ("unknown label", good, "--in in --out out --label prise", 2),
            (
                "unknown exclude",
                good,
                "--in in --out out --exclude citi",
                2,
            ),
            (
                "unknown column of --columns",
                good,
                "--in in --out out --columns price,town",
                2,
            ),
            (
                "unknown split column",
                good,
                "--in in --out out --split-by column:side",
                2,
            ),
            (
                "unknown split mode",
                good,
                "--in in --out out --split-by moon",
                2,
            ),
            (
                "unknown codec",
                good,
                "--in in --out out --compression zip",
                2,
            ),
            (
                "zstd level out of range",
                good,
                "--in in --out out --compression zstd:99",
                2,
            ),
            (
                "unknown dtype",
                good,
                "--in in --out out --dtype float16",
                2,
            ),
            ("no threads", good, "--in in --out out --threads 0", 2),
            (
                "memory that is no size",
                good,
                "--in in --out out --memory much",
                2,
            ),
            (
                "configuration file that is missing",
                good,
                "--in in --out out --config none.toml",
                2,
            ),
            (
                "configuration that is no TOML",
                |s| {
                    good(s);
                    s.write("job.toml", "seed = = 1\n");
                },
                "--in in --out out --config job.toml",
                2,
            ),
            (
                "unknown key in the configuration",
                |s| {
                    good(s);
                    s.write("job.toml", "sede = 1\n");
                },
                "--in in --out out --config job.toml",
                2,
            ),
            (
                "delimiter of two characters",
                good,
                "--in in --out out --delimiter ab",
                2,
            ),
        ],
    );
}

#[test]
fn files_that_cannot_be_used_are_named() {
    pin(
        "files",
        &[
            ("missing directory", nothing, "--in none --out out", 3),
            (
                "empty directory",
                |s| fs::create_dir(s.path("in")).expect("a directory"),
                "--in in --out out",
                3,
            ),
            (
                "only skipped files",
                |s| {
                    s.write("in/.a.parquet", "x").write("in/b.csv", "");
                },
                "--in in --out out",
                3,
            ),
            (
                "glob without a match",
                good,
                "--in in/*.feather --out out",
                3,
            ),
            (
                "both formats",
                |s| {
                    good(s);
                    s.write("in/rows.csv", "price\n1\n");
                },
                "--in in --out out",
                3,
            ),
            (
                "same relative path under two roots",
                |s| {
                    good(s);
                    s.parquet(
                        "two/good.parquet",
                        &Table::new([Column::doubles("price", [1.0])]),
                    );
                },
                "--in in two --out out",
                3,
            ),
            (
                "file that changes right now",
                good,
                "--in in --out out --settle 1h",
                3,
            ),
            (
                "parquet of three bytes",
                |s| {
                    s.write("in/a.parquet", "PAR");
                },
                "--in in --out out",
                3,
            ),
            (
                "text named parquet",
                |s| {
                    s.write("in/a.parquet", "price,city\n1,a\n2,b\n");
                },
                "--in in --out out",
                3,
            ),
            (
                "parquet cut short",
                |s| {
                    good(s);
                    cut("in/good.parquet", s);
                },
                "--in in --out out",
                3,
            ),
            (
                "damaged parquet page",
                |s| {
                    good(s);
                    damage("in/good.parquet", s);
                },
                "--in in --out out",
                3,
            ),
            (
                "gzip cut short",
                |s| {
                    s.write("in/a.csv.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b]);
                },
                "--in in --out out",
                3,
            ),
            (
                "zstd that is none",
                |s| {
                    s.write("in/a.csv.zst", "not compressed at all");
                },
                "--in in --out out",
                3,
            ),
        ],
    );
}

/// Cuts the last 20 bytes off.
fn cut(path: &str, scratch: &Scratch) {
    let bytes = fs::read(scratch.path(path)).expect("read");
    scratch.write(path, &bytes[..bytes.len() - 20]);
}

/// Overwrites bytes of the first page's header and body.
fn damage(path: &str, scratch: &Scratch) {
    let mut bytes = fs::read(scratch.path(path)).expect("read");
    bytes[4..24].fill(0xff);
    scratch.write(path, bytes);
}

#[test]
fn schemas_that_do_not_fit_name_both_files_and_the_column() {
    pin(
        "schema",
        &[
            (
                "column missing from the second file",
                |s| {
                    good(s);
                    s.parquet(
                        "in/more.parquet",
                        &Table::new([Column::doubles("price", [1.0])]),
                    );
                },
                "--in in --out out",
                3,
            ),
            (
                "column only in the second file",
                |s| {
                    good(s);
                    let more = [
                        Column::doubles("price", [1.0]),
                        Column::text("city", ["x"]),
                        Column::doubles("tax", [1.0]),
                    ];
                    s.parquet("in/more.parquet", &Table::new(more));
                },
                "--in in --out out",
                3,
            ),
            (
                "text here, number there",
                |s| {
                    good(s);
                    s.parquet(
                        "in/more.parquet",
                        &Table::new([Column::text("price", ["1"]), Column::text("city", ["x"])]),
                    );
                },
                "--in in --out out",
                3,
            ),
            (
                "date here, number there",
                |s| {
                    s.parquet(
                        "in/a.parquet",
                        &Table::new([
                            Column::doubles("x", [1.0]),
                            Column::new("required int32 d (DATE);", Values::I32(vec![Some(1)])),
                        ]),
                    );
                    s.parquet(
                        "in/b.parquet",
                        &Table::new([Column::doubles("x", [1.0]), Column::doubles("d", [1.0])]),
                    );
                },
                "--in in --out out",
                3,
            ),
            (
                "headers that differ",
                |s| {
                    s.write("in/a.csv", "x,y\n1,2\n")
                        .write("in/b.csv", "x,z\n1,2\n");
                },
                "--in in --out out",
                3,
            ),
            (
                "a name used twice",
                |s| {
                    let twice = [Column::doubles("x", [1.0]), Column::doubles("x", [2.0])];
                    s.parquet("in/a.parquet", &Table::new(twice));
                },
                "--in in --out out",
                3,
            ),
            (
                "a split value that is no side",
                |s| text("x,side\n1,train\n2,dev\n", s),
                "--in in --out out --split-by column:side",
                3,
            ),
            (
                "a split column with a null",
                |s| text("x,side\n1,0\n2,\n", s),
                "--in in --out out --split-by column:side",
                3,
            ),
            (
                "a split column of other numbers",
                |s| text("x,side\n1,0\n2,7\n", s),
                "--in in --out out --split-by column:side",
                3,
            ),
        ],
    );
}

#[test]
fn text_that_cannot_be_parsed_names_row_line_byte_and_column() {
    pin(
        "text",
        &[
            (
                "too few fields",
                |s| text("x,y\n1,2\n3\n4,5\n", s),
                "--in in --out out",
                3,
            ),
            (
                "too many fields",
                |s| text("x,y\n1,2\n3,4,5\n", s),
                "--in in --out out",
                3,
            ),
            (
                "unterminated quote",
                |s| text("x,y\n1,2\n3,\"open\n4,5\n", s),
                "--in in --out out",
                3,
            ),
            (
                "text after a closing quote",
                |s| text("x,y\n1,\"a\"b\n", s),
                "--in in --out out",
                3,
            ),
            (
                "bytes that are no UTF-8",
                |s| {
                    s.write("in/rows.csv", b"x,y\n1,a\n2,\xff\xfe\n");
                },
                "--in in --out out",
                3,
            ),
            (
                "UTF-16",
                |s| {
                    s.write("in/rows.csv", b"\xff\xfex\0,\0y\0\n\0");
                },
                "--in in --out out",
                3,
            ),
            (
                "record over the limit",
                |s| {
                    s.write("in/rows.csv", format!("x,y\n1,{}\n", "a".repeat(5000)));
                },
                "--in in --out out --record-limit 1KiB",
                3,
            ),
            (
                "nothing but a comment",
                |s| text("# only\n", s),
                "--in in --out out --comment #",
                3,
            ),
        ],
    );
}

#[test]
fn infinities_are_listed_by_column_with_count_and_first_place() {
    pin(
        "infinities",
        &[
            (
                "in parquet, both sides",
                |s| {
                    let x = (0..100).map(|i| {
                        if i % 10 == 3 {
                            f64::INFINITY
                        } else {
                            f64::from(i)
                        }
                    });
                    let y = (0..100).map(|i| if i == 97 { f64::NEG_INFINITY } else { 0.5 });
                    s.parquet(
                        "in/a.parquet",
                        &Table::new([Column::doubles("x", x), Column::doubles("y", y)]),
                    );
                },
                "--in in --out out",
                3,
            ),
            (
                "in text",
                |s| text("x,y\n1,2\ninf,3\n4,-Infinity\n", s),
                "--in in --out out --split-by row",
                3,
            ),
            (
                "only on the test side",
                |s| {
                    s.parquet(
                        "in/a.parquet",
                        &Table::new([
                            Column::doubles("x", [1.0, f64::INFINITY, 2.0]),
                            Column::longs("side", [0, 1, 0]),
                        ]),
                    );
                },
                "--in in --out out --split-by column:side",
                3,
            ),
        ],
    );
}

#[test]
fn outputs_that_cannot_be_written_are_named() {
    pin(
        "output",
        &[
            (
                "output with data",
                |s| {
                    good(s);
                    s.write("out/old.txt", "x");
                },
                "--in in --out out",
                4,
            ),
            (
                "output below a file",
                |s| {
                    good(s);
                    s.write("file", "x");
                },
                "--in in --out file/out",
                4,
            ),
            (
                "parent that is missing",
                good,
                "--in in --out none/deep/out",
                4,
            ),
            (
                "too little memory",
                good,
                "--in in --out out --memory 1MiB",
                6,
            ),
        ],
    );
}

#[test]
fn one_bad_file_among_good_ones_is_an_error_without_output() {
    let scratch = Scratch::new();
    good(&scratch);
    scratch.write("in/bad.parquet", "PAR1 this is not a footer PAR1");
    let error = scratch
        .prep(&["stream", "--in", "in", "--out", "out"])
        .fails_with(3);
    assert!(error.contains("in/bad.parquet"), "{error}");
    assert!(!scratch.path("out").exists());
}

#[test]
fn the_same_error_comes_out_for_any_number_of_threads() {
    let scratch = Scratch::new();
    for file in 0..30 {
        let bad = if file % 7 == 5 { "oops" } else { "2" };
        scratch.write(
            format!("in/{file:02}.csv"),
            format!("x,y\n1,a\n{bad},b,c\n"),
        );
    }
    let errors: Vec<String> = ["1", "2", "8"]
        .iter()
        .map(|threads| {
            scratch
                .prep(&[
                    "stream",
                    "--quiet",
                    "--in",
                    "in",
                    "--out",
                    "out",
                    "--threads",
                    threads,
                ])
                .fails_with(3)
        })
        .collect();
    assert!(
        errors.windows(2).all(|pair| pair[0] == pair[1]),
        "{errors:#?}"
    );
}
