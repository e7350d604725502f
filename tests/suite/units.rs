//! `prep plan --plan`, `prep unit`, `prep commit`: a job done by many processes is that of one.

mod readings;
mod shuffled;
mod text;

use std::collections::BTreeMap;
use std::fs;

use crate::harness::{Column, Scratch, Table, files_below, normals};

/// More than four units of 128 files.
const FILES: u64 = 600;

fn make_input(scratch: &Scratch) {
    for file in 0..FILES {
        let table = Table::new([
            Column::optional_doubles(
                "x",
                normals(file).take(20).map(|z| (z < 1.0).then_some(1e9 + z)),
            ),
            Column::longs("user", (0..20).map(|row| row * 7 % 13)),
            Column::longs("side", (0..20).map(|row| i64::from(row % 5 == 0))),
            Column::text("name", (0..20).map(|row| format!("row {row} of {file}"))),
        ]);
        scratch.parquet(format!("in/{file:03}.parquet"), &table);
    }
}

/// `prep plan --in in --out OUT --plan PLAN`; how many units there are.
fn plan(scratch: &Scratch, out: &str, file: &str, flags: &[&str]) -> u64 {
    let line = [
        "plan",
        "--in",
        "in",
        "--out",
        out,
        "--plan",
        file,
        "--log-format",
        "json",
        "--quiet",
    ];
    let run = scratch.prep(&[&line[..], flags].concat()).succeeds();
    let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("a report");
    report["units"].as_u64().expect("units")
}

fn unit(scratch: &Scratch, file: &str, pass: &str, units: &str) {
    let line = ["unit", pass, "--plan", file, "--unit", units, "--quiet"];
    scratch.prep(&line).succeeds();
}

fn commit(scratch: &Scratch, file: &str) {
    scratch
        .prep(&["commit", "--plan", file, "--quiet"])
        .succeeds();
}

fn is_same(scratch: &Scratch, out: &str, wanted: &BTreeMap<String, Vec<u8>>) {
    let bytes = scratch.bytes_of(out);
    let names = |bytes: &BTreeMap<String, Vec<u8>>| bytes.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&bytes), names(wanted));
    assert!(bytes == *wanted, "{out}");
    assert!(!scratch.path(format!(".{out}.prep")).exists());
}

/// All units of a plan done in an order that isn't theirs, and again.
fn units_twice(scratch: &Scratch, file: &str, units: u64) {
    let last = units - 1;
    for pass in ["split", "fit", "write"] {
        for range in [
            format!("{last}"),
            format!("0..{last}"),
            format!("0..{units}"),
        ] {
            unit(scratch, file, pass, &range);
        }
    }
}

/// A job whose units four processes do at the same time, against one by `prep stream`.
fn done_four_times_at_once(scratch: &Scratch, flags: &[&str]) {
    scratch.stream_to("reference", "in", flags);
    plan(scratch, "out", "plan.json", flags);
    for pass in ["split", "fit", "write"] {
        let line = [
            "unit",
            pass,
            "--plan",
            "plan.json",
            "--unit",
            "0..5",
            "--quiet",
        ];
        let running: Vec<_> = (0..4).map(|_| scratch.start(&line)).collect();
        for run in running {
            run.finish().succeeds();
        }
    }
    commit(scratch, "plan.json");
    is_same(scratch, "out", &scratch.bytes_of("reference"));
}

/// Units in processes of their own leave the bytes of `reference`.
fn is_same_isolated(
    scratch: &Scratch,
    (input, out): (&str, &str),
    flags: &[&str],
    reference: &str,
) {
    scratch.stream_to(out, input, &[&["--isolate"], flags].concat());
    is_same(scratch, out, &scratch.bytes_of(reference));
}

