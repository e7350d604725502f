//! Hand-made files that are far larger in memory than on disk: one clear error, and never more memory
//! than the process is allowed, here by a limit of the system.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;

use crate::harness::{Column, Run, Scratch, Table, normals};

/// What the process may allocate. The bombs want more, or their decoders would.
const LIMIT_KIB: u64 = 700 << 10;
const BOMB_BYTES: usize = 1 << 30;
const ROWS: u32 = 100;

/// A file of one column chunk with these pages.
struct Chunk<'a> {
    schema: &'a str,
    rows: u64,
    codec: Compression,
    /// Each with its size once decompressed, as the header says it.
    pages: Vec<(Page, usize)>,
}

impl Chunk<'_> {
    fn file(self) -> Vec<u8> {
        let root: TypePtr = Arc::new(parse_message_type(self.schema).expect("a bomb"));
        let mut file =
            SerializedFileWriter::new(Vec::new(), root, WriterProperties::builder().build().into())
                .expect("a bomb");
        let leaf = file.schema_descr().column(0);
        let mut sink = TrackedWrite::new(Vec::new());
        let mut writer = SerializedPageWriter::new(&mut sink);
        let (mut values, mut dictionary, mut data) = (0, None, None);
        for (page, size) in self.pages {
            let is_data = page.is_data_page();
            values += i64::from(page.num_values()) * i64::from(is_data);
            let written = writer
                .write_page(CompressedPage::new(page, size))
                .expect("a bomb");
            let start = if is_data { &mut data } else { &mut dictionary };
            start.get_or_insert(i64::try_from(written.offset).expect("a bomb"));
        }
        let bytes = Bytes::from(sink.into_inner().expect("a bomb"));
        let length = i64::try_from(bytes.len()).expect("a bomb");
        let metadata = ColumnChunkMetaData::builder(leaf)
            .set_compression(self.codec)
            .set_num_values(values)
            .set_total_compressed_size(length)
            .set_total_uncompressed_size(length)
            .set_data_page_offset(data.expect("a bomb"))
            .set_dictionary_page_offset(dictionary)
            .build()
            .expect("a bomb");
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: self.rows,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        let mut group = file.next_row_group().expect("a bomb");
        group.append_column(&bytes, close).expect("a bomb");
        group.close().expect("a bomb");
        file.into_inner().expect("a bomb")
    }
}

fn page(bytes: Vec<u8>, num_values: u32, encoding: Encoding) -> Page {
    Page::DataPage {
        buf: bytes.into(),
        num_values,
        encoding,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    }
}

/// A page of 100 numbers that decompresses to a gigabyte.
fn compressed_bomb(codec: Compression, bytes: Vec<u8>) -> Vec<u8> {
    let said = ROWS as usize * 8;
    Chunk {
        schema: "message m { required double x; }",
        rows: ROWS.into(),
        codec,
        pages: vec![(page(bytes, ROWS, Encoding::PLAIN), said)],
    }
    .file()
}

fn gzip() -> Vec<u8> {
    let mut part = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    part.write_all(&vec![0; BOMB_BYTES / 64]).expect("a bomb");
    part.finish().expect("a bomb").repeat(64)
}

fn brotli() -> Vec<u8> {
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, 64 << 10, 1, 22);
    let zeros = vec![0; BOMB_BYTES / 64];
    (0..64).for_each(|_| writer.write_all(&zeros).expect("a bomb"));
    drop(writer);
    packed
}

fn lz4_frame() -> Vec<u8> {
    let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
    let zeros = vec![0; BOMB_BYTES / 64];
    (0..64).for_each(|_| writer.write_all(&zeros).expect("a bomb"));
    writer.finish().expect("a bomb")
}

/// A number as Thrift and the encodings of Parquet write it.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("7 bits");
        value >>= 7;
        bytes.push(low | if value > 0 { 0x80 } else { 0 });
        if value == 0 {
            return bytes;
        }
    }
}

