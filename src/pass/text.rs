//! Text in pass 1: records found, parsed once into columns, and types settled over all rows.
//!
//! Every unit of text becomes a Parquet file in the staging directory, each column with the narrowest
//! type that holds the unit's values. Types are settled over all units; where a unit had read numbers
//! in a column that turned out to be text, that column is read again, since `007` must stay what it
//! was. After that, text is a table like any other.

mod parts;
mod types;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Context;
use super::plan::{Prepared, Rows};
use super::stores::{Planned, Stores};
use crate::artifact::hex128;
use crate::engine::Pass;
use crate::error::{DataError, Error, InputError, Place, Result, TextError};
use crate::sink::cache::{CacheFile, remove_cache, rewrite_cache, write_cache};
use crate::sink::{Partials, Written};
use crate::source::discover::CHANGED_HINT;
use crate::source::parquet::ParquetFile;
use crate::source::text::{ColumnRequest, ColumnType, TextBatch, TextUnit};
use crate::spec::JobSpec;

use parts::{Part, SEGMENT_BYTES};
use types::{Found, rereading, settle_types, settled_types};

/// Rows in a row group of the cache: a multiple of the statistics' 4,096.
const CACHE_GROUP_ROWS: usize = 128 << 10;

/// The table behind a plan; for text, reads all of it once.
///
/// # Errors
/// When a record is malformed, the files' columns don't match, or the cache can't be written.
pub fn settle(
    context: Context<'_>,
    spec: &JobSpec,
    rows: Rows,
    cache: &Path,
    partials: &Partials,
) -> Result<Prepared> {
    match rows {
        Rows::Table(prepared) => Ok(*prepared),
        Rows::Text(plan) => {
            let text = Text {
                context,
                spec,
                headers: &plan.headers,
                types: &plan.types,
                cache,
                partials,
            };
            text.table(text.cached()?)
        }
    }
}

struct Text<'a> {
    context: Context<'a>,
    spec: &'a JobSpec,
    headers: &'a [Vec<String>],
    types: &'a [(String, ColumnType)],
    cache: &'a Path,
    partials: &'a Partials,
}

/// A parsed part: its files in the cache.
type Cached = Vec<CachedFile>;

/// A file in the cache, and what each of its columns holds.
#[derive(Serialize, Deserialize)]
struct CachedFile {
    /// Its name in the cache.
    name: String,
    rows: usize,
    columns: Vec<Found>,
    /// Of what it was read from: the source as scanned, or the records of a compressed one.
    #[serde(with = "hex128")]
    digest: u128,
    /// Its own bytes and checksum.
    written: Written,
}

/// The name of a part's first reading, whose types are found out, in partials and cache files.
fn first_name(part: usize) -> String {
    format!("text-{part:07}")
}

/// The same of a second reading, whose types are settled.
fn again_name(part: usize) -> String {
    format!("again-{part:07}")
}

