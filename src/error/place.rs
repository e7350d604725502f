//! Where an error happened: a path, and inside it a row, line, byte or column.

use std::fmt;
use std::path::{Path, PathBuf};

/// A position in a file, as exact as its reader knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    path: PathBuf,
    row: Option<u64>,
    line: Option<u64>,
    byte: Option<u64>,
    column: Option<String>,
}

impl Place {
    /// A whole file or folder.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            row: None,
            line: None,
            byte: None,
            column: None,
        }
    }

    /// The file or folder.
    pub fn file(&self) -> &Path {
        &self.path
    }

    /// The data row, counted from 0 like the split does; printed counted from 1.
    #[must_use]
    pub fn row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    /// The line of a text file, counted from 1.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// The byte offset in the file (decompressed for text), counted from 0.
    #[must_use]
    pub fn byte(mut self, byte: u64) -> Self {
        self.byte = Some(byte);
        self
    }

    /// The column's name.
    #[must_use]
    pub fn column(mut self, name: impl Into<String>) -> Self {
        self.column = Some(name.into());
        self
    }
}

/// A path as messages print it: control characters and bytes that aren't UTF-8 are escaped.
///
/// ```
/// assert_eq!(prep_stream::error::escape_path("a\nb".as_ref()), "a\\nb");
/// ```
pub fn escape_path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escape_path(&self.path))?;
        let mut separator = ": ";
        if let Some(row) = self.row {
            write!(f, "{separator}row {}", row + 1)?;
            separator = ", ";
        }
        match (self.line, self.byte) {
            (Some(line), Some(byte)) if self.row.is_some() => {
                write!(f, " (line {line}, byte {byte})")?;
            }
            (line, byte) => {
                for (name, value) in [("line", line), ("byte", byte)] {
                    if let Some(value) = value {
                        write!(f, "{separator}{name} {value}")?;
                        separator = ", ";
                    }
                }
            }
        }
        if let Some(column) = &self.column {
            write!(f, "{separator}column \"{}\"", column.escape_debug())?;
        }
        Ok(())
    }
}
