//! Which columns are scaled, which pass through, in which order and with which types.

use std::collections::BTreeMap;

use parquet::record::Field;

use crate::harness::{Column, Exact, Scratch, Table, Values};

const ALL_TRAIN: &[&str] = &["--test-size", "0", "--dtype", "float64"];

/// Big-endian two's complement of 12 bytes.
fn wide(value: i128) -> Option<Vec<u8>> {
    Some(value.to_be_bytes()[4..].to_vec())
}

fn half(value: f32) -> Option<Vec<u8>> {
    Some(half_bits(value).to_le_bytes().to_vec())
}

/// Bits of a small power of two times an integer below 2048, as float16.
fn half_bits(value: f32) -> u16 {
    let bits = value.to_bits();
    let exponent = ((bits >> 23) & 0xff) - 127 + 15;
    let fields = (bits >> 16 & 0x8000) | exponent << 10 | (bits >> 13 & 0x3ff);
    u16::try_from(fields).expect("16 bits")
}

#[test]
fn every_numeric_type_is_scaled() {
    let ints = |values: [i32; 4]| Values::I32(values.map(Some).to_vec());
    let longs = |values: [i64; 4]| Values::I64(values.map(Some).to_vec());
    let cases: Vec<(&str, &str, Values, [f64; 4])> = vec![
        (
            "i8",
            "required int32 i8 (INTEGER(8,true));",
            ints([-128, 0, 5, 127]),
            [-128.0, 0.0, 5.0, 127.0],
        ),
        (
            "i16",
            "optional int32 i16 (INTEGER(16,true));",
            ints([-32768, 1, 2, 32767]),
            [-32768.0, 1.0, 2.0, 32767.0],
        ),
        (
            "i32",
            "required int32 i32;",
            ints([i32::MIN, 1, 2, i32::MAX]),
            [-2147483648.0, 1.0, 2.0, 2147483647.0],
        ),
        (
            "i64",
            "required int64 i64;",
            longs([-(1 << 52), 1, 2, 1 << 52]),
            [-4503599627370496.0, 1.0, 2.0, 4503599627370496.0],
        ),
        (
            "u8",
            "required int32 u8 (INTEGER(8,false));",
            ints([0, 255, 7, 8]),
            [0.0, 255.0, 7.0, 8.0],
        ),
        (
            "u16",
            "required int32 u16 (INTEGER(16,false));",
            ints([0, 65535, 7, 8]),
            [0.0, 65535.0, 7.0, 8.0],
        ),
        (
            "u32",
            "required int32 u32 (INTEGER(32,false));",
            ints([0, -1, 7, i32::MIN]),
            [0.0, 4294967295.0, 7.0, 2147483648.0],
        ),
        (
            "u64",
            "required int64 u64 (INTEGER(64,false));",
            longs([0, i64::MIN, 7, 8]),
            [0.0, 9223372036854775808.0, 7.0, 8.0],
        ),
        (
            "f32",
            "required float f32;",
            Values::F32(vec![Some(0.1), Some(-2.5), Some(3e38), Some(1.0)]),
            [f64::from(0.1_f32), -2.5, f64::from(3e38_f32), 1.0],
        ),
        (
            "f16",
            "required fixed_len_byte_array(2) f16 (FLOAT16);",
            Values::Fixed([1.5, -2.0, 1024.0, 0.25].map(half).to_vec()),
            [1.5, -2.0, 1024.0, 0.25],
        ),
        (
            "d32",
            "required int32 d32 (DECIMAL(9,2));",
            ints([150, -275, 1, 0]),
            [1.5, -2.75, 0.01, 0.0],
        ),
        (
            "d64",
            "required int64 d64 (DECIMAL(18,4));",
            longs([15_000, -1, 3, 0]),
            [1.5, -0.0001, 0.0003, 0.0],
        ),
        (
            "d128",
            "required fixed_len_byte_array(12) d128 (DECIMAL(27,3));",
            Values::Fixed(
                [1_500, -1, 123_456_789_012_345_678_901_i128, 0]
                    .map(wide)
                    .to_vec(),
            ),
            [1.5, -0.001, 123_456_789_012_345_678.901, 0.0],
        ),
        (
            "dbin",
            "required binary dbin (DECIMAL(27,3));",
            Values::Bytes([1_500, -1, 7, 0].map(wide).to_vec()),
            [1.5, -0.001, 0.007, 0.0],
        ),
    ];
    let scratch = Scratch::new();
    let columns = cases
        .iter()
        .map(|(_, schema, values, _)| Column::new(*schema, values.clone()));
    scratch.parquet("in/a.parquet", &Table::new(columns));
    let output = scratch.stream("in", ALL_TRAIN);
    assert_eq!(
        output.features(),
        cases.iter().map(|c| c.0).collect::<Vec<_>>()
    );
    let train = output.train();
    for (name, _, _, values) in &cases {
        let exact = Exact::of(values);
        assert!(
            exact.mean_error(output.fitted("mean_", name)) <= 1e-15,
            "{name}: mean"
        );
        assert!(
            exact.variance_error(output.fitted("var_", name), 0) <= 1e-15,
            "{name}: variance"
        );
        let (mean, scale) = (output.fitted("mean_", name), output.fitted("scale_", name));
        for (got, value) in train.floats(name).into_iter().zip(values) {
            let wanted = (value - mean) / scale;
            assert!(
                (got.expect("a value") - wanted).abs() < 1e-13,
                "{name}: {got:?} is not {wanted}"
            );
        }
    }
}

