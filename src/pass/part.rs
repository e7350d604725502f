//! A part of a plan: what a process has to know that does some of the units.
//!
//! Invariant: schema, output and units are those of the whole plan. The schema follows from one file of each
//! schema that any file has, in the order in which they first came; the units from row groups that were
//! written down. Every file that is opened is proven to be what it was when it was planned with. Units of
//! text are read from the cache ([`cached`]), and their inputs, which needn't be there, only give names.

mod cached;

use std::sync::Arc;

use super::stores::{Planned, Stores};
use super::{Context, Plan, Prepared, Rows};
use crate::artifact::planned::{PlannedTable, PlannedUnit};
use crate::engine::{Pass, guarded};
use crate::error::{Error, Place, Result};
use crate::schema::SharedLayout;
use crate::source::discover::{Fingerprint, InputFile, unchanged};
use crate::source::parquet::ParquetFile;
use crate::source::table::{Numbers, Table};
use crate::spec::JobSpec;

pub use cached::{CachePart, check_cache};

/// Consecutive units of a plan, the files they are read from being the run's inputs.
#[derive(Debug)]
pub struct Part {
    /// Numbers of the first unit, and of what it is read from.
    pub numbers: Numbers,
    /// What the inputs were when they were planned with.
    pub fingerprints: Vec<Fingerprint>,
    /// One file of each schema.
    pub schemas: Vec<(InputFile, Fingerprint)>,
    /// What is read in place of the inputs, if those are text.
    pub cache: Option<CachePart>,
    /// The units.
    pub units: Vec<PlannedUnit>,
}

/// Hands over what each unit of a plan is read from, in order; returns what holds for all of them.
///
/// # Errors
/// Those of `each`.
pub fn list_units(
    inputs: &[InputFile],
    fingerprints: &[Fingerprint],
    prepared: &Prepared,
    each: &mut dyn FnMut(PlannedUnit) -> Result<()>,
) -> Result<PlannedTable> {
    let mut table = PlannedTable {
        rows: prepared.table.rows(),
        bytes: prepared.table.bytes(),
        ..PlannedTable::default()
    };
    let mut layouts: Vec<&SharedLayout> = Vec::new();
    let stores = &prepared.table.stores;
    for store in stores {
        if !layouts
            .iter()
            .any(|known| Arc::ptr_eq(known, &store.layout))
        {
            layouts.push(&store.layout);
            if let Some(cached) = cached::planned(store) {
                table.cached.push(cached);
                continue;
            }
            let file = table.file(&inputs[store.input], &fingerprints[store.input]);
            table.schemas.push((store.input, file));
        }
    }
    let (mut next, mut next_store) = (0, 0);
    for unit in &prepared.table.units {
        let (Some(first), Some(last)) = (unit.pieces.first(), unit.pieces.last()) else {
            continue;
        };
        // Files without rows in between go with the unit after them.
        let last_input = stores[last.store].input;
        let first_input = stores[first.store].input.min(next);
        let of_cache = first.store.min(next_store)..=last.store;
        (next, next_store) = (last_input + 1, last.store + 1);
        let first_store = *of_cache.start();
        let of_cache: Option<Vec<_>> = stores[of_cache].iter().map(cached::planned).collect();
        let place = |store: usize, group| match &of_cache {
            Some(_) => (store, group),
            None => (stores[store].input, group),
        };
        each(PlannedUnit {
            first_input,
            files: (first_input..=last_input)
                .map(|input| table.file(&inputs[input], &fingerprints[input]))
                .collect(),
            first: place(first.store, first.row_group),
            last: place(last.store, last.row_group),
            first_store: of_cache.as_ref().map_or(0, |_| first_store),
            stores: of_cache.unwrap_or_default(),
        })?;
    }
    Ok(table)
}

/// The plan of some units alone: reads the footers of their files, and of one file of each schema.
///
/// # Errors
/// When a file isn't what it was; `damaged` if the units aren't in the files that were proven.
pub fn plan_part(
    context: Context<'_>,
    spec: &JobSpec,
    part: &Part,
    damaged: impl Fn() -> Error,
) -> Result<Plan> {
    let stores = match &part.cache {
        Some(cache) => cached::stores(context, cache, part.numbers)?,
        None => input_stores(context, part)?,
    };
    let prepared = stores.settle(context, spec, |schema, stores| {
        let ends: Vec<_> = part
            .units
            .iter()
            .map(|unit| [unit.first, unit.last])
            .collect();
        Table::of_units(schema, stores, part.numbers, &ends).ok_or_else(&damaged)
    })?;
    Ok(Plan {
        fingerprints: part.fingerprints.clone(),
        rows: Rows::Table(Box::new(prepared)),
    })
}

/// The inputs, each proven to be what it was.
fn input_stores(context: Context<'_>, part: &Part) -> Result<Stores> {
    let mut stores = Stores::default();
    let open = |input: &InputFile, print: &Fingerprint| {
        unchanged(input, print)?;
        let file = guarded(|| ParquetFile::open(&input.path, context.memory));
        file.map(|file| Planned::of(&file))
            .map_err(|error| error.at(Place::path(&input.path)))
    };
    for (input, print) in &part.schemas {
        stores.schema(&open(input, print)?)?;
    }
    context.ordered(context.inputs.len()).run(
        |index| {
            let file = open(&context.inputs[index], &part.fingerprints[index])?;
            context.advanced(Pass::Plan, 0, 0);
            Ok(file)
        },
        |index, file| stores.add(index, &context.inputs[index].path, &file),
    )?;
    Ok(stores)
}