#[test]
fn units_in_any_order_and_twice_give_the_bytes_of_stream_for_every_kind_of_split() {
    let scratch = Scratch::new();
    make_input(&scratch);
    let settings: [&[&str]; 15] = [
        &[],
        &["--val-size", "0.1", "--seed", "7", "--dtype", "float32"],
        &["--split-by", "group:user", "--sample", "0.5"],
        &[
            "--split-by",
            "content",
            "--where",
            "user > 3",
            "--weights",
            "user",
        ],
        &["--split-by", "column:side"],
        &["--split-by", "time:user", "--cutoff", "5"],
        &["--folds", "3"],
        &[
            "--folds",
            "4",
            "--split-by",
            "group:user",
            "--where",
            "user > 2",
        ],
        // Sides of exact sizes, found in the ranks that all units leave.
        &["--test-size", "1001", "--val-size", "77"],
        &[
            "--test-size",
            "1001",
            "--sample",
            "0.25",
            "--split-by",
            "content",
        ],
        &[
            "--stratify",
            "user",
            "--val-size",
            "0.1",
            "--where",
            "user > 3",
        ],
        &[
            "--stratify",
            "side",
            "--test-size",
            "500",
            "--split-by",
            "content",
        ],
        &["--folds", "5", "--stratify", "user", "--sample", "0.5"],
        // Shards of every fold.
        &["--folds", "3", "--materialize-folds"],
        &[
            "--folds",
            "2",
            "--materialize-folds",
            "--split-by",
            "group:user",
            "--stratify",
            "side",
        ],
    ];
    for (number, flags) in settings.iter().enumerate() {
        let (reference, out, file) = (
            format!("reference-{number}"),
            format!("out-{number}"),
            format!("plan-{number}.json"),
        );
        scratch.stream_to(&reference, "in", flags);
        let units = plan(&scratch, &out, &file, flags);
        assert_eq!(units, 5);
        for pass in ["split", "fit", "write"] {
            for range in ["3..5", "1", "0..2", "2..4"] {
                unit(&scratch, &file, pass, range);
            }
        }
        commit(&scratch, &file);
        is_same(&scratch, &out, &scratch.bytes_of(&reference));
        scratch.prep(&["verify", &out, "--in", "in"]).succeeds();
    }
}

#[test]
fn a_unit_whose_shards_of_one_fold_are_lost_is_missing() {
    let scratch = Scratch::new();
    make_input(&scratch);
    let flags = ["--folds", "3", "--materialize-folds"];
    scratch.stream_to("reference", "in", &flags);
    plan(&scratch, "out", "plan.json", &flags);
    for pass in ["split", "fit", "write"] {
        unit(&scratch, "plan.json", pass, "0..2");
        unit(&scratch, "plan.json", pass, "2..5");
    }
    let partials = scratch.path(".out.prep/partials");
    let line = ["commit", "--plan", "plan.json"];
    let lost = partials.join("fold-1-write-0000002-0000005.lines");
    fs::remove_file(lost).expect("remove results");
    let error = scratch.prep(&line).fails_with(4);
    assert!(error.contains("units 2..5"), "{error}");
    unit(&scratch, "plan.json", "write", "2..5");
    let shards = files_below(&scratch.path(".out.prep/out/fold-2/test"));
    fs::remove_file(&shards[3]).expect("remove a shard");
    let error = scratch.prep(&line).fails_with(4);
    assert!(error.contains("units 3"), "{error}");
    unit(&scratch, "plan.json", "write", "3");
    commit(&scratch, "plan.json");
    is_same(&scratch, "out", &scratch.bytes_of("reference"));
    is_same_isolated(&scratch, ("in", "isolated"), &flags, "reference");
}

#[test]
fn the_same_units_at_the_same_time_do_no_harm() {
    let scratch = Scratch::new();
    make_input(&scratch);
    // Sides are kept, too.
    done_four_times_at_once(&scratch, &["--split-by", "group:user"]);
}

