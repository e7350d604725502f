//! `Scaler`: what was fitted, applied to Arrow record batches and taken back.

#[cfg(feature = "polars")]
mod lazy;

use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema};

use super::Moments;
use super::numbers::{is_number, numbers};
use crate::artifact::ScalerFile;
use crate::error::{DataError, Error, Place, Result};
use crate::job::read_scaler;
use crate::kernel::ColumnScaler;
use crate::schema::check_frozen;
use crate::spec::{Dtype, OnInf};

/// What places of errors are in.
const BATCH: &str = "the batch";

/// Standardizes the feature columns of record batches, and turns standardized ones back.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::{Float64Array, Int64Array, RecordBatch, StringArray};
/// use prep_stream::{Job, Scaler};
///
/// # let folder = tempfile::tempdir()?;
/// # let csv = folder.path().join("in.csv");
/// # std::fs::write(&csv, "width,name\n1,a\n2,b\n3,c\n")?;
/// # let out = folder.path().join("out");
/// Job::new([&csv], &out).test_size("0".parse()?).run()?;
/// let scaler = Scaler::read(out.join("scaler.json"))?;
///
/// // 3 rows of 2 columns: "width" is a feature, with mean 2 and variance 2/3; "name" passes through.
/// let batch = RecordBatch::try_from_iter([
///     ("name", Arc::new(StringArray::from(vec!["x", "y", "z"])) as _),
///     ("width", Arc::new(Int64Array::from(vec![Some(2), None, Some(4)])) as _),
/// ])?;
/// let standardized = scaler.transform(&batch)?;
/// let expected = Float64Array::from(vec![Some(0.0), None, Some(2.0 / (2.0_f64 / 3.0).sqrt())]);
/// assert_eq!(*standardized.column(1), Arc::new(expected) as _);
/// let back = scaler.inverse(&standardized)?;
/// let expected = Float64Array::from(vec![Some(2.0), None, Some(4.0)]);
/// assert_eq!(*back.column(1), Arc::new(expected) as _);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```text
/// z = ((x - mean) - mean_lo) / scale     transform: in float64, rounded once to the output's type
/// x = z * scale + mean_lo + mean         inverse
///
/// shape      as many rows and columns as the batch has, in its order; features become float64 (or float32),
///            all else stays as it is, the very same buffers
/// units      x in those of the column; z has none
/// values     of a feature: any integer, float or decimal; null stays null, NaN stays NaN
/// source     scaler.json of prep stream, fit or merge; the bits are those of prep transform
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    file: ScalerFile,
    dtype: Dtype,
    on_inf: OnInf,
}

/// Which way.
#[derive(Clone, Copy)]
enum Way {
    Transform,
    Inverse,
}

impl Way {
    /// What values are afterwards.
    fn once(self) -> &'static str {
        match self {
            Self::Transform => "standardized",
            Self::Inverse => "scaled back",
        }
    }
}

impl Scaler {
    /// By a scaler file.
    pub(super) fn new(file: ScalerFile) -> Self {
        let on_inf = file.fit().on_inf;
        let dtype = Dtype::Float64;
        Self {
            file,
            dtype,
            on_inf,
        }
    }

