//! The crate's front: the same as the command, to the bit.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{
    Array, Decimal256Array, Float64Array, Int8Array, RecordBatch, StringArray, UInt16Array,
};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use prep_stream::spec::{Dtype, OnInf, Overwrite, SplitBy};
use prep_stream::{Job, Moments, Scaler};

use crate::harness::{Column, Scratch, Table, Values, files_below};
use crate::reuse::{table, transform};

/// Rows in a batch: none of the sizes that anything else is cut into.
const BATCH_ROWS: usize = 777;

fn batches(file: &Path) -> Vec<RecordBatch> {
    let file = File::open(file).expect("open a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file");
    let reader = reader
        .with_batch_size(BATCH_ROWS)
        .build()
        .expect("a reader");
    reader.map(|batch| batch.expect("a batch")).collect()
}

pub(crate) fn all(folder: &Path) -> Vec<RecordBatch> {
    files_below(folder)
        .iter()
        .flat_map(|file| batches(file))
        .collect()
}

/// The bits of a column's values, `None` for null.
fn bits(batches: &[RecordBatch], name: &str) -> Vec<Option<u64>> {
    let column = |batch: &RecordBatch| -> Vec<Option<u64>> {
        let array = batch.column_by_name(name).expect("a column");
        match array.data_type() {
            DataType::Float32 => {
                let values = array.as_primitive::<Float32Type>().iter();
                values
                    .map(|value| value.map(|v| u64::from(v.to_bits())))
                    .collect()
            }
            _ => {
                let values = array.as_primitive::<Float64Type>().iter();
                values.map(|value| value.map(f64::to_bits)).collect()
            }
        }
    };
    batches.iter().flat_map(column).collect()
}

/// A column of every type of number.
fn numbers(scratch: &Scratch) {
    let rows = 3000_i32;
    let odd = |row: i32| i64::from(row) * 7_919_317 % 1_000_003;
    let wide = |row: i32| odd(row) * odd(row + 1) * 9;
    let longs = |name: &str, kind: &str| {
        let values = (0..rows)
            .map(|row| (row % 11 > 0).then(|| wide(row)))
            .collect();
        Column::new(format!("optional int64 {name}{kind};"), Values::I64(values))
    };
    let ints = |name: &str, kind: &str| {
        let values = (0..rows).map(|row| Some(row * 31 % 997)).collect();
        Column::new(format!("required int32 {name}{kind};"), Values::I32(values))
    };
    let floats = (0..rows).map(|row| match row % 13 {
        0 => None,
        1 => Some(f32::NAN),
        _ => Some(row as f32 / 3.0),
    });
    let table = Table::new([
        ints("i32", ""),
        ints("u16", " (integer(16,false))"),
        ints("cents", " (decimal(9,2))"),
        longs("i64", ""),
        longs("u64", " (integer(64,false))"),
        longs("money", " (decimal(18,5))"),
        Column::new("optional float f32;", Values::F32(floats.collect())),
        Column::doubles("far", (0..rows).map(|row| 1e15 + f64::from(row))),
        Column::text("name", (0..rows).map(|row| format!("row {row}"))),
    ]);
    scratch.parquet("in/a.parquet", &table.rows_per_group(1000));
}

