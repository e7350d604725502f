//! `prep stream --engine`: hands a job to the driver of a cluster, which is part of the Python package.
//!
//! Invariant: nothing of Python is looked for unless an engine is asked for.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use prep_stream::error::{Error, Result, UsageError};
use prep_stream::spec::JobSpec;

use crate::cli::args::{Cluster, LogFormat, Watch};

/// Prints the first of its arguments that is no module that can be imported.
const PROBE: &str = "\
import importlib.util, sys
print(next((name for name in sys.argv[1:] if importlib.util.find_spec(name) is None), ''))";

/// What the driver is told beside the job's own flags.
pub(super) struct Driver<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) watch: Watch,
    /// As given; the driver has defaults of its own.
    pub(super) threads: Option<usize>,
    pub(super) memory: Option<u64>,
}

/// Becomes the driver; comes back only with an error.
///
/// # Errors
/// [`UsageError::EngineMissing`] without Python or its modules.
pub(super) fn become_driver(
    driver: &Driver<'_>,
    spec: &JobSpec,
) -> Result<std::convert::Infallible> {
    let Cluster { engine, module, .. } = driver.cluster;
    let python = python();
    let missing = |what: String| {
        Error::from(UsageError::EngineMissing { engine, what }).hint(format!(
            "pip install 'prep-stream[{engine}]', here and on the workers"
        ))
    };
    let no_python = |cause: std::io::Error| missing(format!("{}: {cause}", python.display()));
    let probe = Command::new(&python)
        .args(["-c", PROBE, "prep_stream", module])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(no_python)?;
    let name = String::from_utf8_lossy(&probe.stdout);
    match (probe.status.success(), name.trim()) {
        (true, "") => {}
        (true, name) => {
            let what = format!("the module {name}, which {} hasn't", python.display());
            return Err(missing(what));
        }
        (false, _) => {
            return Err(missing(format!(
                "Python, and {} ended with {}",
                python.display(),
                probe.status
            )));
        }
    }
    // The job's flags as typed: prep plan reads variables and configuration by itself.
    let job = std::env::args_os().skip(2);
    let cause = Command::new(&python)
        .args(driver.arguments(&spec.output.path))
        .arg("--")
        .args(job)
        .exec();
    Err(no_python(cause))
}

impl Driver<'_> {
    fn arguments(&self, output: &Path) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            "-m".into(),
            format!("prep_stream.{}", self.cluster.engine).into(),
            "--plan".into(),
            plan_path(output).into(),
        ];
        let format = match self.watch.log_format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        let mut add = |flag: &str, value: Option<String>| {
            arguments.extend(value.map(|value| OsString::from(format!("--{flag}={value}"))));
        };
        add("address", self.cluster.address.clone());
        add("threads", self.threads.map(|threads| threads.to_string()));
        add("memory", self.memory.map(|bytes| bytes.to_string()));
        add("log-format", Some(format.to_owned()));
        if self.watch.is_quiet {
            arguments.push("--quiet".into());
        }
        arguments
    }
}

/// Beside the output, on the file system that all workers see.
fn plan_path(output: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(output.file_name().unwrap_or_default());
    name.push(".plan.json");
    output.with_file_name(name)
}

/// The interpreter of the environment that this program is installed in, else that of the search path.
fn python() -> PathBuf {
    let name = "python3";
    let sibling = std::env::current_exe().map(|program| program.with_file_name(name));
    sibling
        .ok()
        .filter(|python| python.exists())
        .unwrap_or_else(|| PathBuf::from(name))
}
