//! The stores of a table, gathered one by one: their schemas are unified, their rows counted.

use std::path::{Path, PathBuf};

use parquet::file::metadata::FileMetaData;

use super::plan::Prepared;
use super::{Context, SplitPlan};
use crate::error::{DataError, Result};
use crate::schema::{Schema, SharedLayout, Unifier, output_schema};
use crate::source::parquet::ParquetFile;
use crate::source::table::{Group, Store, Table, UNIT_ROWS};
use crate::spec::JobSpec;

/// What is kept of a file: of a footer, most is needed only once its row groups are read.
#[derive(Debug)]
pub(super) struct Planned {
    path: PathBuf,
    metadata: FileMetaData,
    footer_bytes: u64,
    /// Rows and uncompressed bytes.
    groups: Vec<(u64, u64)>,
    /// Bytes and XXH3-128 of a file of the cache.
    cached: Option<(u64, u128)>,
}

impl Planned {
    pub(super) fn of(file: &ParquetFile) -> Self {
        let size = |value: i64| u64::try_from(value).unwrap_or(0);
        let groups = file.metadata().row_groups().iter();
        Self {
            path: file.path().to_path_buf(),
            metadata: file.metadata().file_metadata().clone(),
            footer_bytes: file.footer_bytes(),
            groups: groups
                .map(|group| (size(group.num_rows()), size(group.total_byte_size())))
                .collect(),
            cached: None,
        }
    }

    /// The same of a file of the cache that had this size and digest.
    pub(super) fn in_cache(file: &ParquetFile, bytes: u64, digest: u128) -> Self {
        Self {
            cached: Some((bytes, digest)),
            ..Self::of(file)
        }
    }
}

/// Gathers stores and unifies their schemas.
#[derive(Debug, Default)]
pub(super) struct Stores {
    unifier: Option<Unifier>,
    first: Option<FileMetaData>,
    stores: Vec<Store>,
    rows_before: u64,
}

impl Stores {
    /// Adds the next file, which holds the next rows of `input`.
    ///
    /// `name` is the path that messages name: a part of a text file is known by its input.
    pub(super) fn add(&mut self, input: usize, name: &Path, file: &Planned) -> Result<()> {
        let same_input = self.stores.last().is_some_and(|store| store.input == input);
        let first_row = if same_input { self.rows_before } else { 0 };
        self.add_from(first_row, input, name, file)
    }

    /// The same where the file's first row is known.
    pub(super) fn add_from(
        &mut self,
        mut first_row: u64,
        input: usize,
        name: &Path,
        file: &Planned,
    ) -> Result<()> {
        let layout = self.layout(name, &file.metadata)?;
        let groups = file
            .groups
            .iter()
            .map(|&(rows, bytes)| {
                let group = Group {
                    first_row,
                    rows,
                    bytes,
                };
                first_row += rows;
                group
            })
            .collect();
        self.rows_before = first_row;
        self.stores.push(Store {
            path: file.path.clone(),
            input,
            cached: file.cached,
            layout,
            footer_bytes: file.footer_bytes,
            groups,
        });
        Ok(())
    }

    /// Takes in the schema of a file whose rows aren't added.
    pub(super) fn schema(&mut self, file: &Planned) -> Result<()> {
        self.layout(&file.path, &file.metadata).map(drop)
    }

    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.stores.is_empty()
    }

    fn layout(&mut self, name: &Path, metadata: &FileMetaData) -> Result<SharedLayout> {
        let descriptor = metadata.schema_descr();
        match &mut self.unifier {
            Some(unifier) => unifier.add(name, descriptor),
            None => {
                let (unifier, layout) = Unifier::new(name, metadata)?;
                self.unifier = Some(unifier);
                self.first = Some(metadata.clone());
                Ok(layout)
            }
        }
    }

    /// The table of everything that was added.
    pub(super) fn finish(self, context: Context<'_>, spec: &JobSpec) -> Result<Prepared> {
        let known = context.known.inputs;
        self.settle(context, spec, |schema, stores| {
            let stores = stores.into_iter();
            let stores = stores.filter(|store| store.input >= known).collect();
            Ok(Table::new(schema, stores, UNIT_ROWS))
        })
    }

    /// The same where `table` says which units there are.
    pub(super) fn settle(
        self,
        context: Context<'_>,
        spec: &JobSpec,
        table: impl FnOnce(Schema, Vec<Store>) -> Result<Table>,
    ) -> Result<Prepared> {
        let unifier = self.unifier.ok_or(DataError::NoRows { files: 0 })?;
        let folders: Vec<String> = context
            .inputs
            .first()
            .map(|input| input.hive.iter().map(|(key, _)| key.clone()).collect())
            .unwrap_or_default();
        let schema = unifier.finish(&folders, &spec.columns, &spec.split)?;
        SplitPlan::new(context, &schema, &spec.split)?;
        let output = output_schema(
            &schema,
            self.first.as_ref(),
            spec.output.dtype,
            spec.fit.on_inf,
        )?;
        let table = table(schema, self.stores)?;
        Ok(Prepared { table, output })
    }
}
