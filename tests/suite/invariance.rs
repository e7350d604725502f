//! The same bytes whatever the threads and the memory; no row ever changes its side.

use std::collections::BTreeSet;
use std::fs;

use crate::harness::{Column, Scratch, Table, normals};

/// A table whose `id` says which row it is.
fn table(first: i64, rows: usize) -> Table {
    let seed = first.unsigned_abs() + 1;
    let ids = first..first + i64::try_from(rows).expect("few rows");
    Table::new([
        Column::longs("id", ids.clone()),
        Column::doubles("heavy", normals(seed).take(rows).map(|z| 1e9 + z * z * z)),
        Column::optional_doubles(
            "holes",
            normals(seed + 7).take(rows).map(|z| (z < 1.0).then_some(z)),
        ),
        Column::text("name", ids.map(|id| format!("row {}", id % 1000))),
    ])
    .rows_per_group(60_000)
}

fn csv(first: i64, rows: usize) -> String {
    let mut text = String::from("id,x,note\n");
    for (offset, z) in normals(first.unsigned_abs() + 3).take(rows).enumerate() {
        let id = first + i64::try_from(offset).expect("few rows");
        let note = if id % 50 == 0 {
            "\"two\nlines\""
        } else {
            "plain"
        };
        text += &format!("{id},{z},{note}\n");
    }
    text
}

const SETTINGS: &[&[&str]] = &[
    &["--threads", "1"],
    &["--threads", "2"],
    &["--threads", "8"],
    &["--threads", "2", "--memory", "100MiB"],
    &["--threads", "1", "--memory", "200MiB"],
    &["--threads", "3", "--memory", "1GiB"],
    &["--memory", "16GiB"],
];

fn same_bytes_for_all_settings(scratch: &Scratch, input: &str) {
    scratch.stream_to("reference", input, &["--exclude", "id"]);
    let reference = scratch.bytes_of("reference");
    assert!(reference.len() >= 5, "{:?}", reference.keys());
    for (number, setting) in SETTINGS.iter().enumerate() {
        let out = format!("out-{number}");
        scratch.stream_to(&out, input, &[&["--exclude", "id"], *setting].concat());
        let bytes = scratch.bytes_of(&out);
        assert_eq!(
            reference.keys().collect::<Vec<_>>(),
            bytes.keys().collect::<Vec<_>>(),
            "{setting:?}"
        );
        for (name, wanted) in &reference {
            assert!(wanted == &bytes[name], "{name} differs with {setting:?}");
        }
        fs::remove_dir_all(scratch.path(&out)).expect("remove an output");
    }
}

#[test]
fn parquet_gives_the_same_bytes_for_any_threads_and_memory() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &table(0, 500_000));
    scratch.parquet("in/deep/b.parquet", &table(1_000_000, 350_000));
    for part in 0..20 {
        scratch.parquet(
            format!("in/small/{part}.parquet"),
            &table(2_000_000 + part * 100, 100),
        );
    }
    same_bytes_for_all_settings(&scratch, "in");
}

#[test]
fn text_gives_the_same_bytes_for_any_threads_and_memory() {
    let scratch = Scratch::new();
    scratch.write("in/a.csv", csv(0, 400_000));
    scratch.write("in/b.csv", csv(500_000, 30_000));
    scratch.write("in/empty.csv", "id,x,note\n");
    same_bytes_for_all_settings(&scratch, "in");
}

#[test]
fn a_second_run_of_the_same_job_writes_the_same_bytes_under_another_name() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &table(0, 5000));
    scratch.stream_to("one", "in", &[]);
    scratch.stream_to("two", "in", &[]);
    assert!(scratch.bytes_of("one") == scratch.bytes_of("two"));
}

/// The ids on the test side.
fn test_ids(scratch: &Scratch, input: &str, extra: &[&str]) -> BTreeSet<i64> {
    let flags = [&["--exclude", "id", "--overwrite"], extra].concat();
    let output = scratch.stream(input, &flags);
    output.test().longs("id").into_iter().collect()
}

#[test]
fn adding_files_moving_the_directory_and_threads_move_no_row() {
    let scratch = Scratch::new();
    scratch.parquet("in/b.parquet", &table(0, 4000));
    scratch.parquet("in/x=1/d.parquet", &table(10_000, 4000));
    let flags: &[&str] = &["--no-hive"];
    let before = test_ids(&scratch, "in", flags);
    assert!(
        (1400..1800).contains(&before.len()),
        "{} of 8000 rows",
        before.len()
    );

    assert_eq!(
        test_ids(&scratch, "in", &["--no-hive", "--threads", "5"]),
        before
    );
    assert_eq!(test_ids(&scratch, "in/", flags), before);
    assert_eq!(test_ids(&scratch, "in/**/*.parquet", flags), before);
    let absolute = scratch.path("in");
    assert_eq!(
        test_ids(&scratch, absolute.to_str().expect("UTF-8"), flags),
        before
    );

    for (name, first) in [
        ("in/a.parquet", 20_000),
        ("in/c.parquet", 30_000),
        ("in/x=1/e.parquet", 40_000),
    ] {
        scratch.parquet(name, &table(first, 3000));
    }
    let after = test_ids(&scratch, "in", flags);
    assert_eq!(
        after.range(..20_000).copied().collect::<BTreeSet<_>>(),
        before
    );

    fs::create_dir_all(scratch.path("far/away")).expect("a directory");
    fs::rename(scratch.path("in"), scratch.path("far/away/other name")).expect("move the input");
    assert_eq!(test_ids(&scratch, "far/away/other name", flags), after);
}

#[test]
fn a_single_file_counts_from_its_parent_and_root_overrides_it() {
    let scratch = Scratch::new();
    scratch.parquet("in/deep/a.parquet", &table(0, 4000));
    let from_root = test_ids(&scratch, "in", &[]);
    let alone = test_ids(&scratch, "in/deep/a.parquet", &[]);
    assert_eq!(alone, test_ids(&scratch, "in/deep", &[]));
    assert_ne!(alone, from_root);
    assert_eq!(
        from_root,
        test_ids(&scratch, "in/deep/a.parquet", &["--root", "in"])
    );
}

#[test]
fn a_larger_test_size_keeps_every_test_row() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &table(0, 6000));
    let mut smaller = BTreeSet::new();
    for size in ["0", "0.01", "0.2", "0.21", "0.9"] {
        let ids = test_ids(&scratch, "in", &["--test-size", size]);
        assert!(ids.is_superset(&smaller), "at {size}");
        smaller = ids;
    }
}

#[test]
fn the_published_vector_holds_on_a_real_file() {
    let scratch = Scratch::new();
    let ids = Table::new([
        Column::longs("id", 0..1_000_000),
        Column::doubles("x", (0..1_000_000).map(f64::from)),
    ]);
    scratch.parquet("in/a.parquet", &ids);
    let test = test_ids(&scratch, "in", &[]);
    assert_eq!(test.len(), 199_540);
    // h of rows 0, 1, 2: e6f8..., 233c..., c2c1...; below 0x3333... is test.
    assert_eq!([0, 1, 2].map(|id| test.contains(&id)), [false, true, false]);
}