    /// Reads a `scaler.json`.
    ///
    /// # Errors
    /// When it can't be read, or a number in it doesn't follow from its exact sums.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let (file, _) = read_scaler(path.as_ref())?;
        Ok(Self::new(file))
    }

    /// The type of the features that come out, float64 unless said otherwise.
    #[must_use]
    pub fn with_dtype(mut self, dtype: Dtype) -> Self {
        self.dtype = dtype;
        self
    }

    /// What happens to infinite values: what happened when it was fitted, unless said otherwise.
    #[must_use]
    pub fn with_on_inf(mut self, on_inf: OnInf) -> Self {
        self.on_inf = on_inf;
        self
    }

    /// The features' names, in the order of the fit.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.file
            .columns()
            .iter()
            .map(|column| column.name.as_str())
    }

    /// Mean and scale of a feature.
    pub fn column(&self, name: &str) -> Option<&ColumnScaler> {
        let place = self.names().position(|own| own == name)?;
        self.file.scaler().columns().get(place)
    }

    /// The exact moments that it was made of.
    pub fn moments(&self) -> Moments {
        Moments::new(self.file.clone())
    }

    /// Standardizes the features of a batch; other columns pass through.
    ///
    /// # Errors
    /// [`DataError::NotTheScalers`] naming every feature that the batch lacks or that holds no numbers;
    /// [`DataError::InfiniteValue`] unless they become nulls; [`DataError::OutOfRange`] where a finite value
    /// would become infinite.
    pub fn transform(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.apply(batch, Way::Transform)
    }

    /// The batch that [`Scaler::transform`] made this one of, but for the rounding of floats: integers come
    /// back as floats.
    ///
    /// # Errors
    /// Those of [`Scaler::transform`].
    pub fn inverse(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.apply(batch, Way::Inverse)
    }

    fn apply(&self, batch: &RecordBatch, way: Way) -> Result<RecordBatch> {
        let schema = batch.schema();
        self.check(&schema)?;
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            match self.column(field.name()) {
                Some(scaler) => {
                    columns.push(self.convert(field.name(), array, scaler, way)?);
                    fields.push(Arc::new(self.field(field)));
                }
                None => {
                    columns.push(Arc::clone(array));
                    fields.push(Arc::clone(field));
                }
            }
        }
        if columns.is_empty() {
            return Ok(batch.clone());
        }
        let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
        RecordBatch::try_new(Arc::new(schema), columns).map_err(|source| {
            let detail = source.to_string();
            DataError::Decoder { detail }.into()
        })
    }

    /// Every feature is there and holds numbers.
    fn check(&self, schema: &Schema) -> Result<()> {
        let wanted: Vec<String> = self.names().map(str::to_owned).collect();
        let found = schema.fields().iter().map(|field| {
            let is_number = is_number(field.data_type());
            let what = (!is_number).then(|| field.data_type().to_string());
            (field.name().as_str(), what)
        });
        check_frozen(&found.collect::<Vec<_>>(), &wanted)
            .map_err(|error| error.at(Place::path(BATCH)))
    }

    fn field(&self, field: &Field) -> Field {
        let data_type = match self.dtype {
            Dtype::Float32 => DataType::Float32,
            Dtype::Float64 => DataType::Float64,
        };
        let is_nullable = field.is_nullable() || self.on_inf == OnInf::Null;
        Field::new(field.name(), data_type, is_nullable)
    }

    fn convert(
        &self,
        name: &str,
        array: &ArrayRef,
        scaler: &ColumnScaler,
        way: Way,
    ) -> Result<ArrayRef> {
        let mut values = numbers(array).unwrap_or_default();
        if let Some(nulls) = array.nulls() {
            // What a null holds must not be taken for a value.
            let cells = values.iter_mut().zip(nulls);
            cells
                .filter(|(_, is_valid)| !is_valid)
                .for_each(|(value, _)| *value = 0.0);
        }
        let nulls = self.without_infinities(name, &mut values, array.nulls())?;
        Ok(match self.dtype {
            Dtype::Float32 => {
                let mut out = Vec::with_capacity(values.len());
                match way {
                    Way::Transform => scaler.transform_into_f32(&values, &mut out),
                    Way::Inverse => scaler.inverse_into_f32(&values, &mut out),
                }
                check_range(name, "float32", way, &values, |row| out[row].is_infinite())?;
                Arc::new(Float32Array::new(out.into(), nulls))
            }
            Dtype::Float64 => {
                let mut out = Vec::with_capacity(values.len());
                match way {
                    Way::Transform => scaler.transform_into_f64(&values, &mut out),
                    Way::Inverse => scaler.inverse_into_f64(&values, &mut out),
                }
                check_range(name, "float64", way, &values, |row| out[row].is_infinite())?;
                Arc::new(Float64Array::new(out.into(), nulls))
            }
        })
    }

    /// The nulls of a column once its infinities are among them; an error if they must not be.
    fn without_infinities(
        &self,
        name: &str,
        values: &mut [f64],
        nulls: Option<&NullBuffer>,
    ) -> Result<Option<NullBuffer>> {
        let Some(row) = values.iter().position(|value| value.is_infinite()) else {
            return Ok(nulls.cloned());
        };
        if self.on_inf == OnInf::Error {
            let value = values[row];
            return Err(Error::from(DataError::InfiniteValue { value })
                .at(place(name, row))
                .hint("turn infinities into nulls with OnInf::Null"));
        }
        let finite: Vec<bool> = values.iter().map(|value| !value.is_infinite()).collect();
        let infinite = values.iter_mut().filter(|value| value.is_infinite());
        infinite.for_each(|value| *value = 0.0);
        Ok(NullBuffer::union(nulls, Some(&finite.into())))
    }
}

/// Infinity in the output would be a value that the data never had.
fn check_range(
    name: &str,
    dtype: &'static str,
    way: Way,
    values: &[f64],
    is_infinite: impl Fn(usize) -> bool,
) -> Result<()> {
    let Some(row) = (0..values.len()).find(|row| is_infinite(*row)) else {
        return Ok(());
    };
    let (value, once) = (values[row], way.once());
    Err(Error::from(DataError::OutOfRange { value, dtype, once })
        .at(place(name, row))
        .hint("take float64, or mend the value"))
}

fn place(name: &str, row: usize) -> Place {
    Place::path(BATCH).row(row as u64).column(name)
}
