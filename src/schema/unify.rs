//! Unification: columns of all files matched by name, in the order of the first file.
//!
//! Integers and floats mix and widen; any other difference is an error that names both files and
//! the column. Files with the same schema share one [`Layout`], so ten thousand of them cost one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::file::metadata::FileMetaData;
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

use super::describe::describe;
use super::fold::{check_no_fold_column, fold_column};
use super::frozen::check_frozen;
use super::hints::Hints;
use super::role::{Candidate, assign_roles};
use super::same::{length, same_storage, same_type};
use super::{Column, NumericKind, Role, Schema, SharedLayout, Treatment};
use crate::error::{DataError, Error, Place, Result, UsageError, escape_path};
use crate::spec::{ColumnSpec, SplitBy, SplitSpec};

/// What to do about files that don't fit together.
pub(crate) const SAME_COLUMNS: &str =
    "all files must have the same columns: choose them with --in, or run on them apart";

/// Where one file keeps each column of the table, folders apart.
#[derive(Debug, Clone)]
pub struct Layout {
    /// One entry per column of the table, in its order.
    pub columns: Vec<LayoutColumn>,
}

/// Where one file keeps one column.
#[derive(Debug, Clone, Copy)]
pub struct LayoutColumn {
    /// Index of its first leaf in the file's schema.
    pub first_leaf: usize,
    /// How many leaves it has: 1 unless it is nested.
    pub leaves: usize,
    /// How the file stores it, if it is a number.
    pub kind: Option<NumericKind>,
}

/// Takes in the schema of one file after the other.
#[derive(Debug)]
pub struct Unifier {
    first_path: PathBuf,
    hints: Hints,
    merged: Vec<Merged>,
    seen: Vec<(TypePtr, SharedLayout)>,
}

#[derive(Debug)]
struct Merged {
    name: String,
    root: TypePtr,
    kind: Option<NumericKind>,
    mixed: bool,
    /// The first file that stores it so that only a feature, read as float64, can be made of all.
    lossy: Option<(PathBuf, String)>,
    nullable: bool,
    folder: Option<usize>,
}

impl Unifier {
    /// Starts with the first file, which sets names and order.
    ///
    /// # Errors
    /// When two of its columns have the same name.
    pub fn new(path: &Path, metadata: &FileMetaData) -> Result<(Self, SharedLayout)> {
        let schema = metadata.schema_descr();
        let hints = Hints::of(metadata);
        let roots = roots(path, schema)?;
        let merged = schema
            .root_schema()
            .get_fields()
            .iter()
            .map(|root| Merged {
                name: root.name().to_string(),
                root: Arc::clone(root),
                kind: NumericKind::of(root).filter(|_| !hints.not_numbers.contains(root.name())),
                mixed: false,
                lossy: None,
                nullable: is_nullable(root),
                folder: None,
            })
            .collect::<Vec<_>>();
        let columns = merged
            .iter()
            .filter_map(|column| roots.get(column.name.as_str()));
        let layout = Arc::new(Layout {
            columns: columns.map(|found| found.column).collect(),
        });
        let unifier = Self {
            first_path: path.to_path_buf(),
            hints,
            merged,
            seen: vec![(schema.root_schema_ptr(), Arc::clone(&layout))],
        };
        Ok((unifier, layout))
    }