/// Two billion values of one dictionary, in a page of a few bytes.
fn dictionary(physical: &str) -> Vec<u8> {
    let dictionary = Page::DictionaryPage {
        buf: vec![0; 16].into(),
        num_values: i32::MAX.unsigned_abs(),
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    Chunk {
        schema: &format!("message m {{ required {physical} x; }}"),
        rows: ROWS.into(),
        codec: Compression::UNCOMPRESSED,
        pages: vec![
            (dictionary, 16),
            (page(vec![0, 200, 1, 0], ROWS, Encoding::RLE_DICTIONARY), 4),
        ],
    }
    .file()
}

/// A page whose header says 100 strings, and whose content says a trillion.
fn lengths(encoding: Encoding) -> Vec<u8> {
    let good = [varint(128), varint(4), varint(1), varint(0)].concat();
    let lying = [varint(128), varint(4), varint(1 << 40), varint(0)].concat();
    let bytes = match encoding {
        Encoding::DELTA_BYTE_ARRAY => [good, lying].concat(),
        _ => lying,
    };
    let size = bytes.len();
    Chunk {
        schema: "message m { required binary x (UTF8); }",
        rows: ROWS.into(),
        codec: Compression::UNCOMPRESSED,
        pages: vec![(page(bytes, ROWS, encoding), size)],
    }
    .file()
}

/// One row with two billion elements, all of them null.
fn one_row() -> Vec<u8> {
    let count = i32::MAX.unsigned_abs();
    let levels = |runs: &[(u32, u8)]| {
        let run =
            |(count, level): &(u32, u8)| [varint(u64::from(*count) << 1), vec![*level]].concat();
        let bytes: Vec<u8> = runs.iter().flat_map(run).collect();
        [
            u32::try_from(bytes.len())
                .expect("small")
                .to_le_bytes()
                .to_vec(),
            bytes,
        ]
        .concat()
    };
    let bytes = [levels(&[(1, 0), (count - 1, 1)]), levels(&[(count, 2)])].concat();
    let size = bytes.len();
    Chunk {
        schema: "message m { optional group x (LIST) { repeated group list { optional double element; } } }",
        rows: 1,
        codec: Compression::UNCOMPRESSED,
        pages: vec![(page(bytes, count, Encoding::PLAIN), size)],
    }
    .file()
}

/// Four thousand equal strings of a megabyte: each leaves out what it shares with the one before.
fn front_coded() -> Vec<u8> {
    let schema = "message m { required binary x (UTF8); }";
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BYTE_ARRAY)
        .set_write_batch_size(4096)
        .set_data_page_size_limit(1 << 40)
        .build();
    let root = Arc::new(parse_message_type(schema).expect("a bomb"));
    let mut file = SerializedFileWriter::new(Vec::new(), root, properties.into()).expect("a bomb");
    let mut group = file.next_row_group().expect("a bomb");
    let mut column = group.next_column().expect("a bomb").expect("a bomb");
    let values = vec![ByteArray::from(vec![b'a'; 1 << 20]); 4000];
    column
        .typed::<ByteArrayType>()
        .write_batch(&values, None, None)
        .expect("a bomb");
    column.close().expect("a bomb");
    group.close().expect("a bomb");
    file.into_inner().expect("a bomb")
}

/// A footer of a quarter of a gigabyte.
fn footer() -> Vec<u8> {
    let mut bytes = b"PAR1".to_vec();
    bytes.resize(256 << 20, 0);
    let length = u32::try_from(bytes.len() - 4).expect("small");
    bytes.extend(length.to_le_bytes());
    bytes.extend(b"PAR1");
    bytes
}

fn stream(scratch: &Scratch, input: &str) -> Run {
    let arguments = [
        "stream",
        "--in",
        input,
        "--out",
        "out",
        "--quiet",
        "--memory",
        "96MiB",
        "--threads",
        "2",
    ];
    scratch.prep_limited(&format!("-d {LIMIT_KIB}"), &arguments)
}