#[test]
fn batches_become_the_bits_that_transform_writes_and_come_back_as_its_inverse() {
    let scratch = Scratch::new();
    numbers(&scratch);
    let out = Job::new([scratch.path("in")], scratch.path("out"));
    out.threads(2).memory_bytes(1 << 40).run().expect("a run");
    let names = ["i32", "u16", "cents", "i64", "u64", "money", "f32", "far"];
    for (flag, dtype) in [("float64", Dtype::Float64), ("float32", Dtype::Float32)] {
        let scaler = Scaler::read(scratch.path("out/scaler.json")).expect("a scaler");
        let scaler = scaler.with_dtype(dtype);
        assert_eq!(scaler.names().collect::<Vec<_>>(), names);
        let (z, x) = (format!("z-{flag}"), format!("x-{flag}"));
        transform(&scratch, "out/scaler.json", "in", &z, &["--dtype", flag]);
        let folder = format!("{z}/data");
        transform(
            &scratch,
            "out/scaler.json",
            &folder,
            &x,
            &["--dtype", flag, "--inverse"],
        );
        let raw = all(&scratch.path("in"));
        let standardized = raw
            .iter()
            .map(|batch| scaler.transform(batch).expect("a batch"));
        let standardized: Vec<RecordBatch> = standardized.collect();
        let back = standardized
            .iter()
            .map(|batch| scaler.inverse(batch).expect("a batch"));
        let back: Vec<RecordBatch> = back.collect();
        for name in names {
            let wanted = bits(&all(&scratch.path(&folder)), name);
            assert!(bits(&standardized, name) == wanted, "{name} as {flag}");
            let wanted = bits(&all(&scratch.path(format!("{x}/data"))), name);
            assert!(bits(&back, name) == wanted, "{name} back as {flag}");
        }
        assert_eq!(
            standardized[0].column_by_name("name"),
            raw[0].column_by_name("name")
        );
    }
}

#[test]
fn a_job_writes_what_the_command_writes_and_adds_what_is_new() {
    let scratch = Scratch::new();
    for day in 0..2_u64 {
        scratch.parquet(format!("in/{day}.parquet"), &table(day, 700));
    }
    let job = || {
        let job = Job::new([scratch.path("in")], scratch.path("job")).label(["label"]);
        let job = job
            .split_by(SplitBy::Content)
            .seed(7)
            .val_size("0.1".parse().expect("a size"));
        job.dtype(Dtype::Float32).threads(2).memory_bytes(1 << 40)
    };
    let flags = [
        "--label",
        "label",
        "--split-by",
        "content",
        "--seed",
        "7",
        "--val-size",
        "0.1",
    ];
    let flags = [&flags[..], &["--dtype", "float32"]].concat();
    let output = job().run().expect("a run");
    assert_eq!(output.path(), scratch.path("job"));
    scratch.stream_to("out", "in", &flags);
    assert!(scratch.bytes_of("job") == scratch.bytes_of("out"));
    let refused = job().run().expect_err("an output is there");
    assert_eq!(refused.exit_code(), 4);
    scratch.parquet("in/2.parquet", &table(2, 700));
    let report = job().update().run().expect("an update");
    let update = report
        .report()
        .and_then(|report| report.update.clone())
        .expect("an update");
    assert_eq!((update.files, update.rows), (1, 700));
    assert!(
        job()
            .update()
            .run()
            .expect("nothing new")
            .report()
            .is_none()
    );
    let planned = job().overwrite(Overwrite::Exchange).plan().expect("a plan");
    assert_eq!(planned.inputs.files, 3);
}

#[test]
fn moments_of_disjoint_files_merge_into_those_of_all() {
    let scratch = Scratch::new();
    for day in 0..3_u64 {
        scratch.parquet(format!("in/{day}.parquet"), &table(day, 900));
        let flags = ["--root", "in", "--exclude", "label"];
        scratch.stream_to(&format!("day-{day}"), &format!("in/{day}.parquet"), &flags);
    }
    scratch.stream_to("all", "in", &["--exclude", "label"]);
    let read = |out: &str| Moments::read(scratch.path(out).join("scaler.json")).expect("moments");
    let mut merged = read("day-2");
    for day in ["day-0", "day-1"] {
        merged.merge(&read(day)).expect("disjoint");
    }
    assert_eq!(merged, read("all"));
    assert_eq!(
        merged.scaler(),
        Scaler::read(scratch.path("all/scaler.json")).expect("a scaler")
    );
    assert_eq!(
        merged.of("far").map(|moments| moments.count()),
        read("all").of("far").map(|m| m.count())
    );
    assert!(merged.of("name").is_none());
    let before = merged.clone();
    let same = merged.merge(&read("all")).expect_err("the same rows");
    assert!(same.to_string().contains("the same rows"), "{same}");
    assert_eq!(merged, before);
    merged.write(scratch.path("merged.json")).expect("a file");
    let bytes = |name: &str| std::fs::read(scratch.path(name)).expect("a file");
    assert_eq!(bytes("merged.json"), bytes("all/scaler.json"));
}

