//! CSV and TSV: the dialect, types settled over all rows, compressed files, many units.

use std::io::Write as _;

use crate::harness::{Frame, Output, Scratch};

const ALL_TRAIN: &[&str] = &["--test-size", "0", "--dtype", "float64"];

/// Streams one text file, everything on the train side.
fn read(name: &str, contents: impl AsRef<[u8]>, flags: &[&str]) -> (Scratch, Output, Frame) {
    let scratch = Scratch::new();
    scratch.write(format!("in/{name}"), contents);
    let output = scratch.stream("in", &[ALL_TRAIN, flags].concat());
    let train = output.train();
    (scratch, output, train)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("compress");
    encoder.finish().expect("compress")
}

/// Name, contents, flags, and per column its values as text.
struct Case {
    name: &'static str,
    text: &'static str,
    flags: &'static [&'static str],
    columns: &'static [(&'static str, &'static [&'static str])],
}

const CASES: &[Case] = &[
    Case {
        name: "quotes hold delimiters, newlines and doubled quotes",
        text: "a,b\n\"x, \"\"y\"\"\",1\n\"two\nlines\",2\n\"cr\r\nlf\",3\n",
        flags: &["--exclude", "b"],
        columns: &[
            ("a", &["x, \"y\"", "two\nlines", "cr\r\nlf"]),
            ("b", &["1", "2", "3"]),
        ],
    },
    Case {
        name: "CRLF ends a record, and the last line needs no end",
        text: "a,b\r\np,1\r\nq,2",
        flags: &["--exclude", "b"],
        columns: &[("a", &["p", "q"]), ("b", &["1", "2"])],
    },
    Case {
        name: "a byte order mark belongs to no column",
        text: "\u{feff}a,b\np,1\n",
        flags: &["--exclude", "b"],
        columns: &[("a", &["p"]), ("b", &["1"])],
    },
    Case {
        name: "delimiter and quote are bytes of one's choice",
        text: "a;b\n'x;y';1\n\"z\";2\n",
        flags: &["--delimiter", ";", "--quote", "'", "--exclude", "b"],
        columns: &[("a", &["x;y", "\"z\""]), ("b", &["1", "2"])],
    },
    Case {
        name: "comment lines and blank lines are no rows",
        text: "# head\na,b\n\n# one\np,1\n#,2\n\nq,3\n",
        flags: &["--comment", "#", "--exclude", "b"],
        columns: &[("a", &["p", "q"]), ("b", &["1", "3"])],
    },
    Case {
        name: "without a header columns are numbered",
        text: "p,1\nq,2\n",
        flags: &["--no-header"],
        columns: &[],
    },
    Case {
        name: "a name used twice gets a number, an empty one its position",
        text: "x,x,\np,q,r\n",
        flags: &[],
        columns: &[("x", &["p"]), ("x.1", &["q"]), ("column_2", &["r"])],
    },
    Case {
        name: "missing tokens are nulls in numeric columns only",
        text: "a,b\nNA,1\nnull,NA\n,n/a\nx,3\n",
        flags: &["--exclude", "b"],
        columns: &[
            ("a", &["NA", "null", "", "x"]),
            ("b", &["1", "null", "null", "3"]),
        ],
    },
    Case {
        name: "one's own missing tokens replace the list",
        text: "a,b\np,1\nq,-\nr,3\n",
        flags: &["--null", "-", "--exclude", "b"],
        columns: &[("a", &["p", "q", "r"]), ("b", &["1", "null", "3"])],
    },
    Case {
        name: "a late text value leaves the whole column verbatim",
        text: "id,x\n007,1\n1.50,2\n+3,3\n 4,4\nlate,5\n",
        flags: &["--exclude", "x"],
        columns: &[
            ("id", &["007", "1.50", "+3", " 4", "late"]),
            ("x", &["1", "2", "3", "4", "5"]),
        ],
    },
    Case {
        name: "a column read as text stays verbatim",
        text: "zip,x\n01234,1\n98765,2\n",
        flags: &["--text", "zip", "--exclude", "x"],
        columns: &[("zip", &["01234", "98765"]), ("x", &["1", "2"])],
    },
    Case {
        name: "quoted empty and unquoted empty fields are both kept",
        text: "a,b\n\"\",1\n,2\nx,3\n",
        flags: &["--exclude", "b"],
        columns: &[("a", &["", "", "x"]), ("b", &["1", "2", "3"])],
    },
];

