//! What is read flat is what the reader of leaves reads, in whatever steps; what that refuses is refused.

#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of tests are small"
)]

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding};
use parquet::data_type::{AsBytes, ByteArray, ByteArrayType, DataType, DoubleType, Int32Type};
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::*;
use crate::engine::{Memory, resident_memory_bytes};
use crate::source::parquet::LeafReader;

/// What a file is written with.
#[derive(Debug, Clone, Copy)]
struct Written {
    declared: &'static str,
    version: WriterVersion,
    /// `None`: a dictionary while it is short.
    encoding: Option<Encoding>,
}

fn write<T: DataType>(path: &Path, written: Written, values: &[T::T], levels: Option<&[i16]>) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_writer_version(written.version)
        .set_dictionary_enabled(written.encoding.is_none())
        .set_dictionary_page_size_limit(2000)
        .set_data_page_row_count_limit(700)
        .set_write_batch_size(50);
    let properties = match written.encoding {
        Some(encoding) => properties.set_encoding(encoding),
        None => properties,
    };
    let root = parse_message_type(&format!("message m {{ {}; }}", written.declared)).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let properties = Arc::new(properties.build());
    let mut writer = SerializedFileWriter::new(file, Arc::new(root), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let typed = column.typed::<T>();
    typed.write_batch(values, levels, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

fn opened(path: &Path) -> ParquetFile {
    let memory = Memory::new(resident_memory_bytes() + (200 << 20), 1);
    memory.share_out(0, 0);
    ParquetFile::open(path, &memory).unwrap()
}

/// What is in a run, as bytes, and its levels if some have no value.
fn content(run: &FlatRun, width: ValueWidth) -> (Vec<Vec<u8>>, Vec<i16>) {
    let own = |stored: &[u8]| width.content(stored).to_vec();
    match &run.values {
        FlatValues::Codes(entries) => {
            let codes = run.codes.values.iter();
            let values = codes.map(|code| entries.content(*code as usize).to_vec());
            (values.collect(), run.codes.definition.clone())
        }
        FlatValues::Strings => {
            let values = run.spans.values.iter().map(|span| own(run.stored(*span)));
            (values.collect(), run.spans.definition.clone())
        }
        FlatValues::Numbers => {
            let ValueWidth::Fixed(length) = width else {
                panic!("strings are no numbers")
            };
            let values = run.bytes.chunks(length).map(own);
            (values.collect(), run.definition.clone())
        }
    }
}

/// Reads and passes over rows in steps, with both readers.
fn compare<T: DataType>(
    file: &ParquetFile,
    rows: usize,
    (steps, may_be_other): (&[(bool, usize)], bool),
) -> std::result::Result<(), TestCaseError> {
    for by_pages in [false, true] {
        let file = if by_pages { &file.by_pages() } else { file };
        let Some(mut flat) = FlatReader::open(file, 0, 0).unwrap() else {
            prop_assert!(may_be_other);
            return Ok(());
        };
        let mut leaf = LeafReader::<T>::open(file, 0, 0).unwrap();
        let (mut run, mut expected) = (FlatRun::default(), LeafRun::default());
        let (mut left, mut turn) = (rows, 0);
        while left > 0 {
            let (skips, step) = steps[turn % steps.len()];
            let mut step = step.min(left);
            if skips {
                flat.skip(step).unwrap();
                leaf.skip(step).unwrap();
            } else {
                step = flat.read_some(step, &mut run).unwrap();
                leaf.read(step, &mut expected).unwrap();
                let (values, levels) = content(&run, flat.width);
                let wanted = expected
                    .values
                    .iter()
                    .map(|value| value.as_bytes().to_vec());
                prop_assert_eq!(values, wanted.collect::<Vec<_>>());
                if !levels.is_empty() || expected.values.len() < step {
                    prop_assert_eq!(&levels, &expected.definition);
                }
            }
            (left, turn) = (left - step, turn + 1);
        }
        flat.finish().unwrap();
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn rows_are_those_that_the_reader_of_leaves_reads(
        runs in prop::collection::vec((1_usize..2500, prop::sample::select(vec![1_u32, 3, 90, 5000]), prop::sample::select(vec![1_usize, 3, 100])), 1..4),
        steps in prop::collection::vec((prop::bool::weighted(0.3), 1_usize..1500), 1..6),
        version in prop::sample::select(vec![WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]),
        plain in any::<bool>(),
        optional in any::<bool>(),
    ) {
        let slots: Vec<Option<u32>> = runs
            .iter()
            .flat_map(|(length, different, gap)| (0..*length as u32).map(move |slot| {
                (!optional || *gap == 1 || !(slot as usize).is_multiple_of(*gap)).then_some(slot.wrapping_mul(2_654_435_761) % different)
            }))
            .collect();
        let levels: Vec<i16> = slots.iter().map(|slot| i16::from(slot.is_some())).collect();
        let levels = optional.then_some(&levels[..]);
        let there: Vec<u32> = slots.iter().flatten().copied().collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let encoding = plain.then_some(Encoding::PLAIN);
        // Values that don't fit its dictionary are delta-encoded by version 2.
        let may_be_other = !plain && version == WriterVersion::PARQUET_2_0;
        let written = |declared| Written { declared, version, encoding };

        let strings: Vec<ByteArray> = there.iter().map(|n| ByteArray::from(n.to_string().repeat(*n as usize % 5).into_bytes())).collect();
        write::<ByteArrayType>(&path, written(if optional { "optional byte_array x (utf8)" } else { "required byte_array x (utf8)" }), &strings, levels);
        compare::<ByteArrayType>(&opened(&path), slots.len(), (&steps, may_be_other))?;
        let numbers: Vec<i32> = there.iter().map(|n| n.cast_signed().wrapping_mul(-7)).collect();
        write::<Int32Type>(&path, written(if optional { "optional int32 x" } else { "required int32 x" }), &numbers, levels);
        compare::<Int32Type>(&opened(&path), slots.len(), (&steps, may_be_other))?;
        let numbers: Vec<f64> = there.iter().map(|n| f64::from(*n) / 3.0).collect();
        write::<DoubleType>(&path, written(if optional { "optional double x" } else { "required double x" }), &numbers, levels);
        compare::<DoubleType>(&opened(&path), slots.len(), (&steps, may_be_other))?;
    }

    #[test]
    fn damaged_values_are_an_error_and_never_a_panic(at in 0.0..1.0, byte in any::<u8>(), optional in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let values: Vec<ByteArray> = (0..3000_u32).map(|n| ByteArray::from((n % 900).to_string().into_bytes())).collect();
        let levels = vec![1; values.len()];
        let declared = if optional { "optional byte_array x (utf8)" } else { "required byte_array x (utf8)" };
        let written = Written { declared, version: WriterVersion::PARQUET_1_0, encoding: None };
        write::<ByteArrayType>(&path, written, &values, optional.then_some(&levels));
        let mut bytes = std::fs::read(&path).unwrap();
        let chunk = opened(&path).metadata().row_group(0).column(0).byte_range();
        let place = chunk.0 as usize + (chunk.1 as f64 * at) as usize;
        bytes[place] = byte;
        std::fs::write(&path, bytes).unwrap();
        let Ok(Some(mut reader)) = FlatReader::open(&opened(&path), 0, 0) else {
            return Ok(());
        };
        let mut run = FlatRun::default();
        let mut rows = 0;
        while rows < 3000 {
            match reader.read_some(3000 - rows, &mut run) {
                Ok(read) => rows += read,
                Err(_) => return Ok(()),
            }
        }
    }
}

#[test]
fn other_encodings_are_left_to_the_other_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let values: Vec<i32> = (0..3000).collect();
    for encoding in [Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT] {
        let written = Written {
            declared: "required int32 x",
            version: WriterVersion::PARQUET_1_0,
            encoding: Some(encoding),
        };
        write::<Int32Type>(&path, written, &values, None);
        assert!(FlatReader::open(&opened(&path), 0, 0).unwrap().is_none());
    }
}

#[test]
fn only_strings_that_a_row_has_must_be_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let written = |encoding| Written {
        declared: "required byte_array x",
        version: WriterVersion::PARQUET_1_0,
        encoding,
    };
    let values: Vec<ByteArray> = ["é".as_bytes(), b"plain", &[0xc3]]
        .map(|value| ByteArray::from(value.to_vec()))
        .into();
    for encoding in [None, Some(Encoding::PLAIN)] {
        write::<ByteArrayType>(&path, written(encoding), &values, None);
        let file = opened(&path);
        let mut reader = FlatReader::open(&file, 0, 0).unwrap().unwrap();
        let mut run = FlatRun::default();
        assert_eq!(reader.read_some(2, &mut run).unwrap(), 2);
        reader.check_text(&run).unwrap();
        assert_eq!(reader.read_some(1, &mut run).unwrap(), 1);
        assert!(reader.check_text(&run).is_err());
    }
}
