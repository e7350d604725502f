//! Partial files: what one finished piece of work left behind, so that a run that was stopped goes on
//! instead of beginning anew.
//!
//! Two lines of JSON. The first says what the second is: job, name, XXH3-128, and the files that the
//! piece of work has written, each with its own checksum. Invariant: whatever was read back was
//! written whole, by the same job, under the same name; anything else reads as nothing.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::manifest::hex128;
use super::{JobId, encode};
use crate::error::Result;

const FORMAT: &str = "prep partial";
/// Raised when a reader of the old format would misread the new one.
const FORMAT_VERSION: u32 = 1;

/// A file that a piece of work has written, as it was when it was finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartialFile {
    /// Its path below the staging directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// XXH3-128 of its bytes.
    #[serde(with = "hex128")]
    pub xxh3_128: u128,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    format_version: u32,
    job: JobId,
    name: String,
    #[serde(with = "hex128")]
    xxh3_128: u128,
    files: Vec<PartialFile>,
}

/// The bytes of a partial file of `job` called `name`.
///
/// # Errors
/// [`crate::error::OutputError::Encode`] if the content has no JSON form.
pub fn seal<T: Serialize>(
    job: &JobId,
    name: &str,
    content: &T,
    files: Vec<PartialFile>,
) -> Result<Vec<u8>> {
    let content = encode("a partial result", content)?;
    let header = Header {
        format: FORMAT.to_owned(),
        format_version: FORMAT_VERSION,
        job: job.clone(),
        name: name.to_owned(),
        xxh3_128: digest(&files, &content)?,
        files,
    };
    let header = encode("a partial result", &header)?;
    Ok(format!("{header}\n{content}\n").into_bytes())
}

/// Reads what [`seal`] wrote: the content, and the files it speaks of, which are not looked at here.
///
/// `None` if the bytes are torn or damaged, or belong to another job, name or version.
pub fn unseal<T: DeserializeOwned>(
    job: &JobId,
    name: &str,
    bytes: &[u8],
) -> Option<(T, Vec<PartialFile>)> {
    let (header, content) = std::str::from_utf8(bytes)
        .ok()?
        .strip_suffix('\n')?
        .split_once('\n')?;
    let header: Header = serde_json::from_str(header).ok()?;
    let is_wanted = header.format == FORMAT
        && header.format_version == FORMAT_VERSION
        && header.job == *job
        && header.name == name
        && header.xxh3_128 == digest(&header.files, content).ok()?;
    if !is_wanted {
        return None;
    }
    Some((serde_json::from_str(content).ok()?, header.files))
}

/// Covers the list of files as well as the content.
fn digest(files: &[PartialFile], content: &str) -> Result<u128> {
    let mut hasher = XxHash3_128::new();
    hasher.write(encode("a partial result", &files)?.as_bytes());
    hasher.write(content.as_bytes());
    Ok(hasher.finish_128())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let files = vec![PartialFile {
            path: "out/train/a.parquet".to_owned(),
            bytes: 12,
            xxh3_128: 7,
        }];
        seal(
            &JobId::of_digit('a'),
            "fit-0000001",
            &vec![1.5, -0.0, 5e-324],
            files,
        )
        .unwrap()
    }

    fn read(digit: char, name: &str, bytes: &[u8]) -> Option<(Vec<f64>, Vec<PartialFile>)> {
        unseal(&JobId::of_digit(digit), name, bytes)
    }

    #[test]
    fn what_was_written_is_read_back_to_the_bit() {
        let (content, files) = read('a', "fit-0000001", &sealed()).unwrap();
        let bits: Vec<u64> = content.iter().map(|value| value.to_bits()).collect();
        assert_eq!(bits, [1.5_f64, -0.0, 5e-324].map(f64::to_bits));
        assert_eq!((files[0].bytes, files[0].xxh3_128), (12, 7));
    }

    #[test]
    fn another_job_or_name_reads_as_nothing() {
        assert!(read('b', "fit-0000001", &sealed()).is_none());
        assert!(read('a', "fit-0000002", &sealed()).is_none());
    }

    #[test]
    fn torn_or_damaged_bytes_read_as_nothing() {
        let whole = sealed();
        for end in 0..whole.len() {
            assert!(
                read('a', "fit-0000001", &whole[..end]).is_none(),
                "cut at {end}"
            );
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                read('a', "fit-0000001", &flipped).is_none(),
                "bit {bit} flipped"
            );
        }
    }
}
