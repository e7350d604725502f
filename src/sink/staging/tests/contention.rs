//! Two runs, dead runs, and locks of other machines.

use super::*;

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
    first.commit(&Cancel::default()).unwrap();
    let error = Staging::open(&out, Overwrite::Never, &job()).unwrap_err();
    assert_eq!(error.exit_code(), 4);
}

/// A staging directory as a killed run leaves it: one finished shard, one half, no clean-up.
fn killed(out: &Path) -> std::path::PathBuf {
    let killed = Staging::open(out, Overwrite::Never, &job()).unwrap();
    fill(&killed, "1");
    let shard = killed.out_dir().join("train").join(shard_name(0, &job()));
    fs::write(killed.cache_dir().join("unit"), "half").unwrap();
    let written = crate::sink::Written {
        bytes: 1,
        digest: twox_hash::XxHash3_128::oneshot(b"1"),
    };
    let files = vec![killed.partials().file(&shard, written)];
    killed
        .partials()
        .keep("write-0000000", &"content", files)
        .unwrap();
    shard // Dropped: the kernel unlocks; nothing else happens.
}

#[test]
fn what_a_killed_run_left_is_taken_up_by_the_same_job() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let shard = killed(&out);
    let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    let taken: Option<String> = staging.partials().take_up("write-0000000");
    assert_eq!(taken.as_deref(), Some("content"));
    assert!(
        staging
            .partials()
            .take_up::<String>("write-0000001")
            .is_none()
    );
    fs::write(&shard, "2").unwrap();
    assert!(
        staging
            .partials()
            .take_up::<String>("write-0000000")
            .is_none()
    );
    assert_eq!(staging.partials().taken_up(), 1);
    fs::write(&shard, "1").unwrap();
    fs::write(staging.out_dir().join("stray"), "x").unwrap();
    staging.keep_only(&[shard]).unwrap();
    staging.commit(&Cancel::default()).unwrap();
    assert_eq!(
        names(&out),
        ["_SUCCESS", "train", "train/part-0000000-aaaaaaaa.parquet"]
    );
    assert_eq!(names(root.path()).len(), 4);
}

#[test]
fn what_a_killed_run_left_is_removed_by_another_job() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    killed(&out);
    let staging = Staging::open(&out, Overwrite::Never, &JobId::of_digit('b')).unwrap();
    assert_eq!(
        names(&root.path().join(".out.prep")),
        ["cache", "job.json", "lock", "out", "partials"]
    );
    fill(&staging, "2");
    staging.commit(&Cancel::default()).unwrap();
    assert_eq!(version_of(&out), "2");
}

#[test]
fn after_a_failure_finished_work_stays_only_if_the_command_may_succeed_later() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let interrupted = || Error::from(crate::error::ErrorKind::Interrupted { signal: 2 });
    let refused = || Error::from(OutputError::Appeared);

    killed(&out);
    let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    let error = staging.put_away(interrupted());
    assert!(
        error
            .hint_text()
            .unwrap()
            .contains("the same command goes on"),
        "{error}"
    );
    assert_eq!(
        names(&root.path().join(".out.prep")),
        [
            "cache",
            "job.json",
            "lock",
            "out",
            "out/train",
            "out/train/part-0000000-aaaaaaaa.parquet",
            "partials",
            "partials/write-0000000.json"
        ]
    );

    let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    assert_eq!(staging.put_away(refused()).hint_text(), None);
    assert_eq!(names(root.path()), [""; 0]);

    let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    assert_eq!(staging.put_away(interrupted()).hint_text(), None);
    assert_eq!(names(root.path()), [""; 0], "nothing was finished");
}

/// A run that was killed between its rename and its tidying up.
fn killed_after_its_rename(out: &Path, overwrite: Overwrite) {
    let mut staging = Staging::open(out, overwrite, &job()).unwrap();
    fill(&staging, "new");
    let publishing = Publishing::new(&job(), &staging.out_dir()).unwrap();
    staging.lock.set_publishing(Some(publishing)).unwrap();
    let old = staging.destination.staging.join(OLD);
    if out.exists() {
        fs::rename(out, old).unwrap();
    }
    fs::rename(staging.out_dir(), out).unwrap();
}