#[test]
fn the_dialect_reads_every_case_verbatim() {
    for case in CASES {
        let (_scratch, _, train) = read("rows.csv", case.text, case.flags);
        for (column, values) in case.columns {
            assert_eq!(
                train.strings(column),
                *values,
                "{}: column {column}",
                case.name
            );
        }
        if case.columns.is_empty() {
            assert_eq!((train.names.len(), train.rows), (2, 2), "{}", case.name);
        }
    }
}

#[test]
fn tab_separated_gzip_and_zstd_files_read_like_plain_ones() {
    let csv = "a,x\np,1\nq,2\nr,4.5\n";
    let (_scratch, plain, train) = read("a.csv", csv, &[]);
    let zstd = zstd::encode_all(csv.as_bytes(), 3).expect("compress");
    let two_members = [gzip(&csv.as_bytes()[..7]), gzip(&csv.as_bytes()[7..])].concat();
    let variants: [(&str, Vec<u8>); 5] = [
        ("a.tsv", csv.replace(',', "\t").into_bytes()),
        ("a.csv.gz", gzip(csv.as_bytes())),
        ("b.csv.gz", two_members),
        ("a.csv.zst", zstd),
        ("a.tsv.gz", gzip(csv.replace(',', "\t").as_bytes())),
    ];
    for (name, bytes) in variants {
        let (_scratch, output, other) = read(name, bytes, &[]);
        assert_eq!(other, train, "{name}");
        assert_eq!(output.scaler("mean_"), plain.scaler("mean_"), "{name}");
    }
}

#[test]
fn types_are_settled_over_all_files_and_rows() {
    let scratch = Scratch::new();
    scratch.write("in/a.csv", "code,n,f\n007,1,1\n010,2,2\n");
    scratch.write("in/b.csv", "f,n,code\n2.5,3,x1\n");
    let output = scratch.stream("in", ALL_TRAIN);
    let train = output.train();
    assert_eq!(output.features(), ["n", "f"]);
    assert_eq!(train.strings("code"), ["007", "010", "x1"]);
    assert_eq!(output.scaler("mean_"), [2.0, 5.5 / 3.0]);
}

#[test]
fn a_text_value_after_hundreds_of_thousands_of_numbers_keeps_all_of_them_verbatim() {
    const ROWS: usize = 300_000;
    let mut text = String::from("code,x\n");
    for row in 0..ROWS {
        text += &format!("{row:07},{}\n", row % 10);
    }
    text.push_str("last,0\n");
    let (_scratch, output, train) = read("a.csv", text, &[]);
    assert_eq!(output.features(), ["x"]);
    let codes = train.strings("code");
    assert_eq!(codes.len(), ROWS + 1);
    assert_eq!(
        [&codes[0], &codes[123_456], &codes[ROWS]],
        ["0000000", "0123456", "last"]
    );
}

#[test]
fn many_small_files_make_one_table() {
    let scratch = Scratch::new();
    for file in 0..300 {
        scratch.write(
            format!("in/{file:03}.csv"),
            format!("x,y\n{file},a\n{},b\n", file + 1000),
        );
    }
    let output = scratch.stream("in", ALL_TRAIN);
    assert_eq!(output.train().rows, 600);
    assert_eq!(output.fitted("n_samples_seen_", "x"), 600.0);
    assert_eq!(output.fitted("mean_", "x"), 649.5);
}

#[test]
fn a_long_quoted_field_crosses_every_internal_boundary() {
    let long = "line\n\"\"quoted\"\"\n,".repeat(200_000);
    let text = format!("a,x\n\"{long}\",1\nshort,2\n");
    let (_scratch, _, train) = read("a.csv", text, &["--exclude", "x"]);
    let values = train.strings("a");
    assert_eq!(values.len(), 2);
    assert_eq!(values[0], long.replace("\"\"", "\""));
    assert_eq!(train.strings("x"), ["1", "2"]);
}

#[test]
fn numbers_are_parsed_to_the_nearest_float() {
    let digits = [
        "0.1",
        "1e-320",
        "123456789012345678901234567890",
        "1.7976931348623157e308",
        "-0.0",
        "2.2250738585072011e-308",
        "9007199254740993",
    ];
    let text = format!("x,y\n{}\n", digits.map(|d| format!("{d},t")).join("\n"));
    let (_scratch, output, _) = read("a.csv", text, &["--columns", "x"]);
    let values: Vec<f64> = digits
        .iter()
        .map(|d| d.parse().expect("a number"))
        .collect();
    assert_eq!(output.fitted("min", "x"), -0.0);
    assert_eq!(output.fitted("max", "x"), f64::MAX);
    assert!(crate::harness::Exact::of(&values).mean_error(output.fitted("mean_", "x")) <= 1e-12);
}
