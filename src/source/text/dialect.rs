//! The dialect in force for one file: defaults filled in, checked, ready for the inner loops.
//!
//! Invariant: delimiter, quote and comment are distinct ASCII bytes and none is a line end, so a cut
//! between fields never falls inside a UTF-8 sequence.

use std::path::Path;

use super::number::NullTokens;
use crate::error::{Result, UsageError};
use crate::spec;

/// Buffers are at most 1 GiB, so that 31 bits address their bytes; a record limit beyond this is
/// taken as this.
const RECORD_BYTES_CEILING: u64 = (1 << 30) - 1;

/// A checked dialect.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) comment: Option<u8>,
    pub(crate) header: bool,
    pub(crate) nulls: NullTokens,
    pub(crate) record_bytes_max: u64,
}

impl Dialect {
    /// Fills in the delimiter from the file's name and checks that the special bytes can coexist.
    pub(crate) fn resolve(spec: &spec::Dialect, path: &Path) -> Result<Self> {
        let delimiter = spec.delimiter.unwrap_or_else(|| delimiter_of(path));
        let special = [
            ("--delimiter", Some(delimiter)),
            ("--quote", spec.quote),
            ("--comment", spec.comment),
        ];
        for (position, (flag, byte)) in special.iter().enumerate() {
            let Some(byte) = byte else { continue };
            if !byte.is_ascii() || *byte == b'\n' || *byte == b'\r' {
                return Err(UsageError::InvalidValue {
                    flag,
                    value: byte.escape_ascii().to_string(),
                    reason: "it must be one ASCII character other than a line end".to_owned(),
                }
                .into());
            }
            for (other, same) in &special[..position] {
                if *same == Some(*byte) {
                    return Err(UsageError::Conflict {
                        first: other,
                        second: flag,
                        reason: format!("both are {:?}", char::from(*byte)),
                    }
                    .into());
                }
            }
        }
        Ok(Self {
            delimiter,
            quote: spec.quote,
            comment: spec.comment,
            header: spec.header,
            nulls: NullTokens::new(&spec.null_tokens),
            record_bytes_max: spec.record_bytes_max.min(RECORD_BYTES_CEILING),
        })
    }
}

/// Tab for `.tsv` and `.tab`, compressed or not, else comma.
fn delimiter_of(path: &Path) -> u8 {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    let stem = [".gz", ".zst"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(&name);
    if stem.ends_with(".tsv") || stem.ends_with(".tab") {
        b'\t'
    } else {
        b','
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_is_the_default_of_tsv_files_only() {
        for (name, delimiter) in [
            ("a.csv", b','),
            ("a.tsv", b'\t'),
            ("a.TSV.gz", b'\t'),
            ("a.tsv.csv", b','),
            ("a.tab.zst", b'\t'),
            ("tsv", b','),
        ] {
            let dialect = Dialect::resolve(&spec::Dialect::default(), name.as_ref()).unwrap();
            assert_eq!(dialect.delimiter, delimiter, "{name}");
        }
    }

    #[test]
    fn special_bytes_must_differ_and_be_ascii() {
        for (delimiter, quote) in [(b'"', b'"'), (0xe9, b'"'), (b',', b'\n')] {
            let spec = spec::Dialect {
                delimiter: Some(delimiter),
                quote: Some(quote),
                ..spec::Dialect::default()
            };
            let error = Dialect::resolve(&spec, "a.csv".as_ref()).unwrap_err();
            assert_eq!(error.exit_code(), 2);
        }
    }
}
