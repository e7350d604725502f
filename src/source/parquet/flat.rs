//! `FlatReader`: a column chunk without lists whose values are plain or refer to a dictionary, read as just
//! that.
//!
//! Whoever only takes values from one place to another needs neither an object for each string nor a value for
//! each code. Invariant: rows, levels and values are what [`LeafReader`](super::LeafReader) reads of the same
//! chunk, and what it refuses is refused here. Limit: a run ends with its page, which follows from the file
//! alone; other encodings and lists are left to the other reader.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;

use super::checked::CheckedPages;
use super::chunk::{Chunk, ChunkPart};
use super::entries::{Entries, Span, ValueWidth, bytes_of};
use super::file::ParquetFile;
use super::leaf::LeafRun;
use super::pages::Pages;
use crate::error::{DataError, Error, Result};

mod page;
#[cfg(test)]
mod tests;

use self::page::{Damage, OpenPage};

/// What a value takes: its place or code, and for an entry of the dictionary its place, number and codes on
/// every side.
const VALUE_BYTES: u64 = 32;

/// Reads one leaf of one row group from its first row to its last.
pub(crate) struct FlatReader {
    pages: CheckedPages,
    /// With the permit.
    _held: Pages,
    part: ChunkPart,
    width: ValueWidth,
    is_optional: bool,
    dictionary: Option<Dictionary>,
    page: Option<OpenPage>,
}

impl std::fmt::Debug for FlatReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlatReader")
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Dictionary {
    entries: Arc<Entries>,
    /// Whether they are UTF-8, once somebody has asked.
    are_text: Option<bool>,
}

/// A run of rows of one page. Buffers are reused from run to run.
#[derive(Debug, Default)]
pub(crate) struct FlatRun {
    /// How the values are held.
    pub(crate) values: FlatValues,
    /// Codes of the values that are there, and the level of each slot if some have no value.
    pub(crate) codes: LeafRun<u32>,
    /// Likewise the places of strings in `bytes`.
    pub(crate) spans: LeafRun<Span>,
    /// Plain values as they are stored.
    pub(crate) bytes: Bytes,
    /// The level of each slot if some have no value, of values of fixed length.
    pub(crate) definition: Vec<i16>,
    levels: Vec<u32>,
}

/// How the values of a run are held.
#[derive(Debug, Clone, Default)]
pub(crate) enum FlatValues {
    /// As codes of these entries.
    Codes(Arc<Entries>),
    /// As strings at places of bytes.
    Strings,
    /// As numbers of fixed length, one after the other.
    #[default]
    Numbers,
}

impl FlatReader {
    /// Opens leaf `leaf` (its index in the file's schema) of `row_group`; `None` if some of it is encoded in
    /// another way.
    ///
    /// # Errors
    /// When its pages can't be found.
    pub(crate) fn open(file: &ParquetFile, row_group: usize, leaf: usize) -> Result<Option<Self>> {
        let metadata = file.metadata.row_group(row_group).column(leaf);
        let column = metadata.column_descr();
        let is_flat = column.max_rep_level() == 0 && column.max_def_level() <= 1;
        let is_optional = column.max_def_level() == 1;
        let (Some(width), true) = (ValueWidth::of(column), is_flat && may_be_simple(metadata))
        else {
            return Ok(None);
        };
        let chunk = Chunk::open(file, row_group, leaf, VALUE_BYTES)?;
        if !chunk.pages.are_simple() {
            return Ok(None);
        }
        Ok(Some(Self {
            pages: chunk.checked,
            _held: chunk.pages,
            part: chunk.part,
            width,
            is_optional,
            dictionary: None,
            page: None,
        }))
    }

    /// Whether slots may be without a value.
    pub(super) fn is_optional(&self) -> bool {
        self.is_optional
    }

    /// Passes over `rows` rows without decoding more than it must.
    ///
    /// # Errors
    /// When a page is damaged or rows are missing.
    pub(crate) fn skip(&mut self, rows: usize) -> Result<()> {
        let mut left = rows;
        while left > 0 {
            if self.page.is_none() && self.skip_page(&mut left)? {
                continue;
            }
            let Some(page) = self.open_page()? else {
                return self.part.advance(rows - left, rows);
            };
            let taken = page.slots.min(left);
            let width = self.width;
            self.decode(|page, _| page.skip(taken, width))?;
            left -= taken;
        }
        self.part.advance(rows, rows)
    }

    /// Reads some of the next `rows` rows (at least 1) into `run`, replacing what it held: those that are in
    /// the same page. Returns how many.
    ///
    /// # Errors
    /// When a page is damaged or rows are missing.
    pub(crate) fn read_some(&mut self, rows: usize, run: &mut FlatRun) -> Result<usize> {
        run.clear();
        let Some(page) = self.open_page()? else {
            return Err(self.part.row_count(self.part.position));
        };
        let taken = page.slots.min(rows);
        let width = self.width;
        self.decode(|page, entries| page.read(taken, width, entries, run))?;
        self.part.advance(taken, taken)?;
        Ok(taken)
    }

