//! clap's errors in the shape of ours: one sentence, place, hint.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use prep_stream::error::{Error, UsageError};

use super::layers::Origins;

/// The same error in our words; `origins` tells which settings weren't typed, and where they are.
pub(super) fn translate(error: &clap::Error, origins: &Origins) -> Error {
    match error.kind() {
        ErrorKind::UnknownArgument => unknown_argument(error),
        ErrorKind::InvalidSubcommand => {
            let command = text(error, ContextKind::InvalidSubcommand);
            let hint = suggestion(error, ContextKind::SuggestedSubcommand)
                .unwrap_or_else(|| "prep --help lists the commands".to_owned());
            Error::from(UsageError::UnknownCommand { command }).hint(hint)
        }
        ErrorKind::MissingSubcommand => Error::from(UsageError::NoCommand)
            .hint("start with prep stream --in PATH --out DIR; prep --help lists the commands"),
        ErrorKind::MissingRequiredArgument => Error::from(UsageError::Missing {
            settings: texts(error, ContextKind::InvalidArg).join(" and "),
        })
        .hint("--help lists every flag, with examples"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => invalid_value(error, origins),
        ErrorKind::ArgumentConflict => Error::from(UsageError::Repeated {
            flag: flag_of(&text(error, ContextKind::InvalidArg)).to_owned(),
        }),
        _ => Error::from(UsageError::CommandLine {
            reason: first_line(error),
        }),
    }
}

fn unknown_argument(error: &clap::Error) -> Error {
    let argument = text(error, ContextKind::InvalidArg);
    let is_flag = argument.starts_with('-');
    let hint = suggestion(error, ContextKind::SuggestedArg).unwrap_or_else(|| {
        if is_flag {
            "--help lists every flag".to_owned()
        } else {
            "paths are given with --in, and each other value after its flag".to_owned()
        }
    });
    Error::from(UsageError::UnexpectedArgument { argument }).hint(hint)
}

fn invalid_value(error: &clap::Error, origins: &Origins) -> Error {
    let argument = text(error, ContextKind::InvalidArg);
    let flag = flag_of(&argument);
    let origin = origins.get(flag.trim_start_matches('-'));
    let setting = origin.map_or(flag, |origin| origin.setting()).to_owned();
    let value = text(error, ContextKind::InvalidValue);
    let valid = texts(error, ContextKind::ValidValue);
    let kind = if error.kind() == ErrorKind::InvalidValue && value.is_empty() {
        UsageError::NoValue { setting }
    } else {
        let reason = match error.source() {
            Some(cause) => cause.to_string(),
            None => format!("expected {}", alternatives(&valid)),
        };
        UsageError::Setting {
            setting,
            value: value.escape_debug().to_string(),
            reason,
        }
    };
    let mut ours = Error::from(kind);
    if let Some(origin) = origin {
        ours = origin.locate(ours);
    }
    match suggestion(error, ContextKind::SuggestedValue) {
        Some(hint) => ours.hint(hint),
        None => ours,
    }
}

/// `--test-size` out of `--test-size <FRACTION>`.
fn flag_of(argument: &str) -> &str {
    argument.split([' ', '=', '[']).next().unwrap_or(argument)
}

/// "a, b or c".
fn alternatives(values: &[String]) -> String {
    match values {
        [] => "another value".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn suggestion(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let near = texts(error, kind);
    (!near.is_empty()).then(|| format!("did you mean {}?", alternatives(&near)))
}

fn text(error: &clap::Error, kind: ContextKind) -> String {
    texts(error, kind).into_iter().next().unwrap_or_default()
}

fn texts(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

fn first_line(error: &clap::Error) -> String {
    let message = error.to_string();
    let line = message.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
