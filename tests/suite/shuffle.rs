//! `--shuffle`: the rows of a side in the order of a hash of their own, whatever the run is made of.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::record::Field;
use prep_stream::artifact::Manifest;
use prep_stream::engine::{Cancel, Event, Silent};
use prep_stream::job::{Outcome, stream};
use prep_stream::kernel::{Domain, file_key, row_hash};
use prep_stream::spec::{JobSpec, SplitBy};

use crate::harness::{At, Column, Frame, Output, Scratch, Table, Values, normals, spec};

/// In the order of the input; an id is the file's index times this, and the row's index in it.
const FILES: [(&str, usize); 3] = [("a.parquet", 9000), ("b/c.parquet", 5001), ("d.parquet", 1)];
const FILE: i64 = 1_000_000;

/// A column so wide that 4,096 rows make a shard, and hardly any value in it.
fn wide(rows: usize) -> Column {
    let values = (0..rows).map(|row| (row % 4000 == 7).then(|| vec![7; 40_000]));
    Column::new(
        "optional fixed_len_byte_array(40000) wide;",
        Values::Fixed(values.collect()),
    )
}

/// Every physical type, with nulls where there can be some, and lists.
fn every_type(file: usize, rows: usize) -> Table {
    let first = FILE * i64::try_from(file).expect("few files");
    let ids = || first..first + i64::try_from(rows).expect("few rows");
    let some = |id: i64| (id % 7 != 3).then_some(id);
    let bytes = |id: i64| some(id).map(|id| format!("{id:04}").into_bytes()[..4].to_vec());
    let lists = ids().map(|id| usize::try_from(id % 4).expect("not negative"));
    let levels = lists.clone().flat_map(|slots| {
        let slots = (0..slots.max(1)).map(move |slot| (i16::from(slots > 0), i16::from(slot > 0)));
        slots.collect::<Vec<_>>()
    });
    let items = lists.sum::<usize>();
    let list = Column {
        schema: "repeated int64 list;".to_owned(),
        values: Values::I64((0..).map(Some).take(items).collect()),
        levels: Some(levels.unzip()),
    };
    let column = |schema: &str, values| Column::new(schema, values);
    Table::new([
        Column::longs("id", ids()),
        Column::longs("user", ids().map(|id| id / 10)),
        Column::optional_doubles(
            "x",
            normals(9).zip(ids()).map(|(z, id)| some(id).map(|_| z)),
        ),
        column(
            "optional float f;",
            Values::F32(ids().map(|id| some(id).map(|id| id as f32)).collect()),
        ),
        column(
            "optional boolean flag;",
            Values::Bool(ids().map(|id| some(id).map(|id| id % 3 == 0)).collect()),
        ),
        column(
            "optional int32 day (DATE);",
            Values::I32(
                ids()
                    .map(|id| some(id).and_then(|id| (id / 3).try_into().ok()))
                    .collect(),
            ),
        ),
        column(
            "optional int96 old;",
            Values::I96(ids().map(some).collect()),
        ),
        column(
            "optional binary text (STRING);",
            Values::Bytes(
                ids()
                    .map(|id| {
                        some(id).map(|id| vec![b'x'; usize::try_from(id % 90).expect("small")])
                    })
                    .collect(),
            ),
        ),
        column(
            "optional fixed_len_byte_array(4) code;",
            Values::Fixed(ids().map(bytes).collect()),
        ),
        column(
            "required binary side (STRING);",
            Values::Bytes(
                ids()
                    .map(|id| {
                        Some(
                            [&b"train"[..], b"val", b"test"]
                                [usize::from(id % 5 == 0) + usize::from(id % 10 == 0)]
                            .to_vec(),
                        )
                    })
                    .collect(),
            ),
        ),
        list,
        wide(rows),
    ])
}

fn every_type_in_files() -> Scratch {
    let scratch = Scratch::new();
    for (index, (name, rows)) in FILES.iter().enumerate() {
        scratch.parquet(format!("in/{name}"), &every_type(index, *rows));
    }
    scratch
}

/// The hash that row `id` is in order by.
fn hash(id: i64) -> u64 {
    let (name, _) = FILES[usize::try_from(id / FILE).expect("a file")];
    let row = u64::try_from(id % FILE).expect("not negative");
    row_hash(42, Domain::SHUFFLE, file_key(name.as_bytes()), row)
}

/// The rows of a frame in the order that `--shuffle` puts them in, and columns by name.
fn shuffled(frame: &Frame) -> BTreeMap<&str, Vec<&Field>> {
    let ids = frame.longs("id");
    let mut order: Vec<usize> = (0..frame.rows).collect();
    order.sort_by_key(|row| (hash(ids[*row]), *row));
    let columns = frame.names.iter().zip(&frame.columns);
    columns
        .map(|(name, column)| {
            let column = order.iter().map(|row| &column[*row]);
            (name.as_str(), column.collect())
        })
        .collect()
}