#[test]
fn a_run_that_was_killed_after_its_rename_is_complete() {
    for overwrite in [Overwrite::Never, Overwrite::TwoStep] {
        let root = TempDir::new().unwrap();
        let out = root.path().join("out");
        if overwrite == Overwrite::TwoStep {
            let staging = Staging::open(&out, overwrite, &job()).unwrap();
            fill(&staging, "old");
            staging.commit(&Cancel::default()).unwrap();
        }
        killed_after_its_rename(&out, overwrite);
        Staging::check(&out, overwrite).unwrap();
        let staging = Staging::open(&out, overwrite, &job()).unwrap();
        assert!(staging.is_published());
        staging.abandon().unwrap();
        assert_eq!(version_of(&out), "new");
        assert_eq!(list(root.path()).unwrap().len(), 1);
        assert_eq!(
            Staging::open(&out, Overwrite::Never, &job())
                .unwrap_err()
                .exit_code(),
            4
        );
    }
}

#[test]
fn a_stop_before_the_rename_keeps_what_was_finished_and_commits_nothing() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let shard = killed(&out);
    let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    let cancel = Cancel::default();
    cancel
        .cell()
        .store(15, std::sync::atomic::Ordering::Relaxed);
    let error = staging.commit(&cancel).unwrap_err();
    assert_eq!(error.exit_code(), 143, "{error}");
    assert!(!out.exists());
    assert!(shard.exists());
    let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    let taken: Option<String> = staging.partials().take_up("write-0000000");
    assert_eq!(taken.as_deref(), Some("content"));
    staging.commit(&Cancel::default()).unwrap();
    assert_eq!(version_of(&out), "1");
    assert_eq!(list(root.path()).unwrap().len(), 1);
}

#[test]
fn another_job_does_not_take_the_output_of_a_killed_run_for_its_own() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    killed_after_its_rename(&out, Overwrite::Never);
    let error = Staging::open(&out, Overwrite::Never, &JobId::of_digit('b')).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert_eq!(version_of(&out), "new");
    assert_eq!(list(root.path()).unwrap().len(), 1);

    // A generation later the recorded directory is no longer the output.
    killed_after_its_rename(&root.path().join("other"), Overwrite::Never);
    fs::rename(&out, root.path().join("away")).unwrap();
    fs::rename(root.path().join("other"), &out).unwrap();
    let error = Staging::open(&out, Overwrite::Never, &job()).unwrap_err();
    assert_eq!(error.exit_code(), 4);
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
         hint: wait for it to end; if it has ended, run again with --break-lock"
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
                    match Lock::acquire(&staging, &out, false) {
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

#[test]
fn a_run_killed_between_two_steps_gives_the_old_output_back() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let first = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    fill(&first, "1");
    first.commit(&Cancel::default()).unwrap();
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
fn the_old_output_is_never_lost_when_its_place_is_taken() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let first = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    fill(&first, "1");
    first.commit(&Cancel::default()).unwrap();
    let killed = Staging::open(&out, Overwrite::TwoStep, &job()).unwrap();
    fs::rename(&out, root.path().join(".out.prep").join(OLD)).unwrap();
    drop(killed);
    // An empty directory makes room for it; anything else is refused, and the old output stays.
    fs::create_dir(&out).unwrap();
    fs::write(out.join("mine"), "").unwrap();
    let error = Staging::open(&out, Overwrite::Never, &job()).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert!(root.path().join(".out.prep").join(OLD).is_dir());
    fs::remove_file(out.join("mine")).unwrap();
    Staging::open(&out, Overwrite::TwoStep, &job())
        .unwrap()
        .abandon()
        .unwrap();
    assert_eq!(version_of(&out), "1");
    assert_eq!(list(root.path()).unwrap().len(), 1);
}

/// Set for the process that a test starts and kills: the directory in which it makes `out`.
const HELD_DIRECTORY: &str = "PREP_TEST_HELD_DIRECTORY";

#[test]
fn a_lock_dies_with_its_process() {
    if let Some(directory) = std::env::var_os(HELD_DIRECTORY) {
        let out = Path::new(&directory).join("out");
        let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
        fill(&staging, "half");
        fs::write(Path::new(&directory).join("ready"), "").unwrap();
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    let root = TempDir::new().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sink::staging::tests::contention::a_lock_dies_with_its_process",
        ])
        .env(HELD_DIRECTORY, root.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let ready = root.path().join("ready");
    for _ in 0..1000 {
        if ready.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let out = root.path().join("out");
    let refused = Staging::open(&out, Overwrite::Never, &job());
    child.kill().unwrap();
    child.wait().unwrap();
    let error = refused.unwrap_err();
    assert_eq!(error.exit_code(), 5);
    assert!(
        error
            .to_string()
            .contains(&format!(", pid {},", child.id())),
        "{error}"
    );
    let staging = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    fill(&staging, "whole");
    staging.commit(&Cancel::default()).unwrap();
    assert_eq!(version_of(&out), "whole");
    fs::remove_file(&ready).unwrap();
    assert_eq!(list(root.path()).unwrap().len(), 1);
}
