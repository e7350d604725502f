//! Features of a block: standardized value by value, or entry by entry where they refer to a short dictionary.

use std::sync::Arc;

use num_traits::Float;
use parquet::data_type::{DataType, SliceAsBytes};

use super::histograms::SideCounts;
use super::leaves::{BlockSource, Leaf};
use super::route::Router;
use super::slicer::Slicer;
use crate::error::Result;
use crate::kernel::{Parts, Routable, Sides, any_infinite};
use crate::schema::NumericKind;
use crate::sink::flat::FEATURE_ENTRIES_MAX;
use crate::sink::shard::{EncodedColumn, encoding};
use crate::source::parquet::{Entries, LeafRun, NumberReader, NumberRun};
use crate::spec::OnInf;

impl BlockSource<'_> {
    /// A numeric leaf whose values pass through `convert`.
    pub(super) fn numbers<T: DataType>(
        &self,
        leaf: Leaf,
        convert: impl Fn(&[f64], &mut Vec<T::T>) -> Result<()>,
        mut counts: Option<&mut SideCounts>,
    ) -> Result<Vec<EncodedColumn>>
    where
        T::T: Float + Routable,
    {
        let (mut run, mut converted) = (NumberRun::default(), LeafRun::default());
        let mut coded = Coded::<T::T>::default();
        let columns =
            self.encode_runs::<T>(leaf, Sides::partition_copy, |file, piece, column, each| {
                let kind = column.kind.unwrap_or(NumericKind::Float64);
                let entries_max = match leaf.feature.is_some() && each.takes_flat() {
                    true => FEATURE_ENTRIES_MAX,
                    false => 0,
                };
                let place = (piece.row_group, column.first_leaf);
                let mut reader = NumberReader::open_coded(file, place, kind, entries_max)?;
                each.drive(&mut reader, NumberReader::skip, |reader, rows, each| {
                    let rows = reader.read_some(rows, &mut run)?;
                    if let Some(entries) = &run.entries {
                        if coded.are_those(entries, &convert, counts.as_deref_mut()) {
                            each.each_writer(|_, writer| {
                                writer.forget_codes();
                                Ok(())
                            })?;
                        }
                        if coded.is_finite() {
                            each.route_flat(&run.codes, rows, &mut coded.router)?;
                            each.each_part(&coded.router, |writer, (codes, levels)| {
                                let written = writer.write_codes(codes, &coded.stored, levels);
                                written.map_err(encoding)
                            })?;
                            coded.count(counts.as_deref_mut());
                            return Ok(rows);
                        }
                        run.decode();
                    }
                    self.write_values(
                        leaf,
                        (&mut run.values, rows),
                        each,
                        &convert,
                        &mut converted,
                    )?;
                    if let Some(counts) = &mut counts {
                        counts.add(&each.router);
                    }
                    Ok(rows)
                })?;
                reader.finish()
            })?;
        coded.settle(counts);
        Ok(columns)
    }

    /// Takes the values of a run to their sides, converted; their levels stay.
    fn write_values<T: DataType>(
        &self,
        leaf: Leaf,
        (run, rows): (&mut LeafRun<f64>, usize),
        each: &mut Slicer<'_, '_, T>,
        convert: impl Fn(&[f64], &mut Vec<T::T>) -> Result<()>,
        converted: &mut LeafRun<T::T>,
    ) -> Result<()> {
        if leaf.feature.is_some() && self.on_inf == OnInf::Null {
            infinities_to_nulls(run);
        } else if leaf.feature.is_some() {
            self.check_infinite(self.name(leaf), run, each.first)?;
        }
        converted.values.clear();
        convert(&run.values, &mut converted.values)?;
        std::mem::swap(&mut run.definition, &mut converted.definition);
        let written = each.write(converted, rows);
        std::mem::swap(&mut run.definition, &mut converted.definition);
        written.map(drop)
    }
}

/// What becomes of the entries of a dictionary, and how many rows of each side refer to each.
#[derive(Debug)]
struct Coded<Z> {
    /// What the entries are.
    entries: Arc<Vec<f64>>,
    /// What becomes of them; fewer if one of them is infinite or becomes so, which only matters if a row refers
    /// to it.
    converted: Vec<Z>,
    /// The same as it is stored.
    stored: Entries,
    /// By side and entry.
    rows: Parts<u32>,
    router: Router<u32>,
}

impl<Z> Default for Coded<Z> {
    fn default() -> Self {
        Self {
            entries: Arc::default(),
            converted: Vec::new(),
            stored: Entries::of_numbers(&[], 1),
            rows: Parts::default(),
            router: Router::default(),
        }
    }
}

impl<Z: Float + SliceAsBytes> Coded<Z> {
    /// Whether these entries are others than before; they are converted then, and those before counted.
    fn are_those(
        &mut self,
        entries: &Arc<Vec<f64>>,
        convert: impl Fn(&[f64], &mut Vec<Z>) -> Result<()>,
        counts: Option<&mut SideCounts>,
    ) -> bool {
        if Arc::ptr_eq(&self.entries, entries) {
            return false;
        }
        self.settle(counts);
        self.entries = Arc::clone(entries);
        self.converted.clear();
        if any_infinite(entries) || convert(entries, &mut self.converted).is_err() {
            self.converted.clear();
        }
        self.stored = Entries::of_numbers(Z::slice_as_bytes(&self.converted), size_of::<Z>());
        for rows in &mut self.rows {
            rows.clear();
            rows.resize(entries.len(), 0);
        }
        true
    }

    /// Whether every row that refers to these entries has a finite value.
    fn is_finite(&self) -> bool {
        self.converted.len() == self.entries.len()
    }

    /// Counts a run that was just routed.
    fn count(&mut self, counts: Option<&mut SideCounts>) {
        for (rows, codes) in self.rows.iter_mut().zip(&self.router.values) {
            for code in codes {
                if let Some(rows) = rows.get_mut(*code as usize) {
                    *rows += 1;
                }
            }
        }
        if let Some(counts) = counts {
            counts.add_missing(&self.router);
        }
    }

    /// Hands over what was counted so far.
    fn settle(&mut self, counts: Option<&mut SideCounts>) {
        if let Some(counts) = counts {
            for (side, rows) in self.rows.iter().enumerate() {
                counts.add_repeated(side, &self.converted, rows);
            }
        }
        self.rows.iter_mut().for_each(Vec::clear);
    }
}

/// Takes infinite values out of a run of a flat column.
fn infinities_to_nulls(run: &mut LeafRun<f64>) {
    if !any_infinite(&run.values) {
        return;
    }
    if run.definition.is_empty() {
        run.definition.resize(run.values.len(), 1);
    }
    let mut values = run.values.iter();
    for level in &mut run.definition {
        if *level == 1 && values.next().is_some_and(|value| value.is_infinite()) {
            *level = 0;
        }
    }
    run.values.retain(|value| !value.is_infinite());
}
