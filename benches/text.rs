//! Scanning and parsing text: bytes per second on one core.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prep_stream::source::text::{ColumnRequest, TextFile};
use prep_stream::spec::Dialect;

#[path = "inputs/tables.rs"]
mod tables;

fn text(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    for (name, table) in tables::tables(20_000) {
        let path = directory.path().join(format!("{name}.csv"));
        std::fs::write(&path, &table).unwrap();
        let file = TextFile::open(&path, &Dialect::default()).unwrap();
        let scan = || {
            let ranges = file.ranges(64 << 20).into_iter();
            file.stitch(
                &ranges
                    .map(|range| file.scan(range).unwrap())
                    .collect::<Vec<_>>(),
            )
        };
        let unit = &scan().units[0];
        let skipped = vec![ColumnRequest::Skip; file.header().names.len()];
        let mut group = criterion.benchmark_group(format!("text/{name}"));
        group.throughput(Throughput::Bytes(table.len() as u64));
        group.bench_function("scan", |bencher| bencher.iter(|| black_box(scan())));
        group.bench_function("cut", |bencher| {
            bencher.iter(|| black_box(file.parse(unit, &skipped).unwrap()));
        });
        group.bench_function("parse", |bencher| {
            bencher.iter(|| black_box(file.parse(unit, &[]).unwrap()));
        });
        group.finish();
    }
}

criterion_group!(benches, text);
criterion_main!(benches);
