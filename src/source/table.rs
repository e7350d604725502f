//! The table as the passes see it: stores, pieces and units.
//!
//! A *store* is a Parquet file that can be read: an input, or a part of a text input as pass 1 left
//! it in the cache. A *piece* is one row group of a store. A *unit* is a run of consecutive pieces,
//! about a million rows or 128 MiB: the unit of memory, retry and distribution. Units follow from
//! the inputs alone, never from threads, memory or engine.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::engine::Memory;
use crate::error::{Error, InputError, Place, Result};
use crate::schema::{Schema, SharedLayout};
use crate::source::discover::CHANGED_HINT;
use crate::source::parquet::{PagesRead, ParquetFile, Witness};

/// The most rows that pieces are gathered up to; a single larger row group is a unit of its own.
pub const UNIT_ROWS: u64 = 1 << 20;
/// The most uncompressed bytes that pieces are gathered up to; likewise.
pub const UNIT_BYTES: u64 = 128 << 20;
/// The most stores in a unit, all of which are open while it runs.
const UNIT_STORES: usize = 128;
/// The most column chunks that pieces are gathered up to: footers say some hundred bytes of each.
const UNIT_CHUNKS: usize = 16 << 10;
/// Of wide tables, this many pieces may have more chunks than that: a wide table gets more memory.
const UNIT_PIECES_WIDE: usize = 8;

/// All rows of a run, with the schema they share.
#[derive(Debug)]
pub struct Table {
    /// The columns.
    pub schema: Schema,
    /// What is read, in the order of the inputs.
    pub stores: Vec<Store>,
    /// The work, in order.
    pub units: Vec<Unit>,
    /// Number of the first input among those of the job, if this is a part of it.
    pub first_input: usize,
}

/// Numbers of the first unit, input and store of a part of a table, among those of the whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers {
    /// Of the unit.
    pub unit: usize,
    /// Of the input.
    pub input: usize,
    /// Of the store.
    pub store: usize,
}

/// A Parquet file that holds consecutive rows of one input.
#[derive(Debug, Clone)]
pub struct Store {
    /// Where it is.
    pub path: PathBuf,
    /// Index of its input among the run's inputs.
    pub input: usize,
    /// Bytes and XXH3-128, if it is a part of the cache, and not that input itself, which others may write.
    pub cached: Option<(u64, u128)>,
    /// Where it keeps each column.
    pub layout: SharedLayout,
    /// What its footer takes in memory.
    pub footer_bytes: u64,
    /// Its row groups.
    pub groups: Vec<Group>,
}

/// One row group of a store.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Index, in its input file, of its first row.
    pub first_row: u64,
    /// Rows.
    pub rows: u64,
    /// Uncompressed bytes.
    pub bytes: u64,
}

/// One row group of one store, as part of a unit.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    /// Index of the store.
    pub store: usize,
    /// Index of the row group in the store.
    pub row_group: usize,
    /// Index, in its input file, of its first row.
    pub first_row: u64,
    /// Rows, at least 1.
    pub rows: usize,
}

/// Consecutive pieces that are worked on together.
#[derive(Debug, Clone)]
pub struct Unit {
    /// Its number, from 0.
    pub index: usize,
    /// Its pieces, in order.
    pub pieces: Vec<Piece>,
    /// Rows of all pieces.
    pub rows: usize,
    /// Uncompressed bytes of all pieces.
    pub bytes: u64,
}

impl Table {
    /// Cuts the stores into units of up to `unit_rows` rows ([`UNIT_ROWS`] unless testing).
    pub fn new(schema: Schema, stores: Vec<Store>, unit_rows: u64) -> Self {
        let mut units: Vec<Unit> = Vec::new();
        for (store, content) in stores.iter().enumerate() {
            let leaves = content.layout.columns.iter().map(|column| column.leaves);
            let pieces_max = (UNIT_CHUNKS / leaves.sum::<usize>().max(1)).max(UNIT_PIECES_WIDE);
            let limits = (unit_rows, pieces_max);
            for (row_group, group) in content.groups.iter().enumerate() {
                let Ok(rows @ 1..) = usize::try_from(group.rows) else {
                    continue;
                };
                let piece = Piece {
                    store,
                    row_group,
                    first_row: group.first_row,
                    rows,
                };
                match units.last_mut() {
                    Some(unit) if unit.has_room(piece, group.bytes, limits) => {
                        unit.add(piece, group.bytes);
                    }
                    _ => units.push(Unit {
                        index: units.len(),
                        pieces: vec![piece],
                        rows,
                        bytes: group.bytes,
                    }),
                }
            }
        }
        Self {
            schema,
            stores,
            units,
            first_input: 0,
        }
    }