/// One table of columns that are no numbers.
fn passed() -> Vec<Column> {
    let text =
        |items: [&str; 3]| Values::Bytes(items.map(|i| Some(i.as_bytes().to_vec())).to_vec());
    vec![
        Column::new(
            "optional binary s (STRING);",
            Values::Bytes(vec![Some("ü \"x\"".into()), None, Some(Vec::new())]),
        ),
        Column::new(
            "required boolean b;",
            Values::Bool(vec![Some(true), Some(false), Some(true)]),
        ),
        Column::new(
            "required int32 day (DATE);",
            Values::I32(vec![Some(0), Some(-1), Some(20_000)]),
        ),
        Column::new(
            "required int64 at (TIMESTAMP(MICROS,true));",
            Values::I64(vec![Some(0), Some(-1), Some(1 << 50)]),
        ),
        Column::new(
            "required int32 tod (TIME(MILLIS,false));",
            Values::I32(vec![Some(0), Some(1), Some(86_399_999)]),
        ),
        Column::new(
            "required int96 old;",
            Values::I96(vec![Some(1), Some(2), Some(3)]),
        ),
        Column::new("required binary json (JSON);", text(["{}", "[1]", "null"])),
        Column::new(
            "required fixed_len_byte_array(3) fix;",
            text(["abc", "\0\u{1}\u{2}", "xyz"]),
        ),
        Column {
            schema:
                "optional group list (LIST) { repeated group list { optional int32 element; } }"
                    .into(),
            values: Values::I32(vec![Some(1), None, Some(3)]),
            levels: Some((vec![3, 2, 3, 1, 0], vec![0, 1, 1, 0, 0])),
        },
        Column {
            schema: "optional group struct { required double inner; }".into(),
            values: Values::F64(vec![Some(0.5), Some(1.5)]),
            levels: Some((vec![1, 0, 1], vec![0, 0, 0])),
        },
    ]
}

#[test]
fn what_is_no_number_passes_through_with_its_type_in_its_place() {
    let mut columns = passed();
    columns.insert(2, Column::doubles("x", [1.0, 2.0, 4.0]));
    columns.push(Column::longs("__index_level_0__", [5, 6, 7]));
    let scratch = Scratch::new();
    let source = Table::new(columns);
    scratch.parquet("in/a.parquet", &source);
    let output = scratch.stream("in", ALL_TRAIN);
    let before = crate::harness::Frame::read(&scratch.path("in"));
    let after = output.train();
    assert_eq!(before.names, after.names);
    for (index, name) in before.names.iter().enumerate() {
        if name == "x" {
            continue;
        }
        assert_eq!(before.schema[index], after.schema[index], "{name}");
        assert_eq!(before.columns[index], after.columns[index], "{name}");
    }
    assert_eq!(output.features(), ["x"]);
}

