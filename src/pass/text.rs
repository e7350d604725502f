//! Text in pass 1: records found, parsed once into columns, and types settled over all rows.
//!
//! Every unit of text becomes a Parquet file in the staging directory, each column with the narrowest
//! type that holds the unit's values. Types are settled over all units; a unit that had read numbers
//! in a column that turned out to be text is read again, since `007` must stay what it was. After
//! that, text is a table like any other.

use std::path::{Path, PathBuf};

use super::Context;
use super::plan::{Prepared, Rows, Stores};
use crate::engine::{Ordered, Pass};
use crate::error::{DataError, Result};
use crate::sink::cache::write_cache;
use crate::source::parquet::ParquetFile;
use crate::source::text::{ColumnRequest, ColumnType, TextBatch, TextFile, TextUnit};
use crate::spec::JobSpec;

/// Text that is scanned, parsed and cached as one.
const RANGE_BYTES: u64 = 64 << 20;
/// What parsing a range takes at most, measured on narrow tables: its text, columns and cache file.
const PART_MEMORY_BYTES: u64 = 192 << 20;
/// Rows in a row group of the cache: a multiple of the statistics' 4,096.
const CACHE_GROUP_ROWS: usize = 128 << 10;

/// The table behind a plan; for text, reads all of it once.
///
/// # Errors
/// When a record is malformed, the files' columns don't match, or the cache can't be written.
pub fn settle(context: Context<'_>, spec: &JobSpec, rows: Rows, cache: &Path) -> Result<Prepared> {
    match rows {
        Rows::Table(prepared) => Ok(*prepared),
        Rows::Text(headers) => {
            let text = Text {
                context,
                spec,
                headers: &headers,
                cache,
            };
            text.table(text.cached()?)
        }
    }
}

struct Text<'a> {
    context: Context<'a>,
    spec: &'a JobSpec,
    headers: &'a [Vec<String>],
    cache: &'a Path,
}

/// What is parsed by one thread: a range of a plain file, or all of a compressed one.
struct Part {
    input: usize,
    unit: Option<TextUnit>,
}

