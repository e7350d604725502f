//! One leaf of one block: read, treated, routed to its sides, encoded.

use parquet::basic::{ConvertedType, Type as PhysicalType};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type, Int96Type,
};

use super::histograms::SideCounts;
use super::passing::Passing;
use super::route::Router;
use super::scaling::Scaling;
use super::shuffle::{BlockSegments, RowShape};
use super::slicer::{Outlets, RUN_ROWS, Slicer};
use crate::engine::{Cancel, guarded};
use crate::error::{DataError, Place, Result};
use crate::kernel::{ColumnScaler, Folds, Parts, Side, Sides};
use crate::schema::{LayoutColumn, NumericKind, Treatment};
use crate::sink::SpoolPlace;
use crate::sink::shard::{EncodedColumn, ShardFormat};
use crate::source::blocks::Block;
use crate::source::discover::InputFile;
use crate::source::parquet::{FlatReader, LeafReader, LeafRun, ParquetFile};
use crate::source::table::{OpenUnit, Piece};
use crate::spec::{Dtype, OnInf};

/// One leaf of the output and the column it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    /// Index of the column in the table.
    pub column: usize,
    /// Which of the column's leaves.
    pub offset: usize,
    /// Index of the leaf in the shards' schema.
    pub output: usize,
    /// Index of the column among the features, if it is one.
    pub feature: Option<usize>,
}

/// A block of an open unit, with all that its leaves need.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockSource<'a> {
    pub open: &'a OpenUnit<'a>,
    pub inputs: &'a [InputFile],
    pub sides: &'a Sides,
    /// The fold of each row of the unit, where it is written.
    pub folds: Option<&'a Folds>,
    /// The sides that are written, in order.
    pub written: &'a [Side],
    pub block: &'a Block,
    pub format: &'a ShardFormat,
    pub spool: SpoolPlace<'a>,
    /// Where rows go that are yet to be shuffled, instead of being encoded.
    pub segments: Option<&'a BlockSegments<'a>>,
    pub dtype: Dtype,
    pub on_inf: OnInf,
    pub scaling: Scaling,
    pub cancel: &'a Cancel,
}

/// A partition function of [`Sides`]: which one depends on whether the values can be copied.
pub(super) type Partition<T> = fn(&Sides, usize, &[T], &mut Parts<T>);

