use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::artifact::Manifest;
use crate::sink::lock::Lock;

fn job() -> JobId {
    JobId::of_digit('a')
}

fn manifest(version: &str) -> Vec<u8> {
    let manifest = Manifest {
        prep_version: version.to_owned(),
        job: job().to_string(),
        spec: serde_json::Value::Null,
        skipped: std::collections::BTreeMap::new(),
        inputs: vec![],
        columns: vec![],
        shards: vec![],
    };
    manifest.render().unwrap()
}

/// Makes an output that holds a manifest and one shard.
fn fill(staging: &Staging, version: &str) {
    write_synced(&staging.out_dir().join("manifest.json"), &manifest(version)).unwrap();
    let shard = staging
        .side_dir("train")
        .unwrap()
        .join(shard_name(0, &job()));
    write_synced(&shard, version.as_bytes()).unwrap();
}

fn version_of(out: &Path) -> String {
    fs::read_to_string(out.join("train").join(shard_name(0, &job()))).unwrap()
}

/// Everything below a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut pending = vec![directory.to_path_buf()];
    while let Some(current) = pending.pop() {
        for (path, is_directory) in list(&current).unwrap() {
            names.push(path.strip_prefix(directory).unwrap().display().to_string());
            if is_directory {
                pending.push(path);
            }
        }
    }
    names.sort();
    names
}

fn message<T: std::fmt::Debug>(root: &TempDir, result: Result<T>) -> String {
    result
        .unwrap_err()
        .to_string()
        .replace(&format!("{}/", root.path().display()), "")
}

