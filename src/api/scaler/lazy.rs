//! `Scaler` as Polars expressions, for a query that does other things as well.
//!
//! The arithmetic is that of [`ColumnScaler`], as a plan that Polars can see, fuse and run in parallel.
//! Polars divides by a constant by multiplying with its inverse, so results differ from those of
//! [`Scaler::transform`] by a rounding. What no scaler can be applied to ends the query with an error, as it
//! ends that.

use polars::prelude::{
    Column, DataType, Expr, LazyFrame, NULL, PolarsError, PolarsResult, lit, when,
};

use super::{Scaler, Way};
use crate::error::{DataError, Error, Place, Result};
use crate::kernel::ColumnScaler;
use crate::schema::check_frozen;
use crate::spec::{Dtype, OnInf};

/// What places of errors are in.
const FRAME: &str = "the frame";

/// Means from this on, 2^969, could make a difference to them overflow; with everything a quarter as large
/// it can't, and the last places of what is tiny don't matter beside them.
const HUGE_MEAN: f64 = f64::from_bits((969 + 1023) << 52);
/// Scales from this on, 2^500, could make a product with them overflow before the mean is added.
const HUGE_SCALE: f64 = f64::from_bits((500 + 1023) << 52);
/// The inverse of scales below this, 2^-1000, could be infinite.
const TINY_SCALE: f64 = f64::from_bits((1023 - 1000) << 52);
/// What takes those, and what is divided by them, out of that range: 2^64.
const LIFT: f64 = f64::from_bits((64 + 1023) << 52);

impl Scaler {
    /// Standardizes the features of a lazy frame; other columns pass through, and all stay in their order.
    ///
    /// Equal to [`Scaler::transform`] to 1e-12: rounded twice as often, at most. A decimal of more than 15
    /// digits is rounded as Polars rounds it. Needs the feature `polars`, whose version of the crate is
    /// [`crate::polars`].
    ///
    /// ```
    /// use prep_stream::polars::prelude::{IntoLazy, df};
    /// use prep_stream::{Job, Scaler};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let csv = folder.path().join("in.csv");
    /// # std::fs::write(&csv, "width,name\n1,a\n2,b\n3,c\n")?;
    /// # let out = folder.path().join("out");
    /// Job::new([&csv], &out).test_size("0".parse()?).run()?;
    /// let scaler = Scaler::read(out.join("scaler.json"))?;
    ///
    /// // "width" is a feature, with mean 2 and variance 2/3; "name" passes through.
    /// let frame = df!["name" => ["x", "y", "z"], "width" => [Some(2), None, Some(4)]]?;
    /// let standardized = scaler.transform_lazy(frame.lazy())?.collect()?;
    /// let z: Vec<Option<f64>> = standardized.column("width")?.f64()?.iter().collect();
    /// assert_eq!((z[0], z[1]), (Some(0.0), None));
    /// assert!((z[2].unwrap() - 2.0 / (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    ///
    /// let back = scaler.inverse_lazy(standardized.lazy())?.collect()?;
    /// let x: Vec<Option<f64>> = back.column("width")?.f64()?.iter().collect();
    /// assert!((x[2].unwrap() - 4.0).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::NotTheScalers`] naming every feature that the frame lacks or that holds no numbers;
    /// [`DataError::Decoder`] where Polars can't tell the frame's schema. The query ends with the text of
    /// [`DataError::InfiniteValue`], unless infinities become nulls, or of [`DataError::OutOfRange`].
    pub fn transform_lazy(&self, frame: LazyFrame) -> Result<LazyFrame> {
        self.apply_lazy(frame, Way::Transform)
    }

    /// The lazy frame that [`Scaler::transform_lazy`] made this one of, but for the rounding of floats.
    ///
    /// # Errors
    /// Those of [`Scaler::transform_lazy`].
    pub fn inverse_lazy(&self, frame: LazyFrame) -> Result<LazyFrame> {
        self.apply_lazy(frame, Way::Inverse)
    }

    fn apply_lazy(&self, mut frame: LazyFrame, way: Way) -> Result<LazyFrame> {
        self.check_frame(&mut frame)?;
        let columns = self.names().zip(self.file.scaler().columns());
        let features = columns.map(|(name, scaler)| self.feature(name, scaler, way));
        Ok(frame.with_columns(features.collect::<Vec<_>>()))
    }

