//! A setting given as a variable or a key, and the arguments that say the same.

use std::any::TypeId;
use std::ffi::OsString;

use clap::{Arg, ArgAction};
use prep_stream::error::{Error, Result, UsageError};

use super::Origin;
use crate::cli::values::{Names, quoted_name};

/// One flag to be, from another layer.
pub(super) struct Flag {
    pub(super) id: String,
    pub(super) long: String,
    pub(super) origin: Origin,
    shape: Shape,
    value: Given,
}

/// A value as its layer gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Given {
    /// As one would type it.
    Text(OsString),
    /// True or false.
    Switch(bool),
    /// Exact values, one each.
    List(Vec<OsString>),
}

/// How a flag takes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Switch,
    OptionalValue,
    Value,
    Repeated,
    Names,
}

impl Flag {
    pub(super) fn new(arg: &Arg, long: &str, origin: Origin, value: Given) -> Self {
        Self {
            id: arg.get_id().to_string(),
            long: long.to_owned(),
            origin,
            shape: Shape::of(arg),
            value,
        }
    }

    /// The arguments that say the same.
    pub(super) fn arguments(&self) -> Result<Vec<OsString>> {
        let bare = || OsString::from(format!("--{}", self.long));
        let with = |value: &OsString| {
            let mut argument = bare();
            argument.push("=");
            argument.push(value);
            argument
        };
        match (self.shape, &self.value) {
            (Shape::Switch | Shape::OptionalValue, Given::Switch(is_on)) => {
                Ok(if *is_on { vec![bare()] } else { Vec::new() })
            }
            (Shape::Switch, Given::Text(text)) => Err(self.refuse(text, "expected true or false")),
            (_, Given::Text(text)) => Ok(vec![with(text)]),
            (_, Given::Switch(is_on)) => Ok(vec![with(&is_on.to_string().into())]),
            (Shape::Repeated | Shape::Names, Given::List(values)) if values.is_empty() => {
                Err(self.refuse(&"[]".into(), "an empty list is no value; leave the key out"))
            }
            (Shape::Repeated, Given::List(values)) => Ok(values.iter().map(with).collect()),
            (Shape::Names, Given::List(values)) => Ok(values
                .iter()
                .map(|name| with(&quoted_name(&name.to_string_lossy()).into()))
                .collect()),
            (_, Given::List(values)) => Err(self.refuse(
                &values.join("\", \"".as_ref()),
                "expected one value, not a list",
            )),
        }
    }

    fn refuse(&self, value: &OsString, reason: &str) -> Error {
        let error = UsageError::Setting {
            setting: self.origin.setting().to_owned(),
            value: value.to_string_lossy().into_owned(),
            reason: reason.to_owned(),
        };
        self.origin.locate(error.into())
    }
}

impl Shape {
    fn of(arg: &Arg) -> Self {
        if matches!(arg.get_action(), ArgAction::SetTrue) {
            Self::Switch
        } else if arg
            .get_num_args()
            .is_some_and(|range| range.min_values() == 0)
        {
            Self::OptionalValue
        } else if arg.get_value_parser().type_id() == TypeId::of::<Names>() {
            Self::Names
        } else if matches!(arg.get_action(), ArgAction::Append) {
            Self::Repeated
        } else {
            Self::Value
        }
    }
}

/// The flags of a command that other layers may give, with their long names.
pub(super) fn settings(command: &clap::Command) -> impl Iterator<Item = (&str, &Arg)> {
    command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_long()?, arg)))
        .filter(|(long, _)| !["help", "version"].contains(long))
}

/// Whether this flag is a switch that `true` and `false` turn on and off.
pub(super) fn is_switch(arg: &Arg) -> bool {
    matches!(Shape::of(arg), Shape::Switch | Shape::OptionalValue)
}