#[test]
fn an_output_appears_whole_at_the_commit() {
    let root = TempDir::new().unwrap();
    for out in ["new", "with/", "empty"] {
        let out = root.path().join(out);
        if out.ends_with("empty") {
            fs::create_dir(&out).unwrap();
            fs::set_permissions(&out, fs::Permissions::from_mode(0o750)).unwrap();
        }
        let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
        fill(&staging, "1");
        fs::write(staging.cache_dir().join("x"), b"cached").unwrap();
        assert!(!out.join("manifest.json").exists());
        staging.commit().unwrap();
        assert_eq!(version_of(&out), "1");
        assert_eq!(
            names(&out),
            [
                "manifest.json",
                "train",
                "train/part-0000000-aaaaaaaa.parquet"
            ]
        );
    }
    let mode = fs::metadata(root.path().join("empty"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o750);
    let top = list(root.path()).unwrap();
    assert_eq!(top.len(), 3, "{top:?}");
}

#[test]
fn an_abandoned_run_leaves_no_litter() {
    let root = TempDir::new().unwrap();
    let staging = Staging::open(&root.path().join("out"), Overwrite::Never, &job()).unwrap();
    fill(&staging, "1");
    staging.abandon().unwrap();
    assert_eq!(names(root.path()), [""; 0]);
}

#[test]
fn overwriting_keeps_the_old_output_until_the_commit() {
    for overwrite in [Overwrite::Exchange, Overwrite::TwoStep] {
        let root = TempDir::new().unwrap();
        let out = root.path().join("out");
        for version in ["1", "2", "3"] {
            let staging = Staging::open(&out, overwrite, &job()).unwrap();
            fill(&staging, version);
            if version != "1" {
                assert_eq!(
                    version_of(&out),
                    (version.parse::<u8>().unwrap() - 1).to_string()
                );
            }
            staging.commit().unwrap();
            assert_eq!(version_of(&out), version);
            assert_eq!(list(root.path()).unwrap().len(), 1);
        }
    }
}

#[test]
fn an_output_with_data_is_refused_and_nothing_is_written() {
    let root = TempDir::new().unwrap();
    let path = |name: &str| root.path().join(name);
    fs::create_dir_all(path("home/documents")).unwrap();
    fs::create_dir(path("web")).unwrap();
    fs::write(path("web/manifest.json"), "{\"name\": \"a web app\"}").unwrap();
    fs::create_dir(path("ours")).unwrap();
    fs::write(path("ours/manifest.json"), manifest("1")).unwrap();
    fs::write(path("file"), "x").unwrap();
    symlink("ours", path("link")).unwrap();
    let before = names(root.path());
    let not_ours =
        "the output directory holds data that prep did not write: it has no prep manifest.json";
    let remove = "remove it yourself if nothing in it is needed, or choose another --out";
    let other = "choose an --out that does not exist yet";
    let cases = [
        (
            "ours",
            Overwrite::Never,
            "the output directory is not empty",
            "replace it with --overwrite, or choose another --out",
        ),
        (
            "home",
            Overwrite::Never,
            "the output directory is not empty",
            other,
        ),
        ("home", Overwrite::Exchange, not_ours, remove),
        ("home", Overwrite::TwoStep, not_ours, remove),
        ("web", Overwrite::Exchange, not_ours, remove),
        (
            "file",
            Overwrite::Exchange,
            "the output is a file, not a directory",
            other,
        ),
        (
            "link",
            Overwrite::Exchange,
            "the output is a symbolic link, not a directory",
            other,
        ),
        (
            "link/",
            Overwrite::Exchange,
            "the output is a symbolic link, not a directory",
            other,
        ),
    ];
    for (name, overwrite, expected, hint) in cases {
        let result = Staging::open(&path(name), overwrite, &job());
        assert_eq!(result.as_ref().unwrap_err().exit_code(), 4);
        assert_eq!(
            message(&root, result),
            format!("{expected}\n  --> {name}\n  hint: {hint}")
        );
    }
    assert_eq!(names(root.path()), before);
}

#[test]
fn a_path_that_cannot_be_made_is_refused() {
    let root = TempDir::new().unwrap();
    let open = |out: &Path| Staging::open(out, Overwrite::Exchange, &job());
    assert_eq!(
        message(&root, open(&root.path().join("a/b"))),
        "the parent directory does not exist\n  --> a/b\n  hint: make it with: mkdir -p \"a\""
    );
    for out in [".", "..", "/", "a/.."] {
        assert_eq!(
            message(&root, open(Path::new(out))),
            format!(
                "--out must end in the name of a directory to be made\n  --> {out}\n  \
                 hint: for example --out ./standardized"
            )
        );
    }
    let long = "x".repeat(250);
    let text = message(&root, open(&root.path().join(&long)));
    assert!(
        text.starts_with("the name has 250 bytes, at most 249 leave room"),
        "{text}"
    );
    let most = Staging::open(&root.path().join(&long[..249]), Overwrite::Never, &job()).unwrap();
    most.abandon().unwrap();
    let text = message(&root, open(Path::new("/proc")));
    assert!(
        text.starts_with("the output is a mount point and cannot appear by a rename"),
        "{text}"
    );
    let text = message(&root, open(Path::new("/proc/prep-output")));
    assert!(text.starts_with("cannot create the directory: "), "{text}");
    assert!(text.ends_with("--> /proc/.prep-output.prep"), "{text}");
    fs::write(root.path().join("file"), "x").unwrap();
    assert_eq!(
        message(&root, open(&root.path().join("file/out"))),
        "the parent is not a directory\n  --> file/out\n  hint: choose another --out"
    );
    assert_eq!(names(root.path()), ["file"]);
}

#[test]
fn two_runs_on_one_output_do_not_meet() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let first = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    fill(&first, "1");
    let error = Staging::open(&out, Overwrite::Never, &JobId::of_digit('b')).unwrap_err();
    assert_eq!(error.exit_code(), 5);
    let text = error.to_string();
    assert!(
        text.contains(&format!(", pid {}, started 20", std::process::id())),
        "{text}"
    );
    assert!(
        text.ends_with("hint: wait for it to end, or choose another --out"),
        "{text}"
    );
    first.commit().unwrap();
    let error = Staging::open(&out, Overwrite::Never, &job()).unwrap_err();
    assert_eq!(error.exit_code(), 4);
}

#[test]
fn what_a_killed_run_left_is_removed() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let killed = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    fill(&killed, "1");
    fs::write(killed.cache_dir().join("unit"), "half").unwrap();
    drop(killed); // The kernel unlocks; nothing else happens.
    assert!(root.path().join(".out.prep/cache/unit").exists());
    let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    assert_eq!(
        names(&root.path().join(".out.prep")),
        ["cache", "job.json", "lock", "out", "partials"]
    );
    fill(&staging, "2");
    staging.commit().unwrap();
    assert_eq!(version_of(&out), "2");
}