    /// Makes sure that the strings of `run`, which was read last, are UTF-8.
    ///
    /// # Errors
    /// [`DataError::NotUtf8`].
    pub(crate) fn check_text(&mut self, run: &FlatRun) -> Result<()> {
        let is_text = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok();
        let all = match (&run.values, &mut self.dictionary) {
            (FlatValues::Codes(entries), Some(dictionary)) => {
                let are_text = &mut dictionary.are_text;
                // What nobody refers to may be anything.
                *are_text.get_or_insert_with(|| entries.are_text())
                    || run
                        .codes
                        .values
                        .iter()
                        .all(|code| is_text(entries.content(*code as usize)))
            }
            (FlatValues::Strings, _) => {
                let spans = &run.spans.values;
                let ends = spans.first().zip(spans.last());
                let whole = ends.map_or(0..0, |(first, last)| {
                    bytes_of(*first).start..bytes_of(*last).end
                });
                // Lengths of short strings are ASCII too.
                run.bytes.get(whole).is_some_and(<[u8]>::is_ascii)
                    || spans
                        .iter()
                        .all(|span| is_text(self.width.content(run.stored(*span))))
            }
            _ => true,
        };
        match all {
            true => Ok(()),
            false => Err(DataError::NotUtf8.into()),
        }
    }

    /// Checks, if the last row was read, that the chunk holds no further ones.
    ///
    /// # Errors
    /// When it does, or a page is damaged.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.part.position < self.part.rows {
            return Ok(());
        }
        match self.open_page()? {
            None => Ok(()),
            Some(_) => Err(self.part.row_count(self.part.position + 1)),
        }
    }

    fn decode(
        &mut self,
        decode: impl FnOnce(&mut OpenPage, Option<&Arc<Entries>>) -> std::result::Result<(), Damage>,
    ) -> Result<()> {
        let entries = self
            .dictionary
            .as_ref()
            .map(|dictionary| &dictionary.entries);
        let Some(page) = &mut self.page else {
            return Ok(());
        };
        let decoded = decode(page, entries);
        if page.slots == 0 {
            self.page = None;
        }
        decoded.map_err(|what| self.damaged(what))
    }

    fn damaged(&self, what: &str) -> Error {
        self.part
            .undecodable(ParquetError::General(what.to_owned()))
    }

    /// Passes over the next page if it has no more than `left` rows, or takes it if it is the dictionary.
    fn skip_page(&mut self, left: &mut usize) -> Result<bool> {
        let peeked = self.pages.peek_next_page();
        let Some(next) = peeked.map_err(|source| self.part.undecodable(source))? else {
            return Ok(false);
        };
        if next.is_dict {
            return self.take_page();
        }
        let slots = next.num_levels.or(next.num_rows);
        let Some(slots) = slots.filter(|slots| slots <= left) else {
            return Ok(false);
        };
        let skipped = self.pages.skip_next_page();
        skipped.map_err(|source| self.part.undecodable(source))?;
        *left -= slots;
        Ok(true)
    }

    /// The page that the next row is in.
    fn open_page(&mut self) -> Result<Option<&OpenPage>> {
        while self.page.is_none() {
            if !self.take_page()? {
                return Ok(None);
            }
        }
        Ok(self.page.as_ref())
    }

    /// Takes the next page, if there is one.
    fn take_page(&mut self) -> Result<bool> {
        let next = self.pages.get_next_page();
        let page = next.map_err(|source| self.part.undecodable(source))?;
        page.map(|page| self.begin(page))
            .transpose()
            .map(|page| page.is_some())
    }

    fn begin(&mut self, page: Page) -> Result<()> {
        if let Page::DictionaryPage {
            buf, num_values, ..
        } = page
        {
            let entries = Entries::new(buf, self.width, num_values as usize)
                .ok_or_else(|| self.damaged("its dictionary ends early"))?;
            self.dictionary = Some(Dictionary {
                entries: Arc::new(entries),
                are_text: None,
            });
            return Ok(());
        }
        if page.num_values() == 0 {
            return Ok(());
        }
        let begun = OpenPage::begin(&page, self.is_optional, self.dictionary.as_ref());
        self.page = Some(begun.map_err(|what| self.damaged(what))?);
        Ok(())
    }
}

/// Whether nothing that the footer says of a chunk's encodings is against reading it here.
fn may_be_simple(chunk: &ColumnChunkMetaData) -> bool {
    let simple = [
        Encoding::PLAIN,
        Encoding::PLAIN_DICTIONARY,
        Encoding::RLE_DICTIONARY,
        Encoding::RLE,
        // Some writers say so of the levels that there aren't.
        #[expect(deprecated, reason = "files have it")]
        Encoding::BIT_PACKED,
    ];
    chunk.encodings().all(|encoding| simple.contains(&encoding))
}

impl FlatRun {
    /// Lets go of the page and the dictionary; buffers stay.
    pub(crate) fn clear(&mut self) {
        // One buffer for the levels, wherever it is.
        for definition in [&mut self.codes.definition, &mut self.spans.definition] {
            if definition.capacity() > self.definition.capacity() {
                std::mem::swap(definition, &mut self.definition);
            }
            definition.clear();
        }
        self.definition.clear();
        self.codes.values.clear();
        self.spans.values.clear();
        self.levels.clear();
        self.bytes = Bytes::new();
        self.values = FlatValues::Numbers;
    }

    /// A string of [`FlatValues::Strings`], as it is stored.
    pub(crate) fn stored(&self, span: Span) -> &[u8] {
        self.bytes.get(bytes_of(span)).unwrap_or_default()
    }
}
