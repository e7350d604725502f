//! `Census`: what the label column holds on one side, by one scan of it.
//!
//! Limit: [`CLASSES_MAX`] classes. Memory: the classes.

use std::collections::BTreeMap;

use parquet::data_type::ByteArray;

use super::label_reader::{LabelReader, Values};
use super::{DataSet, Shard, Side};
use crate::engine::Cancel;
use crate::error::{Result, TrainError};
use crate::spec::Task;

/// More different whole numbers are taken for a quantity.
const CLASSES_GUESSED_MAX: usize = 20;
/// More classes than this aren't trained on.
const CLASSES_MAX: usize = 1_000;
/// Rows that are scanned at a time.
const SCAN_ROWS: u64 = 65_536;

/// One label's value: what distinguishes classes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A number by the bits that order it.
    Number(i64),
    Text(Vec<u8>),
}

/// What one side's labels are.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) spread: Spread,
    /// Rows of each class; empty if there are too many.
    pub(super) classes: BTreeMap<Class, u64>,
    too_many: bool,
    whole: bool,
    textual: bool,
    pub(super) absent: u64,
    /// Rows of classes that weren't counted, since train has none of them.
    pub(super) foreign: u64,
    pub(super) rows: u64,
}

/// Count, mean and sum of squared differences from it, by Welford's update in the order of the rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spread {
    pub(super) count: u64,
    pub(super) mean: f64,
    /// Sum of (value - mean)^2.
    pub(super) squares: f64,
}

impl Spread {
    fn push(&mut self, value: f64) {
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
    }

    pub(super) fn variance(self) -> f64 {
        self.squares / self.count as f64
    }

    /// The standard deviation; 1 where it is 0.
    pub(super) fn scale(self) -> f64 {
        let scale = self.variance().sqrt();
        if scale > 0.0 { scale } else { 1.0 }
    }
}

impl Census {
    /// Of train: classes are those that there are.
    pub(super) fn of_train(data: &DataSet, column: &str, cancel: &Cancel) -> Result<Self> {
        let mut census = Self {
            whole: true,
            ..Self::default()
        };
        census.scan(data, &data.train, column, cancel)?;
        Ok(census)
    }

    /// Of test: classes are those of train, and no others.
    pub(super) fn of_test(&self, data: &DataSet, column: &str, cancel: &Cancel) -> Result<Self> {
        let classes = self.classes.keys().map(|class| (class.clone(), 0));
        let mut census = Self {
            classes: classes.collect(),
            too_many: true,
            ..Self::default()
        };
        census.scan(data, &data.test, column, cancel)?;
        Ok(census)
    }

    fn scan(&mut self, data: &DataSet, side: &Side, column: &str, cancel: &Cancel) -> Result<()> {
        for shard in &side.shards {
            self.add_shard(data, shard, column, cancel)?;
        }
        Ok(())
    }

    fn add_shard(
        &mut self,
        data: &DataSet,
        shard: &Shard,
        column: &str,
        cancel: &Cancel,
    ) -> Result<()> {
        let file = data.open_shard(shard)?;
        for (row_group, rows) in shard.row_groups.iter().enumerate() {
            let mut reader = LabelReader::open(&file, row_group, column)?;
            self.textual = reader.is_textual();
            let mut left = *rows;
            while left > 0 {
                cancel.check()?;
                let run = left.min(SCAN_ROWS);
                self.add(reader.read(usize::try_from(run).unwrap_or(0))?);
                left -= run;
            }
        }
        Ok(())
    }

    fn add(&mut self, values: Values) {
        match values {
            Values::Numbers(values) => values.into_iter().for_each(|value| {
                if let Some(value) = value {
                    self.spread.push(value);
                    self.whole &= value.fract() == 0.0;
                }
                self.count(value.map(Class::number));
            }),
            Values::Texts(values) => values
                .iter()
                .for_each(|value| self.count(value.as_ref().map(Class::text))),
        }
    }

    fn count(&mut self, class: Option<Class>) {
        self.rows += 1;
        let Some(class) = class else {
            self.absent += 1;
            return;
        };
        if let Some(count) = self.classes.get_mut(&class) {
            *count += 1;
        } else if self.too_many {
            self.foreign += 1;
        } else {
            self.classes.insert(class, 1);
            if self.classes.len() > CLASSES_MAX {
                self.too_many = true;
                self.classes.clear();
            }
        }
    }

    /// What train labels like these are for.
    pub(super) fn task(&self, column: &str, wanted: Option<Task>) -> Result<Task> {
        let column = column.to_owned();
        let classes = self.classes.len();
        let few = self.whole && !self.too_many && classes <= CLASSES_GUESSED_MAX;
        if self.rows == self.absent {
            return Err(TrainError::NoLabels { column }.into());
        }
        let is_regression = match wanted {
            Some(task) => task == Task::Regression,
            None => !self.textual && !few,
        };
        match wanted {
            _ if is_regression && self.textual => Err(TrainError::TextRegression { column }.into()),
            _ if is_regression => Ok(Task::Regression),
            _ if self.too_many => Err(TrainError::TooManyClasses {
                column,
                classes_max: CLASSES_MAX,
            }
            .into()),
            _ if classes < 2 => Err(TrainError::OneClass { column }.into()),
            Some(Task::Binary) if classes > 2 => {
                Err(TrainError::NotBinary { column, classes }.into())
            }
            Some(task) => Ok(task),
            None if classes == 2 => Ok(Task::Binary),
            None => Ok(Task::Multiclass),
        }
    }
}

impl Class {
    /// The class of a text.
    pub(super) fn text(value: &ByteArray) -> Self {
        Self::Text(value.data().to_vec())
    }

    /// The class of a number; the integers are in the order of the numbers, and 0 is one class.
    pub(super) fn number(value: f64) -> Self {
        let bits = (value + 0.0).to_bits().cast_signed();
        Self::Number(bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed())
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(ordered) => {
                let bits = ordered ^ ((ordered >> 63).cast_unsigned() >> 1).cast_signed();
                write!(f, "{}", f64::from_bits(bits.cast_unsigned()))
            }
            Self::Text(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
        }
    }
}
