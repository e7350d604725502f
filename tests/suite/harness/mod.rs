//! `Scratch`: a fresh directory with the real binary in it; tables go in, tables come out.

mod exact;
mod job;
mod process;
mod read;
mod table;

pub(crate) use exact::Exact;
pub(crate) use job::{At, spec};
pub(crate) use process::Running;
pub(crate) use read::{Frame, Output};
pub(crate) use table::{Column, Table, Values};

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A run that takes longer than this hangs.
const SECONDS_MAX: u64 = 120;

/// A directory of its own, removed afterwards.
pub(crate) struct Scratch {
    dir: tempfile::TempDir,
}

/// What a finished `prep` left behind.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    command: String,
    dir: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = tempfile::Builder::new().prefix("prep-").tempdir_in(base);
        Self {
            dir: dir.expect("a scratch directory"),
        }
    }

    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(relative)
    }

    /// Writes a file and the directories above it.
    pub(crate) fn write(&self, relative: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> &Self {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().expect("a parent")).expect("create directories");
        fs::write(path, contents).expect("write a file");
        self
    }

    /// Writes a Parquet file and the directories above it.
    pub(crate) fn parquet(&self, relative: impl AsRef<Path>, table: &Table) -> &Self {
        self.write(relative, table.to_parquet())
    }

    /// Runs `prep` here, with nothing of the caller's environment but `PATH`.
    pub(crate) fn prep<S: AsRef<str>>(&self, arguments: &[S]) -> Run {
        self.prep_with_env(arguments, &[])
    }

    pub(crate) fn prep_with_env<S: AsRef<str>>(
        &self,
        arguments: &[S],
        env: &[(&str, &str)],
    ) -> Run {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_prep"));
        command
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(env.iter().copied())
            .args(arguments.iter().map(AsRef::as_ref))
            .timeout(Duration::from_secs(SECONDS_MAX));
        let output = command.output().expect("run prep");
        Run {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command: arguments
                .iter()
                .fold(String::from("prep"), |mut line, part| {
                    line += &format!(" {}", part.as_ref());
                    line
                }),
            dir: self.dir.path().to_owned(),
        }
    }

    /// `prep stream --in INPUT --out out EXTRA...` that must succeed; returns the output.
    pub(crate) fn stream(&self, input: &str, extra: &[&str]) -> Output {
        self.stream_to("out", input, extra)
    }

    pub(crate) fn stream_to(&self, out: &str, input: &str, extra: &[&str]) -> Output {
        let mut arguments = vec!["stream", "--in", input, "--out", out, "--quiet"];
        arguments.extend(extra);
        self.prep(&arguments).succeeds();
        self.output(out)
    }

    /// An existing output directory.
    pub(crate) fn output(&self, out: &str) -> Output {
        Output::new(self.path(out))
    }

    /// Every file below a directory with its bytes, `run.json` and the report's run section left out.
    pub(crate) fn bytes_of(&self, relative: &str) -> BTreeMap<String, Vec<u8>> {
        let root = self.path(relative);
        files_below(&root)
            .into_iter()
            .filter(|path| path.file_name().is_none_or(|name| name != "run.json"))
            .map(|path| {
                let name = path.strip_prefix(&root).expect("a prefix").display();
                let bytes = fs::read(&path).expect("read a file");
                (name.to_string(), without_run_section(&path, bytes))
            })
            .collect()
    }
}

/// A report without the line of the run and the seal, which may differ between two runs of a job.
fn without_run_section(path: &Path, bytes: Vec<u8>) -> Vec<u8> {
    if path.file_stem().is_none_or(|stem| stem != "report") {
        return bytes;
    }
    let own = ["\"run\": ", "\"xxh3_128\": ", "<!-- xxh3_128 "].map(str::as_bytes);
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let kept = lines.filter(|line| !own.iter().any(|start| line.starts_with(start)));
    kept.flatten().copied().collect()
}

impl Run {
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.describe());
        self
    }

    /// A clear error: the exit code, no panic, one message.
    pub(crate) fn fails_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}", self.describe());
        self.clear_error()
    }

    /// Any exit code but 0, and a message that is not a panic.
    pub(crate) fn clear_error(&self) -> String {
        assert!(self.is_clear_error(), "{}", self.describe());
        self.stderr.clone()
    }

    pub(crate) fn is_clear_error(&self) -> bool {
        self.code.is_some_and(|code| (1..=7).contains(&code))
            && self.stderr.matches("prep: error: ").count() == 1
            && !["panicked", "RUST_BACKTRACE", "unwrap()", "stack overflow"]
                .iter()
                .any(|word| self.stderr.contains(word))
    }

    /// Everything one needs to understand a failure.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!(
            "\n$ {}\n(in {}, exit code {:?})\n--- stdout\n{}\n--- stderr\n{}\n--- files\n",
            self.command,
            self.dir.display(),
            self.code,
            shorten(&self.stdout),
            shorten(&self.stderr),
        );
        for path in files_below(&self.dir).iter().take(200) {
            let bytes = fs::metadata(path).map_or(0, |m| m.len());
            let name = path.strip_prefix(&self.dir).unwrap_or(path);
            text += &format!("{bytes:>10} {}\n", name.display());
        }
        text
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(20_000) {
        Some((end, _)) => format!("{} [cut]", &text[..end]),
        None => text.to_owned(),
    }
}

/// All files below a directory, sorted.
pub(crate) fn files_below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A stream of well mixed 64-bit numbers, the same in every run.
pub(crate) fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    (0_u64..).map(move |index| {
        let mut z = (seed << 40 ^ index).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        z = (z ^ (z >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        z ^ (z >> 32)
    })
}

/// Numbers with mean 0 and standard deviation 1, near enough to normal.
pub(crate) fn normals(seed: u64) -> impl Iterator<Item = f64> {
    let mut uniform = numbers(seed).map(|z| (z >> 11) as f64 / (1_u64 << 53) as f64);
    std::iter::from_fn(move || Some(uniform.by_ref().take(12).sum::<f64>() - 6.0))
}
