//! The scaler as Polars expressions: what `prep transform` writes, to 1e-12.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt64Type,
};
use arrow_schema::DataType;
use polars::prelude::{
    self as pl, DataFrame, IntoColumn, IntoLazy, LazyFrame, NamedFrom, Series, col, lit,
};
use prep_stream::Scaler;
use prep_stream::spec::{Dtype, OnInf};

use crate::harness::{Column, Scratch, Table, Values};
use crate::reuse::transform;
use crate::rust_api::all;

/// The rows of Parquet files as Polars holds them.
fn frame(batches: &[RecordBatch]) -> DataFrame {
    let schema = batches.first().expect("a batch").schema();
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let columns = schema.fields().iter().enumerate().map(|(index, field)| {
        let arrays: Vec<_> = batches.iter().map(|batch| batch.column(index)).collect();
        let name = field.name().as_str().into();
        let series = match field.data_type() {
            // As the smallest type that Polars has without further features.
            DataType::Int16 => {
                let values = cells::<Int16Type>(&arrays);
                let wide: Vec<_> = values.map(|value| value.map(i32::from)).collect();
                Series::new(name, wide)
            }
            DataType::Int32 => Series::new(name, cells::<Int32Type>(&arrays).collect::<Vec<_>>()),
            DataType::Int64 => Series::new(name, cells::<Int64Type>(&arrays).collect::<Vec<_>>()),
            DataType::UInt64 => Series::new(name, cells::<UInt64Type>(&arrays).collect::<Vec<_>>()),
            DataType::Float32 => {
                Series::new(name, cells::<Float32Type>(&arrays).collect::<Vec<_>>())
            }
            DataType::Float64 => {
                Series::new(name, cells::<Float64Type>(&arrays).collect::<Vec<_>>())
            }
            DataType::Utf8 => {
                let texts = arrays.iter().flat_map(|array| array.as_string::<i32>());
                Series::new(name, texts.collect::<Vec<_>>())
            }
            // Times and the like, which no expression looks at.
            _ => Series::new(name, vec![None::<&str>; rows]),
        };
        series.into_column()
    });
    DataFrame::new(rows, columns.collect()).expect("a frame")
}

fn cells<'a, T: ArrowPrimitiveType>(
    arrays: &'a [&'a arrow_array::ArrayRef],
) -> impl Iterator<Item = Option<T::Native>> + 'a {
    arrays
        .iter()
        .flat_map(|array| array.as_primitive::<T>().iter())
}

/// The values of a column of floats.
fn floats(frame: &DataFrame, name: &str) -> Vec<Option<f64>> {
    let column = frame.column(name).expect("a column");
    match column.dtype() {
        pl::DataType::Float32 => {
            let values = column.f32().expect("float32").iter();
            values.map(|value| value.map(f64::from)).collect()
        }
        _ => column.f64().expect("float64").iter().collect(),
    }
}

/// Whether each pair is equal to `relative` of the larger of 1 and the value.
#[track_caller]
fn is_close(what: &str, found: &[Option<f64>], wanted: &[Option<f64>], relative: f64) {
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (row, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let is_close = match (found, wanted) {
            (Some(found), Some(wanted)) if found.is_nan() || wanted.is_nan() => {
                found.is_nan() && wanted.is_nan()
            }
            (Some(found), Some(wanted)) => {
                found == wanted || (found - wanted).abs() <= relative * wanted.abs().max(1.0)
            }
            (found, wanted) => found.is_none() && wanted.is_none(),
        };
        assert!(is_close, "{what}, row {row}: {found:?}, not {wanted:?}");
    }
}

/// Transforms a folder by the command and by expressions, there and back, as both types.
fn compare(scratch: &Scratch, scaler: &str, input: &str) {
    let raw = frame(&all(&scratch.path(input)));
    for (flag, dtype, relative) in [
        ("float64", Dtype::Float64, 1e-12),
        // One place of float32: what is rounded to it differs by 1e-12 before.
        ("float32", Dtype::Float32, f64::from(f32::EPSILON)),
    ] {
        let read = Scaler::read(scratch.path(scaler)).expect("a scaler");
        let read = read.with_dtype(dtype);
        let (z, x) = (format!("z-{flag}"), format!("x-{flag}"));
        transform(scratch, scaler, input, &z, &["--dtype", flag]);
        let folder = format!("{z}/data");
        let back = ["--dtype", flag, "--inverse"];
        transform(scratch, scaler, &folder, &x, &back);
        let wanted = frame(&all(&scratch.path(&folder)));
        let lazy = read.transform_lazy(raw.clone().lazy()).expect("a query");
        let found = lazy.collect().expect("a frame");
        assert_eq!(found.get_column_names(), wanted.get_column_names());
        let restored = read.inverse_lazy(wanted.clone().lazy()).expect("a query");
        let restored = restored.collect().expect("a frame");
        let wanted_back = frame(&all(&scratch.path(format!("{x}/data"))));
        for name in raw.get_column_names() {
            if read.column(name).is_none() {
                let passed = |frame: &DataFrame| frame.column(name).expect("a column").clone();
                assert!(passed(&found).equals_missing(&passed(&raw)), "{name}");
                continue;
            }
            let types = |frame: &DataFrame| frame.column(name).expect("a column").dtype().clone();
            assert_eq!(types(&found), types(&wanted), "{name}");
            let what = format!("{name} as {flag}");
            is_close(
                &what,
                &floats(&found, name),
                &floats(&wanted, name),
                relative,
            );
            let what = format!("{name} back as {flag}");
            let (found, wanted) = (floats(&restored, name), floats(&wanted_back, name));
            is_close(&what, &found, &wanted, relative);
        }
    }
}

