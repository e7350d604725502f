//! `FlatWriter`: the values of one flat column, by their numbers in a dictionary while that is short, plain from
//! then on.
//!
//! Values come as they are stored, or by their numbers in another dictionary, of which each entry is looked up
//! once. Invariant: a column that passes through is written the same however its values come, in whatever slices; a
//! feature has a dictionary only if its values came with a short one, since measured values hardly ever repeat. Limit:
//! at most one level of definition; nobody can filter by a feature.

use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::LevelHistogram;
use parquet::schema::types::ColumnDescriptor;

use super::buffers::Buffers;
use super::dictionary::NO_CODE;
use super::extremes::Extremes;
use super::hybrid::{code_bits, encode};
use super::page_header::Content;
use super::pages::{PAGE_ROWS, PageSink};
use crate::source::parquet::{Entries, Span, ValueWidth, bytes_of};

#[cfg(test)]
mod tests;

/// The longest dictionary of a column that passes through, and the longest page of plain strings.
const PAGE_BYTES_MAX: usize = 1 << 20;
/// The most entries of a feature's dictionary: with more, numbers and entries take what they save.
pub const FEATURE_ENTRIES_MAX: usize = 1024;

/// What a column needs to be written so.
#[derive(Debug, Clone, Copy)]
pub(super) struct FlatShape {
    pub(super) width: ValueWidth,
    pub(super) is_feature: bool,
}

impl FlatShape {
    /// That of a column; `None` if others have to write it.
    pub(super) fn of(column: &ColumnDescriptor, is_feature: bool) -> Option<Self> {
        let is_flat = column.max_rep_level() == 0 && column.max_def_level() <= 1;
        let is_ordered = is_feature || Extremes::of(column).is_some();
        let width = ValueWidth::of(column).filter(|_| is_flat && is_ordered)?;
        Some(Self { width, is_feature })
    }
}

/// Writes the column.
#[expect(missing_debug_implementations, reason = "its buffers say nothing")]
pub struct FlatWriter<'a> {
    sink: PageSink<'a>,
    shape: FlatShape,
    mode: Mode,
    /// Of a column that passes through.
    extremes: Option<Extremes>,
    /// Codes of the page that is being made.
    coded: usize,
}

/// How the next value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// As the first values of a feature come.
    Undecided,
    /// By its number.
    Coded,
    /// As it is.
    Plain,
}

impl<'a> FlatWriter<'a> {
    /// Nothing written yet.
    pub(super) fn new(mut sink: PageSink<'a>, shape: FlatShape) -> Self {
        sink.buffers.dictionary.clear();
        sink.buffers.code_of.clear();
        let extremes = Extremes::of(&sink.descriptor).filter(|_| !shape.is_feature);
        Self {
            sink,
            shape,
            mode: match shape.is_feature {
                true => Mode::Undecided,
                false => Mode::Coded,
            },
            extremes,
            coded: 0,
        }
    }

    /// How its values are stored.
    pub(super) fn width(&self) -> ValueWidth {
        self.shape.width
    }

    /// Numbers refer to another dictionary from now on.
    pub(crate) fn forget_codes(&mut self) {
        self.sink.buffers.code_of.clear();
    }

    /// Writes values by their numbers in a dictionary, with the definition level of every slot if not all are
    /// there.
    pub(crate) fn write_codes(
        &mut self,
        codes: &[u32],
        entries: &Entries,
        definition: Option<&[i16]>,
    ) -> ParquetResult<()> {
        if self.mode == Mode::Undecided && !codes.is_empty() {
            self.mode = match entries.len() <= FEATURE_ENTRIES_MAX {
                true => Mode::Coded,
                false => Mode::Plain,
            };
        }
        self.sink.buffers.code_of.resize(entries.len(), NO_CODE);
        let Some(levels) = definition else {
            return self.put_codes(codes, entries);
        };
        let mut rest = codes;
        self.slot_by_slot(levels, |writer| {
            let (first, after) = split_first(rest, 1)?;
            rest = after;
            writer.put_codes(first, entries)
        })
    }

    /// Writes strings at places of `bytes`, likewise.
    pub(crate) fn write_strings(
        &mut self,
        spans: &[Span],
        bytes: &[u8],
        definition: Option<&[i16]>,
    ) -> ParquetResult<()> {
        let stored = |span: &Span| bytes.get(bytes_of(*span)).unwrap_or_default();
        self.write_stored(spans.iter().map(stored), definition)
    }

