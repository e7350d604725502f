//! Throughput of each kernel over one block that fits the second-level cache, in bytes of values.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prep_stream::kernel::{BinCounts, Parts, Sides, file_key, first_infinite};

#[path = "inputs/blocks.rs"]
mod blocks;
use blocks::{ROWS, assigned, fitted, scaler, some_null, split, values};

fn bench_split(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("split");
    group.throughput(Throughput::Elements(ROWS as u64));
    let (split, key) = (split(), file_key(b"a.parquet"));
    let mut sides = Sides::default();
    group.bench_function("assign", |bencher| {
        bencher.iter(|| {
            sides.clear();
            split.assign(black_box(key), 0..ROWS as u64, &mut sides);
        });
    });
    group.finish();
}

fn bench_fit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fit");
    group.throughput(Throughput::Bytes(8 * ROWS as u64));
    let (values, sides) = (values(), assigned());
    let nothing_null = vec![u64::MAX; ROWS / 64];
    let some_null = some_null();
    let cases = [
        ("dense", None),
        ("valid", Some(&nothing_null)),
        ("nulls", Some(&some_null)),
    ];
    for (name, valid) in cases {
        let valid = valid.map(Vec::as_slice);
        group.bench_function(name, |bencher| {
            bencher.iter(|| fitted(black_box(&values), &sides, valid));
        });
    }
    let welford = fitted(&values, &sides, None);
    group.throughput(Throughput::Elements(1));
    group.bench_function("merge", |bencher| {
        bencher.iter(|| {
            let mut merged = welford.clone();
            merged.merge(black_box(&welford));
            merged
        });
    });
    group.bench_function("finish", |bencher| {
        bencher.iter(|| black_box(&welford).finish(0))
    });
    group.finish();
}

fn bench_write(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Bytes(8 * ROWS as u64));
    let (values, sides) = (values(), assigned());
    let scaler = scaler(&values, &sides);
    let (mut wide, mut narrow) = (vec![], vec![]);
    group.bench_function("transform to float64", |bencher| {
        bencher.iter(|| {
            wide.clear();
            scaler.transform_into_f64(black_box(&values), &mut wide);
        });
    });
    group.bench_function("transform to float32", |bencher| {
        bencher.iter(|| {
            narrow.clear();
            scaler.transform_into_f32(black_box(&values), &mut narrow);
        });
    });
    let mut parts = Parts::default();
    group.bench_function("partition", |bencher| {
        bencher.iter(|| {
            parts.iter_mut().for_each(Vec::clear);
            sides.partition_copy(0, black_box(&values), &mut parts);
        });
    });
    group.bench_function("first infinite", |bencher| {
        bencher.iter(|| first_infinite(black_box(&values)));
    });
    let mut standardized = Vec::with_capacity(ROWS);
    scaler.transform_into_f64(&values, &mut standardized);
    let constant = vec![0.0; ROWS];
    for (name, values) in [("count bins", &standardized), ("count one bin", &constant)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut counts = BinCounts::default();
                counts.extend(black_box(values));
                counts.finish(0)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench_split, bench_fit, bench_write);
criterion_main!(benches);
