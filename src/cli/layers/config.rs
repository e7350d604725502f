//! `--config FILE`: TOML, one table, the flags' names as keys.
//!
//! A list is an array of exact values or a string as one would type it; a fraction is a string, or a
//! float taken at its shortest decimal. Relative paths count from the working directory, as flags do.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use prep_stream::error::{Error, Place, Result, UsageError};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::Origin;
use super::given::{Flag, Given, settings};
use crate::cli::nearest::nearest;

/// The settings that a file gives, in the order of its keys.
pub(super) fn flags(command: &clap::Command, path: &Path) -> Result<Vec<Flag>> {
    let text = fs::read_to_string(path).map_err(|source| {
        Error::from(UsageError::ConfigUnreadable { source }).at(Place::path(path))
    })?;
    let table = DeTable::parse(&text).map_err(|cause| {
        let error = Error::from(UsageError::ConfigSyntax {
            reason: cause.message().trim().replace('\n', ", "),
        });
        match cause.span() {
            Some(span) => error.at(place(path, &text, span.start)),
            None => error.at(Place::path(path)),
        }
    })?;
    table
        .get_ref()
        .iter()
        .map(|(key, value)| flag(command, path, &text, key, value))
        .collect()
}

fn flag(
    command: &clap::Command,
    path: &Path,
    text: &str,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
) -> Result<Flag> {
    let line = line_of(text, key.span().start);
    let name = key.get_ref().as_ref();
    let known = || settings(command).filter(|(long, _)| *long != "config");
    let Some((long, arg)) = known().find(|(long, _)| *long == name) else {
        let error = Error::from(UsageError::UnknownKey {
            key: name.to_owned(),
        })
        .at(Place::path(path).line(line));
        return Err(
            match nearest(&name.replace('_', "-"), known().map(|(long, _)| long)) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint("keys are the names of flags without the dashes in front"),
            },
        );
    };
    let origin = Origin::Config {
        path: path.to_owned(),
        line,
        key: name.to_owned(),
    };
    match given(value.get_ref()) {
        Ok(value) => Ok(Flag::new(arg, long, origin, value)),
        Err(found) => {
            let key = name.to_owned();
            Err(origin.locate(UsageError::ConfigType { key, found }.into()))
        }
    }
}

fn given(value: &DeValue<'_>) -> std::result::Result<Given, &'static str> {
    match value {
        DeValue::Boolean(is_on) => Ok(Given::Switch(*is_on)),
        DeValue::Array(values) => {
            let values: std::result::Result<_, _> =
                values.iter().map(|value| scalar(value.get_ref())).collect();
            Ok(Given::List(values?))
        }
        value => scalar(value).map(Given::Text),
    }
}

fn scalar(value: &DeValue<'_>) -> std::result::Result<OsString, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.as_ref().into()),
        DeValue::Integer(number) => Ok(decimal(number).into()),
        // `f64` prints the shortest decimal that parses back: 0.2 stays 0.2.
        DeValue::Float(number) => Ok(number
            .as_str()
            .parse::<f64>()
            .map_or_else(
                |_unusual| number.as_str().to_owned(),
                |number| number.to_string(),
            )
            .into()),
        DeValue::Boolean(is_on) => Ok(is_on.to_string().into()),
        DeValue::Datetime(_) => Err("a date"),
        DeValue::Array(_) => Err("a list of lists"),
        DeValue::Table(_) => Err("a table"),
    }
}

/// In decimal digits, whatever the radix; beyond 128 bits as written, for the flag to refuse.
fn decimal(number: &DeInteger<'_>) -> String {
    i128::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_too_large| number.to_string(), |number| number.to_string())
}

fn place(path: &Path, text: &str, byte: usize) -> Place {
    Place::path(path).line(line_of(text, byte))
}

/// The line, counted from 1, that a byte offset lies on.
fn line_of(text: &str, byte: usize) -> u64 {
    let before = text.as_bytes().iter().take(byte);
    1 + before.filter(|byte| **byte == b'\n').count() as u64
}
