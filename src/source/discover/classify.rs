//! What a name says: data of a format, or a reason to skip the entry. Pure; opens nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::spec::Format;

/// How a text file is compressed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// Not at all.
    Plain,
    /// Gzip (`.gz`), possibly of several members.
    Gzip,
    /// Zstandard (`.zst`), possibly of several frames.
    Zstd,
}

/// Why an entry is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The name begins with a dot.
    DotEntry,
    /// `_metadata` or `_common_metadata`.
    Metadata,
    /// `_SUCCESS`.
    SuccessMarker,
    /// Any other name that begins with an underscore, such as `_temporary`.
    Underscore,
    /// `*.crc`.
    Checksum,
    /// What an unfinished copy leaves: `.part`, `.tmp`, a random suffix.
    Leftover,
    /// Zero bytes.
    Empty,
    /// No known extension.
    UnknownExtension,
    /// Of the format that `--format` does not choose.
    OtherFormat,
    /// A symbolic link to a directory.
    LinkToDirectory,
    /// A symbolic link to a directory that is read already, under its own name or another link's.
    LinkRepeated,
    /// A symbolic link to a file outside the directory that was given.
    LinkOutside,
    /// A symbolic link to nothing.
    LinkBroken,
    /// A pipe, socket or device.
    Special,
    /// The same file under another name or root.
    Duplicate,
    /// Gone between being listed and being looked at.
    Vanished,
}