    /// Every feature is there and holds numbers.
    fn check_frame(&self, frame: &mut LazyFrame) -> Result<()> {
        let schema = frame.collect_schema().map_err(|source| {
            let detail = source.to_string();
            Error::from(DataError::Decoder { detail }).at(Place::path(FRAME))
        })?;
        let found = schema.iter().map(|(name, dtype)| {
            let is_number = dtype.is_primitive_numeric() || dtype.is_decimal();
            (name.as_str(), (!is_number).then(|| dtype.to_string()))
        });
        let wanted: Vec<String> = self.names().map(str::to_owned).collect();
        check_frozen(&found.collect::<Vec<_>>(), &wanted)
            .map_err(|error| error.at(Place::path(FRAME)))
    }

    fn feature(&self, name: &str, scaler: &ColumnScaler, way: Way) -> Expr {
        // Not `col`, which takes some names for patterns.
        let values = Expr::Column(name.into()).cast(DataType::Float64);
        let values = match self.on_inf {
            OnInf::Error => values,
            OnInf::Null => when(values.clone().is_infinite())
                .then(lit(NULL))
                .otherwise(values),
        };
        let (dtype, shown) = match self.dtype {
            Dtype::Float32 => (DataType::Float32, "float32"),
            Dtype::Float64 => (DataType::Float64, "float64"),
        };
        let result = match way {
            Way::Transform => standardized(values.clone(), scaler),
            Way::Inverse => restored(values.clone(), scaler),
        };
        let column = name.to_owned();
        let check = move |columns: &mut [Column]| checked(columns, &column, shown, way);
        let checked = result.cast(dtype).map_many(check, &[values], |_, fields| {
            let first = fields.first().cloned();
            first.ok_or_else(|| PolarsError::NoData("no column".into()))
        });
        checked.alias(name)
    }
}

/// `((x - mean) - mean_lo) / scale`.
fn standardized(x: Expr, scaler: &ColumnScaler) -> Expr {
    let (mean, mean_lo, scale) = (scaler.mean(), scaler.mean_lo(), scaler.scale());
    if mean.abs() >= HUGE_MEAN {
        let difference = x * lit(0.25) - lit(mean * 0.25) - lit(mean_lo * 0.25);
        return difference / lit(scale) * lit(4.0);
    }
    let difference = x - lit(mean) - lit(mean_lo);
    match scale < TINY_SCALE {
        true => difference * lit(LIFT) / lit(scale * LIFT),
        false => difference / lit(scale),
    }
}

/// `z * scale + mean_lo + mean`.
fn restored(z: Expr, scaler: &ColumnScaler) -> Expr {
    let (mean, mean_lo, scale) = (scaler.mean(), scaler.mean_lo(), scaler.scale());
    match mean.abs() >= HUGE_MEAN || scale >= HUGE_SCALE {
        true => {
            let quarter = z * lit(scale * 0.25) + lit(mean_lo * 0.25) + lit(mean * 0.25);
            quarter * lit(4.0)
        }
        false => z * lit(scale) + lit(mean_lo) + lit(mean),
    }
}

/// The first of two columns: results, and what they were computed from. Infinity among them is an error.
fn checked(
    columns: &mut [Column],
    name: &str,
    dtype: &'static str,
    way: Way,
) -> PolarsResult<Column> {
    let [results, values] = columns else {
        return Err(PolarsError::NoData("no column".into()));
    };
    let infinite = results.is_infinite()?;
    if let Some(row) = infinite.iter().position(|infinite| infinite == Some(true)) {
        let value = values.f64()?.get(row).unwrap_or(f64::INFINITY);
        let error = match value.is_infinite() {
            true => Error::from(DataError::InfiniteValue { value })
                .hint("turn infinities into nulls with OnInf::Null"),
            false => {
                let once = way.once();
                Error::from(DataError::OutOfRange { value, dtype, once })
                    .hint("take float64, or mend the value")
            }
        };
        let error = error.at(Place::path(FRAME).column(name));
        return Err(PolarsError::ComputeError(error.to_string().into()));
    }
    Ok(std::mem::take(results))
}