#[test]
fn what_no_scaler_can_be_applied_to_is_an_error_with_its_place() {
    let scratch = Scratch::new();
    scratch.write("in.csv", "a,b\n1,5\n2,6\n4,7\n");
    let out = scratch
        .stream_to("out", "in.csv", &["--test-size", "0"])
        .path;
    let scaler = Scaler::read(out.join("scaler.json")).expect("a scaler");
    let batch = |a: Arc<dyn Array>, b: Arc<dyn Array>| {
        RecordBatch::try_from_iter([("b", b), ("a", a)]).expect("a batch")
    };
    let bytes: Arc<dyn Array> = Arc::new(Int8Array::from(vec![5, 6]));
    let small: Arc<dyn Array> = Arc::new(UInt16Array::from(vec![Some(5), None]));
    let text: Arc<dyn Array> = Arc::new(StringArray::from(vec!["5", "6"]));
    let inf: Arc<dyn Array> = Arc::new(Float64Array::from(vec![5.0, f64::INFINITY]));
    let huge: Arc<dyn Array> = Arc::new(Float64Array::from(vec![1e308, f64::MAX]));
    let says = |batch: &RecordBatch| scaler.transform(batch).expect_err("an error").to_string();
    let missing = RecordBatch::try_from_iter([("A", Arc::clone(&bytes))]).expect("a batch");
    let found = says(&missing);
    assert!(
        found.contains("\"a\" is missing (there is \"A\"), \"b\" is missing"),
        "{found}"
    );
    let found = says(&batch(text, Arc::clone(&small)));
    assert!(found.contains("\"a\" is not numeric (Utf8)"), "{found}");
    let infinite = batch(inf, Arc::clone(&small));
    let found = says(&infinite);
    assert!(found.contains("the batch: row 2, column \"a\""), "{found}");
    let nulls = scaler
        .clone()
        .with_on_inf(OnInf::Null)
        .transform(&infinite)
        .expect("nulls");
    assert_eq!(nulls.column(1).null_count(), 1);
    assert_eq!(nulls.column(0).null_count(), 1);
    let found = scaler
        .clone()
        .with_dtype(Dtype::Float32)
        .transform(&batch(huge, bytes));
    assert!(
        found
            .expect_err("an error")
            .to_string()
            .contains("is beyond float32 once standardized")
    );
    // Nulls may hold anything.
    let hidden = Float64Array::new(
        vec![f64::INFINITY, 4.0].into(),
        Some(vec![false, true].into()),
    );
    let passed = scaler
        .transform(&batch(Arc::new(hidden), small))
        .expect("a null");
    assert_eq!(passed.column(1).null_count(), 1);
}

#[test]
fn wide_decimals_are_rounded_once() {
    let scratch = Scratch::new();
    scratch.write("in.csv", "a\n0.125\n0.5\n4\n");
    let flags = ["--test-size", "0"];
    let out = scratch.stream_to("out", "in.csv", &flags).path;
    let scaler = Scaler::read(out.join("scaler.json")).expect("a scaler");
    let wide = Decimal256Array::from(vec![
        None,
        Some(arrow_buffer::i256::from_i128(125 * 10_i128.pow(30))),
    ]);
    let wide = wide.with_precision_and_scale(60, 33).expect("a decimal");
    let plain = Float64Array::from(vec![None, Some(0.125)]);
    let z = |array: Arc<dyn Array>| {
        let batch = RecordBatch::try_from_iter([("a", array)]).expect("a batch");
        scaler.transform(&batch).expect("a batch")
    };
    assert_eq!(z(Arc::new(wide)), z(Arc::new(plain)));
}