/// A parsed part: its files in the cache, and the type of each of its columns.
struct Cached {
    paths: Vec<PathBuf>,
    types: Vec<ColumnType>,
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
        let mut cached = self
            .parsers(parts.len())
            .collect(|index| self.parse(index, &parts[index], &inferred[parts[index].input]))?;
        let settled = self.settled(&parts, &cached);
        let again: Vec<usize> = (0..parts.len())
            .filter(|index| {
                let settled = &settled[parts[*index].input];
                cached[*index]
                    .types
                    .iter()
                    .zip(settled)
                    .any(|(own, all)| must_reread(*own, *all))
            })
            .collect();
        let reread = self.parsers(again.len()).collect(|turn| {
            let part = &parts[again[turn]];
            let requests: Vec<ColumnRequest> = settled[part.input]
                .iter()
                .map(|all| ColumnRequest::As(*all))
                .collect();
            self.parse(again[turn], part, &requests)
        })?;
        for (index, new) in again.into_iter().zip(reread) {
            cached[index] = new;
        }
        Ok(parts.into_iter().zip(cached).collect())
    }

    /// Finds the records of all plain files, and with them the parts.
    fn parts(&self) -> Result<Vec<Part>> {
        let mut ranges = Vec::new();
        for (input, file) in self.context.inputs.iter().enumerate() {
            let file = TextFile::open(&file.path, &self.spec.input.dialect)?;
            if file.is_compressed() {
                ranges.push((input, None));
            } else {
                ranges.extend(
                    file.ranges(RANGE_BYTES)
                        .into_iter()
                        .map(|range| (input, Some(range))),
                );
            }
        }
        let summaries = self.context.ordered(ranges.len()).collect(|index| {
            let (input, range) = &ranges[index];
            let file = self.open(*input)?;
            range.clone().map(|range| file.scan(range)).transpose()
        })?;
        let mut parts = Vec::new();
        let mut rest = ranges.iter().zip(summaries).peekable();
        while let Some(((input, _), summary)) = rest.next() {
            let Some(first) = summary else {
                parts.push(Part {
                    input: *input,
                    unit: None,
                });
                continue;
            };
            let mut of_file = vec![first];
            while let Some((_, summary)) = rest.next_if(|((next, _), _)| next == input) {
                of_file.extend(summary);
            }
            let units = self.open(*input)?.stitch(&of_file).units;
            parts.extend(units.into_iter().map(|unit| Part {
                input: *input,
                unit: Some(unit),
            }));
        }
        Ok(parts)
    }

    /// As many threads as the budget has room for: a part and its columns are held in memory whole.
    fn parsers(&self, parts: usize) -> Ordered<'_> {
        let room = self.spec.resources.memory_bytes_max / PART_MEMORY_BYTES;
        let threads = usize::try_from(room).unwrap_or(usize::MAX);
        self.context
            .ordered_on(threads.clamp(1, self.context.threads), parts)
    }

    fn open(&self, input: usize) -> Result<TextFile> {
        TextFile::open(&self.context.inputs[input].path, &self.spec.input.dialect)
    }

    fn requests(&self, names: &[String]) -> Vec<ColumnRequest> {
        names
            .iter()
            .map(|name| match self.spec.columns.text.contains(name) {
                true => ColumnRequest::As(ColumnType::Text),
                false => ColumnRequest::Infer,
            })
            .collect()
    }

    fn parse(&self, index: usize, part: &Part, requests: &[ColumnRequest]) -> Result<Cached> {
        let file = self.open(part.input)?;
        let names = &self.headers[part.input];
        let mut cached = Cached {
            paths: Vec::new(),
            types: vec![ColumnType::Null; names.len()],
        };
        let mut keep = |batch: TextBatch| {
            self.context.cancel.check()?;
            let path = self
                .cache
                .join(format!("{index:07}-{:04}.parquet", cached.paths.len()));
            for (column, merged) in batch.columns.iter().zip(&mut cached.types) {
                *merged = merged.merge(column.column_type());
            }
            let settled: Vec<ColumnType> = requests
                .iter()
                .map(|request| match request {
                    ColumnRequest::As(settled) => *settled,
                    _ => ColumnType::Null,
                })
                .collect();
            write_cache(&path, names, &batch, &settled, CACHE_GROUP_ROWS)?;
            cached.paths.push(path);
            self.context.advanced(Pass::Split, 0, batch.source_bytes);
            Ok(())
        };
        match &part.unit {
            Some(unit) => keep(file.parse(unit, requests)?)?,
            None => {
                let segment = usize::try_from(RANGE_BYTES).unwrap_or(usize::MAX);
                file.parse_stream(requests, segment, keep)?;
            }
        }
        Ok(cached)
    }

    /// The type of each column over all parts, in the order of each file's own header.
    fn settled(&self, parts: &[Part], cached: &[Cached]) -> Vec<Vec<ColumnType>> {
        let mut by_name: Vec<(&str, ColumnType)> = self
            .headers
            .first()
            .map(|names| {
                names
                    .iter()
                    .map(|name| (name.as_str(), ColumnType::Null))
                    .collect()
            })
            .unwrap_or_default();
        by_name.sort_unstable();
        let position = |by_name: &[(&str, ColumnType)], name: &str| {
            by_name.binary_search_by(|(other, _)| (*other).cmp(name))
        };
        for (part, cached) in parts.iter().zip(cached) {
            for (name, own) in self.headers[part.input].iter().zip(&cached.types) {
                if let Ok(index) = position(&by_name, name) {
                    by_name[index].1 = by_name[index].1.merge(*own);
                }
            }
        }
        self.headers
            .iter()
            .map(|names| {
                names
                    .iter()
                    .map(|name| position(&by_name, name).map_or(ColumnType::Null, |i| by_name[i].1))
                    .collect()
            })
            .collect()
    }

    fn table(&self, cached: Vec<(Part, Cached)>) -> Result<Prepared> {
        let mut stores = Stores::default();
        for (part, cached) in cached {
            for path in cached.paths {
                let input = &self.context.inputs[part.input].path;
                stores.add(part.input, input, &ParquetFile::open(&path)?)?;
            }
        }
        if stores.is_empty() {
            return Err(DataError::NoRows {
                files: self.context.inputs.len() as u64,
            }
            .into());
        }
        stores.finish(self.context, self.spec)
    }
}

/// Whether a part that read a column as `own` must read it again now that it is `all`: as text, fields
/// stay what they were; and integers stay integers where another part had nothing but missing values.
fn must_reread(own: ColumnType, all: ColumnType) -> bool {
    match (own, all) {
        (own, ColumnType::Text) => own != ColumnType::Text,
        (ColumnType::Null, all) => all == ColumnType::Int64,
        _ => false,
    }
}
