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
fn the_old_output_is_never_lost_when_its_place_is_taken() {
    let root = TempDir::new().unwrap();
    let out = root.path().join("out");
    let first = Staging::open(&out, Overwrite::Never, &job()).unwrap();
    fill(&first, "1");
    first.commit().unwrap();
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
    staging.commit().unwrap();
    assert_eq!(version_of(&out), "whole");
    fs::remove_file(&ready).unwrap();
    assert_eq!(list(root.path()).unwrap().len(), 1);
}