#[test]
fn labels_excluded_columns_and_columns_outside_the_list_keep_values_and_types() {
    let scratch = Scratch::new();
    let names = ["a", "b", "c", "d"];
    scratch.parquet(
        "in/a.parquet",
        &Table::new(names.map(|n| Column::longs(n, [1, 2, 40]))),
    );
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["a", "b", "c", "d"]),
        (&["--label", "b"], &["a", "c", "d"]),
        (&["--exclude", "a", "--exclude", "d"], &["b", "c"]),
        (&["--exclude", "a,d"], &["b", "c"]),
        (&["--columns", "d,b"], &["b", "d"]),
        (&["--columns", "a,b", "--label", "b"], &["a"]),
    ];
    for (flags, features) in cases {
        let output = scratch.stream("in", &[ALL_TRAIN, flags, &["--overwrite"]].concat());
        assert_eq!(output.features(), *features, "{flags:?}");
        let train = output.train();
        assert_eq!(train.names, names, "{flags:?}");
        for name in names.iter().filter(|n| !features.contains(n)) {
            assert_eq!(train.longs(name), [1, 2, 40], "{flags:?}");
        }
    }
}

#[test]
fn nulls_and_nan_stay_what_they_are_and_are_not_counted() {
    let scratch = Scratch::new();
    let values = [Some(1.0), None, Some(f64::NAN), Some(3.0)];
    scratch.parquet(
        "in/a.parquet",
        &Table::new([Column::optional_doubles("x", values)]),
    );
    for dtype in ["float64", "float32"] {
        let output = scratch.stream("in", &["--test-size", "0", "--overwrite", "--dtype", dtype]);
        assert_eq!(output.fitted("n_samples_seen_", "x"), 2.0);
        assert_eq!(output.fitted("mean_", "x"), 2.0);
        assert_eq!(output.fitted("nulls", "x"), 1.0);
        assert_eq!(output.fitted("nans", "x"), 1.0);
        let got = output.train().floats("x");
        assert_eq!([got[0], got[1], got[3]], [Some(-1.0), None, Some(1.0)]);
        assert!(got[2].is_some_and(f64::is_nan));
    }
}

