//! Tests of the whole room, from file to columns. Buffers are a few bytes long in these tests.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::stitch::stitch;
use super::*;
use crate::error::Result;
use crate::spec::Dialect;

pub(super) const AS_TEXT: ColumnRequest = ColumnRequest::As(ColumnType::Text);

pub(super) fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    named("a.csv", bytes)
}

fn named(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (directory, path)
}

/// Parses a file in ranges, units cut at multiples of `sub_chunk_rows`.
pub(super) fn parse_in_ranges(
    file: &TextFile,
    range_bytes: u64,
    sub_chunk_rows: u64,
    requests: &[ColumnRequest],
) -> Result<Vec<TextBatch>> {
    let ranges = file.ranges(range_bytes);
    let summaries = ranges
        .into_iter()
        .map(|range| file.scan(range))
        .collect::<Result<Vec<_>>>()?;
    let stitched = stitch(file.header().body.line, &summaries, sub_chunk_rows);
    let mut next_row = 0;
    let mut bytes = file.header().body.byte;
    for unit in &stitched.units {
        assert_eq!(unit.first_row, next_row);
        assert!(unit.first_row.is_multiple_of(sub_chunk_rows));
        next_row += unit.rows;
        bytes += unit.bytes;
    }
    assert_eq!(next_row, stitched.rows);
    assert!(stitched.units.is_empty() || bytes == file.bytes());
    stitched
        .units
        .iter()
        .map(|unit| file.parse(unit, requests))
        .collect()
}

pub(super) fn parse_in_segments(
    file: &TextFile,
    segment_bytes: usize,
    sub_chunk_rows: u64,
    requests: &[ColumnRequest],
) -> Result<Vec<TextBatch>> {
    let mut segments = file.segments_at(segment_bytes, sub_chunk_rows)?;
    let mut batches = Vec::new();
    while let Some(segment) = segments.next_segment()? {
        assert!(segment.first_row.is_multiple_of(sub_chunk_rows));
        batches.push(file.parse_segment(&segment, requests)?);
    }
    Ok(batches)
}

/// Text columns as rows.
pub(super) fn rows(batches: &[TextBatch]) -> Vec<Vec<Vec<u8>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<Vec<&[u8]>> = batch
            .columns
            .iter()
            .map(|column| match &column.values {
                Values::Text(values) => values.iter().collect(),
                other => panic!("{other:?}"),
            })
            .collect();
        for row in 0..batch.rows {
            rows.push(columns.iter().map(|column| column[row].to_vec()).collect());
        }
    }
    rows
}

/// All batches' values of a column under its merged type, as text of bits, missing ones named.
pub(super) fn column(batches: &[TextBatch], index: usize) -> (ColumnType, Vec<String>) {
    let merged = batches
        .iter()
        .map(|batch| batch.columns[index].column_type())
        .fold(ColumnType::Null, ColumnType::merge);
    let mut cells = Vec::new();
    for batch in batches {
        let column = &batch.columns[index];
        let mut values: Box<dyn Iterator<Item = String>> = match (&column.values, merged) {
            (Values::Int64(values), ColumnType::Float64) => Box::new(
                values
                    .iter()
                    .map(|value| format!("{:x}", (*value as f64).to_bits())),
            ),
            (Values::Int64(values), _) => Box::new(values.iter().map(ToString::to_string)),
            (Values::Float64(values), _) => {
                Box::new(values.iter().map(|value| format!("{:x}", value.to_bits())))
            }
            (Values::Text(values), _) => Box::new(values.iter().map(|value| format!("{value:?}"))),
            (Values::Null { .. }, _) => {
                Box::new(std::iter::repeat_n(String::from("-"), batch.rows))
            }
        };
        match &column.validity {
            Some(validity) => cells.extend(validity.iter().map(|valid| match valid {
                true => values.next().unwrap(),
                false => String::from("-"),
            })),
            None => cells.extend(&mut values),
        }
        assert_eq!(values.next(), None);
    }
    (merged, cells)
}

/// The error of parsing a text, without the folder in it.
fn error_of(text: &[u8], dialect: &Dialect) -> String {
    let (directory, path) = file(text);
    let result = TextFile::open(&path, dialect).and_then(|file| {
        let requests = vec![ColumnRequest::As(ColumnType::Float64)];
        parse_in_ranges(&file, 16, 1, &requests)
    });
    let folder = format!("{}/", directory.path().display());
    result.unwrap_err().to_string().replace(&folder, "")
}