#[test]
fn a_pass_and_the_commit_name_the_units_that_are_missing_or_damaged() {
    let scratch = Scratch::new();
    make_input(&scratch);
    scratch.stream_to("reference", "in", &[]);
    plan(&scratch, "out", "plan.json", &[]);
    let refused = |line: &[&str], parts: &[&str]| {
        let error = scratch.prep(line).fails_with(4);
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    };
    let fit = ["unit", "fit", "--plan", "plan.json", "--unit", "0..5"];
    unit(&scratch, "plan.json", "split", "1..3");
    refused(&fit, &["pass split", "units 0, 3..5", "--unit 0"]);
    unit(&scratch, "plan.json", "split", "0..5");
    unit(&scratch, "plan.json", "fit", "0..5");
    unit(&scratch, "plan.json", "write", "0..5");

    let partials = scratch.path(".out.prep/partials");
    let range =
        |pass: &str, first: u64| partials.join(format!("{pass}-{first:07}-{:07}.lines", first + 1));
    let commit_line = ["commit", "--plan", "plan.json"];
    // One of another unit, one cut short, one that is gone.
    fs::remove_file(partials.join("fit-0000000-0000005.lines")).expect("remove a partial");
    for number in 0..5 {
        unit(&scratch, "plan.json", "fit", &number.to_string());
    }
    fs::copy(range("fit", 3), range("fit", 1)).expect("copy a partial");
    let whole = fs::read(range("fit", 2)).expect("a partial");
    fs::write(range("fit", 2), &whole[..whole.len() - 2]).expect("cut a partial");
    fs::remove_file(range("fit", 4)).expect("remove a partial");
    refused(&commit_line, &["pass fit", "units 1..3, 4", "--unit 1..3"]);
    assert!(!scratch.path("out").exists());
    // A process that writes needs what was read of its own units, and the total of all.
    let write = ["unit", "write", "--plan", "plan.json", "--unit", "0..4"];
    refused(&write, &["pass fit", "units 1..3", "--unit 1..3"]);
    let total = partials.join("fit-total.json");
    let whole = fs::read(&total).expect("a total");
    fs::write(&total, &whole[..whole.len() / 2]).expect("cut a total");
    refused(&write, &["pass fit", "units 1..3, 4", "--unit 1..3"]);
    unit(&scratch, "plan.json", "fit", "0..5");
    unit(&scratch, "plan.json", "write", "0..4");
    assert!(fs::read(&total).expect("a total") == whole);

    // A shard that was changed, and one that is gone.
    let shards = files_below(&scratch.path(".out.prep/out/train"));
    let mut bytes = fs::read(&shards[2]).expect("a shard");
    bytes[100] ^= 1;
    fs::write(&shards[2], bytes).expect("damage a shard");
    refused(&commit_line, &["write-0000002", "damaged"]);
    assert!(!scratch.path("out").exists());
    unit(&scratch, "plan.json", "write", "2");
    fs::remove_file(&shards[3]).expect("remove a shard");
    refused(&commit_line, &["pass write", "units 3"]);
    unit(&scratch, "plan.json", "write", "3");
    commit(&scratch, "plan.json");
    is_same(&scratch, "out", &scratch.bytes_of("reference"));

    // Once more of everything: it is there.
    unit(&scratch, "plan.json", "write", "0..5");
    commit(&scratch, "plan.json");
    is_same(&scratch, "out", &scratch.bytes_of("reference"));
}

#[test]
fn a_commit_by_sizes_gives_the_same_bytes_and_sees_what_sizes_and_footers_tell() {
    let scratch = Scratch::new();
    make_input(&scratch);
    scratch.stream_to("reference", "in", &[]);
    plan(&scratch, "out", "plan.json", &[]);
    for pass in ["split", "fit", "write"] {
        unit(&scratch, "plan.json", pass, "0..5");
    }
    let line = ["commit", "--plan", "plan.json", "--sizes-only"];
    let shards = files_below(&scratch.path(".out.prep/out/train"));
    let whole = fs::read(&shards[1]).expect("a shard");
    let refused = |bytes: Vec<u8>, part: &str| {
        fs::write(&shards[1], bytes).expect("damage a shard");
        let error = scratch.prep(&line).fails_with(4);
        assert!(error.contains(part), "{error}");
        assert!(!scratch.path("out").exists());
    };
    refused(whole[1..].to_vec(), "pass write");
    // Another unit's shard, as large.
    let mut other = fs::read(&shards[2]).expect("a shard");
    other.resize(whole.len(), 0);
    refused(other, "write-0000001");
    // One of a file system that lost its end: zeros.
    let mut torn = whole.clone();
    torn[whole.len() / 2..].fill(0);
    refused(torn, "write-0000001");
    // A partial is proven as ever.
    fs::write(&shards[1], &whole).expect("mend a shard");
    let partial = scratch.path(".out.prep/partials/write-0000000-0000005.lines");
    let lines = fs::read(&partial).expect("a partial");
    let mut changed = lines.clone();
    changed[lines.len() / 3] ^= 1;
    fs::write(&partial, changed).expect("damage a partial");
    let error = scratch.prep(&line).fails_with(4);
    assert!(error.contains("pass write"), "{error}");
    fs::write(&partial, lines).expect("mend a partial");

    // What only reading shows: prep verify shows it then.
    let mut bytes = whole.clone();
    bytes[100] ^= 1;
    fs::write(&shards[1], bytes).expect("damage a shard");
    let checked = ["commit", "--plan", "plan.json"];
    scratch.prep(&checked).fails_with(4);
    scratch.prep(&line).succeeds();
    scratch.prep(&["verify", "out"]).clear_error();
    let name = shards[1].file_name().expect("a name");
    fs::write(scratch.path("out/train").join(name), whole).expect("mend a shard");
    is_same(&scratch, "out", &scratch.bytes_of("reference"));
    scratch.prep(&["verify", "out", "--in", "in"]).succeeds();
}