#[test]
fn a_lock_of_another_machine_is_never_judged_dead() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let staging = root.path().join(".out.prep");
    fs::create_dir(&staging).unwrap();
    let owner = |host: &str, boot: &str| {
        format!(
            "{{\"host\":\"{host}\",\"boot_id\":\"{boot}\",\"pid\":7,\"started\":\"2024-01-01T00:00:00Z\"}}"
        )
    };
    fs::write(staging.join("lock"), owner("elsewhere", "other boot")).unwrap();
    let error = Staging::open(&out, Overwrite::Never, &job()).unwrap_err();
    assert_eq!(error.exit_code(), 5);
    let text = message::<()>(&root, Err(error));
    assert_eq!(
        text,
        "another run is writing out: host elsewhere, pid 7, started 2024-01-01T00:00:00Z\n  \
         hint: if that run has ended, remove \".out.prep\" and run again"
    );
    let host = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    for content in [
        owner(&host, "an earlier boot"),
        owner("renamed", boot.trim()),
        String::new(),
    ] {
        fs::create_dir_all(&staging).unwrap();
        fs::write(staging.join("lock"), content).unwrap();
        Staging::open(&out, Overwrite::Never, &job())
            .unwrap()
            .abandon()
            .unwrap();
    }
}

#[test]
fn a_staging_directory_of_something_else_is_left_alone() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let staging = root.path().join(".out.prep");
    fs::create_dir(&staging).unwrap();
    fs::write(staging.join("thesis.tex"), "x").unwrap();
    let expected = "the staging directory's name is taken by something that prep did not make\n  \
                    --> .out.prep\n  hint: move it away, or choose another --out";
    let open = || Staging::open(&out, Overwrite::Never, &job());
    assert_eq!(message(&root, open()), expected);
    assert_eq!(names(&staging), ["thesis.tex"]);
    fs::rename(&staging, root.path().join("moved")).unwrap();
    symlink("moved", &staging).unwrap();
    assert_eq!(message(&root, open()), expected);
    fs::remove_file(&staging).unwrap();
    symlink("nowhere", &staging).unwrap();
    assert_eq!(message(&root, open()), expected);
}

#[test]
fn an_output_that_appears_meanwhile_is_not_replaced() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    for (overwrite, is_ours) in [
        (Overwrite::Never, true),
        (Overwrite::Never, false),
        (Overwrite::Exchange, false),
    ] {
        let staging = Staging::open(&out, overwrite, &job()).unwrap();
        fill(&staging, "1");
        fs::create_dir(&out).unwrap();
        let name = if is_ours {
            "manifest.json"
        } else {
            "notes.txt"
        };
        fs::write(out.join(name), manifest("0")).unwrap();
        assert_eq!(
            message(&root, staging.commit()),
            "the output appeared during the run\n  --> out\n  \
             hint: remove it or choose another --out, then run again"
        );
        assert_eq!(names(root.path()), ["out", &format!("out/{name}")]);
        fs::remove_dir_all(&out).unwrap();
    }
}

#[test]
fn a_run_killed_between_two_steps_gives_the_old_output_back() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let first = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    fill(&first, "1");
    first.commit().unwrap();
    let killed = Staging::open(&out, Overwrite::TwoStep, &job()).unwrap();
    fill(&killed, "2");
    fs::rename(&out, root.path().join(".out.prep").join(OLD)).unwrap();
    drop(killed);
    Staging::open(&out, Overwrite::TwoStep, &job())
        .unwrap()
        .abandon()
        .unwrap();
    assert_eq!(version_of(&out), "1");
    assert_eq!(list(root.path()).unwrap().len(), 1);
}

#[test]
fn too_little_room_is_an_error_with_both_numbers() {
    let root = TempDir::new().unwrap();
    let staging = Staging::open(&root.path().join("out"), Overwrite::Never, &job()).unwrap();
    staging.check_free_space(1).unwrap();
    let text = message(&root, staging.check_free_space(u64::MAX));
    let start = format!("the job needs {} bytes of disk, ", u64::MAX);
    assert!(text.starts_with(&start), "{text}");
    staging.abandon().unwrap();
}

#[test]
fn a_lock_lets_in_one_of_many() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let staging = root.path().join(".out.prep");
    let inside = std::sync::atomic::AtomicUsize::new(0);
    let entered = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                use std::sync::atomic::Ordering::SeqCst;
                for _ in 0..25 {
                    match Lock::acquire(&staging, &out) {
                        Ok(lock) => {
                            assert_eq!(inside.fetch_add(1, SeqCst), 0);
                            entered.fetch_add(1, SeqCst);
                            fs::write(staging.join("work"), "x").unwrap();
                            inside.fetch_sub(1, SeqCst);
                            remove_staging(&staging, lock).unwrap();
                        }
                        Err(error) => assert_eq!(error.exit_code(), 5, "{error}"),
                    }
                }
            });
        }
    });
    assert!(entered.into_inner() > 0);
    assert_eq!(names(root.path()), [""; 0]);
}
