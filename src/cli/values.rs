//! How the values of flags are read: sizes, bytes, codecs, column lists.
//!
//! Each function takes the text as typed; its error is the reason alone, a lowercase fragment, since
//! flag and value are added by whoever reports it.

pub(super) mod network;

use std::path::PathBuf;
use std::time::Duration;

use prep_stream::kernel::FoldCount;
use prep_stream::spec::{Compression, SplitBy};

use super::args::Units;

/// Units of sizes and their bytes; K, M, G and T are decimal as in SI, with an "i" binary.
const SIZE_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("k", 1_000),
    ("kb", 1_000),
    ("kib", 1 << 10),
    ("m", 1_000_000),
    ("mb", 1_000_000),
    ("mib", 1 << 20),
    ("g", 1_000_000_000),
    ("gb", 1_000_000_000),
    ("gib", 1 << 30),
    ("t", 1_000_000_000_000),
    ("tb", 1_000_000_000_000),
    ("tib", 1 << 40),
];

/// A size in bytes: `512MiB`, `1.5 GB`, `65536`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let unit_start = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_start);
    let unit = unit.trim().to_ascii_lowercase();
    let bytes_each = SIZE_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, bytes)| *bytes)
        .ok_or_else(|| {
            format!(
                "unknown unit \"{}\"; use B, kB, KiB, MB, MiB, GB, GiB, TB or TiB",
                unit.escape_debug()
            )
        })?;
    let bytes = decimal_times(number, bytes_each)
        .ok_or_else(|| "expected a number and a unit, like 512MiB".to_owned())?;
    let bytes = u64::try_from(bytes).map_err(|_too_large| "more than 2^64 bytes".to_owned())?;
    if bytes == 0 {
        return Err("a size must be at least 1 byte".to_owned());
    }
    Ok(bytes)
}

/// `number * factor`, rounded down, exactly.
fn decimal_times(number: &str, factor: u64) -> Option<u128> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && decimals.is_empty() || decimals.len() > 18 || whole.len() > 20 {
        return None;
    }
    let parse = |digits: &str| -> Option<u128> {
        if digits.is_empty() {
            Some(0)
        } else {
            digits.parse().ok()
        }
    };
    let scale = 10_u128.pow(u32::try_from(decimals.len()).ok()?);
    let part = parse(decimals)? * u128::from(factor) / scale;
    parse(whole)?
        .checked_mul(u128::from(factor))?
        .checked_add(part)
}

/// A length of time: `60s`, `5min`, `1h 30min`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|cause| format!("expected a length of time like 60s or 5min ({cause})"))
}

/// One byte that cuts text: an ASCII character, `\t` or `tab`.
pub(super) fn byte(text: &str) -> Result<u8, String> {
    match (text, text.as_bytes()) {
        ("\\t" | "tab", _) => Ok(b'\t'),
        (_, [b'\n' | b'\r']) => Err("a line break cannot be used".to_owned()),
        (_, [byte]) if byte.is_ascii() => Ok(*byte),
        _ => Err("expected one ASCII character, \\t or tab".to_owned()),
    }
}

/// A quote character, or `none`.
pub(super) fn quote(text: &str) -> Result<Quote, String> {
    if text == "none" {
        return Ok(Quote(None));
    }
    byte(text)
        .map(|quote| Quote(Some(quote)))
        .map_err(|_reason| "expected one ASCII character or none".to_owned())
}

/// The quote of a dialect; its own type, since clap gives `Option` a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quote(pub(super) Option<u8>);

/// The seed of the split.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_reason| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// Delta degrees of freedom.
pub(super) fn ddof(text: &str) -> Result<u32, String> {
    text.parse()
        .map_err(|_reason| "expected a whole number, 0 or 1 as a rule".to_owned())
}

/// A number of folds.
pub(super) fn folds(text: &str) -> Result<FoldCount, String> {
    let count = text.parse().ok().and_then(FoldCount::new);
    count.ok_or_else(|| "expected a whole number from 2 to 100".to_owned())
}

/// A number of bins, at least 2.
pub(super) fn bins(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(bins @ 2..=1000) => Ok(bins),
        _ => Err("expected a whole number from 2 to 1000".to_owned()),
    }
}

/// A number of threads, at least 1.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(0) => Err("at least 1 thread is needed".to_owned()),
        Ok(threads) if threads > 4096 => Err("more than 4096 threads".to_owned()),
        Ok(threads) => Ok(threads),
        Err(_) => Err("expected a whole number".to_owned()),
    }
}

