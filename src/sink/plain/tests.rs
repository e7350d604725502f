//! What is written comes out of the reader of the Parquet crate as it went in.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::DoubleType;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::super::buffers::BufferPool;
use super::*;

/// A file of one column, written in slices of these lengths.
fn file(slots: &[Option<f64>], slices: &[usize], codec: Compression, pool: &BufferPool) -> Bytes {
    let repetition = if slots.iter().all(Option::is_some) && slices.len().is_multiple_of(2) {
        "required"
    } else {
        "optional"
    };
    let root = parse_message_type(&format!("message m {{ {repetition} double x; }}")).unwrap();
    let properties = WriterProperties::builder().set_compression(codec).build();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(root), Arc::new(properties)).unwrap();
    let mut sink = TrackedWrite::new(Vec::new());
    let pages = Box::new(SerializedPageWriter::new(&mut sink));
    let mut column = PlainWriter::new(writer.schema_descr().column(0), pages, pool).unwrap();
    let column_writer = column.as_mut().ok().unwrap();
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
        column_writer.write(&values, 8, levels).unwrap();
        rest = after;
    }
    let close = column.ok().unwrap().close().unwrap();
    let bytes = Bytes::from(sink.into_inner().unwrap());
    let mut group = writer.next_row_group().unwrap();
    group.append_column(&bytes, close).unwrap();
    group.close().unwrap();
    Bytes::from(writer.into_inner().unwrap())
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
        let first = file(&slots, &slices, codec, &pool);
        prop_assert_eq!(&read(first.clone(), slots.len()), &(slots.clone(), slots.len().div_ceil(PAGE_ROWS)));
        // Other slices and used buffers: the same bytes.
        let parity = vec![slices[0] / 2 + 1; slices.len()];
        prop_assert_eq!(file(&slots, &parity, codec, &pool), first);
    }
}

#[test]
fn other_codecs_are_left_to_others() {
    let pool = BufferPool::new(Compression::LZ4_RAW);
    assert!(pool.take().unwrap().is_none());
}
