//! Tests of staging: what a run leaves behind, whole or undone.

mod contention;
mod refusals;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::leftovers::remove_staging;
use super::*;
use crate::artifact::Manifest;
use crate::artifact::manifest::Maker;
use crate::sink::files::list;
use crate::sink::lock::Lock;

fn job() -> JobId {
    JobId::of_digit('a')
}

fn manifest(version: &str) -> Vec<u8> {
    let manifest = Manifest {
        bad_files: Vec::new(),
        made_by: Maker::Stream,
        prep_version: version.to_owned(),
        job: job().to_string(),
        spec: serde_json::Value::Null,
        generations: Vec::new(),
        left_out: 0,
        folds: Vec::new(),
        skipped: std::collections::BTreeMap::new(),
        inputs: vec![],
        columns: vec![],
        shards: vec![],
        files: vec![],
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
        staging.commit(&Cancel::default()).unwrap();
        assert_eq!(version_of(&out), "1");
        assert_eq!(
            names(&out),
            [
                "_SUCCESS",
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
            staging.commit(&Cancel::default()).unwrap();
            assert_eq!(version_of(&out), version);
            assert_eq!(list(root.path()).unwrap().len(), 1);
        }
    }
}