#[test]
fn expressions_give_what_transform_writes_of_every_type_null_and_nan() {
    let scratch = Scratch::new();
    let rows = 3000_i32;
    let odd = |row: i32| i64::from(row) * 7_919_317 % 1_000_003;
    let wide = |row: i32| (row % 11 > 0).then(|| odd(row) * odd(row + 1) * 9);
    let floats = (0..rows).map(|row| match row % 13 {
        0 => None,
        1 => Some(f32::NAN),
        _ => Some(row as f32 / 3.0),
    });
    let table = Table::new([
        Column::new(
            "required int32 i32;",
            Values::I32((0..rows).map(|row| Some(row * 31 % 997)).collect()),
        ),
        Column::new(
            "optional int64 i64;",
            Values::I64((0..rows).map(wide).collect()),
        ),
        Column::new(
            "optional int64 u64 (integer(64,false));",
            Values::I64((0..rows).map(wide).collect()),
        ),
        Column::new("optional float f32;", Values::F32(floats.collect())),
        Column::doubles("far", (0..rows).map(|row| 1e15 + f64::from(row))),
        Column::optional_doubles(
            "holes",
            (0..rows).map(|row| match row % 7 {
                0 => None,
                1 => Some(f64::NAN),
                _ => Some(f64::from(row).sin() * 1e-9),
            }),
        ),
        // No scale of its own: 1.
        Column::doubles("constant", (0..rows).map(|_| 4.25)),
        Column::optional_doubles("nothing", (0..rows).map(|_| None)),
        // What Polars would take for a pattern.
        Column::doubles("^.*$", (0..rows).map(f64::from)),
        Column::text("name", (0..rows).map(|row| format!("row {row}"))),
    ]);
    scratch.parquet("in/a.parquet", &table.rows_per_group(1000));
    let flags = ["--seed", "3"];
    let out = scratch.stream_to("out", "in", &flags);
    assert_eq!(out.features().len(), 9);
    compare(&scratch, "out/scaler.json", "in");
}

#[test]
fn expressions_give_what_transform_writes_of_weather() {
    let scratch = Scratch::new();
    let weather = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/weather");
    scratch.stream_to("out", weather, &["--exclude", "year"]);
    for file in ["EWR", "JFK", "LGA"] {
        let name = format!("{file}.parquet");
        let bytes = std::fs::read(format!("{weather}/{name}")).expect("a fixture");
        scratch.write(format!("in/{name}"), bytes);
    }
    compare(&scratch, "out/scaler.json", "in");
}

#[test]
fn expressions_hold_where_differences_products_and_inverses_overflow() {
    let scratch = Scratch::new();
    let table = Table::new([
        Column::doubles("huge", [1.7e308, 1.6e308, 1.5e308, -1e308]),
        Column::doubles("wide", [1e300, -1e300, 3e299, 0.0]),
        Column::doubles("far", [1.5e308, 1.5e308, 1.5e308, 1.499e308]),
        Column::doubles("tiny", [5e-324, 1e-322, 2e-322, 9e-322]),
    ]);
    scratch.parquet("in/a.parquet", &table);
    scratch.stream_to("out", "in", &["--test-size", "0"]);
    let scaler = Scaler::read(scratch.path("out/scaler.json")).expect("a scaler");
    let batches = all(&scratch.path("in"));
    let standardized = scaler.transform(&batches[0]).expect("a batch");
    let back = scaler.inverse(&standardized).expect("a batch");
    let lazy = |from: &RecordBatch, inverse: bool| {
        let raw = frame(std::slice::from_ref(from)).lazy();
        let query = match inverse {
            true => scaler.inverse_lazy(raw),
            false => scaler.transform_lazy(raw),
        };
        query.expect("a query").collect().expect("a frame")
    };
    let there = (
        lazy(&batches[0], false),
        frame(std::slice::from_ref(&standardized)),
    );
    let back = (lazy(&standardized, true), frame(&[back]));
    for name in ["huge", "wide", "far", "tiny"] {
        let of = |frame: &DataFrame| floats(frame, name);
        assert!(of(&there.1).iter().flatten().any(|z| z.abs() > 0.5));
        is_close(name, &of(&there.0), &of(&there.1), 1e-12);
        let largest = of(&back.1).into_iter().flatten().map(f64::abs);
        let largest = largest.fold(0.0, f64::max);
        let share = |frame: &DataFrame| -> Vec<Option<f64>> {
            let values = of(frame).into_iter();
            values.map(|value| value.map(|x| x / largest)).collect()
        };
        is_close(name, &share(&back.0), &share(&back.1), 1e-12);
    }
}

