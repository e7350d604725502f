//! Opening the leaves of a column, and the scaler's formula, from its documentation.

use parquet::data_type::DataType;

use super::scaler::Feature;
use super::slots::{AsFloat, Leaf, Piece, Runs, Slot, Slots};
use crate::engine::Memory;
use crate::error::Result;
use crate::schema::NumericKind;
use crate::source::parquet::{LeafReader, LeafRun, NumberReader};

/// A column that isn't there: what needs it has said so.
pub(super) struct Nothing;

impl<V> Slots<V> for Nothing {
    fn next_slot(&mut self) -> Result<Option<Slot<V>>> {
        Ok(None)
    }
}

/// 32-bit integers as 64-bit ones.
pub(super) struct Widened {
    pub(super) narrow: Box<dyn Runs<i32>>,
    pub(super) run: LeafRun<i32>,
    pub(super) is_unsigned: bool,
}

impl Runs<i64> for Widened {
    fn skip(&mut self, rows: usize) -> Result<()> {
        self.narrow.skip(rows)
    }

    fn read(&mut self, rows: usize, run: &mut LeafRun<i64>) -> Result<usize> {
        let rows = self.narrow.read(rows, &mut self.run)?;
        let widen = |value: &i32| match self.is_unsigned {
            true => i64::from(value.cast_unsigned()),
            false => i64::from(*value),
        };
        run.values.clear();
        run.values.extend(self.run.values.iter().map(widen));
        run.definition.clone_from(&self.run.definition);
        run.repetition.clone_from(&self.run.repetition);
        Ok(rows)
    }
}

/// Opens a leaf as it is stored.
pub(super) fn stored<T: DataType>(
    piece: &Piece,
    leaf: usize,
    memory: &Memory,
) -> Result<Leaf<T::T>> {
    let (top, nested) = piece.opened.levels(leaf);
    let runs = LeafReader::<T>::open(&piece.opened.file.within(memory), piece.group, leaf)?;
    Ok(Leaf {
        runs: Box::new(runs),
        top,
        nested,
    })
}

/// Opens a flat leaf as float64.
pub(super) fn number(
    piece: &Piece,
    leaf: usize,
    kind: NumericKind,
    memory: &Memory,
) -> Result<Leaf<f64>> {
    let (top, nested) = piece.opened.levels(leaf);
    let file = piece.opened.file.within(memory);
    let runs = AsFloat(NumberReader::open(&file, piece.group, leaf, kind)?);
    Ok(Leaf {
        runs: Box::new(runs),
        top,
        nested,
    })
}

/// `((x - mean) - mean_lo) / scale` in float64, rounded to the output's type.
pub(super) fn standardized(x: f64, feature: &Feature<'_>, is_single: bool) -> f64 {
    let plain = ((x - feature.mean) - feature.mean_lo) / feature.scale;
    let z = if x.is_finite() && !(x - feature.mean).is_finite() {
        // The difference overflows: everything a quarter as large.
        let quarter = (x * 0.25 - feature.mean * 0.25) - feature.mean_lo * 0.25;
        quarter / feature.scale * 4.0
    } else {
        plain
    };
    if is_single {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the one rounding to the output type"
        )]
        let single = z as f32;
        return f64::from(single);
    }
    z
}