#[track_caller]
fn assert_shuffled(plain: &Output, found: &Output, what: &[&str]) {
    assert_eq!(plain.sides(), found.sides(), "{what:?}");
    for side in plain.sides() {
        let (plain, found) = (plain.side(&side), found.side(&side));
        assert_eq!(plain.schema, found.schema);
        assert_eq!(plain.rows, found.rows, "{side} of {what:?}");
        for (name, expected) in shuffled(&plain) {
            let found: Vec<&Field> = found.column(name).iter().collect();
            assert!(found == expected, "{name} of {side} with {what:?}");
        }
    }
    assert_eq!(plain.text("scaler.json"), found.text("scaler.json"));
    assert_eq!(
        plain.json("histograms.json")["columns"],
        found.json("histograms.json")["columns"]
    );
}

fn shards(output: &Output, side: &str) -> usize {
    fs::read_dir(output.path.join(side))
        .expect("a side")
        .count()
}

#[test]
fn rows_of_every_side_and_type_are_in_the_order_of_their_hashes_over_all_shards() {
    let scratch = every_type_in_files();
    let modes: &[&[&str]] = &[
        &[],
        &["--val-size", "0.3", "--dtype", "float32"],
        &["--split-by", "content", "--test-size", "0.5"],
        &["--split-by", "group:user", "--val-size", "0.1"],
        &["--split-by", "time:day", "--test-size", "0.4"],
        &["--split-by", "column:side"],
        &["--stratify", "flag", "--test-size", "0.5"],
        &["--sample", "0.5", "--where", "f > 100"],
        &["--test-size", "0"],
        &["--test-size", "1", "--where", "f > 1e9"],
    ];
    for mode in modes {
        let flags = [&["--exclude", "id,user", "--overwrite"], *mode].concat();
        let plain = scratch.stream_to("plain", "in", &flags);
        let found = scratch.stream("in", &[&flags[..], &["--shuffle"]].concat());
        assert_shuffled(&plain, &found, mode);
        scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
        if mode.is_empty() {
            assert_eq!(
                (shards(&found, "train"), shards(&found, "test")),
                (3, 1),
                "11,000 rows and 3,000 at 4,096 a shard"
            );
            assert_ne!(plain.train().longs("id"), found.train().longs("id"));
        }
    }
}

#[test]
fn text_is_shuffled_like_parquet() {
    let scratch = Scratch::new();
    let mut lines = String::from("id,x,note\n");
    for (id, z) in (0..9000).zip(normals(4)) {
        lines += &format!("{id},{z},{}\n", ["a", "\"b\nb\"", ""][id % 3]);
    }
    scratch.write("in/a.parquet.csv", lines);
    let flags = ["--exclude", "id", "--overwrite"];
    let plain = scratch.stream_to("plain", "in", &flags);
    let found = scratch.stream("in", &[&flags[..], &["--shuffle"]].concat());
    let by_hash = |frame: &Frame| {
        let mut ids = frame.longs("id");
        let key = file_key(b"a.parquet.csv");
        ids.sort_by_key(|id| row_hash(42, Domain::SHUFFLE, key, id.unsigned_abs()));
        ids
    };
    for side in ["train", "test"] {
        let (plain, found) = (plain.side(side), found.side(side));
        assert_eq!(by_hash(&plain), found.longs("id"));
        let pairs = |frame: &Frame| -> BTreeMap<i64, (String, String)> {
            let values = frame.strings("x").into_iter().zip(frame.strings("note"));
            frame.longs("id").into_iter().zip(values).collect()
        };
        assert_eq!(pairs(&plain), pairs(&found));
    }
}

/// Texts of very different lengths: few shards' columns fit a small budget at once.
fn long_texts(file: usize, rows: usize) -> Table {
    let first = FILE * i64::try_from(file).expect("few files");
    let ids = first..first + i64::try_from(rows).expect("few rows");
    let length = |row: usize| match row {
        17 | 4000 => 3 << 20,
        row => 13 * (row % 500),
    };
    let texts = (0..rows).map(|row| format!("{row}").repeat(length(row) / 4));
    Table::new([
        Column::longs("id", ids),
        Column::doubles("x", normals(3).take(rows)),
        Column::text("long", texts),
        wide(rows),
    ])
}

