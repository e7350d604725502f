//! The job id: which bytes a run will write.
//!
//! Two runs with the same id write the same output, `run.json` and the report's run section apart.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::escape_name;
use crate::error::Result;
use crate::source::discover::{Fingerprint, InputFile};

/// SHA-256 of what decides the output, as 64 lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(String);

impl JobId {
    /// Digests `head`, which says what decides the output beside the inputs: the command, the version of
    /// `prep`, and the spec (without threads, memory, paths and overwrite, which it doesn't serialize); and
    /// each input's relative path, size, time and footer digest, in the order of discovery.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Encode`] if `head` has no JSON form.
    pub fn new<'a>(
        head: &impl Serialize,
        inputs: impl IntoIterator<Item = (&'a InputFile, &'a Fingerprint)>,
    ) -> Result<Self> {
        let mut hasher = Sha256::new();
        hasher.update(super::encode("the job spec", head)?);
        for (file, fingerprint) in inputs {
            let line = (
                escape_name(&file.relative),
                fingerprint.bytes,
                fingerprint.modified_ns,
                super::manifest::hex(fingerprint.digest),
            );
            hasher.update(b"\n");
            hasher.update(super::encode("an input", &line)?);
        }
        let digest = hasher.finalize();
        Ok(Self(
            digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// The id of the job that made an output, as its manifest says.
    pub fn recorded(manifest: &super::Manifest) -> Self {
        Self(manifest.job.clone())
    }

    /// The first 8 hex digits, which part names carry.
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }

    /// All hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
impl JobId {
    /// An id for tests that have no inputs.
    pub(crate) fn of_digit(digit: char) -> Self {
        Self(std::iter::repeat_n(digit, 64).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::SystemTime;

    use super::*;
    use crate::source::discover::Codec;
    use crate::spec::Format;

    fn input(relative: &[u8], path: &str) -> InputFile {
        InputFile {
            path: PathBuf::from(path),
            relative: relative.to_vec(),
            format: Format::Csv,
            codec: Codec::Plain,
            bytes: 1,
            modified: SystemTime::UNIX_EPOCH,
            hive: vec![],
        }
    }

    #[test]
    fn the_id_follows_from_what_decides_the_output() {
        let print = Fingerprint {
            bytes: 1,
            modified_ns: 2,
            digest: 3,
        };
        let id = |head: &str, file: &InputFile, print: &Fingerprint| {
            JobId::new(&head, [(file, print)]).unwrap()
        };
        let file = input(b"a.csv", "/here/a.csv");
        let base = id("spec", &file, &print);
        assert_eq!(base, id("spec", &input(b"a.csv", "/moved/a.csv"), &print));
        let others = [
            id("other", &file, &print),
            id("spec", &input(b"b.csv", "/here/a.csv"), &print),
            id("spec", &file, &Fingerprint { bytes: 2, ..print }),
            id(
                "spec",
                &file,
                &Fingerprint {
                    modified_ns: 3,
                    ..print
                },
            ),
            id("spec", &file, &Fingerprint { digest: 4, ..print }),
            JobId::new(&"spec", [(&file, &print), (&file, &print)]).unwrap(),
        ];
        assert!(others.iter().all(|other| *other != base));
        assert_eq!(
            (base.as_str().len(), base.short()),
            (64, &base.as_str()[..8])
        );
    }
}
