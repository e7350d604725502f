//! Outputs that may not or cannot be made; nothing is written then.

use super::*;

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
fn too_little_room_is_an_error_with_both_numbers() {
    let root = TempDir::new().unwrap();
    let staging = Staging::open(&root.path().join("out"), Overwrite::Never, &job()).unwrap();
    staging.check_free_space(1).unwrap();
    let text = message(&root, staging.check_free_space(u64::MAX));
    let start = format!("the job needs about {} bytes of disk, ", u64::MAX);
    assert!(text.starts_with(&start), "{text}");
    staging.abandon().unwrap();
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
            message(&root, staging.commit(&Cancel::default())),
            "the output appeared during the run\n  --> out\n  \
             hint: remove it or choose another --out, then run again"
        );
        assert_eq!(names(root.path()), ["out", &format!("out/{name}")]);
        fs::remove_dir_all(&out).unwrap();
    }
}