    /// Some consecutive units of a larger table, `numbers` being those of the first; each is given by the
    /// stores and row groups that it begins and ends with. `None` if the stores don't have those, or no
    /// rows in them.
    pub fn of_units(
        schema: Schema,
        stores: Vec<Store>,
        numbers: Numbers,
        ends: &[[(usize, usize); 2]],
    ) -> Option<Self> {
        let mut units = Vec::with_capacity(ends.len());
        for (place, [first, last]) in ends.iter().enumerate() {
            let at =
                |(store, group): (usize, usize)| Some((store.checked_sub(numbers.store)?, group));
            units.push(Unit::between(
                &stores,
                numbers.unit + place,
                at(*first)?,
                at(*last)?,
            )?);
        }
        Some(Self {
            schema,
            stores,
            units,
            first_input: numbers.input,
        })
    }

    /// Rows in all.
    pub fn rows(&self) -> u64 {
        self.units.iter().map(|unit| unit.rows as u64).sum()
    }

    /// Uncompressed bytes in all.
    pub fn bytes(&self) -> u64 {
        let bytes = self.units.iter().map(|unit| unit.bytes);
        bytes.fold(0, u64::saturating_add)
    }

    /// The numbers of the units, among those of the job.
    pub fn numbers(&self) -> Range<usize> {
        let first = self.units.first().map_or(0, |unit| unit.index);
        first..first + self.units.len()
    }

    /// What the footers of a unit's stores take in memory.
    pub fn footer_bytes(&self, unit: &Unit) -> u64 {
        let (Some(first), Some(last)) = (unit.pieces.first(), unit.pieces.last()) else {
            return 0;
        };
        let stores = self.stores[first.store..=last.store].iter();
        stores.map(|store| store.footer_bytes).sum()
    }

    /// Rows of each of `inputs` inputs.
    pub fn rows_by_input(&self, inputs: usize) -> Vec<u64> {
        let mut rows = vec![0; inputs];
        for store in &self.stores {
            rows[store.input] += store.groups.iter().map(|group| group.rows).sum::<u64>();
        }
        rows
    }
}

impl Unit {
    /// That of all row groups from one to another, by store and row group.
    fn between(
        stores: &[Store],
        index: usize,
        first: (usize, usize),
        last: (usize, usize),
    ) -> Option<Self> {
        let mut unit = Self {
            index,
            pieces: Vec::new(),
            rows: 0,
            bytes: 0,
        };
        stores.get(last.0)?.groups.get(last.1)?;
        for (store, content) in stores.iter().enumerate().take(last.0 + 1).skip(first.0) {
            for (row_group, group) in content.groups.iter().enumerate() {
                let rows = usize::try_from(group.rows).ok()?;
                if rows > 0 && (first..=last).contains(&(store, row_group)) {
                    let piece = Piece {
                        store,
                        row_group,
                        first_row: group.first_row,
                        rows,
                    };
                    unit.add(piece, group.bytes);
                }
            }
        }
        (unit.rows > 0).then_some(unit)
    }

    fn has_room(&self, piece: Piece, bytes: u64, (rows_max, pieces_max): (u64, usize)) -> bool {
        let stores = self
            .pieces
            .first()
            .map_or(0, |first| piece.store - first.store + 1);
        self.rows as u64 + piece.rows as u64 <= rows_max
            && self.pieces.len() < pieces_max
            && self.bytes.saturating_add(bytes) <= UNIT_BYTES
            && stores <= UNIT_STORES
    }

    fn add(&mut self, piece: Piece, bytes: u64) {
        self.rows += piece.rows;
        self.bytes = self.bytes.saturating_add(bytes);
        self.pieces.push(piece);
    }
}

