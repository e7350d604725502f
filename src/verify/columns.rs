//! Where a Parquet file keeps each of the table's columns, by name.

use std::collections::BTreeMap;
use std::path::Path;

use parquet::basic::Type as PhysicalType;
use parquet::schema::types::TypePtr;

use crate::engine::{Memory, guarded};
use crate::error::Result;
use crate::source::parquet::ParquetFile;

/// A column of one file.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// Its type.
    pub(super) root: TypePtr,
    /// Index of its first leaf.
    pub(super) first_leaf: usize,
    /// How many leaves it has.
    pub(super) leaves: usize,
}

/// An open file with its columns.
#[derive(Debug)]
pub(super) struct Opened {
    /// What findings call it.
    pub(super) name: String,
    pub(super) file: ParquetFile,
    pub(super) columns: BTreeMap<String, Stored>,
}

impl Opened {
    /// Looks the columns up.
    pub(super) fn new(name: String, file: ParquetFile) -> Self {
        let schema = file.metadata().file_metadata().schema_descr();
        let mut columns = BTreeMap::new();
        let mut first_leaf = 0;
        for (index, root) in schema.root_schema().get_fields().iter().enumerate() {
            let leaves = (first_leaf..schema.num_columns())
                .take_while(|leaf| schema.get_column_root_idx(*leaf) == index)
                .count();
            let root = root.clone();
            columns.insert(
                root.name().to_owned(),
                Stored {
                    root,
                    first_leaf,
                    leaves,
                },
            );
            first_leaf += leaves;
        }
        Self {
            name,
            file,
            columns,
        }
    }

    /// Rows of each row group.
    pub(super) fn group_rows(&self) -> impl Iterator<Item = usize> {
        let groups = self.file.metadata().row_groups().iter();
        groups.map(|group| usize::try_from(group.num_rows()).unwrap_or(0))
    }

    /// How a leaf is stored.
    pub(super) fn physical_type(&self, leaf: usize) -> PhysicalType {
        let schema = self.file.metadata().file_metadata().schema_descr();
        schema.column(leaf).physical_type()
    }

    /// Levels of a leaf: the largest definition level, and whether it may be nested.
    pub(super) fn levels(&self, leaf: usize) -> (i16, bool) {
        let descriptor = self
            .file
            .metadata()
            .file_metadata()
            .schema_descr()
            .column(leaf);
        let top = descriptor.max_def_level();
        (top, top > 1 || descriptor.max_rep_level() > 0)
    }

    /// Opens the file at `path`.
    ///
    /// # Errors
    /// When it can't be opened or its footer is damaged.
    pub(super) fn open(name: String, path: &Path, memory: &Memory) -> Result<Self> {
        guarded(|| ParquetFile::open(path, memory)).map(|file| Self::new(name, file))
    }
}
