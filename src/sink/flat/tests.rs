//! What is written comes out of the reader of the Parquet crate as it went in, however it was given.

#![expect(
    clippy::cast_possible_truncation,
    reason = "numbers of tests are small"
)]

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::reader::get_typed_column_reader;
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{AsBytes, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;
use proptest::prelude::*;

use super::super::SpoolPlace;
use super::super::buffers::BufferPool;
use super::super::file_writer::FileWriter;
use super::super::shard::EncodedColumn;
use super::super::spool::Spool;
use super::*;
use crate::engine::{Memory, resident_memory_bytes};

/// A column and what its writer is told.
struct Column {
    /// As it is declared.
    declared: &'static str,
    is_feature: bool,
}

const STRINGS: Column = Column {
    declared: "byte_array x (utf8)",
    is_feature: false,
};
const INTEGERS: Column = Column {
    declared: "int64 x",
    is_feature: false,
};
const FEATURE: Column = Column {
    declared: "double x",
    is_feature: true,
};

fn schema_of(column: &Column, is_optional: bool) -> Arc<SchemaDescriptor> {
    let repetition = if is_optional { "optional" } else { "required" };
    let message = format!("message m {{ {repetition} {}; }}", column.declared);
    Arc::new(SchemaDescriptor::new(Arc::new(
        parse_message_type(&message).unwrap(),
    )))
}

/// A file of one column that `fill` writes, in memory or where there is none.
fn file(
    column: &Column,
    is_optional: bool,
    (pool, budget): (&BufferPool, u64),
    fill: impl FnOnce(&mut FlatWriter<'_>),
) -> Bytes {
    let schema = schema_of(column, is_optional);
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::new(budget, 1);
    memory.share_out(0, 0);
    let place = SpoolPlace {
        memory: &memory,
        directory: directory.path(),
    };
    let mut spool = Spool::new(place, &Arc::default());
    let shape = FlatShape::of(&schema.column(0), column.is_feature).unwrap();
    let buffers = (pool, pool.take().unwrap().unwrap());
    let sink = PageSink::new(schema.column(0), &mut spool, buffers);
    let mut writer = FlatWriter::new(sink, shape);
    fill(&mut writer);
    let close: ColumnCloseResult = writer.close().unwrap();
    let bytes = spool.finish();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = FileWriter::new(Vec::new(), &schema, &properties).unwrap();
    let mut group = writer.begin_group();
    let column = EncodedColumn { bytes, close };
    let mut bytes = writer.append(&mut group, column).unwrap();
    bytes.write_to(writer.out()).unwrap();
    writer.end_group(group).unwrap();
    Bytes::from(writer.finish().unwrap())
}

/// What a file holds, as bytes, and its metadata.
fn read<T: DataType>(file: Bytes, slots: usize) -> (Vec<Option<Vec<u8>>>, ColumnChunkMetaData) {
    let file = SerializedFileReader::new(file).unwrap();
    let group = file.get_row_group(0).unwrap();
    let mut column = get_typed_column_reader::<T>(group.get_column_reader(0).unwrap());
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    column
        .read_records(slots + 1, Some(&mut levels), None, &mut values)
        .unwrap();
    let metadata = file.metadata().row_group(0).column(0).clone();
    let mut values = values.iter().map(|value| value.as_bytes().to_vec());
    if metadata.column_descr().max_def_level() == 0 {
        return (values.map(Some).collect(), metadata);
    }
    let slots = levels.iter();
    let slots = slots.map(|level| (*level == 1).then(|| values.next().unwrap()));
    (slots.collect(), metadata)
}

/// The metadata of the same column as the Parquet crate writes it.
fn reference<T: DataType>(
    column: &Column,
    is_optional: bool,
    slots: &[Option<T::T>],
) -> ColumnChunkMetaData {
    let schema = schema_of(column, is_optional);
    let mut out = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut out, schema.root_schema_ptr(), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut chunk = group.next_column().unwrap().unwrap();
    let values: Vec<T::T> = slots.iter().flatten().cloned().collect();
    let levels: Vec<i16> = slots.iter().map(|slot| i16::from(slot.is_some())).collect();
    let typed = chunk.typed::<T>();
    typed
        .write_batch(&values, is_optional.then_some(&levels[..]), None)
        .unwrap();
    chunk.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let file = SerializedFileReader::new(Bytes::from(out)).unwrap();
    file.metadata().row_group(0).column(0).clone()
}

/// How values are given.
#[derive(Debug, Clone, Copy)]
enum Given {
    Codes,
    Stored,
    Typed,
}

fn stored(width: ValueWidth, value: &[u8]) -> Vec<u8> {
    match width {
        ValueWidth::Fixed(_) => value.to_vec(),
        ValueWidth::Strings => [&(value.len() as u32).to_le_bytes()[..], value].concat(),
    }
}

/// Gives slots to a writer in slices, each of them in one of the ways, in turn.
fn give(
    writer: &mut FlatWriter<'_>,
    slots: &[Option<Vec<u8>>],
    (lengths, ways): (&[usize], &[Given]),
) {
    let width = writer.width();
    let (mut rest, mut turn) = (slots, 0);
    while !rest.is_empty() {
        let (slice, after) = rest.split_at(lengths[turn % lengths.len()].min(rest.len()));
        let levels: Vec<i16> = slice.iter().map(|slot| i16::from(slot.is_some())).collect();
        let levels = levels.contains(&0).then_some(&levels[..]);
        let values: Vec<Vec<u8>> = slice.iter().flatten().map(|v| stored(width, v)).collect();
        match (ways[turn % ways.len()], width) {
            (Given::Codes, _) => {
                // A dictionary of its own, in which every third value is twice.
                let thirds = values.len().div_ceil(3);
                let page = values.iter().step_by(3).chain(&values).flatten();
                let page: Vec<u8> = page.copied().collect();
                let codes: Vec<u32> = (0..values.len())
                    .map(|at| if at % 6 == 0 { at / 3 } else { thirds + at })
                    .map(|code| code as u32)
                    .collect();
                let count = thirds + values.len();
                let entries = Entries::new(page.into(), width, count).unwrap();
                writer.forget_codes();
                writer.write_codes(&codes, &entries, levels).unwrap();
            }
            (Given::Stored, _) => {
                let values = values.iter().map(Vec::as_slice);
                writer.write_stored(values, levels).unwrap();
            }
            (Given::Typed, ValueWidth::Fixed(_)) => {
                writer.write_numbers(&values.concat(), levels).unwrap();
            }
            (Given::Typed, ValueWidth::Strings) => {
                let mut contents = values.iter().map(|value| &value[4..]);
                writer
                    .write_contents(values.len(), &mut contents, levels)
                    .unwrap();
            }
        }
        (rest, turn) = (after, turn + 1);
    }
}

/// Runs of slots: how many, how many different values, and every how many one is missing (1: none).
fn runs() -> impl Strategy<Value = Vec<(usize, u64, usize)>> {
    let run = (
        1_usize..90_000,
        prop::sample::select(vec![1_u64, 2, 300, 5_000, u64::MAX]),
        prop::sample::select(vec![1_usize, 2, 7, 99_999]),
    );
    prop::collection::vec(run, 1..4)
}

fn numbers(runs: &[(usize, u64, usize)]) -> Vec<Option<u64>> {
    let run = |(length, different, gap): &(usize, u64, usize)| {
        let (different, gap) = (*different, *gap);
        (0..*length).map(move |slot| {
            let mixed = (slot as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (gap == 1 || slot % gap > 0).then_some(mixed % different)
        })
    };
    runs.iter().flat_map(run).collect()
}

fn codecs() -> impl Strategy<Value = Compression> {
    prop::sample::select(vec![
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
    ])
}

/// Checks a column that passes through: the same bytes however it is given, what goes in comes out, and is put
/// down as the Parquet crate does.
fn check<T: DataType>(
    column: &Column,
    slots: &[Option<T::T>],
    lengths: &[usize],
    codec: Compression,
) -> Result<(), TestCaseError> {
    let is_optional = slots.iter().any(Option::is_none) || lengths.len().is_multiple_of(2);
    let contents: Vec<Option<Vec<u8>>> = slots
        .iter()
        .map(|slot| slot.as_ref().map(|value| value.as_bytes().to_vec()))
        .collect();
    let pool = BufferPool::new(codec);
    let much = resident_memory_bytes() + (1 << 30);
    let made = |ways: &[Given], lengths: &[usize], budget: u64| {
        file(column, is_optional, (&pool, budget), |writer| {
            give(writer, &contents, (lengths, ways));
        })
    };
    let first = made(&[Given::Codes], lengths, much);
    let (found, metadata) = read::<T>(first.clone(), slots.len());
    prop_assert!(found == contents);
    let expected = reference::<T>(column, is_optional, slots);
    prop_assert_eq!(metadata.statistics(), expected.statistics());
    prop_assert_eq!(
        metadata.definition_level_histogram(),
        expected.definition_level_histogram()
    );
    // Other slices, other ways and used buffers, and no memory: the same bytes.
    let other: Vec<usize> = lengths.iter().map(|length| length / 2 + 1).collect();
    prop_assert!(made(&[Given::Typed], &other, much) == first);
    prop_assert!(made(&[Given::Stored], &[usize::MAX], 0) == first);
    let mixed = [Given::Typed, Given::Codes, Given::Stored];
    prop_assert!(made(&mixed, &other, 0) == first);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn strings_come_out_as_they_went_in(
        runs in runs(),
        lengths in prop::collection::vec(1_usize..70_000, 1..4),
        longest in prop::sample::select(vec![0_usize, 3, 30, 100]),
        codec in codecs(),
    ) {
        let slots: Vec<Option<ByteArray>> = numbers(&runs)
            .into_iter()
            .map(|slot| slot.map(|number| {
                let mut text = "é".repeat(number as usize % (longest + 1));
                text.push_str(&number.to_string());
                ByteArray::from(text.into_bytes())
            }))
            .collect();
        check::<ByteArrayType>(&STRINGS, &slots, &lengths, codec)?;
    }

    #[test]
    fn integers_come_out_as_they_went_in(
        runs in runs(),
        lengths in prop::collection::vec(1_usize..70_000, 1..4),
        codec in codecs(),
    ) {
        let slots: Vec<Option<i64>> = numbers(&runs)
            .into_iter()
            .map(|slot| slot.map(|number| number.cast_signed().wrapping_mul(-3)))
            .collect();
        check::<Int64Type>(&INTEGERS, &slots, &lengths, codec)?;
    }

    #[test]
    fn features_come_out_as_they_went_in(
        runs in runs(),
        lengths in prop::collection::vec(1_usize..70_000, 1..4),
        codec in codecs(),
        way in prop::sample::select(vec![Given::Codes, Given::Typed]),
    ) {
        let slots: Vec<Option<Vec<u8>>> = numbers(&runs)
            .into_iter()
            .map(|slot| slot.map(|number| (number as f64 * 0.1).to_le_bytes().to_vec()))
            .collect();
        let is_optional = slots.contains(&None) || lengths.len().is_multiple_of(2);
        let pool = BufferPool::new(codec);
        let much = resident_memory_bytes() + (1 << 30);
        let made = |lengths: &[usize], budget: u64| {
            file(&FEATURE, is_optional, (&pool, budget), |writer| {
                give(writer, &slots, (lengths, &[way]));
            })
        };
        let first = made(&lengths, much);
        let (found, metadata) = read::<DoubleType>(first.clone(), slots.len());
        prop_assert!(found == slots);
        prop_assert_eq!(metadata.statistics(), None);
        prop_assert_eq!(&made(&lengths, 0), &first);
        if matches!(way, Given::Typed) {
            let other: Vec<usize> = lengths.iter().map(|length| length / 2 + 1).collect();
            prop_assert_eq!(made(&other, much), first);
            prop_assert!(metadata.encodings().all(|encoding| encoding != Encoding::RLE_DICTIONARY));
        }
    }
}

#[test]
fn a_feature_has_a_dictionary_if_its_values_came_with_a_short_one() {
    let pool = BufferPool::new(Compression::SNAPPY);
    let encoded = |different: usize| {
        let slots: Vec<Option<Vec<u8>>> = (0..5000)
            .map(|slot| Some(((slot % different) as f64).to_le_bytes().to_vec()))
            .collect();
        let entries = Entries::of_numbers(
            &slots[..different]
                .iter()
                .flatten()
                .flatten()
                .copied()
                .collect::<Vec<u8>>(),
            8,
        );
        let codes: Vec<u32> = (0..5000).map(|slot| (slot % different) as u32).collect();
        let bytes = file(&FEATURE, false, (&pool, 0), |writer| {
            writer.write_codes(&codes, &entries, None).unwrap();
        });
        let (found, metadata) = read::<DoubleType>(bytes, 5000);
        assert!(found == slots);
        metadata.dictionary_page_offset().is_some()
    };
    assert!(encoded(1) && encoded(FEATURE_ENTRIES_MAX));
    assert!(!encoded(FEATURE_ENTRIES_MAX + 1));
}

#[test]
fn a_dictionary_ends_before_it_is_longer_than_a_page() {
    let pool = BufferPool::new(Compression::UNCOMPRESSED);
    // As many as fit, some of them again, then others, and one that is longer than a page.
    let string = |number: usize| format!("{number:0>96}").into_bytes();
    let fitting = PAGE_BYTES_MAX / 100;
    let long = vec![b'x'; PAGE_BYTES_MAX + 7];
    let numbers = (0..fitting).chain(5..9).chain([fitting]).chain(0..30);
    let slots: Vec<Option<Vec<u8>>> = numbers
        .map(|n| Some(string(n)))
        .chain([Some(long)])
        .collect();
    let bytes = file(&STRINGS, false, (&pool, 0), |writer| {
        give(writer, &slots, (&[1000], &[Given::Stored]));
    });
    let (found, _) = read::<ByteArrayType>(bytes.clone(), slots.len());
    assert!(found == slots);
    let file = SerializedFileReader::new(bytes).unwrap();
    let group = file.get_row_group(0).unwrap();
    let pages = group.get_column_page_reader(0).unwrap();
    let pages = pages.map(|page| {
        let page = page.unwrap();
        (page.encoding(), page.num_values() as usize)
    });
    let expected = [
        (Encoding::PLAIN, fitting),
        (Encoding::RLE_DICTIONARY, fitting + 4),
        (Encoding::PLAIN, 1 + 30),
        (Encoding::PLAIN, 1),
    ];
    assert_eq!(pages.collect::<Vec<_>>(), expected);
}

#[test]
fn other_codecs_and_orders_are_left_to_others() {
    let pool = BufferPool::new(Compression::LZ4_RAW);
    assert!(pool.take().unwrap().is_none());
    for declared in [
        "int32 x (uint_32)",
        "float x",
        "int96 x",
        "fixed_len_byte_array(2) x",
        "boolean x",
    ] {
        let column = Column {
            declared,
            is_feature: false,
        };
        let schema = schema_of(&column, true);
        assert!(
            FlatShape::of(&schema.column(0), false).is_none(),
            "{declared}"
        );
    }
}