#[test]
fn ranks_of_all_units_are_needed_proven_and_taken_up_by_stream() {
    let scratch = Scratch::new();
    make_input(&scratch);
    let flags = ["--stratify", "user", "--test-size", "1001"];
    scratch.stream_to("reference", "in", &flags);
    plan(&scratch, "out", "plan.json", &flags);
    let refused = |pass: &str, parts: &[&str]| {
        let line = ["unit", pass, "--plan", "plan.json", "--unit", "0..5"];
        let error = scratch.prep(&line).fails_with(4);
        for part in parts {
            assert!(error.contains(part), "{error}");
        }
    };
    let partials = scratch.path(".out.prep/partials");
    let range = |first: u64, end: u64| partials.join(format!("split-{first:07}-{end:07}.lines"));
    unit(&scratch, "plan.json", "split", "0..2");
    unit(&scratch, "plan.json", "split", "3");
    refused("fit", &["pass split", "units 2, 4", "--unit 2"]);
    unit(&scratch, "plan.json", "split", "2..5");
    // One range of other units, one that was cut short.
    fs::remove_file(range(3, 4)).expect("remove a partial");
    let whole = fs::read(range(2, 5)).expect("a partial");
    fs::copy(range(0, 2), range(2, 5)).expect("copy a partial");
    refused("fit", &["units 2..5"]);
    fs::write(range(2, 5), &whole[..whole.len() - 2]).expect("cut a partial");
    refused("fit", &["pass split", "units 2..5"]);
    assert!(!partials.join("split-total.json").exists());
    unit(&scratch, "plan.json", "split", "2..5");
    unit(&scratch, "plan.json", "fit", "0..5");
    let total = partials.join("split-total.json");
    let merged = fs::read(&total).expect("a total");
    fs::write(&total, &merged[..merged.len() / 2]).expect("cut a total");
    unit(&scratch, "plan.json", "write", "3..5");
    assert!(fs::read(&total).expect("a total") == merged);
    // What is left, one process does.
    let line = [&["stream", "--in", "in", "--out", "out"], &flags[..]].concat();
    let run = scratch.prep(&line).succeeds();
    assert!(run.stdout.contains("12 finished pieces"), "{}", run.stdout);
    is_same(&scratch, "out", &scratch.bytes_of("reference"));
}

#[test]
fn sides_that_would_need_another_reading_are_an_error_once_that_is_known() {
    let scratch = Scratch::new();
    let table = Table::new([Column::longs("x", vec![7; 3000])]);
    scratch.parquet("in/a.parquet", &table);
    let flags = ["--split-by", "content", "--test-size", "1000"];
    plan(&scratch, "out", "plan.json", &flags);
    unit(&scratch, "plan.json", "split", "0");
    let line = ["unit", "fit", "--plan", "plan.json", "--unit", "0"];
    let error = scratch.prep(&line).fails_with(2);
    assert!(error.contains("rows have the same key"), "{error}");
    // More rows than there are.
    plan(&scratch, "out", "plan.json", &["--test-size", "4000"]);
    unit(&scratch, "plan.json", "split", "0");
    let error = scratch.prep(&line).fails_with(2);
    assert!(error.contains("4000"), "{error}");
}

