//! Settings in layers: flag, then `PREP_*` variable, then configuration, then default.
//!
//! There is one definition, clap's: a variable or a key whose flag wasn't typed becomes that flag,
//! placed before the typed ones, and the whole is parsed as if typed. Errors still name the layer.

mod config;
mod given;
mod variables;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use prep_stream::error::{Error, Place, Result};

pub(super) use self::variables::Environment;
use super::args::LogFormat;
use super::clap_error;
use super::commands::{Cli, Parsed};

/// Where a setting's value was given, if not as a flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A variable, by its name.
    Variable(String),
    /// A key in a file, with its line counted from 1.
    Config {
        path: PathBuf,
        line: u64,
        key: String,
    },
}

/// Origins by the flag's long name without dashes; what isn't in here was typed.
pub(super) type Origins = BTreeMap<String, Origin>;

impl Origin {
    /// The setting's name in messages.
    pub(super) fn setting(&self) -> &str {
        match self {
            Self::Variable(name) => name,
            Self::Config { key, .. } => key,
        }
    }

    /// Adds file and line, if there are any.
    pub(super) fn locate(&self, error: Error) -> Error {
        match self {
            Self::Variable(_) => error,
            Self::Config { path, line, .. } => error.at(Place::path(path).line(*line)),
        }
    }
}

/// Parses the command line with all its layers.
pub(super) fn parse(argv: &[OsString], environment: &Environment) -> Result<Parsed> {
    let command = Cli::command();
    let layered = argv
        .get(1)
        .and_then(|name| command.find_subcommand(name))
        .filter(|command| command.get_arguments().any(|arg| arg.get_id() == "config"));
    let Some(subcommand) = layered else {
        return finish(command, argv.to_vec(), &Origins::new());
    };
    let typed = match typed_matches(&command, argv) {
        Ok(matches) => matches,
        Err(error) => return information_or_error(error, &Origins::new()),
    };
    let is_typed = |id: &str| typed.value_source(id) == Some(ValueSource::CommandLine);
    let mut added = Vec::new();
    let mut origins = Origins::new();
    let mut add = |flag: &given::Flag| -> Result<()> {
        if !is_typed(&flag.id) && !origins.contains_key(&flag.long) {
            added.extend(flag.arguments()?);
            origins.insert(flag.long.clone(), flag.origin.clone());
        }
        Ok(())
    };
    let variables = variables::flags(subcommand, environment)?;
    variables.iter().try_for_each(&mut add)?;
    let config_path = typed.get_one::<PathBuf>("config").cloned();
    if let Some(path) = config_path.or_else(|| environment.path("PREP_CONFIG")) {
        config::flags(subcommand, &path)?
            .iter()
            .try_for_each(&mut add)?;
    }
    let mut merged = argv.to_vec();
    merged.splice(2..2, added);
    finish(command, merged, &origins)
}

/// What the command line alone says; required flags may come from other layers.
fn typed_matches(
    command: &clap::Command,
    argv: &[OsString],
) -> std::result::Result<ArgMatches, clap::Error> {
    let relaxed = command.clone().mut_subcommands(|subcommand| {
        subcommand.mut_args(|arg| {
            let is_flag = arg.get_long().is_some();
            if is_flag { arg.required(false) } else { arg }
        })
    });
    let matches = relaxed.try_get_matches_from(argv)?;
    Ok(matches
        .subcommand()
        .map(|(_, matches)| matches.clone())
        .unwrap_or_default())
}

fn finish(command: clap::Command, argv: Vec<OsString>, origins: &Origins) -> Result<Parsed> {
    let parsed = command
        .try_get_matches_from(argv)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(cli) => Ok(Parsed::Command(cli.command)),
        Err(error) => information_or_error(error, origins),
    }
}

fn information_or_error(error: clap::Error, origins: &Origins) -> Result<Parsed> {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    match error.kind() {
        DisplayHelp | DisplayVersion => Ok(Parsed::Information(error)),
        _ => Err(clap_error::translate(&error, origins)),
    }
}

/// The form of messages before the command line is understood: as typed, if it can be seen.
pub(super) fn guess_log_format(argv: &[OsString], environment: &Environment) -> LogFormat {
    let mut typed = None;
    for (index, argument) in argv.iter().enumerate() {
        if argument == "--log-format" {
            typed = argv.get(index + 1).cloned();
        } else if let Some(value) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--log-format="))
        {
            typed = Some(value.into());
        }
    }
    let given = typed.or_else(|| environment.value("PREP_LOG_FORMAT"));
    if given.is_some_and(|format| format == "json") {
        LogFormat::Json
    } else {
        LogFormat::Text
    }
}

#[cfg(test)]
mod tests;
