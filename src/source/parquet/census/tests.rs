//! The count against the decoder, and footers that claim what they don't have.

use std::sync::Arc;

use bytes::Bytes;
use parquet::data_type::{ByteArrayType, DoubleType};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::*;
use crate::source::parquet::footer::decode;

/// A file of empty row groups, columns of two types in turn.
fn file(columns: usize, groups: usize) -> Bytes {
    let column = |index: usize| match index % 2 {
        0 => format!("required double a_column_of_numbers_{index};"),
        _ => format!("optional group s{index} {{ optional binary text (UTF8); }}"),
    };
    let columns: String = (0..columns).map(column).collect();
    let root = Arc::new(parse_message_type(&format!("message m {{ {columns} }}")).unwrap());
    let properties = WriterProperties::builder().build();
    let mut writer = SerializedFileWriter::new(Vec::new(), root, properties.into()).unwrap();
    for _ in 0..groups {
        let mut group = writer.next_row_group().unwrap();
        let mut index = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            match index % 2 {
                0 => column.typed::<DoubleType>().write_batch(&[1.0], None, None),
                _ => column.typed::<ByteArrayType>().write_batch(
                    &["a string that is in the statistics".into()],
                    Some(&[2]),
                    None,
                ),
            }
            .unwrap();
            column.close().unwrap();
            index += 1;
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap().into()
}

fn footer(file: &Bytes) -> Bytes {
    let tail = file.len() - 8;
    let length = u32::from_le_bytes(file[tail..tail + 4].try_into().unwrap());
    file.slice(tail - length as usize..tail)
}

#[test]
fn what_a_footer_takes_is_known_before_it_is_decoded() {
    for (columns, groups) in [(1, 1), (1, 3000), (40, 50), (3000, 1), (1000, 3)] {
        let file = file(columns, groups);
        let bytes = footer(&file);
        let census = Census::of(&bytes).unwrap();
        assert_eq!(
            (census.groups, census.chunks),
            (groups as u64, (groups * columns) as u64)
        );
        let metadata: ParquetMetaData = decode(&file).unwrap();
        let (counted, taken) = (
            census.memory_bytes(bytes.len() as u64),
            metadata.memory_size() as u64,
        );
        assert!(
            taken <= counted,
            "{columns} x {groups}: {taken}, counted {counted}"
        );
        assert!(
            counted < 4 * taken,
            "{columns} x {groups}: {taken}, counted {counted}"
        );
    }
}

#[test]
fn a_footer_that_claims_more_than_it_has_is_found_out() {
    let whole = footer(&file(4, 2));
    for end in 0..whole.len() {
        assert_eq!(Census::of(&whole[..end]), Err(Unread::Short), "{end}");
    }
    // A schema of one element with two billion children, and one of a group in a group in a group.
    let children = [0x29, 0x1c, 0x55, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00];
    assert_eq!(Census::of(&children), Err(Unread::Damaged));
    let element = [0x55, 0x02, 0x00];
    let deep = [&[0x29, 0xfc, 0xc8, 0x01][..], &element.repeat(200), &[0x00]].concat();
    assert_eq!(Census::of(&deep), Err(Unread::Damaged));
    // A billion row groups.
    let groups = [0x49, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x03, 0x00];
    assert_eq!(Census::of(&groups), Err(Unread::Short));
}
