//! Paths: what is refused, what is followed, which names work, and that nothing is written elsewhere.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Column, Scratch, Table};

fn rows(count: u32) -> Table {
    Table::new([Column::doubles("x", (0..count).map(f64::from))])
}

fn scratch_with_input() -> Scratch {
    let scratch = Scratch::new();
    scratch.parquet("in/a.parquet", &rows(500));
    scratch.parquet("in/sub/b.parquet", &rows(70));
    scratch
}

/// Everything below the scratch directory but `left_out`: what it is and when it was changed.
fn everything(scratch: &Scratch, left_out: &[&str]) -> BTreeMap<PathBuf, (u64, u32, i64, i64)> {
    fn add(path: &Path, found: &mut BTreeMap<PathBuf, (u64, u32, i64, i64)>) {
        let metadata = fs::symlink_metadata(path).expect("metadata");
        let times = (metadata.mtime(), metadata.mtime_nsec());
        let about = (metadata.ino(), metadata.mode(), times.0, times.1);
        found.insert(path.to_owned(), about);
        if metadata.is_dir() {
            for entry in fs::read_dir(path).expect("list") {
                add(&entry.expect("an entry").path(), found);
            }
        }
    }
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(scratch.path("")).expect("list") {
        let entry = entry.expect("an entry");
        if !left_out.iter().any(|name| entry.file_name() == *name) {
            add(&entry.path(), &mut found);
        }
    }
    found
}

/// A name, what to put beside the input, `--out`.
type Refused = (&'static str, fn(&Scratch), &'static str);

/// What may not be an output, and how to make it so.
const REFUSED: &[Refused] = &[
    ("inside the input", |_| (), "in/out"),
    ("inside a folder of the input", |_| (), "in/sub/out"),
    ("the input", |_| (), "in"),
    ("the input by another way", |_| (), "in/sub/../../in"),
    (
        "a link to the input",
        |s| symlink("in", s.path("link")).expect("link"),
        "link",
    ),
    (
        "inside a link to the input",
        |s| symlink("in", s.path("link")).expect("link"),
        "link/out",
    ),
    (
        "a link to nothing",
        |s| symlink("nowhere", s.path("link")).expect("link"),
        "link",
    ),
    (
        "a link to an empty directory",
        |s| {
            fs::create_dir(s.path("empty")).expect("a directory");
            symlink("empty", s.path("link")).expect("link");
        },
        "link",
    ),
    (
        "a hard link of an input",
        |s| fs::hard_link(s.path("in/a.parquet"), s.path("hard")).expect("link"),
        "hard",
    ),
    ("a mount point", |_| (), "/proc"),
    ("the root", |_| (), "/"),
    ("here", |_| (), "."),
    ("above", |_| (), ".."),
    ("in a directory that is missing", |_| (), "none/out"),
    (
        "in a file",
        |s| {
            s.write("file", "x");
        },
        "file/out",
    ),
    (
        "beside a staging directory that is a link",
        |s| symlink("in", s.path(".out.prep")).expect("link"),
        "out",
    ),
    (
        "beside a staging directory that prep did not make",
        |s| {
            s.write(".out.prep/thesis.txt", "precious");
        },
        "out",
    ),
];