impl Text<'_> {
    /// Parses everything and settles the types; one entry per part, in order of the rows.
    fn cached(&self) -> Result<Vec<(Part, Cached)>> {
        let parts = self.parts()?;
        let inferred: Vec<Vec<ColumnRequest>> = self
            .headers
            .iter()
            .map(|names| self.requests(names))
            .collect();
        let parsers = self.parsers(&parts)?;
        let parse_all = self.context.ordered_on(parsers, parts.len());
        let mut cached = parse_all.collect(|index| {
            let part = &parts[index];
            match self.first_reading(index, part)? {
                Some(cached) => Ok(cached),
                None => self.parse(index, part, &inferred[part.input]),
            }
        })?;
        let found = parts.iter().zip(&cached).flat_map(|(part, cached)| {
            let names = &self.headers[part.input];
            cached.iter().map(|file| (names.as_slice(), &file.columns))
        });
        let settled = settle_types(self.headers, self.types, found);
        let rereadings: Vec<Vec<ColumnRequest>> = parts
            .iter()
            .zip(&cached)
            .map(|(part, cached)| {
                let columns: Vec<_> = cached.iter().map(|file| &file.columns).collect();
                rereading(&columns, &settled[part.input])
            })
            .collect();
        let is_read_again = |index: &usize| {
            let mut requests = rereadings[*index].iter();
            requests.any(|request| *request != ColumnRequest::Skip)
        };
        let again: Vec<usize> = (0..parts.len()).filter(is_read_again).collect();
        let parse_again = self.context.ordered_on(parsers, again.len());
        let reread = parse_again.collect(|turn| {
            let index = again[turn];
            if let Some(cached) = self.partials.take_up(&again_name(index)) {
                return self.of_this_content(&parts[index], cached);
            }
            self.parse_again(index, &parts[index], &rereadings[index], &cached[index])
        })?;
        for (index, new) in again.into_iter().zip(reread) {
            cached[index] = new;
        }
        Ok(parts.into_iter().zip(cached).collect())
    }

    /// What an earlier run has found in a part. Its files may be gone, if it was read again.
    fn first_reading(&self, index: usize, part: &Part) -> Result<Option<Cached>> {
        let name = first_name(index);
        let found = self.partials.take_up(&name).or_else(|| {
            let again: Option<Cached> = self.partials.take_up(&again_name(index));
            again.and_then(|_| self.partials.read_without_files(&name))
        });
        found
            .map(|cached| self.of_this_content(part, cached))
            .transpose()
    }

    /// What an earlier run has read, if it was what the scan has read now. The size and time of the
    /// source are those it had: they are part of the job.
    fn of_this_content(&self, part: &Part, cached: Cached) -> Result<Cached> {
        let now = part.unit.as_ref().map(TextUnit::source_digest);
        let other = |now: &u128| cached.iter().find(|file| file.digest != *now);
        match now.and_then(|now| other(&now).map(|old| (old.digest, now))) {
            Some((old, now)) => Err(self.changed_content(part, old, now)),
            None => Ok(cached),
        }
    }

    fn requests(&self, names: &[String]) -> Vec<ColumnRequest> {
        names
            .iter()
            .map(|name| match () {
                () if self.spec.columns.text.contains(name) => ColumnRequest::As(ColumnType::Text),
                () if self.passes_through(name) => ColumnRequest::Keep,
                // What a scaler is applied to is a number, or there is an error with its line.
                () if self.spec.columns.frozen => ColumnRequest::As(ColumnType::Float64),
                () => ColumnRequest::Infer,
            })
            .collect()
    }

    /// Whether a column is none of the features, whatever it holds.
    fn passes_through(&self, name: &String) -> bool {
        let spec = &self.spec.columns;
        let key = self.spec.split.by.columns().contains(name);
        let chosen = spec
            .features
            .as_ref()
            .is_none_or(|names| names.contains(name));
        let weighs = spec.weights.as_ref() == Some(name);
        key || weighs || !chosen || spec.label.contains(name) || spec.exclude.contains(name)
    }

    /// Reads a part for the first time.
    fn parse(&self, index: usize, part: &Part, requests: &[ColumnRequest]) -> Result<Cached> {
        let names = &self.headers[part.input];
        let settled = settled_types(requests);
        self.read_part(&first_name(index), part, requests, |_, path, batch| {
            let file = write_cache(path, names, batch, &settled, CACHE_GROUP_ROWS)?;
            let columns = batch.columns.iter().zip(requests);
            let found = columns.map(|(column, request)| Found {
                of: column.column_type(),
                wide: *request == ColumnRequest::Keep && column.has_wide_integers(),
            });
            Ok((file, found.collect()))
        })
    }

    /// Reads some columns of a part again, each as the type that it settled to; the others are taken
    /// over from the first reading, whose files are then removed.
    fn parse_again(
        &self,
        index: usize,
        part: &Part,
        requests: &[ColumnRequest],
        first: &Cached,
    ) -> Result<Cached> {
        let names = &self.headers[part.input];
        let settled = settled_types(requests);
        let again = self.read_part(&again_name(index), part, requests, |turn, path, batch| {
            let Some(old) = first.get(turn).filter(|old| old.rows == batch.rows) else {
                return Err(self.changed(part, batch, first.get(turn)));
            };
            if old.digest != batch.source_digest {
                // Columns of one content must not stand beside those of another.
                return Err(self.changed_content(part, old.digest, batch.source_digest));
            }
            let old_path = self.cache.join(&old.name);
            let file = rewrite_cache(path, &old_path, names, batch, &settled)?;
            let mut columns = old.columns.clone();
            for column in &batch.columns {
                columns[column.index].of = column.column_type();
            }
            Ok((file, columns))
        })?;
        for file in first {
            remove_cache(&self.cache.join(&file.name))?;
        }
        Ok(again)
    }

    /// Parses a part and keeps each batch by `keep`, which gets its number and the path of its file.
    fn read_part(
        &self,
        name: &str,
        part: &Part,
        requests: &[ColumnRequest],
        keep: impl Fn(usize, &Path, &TextBatch) -> Result<(CacheFile, Vec<Found>)>,
    ) -> Result<Cached> {
        let file = self.open(part.input)?;
        let mut cached = Cached::new();
        let mut files = Vec::new();
        let mut consume = |batch: TextBatch| {
            self.context.cancel.check()?;
            let name = format!("{name}-{:04}.parquet", cached.len());
            let path = self.cache.join(&name);
            let (file, columns) = keep(cached.len(), &path, &batch)?;
            files.push(self.partials.file(&path, file.written));
            cached.push(CachedFile {
                name,
                rows: batch.rows,
                columns,
                digest: batch.source_digest,
                written: file.written,
            });
            self.context.advanced(Pass::Split, 0, batch.source_bytes);
            Ok(())
        };
        match &part.unit {
            Some(unit) => consume(file.parse(unit, requests)?)?,
            None => {
                file.parse_stream(requests, SEGMENT_BYTES, consume)?;
            }
        }
        self.partials.keep(name, &cached, files)?;
        Ok(cached)
    }

    fn changed_content(&self, part: &Part, before: u128, now: u128) -> Error {
        InputError::changed_digest(before, now)
            .at(Place::path(&self.context.inputs[part.input].path))
            .hint(CHANGED_HINT)
    }

    /// The error of a file that has other rows at its second reading.
    fn changed(&self, part: &Part, batch: &TextBatch, old: Option<&CachedFile>) -> Error {
        Error::from(TextError::FileChanged {
            found: batch.first_row + batch.rows as u64,
            expected: batch.first_row + old.map_or(0, |old| old.rows as u64),
        })
        .at(Place::path(&self.context.inputs[part.input].path))
        .hint("wait until it is complete; --settle refuses files that were modified lately")
    }

    fn table(&self, cached: Vec<(Part, Cached)>) -> Result<Prepared> {
        let mut stores = Stores::default();
        for (part, cached) in cached {
            for file in cached {
                let input = &self.context.inputs[part.input].path;
                let path = self.cache.join(&file.name);
                let Written { bytes, digest } = file.written;
                let file = ParquetFile::open(&path, self.context.memory)?;
                stores.add(part.input, input, &Planned::in_cache(&file, bytes, digest))?;
            }
        }
        if stores.is_empty() {
            let mut new = self.context.inputs.iter().skip(self.context.known.inputs);
            let files = new.len() as u64;
            let error = Error::from(DataError::NoRows { files })
                .hint("text without rows has no types: leave it out until it has some");
            let place = new.next().map(|first| Place::path(&first.path));
            return Err(place.into_iter().fold(error, Error::at));
        }
        stores.finish(self.context, self.spec)
    }
}
