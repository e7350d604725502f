//! A flat column that passes through, from the pages of the input to those of every side: neither a string nor a
//! number of it is looked at, but once for each entry of a dictionary.

use parquet::data_type::{DataType, SliceAsBytes};

use super::route::Router;
use super::slicer::{Outlets, Slicer};
use crate::error::Result;
use crate::kernel::{Routable, Sides};
use crate::sink::flat::FlatWriter;
use crate::sink::shard::encoding;
use crate::source::parquet::{FlatReader, FlatRun, FlatValues, LeafRun, Span};

/// Buffers of a column, reused from run to run.
#[derive(Debug, Default)]
pub(super) struct Passing {
    run: FlatRun,
    codes: Router<u32>,
    spans: Router<Span>,
    narrow: Numbers<i32>,
    wide: Numbers<i64>,
}

#[derive(Debug, Default)]
struct Numbers<N> {
    run: LeafRun<N>,
    router: Router<N>,
}

/// What a side is given of a run: the number of its values and what they are, and the levels.
type Part<'a, T> = (&'a [T], Option<&'a [i16]>);

impl<T: DataType> Slicer<'_, '_, T> {
    /// Whether the columns that are written take what a [`FlatReader`] reads.
    pub(super) fn takes_flat(&mut self) -> bool {
        match &mut self.outlets {
            Outlets::Encoders(writers) => writers.iter_mut().all(|writer| writer.flat().is_some()),
            Outlets::Segments(_) => false,
        }
    }

    /// Takes the rows of a slice to their sides as they are stored; strings that have to be UTF-8 are looked at.
    pub(super) fn pass(
        &mut self,
        mut reader: FlatReader,
        is_text: bool,
        passing: &mut Passing,
    ) -> Result<()> {
        self.each_writer(|_, writer| {
            writer.forget_codes();
            Ok(())
        })?;
        self.drive(&mut reader, FlatReader::skip, |reader, rows, each| {
            let rows = reader.read_some(rows, &mut passing.run)?;
            if is_text {
                reader.check_text(&passing.run)?;
            }
            each.pass_run(passing, rows)?;
            Ok(rows)
        })?;
        passing.run.clear();
        reader.finish()
    }

    fn pass_run(&mut self, passing: &mut Passing, rows: usize) -> Result<()> {
        let run = &passing.run;
        match &run.values {
            FlatValues::Codes(entries) => {
                self.route_flat(&run.codes, rows, &mut passing.codes)?;
                self.each_part(&passing.codes, |writer, (codes, levels)| {
                    writer.write_codes(codes, entries, levels).map_err(encoding)
                })
            }
            FlatValues::Strings => {
                self.route_flat(&run.spans, rows, &mut passing.spans)?;
                self.each_part(&passing.spans, |writer, (spans, levels)| {
                    let written = writer.write_strings(spans, &run.bytes, levels);
                    written.map_err(encoding)
                })
            }
            FlatValues::Numbers => match T::get_type_size() {
                4 => self.pass_numbers(run, rows, i32::from_le_bytes, &mut passing.narrow),
                _ => self.pass_numbers(run, rows, i64::from_le_bytes, &mut passing.wide),
            },
        }
    }

    fn pass_numbers<N: Routable + SliceAsBytes, const BYTES: usize>(
        &mut self,
        run: &FlatRun,
        rows: usize,
        number: fn([u8; BYTES]) -> N,
        numbers: &mut Numbers<N>,
    ) -> Result<()> {
        let Numbers { run: own, router } = numbers;
        own.values.clear();
        let stored = run.bytes.as_chunks().0.iter();
        own.values.extend(stored.map(|stored| number(*stored)));
        own.definition.clone_from(&run.definition);
        self.route_flat(own, rows, router)?;
        self.each_part(router, |writer, (values, levels)| {
            let written = writer.write_numbers(N::slice_as_bytes(values), levels);
            written.map_err(encoding)
        })
    }

    /// Parts a run of a flat column by the sides of its rows.
    pub(super) fn route_flat<V: Routable>(
        &self,
        run: &LeafRun<V>,
        rows: usize,
        router: &mut Router<V>,
    ) -> Result<()> {
        let run_rows = self.run_rows(rows, &run.definition)?;
        router.route(run, self.top, run_rows, Sides::partition_copy);
        Ok(())
    }

    /// Gives the writer of each side what was routed to it.
    pub(super) fn each_part<V>(
        &mut self,
        router: &Router<V>,
        mut write: impl FnMut(&mut FlatWriter<'_>, Part<'_, V>) -> Result<()>,
    ) -> Result<()> {
        let written = self.source.written;
        self.each_writer(|place, writer| {
            let part = written[place].index();
            let levels = router.definition[part].as_slice();
            let levels = (!levels.is_empty()).then_some(levels);
            write(writer, (router.values[part].as_slice(), levels))
        })
    }

    pub(super) fn each_writer(
        &mut self,
        mut each: impl FnMut(usize, &mut FlatWriter<'_>) -> Result<()>,
    ) -> Result<()> {
        let Outlets::Encoders(writers) = &mut self.outlets else {
            return Ok(());
        };
        for (place, writer) in writers.iter_mut().enumerate() {
            if let Some(writer) = writer.flat() {
                each(place, writer)?;
            }
        }
        Ok(())
    }
}
