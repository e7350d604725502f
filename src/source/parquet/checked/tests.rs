//! Values come out as they went in, whatever codec, version of pages and encoding, read or skipped.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::engine::{Memory, resident_memory_bytes};
use crate::source::parquet::{LeafReader, LeafRun, ParquetFile};

const ROWS: usize = 5000;

/// Every third is null; neighbours share their beginnings.
fn strings() -> Vec<Option<String>> {
    let text = |row: usize| format!("{}-{}", "shared".repeat(row % 5), row / 7);
    (0..ROWS)
        .map(|row| (row % 3 != 0).then(|| text(row)))
        .collect()
}

fn write(path: &Path, codec: Compression, version: WriterVersion, encoding: Option<Encoding>) {
    let properties = WriterProperties::builder()
        .set_compression(codec)
        .set_writer_version(version)
        .set_dictionary_enabled(encoding.is_none())
        .set_data_page_row_count_limit(900)
        .set_write_batch_size(100);
    let properties = match encoding {
        Some(encoding) => properties.set_encoding(encoding),
        None => properties,
    };
    let root = parse_message_type("message m { optional binary x (UTF8); }").unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(root), properties.build().into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<ByteArray> = strings()
        .iter()
        .flatten()
        .map(|text| text.as_str().into())
        .collect();
    let levels: Vec<i16> = strings()
        .iter()
        .map(|text| i16::from(text.is_some()))
        .collect();
    let typed = column.typed::<ByteArrayType>();
    typed.write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn strings_come_out_as_they_went_in() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    let memory = Memory::new(resident_memory_bytes() + (200 << 20), 1);
    memory.share_out(0, 0);
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::LZ4,
    ];
    let encodings = [
        None,
        Some(Encoding::PLAIN),
        Some(Encoding::DELTA_LENGTH_BYTE_ARRAY),
        Some(Encoding::DELTA_BYTE_ARRAY),
    ];
    let expected = strings();
    for codec in codecs {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for encoding in encodings {
                write(&path, codec, version, encoding);
                let file = ParquetFile::open(&path, &memory).unwrap();
                for skip in [0, 1, 899, 900, 2750, ROWS - 1] {
                    let mut reader = LeafReader::<ByteArrayType>::open(&file, 0, 0).unwrap();
                    reader.skip(skip).unwrap();
                    let mut at = skip;
                    while at < ROWS {
                        let mut run = LeafRun::default();
                        let rows = reader.read_some(ROWS - at, &mut run).unwrap();
                        let mut values = run.values.iter();
                        for level in &run.definition {
                            let found = (*level == 1).then(|| values.next().unwrap());
                            let found = found.map(|value| value.as_utf8().unwrap());
                            assert_eq!(found, expected[at].as_deref(), "{codec} {encoding:?}");
                            at += 1;
                        }
                        assert_eq!(run.definition.len(), rows);
                    }
                    reader.finish().unwrap();
                }
            }
        }
    }
}

/// So many lists, of these lengths.
fn write_lists(path: &Path, rows: i64, length: impl Fn(i64) -> i64) {
    let schema = "message m { optional group x (LIST) {
        repeated group list { optional int64 element; } } }";
    let root = parse_message_type(schema).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let properties = WriterProperties::builder().set_data_page_row_count_limit(700);
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(root), properties.build().into()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..rows {
        let length = length(row);
        repetition.push(0);
        definition.push(if length == 0 { 1 } else { 3 });
        repetition.extend((1..length).map(|_| 1));
        definition.extend((1..length).map(|_| 3));
        values.extend(0..length);
    }
    let typed = column.typed::<Int64Type>();
    typed
        .write_batch(&values, Some(&definition), Some(&repetition))
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

/// Rows and slots of each run, within a budget of so many bytes.
fn runs(path: &Path, budget: u64) -> crate::error::Result<Vec<(usize, usize)>> {
    let memory = Memory::new(budget, 1);
    memory.share_out(0, 0);
    let file = ParquetFile::open(path, &memory)?;
    let mut reader = LeafReader::<Int64Type>::open(&file, 0, 0)?;
    let (mut runs, mut rest) = (Vec::new(), 20_000);
    while rest > 0 {
        let mut run = LeafRun::default();
        let rows = reader.read_some(rest, &mut run)?;
        runs.push((rows, run.repetition.len()));
        rest -= rows;
    }
    reader.finish()?;
    Ok(runs)
}

#[test]
fn lists_are_read_in_the_same_runs_within_any_budget_that_holds_the_longest() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    // One of 200,000 numbers, the others of up to 20.
    write_lists(&path, 20_000, |row| match row {
        7000 => 200_000,
        _ => row % 21,
    });
    let reference = runs(&path, 1 << 40).unwrap();
    assert!(reference.len() > 3, "{reference:?}");
    let slots: usize = reference.iter().map(|(_, slots)| slots).sum();
    assert_eq!(
        slots,
        200_000 - 7000 % 21 + (0..20_000).map(|row| (row % 21).max(1)).sum::<usize>()
    );
    // Other tests use memory, too.
    let small = resident_memory_bytes() + (300 << 20);
    assert_eq!(runs(&path, small).unwrap(), reference);
    assert_eq!(runs(&path, 1).unwrap_err().exit_code(), 6);
}

#[test]
fn rows_that_are_passed_over_take_no_memory_whatever_they_hold() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.parquet");
    // 60 MB as they are read.
    write_lists(&path, 1000, |_| 5000);
    // Just enough for pages.
    let memory = Memory::new(1 << 40, 1);
    memory.assign(1, 4 << 20);
    let file = ParquetFile::open(&path, &memory).unwrap();
    let mut reader = LeafReader::<Int64Type>::open(&file, 0, 0).unwrap();
    reader.skip(998).unwrap();
    let mut run = LeafRun::default();
    assert_eq!(reader.read_some(2, &mut run).unwrap(), 2);
    assert_eq!(run.values.len(), 10_000);
    reader.finish().unwrap();
}
