//! The command line: argv to `JobSpec`, job, report; terminal, progress, signals and exit codes.
//!
//! Nothing else in the program prints, reads variables or handles signals.

mod allocator;
mod args;
mod clap_error;
mod commands;
mod layers;
mod nearest;
mod panics;
mod progress;
mod signals;
mod terminal;
mod values;

use std::ffi::OsString;
use std::process::ExitCode;

use prep_stream::engine::Cancel;
use prep_stream::error::{Error, Result};

use self::args::LogFormat;
use self::commands::Parsed;
use self::layers::Environment;

/// Runs the program; every error and every panic ends here.
pub(crate) fn main() -> ExitCode {
    panics::silence();
    let argv: Vec<OsString> = std::env::args_os().collect();
    let environment = Environment::of_process();
    let mut log_format = layers::guess_log_format(&argv, &environment);
    let outcome = panics::catch(|| run(&argv, &environment, &mut log_format));
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            terminal::report_error(&error, log_format);
            ExitCode::from(error.exit_code())
        }
        Err(panic) => {
            terminal::report_panic(&panic, log_format);
            ExitCode::from(panics::EXIT_CODE)
        }
    }
}

fn run(
    argv: &[OsString],
    environment: &Environment,
    log_format: &mut LogFormat,
) -> Result<ExitCode> {
    let command = match layers::parse(argv, environment)? {
        Parsed::Command(command) => command,
        Parsed::Information(text) => {
            return terminal::print_help(&text).map(|()| ExitCode::SUCCESS);
        }
    };
    if let Some(chosen) = command.log_format() {
        *log_format = chosen;
    }
    let cancel = Cancel::default();
    signals::install(&cancel)?;
    command.run(&cancel)
}

/// An error of this machine that has no better kind: standard output or a signal handler.
fn output_error(action: &'static str, source: std::io::Error) -> Error {
    prep_stream::error::OutputError::Io { action, source }.into()
}
