//! The CSV scanner and parser: however a text is cut into ranges or segments, the same records or the
//! same error; and where another, slower parser can be asked, its records.
//!
//! Built by a fuzzer, buffers are a few bytes long and units end every two rows, so that most ranges
//! begin in an unknown state, in or out of quotes.

use prep_stream::error::Result;
use prep_stream::source::text::{ColumnRequest, ColumnType, TextBatch, TextFile, Values};
use prep_stream::spec::Dialect;

type Records = Vec<Vec<Vec<u8>>>;

/// The first byte chooses columns and dialect, the second one the cut; the rest is the text.
pub fn records_are_those_of_csv_core(data: &[u8]) {
    let [shape, cut, body @ ..] = data else {
        return;
    };
    let columns = usize::from(1 + shape % 3);
    let dialect = Dialect {
        comment: (shape & 4 != 0).then_some(b'#'),
        record_bytes_max: if shape & 8 != 0 { 40 } else { 16 << 20 },
        ..Dialect::default()
    };
    let mut text = vec!["h"; columns].join(",").into_bytes();
    text.push(b'\n');
    text.extend_from_slice(body);
    let range = u64::from(cut % 64) + 1;
    let (whole, in_ranges, in_segments) = super::with_file(&text, |path| {
        let read = |records: &dyn Fn(&TextFile, &[ColumnRequest]) -> Result<Records>| {
            let file = TextFile::open(path, &dialect).map_err(|error| error.to_string())?;
            let requests = vec![ColumnRequest::As(ColumnType::Text); columns];
            records(&file, &requests).map_err(|error| error.to_string())
        };
        (
            read(&|file, requests| records_in_ranges(file, requests, 1 << 20)),
            read(&|file, requests| records_in_ranges(file, requests, range)),
            read(&|file, requests| records_in_segments(file, requests, range)),
        )
    });
    assert_eq!(in_ranges, whole, "cut every {range} bytes");
    assert_eq!(in_segments, whole, "in segments of {range} bytes");
    if let Ok(found) = whole
        && is_for_the_oracle(&text, dialect.comment)
    {
        assert_eq!(found, oracle(&text, dialect.comment));
    }
}

fn records_in_ranges(file: &TextFile, requests: &[ColumnRequest], bytes: u64) -> Result<Records> {
    let summaries = file.ranges(bytes).into_iter().map(|range| file.scan(range));
    let stitched = file.stitch(&summaries.collect::<Result<Vec<_>>>()?);
    let mut records = Records::new();
    for unit in &stitched.units {
        assert_eq!(unit.first_row, records.len() as u64);
        append(&mut records, &file.parse(unit, requests)?);
    }
    assert_eq!(stitched.rows, records.len() as u64);
    Ok(records)
}

fn records_in_segments(file: &TextFile, requests: &[ColumnRequest], bytes: u64) -> Result<Records> {
    let mut records = Records::new();
    let bytes = usize::try_from(bytes).expect("small");
    file.parse_stream(requests, bytes, |batch| {
        append(&mut records, &batch);
        Ok(())
    })?;
    Ok(records)
}

fn append(records: &mut Records, batch: &TextBatch) {
    let columns = batch.columns.iter().map(|column| match &column.values {
        Values::Text(values) => values.iter().collect::<Vec<_>>(),
        other => panic!("text was asked for: {other:?}"),
    });
    let columns: Vec<_> = columns.collect();
    for row in 0..batch.rows {
        let record = columns.iter().map(|column| column[row].to_vec());
        records.push(record.collect());
    }
}

/// The oracle ends comments at line feeds only, and none at the end of the text.
fn is_for_the_oracle(text: &[u8], comment: Option<u8>) -> bool {
    comment.is_none() || (!text.contains(&b'\r') && text.ends_with(b"\n"))
}

/// The records behind the header, by another parser.
fn oracle(text: &[u8], comment: Option<u8>) -> Records {
    let mut reader = csv_core::ReaderBuilder::new().comment(comment).build();
    let (mut output, mut ends) = (vec![0; text.len() + 16], vec![0; text.len() + 16]);
    let (mut input, mut records) = (text, Records::new());
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
            csv_core::ReadRecordResult::End => {
                records.remove(0);
                return records;
            }
            full => panic!("its buffers are as long as the text: {full:?}"),
        }
    }
}
