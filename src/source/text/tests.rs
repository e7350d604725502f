//! Tests of the whole room, from file to columns. Buffers are a few bytes long in these tests.

use std::io::Write;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;

use super::stitch::stitch;
use super::*;
use crate::error::Result;
use crate::spec::Dialect;

const AS_TEXT: ColumnRequest = ColumnRequest::As(ColumnType::Text);

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    named("a.csv", bytes)
}

fn named(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (directory, path)
}

/// Parses a file in ranges, units cut at multiples of `sub_chunk_rows`.
fn parse_in_ranges(
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

fn parse_in_segments(
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
fn rows(batches: &[TextBatch]) -> Vec<Vec<Vec<u8>>> {
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
fn column(batches: &[TextBatch], index: usize) -> (ColumnType, Vec<String>) {
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

/// The records of a text by another parser.
fn oracle(text: &[u8], comment: Option<u8>) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv_core::ReaderBuilder::new().comment(comment).build();
    let (mut output, mut ends) = (vec![0; text.len() + 16], vec![0; text.len() + 16]);
    let (mut input, mut records) = (text, Vec::new());
    let (mut written, mut ended) = (0, 0);
    loop {
        let (result, read, out, fields) =
            reader.read_record(input, &mut output[written..], &mut ends[ended..]);
        input = &input[read..];
        written += out;
        ended += fields;
        match result {
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::Record => {
                let mut start = 0;
                let cells = ends[..ended].iter().map(|end| {
                    let cell = output[start..*end].to_vec();
                    start = *end;
                    cell
                });
                records.push(cells.collect());
                (written, ended) = (0, 0);
            }
            csv_core::ReadRecordResult::End => return records,
            full => panic!("{full:?}"),
        }
    }
}

/// CSV text with everything in it: quotes, doubled quotes, line ends inside quotes, all three line
/// ends, blank lines and, with `#`, comments.
fn csv_text(columns: usize) -> impl Strategy<Value = Vec<u8>> {
    let number = prop::sample::select(vec![
        "0",
        "-0",
        "17",
        "1.5",
        " 2",
        "9223372036854775808",
        "1e5",
        "",
        "NA",
        "nan",
    ]);
    let plain = prop_oneof![6 => number.prop_map(String::from), 1 => "[a-c\"]{0,3}", 1 => "é[#x]"]
        .prop_filter("starts no quote or comment", |cell| {
            !cell.starts_with(['"', '#'])
        });
    let quoted = "[a,\"\n\r#1]{0,6}".prop_map(|cell| format!("\"{}\"", cell.replace('"', "\"\"")));
    let cell = prop_oneof![5 => plain, 1 => quoted];
    let record = prop::collection::vec(cell, columns).prop_map(|cells| cells.join(","));
    let line = prop_oneof![9 => record, 1 => Just(String::new()), 1 => "#[a,\"]{0,5}"];
    let end = prop::sample::select(vec!["\n", "\n", "\r\n", "\r"]);
    (prop::collection::vec((line, end), 0..40), any::<bool>()).prop_map(move |(lines, open_end)| {
        let mut text = vec!["h"; columns].join(",").into_bytes();
        text.push(b'\n');
        let mut in_comment = false;
        for (line, end) in lines {
            text.extend_from_slice(line.as_bytes());
            // The oracle ends comments at line feeds only, and not at the end of the text.
            in_comment = line.starts_with('#');
            text.extend_from_slice(if in_comment { b"\n" } else { end.as_bytes() });
        }
        if open_end && !in_comment && !text.ends_with(b"\r\n") && text.len() > 2 * columns {
            text.pop();
        }
        text
    })
}

fn case() -> impl Strategy<Value = (usize, Vec<u8>)> {
    (1_usize..4).prop_flat_map(|columns| (Just(columns), csv_text(columns)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn ranges_and_segments_give_the_rows_of_another_parser(
        (columns, text) in case(), range in 1_u64..64, sub_chunk in 1_u64..6
    ) {
        let (_directory, path) = file(&text);
        let dialect = Dialect { comment: Some(b'#'), ..Dialect::default() };
        let file = TextFile::open(&path, &dialect).unwrap();
        let mut expected = oracle(&text, Some(b'#'));
        expected.remove(0);
        let requests = vec![AS_TEXT; columns];
        let in_ranges = parse_in_ranges(&file, range, sub_chunk, &requests).unwrap();
        prop_assert_eq!(rows(&in_ranges), &expected[..]);
        let wanted = usize::try_from(range).unwrap();
        let in_segments = parse_in_segments(&file, wanted, sub_chunk, &requests).unwrap();
        prop_assert_eq!(rows(&in_segments), expected);
    }

    #[test]
    fn types_and_values_do_not_depend_on_the_cut(
        (columns, text) in case(), range in 1_u64..64, sub_chunk in 1_u64..6
    ) {
        let (_directory, path) = file(&text);
        let dialect = Dialect { comment: Some(b'#'), ..Dialect::default() };
        let file = TextFile::open(&path, &dialect).unwrap();
        let whole = parse_in_ranges(&file, 1 << 20, sub_chunk, &[]).unwrap();
        let parts = parse_in_ranges(&file, range, sub_chunk, &[]).unwrap();
        for index in 0..columns {
            let (expected, cells) = column(&whole, index);
            let (merged, part_cells) = column(&parts, index);
            prop_assert_eq!(merged, expected);
            if merged != ColumnType::Text {
                prop_assert_eq!(part_cells, cells);
            }
        }
    }

    #[test]
    fn broken_text_gives_the_same_first_error_however_it_is_cut(
        text in "[a,\"\n\r#1é]{0,60}", range in 1_u64..64, sub_chunk in 1_u64..6, limit in 5_u64..80
    ) {
        let (_directory, path) = file(text.as_bytes());
        let dialect = Dialect { comment: Some(b'#'), record_bytes_max: limit, ..Dialect::default() };
        let outcome = |range: u64, sub_chunk: u64, whole: bool| -> Result<Vec<Vec<Vec<u8>>>> {
            let file = TextFile::open(&path, &dialect)?;
            let requests = vec![AS_TEXT; file.header().names.len()];
            let batches = match whole {
                true => parse_in_ranges(&file, range, sub_chunk, &requests)?,
                false => parse_in_segments(&file, usize::try_from(range).unwrap(), sub_chunk, &requests)?,
            };
            Ok(rows(&batches))
        };
        let expected = outcome(1 << 20, 1, true).map_err(|error| error.to_string());
        let in_ranges = outcome(range, sub_chunk, true).map_err(|error| error.to_string());
        prop_assert_eq!(&in_ranges, &expected);
        let in_segments = outcome(range, sub_chunk, false).map_err(|error| error.to_string());
        prop_assert_eq!(&in_segments, &expected);
    }
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
    for (text, found) in [(&b"x\n1\n"[..], 1), (b"x\n1\n2\n3\n", 3)] {
        std::fs::write(Path::new(&path), text).unwrap();
        let error = file.parse(&stitched.units[0], &[]).unwrap_err().to_string();
        let expected =
            format!("file changed while it was read: {found} rows where 2 were counted before");
        assert!(error.starts_with(&expected), "{error}");
    }
}