#[test]
fn errors_name_row_line_byte_and_column() {
    let dialect = Dialect::default();
    let short = Dialect {
        record_bytes_max: 20,
        ..Dialect::default()
    };
    for (text, dialect, expected) in [
        (
            &b"x,y\n1,\"a\n\n"[..],
            &dialect,
            "unterminated quote: a field opened by '\"' never closes\n  --> a.csv: row 1 (line 2, byte 6), column \"y\"",
        ),
        (
            b"x,y\r\n1,\"a\nb\"\xc3\xa9\r\n",
            &dialect,
            "byte 0xc3 after a closing quote, where a delimiter or a line end must follow\n  --> a.csv: row 1 (line 3, byte 12), column \"y\"",
        ),
        (
            b"x,y\n1,2\n\n3\n",
            &dialect,
            "record has 1 field, expected 2\n  --> a.csv: row 2 (line 4, byte 9)",
        ),
        (
            b"x,y\r1,2\r1,2,3",
            &dialect,
            "record has 3 fields, expected 2\n  --> a.csv: row 2 (line 3, byte 8)",
        ),
        (
            b"x,y\n1,b\xffa\n",
            &dialect,
            "byte 0xff is not UTF-8\n  --> a.csv: row 1 (line 2, byte 7), column \"y\"",
        ),
        (
            b"x,y\n1,2\ntwo,2\n",
            &dialect,
            "cannot parse \"two\" as a number\n  --> a.csv: row 2 (line 3, byte 8), column \"x\"",
        ),
        (
            b"x,y\n1,2\n\"a\nbbbbbbbbbbbbbbbbbbbbbbbbb\n",
            &short,
            "record is longer than 20 bytes, the longest accepted\n  --> a.csv: row 2 (line 3, byte 8)\n  hint: look at the quote opened at line 3, byte 8: it may never close",
        ),
        (
            b"",
            &dialect,
            "no header: the file has no record\n  --> a.csv",
        ),
        (
            b"\n\r\n",
            &dialect,
            "no header: the file has no record\n  --> a.csv",
        ),
        (
            b"\xff\xfex\0",
            &dialect,
            "file is encoded in UTF-16, not UTF-8\n  --> a.csv\n  hint: convert it, for example with iconv -f UTF-16 -t UTF-8",
        ),
    ] {
        assert_eq!(error_of(text, dialect), expected);
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_name() {
    let (_directory, path) = file(b"\xef\xbb\xbf\"x\",y\r\n1,2\r\n");
    let file = TextFile::open(&path, &Dialect::default()).unwrap();
    assert_eq!(file.header().names, ["x", "y"]);
    let batches = parse_in_ranges(&file, 3, 1, &[]).unwrap();
    assert_eq!(
        column(&batches, 0),
        (ColumnType::Int64, vec!["1".to_owned()])
    );
}

#[test]
fn without_header_the_first_record_is_data() {
    let (_directory, path) = file(b"# c\n1,2\n");
    let dialect = Dialect {
        header: false,
        comment: Some(b'#'),
        ..Dialect::default()
    };
    let file = TextFile::open(&path, &dialect).unwrap();
    assert_eq!(file.header().names, ["column_0", "column_1"]);
    let batches = parse_in_ranges(&file, 3, 1, &[]).unwrap();
    assert_eq!(
        column(&batches, 1),
        (ColumnType::Int64, vec!["2".to_owned()])
    );
}

#[test]
fn without_quoting_a_quote_is_a_character() {
    let (_directory, path) = file(b"x,y\n\"1,2\"\n");
    let dialect = Dialect {
        quote: None,
        ..Dialect::default()
    };
    let file = TextFile::open(&path, &dialect).unwrap();
    let batches = parse_in_ranges(&file, 3, 1, &[AS_TEXT, AS_TEXT]).unwrap();
    assert_eq!(rows(&batches), [[b"\"1".to_vec(), b"2\"".to_vec()]]);
}

#[test]
fn text_columns_keep_their_fields_and_numeric_ones_miss_null_tokens() {
    let (_directory, path) = file(b"x,y,z\n1,NA,\nNA,007, \n 2.5,,\n");
    let file = TextFile::open(&path, &Dialect::default()).unwrap();
    let batches = parse_in_ranges(&file, 1 << 20, 1, &[ColumnRequest::Infer, AS_TEXT]).unwrap();
    let bits = |value: f64| format!("{:x}", value.to_bits());
    let missing = String::from("-");
    assert_eq!(
        column(&batches, 0),
        (ColumnType::Float64, vec![bits(1.0), missing, bits(2.5)])
    );
    let text = ["NA", "007", ""].map(|cell| format!("{:?}", cell.as_bytes()));
    assert_eq!(column(&batches, 1), (ColumnType::Text, text.to_vec()));
    assert_eq!(batches[0].columns[2].values, Values::Null { blank: false });
}

#[test]
fn a_skipped_column_is_left_out() {
    let (_directory, path) = file(b"x,y\n1,2\n");
    let file = TextFile::open(&path, &Dialect::default()).unwrap();
    let batches = parse_in_ranges(&file, 9, 1, &[ColumnRequest::Skip]).unwrap();
    let indices: Vec<usize> = batches[0]
        .columns
        .iter()
        .map(|column| column.index)
        .collect();
    assert_eq!(indices, [1]);
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn compressed_files_may_have_several_members_and_frames() {
    let parts: [&[u8]; 3] = [b"x,y\n1,2", b"\n3,4\n", b"5,6"];
    let zipped: Vec<u8> = parts.iter().flat_map(|part| gzip(part)).collect();
    let zstd: Vec<u8> = parts
        .iter()
        .flat_map(|part| zstd::encode_all(*part, 1).unwrap())
        .collect();
    for (name, bytes) in [("a.csv.gz", zipped), ("a.CSV.ZST", zstd)] {
        let (_directory, path) = named(name, &bytes);
        let file = TextFile::open(&path, &Dialect::default()).unwrap();
        assert!(file.is_compressed());
        let batches = parse_in_segments(&file, 4, 1, &[]).unwrap();
        let cells = ["1", "3", "5"].map(str::to_owned).to_vec();
        assert_eq!(column(&batches, 0), (ColumnType::Int64, cells), "{name}");
    }
}

#[test]
fn a_truncated_compressed_file_is_an_error() {
    let text: Vec<u8> = (0..5000)
        .flat_map(|row| format!("{row},{}\n", row * 7919 % 1000).into_bytes())
        .collect();
    let zipped = gzip(&text);
    let (_directory, path) = named("a.csv.gz", &zipped[..zipped.len() / 2]);
    let file = TextFile::open(&path, &Dialect::default()).unwrap();
    let error = parse_in_segments(&file, 1000, 1, &[]).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert!(
        error.to_string().starts_with("cannot decompress the file"),
        "{error}"
    );
}

#[test]
fn a_file_that_grows_or_shrinks_between_scan_and_parse_is_an_error() {
    let (_directory, path) = file(b"x\n1\n2\n");
    let file = TextFile::open(&path, &Dialect::default()).unwrap();
    let summaries = file.ranges(100).into_iter().map(|range| file.scan(range));
    let stitched = file.stitch(&summaries.collect::<Result<Vec<_>>>().unwrap());
    for text in [&b"x\n1\n"[..], b"x\n1\n2\n3\n", b"x\n1\n2"] {
        std::fs::write(Path::new(&path), text).unwrap();
        let error = file.parse(&stitched.units[0], &[]).unwrap_err().to_string();
        let expected = format!(
            "the file changed during the run: its size was 6 bytes and is now {} bytes",
            text.len()
        );
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn a_file_rewritten_in_place_between_scan_and_parse_is_an_error_in_the_unit_that_reads_it() {
    let lines: String = (100..160).map(|line| format!("{line}\n")).collect();
    let text = format!("x\n{lines}");
    let (_directory, path) = file(text.as_bytes());
    let file = TextFile::open(&path, &Dialect::default()).unwrap();
    let summaries = file.ranges(50).into_iter().map(|range| file.scan(range));
    let summaries = summaries.collect::<Result<Vec<_>>>().unwrap();
    let stitched = stitch(file.header().body.line, &summaries, 4);
    assert!(stitched.units.len() > 3);
    // As many rows, and a number as before.
    std::fs::write(&path, text.replace("130", "999")).unwrap();
    let parsed = stitched.units.iter().map(|unit| file.parse(unit, &[]));
    let errors: Vec<String> = parsed
        .filter_map(|batch| batch.err().map(|error| error.to_string()))
        .collect();
    assert!(!errors.is_empty() && errors.len() < stitched.units.len());
    for error in errors {
        assert!(error.contains("its content digest was "), "{error}");
    }
}
