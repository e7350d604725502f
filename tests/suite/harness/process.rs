//! A `prep` that is still running: signals, and waiting for what it does.

use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Run, SECONDS_MAX, Scratch};

/// A running `prep`; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
    dir: PathBuf,
}

impl Scratch {
    /// Starts `prep` here; what it prints goes to a file.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_command(Command::new(env!("CARGO_BIN_EXE_prep")).args(arguments))
    }

    /// Runs `prep` under a limit of the shell's `ulimit`.
    pub(crate) fn prep_limited(&self, limit: &str, arguments: &[&str]) -> Run {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit {limit}; exec \"$@\""), "sh"]);
        shell.arg(env!("CARGO_BIN_EXE_prep")).args(arguments);
        self.start_command(&mut shell).finish()
    }

    /// Starts a command that runs `prep` in the end.
    pub(crate) fn start_command(&self, command: &mut Command) -> Running {
        let log = tempfile::NamedTempFile::new_in(self.dir.path().parent().expect("a parent"));
        let (file, log) = log.expect("a log").keep().expect("keep the log");
        let child = command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(File::create("/dev/null").expect("open /dev/null"))
            .stderr(file)
            .spawn()
            .expect("start prep");
        Running {
            child,
            log,
            dir: self.dir.path().to_owned(),
        }
    }
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("send a signal");
    }

    /// Waits until a file or directory is there; false if the run ended before.
    pub(crate) fn wait_for(&mut self, path: impl AsRef<Path>) -> bool {
        let path = self.dir.join(path);
        self.wait_until(|| path.exists())
    }

    /// Waits until something is so; false if the run ended before.
    pub(crate) fn wait_until(&mut self, is_so: impl Fn() -> bool) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(SECONDS_MAX) {
            if is_so() {
                return true;
            }
            if self.child.try_wait().expect("look at prep").is_some() {
                return is_so();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("nothing happened in {SECONDS_MAX} seconds");
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Run {
        let status = self.wait();
        let stderr = std::fs::read(&self.log).expect("the log");
        Run {
            // As a shell has it.
            code: status.code().or(status.signal().map(|signal| 128 + signal)),
            stdout: String::new(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            command: "prep, in the background".to_owned(),
            dir: self.dir.clone(),
        }
    }

    fn wait(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("look at prep") {
                return status;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(SECONDS_MAX),
                "it runs for more than {SECONDS_MAX} seconds"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has usually ended; nobody is left behind if a test fails.
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_file(&self.log).ok();
    }
}