fn fitted(scratch: &Scratch) -> Scaler {
    scratch.write("in.csv", "a,b\n1,5\n2,6\n4,7\n");
    let out = scratch
        .stream_to("out", "in.csv", &["--test-size", "0"])
        .path;
    Scaler::read(out.join("scaler.json")).expect("a scaler")
}

fn of_columns<const N: usize>(columns: [Series; N]) -> LazyFrame {
    let rows = columns[0].len();
    let columns = columns.into_iter().map(IntoColumn::into_column).collect();
    DataFrame::new(rows, columns).expect("a frame").lazy()
}

#[test]
fn columns_that_are_missing_or_hold_no_numbers_are_one_error_before_the_query() {
    let scratch = Scratch::new();
    let scaler = fitted(&scratch);
    let says = |frame: LazyFrame| {
        let error = scaler.transform_lazy(frame.clone()).err();
        let error = error.expect("an error").to_string();
        let back = scaler.inverse_lazy(frame).err().expect("an error");
        assert_eq!(back.to_string(), error);
        error
    };
    let found = says(of_columns([
        Series::new("A".into(), [1.0, 2.0]),
        Series::new("b".into(), ["5", "6"]),
    ]));
    assert!(
        found.contains("\"a\" is missing (there is \"A\"), \"b\" is not numeric (str)"),
        "{found}"
    );
    assert!(found.contains("the frame"), "{found}");
    // What the query itself gets wrong is told as Polars tells it.
    let broken = of_columns([Series::new("a".into(), [1.0])]).select([col("z")]);
    let found = says(broken);
    assert!(found.contains('z'), "{found}");
}

#[test]
fn infinities_end_the_query_or_become_nulls_and_so_does_what_is_beyond_the_type() {
    let scratch = Scratch::new();
    let scaler = fitted(&scratch);
    let query = |scaler: &Scaler, a: [f64; 2]| {
        let a = Series::new("a".into(), a);
        let b = Series::new("b".into(), [Some(5_i32), None]);
        let frame = of_columns([b, a]);
        scaler.transform_lazy(frame).expect("a query").collect()
    };
    let says = |scaler: &Scaler, a: [f64; 2]| query(scaler, a).expect_err("an error").to_string();
    let infinite = [5.0, f64::NEG_INFINITY];
    let found = says(&scaler, infinite);
    assert!(found.contains("the value is -inf"), "{found}");
    assert!(found.contains("the frame: column \"a\""), "{found}");
    let nulls = query(&scaler.clone().with_on_inf(OnInf::Null), infinite).expect("a frame");
    let names = nulls.get_column_names();
    assert_eq!(names, ["b", "a"]);
    let nulls = ["a", "b"].map(|name| nulls.column(name).expect("a column").null_count());
    assert_eq!(nulls, [1, 1]);
    let narrow = scaler.with_dtype(Dtype::Float32);
    let found = says(&narrow, [5.0, 1e300]);
    assert!(
        found.contains("1e300 is beyond float32 once standardized"),
        "{found}"
    );
}

#[test]
fn expressions_go_on_with_what_a_query_does_before_and_after() {
    let scratch = Scratch::new();
    let scaler = fitted(&scratch);
    let frame = of_columns([
        Series::new("a".into(), [1_i64, 2, 4, 8]),
        Series::new("b".into(), [Some(5_i64), Some(6), None, Some(7)]),
    ]);
    let before = frame.filter(col("a").lt(lit(8)));
    let query = scaler.transform_lazy(before).expect("a query");
    let query = query.select([(col("a") * lit(2.0)).alias("twice"), col("b")]);
    let found = query.collect().expect("a frame");
    let z = |x: f64| 2.0 * (x - 7.0 / 3.0) / (14.0_f64 / 9.0).sqrt();
    let wanted = [1.0, 2.0, 4.0].map(|x| Some(z(x)));
    is_close("twice", &floats(&found, "twice"), &wanted, 1e-12);
    assert_eq!(found.column("b").expect("a column").null_count(), 1);
}
