//! Property tests: another parser agrees, and nothing depends on how a file is cut.

use proptest::prelude::*;

use super::tests::{AS_TEXT, column, file, parse_in_ranges, parse_in_segments, rows};
use super::*;
use crate::error::Result;
use crate::spec::Dialect;

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
                continue;
            }
            // Found to be text only after some rows, or told so: the same fields.
            let told = parse_in_ranges(&file, range, sub_chunk, &vec![AS_TEXT; columns]).unwrap();
            prop_assert_eq!(column(&told, index).1, cells);
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
