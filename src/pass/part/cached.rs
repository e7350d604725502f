//! Units of text: columns in the cache, where planning has left them.
//!
//! Invariant: a file of the cache is read only once its whole checksum is what it was, and again when all is
//! done: nobody but `prep` writes there, but it isn't synced to disk, and a machine that went down may have
//! torn it. Of files that only give a schema, the footer is read and no more.

use std::path::{Path, PathBuf};

use super::super::stores::{Planned, Stores};
use super::Context;
use crate::artifact::planned::PlannedStore;
use crate::engine::{Pass, guarded};
use crate::error::{Error, OutputError, Place, Result};
use crate::source::file_digest;
use crate::source::parquet::ParquetFile;
use crate::source::table::{Numbers, Store, Table};

const AGAIN: &str = "it was removed or damaged since text was parsed: make the plan again";

/// What units of text are read from.
#[derive(Debug)]
pub struct CachePart {
    /// Where the cache is on this machine.
    pub directory: PathBuf,
    /// One file of each schema.
    pub schemas: Vec<PlannedStore>,
    /// The files of the units, without gap.
    pub stores: Vec<PlannedStore>,
}

/// What is written down of a store, if it is a file of the cache.
pub(super) fn planned(store: &Store) -> Option<PlannedStore> {
    let (bytes, xxh3_128) = store.cached?;
    Some(PlannedStore {
        name: store.path.file_name()?.to_string_lossy().into_owned(),
        input: store.input,
        first_row: store.groups.first().map_or(0, |group| group.first_row),
        bytes,
        xxh3_128,
    })
}

/// The files of some units, each proven to be what it was.
pub(super) fn stores(context: Context<'_>, cache: &CachePart, numbers: Numbers) -> Result<Stores> {
    let mut stores = Stores::default();
    let path = |store: &PlannedStore| cache.directory.join(&store.name);
    let open = |store: &PlannedStore| {
        let path = path(store);
        let file = guarded(|| ParquetFile::open(&path, context.memory));
        let file = file.map_err(|error| error.at(Place::path(&path)).hint(AGAIN))?;
        Ok(Planned::in_cache(&file, store.bytes, store.xxh3_128))
    };
    for schema in &cache.schemas {
        stores.schema(&open(schema)?)?;
    }
    context.ordered(cache.stores.len()).run(
        |index| {
            let store = &cache.stores[index];
            prove(context, &path(store), (store.bytes, store.xxh3_128))?;
            context.advanced(Pass::Plan, 0, 0);
            open(store)
        },
        |index, file| {
            let PlannedStore {
                input, first_row, ..
            } = &cache.stores[index];
            let input = input.checked_sub(numbers.input);
            let found = input.and_then(|input| Some((input, context.inputs.get(input)?)));
            let (input, of) = found.ok_or_else(|| lost(&path(&cache.stores[index])))?;
            stores.add_from(*first_row, input, &of.path, &file)
        },
    )?;
    Ok(stores)
}

/// Makes sure that what was read of the cache is still what it was when it was planned with.
///
/// # Errors
/// [`OutputError::WorkMissing`] naming the first file that isn't.
pub fn check_cache(context: Context<'_>, table: &Table) -> Result<()> {
    let stores = &table.stores;
    context.ordered(stores.len()).run(
        |index| match stores[index].cached {
            Some(proof) => prove(context, &stores[index].path, proof),
            None => Ok(()),
        },
        |_, ()| Ok(()),
    )
}

fn prove(context: Context<'_>, path: &Path, proof: (u64, u128)) -> Result<()> {
    let found = file_digest(path, || context.cancel.check().is_ok());
    context.cancel.check()?;
    match found.is_ok_and(|found| found == proof) {
        true => Ok(()),
        false => Err(lost(path)),
    }
}

/// The error of a file of the cache that isn't what it was.
fn lost(path: &Path) -> Error {
    let what = "parsed text".to_owned();
    Error::from(OutputError::WorkMissing { what })
        .at(Place::path(path))
        .hint(AGAIN)
}
