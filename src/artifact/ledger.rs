//! Ledgers: numbered lines in one file, any of which can be read, and proven, by itself.
//!
//! ```text
//! {"format":"prep ledger","format_version":1,"job":"...","kind":"fit","first":40}
//! 3f29...  {...}            a line for 40, 41, ...: checksum, two spaces, JSON
//! 91c0...  {...}            one more line: what holds for all of them
//! 000000000000004c          where each line begins, and where the last one ends
//! 0000000000000003          how many lines there are
//! ```
//!
//! Invariant: what is read back was written whole under this job, kind and number; the checksum of a line
//! covers all three. Anything else reads as nothing.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::manifest::hex;
use super::{JobId, encode};
use crate::error::Result;

const FORMAT: &str = "prep ledger";
/// Raised when a reader of the old format would misread the new one.
const FORMAT_VERSION: u32 = 1;
/// Bytes of an entry of the index: 16 hex digits and the end of the line.
pub const ENTRY_BYTES: u64 = 17;
/// Hex digits of a line's checksum.
const DIGEST_DIGITS: usize = 32;
/// Between checksum and content.
const GAP: &str = "  ";

/// The first line, which says whose lines these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHeader {
    format: String,
    format_version: u32,
    job: JobId,
    kind: String,
    first: u64,
}

impl LedgerHeader {
    /// That of lines of `kind`, the first of which has the number `first`.
    pub fn new(job: &JobId, kind: &str, first: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            job: job.clone(),
            kind: kind.to_owned(),
            first,
        }
    }

    /// The header as a line.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if it has no JSON form.
    pub fn render(&self) -> Result<String> {
        Ok(format!("{}\n", encode("a ledger", self)?))
    }

    /// Whether `bytes` begin with this header.
    pub fn heads(&self, bytes: &[u8]) -> bool {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let found = end.and_then(|end| serde_json::from_slice(&bytes[..end]).ok());
        found.is_some_and(|found: Self| found == *self)
    }

    /// A line with the number `number`.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if the content has no JSON form.
    pub fn line<T: Serialize>(&self, number: u64, content: &T) -> Result<String> {
        let content = encode("a line of a ledger", content)?;
        Ok(format!(
            "{}{GAP}{content}\n",
            hex(self.digest(number, content.as_bytes()))
        ))
    }

    /// Reads what [`Self::line`] wrote; `None` if it is damaged, or another line.
    pub fn content<T: DeserializeOwned>(&self, number: u64, line: &[u8]) -> Option<T> {
        let line = line.strip_suffix(b"\n")?;
        let (digest, rest) = line.split_at_checked(DIGEST_DIGITS)?;
        let content = rest.strip_prefix(GAP.as_bytes())?;
        let is_whole = hex(self.digest(number, content)).as_bytes() == digest;
        is_whole.then(|| serde_json::from_slice(content).ok())?
    }

    fn digest(&self, number: u64, content: &[u8]) -> u128 {
        let mut hasher = XxHash3_128::new();
        for part in [self.job.as_str(), "\n", self.kind.as_str(), "\n"] {
            hasher.write(part.as_bytes());
        }
        hasher.write(&number.to_le_bytes());
        hasher.write(content);
        hasher.finish_128()
    }
}

/// An entry of the index.
pub fn index_entry(value: u64) -> String {
    format!("{value:016x}\n")
}

/// Reads what [`index_entry`] wrote.
pub fn index_value(entry: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(entry.strip_suffix(b"\n")?).ok()?;
    let is_plain = digits.len() == 16
        && digits
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    is_plain.then(|| u64::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(digit: char, kind: &str) -> LedgerHeader {
        LedgerHeader::new(&JobId::of_digit(digit), kind, 3)
    }

    #[test]
    fn a_line_is_read_back_only_under_its_job_kind_and_number() {
        let line = header('a', "fit").line(7, &vec![1.5, 5e-324]).unwrap();
        let read = |header: LedgerHeader, number| -> Option<Vec<f64>> {
            header.content(number, line.as_bytes())
        };
        assert_eq!(read(header('a', "fit"), 7), Some(vec![1.5, 5e-324]));
        assert_eq!(read(header('a', "fit"), 8), None);
        assert_eq!(read(header('a', "write"), 7), None);
        assert_eq!(read(header('b', "fit"), 7), None);
    }

    #[test]
    fn torn_or_damaged_lines_read_as_nothing() {
        let header = header('a', "fit");
        let line = header.line(7, &"content").unwrap().into_bytes();
        for end in 0..line.len() {
            assert_eq!(
                header.content::<String>(7, &line[..end]),
                None,
                "cut at {end}"
            );
        }
        for bit in 0..line.len() * 8 {
            let mut flipped = line.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(header.content::<String>(7, &flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn entries_of_the_index_have_one_form() {
        for value in [0, 76, u64::MAX] {
            let entry = index_entry(value);
            assert_eq!(entry.len() as u64, ENTRY_BYTES);
            assert_eq!(index_value(entry.as_bytes()), Some(value));
        }
        for entry in ["+00000000000004c\n", "4c\n", "000000000000004c", ""] {
            assert_eq!(index_value(entry.as_bytes()), None, "{entry}");
        }
    }
}
