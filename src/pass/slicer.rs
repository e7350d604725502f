//! The rows of one slice of a block, run by run, to the encoders of every side.

use parquet::data_type::DataType;

use super::leaves::{BlockSource, Partition};
use super::route::{Router, RunRows};
use super::shuffle::Scatter;
use crate::error::{DataError, Error, Result};
use crate::sink::chunk::ChunkWriter;
use crate::sink::shard::encoding;
use crate::source::parquet::LeafRun;

/// Rows decoded, routed and encoded at a time; fixed, so that the encoders see the same slices
/// whatever the threads or the memory.
pub(super) const RUN_ROWS: usize = 16 << 10;

/// Where the rows of a leaf go.
pub(super) enum Outlets<'a, 'w, T: DataType> {
    /// To an encoder for each side that is written.
    Encoders(&'a mut [ChunkWriter<'w, T>]),
    /// To the segments of shards that are yet to be shuffled.
    Segments(&'a mut Scatter<'w>),
}

impl<T: DataType> Outlets<'_, '_, T> {
    /// Whether the outlet of a side has to be told the level of every slot even where all have a value.
    fn need_levels(&self, place: usize) -> bool {
        match self {
            Self::Encoders(writers) => writers[place].needs_levels(),
            Self::Segments(_) => true,
        }
    }
}

/// Takes the rows of one slice after the other to the outlets of every side.
pub(super) struct Slicer<'a, 'w, T: DataType> {
    pub(super) source: &'a BlockSource<'a>,
    pub(super) outlets: Outlets<'a, 'w, T>,
    pub(super) router: Router<T::T>,
    pub(super) partition: Partition<T::T>,
    pub(super) top: i16,
    pub(super) ones: Vec<i16>,
    /// Index, in the unit, of the next row.
    pub(super) first: usize,
    /// Rows of the piece before the slice.
    pub(super) skip: usize,
    /// Rows of the slice.
    pub(super) rows: usize,
}

impl<'a, T: DataType> Slicer<'a, '_, T> {
    /// The next rows of the slice, whose levels are `definition`.
    ///
    /// # Errors
    /// When there are levels and the column can't have any.
    pub(super) fn run_rows(&self, rows: usize, definition: &[i16]) -> Result<RunRows<'a>> {
        if self.top == 0 && !definition.is_empty() {
            return Err(Error::from(DataError::Decoder {
                detail: "a column without nulls has definition levels".into(),
            }));
        }
        Ok(RunRows {
            sides: self.source.sides,
            first: self.first,
            rows,
        })
    }

    /// Passes over what comes before the slice, then calls `run` for each run of its rows, which
    /// returns how many of them it has taken.
    pub(super) fn drive<R>(
        &mut self,
        reader: &mut R,
        skip: impl FnOnce(&mut R, usize) -> Result<()>,
        mut run: impl FnMut(&mut R, usize, &mut Self) -> Result<usize>,
    ) -> Result<()> {
        if self.skip > 0 {
            skip(reader, self.skip)?;
        }
        let mut rest = self.rows;
        while rest > 0 {
            self.source.cancel.check()?;
            let rows = run(reader, RUN_ROWS.min(rest), self)?;
            // Strings point into pages, which are not to be held any longer.
            self.router.clear();
            self.first += rows;
            rest -= rows;
        }
        Ok(())
    }

    /// Writes a run of rows, each to its side, where they stay until the run is over; returns how many
    /// there were.
    pub(super) fn write(&mut self, run: &LeafRun<T::T>, rows: usize) -> Result<usize> {
        let run_rows = self.run_rows(rows, &run.definition)?;
        self.router.route(run, self.top, run_rows, self.partition);
        for (place, side) in self.source.written.iter().enumerate() {
            let part = side.index();
            let (values, definition) = (&self.router.values[part], &self.router.definition[part]);
            let definition = if !definition.is_empty() {
                Some(definition.as_slice())
            } else if self.top > 0 && self.outlets.need_levels(place) {
                self.ones.resize(values.len(), self.top);
                Some(self.ones.as_slice())
            } else {
                None
            };
            let repetition = self.router.repetition[part].as_slice();
            let repetition = (!run.repetition.is_empty()).then_some(repetition);
            match &mut self.outlets {
                Outlets::Encoders(writers) => drop(
                    writers[place]
                        .write_batch(values, definition, repetition)
                        .map_err(encoding)?,
                ),
                Outlets::Segments(scatter) => {
                    scatter.put::<T>(place, values, definition, repetition)?;
                }
            }
        }
        Ok(rows)
    }
}