#[test]
fn units_are_refused_for_another_plan_other_inputs_and_what_one_process_has_to_do() {
    let scratch = Scratch::new();
    make_input(&scratch);
    let planning = |flags: &[&str]| {
        let line = ["plan", "--in", "in", "--out", "out", "--plan", "plan.json"];
        scratch.prep(&[&line[..], flags].concat())
    };
    for flags in [
        &["--on-bad-file", "skip"][..],
        &["--audit", "--fail-on", "leak"],
    ] {
        let error = planning(flags).fails_with(2);
        assert!(
            error.contains("cannot be used together"),
            "{flags:?}: {error}"
        );
    }
    assert!(!scratch.path("plan.json").exists() && !scratch.path(".out.prep").exists());

    plan(&scratch, "out", "plan.json", &[]);
    let unit_line = ["unit", "split", "--plan", "plan.json", "--unit", "0..9"];
    let error = scratch.prep(&unit_line).fails_with(2);
    assert!(error.contains("the plan has units 0..5"), "{error}");
    let unit_line = ["unit", "split", "--plan", "plan.json", "--unit", "0..5"];
    // Another job takes the place of the work.
    plan(&scratch, "out", "other.json", &["--seed", "7"]);
    let error = scratch.prep(&unit_line).fails_with(4);
    assert!(error.contains("no work of this plan"), "{error}");
    plan(&scratch, "out", "plan.json", &[]);
    let list = fs::read(scratch.path(".out.prep/units")).expect("a list of units");
    scratch.write(".out.prep/units", &list[1..]);
    let error = scratch.prep(&unit_line).fails_with(4);
    assert!(error.contains("make the plan again"), "{error}");
    scratch.write(".out.prep/units", list);
    let text = fs::read_to_string(scratch.path("plan.json")).expect("a plan");
    scratch.write("plan.json", text.replacen("42", "43", 1));
    let error = scratch.prep(&unit_line).fails_with(3);
    assert!(error.contains("its own checksum"), "{error}");
}

#[test]
fn stream_goes_on_with_what_units_have_done_and_directories_may_be_elsewhere() {
    let scratch = Scratch::new();
    make_input(&scratch);
    scratch.stream_to("reference", "in", &[]);
    plan(&scratch, "out", "plan.json", &[]);
    unit(&scratch, "plan.json", "split", "0..5");
    unit(&scratch, "plan.json", "fit", "1..4");
    let line = ["stream", "--in", "in", "--out", "out"];
    let run = scratch.prep(&line).succeeds();
    assert!(run.stdout.contains("8 finished pieces"), "{}", run.stdout);
    is_same(&scratch, "out", &scratch.bytes_of("reference"));

    // The same lake under another name, on a machine that has no such directory.
    fs::create_dir(scratch.path("lake")).expect("a directory");
    fs::rename(scratch.path("in"), scratch.path("lake/in")).expect("move the input");
    let line = [
        "plan",
        "--in",
        "lake/in",
        "--out",
        "lake/out",
        "--plan",
        "plan.json",
        "--quiet",
    ];
    scratch.prep(&line).succeeds();
    fs::rename(scratch.path("lake"), scratch.path("elsewhere")).expect("move all");
    let map = format!(
        "{}={}",
        scratch.path("lake").display(),
        scratch.path("elsewhere").display()
    );
    for pass in ["split", "fit", "write"] {
        let line = [
            "unit",
            pass,
            "--plan",
            "plan.json",
            "--unit",
            "0..5",
            "--map-root",
            &map,
        ];
        scratch.prep(&line).succeeds();
    }
    scratch
        .prep(&["commit", "--plan", "plan.json", "--map-root", &map])
        .succeeds();
    assert!(scratch.bytes_of("elsewhere/out") == scratch.bytes_of("reference"));
}

