//! What reaches the user: results on standard output, errors on standard error.
//!
//! A reader that closed the pipe has seen enough: that is no error.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use prep_stream::error::{Error, Result};
use prep_stream::report::Paint;
use serde_json::json;

use super::args::LogFormat;
use super::output_error;

/// Colors for standard output.
pub(super) fn stdout_paint() -> Paint {
    paint(io::stdout().is_terminal())
}

/// Colors for standard error.
pub(super) fn stderr_paint() -> Paint {
    paint(io::stderr().is_terminal())
}

fn paint(is_terminal: bool) -> Paint {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_terminal && !is_refused {
        Paint::Ansi
    } else {
        Paint::Plain
    }
}

/// Prints a result.
pub(super) fn print(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    finish(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Prints help or the version, with clap's own colors.
pub(super) fn print_help(help: &clap::Error) -> Result<()> {
    finish(help.print())
}

fn finish(outcome: io::Result<()>) -> Result<()> {
    match outcome {
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(cause) => Err(output_error("write to standard output", cause)),
        Ok(()) => Ok(()),
    }
}

/// One line, or a few, on standard error.
pub(super) fn note(text: &str) {
    // With standard error gone nobody is left to tell; the exit code still says how it ended.
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// The last word on a failed run.
pub(super) fn report_error(error: &Error, log_format: LogFormat) {
    match log_format {
        LogFormat::Text => note(&format!("{}{error}", error_prefix())),
        LogFormat::Json => note(
            &json!({
                "event": "error",
                "ts": timestamp(),
                "kind": error.kind().name(),
                "error": error.kind().to_string(),
                "place": error.place().map(ToString::to_string),
                "hint": error.hint_text(),
                "exit_code": error.exit_code(),
            })
            .to_string(),
        ),
    }
}

/// The last word on a panic.
pub(super) fn report_panic(place: &str, log_format: LogFormat) {
    let version = env!("CARGO_PKG_VERSION");
    let hint = "this is a defect of prep: please report it with this message and the command line";
    match log_format {
        LogFormat::Text => note(&format!(
            "{}internal error at {place} of prep {version}\n  hint: {hint}",
            error_prefix()
        )),
        LogFormat::Json => note(
            &json!({
                "event": "error",
                "ts": timestamp(),
                "kind": "internal",
                "error": format!("internal error at {place} of prep {version}"),
                "place": null,
                "hint": hint,
                "exit_code": super::panics::EXIT_CODE,
            })
            .to_string(),
        ),
    }
}

fn error_prefix() -> String {
    format!("prep: {} ", stderr_paint().alarm("error:"))
}

/// Now, RFC 3339 in UTC with milliseconds.
pub(super) fn timestamp() -> String {
    humantime::format_rfc3339_millis(std::time::SystemTime::now()).to_string()
}

/// The file of this program.
pub(super) fn program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|source| output_error("find the program's own file", source))
}

/// Prints a report as one line of JSON.
pub(super) fn print_json<R: serde::Serialize>(report: &R) -> Result<()> {
    let line = prep_stream::report::json::line(report)
        .map_err(|cause| output_error("write the report as JSON", cause.into()))?;
    print(line.as_bytes())
}