/// `row`, `content`, `group:NAME[,NAME...]`, `time:NAME` or `column:NAME`; the last two names are
/// everything after the first colon.
pub(super) fn split_by(text: &str) -> Result<SplitBy, String> {
    match text.split_once(':') {
        None if text == "row" => Ok(SplitBy::Row),
        None if text == "content" => Ok(SplitBy::Content),
        Some(("group", "")) => Err("group: needs the name of a column".to_owned()),
        Some(("group", list)) => names(list).map(|names| SplitBy::Group(names.0)),
        Some(("time", "")) => Err("time: needs the name of a column".to_owned()),
        Some(("time", name)) => Ok(SplitBy::Time(name.to_owned())),
        Some(("column", "")) => Err("column: needs the name of a column".to_owned()),
        Some(("column", name)) => Ok(SplitBy::Column(name.to_owned())),
        _ => {
            Err("expected row, content, group:NAME[,NAME...], time:NAME or column:NAME".to_owned())
        }
    }
}

/// A codec, for zstd with an optional level: `snappy`, `zstd:3`.
pub(super) fn compression(text: &str) -> Result<Compression, String> {
    let (codec, level) = match text.split_once(':') {
        Some((codec, level)) => (codec, Some(level)),
        None => (text, None),
    };
    match (codec, level) {
        ("none", None) => Ok(Compression::None),
        ("snappy", None) => Ok(Compression::Snappy),
        ("lz4", None) => Ok(Compression::Lz4),
        ("gzip", None) => Ok(Compression::Gzip),
        ("brotli", None) => Ok(Compression::Brotli),
        ("zstd", None) => Ok(Compression::Zstd(1)),
        ("zstd", Some(level)) => match level.parse::<u8>() {
            Ok(level @ 1..=22) => Ok(Compression::Zstd(level)),
            _ => Err("the level of zstd is a whole number from 1 to 22".to_owned()),
        },
        ("none" | "snappy" | "lz4" | "gzip" | "brotli", Some(_)) => {
            Err(format!("{codec} takes no level"))
        }
        _ => Err("expected none, snappy, lz4, gzip, brotli or zstd[:LEVEL]".to_owned()),
    }
}

/// Names of columns, separated by commas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names(pub(super) Vec<String>);

/// `a,b` or `"a,b",c`: a name in double quotes may hold commas, and double quotes written twice.
pub(super) fn names(text: &str) -> Result<Names, String> {
    let mut names = Vec::new();
    let mut rest = text;
    loop {
        let (name, after) = next_name(rest)?;
        if name.is_empty() {
            return Err("the name of a column is empty".to_owned());
        }
        names.push(name);
        match after {
            Some(after) => rest = after,
            None => return Ok(Names(names)),
        }
    }
}

fn next_name(text: &str) -> Result<(String, Option<&str>), String> {
    let Some(mut rest) = text.strip_prefix('"') else {
        return Ok(match text.split_once(',') {
            Some((name, after)) => (name.to_owned(), Some(after)),
            None => (text.to_owned(), None),
        });
    };
    let mut name = String::new();
    loop {
        let (part, after) = rest
            .split_once('"')
            .ok_or("a double quote is never closed")?;
        name.push_str(part);
        if let Some(doubled) = after.strip_prefix('"') {
            name.push('"');
            rest = doubled;
        } else if after.is_empty() {
            return Ok((name, None));
        } else {
            let after = after
                .strip_prefix(',')
                .ok_or("a closing double quote is followed by more than a comma")?;
            return Ok((name, Some(after)));
        }
    }
}

/// A unit, or a range of them: `7`, `3..9`.
pub(super) fn units(text: &str) -> Result<Units, String> {
    let wrong =
        || "expected a number, or a range like 0..40, whose end is not part of it".to_owned();
    let number = |text: &str| text.parse::<u64>().ok().ok_or_else(wrong);
    let (first, end) = match text.split_once("..") {
        Some((first, end)) => (number(first)?, number(end)?),
        None => {
            let unit = number(text)?;
            (unit, unit.checked_add(1).ok_or_else(wrong)?)
        }
    };
    match first < end {
        true => Ok(Units(first..end)),
        false => Err(wrong()),
    }
}

/// Two paths around the first equals sign.
pub(super) fn map_root(text: &str) -> Result<(PathBuf, PathBuf), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.into(), to.into())),
        _ => Err("expected two directories, like /mnt/lake=/data/lake".to_owned()),
    }
}

/// The inverse of [`names`] for one exact name.
pub(super) fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests;