    /// Writes values as they are stored, likewise.
    pub(crate) fn write_stored<'v>(
        &mut self,
        mut values: impl Iterator<Item = &'v [u8]>,
        definition: Option<&[i16]>,
    ) -> ParquetResult<()> {
        let Some(levels) = definition else {
            return values.try_for_each(|value| self.put(value).map(drop));
        };
        self.slot_by_slot(levels, |writer| {
            let value = values.next().ok_or_else(too_few)?;
            writer.put(value).map(drop)
        })
    }

    /// Writes so many strings, likewise.
    pub(super) fn write_contents(
        &mut self,
        count: usize,
        strings: &mut dyn Iterator<Item = &[u8]>,
        definition: Option<&[i16]>,
    ) -> ParquetResult<()> {
        let mut stored = Vec::new();
        let mut put = |writer: &mut Self| {
            let string = strings.next().ok_or_else(too_few)?;
            stored.clear();
            stored.extend_from_slice(&u32::try_from(string.len())?.to_le_bytes());
            stored.extend_from_slice(string);
            writer.put(&stored).map(drop)
        };
        match definition {
            Some(levels) => self.slot_by_slot(levels, put),
            None => (0..count).try_for_each(|_| put(self)),
        }
    }

    /// Writes numbers, one after the other, likewise.
    pub(crate) fn write_numbers(
        &mut self,
        stored: &[u8],
        definition: Option<&[i16]>,
    ) -> ParquetResult<()> {
        let ValueWidth::Fixed(length) = self.shape.width else {
            return Err(ParquetError::General("strings have no fixed length".into()));
        };
        if self.shape.is_feature && !stored.is_empty() {
            self.end_codes()?;
        }
        if self.mode != Mode::Plain {
            return self.write_stored(stored.chunks_exact(length), definition);
        }
        if let Some(extremes) = &mut self.extremes {
            extremes.add_numbers(stored);
        }
        self.put_numbers(stored, length, definition)
    }

    fn put_numbers(
        &mut self,
        mut stored: &[u8],
        length: usize,
        definition: Option<&[i16]>,
    ) -> ParquetResult<()> {
        let Some(mut levels) = definition.filter(|_| self.sink.is_optional()) else {
            while !stored.is_empty() {
                let slots = (stored.len() / length).min(self.sink.room());
                let (own, rest) = split_first(stored, slots * length)?;
                self.sink.buffers.page.extend_from_slice(own);
                self.sink.defined(slots);
                self.end_full_page()?;
                stored = rest;
            }
            return Ok(());
        };
        while !levels.is_empty() {
            let (part, rest) = levels.split_at(levels.len().min(self.sink.room()));
            let there = self.sink.buffers.levels.extend(part);
            let (own, other) = split_first(stored, there * length)?;
            self.sink.buffers.page.extend_from_slice(own);
            self.sink.slots += part.len();
            self.end_full_page()?;
            (levels, stored) = (rest, other);
        }
        Ok(())
    }

    /// Writes the slots of a column some of whose values are missing; `put` writes the next that is there.
    fn slot_by_slot(
        &mut self,
        levels: &[i16],
        mut put: impl FnMut(&mut Self) -> ParquetResult<()>,
    ) -> ParquetResult<()> {
        for level in levels {
            if *level > 0 || !self.sink.is_optional() {
                put(self)?;
                continue;
            }
            self.sink.buffers.levels.extend(&[0]);
            self.sink.slots += 1;
            self.end_full_page()?;
        }
        Ok(())
    }

    fn put_codes(&mut self, mut codes: &[u32], entries: &Entries) -> ParquetResult<()> {
        while self.mode == Mode::Coded && !codes.is_empty() {
            let own = &codes[..codes.len().min(self.sink.room())];
            let taken = self.put_known(own);
            self.sink.defined(taken);
            self.end_full_page()?;
            codes = &codes[taken..];
            if let Some(code) = own.get(taken) {
                // The first of its value, or the one that is too many.
                let written = self.put(entries.stored(*code as usize))?;
                let place = self.sink.buffers.code_of.get_mut(*code as usize);
                if let (Some(place), Some(written)) = (place, written) {
                    *place = written;
                }
                codes = &codes[1..];
            }
        }
        let mut rest = codes.iter();
        rest.try_for_each(|code| self.put_plain(entries.stored(*code as usize)))
    }

    /// Takes numbers up to the first whose entry has none here yet; returns how many.
    fn put_known(&mut self, codes: &[u32]) -> usize {
        let buffers = &mut self.sink.buffers;
        buffers.codes.resize(PAGE_ROWS, 0);
        let places = buffers.codes[self.coded..].iter_mut();
        let code_of = buffers.code_of.as_slice();
        let mut taken = 0;
        for (place, code) in places.zip(codes) {
            match code_of.get(*code as usize) {
                Some(known) if *known != NO_CODE => *place = *known,
                _ => break,
            }
            taken += 1;
        }
        self.coded += taken;
        taken
    }

    /// Writes one value; returns its number if it has one.
    fn put(&mut self, stored: &[u8]) -> ParquetResult<Option<u32>> {
        if self.mode == Mode::Coded {
            let bytes_max = match self.shape.is_feature {
                true => FEATURE_ENTRIES_MAX * stored.len(),
                false => PAGE_BYTES_MAX,
            };
            let buffers = &mut self.sink.buffers;
            if let Some(code) = buffers.dictionary.code(stored, bytes_max)? {
                buffers.codes.resize(PAGE_ROWS, 0);
                buffers.codes[self.coded] = code;
                self.coded += 1;
                self.sink.defined(1);
                self.end_full_page()?;
                return Ok(Some(code));
            }
            self.end_codes()?;
        }
        self.mode = Mode::Plain;
        self.put_plain(stored).map(|()| None)
    }

    #[inline]
    fn put_plain(&mut self, stored: &[u8]) -> ParquetResult<()> {
        let bytes = self.sink.value_bytes();
        if bytes > 0 && bytes + stored.len() > PAGE_BYTES_MAX {
            self.sink.end_page(Content::Plain)?;
        }
        if let Some(extremes) = &mut self.extremes {
            extremes.add(self.shape.width.content(stored));
        }
        self.sink.buffers.page.extend_from_slice(stored);
        self.sink.defined(1);
        self.end_full_page()
    }

    fn end_full_page(&mut self) -> ParquetResult<()> {
        match self.sink.room() {
            0 => self.end_page(),
            _ => Ok(()),
        }
    }

    fn end_page(&mut self) -> ParquetResult<()> {
        if self.sink.slots == 0 {
            return Ok(());
        }
        if self.mode != Mode::Coded {
            return self.sink.end_page(Content::Plain);
        }
        let Buffers {
            codes,
            dictionary,
            page,
            ..
        } = &mut self.sink.buffers;
        let bits = code_bits(dictionary.len());
        page.push(u8::try_from(bits)?);
        encode(&codes[..self.coded], bits, page);
        self.coded = 0;
        self.sink.end_page(Content::Coded)
    }

    /// Writes what was written by numbers so far, and the rest as it is.
    fn end_codes(&mut self) -> ParquetResult<()> {
        if self.mode == Mode::Coded {
            self.end_page()?;
            let dictionary = std::mem::take(&mut self.sink.buffers.dictionary);
            if let Some(extremes) = &mut self.extremes {
                let contents = dictionary
                    .entries()
                    .map(|entry| self.shape.width.content(entry));
                contents.for_each(|content| extremes.add(content));
            }
            // Readers look for it, even where no value refers to it.
            let ended = match self.sink.has_coded_pages() {
                true => self.sink.dictionary(dictionary.bytes(), dictionary.len()),
                false => Ok(()),
            };
            self.sink.buffers.dictionary = dictionary;
            ended?;
        }
        self.mode = Mode::Plain;
        Ok(())
    }

    /// Writes the last page.
    pub(super) fn close(mut self) -> ParquetResult<ColumnCloseResult> {
        self.end_codes()?;
        self.end_page()?;
        let (column, extremes) = (self.sink.descriptor.clone(), self.extremes);
        let slots = self.sink.all_slots();
        self.sink.close(|builder, missing| {
            let Some(extremes) = extremes else {
                return Ok(builder);
            };
            let builder = match column.max_def_level() {
                0 => builder,
                _ => {
                    let levels = vec![i64::try_from(missing)?, i64::try_from(slots - missing)?];
                    builder.set_definition_level_histogram(Some(LevelHistogram::from(levels)))
                }
            };
            Ok(match extremes.statistics(&column, missing)? {
                Some(statistics) => builder.set_statistics(statistics),
                None => builder,
            })
        })
    }
}

fn split_first<T>(values: &[T], count: usize) -> ParquetResult<(&[T], &[T])> {
    values.split_at_checked(count).ok_or_else(too_few)
}

fn too_few() -> ParquetError {
    ParquetError::General("there are fewer values than slots that have one".into())
}