#[test]
fn float32_is_rounded_once_from_float64() {
    let scratch = Scratch::new();
    let values: Vec<f64> = crate::harness::normals(3)
        .take(3000)
        .map(|z| 7.0 + z)
        .collect();
    scratch.parquet("in/a.parquet", &Table::new([Column::doubles("x", values)]));
    let wide = scratch.stream_to("wide", "in", ALL_TRAIN).train();
    let narrow = scratch
        .stream_to("narrow", "in", &["--test-size", "0", "--dtype", "float32"])
        .train();
    for (wide, narrow) in wide.column("x").iter().zip(narrow.column("x")) {
        match (wide, narrow) {
            (Field::Double(wide), Field::Float(narrow)) => {
                #[expect(clippy::cast_possible_truncation, reason = "the rounding under test")]
                let rounded = *wide as f32;
                assert_eq!(rounded.to_bits(), narrow.to_bits());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn infinities_become_nulls_on_request_and_stay_out_of_the_fit() {
    let scratch = Scratch::new();
    let values = [1.0, f64::INFINITY, 3.0, f64::NEG_INFINITY];
    scratch.parquet("in/a.parquet", &Table::new([Column::doubles("x", values)]));
    let output = scratch.stream("in", &[ALL_TRAIN, &["--on-inf", "null"]].concat());
    assert_eq!(
        output.train().floats("x"),
        [Some(-1.0), None, Some(1.0), None]
    );
    assert_eq!(output.fitted("n_samples_seen_", "x"), 2.0);
}

#[test]
fn key_value_folders_become_columns_that_pass_through() {
    let scratch = Scratch::new();
    for (folder, x) in [("day=1/city=Bonn", 1.0), ("day=2/city=K%C3%B6ln", 2.0)] {
        scratch.parquet(
            format!("in/{folder}/a.parquet"),
            &Table::new([Column::doubles("x", [x, x + 10.0])]),
        );
    }
    let output = scratch.stream("in", ALL_TRAIN);
    let train = output.train();
    assert_eq!(train.names, ["x", "day", "city"]);
    assert_eq!(output.features(), ["x"]);
    assert_eq!(train.strings("day"), ["1", "1", "2", "2"]);
    assert_eq!(train.strings("city"), ["Bonn", "Bonn", "Köln", "Köln"]);
    let output = scratch.stream("in", &[ALL_TRAIN, &["--no-hive", "--overwrite"]].concat());
    assert_eq!(output.train().names, ["x"]);
}

#[test]
fn columns_match_by_name_in_the_order_of_the_first_file_and_numbers_widen() {
    let scratch = Scratch::new();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([Column::longs("n", [1, 2]), Column::text("t", ["p", "q"])]),
    );
    scratch.parquet(
        "in/b.parquet",
        &Table::new([Column::text("t", ["r"]), Column::doubles("n", [3.5])]),
    );
    let output = scratch.stream("in", ALL_TRAIN);
    let train = output.train();
    assert_eq!(train.names, ["n", "t"]);
    assert_eq!(train.strings("t"), ["p", "q", "r"]);
    assert!(Exact::of(&[1.0, 2.0, 3.5]).mean_error(output.fitted("mean_", "n")) < 1e-15);
}

#[test]
fn eight_thousand_columns_work() {
    const WIDTH: usize = 8000;
    let scratch = Scratch::new();
    let columns = (0..WIDTH).map(|c| Column::doubles(&format!("c{c}"), [c as f64, 1.0, 2.0, 3.0]));
    scratch.parquet("in/a.parquet", &Table::new(columns));
    let output = scratch.stream("in", ALL_TRAIN);
    let means = output.scaler("mean_");
    assert_eq!(means.len(), WIDTH);
    assert_eq!(means[7999], (7999.0 + 6.0) / 4.0);
    let train = output.train();
    assert_eq!((train.names.len(), train.rows), (WIDTH, 4));
}

#[test]
fn a_side_without_rows_holds_one_file_with_the_schema() {
    let scratch = Scratch::new();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([
            Column::doubles("x", [1.0, 2.0]),
            Column::text("t", ["p", "q"]),
        ]),
    );
    for (size, empty) in [("0", "test"), ("1", "train")] {
        let run = scratch.prep(&[
            "stream",
            "--in",
            "in",
            "--out",
            "out",
            "--overwrite",
            "--quiet",
            "--test-size",
            size,
        ]);
        if empty == "train" && run.code != Some(0) {
            run.clear_error(); // nothing to fit on may be refused
            continue;
        }
        run.succeeds();
        let output = scratch.output("out");
        let (train, test) = (output.train(), output.test());
        assert_eq!(train.schema, test.schema);
        let side = if empty == "test" { &test } else { &train };
        assert_eq!((side.rows, train.rows + test.rows), (0, 2));
    }
}

#[test]
fn an_all_null_and_a_zero_row_input_work() {
    let scratch = Scratch::new();
    scratch.parquet(
        "in/a.parquet",
        &Table::new([Column::doubles("x", []), Column::optional_doubles("y", [])]),
    );
    let output = scratch.stream("in", ALL_TRAIN);
    assert_eq!(output.train().rows + output.test().rows, 0);
    scratch.parquet(
        "in/b.parquet",
        &Table::new([
            Column::doubles("x", [1.0, 3.0]),
            Column::optional_doubles("y", [None, None]),
        ]),
    );
    let output = scratch.stream("in", &[ALL_TRAIN, &["--overwrite"]].concat());
    assert_eq!(output.train().floats("x"), [Some(-1.0), Some(1.0)]);
    assert_eq!(output.train().floats("y"), [None, None]);
}

#[test]
fn every_codec_is_read_and_written() {
    use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};
    let scratch = Scratch::new();
    let table = Table::new([Column::doubles("x", (0..5000).map(|i| f64::from(i % 97)))]);
    let codecs = BTreeMap::from([
        ("none", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("gzip", Compression::GZIP(GzipLevel::default())),
        ("brotli", Compression::BROTLI(BrotliLevel::default())),
        ("lz4", Compression::LZ4_RAW),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
    ]);
    let mut seen = Vec::new();
    for (name, codec) in &codecs {
        scratch.parquet(format!("{name}/a.parquet"), &table.clone().codec(*codec));
        let output = scratch.stream_to(
            &format!("out-{name}"),
            name,
            &[ALL_TRAIN, &["--compression", name]].concat(),
        );
        seen.push((output.scaler("mean_"), output.train()));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
    let level = scratch.stream_to(
        "level",
        "zstd",
        &[ALL_TRAIN, &["--compression", "zstd:19"]].concat(),
    );
    assert_eq!(level.train(), seen[0].1);
}
