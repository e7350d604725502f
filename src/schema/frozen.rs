//! The columns of a scaler that was fitted before, looked for in other files.
//!
//! Every column that is missing or holds no numbers any more is named in one error; a missing one with
//! the column that it may have been renamed to. Other columns may be there: they pass through.

use crate::error::{DataError, Error, Result};

/// The most columns that the message names.
const NAMED_MAX: usize = 20;

/// A column of the input: its name and, if it holds no numbers, its type.
pub(crate) type Found<'a> = (&'a str, Option<String>);

/// Makes sure that all of `wanted` are there and numeric.
///
/// # Errors
/// [`DataError::NotTheScalers`].
pub(crate) fn check_frozen(found: &[Found<'_>], wanted: &[String]) -> Result<()> {
    let wrong = |name: &String| match found.iter().find(|(own, _)| own == name) {
        Some((_, None)) => None,
        Some((_, Some(type_name))) => Some(format!("{name:?} is not numeric ({type_name})")),
        None => Some(match renamed(found, wanted, name) {
            Some(other) => format!("{name:?} is missing (there is {other:?})"),
            None => format!("{name:?} is missing"),
        }),
    };
    let wrong: Vec<String> = wanted.iter().filter_map(wrong).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let mut shown = wrong[..wrong.len().min(NAMED_MAX)].join(", ");
    if wrong.len() > NAMED_MAX {
        shown.push_str(&format!(" and {} more", wrong.len() - NAMED_MAX));
    }
    Err(Error::from(DataError::NotTheScalers { wrong: shown })
        .hint("give the columns the names and types that they had when the scaler was fitted"))
}

/// A column that the scaler doesn't know and whose name is the same but for case, blanks and signs.
fn renamed<'a>(found: &[Found<'a>], wanted: &[String], name: &str) -> Option<&'a str> {
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let own = plain(name);
    let mut others = found.iter().map(|(other, _)| *other);
    others.find(|other| plain(other) == own && wanted.iter().all(|wanted| wanted != other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_that_is_missing_renamed_or_no_number_is_named_once() {
        let found = [
            ("a", None),
            ("Price ", None),
            ("day", Some("date".to_owned())),
        ];
        let names = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        assert!(check_frozen(&found, &names(&["a"])).is_ok());
        assert!(check_frozen(&[], &[]).is_ok());
        let error = check_frozen(&found, &names(&["price", "a", "day", "gone"])).unwrap_err();
        assert_eq!(
            error.kind().to_string(),
            "the input does not have the scaler's columns: \"price\" is missing (there is \
             \"Price \"), \"day\" is not numeric (date), \"gone\" is missing"
        );
    }
}
