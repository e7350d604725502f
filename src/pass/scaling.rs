//! What pass 3 does to the values of features: which way the scaler goes, and where it is from.
//!
//! Invariant: a finite value stays one or is an error. Standardizing is the same arithmetic whether the
//! scaler was fitted in this run or read from a file.

use num_traits::Float;

use super::leaves::BlockSource;
use crate::error::{DataError, Error, Place, Result};
use crate::kernel::{ColumnScaler, any_infinite, first_infinite};
use crate::source::parquet::LeafRun;
use crate::spec::OnInf;

/// Which way a scaler goes, and where it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaling {
    /// Pass 2 has fitted it, from these very rows: they must be the same still.
    Fitted,
    /// It was read from a file: the rows are read for the first time.
    Frozen,
    /// Likewise, and standardized values become what they were.
    Inverse,
}

/// A type that features are written in.
pub(super) trait Written: Float {
    /// Its name in messages.
    const NAME: &'static str;
    /// What to do about a value that it can't hold.
    const HINT: &'static str;

    /// Appends what becomes of `values`.
    fn append(scaling: Scaling, scaler: &ColumnScaler, values: &[f64], into: &mut Vec<Self>);
}

impl Written for f64 {
    const NAME: &'static str = "float64";
    const HINT: &'static str = "leave the column out with --exclude";

    fn append(scaling: Scaling, scaler: &ColumnScaler, values: &[f64], into: &mut Vec<Self>) {
        match scaling {
            Scaling::Fitted | Scaling::Frozen => scaler.transform_into_f64(values, into),
            Scaling::Inverse => scaler.inverse_into_f64(values, into),
        }
    }
}

impl Written for f32 {
    const NAME: &'static str = "float32";
    const HINT: &'static str =
        "write float64 with --dtype float64, or leave the column out with --exclude";

    fn append(scaling: Scaling, scaler: &ColumnScaler, values: &[f64], into: &mut Vec<Self>) {
        match scaling {
            Scaling::Fitted | Scaling::Frozen => scaler.transform_into_f32(values, into),
            Scaling::Inverse => scaler.inverse_into_f32(values, into),
        }
    }
}

impl Scaling {
    /// Appends what becomes of `values`.
    ///
    /// # Errors
    /// [`DataError::OutOfRange`]: infinity in the output would be a value that the data never had.
    pub(super) fn apply<T: Written>(
        self,
        scaler: &ColumnScaler,
        values: &[f64],
        into: &mut Vec<T>,
    ) -> Result<()> {
        T::append(self, scaler, values, into);
        // The place is only looked for if there is one.
        if !any_infinite(into) {
            return Ok(());
        }
        let beyond = |(x, z): &(&f64, &T)| x.is_finite() && z.is_infinite();
        let Some((value, _)) = values.iter().zip(into.iter()).find(beyond) else {
            return Ok(());
        };
        let once = match self {
            Self::Fitted | Self::Frozen => "standardized",
            Self::Inverse => "scaled back",
        };
        Err(Error::from(DataError::OutOfRange {
            value: *value,
            dtype: T::NAME,
            once,
        })
        .hint(match self {
            Self::Fitted => T::HINT,
            Self::Frozen | Self::Inverse => "write float64 with --dtype float64, or mend the value",
        }))
    }
}

impl BlockSource<'_> {
    /// Refuses an infinite value of the feature `name` that no pass before this one has looked at; `first`
    /// is the run's first row in the unit.
    pub(super) fn check_infinite(
        &self,
        name: &str,
        run: &LeafRun<f64>,
        first: usize,
    ) -> Result<()> {
        if self.scaling == Scaling::Fitted || self.on_inf == OnInf::Null {
            return Ok(());
        }
        let Some(index) = first_infinite(&run.values) else {
            return Ok(());
        };
        let slots = run.definition.iter().enumerate();
        let slot = slots.filter(|(_, level)| **level == 1).nth(index);
        let row = first + slot.map_or(index, |(slot, _)| slot);
        let value = run.values[index];
        Err(Error::from(DataError::InfiniteValue { value })
            .at(self.place(row).column(name))
            .hint("turn infinities into nulls with --on-inf null"))
    }

    /// Where row `row` of the unit is from.
    fn place(&self, row: usize) -> Place {
        let mut before = 0;
        let pieces = self.open.unit.pieces.iter();
        let found = pieces.take_while(|piece| {
            let is_at_or_before = before <= row;
            before += piece.rows * usize::from(is_at_or_before);
            is_at_or_before
        });
        let Some(piece) = found.last() else {
            return Place::path(&self.inputs[0].path);
        };
        let start = before - piece.rows;
        let path = &self.inputs[self.open.store(piece).input].path;
        Place::path(path).row(piece.first_row + (row - start) as u64)
    }
}
