//! `Child`: a piece of work in a process of its own, which can end no other than itself.
//!
//! Invariant: no such process outlives this one: it is asked to stop with it, and ends itself when the
//! thread that started it has ended ([`Child::bind`]). Limit: Linux.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, kill_process, set_parent_process_death_signal,
    setrlimit,
};

use super::Cancel;
use super::usage::data_bytes;
use crate::error::{Error, ErrorKind, InputError, Place, Result};

/// Between two looks at whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The most of its last words that are kept.
const WORDS_BYTES_MAX: usize = 64 << 10;
/// What a process may take beyond its budget and what it has mapped at its start: stacks, what is given back
/// late.
const BEYOND_BUDGET_BYTES: u64 = 128 << 20;

/// Has the allocator of `prep` ask for memory as it is used, and not for a GiB at its start, which the limit
/// would have to allow for.
const COMMIT_AS_USED: &str = "MIMALLOC_ARENA_EAGER_COMMIT";

/// A command.
#[derive(Debug)]
pub struct Child {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with an exit code and what it said on standard error.
    Code(u8, String),
    /// By this signal.
    Signal(i32),
}

impl Child {
    /// Runs it to its end; asks it to stop when a stop is asked for. It has no environment.
    ///
    /// # Errors
    /// When it can't be started or waited for.
    pub fn run(&self, cancel: &Cancel) -> Result<Ended> {
        let failed = |action| {
            move |source| {
                let error = Error::from(InputError::Io { action, source });
                error.at(Place::path(&self.program))
            }
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .env(COMMIT_AS_USED, "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed("start a process"))?;
        // Read while it runs: one that says more than a pipe holds would wait for a reader.
        let listen = |pipe| {
            let listener = Builder::new().name("prep-listener".to_owned());
            listener.spawn(move || last_words(pipe))
        };
        let listener = child.stderr.take().map(listen).transpose();
        let listener = listener.map_err(failed("start a thread"))?;
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let mut asked = false;
        let status = loop {
            if let Some(status) = child.try_wait().map_err(failed("wait for a process"))? {
                break status;
            }
            if let (false, Err(_), Some(id)) = (asked, cancel.check(), id) {
                // It may have ended by itself just now.
                kill_process(id, Signal::TERM).unwrap_or_default();
                asked = true;
            }
            sleep(LOOK_EVERY);
        };
        let heard = listener.map_or(Ok(Ok(Vec::new())), JoinHandle::join);
        let words = heard.unwrap_or_else(|_| Err(io::Error::other("the reader panicked")));
        let words = words.map_err(failed("read what a process said"))?;
        Ok(ended(status, &words))
    }

    /// Makes this process one that `parent` has started: it ends with it.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] if `parent` has ended already.
    pub fn bind(parent: u32) -> Result<()> {
        let action = "end this process with the one that started it";
        set_parent_process_death_signal(Some(Signal::KILL))
            .map_err(|source| refused(action, source))?;
        let is_there =
            getppid().is_some_and(|id| u32::try_from(id.as_raw_nonzero().get()) == Ok(parent));
        if !is_there {
            let signal = Signal::TERM.as_raw();
            return Err(ErrorKind::Interrupted { signal }.into());
        }
        Ok(())
    }

    /// Keeps this process from taking much more memory than its budget.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn limit(budget_bytes: u64) -> Result<()> {
        // What is mapped already counts, whether it is used or not.
        let beyond = BEYOND_BUDGET_BYTES.saturating_add(data_bytes());
        let bytes = Some(budget_bytes.saturating_add(beyond));
        let limit = Rlimit {
            current: bytes,
            maximum: bytes,
        };
        setrlimit(Resource::Data, limit).map_err(|source| refused("limit this process", source))
    }
}

fn refused(action: &'static str, source: rustix::io::Errno) -> Error {
    let source = source.into();
    InputError::Io { action, source }.into()
}

/// The end of what a process says, up to where it closes the pipe.
fn last_words(mut pipe: impl Read) -> io::Result<Vec<u8>> {
    let (mut words, mut buffer) = (Vec::new(), [0; 4 << 10]);
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return Ok(words),
            Ok(read) => words.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if words.len() > 2 * WORDS_BYTES_MAX {
            words.drain(..words.len() - WORDS_BYTES_MAX);
        }
    }
}

fn ended(status: ExitStatus, words: &[u8]) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => {
            let code = u8::try_from(code).unwrap_or(u8::MAX);
            Ended::Code(code, String::from_utf8_lossy(words).into_owned())
        }
        (None, signal) => Ended::Signal(signal.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        Child {
            program: "/bin/sh".into(),
            arguments: ["-c", script].map(OsString::from).to_vec(),
        }
    }

    #[test]
    fn how_a_process_ended_is_told_apart() {
        let run = |script| shell(script).run(&Cancel::default()).unwrap();
        assert_eq!(run("exit 0"), Ended::Code(0, String::new()));
        assert_eq!(run("echo why >&2; exit 3"), Ended::Code(3, "why\n".into()));
        assert_eq!(run("kill -9 $$"), Ended::Signal(9));
        let Ended::Code(7, words) = run("yes word | head -c 300000 >&2; echo last >&2; exit 7")
        else {
            panic!("one that says much ends like any other");
        };
        assert!(words.ends_with("word\nlast\n") && words.len() < 200_000);
        // Nothing else of the environment is handed on.
        let variables = run("echo \"$MIMALLOC_ARENA_EAGER_COMMIT,$HOME\" >&2");
        assert_eq!(variables, Ended::Code(0, "0,\n".into()));
        let missing = Child {
            program: "/nowhere/prep".into(),
            arguments: Vec::new(),
        };
        let error = missing.run(&Cancel::default()).unwrap_err().to_string();
        assert!(error.contains("/nowhere/prep"), "{error}");
    }

    #[test]
    fn a_process_is_asked_to_stop_with_the_run() {
        let cancel = Cancel::default();
        cancel
            .cell()
            .store(15, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(
            shell("exec sleep 60").run(&cancel).unwrap(),
            Ended::Signal(15)
        );
    }
}
