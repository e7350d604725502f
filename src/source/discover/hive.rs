//! `key=value` folders below the root, as Hive and Spark write them.

use super::select::{Candidate, escape_bytes};
use crate::error::{Error, InputError, Place, Result, escape_path};

/// How Hive spells null in a folder name.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// Reads the folders of every file; all must have the same keys in the same order.
pub(super) fn read_keys(candidates: &mut [Candidate]) -> Result<()> {
    for Candidate { file, .. } in candidates.iter_mut() {
        file.hive = keys_of(&file.relative).map_err(|error| error.at(Place::path(&file.path)))?;
    }
    let Some((first, others)) = candidates.split_first() else {
        return Ok(());
    };
    for other in others {
        let same = first.file.hive.len() == other.file.hive.len()
            && first
                .file
                .hive
                .iter()
                .zip(&other.file.hive)
                .all(|(a, b)| a.0 == b.0);
        if !same {
            return Err(Error::from(InputError::HiveKeys {
                first: escape_path(&first.file.path),
                first_keys: list_keys(first),
                second: escape_path(&other.file.path),
                second_keys: list_keys(other),
            })
            .hint(
                "leave the folders out of the columns with --no-hive, or give one level as --in",
            ));
        }
    }
    Ok(())
}

pub(super) fn keys_of(relative: &[u8]) -> Result<Vec<(String, Option<String>)>> {
    let mut keys: Vec<(String, Option<String>)> = Vec::new();
    let mut components = relative.split(|byte| *byte == b'/');
    components.next_back(); // The file's own name.
    for folder in components {
        let Some(cut) = folder.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        if cut == 0 {
            continue;
        }
        let decode = |bytes: &[u8]| {
            String::from_utf8(percent_decode(bytes))
                .ok()
                .ok_or_else(|| InputError::HiveText {
                    folder: escape_bytes(folder),
                })
        };
        let key = decode(&folder[..cut])?;
        let value = decode(&folder[cut + 1..])?;
        if keys.iter().any(|(known, _)| *known == key) {
            return Err(InputError::HiveRepeated { key }.into());
        }
        keys.push((key, (value != NULL_PARTITION).then_some(value)));
    }
    Ok(keys)
}

/// Decodes `%XX`; a percent sign without two hex digits stands for itself, as in Hive.
fn percent_decode(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let pair = after.first().zip(after.get(1));
        let code = pair.and_then(|(high, low)| Some(hex_digit(*high)? << 4 | hex_digit(*low)?));
        match code {
            Some(code) if byte == b'%' => {
                decoded.push(code);
                rest = &after[2..];
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn list_keys(candidate: &Candidate) -> String {
    if candidate.file.hive.is_empty() {
        return "none".to_owned();
    }
    let keys: Vec<&str> = candidate
        .file
        .hive
        .iter()
        .map(|(key, _)| key.as_str())
        .collect();
    keys.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_become_keys_and_values() {
        let none: &[(&str, Option<&str>)] = &[];
        for (relative, expected) in [
            ("a.csv", none),
            ("k=v.csv", none),
            (
                "y=2024/m=01/a.csv",
                &[("y", Some("2024")), ("m", Some("01"))],
            ),
            (
                "y=2024/other/m=01/a.csv",
                &[("y", Some("2024")), ("m", Some("01"))],
            ),
            (
                "city=S%C3%A3o%20Paulo/a.csv",
                &[("city", Some("São Paulo"))],
            ),
            ("share=100%/a.csv", &[("share", Some("100%"))]),
            ("k=__HIVE_DEFAULT_PARTITION__/a.csv", &[("k", None)]),
            ("k=/a.csv", &[("k", Some(""))]),
            ("k=a=b/a.csv", &[("k", Some("a=b"))]),
            ("=v/a.csv", none),
        ] {
            let keys = keys_of(relative.as_bytes()).unwrap();
            let keys: Vec<_> = keys
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_deref()))
                .collect();
            assert_eq!(keys, expected, "{relative}");
        }
    }

    #[test]
    fn a_folder_that_is_not_text_is_an_error() {
        let error = keys_of(b"k=%FF/a.csv").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the folder \"k=%FF\" is not UTF-8 once decoded"
        );
        let error = keys_of(b"k=1/k=2/a.csv").unwrap_err();
        assert_eq!(error.to_string(), "two folders give the column \"k\"");
    }
}
