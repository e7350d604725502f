//! Errors of the command line and its configuration (exit code 2).

use std::io;

/// What is wrong with the request itself.
///
/// A *setting* is anything that can be a flag, a `PREP_*` variable or a key of the configuration; its
/// name in a message is the one it was given by.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// A flag's value cannot be used.
    #[error("invalid value \"{value}\" for {flag}: {reason}")]
    InvalidValue {
        /// The flag in full, for example `--test-size`.
        flag: &'static str,
        /// The value as typed.
        value: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// A flag names a column that no input has.
    #[error("no column \"{column}\" for {flag}; the input has {available}")]
    UnknownColumn {
        /// The flag in full.
        flag: &'static str,
        /// The name as typed.
        column: String,
        /// The nearest names, or how many there are.
        available: String,
    },
    /// `--split-by column:` names a column whose type can't name sides.
    #[error("column \"{column}\" of --split-by is {found}, which names no sides")]
    NotASide {
        /// The name as typed.
        column: String,
        /// Its type.
        found: String,
    },
    /// `--split-by group:` names a column that doesn't hold one value a row.
    #[error(
        "column \"{column}\" of --split-by holds lists or structs ({found}), which are no keys"
    )]
    NotAKey {
        /// The name as typed.
        column: String,
        /// Its type.
        found: String,
    },
    /// `--split-by time:` names a column that holds no times.
    #[error("column \"{column}\" of --split-by is {found}, which is no time")]
    NotATime {
        /// The name as typed.
        column: String,
        /// Its type.
        found: String,
    },
    /// `--stratify` names a column that has no classes.
    #[error("column \"{column}\" of --stratify is {found}, it must hold {needs}")]
    NotAClass {
        /// The name as typed.
        column: String,
        /// Its type.
        found: String,
        /// What it must hold.
        needs: &'static str,
    },
    /// `--stratify` names a column of too many values.
    #[error("column \"{column}\" of --stratify has more than {limit} values")]
    TooManyClasses {
        /// The name as typed.
        column: String,
        /// The most values.
        limit: usize,
    },
    /// Sides of more rows than there are.
    #[error("{asked} rows asked for by {flag}, there are {rows}")]
    TooFewRows {
        /// The flag in full.
        flag: &'static str,
        /// Rows on the test and val sides.
        asked: u64,
        /// Rows in use.
        rows: u64,
    },
    /// A comparison of `--where` whose column and value don't go together.
    #[error("cannot use \"{comparison}\" of --where: column \"{column}\" is compared with {needs}")]
    NotComparable {
        /// The comparison.
        comparison: String,
        /// The column.
        column: String,
        /// What its type can be compared with.
        needs: &'static str,
    },
    /// `--folds` on an input that has the column which it writes.
    #[error(
        "the input has a column \"{column}\" of its own, where --folds writes which fold a row is in"
    )]
    FoldColumn {
        /// The name.
        column: &'static str,
    },
    /// A command that looks at sides, on an output that has none.
    #[error("{command} needs a train and a test side; the output was made with {made_with}")]
    NoSides {
        /// The command.
        command: &'static str,
        /// The flag or command that made it so.
        made_with: String,
    },
    /// A flag names a column that must hold numbers and doesn't.
    #[error("column \"{column}\" of {flag} is not numeric")]
    NotNumeric {
        /// The flag in full.
        flag: &'static str,
        /// The name as typed.
        column: String,
    },
    /// `--validate` without the one label that it predicts.
    #[error("--validate needs one --label, {labels} are given")]
    ValidateLabel {
        /// How many are.
        labels: usize,
    },
    /// `prep verify --in` for an output of a command whose rows it doesn't compute again.
    #[error("cannot compare every row of an output that was made with {what}")]
    NotVerifiable {
        /// The command.
        what: String,
    },
    /// Two flags contradict each other.
    #[error("{first} and {second} cannot be used together: {reason}")]
    Conflict {
        /// One flag in full.
        first: &'static str,
        /// The other flag in full.
        second: &'static str,
        /// Why not.
        reason: String,
    },
    /// `--engine` without what it needs.
    #[error("--engine {engine} needs {what}")]
    EngineMissing {
        /// The engine.
        engine: &'static str,
        /// What isn't there.
        what: String,
    },
    /// A setting's value does not parse.
    #[error("invalid value \"{value}\" for {setting}: {reason}")]
    Setting {
        /// `--test-size`, `PREP_TEST_SIZE` or `test-size`, as it was given.
        setting: String,
        /// The value as given.
        value: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// A setting that needs a value has none.
    #[error("no value for {setting}")]
    NoValue {
        /// The setting as it was given.
        setting: String,
    },
    /// An output can only be added to with the settings that it was made with.
    #[error("the output was made with other settings: {differences}")]
    OtherSettings {
        /// Each setting with what it was and what it is.
        differences: String,
    },
    /// A flag that takes one value, or none, is given more than once.
    #[error("{flag} is given more than once")]
    Repeated {
        /// The flag in full.
        flag: String,
    },
    /// Required flags or arguments are missing.
    #[error("missing {settings}")]
    Missing {
        /// All that are missing, as the help names them.
        settings: String,
    },
    /// A flag or an argument that this command does not have.
    #[error("unexpected argument \"{argument}\"")]
    UnexpectedArgument {
        /// The argument as typed.
        argument: String,
    },
    /// A command that does not exist.
    #[error("unknown command \"{command}\"")]
    UnknownCommand {
        /// The command as typed.
        command: String,
    },
    /// No command at all.
    #[error("no command given")]
    NoCommand,
    /// A key of the configuration that is no setting.
    #[error("unknown key \"{key}\" in the configuration")]
    UnknownKey {
        /// The key as written.
        key: String,
    },
    /// A `PREP_*` variable that is nearly, but not quite, a setting.
    #[error("the variable {variable} is no setting")]
    UnknownVariable {
        /// The variable's name.
        variable: String,
    },
    /// The configuration cannot be read.
    #[error("cannot read the configuration: {source}")]
    ConfigUnreadable {
        /// Why not.
        source: io::Error,
    },
    /// The configuration is no TOML.
    #[error("cannot parse the configuration: {reason}")]
    ConfigSyntax {
        /// The parser's message, without its picture of the line.
        reason: String,
    },
    /// A key's value has a type that no setting has.
    #[error("key \"{key}\" of the configuration is {found}, which no setting takes")]
    ConfigType {
        /// The key.
        key: String,
        /// The value's type, with its article.
        found: &'static str,
    },
    /// Something else that the argument parser refused.
    #[error("cannot use the command line: {reason}")]
    CommandLine {
        /// The parser's one-line message.
        reason: String,
    },
}
