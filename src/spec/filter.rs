//! `Filter`: which rows are used at all, as comparisons that must all hold.
//!
//! ```text
//! filter     = comparison { "and" comparison }
//! comparison = column operator value
//! column     = a word, or anything between double quotes (those inside written twice)
//! operator   = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
//! value      = a number | true | false | text between single quotes (those inside written twice)
//! ```
//!
//! Invariant: the text of a filter reads back as the same filter. Limit: no `or`, no arithmetic.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::kernel::Operator;

#[cfg(test)]
mod tests;

/// Comparisons that must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// At least one.
    pub comparisons: Vec<Comparison>,
}

/// A column, compared with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Name of the column.
    pub column: String,
    /// How they are compared.
    pub operator: Operator,
    /// What with.
    pub literal: Literal,
}

impl Comparison {
    /// The operator as filters are written: `=`, `<>`, `<`, `<=`, `>` or `>=`.
    pub fn operator_text(&self) -> &'static str {
        // The last of those that mean the same is the plainest.
        let typed = OPERATORS.iter().rev();
        let mut typed = typed.filter(|(_, operator)| *operator == self.operator);
        typed.next().map_or("=", |(typed, _)| *typed)
    }
}

/// A value as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A finite number, in decimal digits.
    Number(String),
    /// Text, or a date or time.
    Text(String),
    /// True or false.
    Boolean(bool),
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Nothing where a column's name should be.
    #[error("expected the name of a column before \"{rest}\"")]
    Column {
        /// What is there.
        rest: String,
    },
    /// No operator after a column.
    #[error("expected =, !=, <, <=, > or >= after {column}")]
    Operator {
        /// The column.
        column: String,
    },
    /// Something that is no value.
    #[error("{value:?} is no value; expected a number, true, false, or text in single quotes")]
    Value {
        /// What is there.
        value: String,
    },
    /// A quote that is never closed.
    #[error("a {quote} is never closed")]
    Quote {
        /// The quote.
        quote: char,
    },
    /// Something else than `and` between two comparisons.
    #[error("expected \"and\" before {rest:?}")]
    And {
        /// What is there.
        rest: String,
    },
}

/// Operators as they are typed, longer ones first.
const OPERATORS: [(&str, Operator); 8] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<>", Operator::NotEqual),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let mut comparisons = Vec::new();
        let mut rest = text.trim();
        loop {
            let (column, after) = column(rest)?;
            let (operator, after) = operator(&column, after)?;
            let (literal, after) = literal(after)?;
            comparisons.push(Comparison {
                column,
                operator,
                literal,
            });
            rest = after.trim_start();
            if rest.is_empty() {
                return Ok(Self { comparisons });
            }
            let (word, after) = word(rest);
            if !word.eq_ignore_ascii_case("and") {
                let rest = rest.to_owned();
                return Err(FilterError::And { rest });
            }
            rest = after.trim_start();
        }
    }
}

/// The text up to the next space or operator, and the rest.
fn word(text: &str) -> (&str, &str) {
    let is_end = |c: char| c.is_whitespace() || "=!<>\"'".contains(c);
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

fn column(text: &str) -> Result<(String, &str), FilterError> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(inside) => quoted(inside, '"')?,
        None => {
            let (name, rest) = word(text);
            (name.to_owned(), rest)
        }
    };
    match name.is_empty() {
        true => Err(FilterError::Column {
            rest: text.to_owned(),
        }),
        false => Ok((name, rest.trim_start())),
    }
}

fn operator<'a>(column: &str, text: &'a str) -> Result<(Operator, &'a str), FilterError> {
    let found = OPERATORS
        .iter()
        .find_map(|(typed, operator)| Some((*operator, text.strip_prefix(typed)?.trim_start())));
    found.ok_or_else(|| FilterError::Operator {
        column: column.to_owned(),
    })
}

fn literal(text: &str) -> Result<(Literal, &str), FilterError> {
    if let Some(inside) = text.strip_prefix('\'') {
        let (value, rest) = quoted(inside, '\'')?;
        return Ok((Literal::Text(value), rest));
    }
    let (value, rest) = word(text);
    let literal = match value {
        "true" => Literal::Boolean(true),
        "false" => Literal::Boolean(false),
        // Not what f64 also reads: inf and nan.
        _ if value.bytes().any(|byte| byte.is_ascii_digit())
            && value.parse().is_ok_and(f64::is_finite) =>
        {
            Literal::Number(value.to_owned())
        }
        _ => {
            let value = value.to_owned();
            return Err(FilterError::Value { value });
        }
    };
    Ok((literal, rest))
}

/// What is between here and the closing quote, and the rest.
fn quoted(inside: &str, quote: char) -> Result<(String, &str), FilterError> {
    let (mut value, mut rest) = (String::new(), inside);
    loop {
        let (part, after) = rest.split_once(quote).ok_or(FilterError::Quote { quote })?;
        value.push_str(part);
        match after.strip_prefix(quote) {
            Some(doubled) => {
                value.push(quote);
                rest = doubled;
            }
            None => return Ok((value, after)),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, comparison) in self.comparisons.iter().enumerate() {
            if index > 0 {
                f.write_str(" and ")?;
            }
            comparison.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = &self.column;
        match word(column) {
            (word, "") if !word.is_empty() => f.write_str(word)?,
            _ => write!(f, "\"{}\"", column.replace('"', "\"\""))?,
        }
        write!(f, " {} ", self.operator_text())?;
        match &self.literal {
            Literal::Number(digits) => f.write_str(digits),
            Literal::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Literal::Boolean(value) => value.fmt(f),
        }
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
