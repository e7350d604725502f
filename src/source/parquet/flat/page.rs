//! A data page whose values are plain or refer to a dictionary, read or passed over in any steps.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::Page;

use super::super::entries::{Entries, LENGTH_BYTES, ValueWidth, bytes_of, string_at};
use super::super::hybrid::Hybrid;
use super::{Dictionary, FlatRun, FlatValues};

/// What is wrong with a page, in words of an error.
pub(super) type Damage = &'static str;

const ENDS_EARLY: Damage = "its levels or values end early, or are none";
const NO_ENTRY: Damage = "a value refers to an entry that its dictionary doesn't have";

/// A page that is begun.
pub(super) struct OpenPage {
    /// Those that aren't read yet.
    pub(super) slots: usize,
    /// Of an optional column.
    levels: Option<Hybrid>,
    values: PageValues,
}

enum PageValues {
    Coded(Hybrid),
    /// And where the next one begins.
    Plain(Bytes, usize),
}

/// The levels of a data page, if its column has any, and its values.
fn parts(page: &Page, is_optional: bool) -> Option<(Option<Bytes>, Bytes)> {
    let (levels, bytes) = match page {
        Page::DataPage { buf, .. } if is_optional => {
            let length = usize::try_from(u32::from_le_bytes(*buf.first_chunk()?)).ok()?;
            (LENGTH_BYTES..LENGTH_BYTES.checked_add(length)?, buf)
        }
        Page::DataPageV2 {
            buf,
            def_levels_byte_len,
            rep_levels_byte_len,
            ..
        } => {
            let start = usize::try_from(*rep_levels_byte_len).ok()?;
            let length = usize::try_from(*def_levels_byte_len).ok()?;
            (start..start.checked_add(length)?, buf)
        }
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => (0..0, buf),
    };
    if levels.end > bytes.len() {
        return None;
    }
    let values = bytes.slice(levels.end..);
    Some((is_optional.then(|| bytes.slice(levels)), values))
}

impl OpenPage {
    /// Begins a data page that has slots; or says what is wrong with it.
    pub(super) fn begin(
        page: &Page,
        is_optional: bool,
        dictionary: Option<&Dictionary>,
    ) -> Result<Self, Damage> {
        let (levels, values) = parts(page, is_optional).ok_or("its levels end early")?;
        let values = match page.encoding() {
            Encoding::PLAIN => PageValues::Plain(values, 0),
            _ if dictionary.is_none() => return Err("it refers to a dictionary that isn't there"),
            _ => {
                // A page without values may lack the width.
                let width = values.first().copied().unwrap_or(0);
                let codes = Hybrid::new(values.slice(values.len().min(1)..), width);
                PageValues::Coded(codes.ok_or("its codes are wider than 32 bits")?)
            }
        };
        Ok(Self {
            slots: page.num_values() as usize,
            levels: levels.and_then(|levels| Hybrid::new(levels, 1)),
            values,
        })
    }

    /// Passes over slots.
    pub(super) fn skip(&mut self, slots: usize, width: ValueWidth) -> Result<(), Damage> {
        self.skip_slots(slots, width).ok_or(ENDS_EARLY)
    }

    fn skip_slots(&mut self, slots: usize, width: ValueWidth) -> Option<()> {
        self.slots -= slots;
        let mut there = slots;
        if let Some(levels) = &mut self.levels
            && !levels.skip_repeated(slots, 1)?
        {
            let mut read = Vec::new();
            levels.read(slots, &mut read)?;
            there = read.iter().map(|level| *level as usize).sum();
        }
        match &mut self.values {
            PageValues::Coded(codes) => codes.skip(there),
            PageValues::Plain(bytes, at) => match width {
                ValueWidth::Fixed(length) => take_numbers(bytes, at, there, length).map(drop),
                ValueWidth::Strings => {
                    for _ in 0..there {
                        *at = bytes_of(string_at(bytes, *at)?).end;
                    }
                    Some(())
                }
            },
        }
    }

    /// Reads slots.
    pub(super) fn read(
        &mut self,
        slots: usize,
        width: ValueWidth,
        entries: Option<&Arc<Entries>>,
        run: &mut FlatRun,
    ) -> Result<(), Damage> {
        let entries = entries.filter(|_| matches!(self.values, PageValues::Coded(_)));
        self.read_slots(slots, width, entries, run)
            .ok_or(ENDS_EARLY)?;
        let (Some(entries), Some(largest)) = (entries, run.codes.values.iter().max()) else {
            return Ok(());
        };
        match (*largest as usize) < entries.len() {
            true => Ok(()),
            false => Err(NO_ENTRY),
        }
    }

    fn read_slots(
        &mut self,
        slots: usize,
        width: ValueWidth,
        entries: Option<&Arc<Entries>>,
        run: &mut FlatRun,
    ) -> Option<()> {
        self.slots -= slots;
        let mut definition = std::mem::take(&mut run.definition);
        let mut there = slots;
        if let Some(levels) = &mut self.levels
            && !levels.skip_repeated(slots, 1)?
        {
            levels.read(slots, &mut run.levels)?;
            there = run.levels.iter().map(|level| *level as usize).sum();
            if there < slots {
                definition.extend(run.levels.iter().map(|level| i16::from(*level == 1)));
            }
        }
        match &mut self.values {
            PageValues::Coded(codes) => {
                let entries = entries?;
                codes.read(there, &mut run.codes.values)?;
                run.codes.definition = definition;
                run.values = FlatValues::Codes(Arc::clone(entries));
            }
            PageValues::Plain(bytes, at) => match width {
                ValueWidth::Fixed(length) => {
                    run.bytes = take_numbers(bytes, at, there, length)?;
                    run.definition = definition;
                    run.values = FlatValues::Numbers;
                }
                ValueWidth::Strings => {
                    run.spans.values.reserve(there);
                    for _ in 0..there {
                        let span = string_at(bytes, *at)?;
                        *at = bytes_of(span).end;
                        run.spans.values.push(span);
                    }
                    run.bytes = bytes.clone();
                    run.spans.definition = definition;
                    run.values = FlatValues::Strings;
                }
            },
        }
        Some(())
    }
}

fn take_numbers(bytes: &Bytes, at: &mut usize, count: usize, length: usize) -> Option<Bytes> {
    let end = at.checked_add(count.checked_mul(length)?)?;
    let taken = (end <= bytes.len()).then(|| bytes.slice(*at..end));
    *at = end;
    taken
}