    /// Takes in a further file.
    ///
    /// # Errors
    /// When its columns are not those of the first file, or of types that don't mix.
    pub fn add(&mut self, path: &Path, schema: &SchemaDescriptor) -> Result<SharedLayout> {
        let known = self
            .seen
            .iter()
            .find(|(root, _)| **root == *schema.root_schema());
        if let Some((_, layout)) = known {
            return Ok(Arc::clone(layout));
        }
        let mut found = roots(path, schema)?;
        let mut columns = Vec::with_capacity(self.merged.len());
        for merged in &mut self.merged {
            let Some(root) = found.remove(merged.name.as_str()) else {
                return Err(Error::from(DataError::MissingColumn {
                    column: merged.name.clone(),
                    first_file: escape_path(&self.first_path),
                })
                .at(Place::path(path))
                .hint(SAME_COLUMNS));
            };
            merged.take_in(path, root.root).map_err(|expected| {
                Error::from(DataError::ColumnType {
                    column: merged.name.clone(),
                    found: describe(root.root),
                    expected,
                    first_file: escape_path(&self.first_path),
                })
                .at(Place::path(path))
                .hint("prepare the files so that the column has one type, or run on them apart")
            })?;
            columns.push(root.column);
        }
        let fields = schema.root_schema().get_fields();
        if let Some(extra) = fields.iter().find(|field| found.contains_key(field.name())) {
            return Err(Error::from(DataError::ExtraColumn {
                column: extra.name().to_string(),
                first_file: escape_path(&self.first_path),
            })
            .at(Place::path(path))
            .hint(SAME_COLUMNS));
        }
        let layout = Arc::new(Layout { columns });
        self.seen
            .push((schema.root_schema_ptr(), Arc::clone(&layout)));
        Ok(layout)
    }

    /// The table's schema: the unified columns, then one per `key=value` folder whose name no file
    /// uses itself.
    ///
    /// # Errors
    /// As [`assign_roles`].
    pub fn finish(
        self,
        folders: &[String],
        spec: &ColumnSpec,
        split: &SplitSpec,
    ) -> Result<Schema> {
        let mut drafts = self.merged;
        let own = drafts.len();
        for (index, name) in folders.iter().enumerate() {
            if drafts[..own].iter().all(|column| column.name != *name) {
                drafts.push(Merged::folder(name, index)?);
            }
        }
        check_no_fold_column(drafts.iter().map(|column| column.name.as_str()), split)?;
        // Rows that are written once for all folds are written as they are, features too.
        let as_stored = split.writes_data();
        let candidates: Vec<Candidate<'_>> = drafts
            .iter()
            .map(|column| Candidate {
                name: &column.name,
                numeric: column.kind.is_some(),
                index: column.name.starts_with("__index_level_")
                    || self.hints.index.contains(&column.name),
            })
            .collect();
        if spec.frozen {
            let found = |column: &Merged| column.kind.is_none().then(|| describe(&column.root));
            let found: Vec<_> = drafts
                .iter()
                .map(|column| (column.name.as_str(), found(column)))
                .collect();
            let wanted = spec.features.as_deref().unwrap_or_default();
            check_frozen(&found, wanted)
                .map_err(|error| error.at(Place::path(&self.first_path)))?;
        }
        let roles = assign_roles(&candidates, spec, split)?;
        for (column, (role, _)) in drafts.iter().zip(&roles) {
            if as_stored || *role != Role::Feature {
                column.check_lossless(&self.first_path)?;
            }
            let says_sides = *role == Role::Split && matches!(split.by, SplitBy::Column(_));
            if says_sides && !column.names_sides() {
                return Err(Error::from(UsageError::NotASide {
                    column: column.name.clone(),
                    found: describe(&column.root),
                })
                .hint("name a column of train, val and test, of 0 and 1, or of false and true"));
            }
        }
        let columns = drafts.into_iter().zip(roles);
        let mut columns: Vec<Column> = columns
            .map(|(column, (role, why))| column.into_column(role, why, as_stored))
            .collect();
        if as_stored {
            columns.push(fold_column()?);
        }
        Ok(Schema { columns })
    }
}

