//! Column names and where the data starts.
//!
//! With a header its names are used as they are; an empty name becomes `column_<position>`, counted
//! from 0, and a name that occurred before gets the first free suffix `.1`, `.2`, ... as in pandas.
//! Without a header all are `column_<position>`. Names are therefore never empty and always distinct.

use std::collections::HashSet;
use std::io::Read;

use super::block::{Context, Position};
use super::column::TextValues;
use super::dialect::Dialect;
use super::reader::RecordReader;
use crate::error::{Error, Place, Result, TextError};

/// What a text file begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Distinct names, one per column.
    pub names: Vec<String>,
    /// Names that are not in the file as they stand here: empty and repeated ones.
    pub renamed: usize,
    pub(crate) body: Body,
}

/// Where the data starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) byte: u64,
    pub(crate) line: u64,
}

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The first bytes of a file, as many as a byte order mark has.
fn read_mark(source: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut mark = Vec::with_capacity(UTF8_MARK.len());
    source.take(UTF8_MARK.len() as u64).read_to_end(&mut mark)?;
    Ok(mark)
}

/// Reads the header from the start of a (decompressed) file.
pub(crate) fn read_header(
    path: &std::path::Path,
    dialect: &Dialect,
    mut source: impl Read,
    read_error: impl FnOnce(std::io::Error) -> Error,
) -> Result<Header> {
    let mark = read_mark(&mut source).map_err(read_error)?;
    refuse_utf16(path, &mark)?;
    let start = if mark == UTF8_MARK { mark.len() } else { 0 };
    let position = Position {
        byte: start as u64,
        row: 0,
        line: 1,
    };
    let context = Context {
        path,
        dialect,
        names: None,
    };
    let text = std::io::Cursor::new(mark[start..].to_vec()).chain(source);
    let mut reader = RecordReader::new(text, context, position);
    let Some(block) = reader.next_block(1)? else {
        return Err(Error::from(TextError::NoHeader).at(Place::path(path)));
    };
    let mut raw = TextValues::default();
    for field in block.first_record() {
        if field.is_escaped() {
            raw.push_escaped(field.raw(block.text()), dialect.quote.unwrap_or_default());
        } else {
            raw.push(field.raw(block.text()));
        }
    }
    reader.pass_line_end()?;
    let end = reader.position();
    let given: Vec<String> = match dialect.header {
        // Valid as the reader checks records; nothing is lost.
        true => raw
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
        false => vec![String::new(); raw.len()],
    };
    let names = distinct(&given);
    let renamed = match dialect.header {
        true => names
            .iter()
            .zip(&given)
            .filter(|(name, given)| name != given)
            .count(),
        false => 0,
    };
    let body = match dialect.header {
        true => Body {
            byte: end.byte,
            line: end.line,
        },
        false => Body {
            byte: position.byte,
            line: position.line,
        },
    };
    Ok(Header {
        names,
        renamed,
        body,
    })
}

fn refuse_utf16(path: &std::path::Path, mark: &[u8]) -> Result<()> {
    if UTF16_MARKS
        .iter()
        .any(|encoding| mark.starts_with(encoding))
    {
        let error = Error::from(TextError::Encoding { encoding: "UTF-16" });
        return Err(error
            .at(Place::path(path))
            .hint("convert it, for example with iconv -f UTF-16 -t UTF-8"));
    }
    Ok(())
}

fn distinct(given: &[String]) -> Vec<String> {
    let mut taken: HashSet<&str> = given.iter().map(String::as_str).collect();
    taken.insert("");
    let mut free_suffix = std::collections::HashMap::new();
    let mut used = HashSet::new();
    given
        .iter()
        .enumerate()
        .map(|(index, given_name)| {
            let name = if given_name.is_empty() {
                format!("column_{index}")
            } else {
                given_name.clone()
            };
            let repeated = match given_name.is_empty() {
                true => taken.contains(name.as_str()) || used.contains(&name),
                false => used.contains(&name),
            };
            if !repeated {
                used.insert(name.clone());
                return name;
            }
            let suffix = free_suffix.entry(name.clone()).or_insert(0_u64);
            loop {
                *suffix += 1;
                let candidate = format!("{name}.{suffix}");
                if !taken.contains(candidate.as_str()) && used.insert(candidate.clone()) {
                    return candidate;
                }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_distinct_and_not_empty() {
        for (given, expected) in [
            (&["a", "b"][..], &["a", "b"][..]),
            (&["", "a"], &["column_0", "a"]),
            (&["a", "a", "a"], &["a", "a.1", "a.2"]),
            (&["a", "a", "a.1"], &["a", "a.2", "a.1"]),
            (&["", "column_0"], &["column_0.1", "column_0"]),
            (&["", ""], &["column_0", "column_1"]),
        ] {
            let given: Vec<String> = given.iter().map(ToString::to_string).collect();
            assert_eq!(distinct(&given), expected, "{given:?}");
        }
    }
}