#[test]
fn an_output_that_could_harm_anything_is_refused_before_anything_is_written() {
    let mut text = String::new();
    for (name, prepare, out) in REFUSED {
        let scratch = scratch_with_input();
        prepare(&scratch);
        let before = everything(&scratch, &[]);
        for extra in [[].as_slice(), &["--overwrite"]] {
            let run =
                scratch.prep(&[&["stream", "--quiet", "--in", "in", "--out", out], extra].concat());
            assert_eq!(run.code, Some(4), "{name}: {}", run.describe());
            let message = run.clear_error();
            if extra.is_empty() {
                text += &format!("## {name}\n$ prep stream --in in --out {out}\n{message}\n");
            }
            assert!(
                everything(&scratch, &[]) == before,
                "{name}: {}",
                run.describe()
            );
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"/\S+/prep-\w+/", "/SCRATCH/");
    settings.bind(|| insta::assert_snapshot!("paths", text));
}

#[test]
fn nothing_but_the_output_is_ever_written() {
    let scratch = scratch_with_input();
    scratch.write("bad/a.csv", "x\n1\n\"2\n");
    scratch.write("text/a.csv", "x,y\n1,007\n2,a\n");
    fs::create_dir(scratch.path("elsewhere")).expect("a directory");
    scratch.write("elsewhere/file", "precious");
    let before = everything(&scratch, &["out"]);
    let runs: &[(&[&str], i32)] = &[
        (&["stream", "--in", "in", "--out", "out"], 0),
        (
            &["stream", "--in", "text", "--out", "out", "--overwrite"],
            0,
        ),
        (&["stream", "--in", "bad", "--out", "out", "--overwrite"], 3),
        (
            &[
                "stream",
                "--in",
                "in",
                "--out",
                "out",
                "--overwrite=two-step",
            ],
            0,
        ),
        (&["stream", "--in", "in", "--out", "out", "--if-changed"], 0),
        (&["plan", "--in", "in", "--out", "new"], 0),
    ];
    for (arguments, code) in runs {
        let run = scratch.prep(arguments);
        assert_eq!(run.code, Some(*code), "{}", run.describe());
        assert!(
            everything(&scratch, &["out"]) == before,
            "{}",
            run.describe()
        );
    }
}

#[test]
fn links_and_second_names_in_a_left_over_staging_directory_are_not_written_through() {
    let scratch = scratch_with_input();
    scratch.write("elsewhere/file", "precious");
    scratch.write("elsewhere/other", "precious");
    // Enough work that a run is caught at it.
    for file in 0..300 {
        scratch.parquet(format!("in/{file}.parquet"), &rows(20));
    }
    let mut stopped = scratch.start(&["stream", "--in", "in", "--out", "out", "--quiet"]);
    assert!(stopped.wait_for(".out.prep/partials/split-0000000.json"));
    stopped.signal(rustix::process::Signal::KILL);
    stopped.finish();
    assert!(!scratch.path("out").exists(), "it was over too soon");
    let job = fs::read_to_string(scratch.path(".out.prep/job.json")).expect("job.json");
    let job: serde_json::Value = serde_json::from_str(&job).expect("JSON");
    let job = &job["job"].as_str().expect("an id")[..8];
    for directory in ["out/train", "out/test", "cache", "partials"] {
        fs::create_dir_all(scratch.path(".out.prep").join(directory)).expect("a directory");
    }
    let shard = format!("part-0000000-{job}.parquet");
    for side in ["train", "test"] {
        let path = scratch.path(".out.prep/out").join(side).join(&shard);
        fs::remove_file(&path).ok();
        match side {
            "train" => symlink(scratch.path("elsewhere/file"), &path).expect("link"),
            _ => fs::hard_link(scratch.path("elsewhere/other"), &path).expect("link"),
        }
    }
    let before = everything(&scratch, &["out", ".out.prep"]);
    scratch.stream("in", &[]);
    assert!(everything(&scratch, &["out", ".out.prep"]) == before);
    assert_eq!(
        fs::read(scratch.path("elsewhere/other")).expect("read"),
        b"precious"
    );
}

#[test]
fn links_that_leave_the_input_are_followed_on_request_and_loops_end() {
    let scratch = scratch_with_input();
    scratch.parquet("far/c.parquet", &rows(11));
    scratch.parquet("far/deep/d.parquet", &rows(13));
    let link = |to: &str, at: &str| symlink(to, scratch.path(at)).expect("link");
    link("../far/c.parquet", "in/c.parquet");
    link("../far/deep", "in/deep");
    link("..", "in/up");
    link(".", "in/self");
    link("sub", "in/again");
    link("nothing", "in/none.parquet");
    let count = |out: &str, extra: &[&str]| {
        let output = scratch.stream_to(out, "in", extra);
        let manifest = output.json("manifest.json");
        let inputs = manifest["inputs"].as_array().expect("an array").clone();
        let names: Vec<String> = inputs
            .iter()
            .filter_map(|input| Some(input["path"].as_str()?.to_owned()))
            .collect();
        (names, manifest["skipped"].to_string())
    };
    let (names, skipped) = count("strict", &[]);
    assert_eq!(names, ["a.parquet", "sub/b.parquet"]);
    assert_eq!(
        skipped,
        r#"{"broken links":1,"links that leave the input":1,"links to directories":4}"#
    );
    // `up` leads to the scratch directory, where the outputs are: another input for that.
    fs::remove_file(scratch.path("in/up")).expect("remove");
    link("../in/sub/..", "in/up");
    let (names, skipped) = count("followed", &["--follow-symlinks"]);
    assert_eq!(
        names,
        ["a.parquet", "c.parquet", "deep/d.parquet", "sub/b.parquet"]
    );
    assert_eq!(
        skipped,
        r#"{"broken links":1,"links to directories read already":3}"#
    );
    // Whoever looks at the source afterwards finds the same files, told the same.
    for (extra, is_there) in [(&["--follow-symlinks"][..], true), (&[], false)] {
        let source = [&["followed", "--in", "in"], extra].concat();
        let run = scratch.prep(&[&["verify"], &source[..]].concat());
        assert_eq!(run.code == Some(0), is_there, "{}", run.describe());
        let run = scratch.prep(&[&["audit"], &source[..]].concat()).succeeds();
        let gone = "of the output no longer there";
        assert_eq!(run.stdout.contains(gone), !is_there, "{}", run.describe());
    }
    // An output behind a link would be input the next time.
    let arguments = [
        "stream",
        "--in",
        "in",
        "--out",
        "far/out",
        "--follow-symlinks",
    ];
    link("../far", "in/far");
    scratch.prep(&arguments).fails_with(4);
}

#[test]
fn a_folder_of_links_such_as_a_download_cache_is_read_as_a_whole() {
    let scratch = Scratch::new();
    scratch.parquet("blobs/0a1b", &rows(5));
    scratch.parquet("blobs/0c2d", &rows(6));
    fs::create_dir_all(scratch.path("snapshot/data")).expect("a directory");
    for (blob, name) in [("0a1b", "train.parquet"), ("0c2d", "data/test.parquet")] {
        symlink(
            scratch.path("blobs").join(blob),
            scratch.path("snapshot").join(name),
        )
        .expect("link");
    }
    let message = scratch
        .prep(&["stream", "--in", "snapshot", "--out", "out"])
        .fails_with(3);
    assert!(
        message.contains("2 links that leave the input"),
        "{message}"
    );
    assert!(message.contains("--follow-symlinks"), "{message}");
    let output = scratch.stream("snapshot", &["--follow-symlinks", "--test-size", "0"]);
    assert_eq!(output.train().rows, 11);
    let verify = ["verify", "out", "--in", "snapshot"];
    scratch.prep(&verify).fails_with(3);
    scratch
        .prep(&[&verify[..], &["--follow-symlinks"]].concat())
        .succeeds();
}

/// Runs `prep` with arguments that need not be text.
fn prep_with(scratch: &Scratch, arguments: &[&OsStr]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_prep"))
        .current_dir(scratch.path(""))
        .args(arguments)
        .output()
        .expect("run prep");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8(text).expect("only text is printed"),
    )
}