#[test]
fn threads_and_memory_change_no_byte() {
    let scratch = Scratch::new();
    for (index, (name, rows)) in FILES.iter().enumerate() {
        scratch.parquet(format!("in/{name}"), &long_texts(index, *rows));
    }
    let flags = ["--exclude", "id", "--shuffle"];
    scratch.stream_to("reference", "in", &flags);
    let reference = scratch.bytes_of("reference");
    for (number, setting) in [
        &["--threads", "1", "--memory", "90MiB"][..],
        &["--threads", "2", "--memory", "120MiB"],
        &["--threads", "5", "--memory", "200MiB"],
        &["--threads", "8", "--memory", "4GiB"],
    ]
    .iter()
    .enumerate()
    {
        let out = format!("out-{number}");
        scratch.stream_to(&out, "in", &[&flags[..], setting].concat());
        let bytes = scratch.bytes_of(&out);
        assert!(bytes.keys().eq(reference.keys()), "{setting:?}");
        for (name, wanted) in &reference {
            assert!(wanted == &bytes[name], "{name} differs with {setting:?}");
        }
    }
}

fn shuffling(scratch: &Scratch, out: &str) -> JobSpec {
    let mut spec = spec(scratch, out, &SplitBy::Row);
    spec.columns.exclude = vec!["id".to_owned()];
    spec.output.shuffle = true;
    spec
}

#[test]
fn a_shuffle_stopped_at_any_moment_goes_on_and_ends_with_the_same_bytes() {
    let scratch = Scratch::new();
    for file in 0..4 {
        let name = format!("in/{file}.parquet");
        scratch.parquet(name, &long_texts(file, 4100));
    }
    stream(
        &shuffling(&scratch, "reference"),
        &Cancel::default(),
        &Silent,
    )
    .expect("a run");
    let reference = scratch.bytes_of("reference");
    let mut most = 0;
    for stop_at in (1..).step_by(3) {
        let cancel = Cancel::default();
        let left = AtomicU64::new(stop_at);
        let stop = |_: &Event| {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                cancel.cell().store(15, Ordering::Relaxed);
            }
        };
        if stream(&shuffling(&scratch, "out"), &cancel, &At(stop)).is_ok() {
            assert!(stop_at > 20, "{stop_at} events are hardly a run");
            break;
        }
        assert!(!scratch.path("out").exists());
        let again = stream(&shuffling(&scratch, "out"), &Cancel::default(), &Silent);
        let Ok(Outcome::Written(report)) = again else {
            panic!("stopped at {stop_at}: {again:?}");
        };
        most = most.max(report.taken_up);
        assert!(scratch.bytes_of("out") == reference, "stopped at {stop_at}");
        assert!(!scratch.path(".out.prep").exists());
        fs::remove_dir_all(scratch.path("out")).expect("remove the output");
    }
    assert!(most >= 8, "at most {most} results were taken up");
}

#[test]
fn segments_that_were_damaged_after_a_stop_are_made_again() {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &long_texts(0, 5000));
    stream(
        &shuffling(&scratch, "reference"),
        &Cancel::default(),
        &Silent,
    )
    .expect("a run");
    let cancel = Cancel::default();
    let stop = |event: &Event| {
        if matches!(event, Event::Finished { pass, .. } if pass.to_string() == "write") {
            cancel.cell().store(15, Ordering::Relaxed);
        }
    };
    let stopped = stream(&shuffling(&scratch, "out"), &cancel, &At(stop));
    assert!(stopped.is_err());
    let segments = scratch.path(".out.prep/cache/segments-0000000");
    let mut bytes = fs::read(&segments).expect("segments");
    bytes[1000] ^= 1;
    fs::write(&segments, bytes).expect("damage them");
    stream(&shuffling(&scratch, "out"), &Cancel::default(), &Silent).expect("a run");
    assert!(scratch.bytes_of("out") == scratch.bytes_of("reference"));
}

#[test]
fn every_command_knows_of_it() {
    let scratch = every_type_in_files();
    let flags = ["--exclude", "id,user", "--shuffle", "--if-changed"];
    let args = [&["stream", "--in", "in", "--out", "out"], &flags[..]].concat();
    let run = scratch.prep(&args).succeeds();
    assert!(run.stderr.contains("shuffle"), "{}", run.stderr);
    let output = scratch.output("out");
    assert_eq!(
        output.json("manifest.json")["spec"]["output"]["shuffle"],
        true
    );
    let passes = output.json("run.json")["passes"].to_string();
    assert!(passes.contains("\"shuffle\""), "{passes}");
    let again = scratch.prep(&args).succeeds();
    assert!(
        again.stdout.contains("is up to date"),
        "{}",
        again.describe()
    );

    let planned = scratch.prep(&[
        "plan",
        "--in",
        "in",
        "--out",
        "new",
        "--shuffle",
        "--exclude",
        "id",
    ]);
    let planned = planned.succeeds();
    assert!(
        planned.stdout.contains("shuffle") || planned.stderr.contains("shuffle"),
        "{}",
        planned.describe()
    );
    scratch.prep(&["audit", "out", "--in", "in"]).succeeds();
    let folds = [
        "stream",
        "--in",
        "in",
        "--out",
        "new",
        "--folds",
        "3",
        "--shuffle",
    ];
    let refused = scratch.prep(&folds).fails_with(2);
    assert!(refused.contains("--folds and --shuffle"), "{refused}");
}

