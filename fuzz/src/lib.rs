//! What must hold for any bytes at all, as functions that panic where it doesn't: called by the fuzz
//! targets, and with seeds and their mutations by `tests/suite/fuzz_properties.rs`.

pub mod artifacts;
pub mod pages;
pub mod text;

use std::cell::RefCell;
use std::io::{Seek as _, Write as _};
use std::path::Path;

use tempfile::NamedTempFile;

/// Calls `work` with the path of a file that holds these bytes; one file for each thread.
fn with_file<R>(contents: &[u8], work: impl FnOnce(&Path) -> R) -> R {
    thread_local! {
        static FILE: RefCell<NamedTempFile> =
            RefCell::new(NamedTempFile::new().expect("a temporary file"));
    }
    FILE.with_borrow_mut(|file| {
        file.as_file().set_len(0).expect("truncate");
        file.rewind().expect("rewind");
        file.write_all(contents).expect("write");
        work(file.path())
    })
}