#[test]
fn a_process_opens_the_files_of_its_units_alone_and_the_commit_looks_at_all() {
    let scratch = Scratch::new();
    make_input(&scratch);
    scratch.stream_to("reference", "in", &[]);
    plan(&scratch, "out", "plan.json", &[]);
    let (last, aside) = (scratch.path("in/599.parquet"), scratch.path("aside"));
    fs::rename(&last, &aside).expect("move a file");
    scratch.write("in/400.parquet", "no Parquet any more");
    for units in ["0..3", "2"] {
        unit(&scratch, "plan.json", "split", units);
    }
    let refused = |units: &str, part: &str| {
        let line = ["unit", "split", "--plan", "plan.json", "--unit", units];
        let error = scratch.prep(&line).fails_with(3);
        assert!(error.contains(part), "{error}");
    };
    refused("2..4", "400.parquet");
    refused("4", "599.parquet");
    fs::remove_dir_all(scratch.path("in")).expect("remove the input");
    make_input(&scratch);
    refused("0", "modification time");

    // What was added since, only the commit can see.
    plan(&scratch, "out", "plan.json", &[]);
    for pass in ["split", "fit", "write"] {
        unit(&scratch, "plan.json", pass, "0..5");
    }
    fs::copy(&aside, scratch.path("in/new.parquet")).expect("a copy");
    let line = ["commit", "--plan", "plan.json"];
    let error = scratch.prep(&line).fails_with(3);
    assert!(error.contains("the inputs are now those of job"), "{error}");
    fs::remove_file(scratch.path("in/new.parquet")).expect("remove a file");
    commit(&scratch, "plan.json");
    // Other times of the files are other names of the shards.
    scratch.stream_to("again", "in", &[]);
    is_same(&scratch, "out", &scratch.bytes_of("again"));
}

#[test]
fn a_range_leaves_one_file_and_any_cuts_the_same_totals() {
    let scratch = Scratch::new();
    make_input(&scratch);
    let cuts: [&[&str]; 3] = [&["0..5"], &["3..5", "0..4"], &["4", "3", "2", "1", "0"]];
    let mut totals = Vec::new();
    for (number, cuts) in cuts.iter().enumerate() {
        let (out, file) = (format!("out-{number}"), format!("plan-{number}.json"));
        plan(&scratch, &out, &file, &[]);
        for pass in ["split", "fit"] {
            cuts.iter()
                .for_each(|units| unit(&scratch, &file, pass, units));
        }
        unit(&scratch, &file, "write", "1..3");
        let partials = scratch.path(format!(".{out}.prep/partials"));
        let names = files_below(&partials);
        assert_eq!(names.len(), 2 * cuts.len() + 3, "{names:?}");
        let total = |pass: &str| fs::read(partials.join(format!("{pass}-total.json")));
        totals.push(["split", "fit"].map(|pass| total(pass).expect("a total")));
        unit(&scratch, &file, "write", "0..5");
        commit(&scratch, &file);
    }
    assert!(totals.iter().all(|total| *total == totals[0]));
    let bytes = scratch.bytes_of("out-0");
    (1..3).for_each(|number| is_same(&scratch, &format!("out-{number}"), &bytes));
}

#[test]
fn units_before_one_that_fails_are_left_and_taken_up() {
    let scratch = Scratch::new();
    make_input(&scratch);
    scratch.stream_to("reference", "in", &[]);
    plan(&scratch, "out", "plan.json", &[]);
    unit(&scratch, "plan.json", "split", "0..5");
    // Unit 3 begins after 3 * 128 files; its pages are damaged, its footer and times aren't.
    let path = scratch.path("in/400.parquet");
    let whole = fs::read(&path).expect("a file");
    let modified = fs::metadata(&path)
        .and_then(|file| file.modified())
        .expect("a time");
    let put = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("write a file");
        let file = fs::File::options()
            .append(true)
            .open(&path)
            .expect("a file");
        file.set_modified(modified).expect("set the time");
    };
    let mut damaged = whole.clone();
    damaged[4..200].fill(0xff);
    put(&damaged);
    let line = ["unit", "fit", "--plan", "plan.json", "--unit", "0..5"];
    let error = scratch.prep(&line).fails_with(3);
    assert!(error.contains("400.parquet"), "{error}");
    let partials = scratch.path(".out.prep/partials");
    assert!(partials.join("fit-0000000-0000003.lines").exists());
    put(&whole);
    let run = scratch.prep(&line).succeeds();
    assert!(
        run.stdout.contains("3 of them done before"),
        "{}",
        run.stdout
    );
    unit(&scratch, "plan.json", "write", "0..5");
    commit(&scratch, "plan.json");
    is_same(&scratch, "out", &scratch.bytes_of("reference"));
}