#[test]
fn a_bomb_is_one_clear_error_and_memory_stays_within_bounds() {
    let gzipped = Compression::GZIP(GzipLevel::default());
    let brotlied = Compression::BROTLI(BrotliLevel::default());
    let cases = [
        (
            "gzip",
            compressed_bomb(gzipped, gzip()),
            3,
            "more than 800 bytes",
        ),
        (
            "brotli",
            compressed_bomb(brotlied, brotli()),
            3,
            "more than 800 bytes",
        ),
        (
            "lz4",
            compressed_bomb(Compression::LZ4, lz4_frame()),
            3,
            "more than 800 bytes",
        ),
        ("dictionary of numbers", dictionary("double"), 6, "--memory"),
        ("dictionary of strings", dictionary("binary"), 6, "--memory"),
        (
            "lengths",
            lengths(Encoding::DELTA_LENGTH_BYTE_ARRAY),
            3,
            "lengths of strings",
        ),
        (
            "lengths behind prefixes",
            lengths(Encoding::DELTA_BYTE_ARRAY),
            3,
            "lengths of strings",
        ),
        ("one row", one_row(), 6, "--memory"),
        ("front coded", front_coded(), 6, "--memory"),
        ("footer", footer(), 6, "a footer of"),
    ];
    for (name, bytes, code, says) in cases {
        let scratch = Scratch::new();
        scratch.write("in/bomb.parquet", bytes);
        let run = stream(&scratch, "in");
        assert_eq!(run.code, Some(code), "{name}: {}", run.describe());
        let message = run.clear_error();
        assert!(message.contains(says), "{name}: {message}");
        assert!(!scratch.path("out").exists(), "{name}");
    }
}

#[test]
fn a_window_of_a_zstd_file_that_does_not_fit_is_refused_before_it_is_taken() {
    let scratch = Scratch::new();
    let text: String = (0..5000)
        .map(|row| format!("{row},{}\n", row * 7 % 1000))
        .collect();
    let text = format!("a,b\n{text}");
    let frame = |log: u32| {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("encoder");
        encoder.window_log(log).expect("log");
        encoder.write_all(text.as_bytes()).expect("write");
        encoder.finish().expect("finish")
    };
    scratch.write("wide/a.csv.zst", frame(27));
    scratch.write("usual/a.csv.zst", frame(23));
    let small = ["--threads", "1", "--memory", "96MiB"];
    let args = ["stream", "--in", "wide", "--out", "out"];
    let refused = scratch.prep(&[&args[..], &small].concat()).fails_with(6);
    assert!(
        refused.contains("the window of a zstd file needs"),
        "{refused}"
    );
    scratch.stream_to("usual-out", "usual", &small);
    scratch.stream_to("out", "wide", &["--threads", "1", "--memory", "256MiB"]);
    assert_eq!(
        scratch.output("out").train().rows,
        scratch.output("usual-out").train().rows
    );
    let verify = [
        "verify",
        "out",
        "--in",
        "wide",
        "--threads",
        "1",
        "--memory",
    ];
    scratch
        .prep(&[&verify[..], &["256MiB"]].concat())
        .succeeds();
    scratch
        .prep(&[&verify[..], &["96MiB"]].concat())
        .fails_with(6);
}

#[test]
fn the_codec_of_the_input_changes_no_value() {
    let scratch = Scratch::new();
    let table = |codec| {
        let words = (0..20_000).map(|row| format!("word {}", row % 700));
        Table::new([
            Column::doubles("x", normals(1).take(20_000)),
            Column::text("word", words),
        ])
        .codec(codec)
    };
    let codecs = [
        ("none", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("gzip", Compression::GZIP(GzipLevel::default())),
        ("brotli", Compression::BROTLI(BrotliLevel::default())),
        ("lz4", Compression::LZ4),
        ("lz4_raw", Compression::LZ4_RAW),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
    ];
    for (name, codec) in codecs {
        scratch.parquet(format!("{name}/a.parquet"), &table(codec));
        scratch.stream_to(&format!("out-{name}"), name, &[]);
        for side in ["train", "test"] {
            let read = |name: &str| scratch.output(&format!("out-{name}")).side(side);
            let (found, expected) = (read(name), read("none"));
            assert_eq!(found.floats("x"), expected.floats("x"), "{name}");
            assert_eq!(found.strings("word"), expected.strings("word"), "{name}");
        }
    }
}