impl Merged {
    /// Widens to hold another file's values; on failure says what was expected.
    fn take_in(&mut self, path: &Path, root: &Type) -> std::result::Result<(), String> {
        let expected = || describe(&self.root);
        let other = NumericKind::of(root);
        match (self.kind, self.kind.and(other)) {
            (Some(mine), Some(other)) => {
                self.mixed |= mine != other;
                let wide = mine.widen(other).ok_or_else(expected)?;
                let rounds = mine.is_integer() && other.is_integer() && !wide.is_integer();
                let stored = mine.is_decimal() && !same_storage(&self.root, root);
                if (rounds || stored) && self.lossy.is_none() {
                    self.lossy = Some((path.to_path_buf(), describe_storage(root)));
                }
                self.kind = Some(wide);
            }
            (None, None) if same_type(&self.root, root, true) => {}
            _ => return Err(expected()),
        }
        self.nullable |= is_nullable(root);
        Ok(())
    }

    /// What passes through must keep its values: some mixes can't.
    fn check_lossless(&self, first_path: &Path) -> Result<()> {
        let Some((path, found)) = &self.lossy else {
            return Ok(());
        };
        Err(Error::from(DataError::ColumnType {
            column: self.name.clone(),
            found: found.clone(),
            expected: describe_storage(&self.root),
            first_file: escape_path(first_path),
        })
        .at(Place::path(path))
        .hint("prepare the files so that the column has one type, or run on them apart"))
    }

    /// Whether its values can say train or test: text, numbers, booleans, one a row.
    fn names_sides(&self) -> bool {
        let info = self.root.get_basic_info();
        let flat = self.root.is_primitive()
            && !(info.has_repetition() && info.repetition() == Repetition::REPEATED);
        flat && (self.kind.is_some()
            || matches!(
                self.root.get_physical_type(),
                PhysicalType::BOOLEAN
                    | PhysicalType::BYTE_ARRAY
                    | PhysicalType::FIXED_LEN_BYTE_ARRAY
            ))
    }

    fn folder(name: &str, index: usize) -> Result<Self> {
        Ok(Self {
            name: name.to_string(),
            root: Arc::new(super::output::text_column(name)?),
            kind: None,
            mixed: false,
            lossy: None,
            nullable: true,
            folder: Some(index),
        })
    }

    fn into_column(self, role: Role, why: &'static str, as_stored: bool) -> Column {
        let is_scaled = role == Role::Feature && !as_stored;
        let treatment = match (self.folder, self.kind) {
            (Some(index), _) => Treatment::Folder(index),
            (None, Some(kind)) if is_scaled => Treatment::Standardize(kind),
            (None, Some(kind)) if self.mixed => Treatment::Widen(kind),
            _ => Treatment::Copy,
        };
        Column {
            name: self.name,
            role,
            why,
            treatment,
            root: self.root,
            nullable: self.nullable,
        }
    }
}

struct Root<'a> {
    root: &'a Type,
    column: LayoutColumn,
}

fn roots<'a>(path: &Path, schema: &'a SchemaDescriptor) -> Result<HashMap<&'a str, Root<'a>>> {
    let mut leaves = vec![0; schema.root_schema().get_fields().len()];
    let mut first = vec![usize::MAX; leaves.len()];
    for leaf in 0..schema.num_columns() {
        let root = schema.get_column_root_idx(leaf);
        leaves[root] += 1;
        first[root] = first[root].min(leaf);
    }
    let mut found = HashMap::new();
    for (index, root) in schema.root_schema().get_fields().iter().enumerate() {
        let column = LayoutColumn {
            first_leaf: first[index],
            leaves: leaves[index],
            kind: NumericKind::of(root),
        };
        if found.insert(root.name(), Root { root, column }).is_some() {
            return Err(Error::from(DataError::DuplicateColumn {
                column: root.name().to_string(),
            })
            .at(Place::path(path)));
        }
    }
    Ok(found)
}

fn is_nullable(root: &Type) -> bool {
    let info = root.get_basic_info();
    info.has_repetition() && info.repetition() != Repetition::REQUIRED
}

fn describe_storage(root: &Type) -> String {
    let physical = root.get_physical_type().to_string().to_lowercase();
    match length(root) {
        length @ 1.. => format!("{} stored as {physical}({length})", describe(root)),
        _ => format!("{} stored as {physical}", describe(root)),
    }
}
