//! Cache files are read back with the reader that the passes use.

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::*;
use crate::source::text::{ColumnRequest, TextFile};
use crate::spec::Dialect;

/// A column as text: type, repetition and each row's value.
fn read(path: &Path, column: usize) -> (PhysicalType, Repetition, Vec<String>) {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let schema = reader
        .metadata()
        .file_metadata()
        .schema_descr()
        .column(column);
    let levels = schema.max_def_level();
    let mut cells = Vec::new();
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).unwrap();
        let rows = usize::try_from(group.metadata().num_rows()).unwrap();
        cells.extend(match group.get_column_reader(column).unwrap() {
            ColumnReader::Int64ColumnReader(mut reader) => {
                read_cells(&mut reader, rows, levels, ToString::to_string)
            }
            ColumnReader::DoubleColumnReader(mut reader) => {
                read_cells(&mut reader, rows, levels, |value| format!("{value:?}"))
            }
            ColumnReader::ByteArrayColumnReader(mut reader) => {
                read_cells(&mut reader, rows, levels, |value| {
                    format!("{:?}", value.as_utf8().unwrap())
                })
            }
            _ => panic!("type of column {column}"),
        });
    }
    let repetition = if levels == 1 {
        Repetition::OPTIONAL
    } else {
        Repetition::REQUIRED
    };
    (schema.physical_type(), repetition, cells)
}

fn read_cells<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    levels: i16,
    show: impl Fn(&T::T) -> String,
) -> Vec<String> {
    let (mut values, mut def_levels) = (Vec::new(), Vec::new());
    let (read, ..) = reader
        .read_records(rows, Some(&mut def_levels), None, &mut values)
        .unwrap();
    assert_eq!(read, rows);
    let mut values = values.iter().map(show);
    if levels == 0 {
        return values.collect();
    }
    def_levels
        .iter()
        .map(|level| {
            if *level == 1 {
                values.next().unwrap()
            } else {
                "-".to_owned()
            }
        })
        .collect()
}

/// Parses a text and writes its cache with row groups of `block_rows` rows.
fn cache(
    text: &str,
    requests: &[ColumnRequest],
    settled: &[ColumnType],
    block_rows: usize,
) -> (tempfile::TempDir, std::path::PathBuf, CacheFile) {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("a.csv");
    std::fs::write(&source, text).unwrap();
    let file = TextFile::open(&source, &Dialect::default()).unwrap();
    let summaries: Vec<_> = file
        .ranges(1 << 20)
        .into_iter()
        .map(|range| file.scan(range).unwrap())
        .collect();
    let batch = file
        .parse(&file.stitch(&summaries).units[0], requests)
        .unwrap();
    let path = directory.path().join("cache.parquet");
    let written = write_cache(&path, &file.header().names, &batch, settled, block_rows).unwrap();
    (directory, path, written)
}

const TEXT: &str = "i,f,t,n,b\n1,1.5,a,NA,\nNA,2.5,\"b,\",,\n3,3.5,NA,,\n";

#[test]
fn every_type_reads_back() {
    let (_directory, path, written) = cache(TEXT, &[], &[], 2);
    assert_eq!((written.rows, written.row_groups), (3, 2));
    assert_eq!(
        written.written.bytes,
        std::fs::metadata(&path).unwrap().len()
    );
    let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let (optional, required) = (Repetition::OPTIONAL, Repetition::REQUIRED);
    for (column, expected) in [
        (PhysicalType::INT64, optional, cells(["1", "-", "3"])),
        (PhysicalType::DOUBLE, required, cells(["1.5", "2.5", "3.5"])),
        (
            PhysicalType::BYTE_ARRAY,
            required,
            cells(["\"a\"", "\"b,\"", "\"NA\""]),
        ),
        (PhysicalType::DOUBLE, optional, cells(["-", "-", "-"])),
        (PhysicalType::DOUBLE, optional, cells(["-", "-", "-"])),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(read(&path, column), expected);
    }
}