#[test]
fn any_name_works_for_input_and_output_and_is_escaped_in_messages() {
    let longest = "l".repeat(249);
    let names: [&[u8]; 7] = [
        b"line\nbreak",
        b"\x1b[31mred\x07",
        b"\xff\xfe\x80",
        "größe".as_bytes(),
        b"-dash",
        b"back\\slash \"quoted\" %41",
        longest.as_bytes(),
    ];
    for name in names {
        let scratch = Scratch::new();
        let name = OsStr::from_bytes(name);
        let input = Path::new("in").join(name);
        let mut file = name.as_bytes()[..name.len().min(247)].to_vec();
        file.extend_from_slice(b".parquet");
        scratch.parquet(input.join(OsStr::from_bytes(&file)), &rows(40));
        let output = Path::new("d").join(name);
        fs::create_dir(scratch.path("d")).expect("a directory");
        let arguments = [
            OsStr::new("stream"),
            OsStr::new("--in"),
            input.as_os_str(),
            OsStr::new("--out"),
            output.as_os_str(),
        ];
        let (code, text) = prep_with(&scratch, &arguments);
        assert_eq!(code, Some(0), "{name:?}: {text}");
        assert!(!text.contains(['\x1b', '\x07']), "{name:?}: {text:?}");
        assert!(scratch.path(&output).join("_SUCCESS").exists(), "{name:?}");
        let manifest = fs::read(scratch.path(&output).join("manifest.json")).expect("read");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
        let written = manifest["inputs"][0]["path"].as_str().unwrap_or_default();
        let read_back = prep_stream::artifact::unescape_name(written);
        assert_eq!(read_back.as_deref(), Some(file.as_slice()), "{written}");

        // Again: refused, with the name in a message of one line each.
        let (code, text) = prep_with(&scratch, &arguments);
        assert_eq!(code, Some(4), "{name:?}: {text}");
        assert!(!text.contains(['\x1b', '\x07']), "{name:?}: {text:?}");
        assert_eq!(text.matches("\n  --> ").count(), 1, "{text:?}");
        assert!(
            text.lines()
                .all(|line| line.starts_with("prep: ") || line.starts_with("  ")),
            "{text:?}"
        );
    }
}

#[test]
fn an_empty_output_directory_is_replaced_and_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = scratch_with_input();
    fs::create_dir(scratch.path("out")).expect("a directory");
    fs::set_permissions(scratch.path("out"), fs::Permissions::from_mode(0o2750)).expect("chmod");
    scratch.stream("in", &[]);
    let mode = fs::metadata(scratch.path("out")).expect("metadata").mode();
    assert_eq!(mode & 0o7777, 0o2750);
}

#[test]
fn ten_thousand_descriptors_are_not_needed_for_as_many_files() {
    let scratch = Scratch::new();
    let (parquet, text) = (rows(3).to_parquet(), "x\n1\n2\n3\n");
    for file in 0..600 {
        scratch.write(format!("in/{file}.parquet"), &parquet);
        scratch.write(format!("text/{file}.csv"), text);
    }
    for input in ["in", "text"] {
        for threads in ["1", "4"] {
            let mut shell = Command::new("sh");
            shell.args([
                "-c",
                "ulimit -n 64; exec \"$@\"",
                "sh",
                env!("CARGO_BIN_EXE_prep"),
            ]);
            let out = format!("out-{input}-{threads}");
            shell.args([
                "stream",
                "--in",
                input,
                "--out",
                &out,
                "--quiet",
                "--threads",
                threads,
            ]);
            scratch.start_command(&mut shell).finish().succeeds();
        }
        let [one, four] =
            ["1", "4"].map(|threads| scratch.bytes_of(&format!("out-{input}-{threads}")));
        assert!(one == four);
    }
}