impl SkipReason {
    /// The plural that summaries print after a count.
    pub fn label(self) -> &'static str {
        match self {
            Self::DotEntry => "dot entries",
            Self::Metadata => "metadata files",
            Self::SuccessMarker => "success markers",
            Self::Underscore => "underscore entries",
            Self::Checksum => "checksum files",
            Self::Leftover => "unfinished copies",
            Self::Empty => "empty files",
            Self::UnknownExtension => "unknown extensions",
            Self::OtherFormat => "files of the other format",
            Self::LinkToDirectory => "links to directories",
            Self::LinkRepeated => "links to directories read already",
            Self::LinkOutside => "links that leave the input",
            Self::LinkBroken => "broken links",
            Self::Special => "special files",
            Self::Duplicate => "files reached twice",
            Self::Vanished => "vanished files",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// The format that a file name's extension promises.
pub(super) fn format_of(name: &[u8]) -> Option<(Format, Codec)> {
    let name = name.to_ascii_lowercase();
    if [&b".parquet"[..], b".parq", b".pq"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        return Some((Format::Parquet, Codec::Plain));
    }
    let (stem, codec) = strip_codec(&name);
    (stem.ends_with(b".csv") || stem.ends_with(b".tsv")).then_some((Format::Csv, codec))
}

/// The codec that a text file's name promises, whatever the rest of its name.
pub(super) fn codec_of(name: &[u8]) -> Codec {
    strip_codec(&name.to_ascii_lowercase()).1
}

/// Whether the name ends in `.tsv`, compressed or not.
pub(super) fn is_tab_separated(name: &[u8]) -> bool {
    strip_codec(&name.to_ascii_lowercase()).0.ends_with(b".tsv")
}

fn strip_codec(lowercase_name: &[u8]) -> (&[u8], Codec) {
    if let Some(stem) = lowercase_name.strip_suffix(b".gz") {
        (stem, Codec::Gzip)
    } else if let Some(stem) = lowercase_name.strip_suffix(b".zst") {
        (stem, Codec::Zstd)
    } else {
        (lowercase_name, Codec::Plain)
    }
}

/// Whether a directory's name keeps it from being entered.
///
/// `_year=2024` is data to Hive and Spark, underscore or not.
pub(super) fn skip_directory(name: &[u8]) -> Option<SkipReason> {
    match name.first() {
        Some(b'.') => Some(SkipReason::DotEntry),
        Some(b'_') if !name.contains(&b'=') => Some(SkipReason::Underscore),
        _ => None,
    }
}

/// Whether a file's name says that it holds no data, however it was reached.
pub(super) fn skip_always(name: &[u8]) -> Option<SkipReason> {
    match name {
        b"_metadata" | b"_common_metadata" => Some(SkipReason::Metadata),
        b"_SUCCESS" => Some(SkipReason::SuccessMarker),
        _ if name.ends_with(b".crc") => Some(SkipReason::Checksum),
        _ => None,
    }
}

/// Whether a file's name keeps it from being read when a directory or a glob led to it.
pub(super) fn skip_found(name: &[u8]) -> Option<SkipReason> {
    if let Some(reason) = skip_always(name) {
        return Some(reason);
    }
    match name.first() {
        Some(b'.') => Some(SkipReason::DotEntry),
        Some(b'_') => Some(SkipReason::Underscore),
        _ if is_leftover(name) => Some(SkipReason::Leftover),
        _ => None,
    }
}

/// Suffixes that copy tools give to what they haven't finished.
const LEFTOVER_SUFFIXES: [&[u8]; 12] = [
    b".part",
    b".partial",
    b".filepart",
    b".crdownload",
    b".download",
    b".incomplete",
    b".inprogress",
    b".gstmp",
    b".tmp",
    b".temp",
    b"._copying_",
    b"~",
];

fn is_leftover(name: &[u8]) -> bool {
    let lowercase = name.to_ascii_lowercase();
    LEFTOVER_SUFFIXES.iter().any(|end| lowercase.ends_with(end)) || has_random_suffix(name)
}

/// The aws command line downloads `part.parquet` as `part.parquet.6eF5bC3A`, with eight hex digits;
/// others take letters and digits.
fn has_random_suffix(name: &[u8]) -> bool {
    let Some(dot) = name.iter().rposition(|byte| *byte == b'.') else {
        return false;
    };
    let (stem, suffix) = (&name[..dot], &name[dot + 1..]);
    let is_hex = suffix.iter().all(u8::is_ascii_hexdigit);
    // `a.csv.original` is none.
    let is_mixed =
        suffix.iter().all(u8::is_ascii_alphanumeric) && suffix.iter().any(u8::is_ascii_digit);
    suffix.len() == 8 && (is_hex || is_mixed) && format_of(stem).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_format() {
        for (name, expected) in [
            ("a.parquet", Some((Format::Parquet, Codec::Plain))),
            ("A.PARQ", Some((Format::Parquet, Codec::Plain))),
            ("a.snappy.parquet", Some((Format::Parquet, Codec::Plain))),
            ("a.pq", Some((Format::Parquet, Codec::Plain))),
            ("a.csv", Some((Format::Csv, Codec::Plain))),
            ("a.Csv.GZ", Some((Format::Csv, Codec::Gzip))),
            ("a.tsv.zst", Some((Format::Csv, Codec::Zstd))),
            ("a.parquet.gz", None),
            ("a.txt", None),
            ("csv", None),
            ("a.gz", None),
        ] {
            assert_eq!(format_of(name.as_bytes()), expected, "{name}");
        }
        assert!(is_tab_separated(b"d/A.TSV.gz"));
        assert!(!is_tab_separated(b"a.tsv.csv"));
    }

    #[test]
    fn names_tell_what_is_no_data() {
        for (name, expected) in [
            ("a.csv", None),
            (".a.csv", Some(SkipReason::DotEntry)),
            ("_metadata", Some(SkipReason::Metadata)),
            ("_common_metadata", Some(SkipReason::Metadata)),
            ("_SUCCESS", Some(SkipReason::SuccessMarker)),
            ("_started_123", Some(SkipReason::Underscore)),
            ("a.parquet.crc", Some(SkipReason::Checksum)),
            ("a.parquet.part", Some(SkipReason::Leftover)),
            ("a.parquet._COPYING_", Some(SkipReason::Leftover)),
            ("a.parquet.6eF5bC3A", Some(SkipReason::Leftover)),
            ("a.csv.gz.6eF5dC2a", Some(SkipReason::Leftover)),
            ("a.parquet.Xk29zQwR", Some(SkipReason::Leftover)),
            (".a.parquet.Xk29zQ", Some(SkipReason::DotEntry)),
            ("a.csv.original", None),
            ("a.parquet.6eF5dC2a.partial", Some(SkipReason::Leftover)),
            ("a.parquet.crdownload", Some(SkipReason::Leftover)),
            ("a.parquet_.gstmp", Some(SkipReason::Leftover)),
            ("a.csv.parquet", None),
            ("a.6eF5bC3A", None),
            ("a.csv~", Some(SkipReason::Leftover)),
        ] {
            assert_eq!(skip_found(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(skip_directory(b"_temporary"), Some(SkipReason::Underscore));
        assert_eq!(skip_directory(b"_year=2024"), None);
    }
}
