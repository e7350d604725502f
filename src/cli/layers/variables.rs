//! `PREP_*` variables: `PREP_TEST_SIZE` is `--test-size`.
//!
//! A value reads as the flag's would; switches take true and false, `PREP_IN` several paths as `PATH`
//! does. A name that is nearly a setting is an error, since a job that runs unattended must not split
//! by another seed than its owner believes; any other name is somebody else's.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ValueHint};
use prep_stream::error::{Error, Result, UsageError};

use super::Origin;
use super::given::{Flag, Given, is_switch, settings};
use crate::cli::nearest::nearest;

const PREFIX: &str = "PREP_";

/// The variables of the process that start with `PREP_`.
#[derive(Debug, Default)]
pub(in crate::cli) struct Environment(Vec<(String, OsString)>);

impl Environment {
    /// Reads the process's variables.
    pub(in crate::cli) fn of_process() -> Self {
        let ours = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(PREFIX));
        Self(ours.collect())
    }

    /// These variables.
    #[cfg(test)]
    pub(super) fn of(variables: &[(&str, &str)]) -> Self {
        let owned = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.into()));
        Self(owned.collect())
    }

    /// The value of a variable; an empty one counts as unset.
    pub(in crate::cli) fn value(&self, name: &str) -> Option<OsString> {
        self.0
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.clone())
    }

    /// The same, as a path.
    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.value(name).map(PathBuf::from)
    }
}

/// The settings of a command that variables give.
pub(super) fn flags(command: &clap::Command, environment: &Environment) -> Result<Vec<Flag>> {
    let names: Vec<String> = settings(command).map(|(long, _)| variable(long)).collect();
    refuse_near_misses(&names, environment)?;
    Ok(settings(command)
        .filter_map(|(long, arg)| {
            let name = variable(long);
            let value = given(arg, environment.value(&name)?);
            Some(Flag::new(arg, long, Origin::Variable(name), value))
        })
        .collect())
}

fn variable(long: &str) -> String {
    format!("{PREFIX}{}", long.replace('-', "_").to_ascii_uppercase())
}

fn given(arg: &Arg, value: OsString) -> Given {
    let word = value.to_str().map(str::to_ascii_lowercase);
    match word.as_deref() {
        Some("1" | "true" | "yes" | "on") if is_switch(arg) => Given::Switch(true),
        Some("0" | "false" | "no" | "off") if is_switch(arg) => Given::Switch(false),
        _ if is_path_list(arg) => {
            Given::List(std::env::split_paths(&value).map(OsString::from).collect())
        }
        _ => Given::Text(value),
    }
}

fn is_path_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append) && arg.get_value_hint() == ValueHint::AnyPath
}

fn refuse_near_misses(names: &[String], environment: &Environment) -> Result<()> {
    for (variable, _) in &environment.0 {
        if names.contains(variable) {
            continue;
        }
        let stem = variable.strip_prefix(PREFIX).unwrap_or(variable);
        let stems = names.iter().filter_map(|name| name.strip_prefix(PREFIX));
        if let Some(near) = nearest(stem, stems) {
            let error = UsageError::UnknownVariable {
                variable: variable.clone(),
            };
            return Err(Error::from(error).hint(format!(
                "did you mean {PREFIX}{near}? otherwise unset {variable}"
            )));
        }
    }
    Ok(())
}
