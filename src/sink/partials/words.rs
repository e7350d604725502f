//! Words that go with a partial, in a file of their own below `.OUT.prep/cache/`.
//!
//! Invariant: what is read back is what was kept, by the same job under the same name; anything else reads
//! as nothing. Not more than the words themselves is held of them.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use twox_hash::XxHash3_128;

use super::Partials;
use crate::artifact::partial::PartialFile;
use crate::error::Result;
use crate::sink::files::io_error;
use crate::sink::staging::CACHE;
use crate::sink::{HashingWriter, Written};

const WORD_BYTES: u64 = size_of::<u64>() as u64;
const BUFFER_BYTES: usize = 64 << 10;

impl Partials {
    /// Keeps a result with words that belong to it, for whoever is glad to find them.
    ///
    /// # Errors
    /// [`crate::error::OutputError::Io`] if they can't be written.
    pub fn keep_words<T: Serialize>(&self, name: &str, content: &T, words: &[u64]) -> Result<()> {
        let path = self.words_path(name);
        // Another process may keep the same words at this moment.
        let beside = path.with_file_name(format!(".{name}.{}", self.attempt));
        let written = write(&beside, words)
            .and_then(|written| fs::rename(&beside, &path).map(|()| written))
            .map_err(|source| io_error("write the sides of a unit", &path, source))?;
        self.keep(name, content, vec![self.file(&path, written)])
    }

    /// The result called `name` with its words, if both are there as they were and there are no more
    /// than `words_max` of them.
    pub fn words<T: DeserializeOwned>(
        &self,
        name: &str,
        words_max: usize,
    ) -> Option<(T, Vec<u64>)> {
        let (content, files) = self.read(name)?;
        let [file] = files.as_slice() else {
            return None;
        };
        let is_bounded = file.bytes / WORD_BYTES <= words_max as u64;
        // What can't be read is as good as missing.
        let words = is_bounded.then(|| read(&self.words_path(name), file).ok().flatten())??;
        Some((content, words))
    }

    fn words_path(&self, name: &str) -> PathBuf {
        self.staging.join(CACHE).join(name)
    }
}

fn write(path: &Path, words: &[u64]) -> io::Result<Written> {
    let mut writer = HashingWriter::new(File::create(path)?);
    let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, &mut writer);
    for word in words {
        buffered.write_all(&word.to_le_bytes())?;
    }
    buffered.flush()?;
    drop(buffered);
    Ok(writer.finish().1)
}

/// `None` if the file isn't the one that is expected.
fn read(path: &Path, expected: &PartialFile) -> io::Result<Option<Vec<u64>>> {
    let mut file = File::open(path)?;
    let whole_words = expected.bytes.is_multiple_of(WORD_BYTES);
    if !whole_words || file.metadata()?.len() != expected.bytes {
        return Ok(None);
    }
    let mut words = Vec::with_capacity(usize::try_from(expected.bytes / WORD_BYTES).unwrap_or(0));
    let mut hasher = XxHash3_128::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut rest = expected.bytes;
    while rest > 0 {
        let bytes = usize::try_from(rest).map_or(BUFFER_BYTES, |rest| rest.min(BUFFER_BYTES));
        let part = &mut buffer[..bytes];
        file.read_exact(part)?;
        hasher.write(part);
        let (chunks, _) = part.as_chunks();
        words.extend(chunks.iter().map(|bytes| u64::from_le_bytes(*bytes)));
        rest -= bytes as u64;
    }
    Ok((hasher.finish_128() == expected.xxh3_128).then_some(words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::JobId;

    fn staging() -> (tempfile::TempDir, Partials) {
        let directory = tempfile::tempdir().unwrap();
        for name in ["cache", "partials"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let partials = Partials::new(directory.path(), &JobId::of_digit('a'));
        (directory, partials)
    }

    fn words(partials: &Partials, name: &str) -> Option<(String, Vec<u64>)> {
        partials.words(name, 20_000)
    }

    #[test]
    fn words_are_read_back_whole_by_the_same_job_under_the_same_name() {
        let (directory, partials) = staging();
        let many: Vec<u64> = (0..20_000).map(|word| word * 7919).collect();
        for (name, kept) in [("none", &many[..0]), ("one", &many[..1]), ("many", &many)] {
            partials.keep_words(name, &"content", kept).unwrap();
            let found = words(&partials, name).unwrap();
            assert_eq!(found, ("content".to_owned(), kept.to_vec()), "{name}");
        }
        assert!(words(&partials, "other").is_none());
        assert!(partials.words::<String>("many", 19_999).is_none());
        let other = Partials::new(directory.path(), &JobId::of_digit('b'));
        assert!(words(&other, "many").is_none());
        fs::copy(
            directory.path().join("partials/many.json"),
            directory.path().join("partials/one.json"),
        )
        .unwrap();
        assert!(words(&partials, "one").is_none(), "under another name");
    }

    #[test]
    fn words_that_are_torn_damaged_or_gone_read_as_nothing() {
        let (directory, partials) = staging();
        let path = directory.path().join("cache/sides");
        let keep = || {
            partials
                .keep_words("sides", &"content", &[1, 2, 3])
                .unwrap()
        };
        keep();
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, flipped).unwrap();
            assert!(words(&partials, "sides").is_none(), "bit {bit}");
        }
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(words(&partials, "sides").is_none(), "cut at {end}");
        }
        fs::remove_file(&path).unwrap();
        assert!(words(&partials, "sides").is_none(), "gone");
        keep();
        assert!(words(&partials, "sides").is_some());
    }
}