/// Verifies an output whose checksums are all right: what is found of `file`.
#[track_caller]
fn found_of(scratch: &Scratch, file: &str) -> String {
    let run = scratch.prep(&["verify", "out", "--in", "in"]);
    assert_eq!(run.code, Some(1), "{}", run.describe());
    assert!(run.stdout.contains(file), "{file}: {}", run.describe());
    run.stdout
}

#[test]
fn shards_in_another_order_are_found_by_verify() {
    let scratch = every_type_in_files();
    let output = scratch.stream("in", &["--exclude", "id,user", "--shuffle"]);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    // The second and the third shard of train change places, and all records with them.
    let path = output.path.join("manifest.json");
    let mut manifest = Manifest::parse(&fs::read(&path).expect("read")).expect("a manifest");
    let train = manifest
        .shards
        .iter_mut()
        .filter(|shard| shard.side == "train");
    let [_, second, third] = &mut train.collect::<Vec<_>>()[..] else {
        panic!("three shards of train");
    };
    std::mem::swap(&mut second.rows, &mut third.rows);
    std::mem::swap(&mut second.bytes, &mut third.bytes);
    std::mem::swap(&mut second.xxh3_128, &mut third.xxh3_128);
    let [one, other] = [&second.path, &third.path].map(|path| output.path.join(path));
    let name = second.path.clone();
    fs::rename(&one, scratch.path("aside")).expect("rename");
    fs::rename(&other, &one).expect("rename");
    fs::rename(scratch.path("aside"), &other).expect("rename");
    fs::write(&path, manifest.render().expect("JSON")).expect("write");
    let found = found_of(&scratch, "train");
    assert!(
        found.contains(&name) || found.contains("rows of"),
        "{found}"
    );
    assert!(found.contains("in the order of the hash"), "{found}");
}

#[test]
fn one_value_that_is_another_in_the_source_is_found_by_verify_in_its_column() {
    const VALUE: i64 = 0x1234_5678_9abc_def0;
    let scratch = Scratch::new();
    let mut code: Vec<i64> = (0..5000).collect();
    code[2500] = VALUE;
    let table = Table::new([
        Column::doubles("x", normals(1).take(5000)),
        Column::longs("code", code),
    ]);
    scratch.parquet("in/a.parquet", &table.uncompressed());
    let output = scratch.stream("in", &["--exclude", "code", "--shuffle"]);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
    // The fingerprint of the file doesn't see it.
    let path = scratch.path("in/a.parquet");
    let mut bytes = fs::read(&path).expect("read");
    let at = bytes
        .windows(8)
        .position(|window| window == VALUE.to_le_bytes());
    bytes[at.expect("the value")] ^= 1;
    fs::write(&path, bytes).expect("write");
    let found = found_of(&scratch, "part-");
    assert!(!found.contains("column \"x\""), "{found}");
    let (_, row) = found.split_once(": row ").expect(&found);
    let (row, what) = row.split_once(", ").expect(&found);
    assert!(
        what.starts_with("column \"code\" (row 2500 of a.parquet): "),
        "{found}"
    );
    // That row of that shard holds what the source held.
    let shards = ["train", "test"].map(|side| output.side(side).longs("code"));
    let row: usize = row.parse().expect(&found);
    assert!(
        shards.iter().any(|codes| codes.get(row) == Some(&VALUE)),
        "{found}"
    );
}

#[test]
fn shuffled_text_and_folders_are_verified_row_by_row() {
    let scratch = Scratch::new();
    for (folder, first) in [("day=1", 0), ("day=2", 3000)] {
        let rows = first..first + 3000;
        let lines: String = rows
            .map(|n| format!("{},{n:04},{}\n", n % 97, n % 7))
            .collect();
        scratch.write(format!("in/{folder}/a.csv"), format!("x,code,y\n{lines}"));
    }
    let flags = ["--shuffle", "--text", "code", "--val-size", "0.1"];
    scratch.stream("in", &flags);
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}
