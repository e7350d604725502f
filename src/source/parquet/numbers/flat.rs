//! Numbers of fixed length that are plain or refer to a dictionary, converted from their pages.

use std::sync::Arc;

use parquet::basic::Type as PhysicalType;

use super::super::decimal::decimal_to_f64;
use super::super::entries::Entries;
use super::super::flat::{FlatReader, FlatRun, FlatValues};
use super::{LeafRun, NumberRun, Numbers};
use crate::error::Result;
use crate::schema::NumericKind;

/// Appends numbers made of stored ones.
pub(super) type Convert = Box<dyn Fn(&[u8], &mut Vec<f64>)>;

/// How numbers of fixed length are converted; `None` for others.
pub(super) fn conversion(physical: PhysicalType, kind: NumericKind) -> Option<Convert> {
    use NumericKind::{Decimal, UInt32, UInt64};
    Some(match (physical, kind) {
        (PhysicalType::INT32, UInt32) => each(|bytes| u32::from_le_bytes(bytes).into()),
        (PhysicalType::INT32, Decimal { scale, .. }) => {
            each(move |bytes| decimal_to_f64(i32::from_le_bytes(bytes).into(), scale))
        }
        (PhysicalType::INT32, _) => each(|bytes| i32::from_le_bytes(bytes).into()),
        (PhysicalType::INT64, UInt64) => each(|bytes| u64::from_le_bytes(bytes) as f64),
        (PhysicalType::INT64, Decimal { scale, .. }) => {
            each(move |bytes| decimal_to_f64(i64::from_le_bytes(bytes), scale))
        }
        (PhysicalType::INT64, _) => each(|bytes| i64::from_le_bytes(bytes) as f64),
        (PhysicalType::FLOAT, _) => each(|bytes| f32::from_le_bytes(bytes).into()),
        (PhysicalType::DOUBLE, _) => each(f64::from_le_bytes),
        _ => return None,
    })
}

fn each<const BYTES: usize>(convert: impl Fn([u8; BYTES]) -> f64 + 'static) -> Convert {
    Box::new(move |stored, into| {
        let numbers = stored.as_chunks().0;
        into.extend(numbers.iter().map(|number| convert(*number)));
    })
}

/// Values that are converted from their pages.
pub(super) struct Flat {
    reader: FlatReader,
    run: FlatRun,
    convert: Convert,
    /// The most entries of a dictionary whose codes anybody wants.
    entries_max: usize,
    /// The entries of the dictionary, converted.
    entries: Arc<Vec<f64>>,
    /// What they were.
    entries_of: Option<Arc<Entries>>,
}

impl Flat {
    /// Nothing read yet; codes only of dictionaries of at most so many entries.
    pub(super) fn new(reader: FlatReader, convert: Convert, entries_max: usize) -> Self {
        Self {
            reader,
            run: FlatRun::default(),
            convert,
            entries_max,
            entries: Arc::default(),
            entries_of: None,
        }
    }

    /// Reads a run and converts the entries that it refers to.
    fn next_run(&mut self, rows: usize) -> Result<usize> {
        let rows = self.reader.read_some(rows, &mut self.run)?;
        if let FlatValues::Codes(entries) = &self.run.values {
            let known = self.entries_of.as_ref();
            if !known.is_some_and(|known| Arc::ptr_eq(known, entries)) {
                let mut converted = Vec::with_capacity(entries.len());
                (self.convert)(entries.numbers(), &mut converted);
                self.entries = Arc::new(converted);
                self.entries_of = Some(Arc::clone(entries));
            }
        }
        Ok(rows)
    }

    /// Appends the values of a run of so many rows.
    fn append(&self, rows: usize, into: &mut LeafRun<f64>) {
        let levels = match &self.run.values {
            FlatValues::Codes(_) => {
                let codes = &self.run.codes;
                let entry = |code: &u32| self.entries.get(*code as usize).copied();
                let values = codes
                    .values
                    .iter()
                    .map(|code| entry(code).unwrap_or(f64::NAN));
                into.values.extend(values);
                &codes.definition
            }
            FlatValues::Numbers | FlatValues::Strings => {
                (self.convert)(&self.run.bytes, &mut into.values);
                &self.run.definition
            }
        };
        if !levels.is_empty() {
            into.definition.extend_from_slice(levels);
        } else if self.reader.is_optional() {
            into.definition.resize(into.definition.len() + rows, 1);
        }
    }
}

impl Numbers for Flat {
    fn skip(&mut self, rows: usize) -> Result<()> {
        self.reader.skip(rows)
    }

    fn read(&mut self, rows: usize, run: &mut LeafRun<f64>) -> Result<()> {
        run.values.clear();
        run.definition.clear();
        run.repetition.clear();
        let mut left = rows;
        while left > 0 {
            let read = self.next_run(left)?;
            self.append(read, run);
            left -= read;
        }
        Ok(())
    }

    fn read_some(&mut self, rows: usize, run: &mut NumberRun) -> Result<usize> {
        let read = self.next_run(rows)?;
        let is_coded = matches!(self.run.values, FlatValues::Codes(_));
        if is_coded && self.entries.len() <= self.entries_max {
            run.entries = Some(Arc::clone(&self.entries));
            std::mem::swap(&mut run.codes, &mut self.run.codes);
            return Ok(read);
        }
        run.entries = None;
        run.values.values.clear();
        run.values.definition.clear();
        self.append(read, &mut run.values);
        Ok(read)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.reader.finish()
    }
}
