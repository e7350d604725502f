//! Scanning and parsing text: bytes per second on one core.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prep_stream::source::text::{ColumnRequest, TextFile};
use prep_stream::spec::Dialect;

const ROWS: u64 = 20_000;

/// A few thousand rows of floats with 17 digits, integers, and quoted text.
fn tables() -> [(&'static str, String); 3] {
    let mut state = 1_u64;
    let mut next = || {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        state >> 11
    };
    let [mut floats, mut integers, mut text] = [String::new(), String::new(), String::new()];
    for column in 0..28 {
        write!(floats, "{}c{column}", if column > 0 { "," } else { "" }).unwrap();
    }
    integers.push_str("a,b,c,d,e");
    text.push_str("id,name,note,price");
    for row in 0..ROWS {
        for column in 0..28 {
            let value = next() as f64 / (1_u64 << 53) as f64;
            floats.push(if column == 0 { '\n' } else { ',' });
            write!(floats, "{value:.17}").unwrap();
        }
        for column in 0..5 {
            integers.push(if column == 0 { '\n' } else { ',' });
            let digits = next() % 30;
            write!(integers, "{}", next() >> (22 + digits)).unwrap();
        }
        let price = (next() % 100_000) as f64 / 100.0;
        write!(
            text,
            "\n{row},\"name {}\",\"a \"\"quoted\"\" note, {row}\",{price:.2}",
            row % 77
        )
        .unwrap();
    }
    [("floats", floats), ("integers", integers), ("text", text)]
}

fn text(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    for (name, table) in tables() {
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
