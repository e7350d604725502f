//! What is written comes out of the reader of the Parquet crate as it went in.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::DoubleType;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;
use proptest::prelude::*;

use super::super::SpoolPlace;
use super::super::buffers::BufferPool;
use super::super::file_writer::FileWriter;
use super::super::shard::EncodedColumn;
use super::*;
use crate::engine::{Memory, resident_memory_bytes};

/// A file of one column, written in slices of these lengths, in memory or where there is none.
fn file(slots: &[Option<f64>], slices: &[usize], (pool, budget): (&BufferPool, u64)) -> Bytes {
    let repetition = if slots.iter().all(Option::is_some) && slices.len().is_multiple_of(2) {
        "required"
    } else {
        "optional"
    };
    let root = parse_message_type(&format!("message m {{ {repetition} double x; }}")).unwrap();
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(root)));
    let directory = tempfile::tempdir().unwrap();
    let memory = Memory::new(budget, 1);
    memory.share_out(0, 0);
    let place = SpoolPlace {
        memory: &memory,
        directory: directory.path(),
    };
    let mut spool = Spool::new(place, &Arc::default());
    let buffers = (pool, pool.take().unwrap().unwrap());
    let mut column = PlainWriter::new(schema.column(0), &mut spool, buffers);
    let (mut rest, mut lengths) = (slots, slices.iter().cycle());
    while !rest.is_empty() {
        let (slice, after) = rest.split_at((*lengths.next().unwrap()).min(rest.len()));
        let values: Vec<u8> = slice
            .iter()
            .flatten()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let levels: Vec<i16> = slice.iter().map(|x| i16::from(x.is_some())).collect();
        let all = levels.iter().all(|level| *level == 1);
        let levels = (!all || values.len().is_multiple_of(3)).then_some(&levels[..]);
        column.write(&values, 8, levels).unwrap();
        rest = after;
    }
    let close = column.close().unwrap();
    let bytes = spool.finish();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = FileWriter::new(Vec::new(), &schema, &properties).unwrap();
    let mut group = writer.begin_group();
    writer
        .append(&mut group, EncodedColumn { bytes, close })
        .unwrap();
    assert_eq!(writer.end_group(group).unwrap(), slots.len() as u64);
    Bytes::from(writer.finish().unwrap())
}

fn read(file: Bytes, slots: usize) -> (Vec<Option<f64>>, usize) {
    let file = SerializedFileReader::new(file).unwrap();
    let group = file.get_row_group(0).unwrap();
    let pages = group.get_column_page_reader(0).unwrap().count();
    let mut column = get_typed_column_reader::<DoubleType>(group.get_column_reader(0).unwrap());
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    column
        .read_records(slots, Some(&mut levels), None, &mut values)
        .unwrap();
    if levels.is_empty() {
        return (values.into_iter().map(Some).collect(), pages);
    }
    let mut values = values.into_iter();
    let slots = levels
        .iter()
        .map(|level| (*level == 1).then(|| values.next().unwrap()));
    (slots.collect(), pages)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn slots_come_out_as_they_went_in_whatever_the_slices(
        runs in prop::collection::vec((1_usize..90_000, prop::sample::select(vec![1_usize, 2, 7, 99_999])), 1..5),
        slices in prop::collection::vec(1_usize..70_000, 1..4),
        codec in prop::sample::select(vec![
            Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default()),
        ]),
    ) {
        // Runs in which every slot is there, or every second or seventh is missing, or hardly any.
        let slots: Vec<Option<f64>> = runs
            .iter()
            .flat_map(|(length, gap)| {
                (0..*length).map(move |slot| (*gap == 1 || slot % gap > 0).then_some(slot as f64 * 0.1))
            })
            .collect();
        let pool = BufferPool::new(codec);
        let much = resident_memory_bytes() + (1 << 30);
        let first = file(&slots, &slices, (&pool, much));
        prop_assert_eq!(&read(first.clone(), slots.len()), &(slots.clone(), slots.len().div_ceil(PAGE_ROWS)));
        // Other slices and used buffers, and no memory: the same bytes.
        let parity = vec![slices[0] / 2 + 1; slices.len()];
        prop_assert_eq!(&file(&slots, &parity, (&pool, much)), &first);
        prop_assert_eq!(file(&slots, &parity, (&pool, 0)), first);
    }
}

#[test]
fn other_codecs_are_left_to_others() {
    let pool = BufferPool::new(Compression::LZ4_RAW);
    assert!(pool.take().unwrap().is_none());
}