/// One unit with the files it is read from, each opened when it is first needed.
#[derive(Debug)]
pub struct OpenUnit<'a> {
    /// The table the unit is of.
    pub table: &'a Table,
    /// The unit.
    pub unit: &'a Unit,
    memory: &'a Memory,
    first_store: usize,
    files: Vec<OnceLock<ParquetFile>>,
    witnesses: Vec<Witness>,
}

impl<'a> OpenUnit<'a> {
    /// Prepares to read `unit` within `memory`; nothing is opened yet.
    pub fn new(table: &'a Table, unit: &'a Unit, memory: &'a Memory) -> Self {
        let first_store = unit.pieces.first().map_or(0, |piece| piece.store);
        let end_store = unit.pieces.last().map_or(0, |piece| piece.store + 1);
        Self {
            table,
            unit,
            memory,
            first_store,
            files: (first_store..end_store).map(|_| OnceLock::new()).collect(),
            witnesses: vec![Witness::None; end_store - first_store],
        }
    }

    /// Keeps the digests of what is read of each input from now on.
    #[must_use]
    pub fn recording(mut self) -> Self {
        let stores = &self.table.stores[self.first_store..];
        for (witness, store) in self.witnesses.iter_mut().zip(stores) {
            if store.cached.is_none() {
                *witness = Witness::record();
            }
        }
        self
    }

    /// Compares what is read from now on with what [`OpenUnit::pages_read`] said of an earlier
    /// reading.
    #[must_use]
    pub fn comparing(mut self, pages: Vec<PagesRead>) -> Self {
        for (witness, pages) in self.witnesses.iter_mut().zip(pages) {
            *witness = Witness::Compare(pages.into());
        }
        self
    }

    /// Keeps what [`OpenUnit::pages_read`] said of an earlier reading as well, if anything is kept.
    pub fn add_pages_read(&self, pages: &[PagesRead]) {
        for (witness, pages) in self.witnesses.iter().zip(pages) {
            witness.add(pages);
        }
    }

    /// Whether what is read is compared with an earlier reading.
    pub fn is_comparing(&self) -> bool {
        let mut witnesses = self.witnesses.iter();
        witnesses.any(|witness| matches!(witness, Witness::Compare(_)))
    }

    /// What was read of each store, if it is kept.
    pub fn pages_read(&self) -> Vec<PagesRead> {
        self.witnesses.iter().map(Witness::pages_read).collect()
    }

    /// The file of `piece`, opened now if it wasn't before.
    ///
    /// # Errors
    /// When it can't be opened, or is no longer the file that was planned with.
    pub fn file(&self, piece: &Piece) -> Result<&ParquetFile> {
        let index = piece.store - self.first_store;
        let cell = &self.files[index];
        if let Some(file) = cell.get() {
            return Ok(file);
        }
        let store = self.store(piece);
        let file = ParquetFile::open(&store.path, self.memory)?;
        let file = file.witnessed(self.witnesses[index].clone());
        let groups = file.metadata().row_groups();
        let changed = |what, before: u64, after: u64| {
            Error::from(InputError::Changed {
                what,
                before: before.to_string(),
                after: after.to_string(),
            })
            .at(Place::path(&store.path))
            .hint(CHANGED_HINT)
        };
        if groups.len() != store.groups.len() {
            let (before, after) = (store.groups.len() as u64, groups.len() as u64);
            return Err(changed("number of row groups", before, after));
        }
        let leaves = store
            .layout
            .columns
            .iter()
            .map(|column| column.leaves as u64)
            .sum();
        for (found, planned) in groups.iter().zip(&store.groups) {
            let rows = u64::try_from(found.num_rows()).unwrap_or(0);
            if rows != planned.rows {
                return Err(changed("number of rows in a row group", planned.rows, rows));
            }
            if found.num_columns() as u64 != leaves {
                return Err(changed(
                    "number of columns",
                    leaves,
                    found.num_columns() as u64,
                ));
            }
        }
        // Two threads may both have opened it; either file will do.
        Ok(cell.get_or_init(|| file))
    }

    /// The store of `piece`.
    pub fn store(&self, piece: &Piece) -> &'a Store {
        &self.table.stores[piece.store]
    }
}