impl BlockSource<'_> {
    /// Encodes `leaf` once per side, or not at all if its rows go to segments; `scaler` is that of its column if it is a feature, whose
    /// standardized values are counted then.
    pub(super) fn encode(
        &self,
        leaf: Leaf,
        scaler: Option<&ColumnScaler>,
        counts: Option<&mut SideCounts>,
    ) -> Result<Vec<EncodedColumn>> {
        let treatment = &self.open.table.schema.columns[leaf.column].treatment;
        match (treatment, scaler) {
            (Treatment::Standardize(_), Some(scaler)) => match self.dtype {
                Dtype::Float64 => {
                    let apply = |x: &[f64], z: &mut Vec<_>| self.scaling.apply(scaler, x, z);
                    self.numbers::<DoubleType>(leaf, apply, counts)
                }
                Dtype::Float32 => {
                    let apply = |x: &[f64], z: &mut Vec<_>| self.scaling.apply(scaler, x, z);
                    self.numbers::<FloatType>(leaf, apply, counts)
                }
            },
            (Treatment::Widen(NumericKind::Int64 | NumericKind::UInt64), _) => self.integers(leaf),
            (Treatment::Widen(_) | Treatment::Standardize(_), _) => self.numbers::<DoubleType>(
                leaf,
                |x, out| {
                    out.extend_from_slice(x);
                    Ok(())
                },
                None,
            ),
            (Treatment::Folder(index), _) => self.folder(leaf, *index),
            (Treatment::Fold, _) => self.fold(leaf),
            (Treatment::Copy, _) => self.copy(leaf),
        }
    }

    pub(super) fn name(&self, leaf: Leaf) -> &str {
        &self.open.table.schema.columns[leaf.column].name
    }

    fn copy(&self, leaf: Leaf) -> Result<Vec<EncodedColumn>> {
        match self.format.schema().column(leaf.output).physical_type() {
            PhysicalType::BOOLEAN => self.stored::<BoolType>(leaf, Sides::partition_copy),
            PhysicalType::INT32 => self.stored::<Int32Type>(leaf, Sides::partition_copy),
            PhysicalType::INT64 => self.stored::<Int64Type>(leaf, Sides::partition_copy),
            PhysicalType::INT96 => self.stored::<Int96Type>(leaf, Sides::partition),
            PhysicalType::FLOAT => self.stored::<FloatType>(leaf, Sides::partition_copy),
            PhysicalType::DOUBLE => self.stored::<DoubleType>(leaf, Sides::partition_copy),
            PhysicalType::BYTE_ARRAY => self.bytes(leaf),
            PhysicalType::FIXED_LEN_BYTE_ARRAY => {
                self.stored::<FixedLenByteArrayType>(leaf, Sides::partition)
            }
        }
    }

    /// Strings must be UTF-8: readers refuse a file where they aren't. Other bytes are just bytes.
    fn bytes(&self, leaf: Leaf) -> Result<Vec<EncodedColumn>> {
        if self.format.schema().column(leaf.output).converted_type() != ConvertedType::UTF8 {
            return self.stored::<ByteArrayType>(leaf, Sides::partition);
        }
        let check = |values: &[ByteArray]| {
            let is_text = |value: &ByteArray| std::str::from_utf8(value.data()).is_ok();
            match values.iter().all(is_text) {
                true => Ok(()),
                false => Err(DataError::NotUtf8.into()),
            }
        };
        self.checked::<ByteArrayType>(leaf, Sides::partition, Some(check))
    }

    /// A leaf that is written as it is stored.
    fn stored<T: DataType>(
        &self,
        leaf: Leaf,
        partition: Partition<T::T>,
    ) -> Result<Vec<EncodedColumn>> {
        self.checked::<T>(leaf, partition, None::<fn(&[T::T]) -> Result<()>>)
    }

    /// A leaf that is written as it is stored, if it is text and `check` has nothing against its values, or isn't.
    fn checked<T: DataType>(
        &self,
        leaf: Leaf,
        partition: Partition<T::T>,
        check: Option<impl Fn(&[T::T]) -> Result<()>>,
    ) -> Result<Vec<EncodedColumn>> {
        let (mut run, mut passing) = (LeafRun::default(), Passing::default());
        self.encode_runs::<T>(leaf, partition, |file, piece, column, each| {
            let index = column.first_leaf + leaf.offset;
            if each.takes_flat()
                && let Some(reader) = FlatReader::open(file, piece.row_group, index)?
            {
                return each.pass(reader, check.is_some(), &mut passing);
            }
            let mut reader = LeafReader::<T>::open(file, piece.row_group, index)?;
            each.drive(&mut reader, LeafReader::skip, |reader, rows, each| {
                let rows = reader.read_some(rows, &mut run)?;
                check.iter().try_for_each(|check| check(&run.values))?;
                each.write(&run, rows)
            })?;
            reader.finish()
        })
    }

    /// Integers of several widths, written as 64-bit ones.
    fn integers(&self, leaf: Leaf) -> Result<Vec<EncodedColumn>> {
        let (mut narrow, mut wide) = (LeafRun::<i32>::default(), LeafRun::<i64>::default());
        self.encode_runs::<Int64Type>(leaf, Sides::partition_copy, |file, piece, column, each| {
            let stored = file
                .metadata()
                .row_group(piece.row_group)
                .column(column.first_leaf);
            if stored.column_type() == PhysicalType::INT64 {
                let mut reader =
                    LeafReader::<Int64Type>::open(file, piece.row_group, column.first_leaf)?;
                each.drive(&mut reader, LeafReader::skip, |reader, rows, each| {
                    reader.read(rows, &mut wide)?;
                    each.write(&wide, rows)
                })?;
                return reader.finish();
            }
            let unsigned = column.kind == Some(NumericKind::UInt32);
            let mut reader =
                LeafReader::<Int32Type>::open(file, piece.row_group, column.first_leaf)?;
            each.drive(&mut reader, LeafReader::skip, |reader, rows, each| {
                reader.read(rows, &mut narrow)?;
                wide.values.clear();
                wide.values
                    .extend(narrow.values.iter().map(|value| match unsigned {
                        true => i64::from(value.cast_unsigned()),
                        false => i64::from(*value),
                    }));
                wide.definition.clone_from(&narrow.definition);
                each.write(&wide, rows)
            })?;
            reader.finish()
        })
    }

    /// The value of a `key=value` folder, for every row of its files.
    fn folder(&self, leaf: Leaf, index: usize) -> Result<Vec<EncodedColumn>> {
        self.encode_runs::<ByteArrayType>(leaf, Sides::partition, |_, piece, _, each| {
            let input = &self.inputs[self.open.store(piece).input];
            let value = input
                .hive
                .get(index)
                .and_then(|(_, value)| value.as_deref());
            let (values, level) = match value {
                Some(value) => (vec![ByteArray::from(value); RUN_ROWS], 1),
                None => (Vec::new(), 0),
            };
            let mut run = LeafRun {
                values,
                ..LeafRun::default()
            };
            each.drive(
                &mut run,
                |_, _| Ok(()),
                |run, rows, each| {
                    run.values.truncate(rows * usize::from(level == 1));
                    run.definition.clear();
                    run.definition.resize(rows, level);
                    each.write(run, rows)
                },
            )
        })
    }

    /// The number of each row's fold.
    fn fold(&self, leaf: Leaf) -> Result<Vec<EncodedColumn>> {
        self.encode_runs::<Int32Type>(leaf, Sides::partition_copy, |_, _, _, each| {
            let mut run = LeafRun::default();
            each.drive(
                &mut run,
                |_, _| Ok(()),
                |run, rows, each| {
                    run.values.clear();
                    if let Some(folds) = self.folds {
                        folds.numbers(each.first, rows, &mut run.values);
                    }
                    each.write(run, rows)
                },
            )
        })
    }

    /// Takes a leaf to where it goes: `read` is called for every slice of the block, in order.
    pub(super) fn encode_runs<T: DataType>(
        &self,
        leaf: Leaf,
        partition: Partition<T::T>,
        mut read: impl FnMut(&ParquetFile, &Piece, LayoutColumn, &mut Slicer<'_, '_, T>) -> Result<()>,
    ) -> Result<Vec<EncodedColumn>> {
        let descriptor = self.format.schema().column(leaf.output);
        if let Some(segments) = self.segments {
            let mut scatter = segments.scatter(leaf.output, RowShape::of(&descriptor));
            let slicer = self.slicer(leaf, Outlets::Segments(&mut scatter), partition);
            self.each_slice(leaf, slicer, read)?;
            scatter.finish()?;
            return Ok(Vec::new());
        }
        let places = vec![self.spool; self.written.len()];
        self.format.encode::<T>(leaf.output, &places, |writers| {
            let slicer = self.slicer(leaf, Outlets::Encoders(writers), partition);
            self.each_slice(leaf, slicer, &mut read)
        })
    }

    fn slicer<'s, 'w, T: DataType>(
        &'s self,
        leaf: Leaf,
        outlets: Outlets<'s, 'w, T>,
        partition: Partition<T::T>,
    ) -> Slicer<'s, 'w, T> {
        Slicer {
            source: self,
            outlets,
            router: Router::default(),
            partition,
            top: self.format.schema().column(leaf.output).max_def_level(),
            ones: Vec::new(),
            first: self.block.first,
            skip: 0,
            rows: 0,
        }
    }

    fn each_slice<T: DataType>(
        &self,
        leaf: Leaf,
        mut slicer: Slicer<'_, '_, T>,
        mut read: impl FnMut(&ParquetFile, &Piece, LayoutColumn, &mut Slicer<'_, '_, T>) -> Result<()>,
    ) -> Result<()> {
        let folder = LayoutColumn {
            first_leaf: 0,
            leaves: 1,
            kind: None,
        };
        for slice in &self.block.slices {
            let piece = &self.open.unit.pieces[slice.piece];
            let layout = &self.open.store(piece).layout.columns;
            let column = layout.get(leaf.column).copied().unwrap_or(folder);
            (slicer.skip, slicer.rows) = (slice.start, slice.rows);
            let input = &self.inputs[self.open.store(piece).input];
            let whole = slice.rows == piece.rows;
            guarded(|| match (self.open.file(piece)?, whole) {
                (file, true) => read(file, piece, column, &mut slicer),
                (file, false) => read(&file.by_pages(), piece, column, &mut slicer),
            })
            .map_err(|error| error.at(Place::path(&input.path).column(self.name(leaf))))?;
        }
        Ok(())
    }
}