#[test]
fn settled_types_widen_integers_and_name_the_type_of_nothing() {
    use ColumnType::{Float64, Int64, Text};
    let (_directory, path, _) = cache(TEXT, &[], &[Float64, Float64, Text, Int64, Text], 4096);
    let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let (optional, required) = (Repetition::OPTIONAL, Repetition::REQUIRED);
    assert_eq!(
        read(&path, 0),
        (PhysicalType::DOUBLE, optional, cells(["1.0", "-", "3.0"]))
    );
    assert_eq!(
        read(&path, 3),
        (PhysicalType::INT64, optional, cells(["-", "-", "-"]))
    );
    let blank = cells(["\"\"", "\"\"", "\"\""]);
    assert_eq!(read(&path, 4), (PhysicalType::BYTE_ARRAY, required, blank));
}

#[test]
fn columns_that_were_skipped_are_not_in_the_file() {
    let requests = [ColumnRequest::Skip, ColumnRequest::As(ColumnType::Text)];
    let (_directory, path, _) = cache(TEXT, &requests, &[], 4096);
    let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<&str> = schema
        .columns()
        .iter()
        .map(|column| column.name())
        .collect();
    assert_eq!(names, ["f", "t", "n", "b"]);
    let cells = ["\"1.5\"", "\"2.5\"", "\"3.5\""]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(read(&path, 0).2, cells);
}

#[test]
fn a_column_read_again_takes_its_own_place_and_leaves_the_others_as_they_were() {
    let lines: Vec<String> = (0..10_000)
        .map(|row| format!("{row},0{row},x{row}"))
        .collect();
    let text = format!("i,z,t\n{}\n", lines.join("\n"));
    let (directory, old, _) = cache(&text, &[], &[], 4096);
    let file = TextFile::open(&directory.path().join("a.csv"), &Dialect::default()).unwrap();
    let (skip, again) = (ColumnRequest::Skip, ColumnRequest::As(ColumnType::Text));
    let mut segments = file.segments(1 << 20).unwrap();
    let segment = segments.next_segment().unwrap().unwrap();
    let batch = file.parse_segment(&segment, &[skip, again, skip]).unwrap();
    let path = directory.path().join("again.parquet");
    let settled = [ColumnType::Null, ColumnType::Text, ColumnType::Null];
    let written = rewrite_cache(&path, &old, &file.header().names, &batch, &settled).unwrap();
    assert_eq!((written.rows, written.row_groups), (10_000, 3));
    let expected: Vec<String> = (0..10_000).map(|row| format!("\"0{row}\"")).collect();
    let type_of_text = PhysicalType::BYTE_ARRAY;
    assert_eq!(
        read(&path, 1),
        (type_of_text, Repetition::REQUIRED, expected)
    );
    for column in [0, 2] {
        assert_eq!(read(&path, column), read(&old, column));
    }
}

#[test]
fn many_rows_keep_their_order_over_steps_and_row_groups() {
    let cell = |row: u32| {
        if row.is_multiple_of(7) {
            String::new()
        } else {
            format!("{}", row * 3)
        }
    };
    let lines: Vec<String> = (0..20_000)
        .map(|row| format!("{},x{row}", cell(row)))
        .collect();
    let text = format!("n,t\n{}\n", lines.join("\n"));
    let (_directory, path, written) = cache(&text, &[], &[], 8192);
    assert_eq!((written.rows, written.row_groups), (20_000, 3));
    let expected: Vec<String> = (0..20_000)
        .map(cell)
        .map(|cell| {
            if cell.is_empty() {
                "-".to_owned()
            } else {
                cell
            }
        })
        .collect();
    assert_eq!(read(&path, 0).2, expected);
    let expected: Vec<String> = (0..20_000).map(|row| format!("\"x{row}\"")).collect();
    assert_eq!(read(&path, 1).2, expected);
}

#[test]
fn a_cache_that_cannot_be_written_names_its_path() {
    let batch = TextBatch {
        first_row: 0,
        rows: 0,
        columns: Vec::new(),
        source_bytes: 0,
        source_digest: 0,
    };
    let error = write_cache("/nowhere/cache".as_ref(), &[], &batch, &[], 1).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert!(error.to_string().contains("/nowhere/cache"), "{error}");
}
