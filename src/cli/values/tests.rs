//! What the values of flags accept, and what not.

use super::*;

#[test]
fn sizes_take_decimal_and_binary_units() {
    let cases = [
        ("65536", 65_536),
        ("1B", 1),
        ("2k", 2_000),
        ("2KB", 2_000),
        ("2KiB", 2_048),
        ("512MiB", 512 << 20),
        ("1.5 GB", 1_500_000_000),
        ("0.5gib", 1 << 29),
        ("1TiB", 1 << 40),
    ];
    for (text, expected) in cases {
        assert_eq!(size(text), Ok(expected), "{text}");
    }
    for text in [
        "",
        "MiB",
        "12 parsecs",
        "-1MB",
        "0",
        "1..5MB",
        ".",
        "99999999999999999TiB",
    ] {
        assert!(size(text).is_err(), "{text}");
    }
}

#[test]
fn codecs_take_a_level_only_for_zstd() {
    assert_eq!(compression("zstd"), Ok(Compression::Zstd(1)));
    assert_eq!(compression("zstd:22"), Ok(Compression::Zstd(22)));
    assert_eq!(compression("lz4"), Ok(Compression::Lz4));
    for text in ["zstd:0", "zstd:23", "zstd:", "gzip:3", "zip"] {
        assert!(compression(text).is_err(), "{text}");
    }
}

#[test]
fn names_are_separated_by_commas_outside_quotes() {
    let cases: [(&str, &[&str]); 5] = [
        ("a", &["a"]),
        ("a,b c", &["a", "b c"]),
        ("\"a,b\",c", &["a,b", "c"]),
        ("\"say \"\"x\"\"\"", &["say \"x\""]),
        ("a\"b", &["a\"b"]),
    ];
    for (text, expected) in cases {
        assert_eq!(names(text).unwrap().0, expected, "{text}");
    }
    for text in ["", "a,", "\"a", "\"a\"b", "\"\""] {
        assert!(names(text).is_err(), "{text}");
    }
    for name in ["plain", "a,b", "\"", "a\"\"b"] {
        assert_eq!(names(&quoted_name(name)).unwrap().0, [name]);
    }
}

#[test]
fn split_by_names_a_column_with_anything_in_it() {
    assert_eq!(split_by("row"), Ok(SplitBy::Row));
    assert_eq!(split_by("content"), Ok(SplitBy::Content));
    let keys = ["a,b", "c:d"].map(str::to_owned).to_vec();
    let by = SplitBy::Group(keys);
    assert_eq!(split_by(&by.to_string()), Ok(by));
    assert_eq!(split_by("time:t:s"), Ok(SplitBy::Time("t:s".into())));
    assert_eq!(split_by("column:a:b"), Ok(SplitBy::Column("a:b".into())));
    for text in ["column:", "column", "rows", "row:"] {
        assert!(split_by(text).is_err(), "{text}");
    }
}

#[test]
fn bytes_are_single_ascii_characters() {
    assert_eq!(byte("\\t"), Ok(b'\t'));
    assert_eq!(byte("tab"), Ok(b'\t'));
    assert_eq!(byte(";"), Ok(b';'));
    assert_eq!(quote("none"), Ok(Quote(None)));
    for text in ["", ",,", "é", "\n"] {
        assert!(byte(text).is_err(), "{text:?}");
    }
}
