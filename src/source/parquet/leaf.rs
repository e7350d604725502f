//! One leaf of one column chunk, decoded in runs of rows.
//!
//! A leaf is read as Parquet stores it: the values that are there, and for each slot a definition
//! and a repetition level. Flat columns have one slot a row; nested ones as many as they need.

use std::sync::Arc;

use parquet::column::reader::{ColumnReaderImpl, get_column_reader};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::schema::types::ColumnDescPtr;

use super::checked::{Allowance, CheckedPages};
use super::chunk::{Chunk, ChunkPart, failed};
use super::file::ParquetFile;
use super::pages::{Pages, RUN_BYTES};
use crate::error::{DataError, Error, Result};

/// A run of rows of one leaf. Buffers are reused from run to run.
#[derive(Debug)]
pub struct LeafRun<T> {
    /// The values that are there, in order.
    pub values: Vec<T>,
    /// One per slot; empty if every slot has a value.
    pub definition: Vec<i16>,
    /// One per slot, 0 where a row begins; empty if every row has one slot.
    pub repetition: Vec<i16>,
}

impl<T> Default for LeafRun<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            definition: Vec::new(),
            repetition: Vec::new(),
        }
    }
}

/// Reads one leaf of one row group from its first row to its last.
pub struct LeafReader<T: DataType> {
    reader: ColumnReaderImpl<T>,
    pages: Pages,
    allowance: Arc<Allowance>,
    part: ChunkPart,
    /// Values and levels of the chunk.
    slots: u64,
}

impl<T: DataType> std::fmt::Debug for LeafReader<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeafReader")
            .field("part", &self.part)
            .finish_non_exhaustive()
    }
}

impl<T: DataType> LeafReader<T> {
    /// Opens leaf `leaf` (its index in the file's schema) of `row_group`.
    ///
    /// # Errors
    /// When the leaf isn't of type `T`, or its pages can't be found.
    pub fn open(file: &ParquetFile, row_group: usize, leaf: usize) -> Result<Self> {
        let chunk = Chunk::open(file, row_group, leaf, size_of::<T::T>() as u64)?;
        let opening = |source| failed("open a column chunk", source, &chunk.part.place);
        Ok(Self {
            reader: typed(chunk.descriptor, chunk.checked).map_err(opening)?,
            pages: chunk.pages,
            allowance: chunk.allowance,
            part: chunk.part,
            slots: chunk.slots,
        })
    }

    /// Passes over `rows` rows without decoding more than it must.
    ///
    /// # Errors
    /// When a page is damaged or rows are missing.
    pub fn skip(&mut self, rows: usize) -> Result<()> {
        self.allowance.pass_over();
        let skipped = self
            .reader
            .skip_records(rows)
            .map_err(|source| self.part.undecodable(source))?;
        self.pages.advance(self.slots_of(skipped as u64));
        self.part.advance(skipped, rows)
    }

    /// How many slots so many rows have, by the chunk's average; exact where each row has one.
    fn slots_of(&self, rows: u64) -> u64 {
        scaled(rows, self.slots, self.part.rows)
    }

    /// Reads some of the next `rows` rows (at least 1), at least one of them: as many as can be read
    /// without holding many pages at once, since strings point into the pages that they are in.
    /// Returns how many. It follows from the file alone.
    ///
    /// # Errors
    /// As [`LeafReader::read`].
    pub fn read_some(&mut self, rows: usize, run: &mut LeafRun<T::T>) -> Result<usize> {
        // Also what the run before held.
        run.values.clear();
        if let Some(slots_max) = self.pages.slots_max() {
            return self.read_until(slots_max, rows, run);
        }
        let slots = self.pages.run(self.slots_of(rows as u64));
        let fitting = scaled(slots, self.part.rows, self.slots).max(1);
        let rows = rows.min(usize::try_from(fitting).unwrap_or(rows));
        self.read(rows, run)?;
        Ok(rows)
    }

    /// Reads the next `rows` rows into `run`, replacing what it held.
    ///
    /// # Errors
    /// When a page is damaged or rows are missing.
    pub fn read(&mut self, rows: usize, run: &mut LeafRun<T::T>) -> Result<()> {
        run.values.clear();
        run.definition.clear();
        run.repetition.clear();
        self.allowance.refill();
        self.read_on(rows, run)
    }

    /// Reads the next `rows` rows behind what `run` holds.
    fn read_on(&mut self, rows: usize, run: &mut LeafRun<T::T>) -> Result<()> {
        let before = (run.values.len(), run.definition.len());
        let (records, values, slots) = self
            .reader
            .read_records(
                rows,
                Some(&mut run.definition),
                Some(&mut run.repetition),
                &mut run.values,
            )
            .map_err(|source| self.part.undecodable(source))?;
        run.values.truncate(before.0 + values);
        run.definition.truncate(before.1 + slots);
        run.repetition.truncate(before.1 + slots);
        if run.repetition.first().is_some_and(|level| *level != 0) {
            let detail = "a row begins in the middle of a list".to_string();
            return Err(Error::from(DataError::Decoder { detail }).at(self.part.place.clone()));
        }
        self.pages.advance(slots.max(values) as u64);
        self.part.advance(records, rows)
    }

    /// Reads row by row until there are so many slots, or large pages are begun: any row may hold most
    /// of the chunk's.
    fn read_until(
        &mut self,
        slots_max: usize,
        rows: usize,
        run: &mut LeafRun<T::T>,
    ) -> Result<usize> {
        run.definition.clear();
        run.repetition.clear();
        self.allowance.refill();
        let mut read = 0;
        while read < rows && run.repetition.len() < slots_max && self.allowance.begun() <= RUN_BYTES
        {
            self.read_on(1, run)?;
            read += 1;
        }
        Ok(read)
    }

    /// Checks, if the last row was read, that the chunk holds no further ones.
    ///
    /// # Errors
    /// When it does, or a page is damaged.
    pub fn finish(mut self) -> Result<()> {
        if self.part.position < self.part.rows {
            return Ok(());
        }
        let mut extra = LeafRun::default();
        self.allowance.refill();
        let (more, _, _) = self
            .reader
            .read_records(
                1,
                Some(&mut extra.definition),
                Some(&mut extra.repetition),
                &mut extra.values,
            )
            .map_err(|source| self.part.undecodable(source))?;
        match more {
            0 => Ok(()),
            _ => Err(self.part.row_count(self.part.position + more as u64)),
        }
    }
}

/// `count * parts / whole`, rounded down; `count` if nothing is known.
fn scaled(count: u64, parts: u64, whole: u64) -> u64 {
    if parts == whole || whole == 0 {
        return count;
    }
    let scaled = u128::from(count) * u128::from(parts) / u128::from(whole);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

fn typed<T: DataType>(
    descriptor: ColumnDescPtr,
    pages: CheckedPages,
) -> ParquetResult<ColumnReaderImpl<T>> {
    let said = descriptor.physical_type();
    T::get_column_reader(get_column_reader(descriptor, Box::new(pages))).ok_or_else(|| {
        ParquetError::General(format!(
            "the column is {said}, not {}",
            T::get_physical_type()
        ))
    })
}
