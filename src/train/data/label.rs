//! `Labels`: the task that the label column sets, and how its values become targets.
//!
//! Whole numbers, few different ones on train, are classes, other numbers a regression; text and
//! booleans are classes. Invariant: what they become follows from train; test is only measured.

use std::collections::BTreeMap;

use parquet::data_type::ByteArray;

use super::DataSet;
use super::census::{Census, Class, Spread};
use super::label_reader::{LabelReader, Values};
use crate::artifact::Figure;
use crate::artifact::validation::{Rows, Score};
use crate::engine::Cancel;
use crate::error::Result;
use crate::source::parquet::ParquetFile;
use crate::spec::Task;

/// The label column of a data set.
#[derive(Debug)]
pub(in crate::train) struct Labels {
    column: String,
    pub(in crate::train) task: Task,
    /// Classes of a classification, in order.
    classes: Vec<Class>,
    /// Of a regression's train labels.
    moments: Spread,
    scaled: bool,
    pub(in crate::train) rows: Rows,
    /// The best prediction for test that is the same for every row.
    pub(in crate::train) constant: Target,
    /// How good that is.
    pub(in crate::train) baseline: Score,
    /// Sum over the test labels of (label - their mean)^2.
    pub(in crate::train) test_spread: f64,
}

/// What a row's network should give.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::train) enum Target {
    /// No label, or a class that train doesn't have: the row is left out.
    Absent,
    /// A regression's label as it stands in the data.
    Number(f64),
    /// The index of a class.
    Class(u32),
}

impl Labels {
    /// Scans the label on both sides and settles the task.
    pub(in crate::train) fn scan(
        data: &DataSet,
        column: &str,
        task: Option<Task>,
        scaled: bool,
        cancel: &Cancel,
    ) -> Result<Self> {
        data.check_label(column)?;
        let train = Census::of_train(data, column, cancel)?;
        let test = train.of_test(data, column, cancel)?;
        let task = train.task(column, task)?;
        let is_regression = task == Task::Regression;
        let classes = match is_regression {
            true => Vec::new(),
            false => train.classes.keys().cloned().collect(),
        };
        let moments = train.spread;
        let unknown = if is_regression { 0 } else { test.foreign };
        let rows = Rows {
            train: train.rows - train.absent,
            test: test.rows - test.absent - unknown,
            train_unlabelled: train.absent,
            test_unlabelled: test.absent,
            test_unknown_class: unknown,
        };
        let (constant, baseline) = if is_regression {
            constant_number(test.spread)
        } else {
            constant_class(&test.classes, rows.test)
        };
        Ok(Self {
            column: column.to_owned(),
            task,
            classes,
            moments,
            scaled: scaled && is_regression,
            rows,
            constant,
            baseline,
            test_spread: test.spread.squares,
        })
    }

    /// Outputs of the network.
    pub(in crate::train) fn outputs(&self) -> usize {
        self.classes.len().max(1)
    }

    /// Mean and scale that a regression's label is standardized with.
    pub(in crate::train) fn unit(&self) -> (f64, f64) {
        if self.scaled {
            (self.moments.mean, self.moments.scale())
        } else {
            (0.0, 1.0)
        }
    }

    /// What is recorded of it.
    pub(in crate::train) fn record(&self) -> crate::artifact::validation::Label {
        let of_regression = |value: f64| {
            Figure(if self.task == Task::Regression {
                value
            } else {
                f64::NAN
            })
        };
        crate::artifact::validation::Label {
            column: self.column.clone(),
            task: self.task,
            classes: self.classes.iter().map(ToString::to_string).collect(),
            mean: of_regression(self.moments.mean),
            scale: of_regression(self.moments.scale()),
            scaled: self.scaled,
        }
    }

    /// The reader of this column in one row group.
    pub(super) fn reader(&self, file: &ParquetFile, row_group: usize) -> Result<LabelReader> {
        LabelReader::open(file, row_group, &self.column)
    }

    /// Reads targets.
    pub(super) fn targets(&self, reader: &mut LabelReader, rows: usize) -> Result<Vec<Target>> {
        let class = |class: Class| {
            let found = self.classes.binary_search(&class).ok();
            let index = found.and_then(|index| u32::try_from(index).ok());
            index.map_or(Target::Absent, Target::Class)
        };
        let numbers = self.task == Task::Regression;
        Ok(match reader.read(rows)? {
            Values::Numbers(values) if numbers => {
                let target = |value: Option<f64>| value.map_or(Target::Absent, Target::Number);
                values.into_iter().map(target).collect()
            }
            Values::Numbers(values) => {
                let target = |value: Option<f64>| {
                    value.map_or(Target::Absent, |value| class(Class::number(value)))
                };
                values.into_iter().map(target).collect()
            }
            Values::Texts(values) => {
                let target = |value: &Option<ByteArray>| {
                    value
                        .as_ref()
                        .map_or(Target::Absent, |value| class(Class::text(value)))
                };
                values.iter().map(target).collect()
            }
        })
    }
}

/// The mean of test.
fn constant_number(test: Spread) -> (Target, Score) {
    let score = Score {
        metric: Figure(0.0),
        rmse: Figure(test.variance().sqrt()),
    };
    (Target::Number(test.mean), score)
}

/// The largest class of test, the first of several; `test` has the classes of train.
fn constant_class(test: &BTreeMap<Class, u64>, rows: u64) -> (Target, Score) {
    let (mut constant, mut largest) = (0, 0);
    for (index, rows) in (0..).zip(test.values()) {
        if *rows > largest {
            (constant, largest) = (index, *rows);
        }
    }
    let score = Score {
        metric: Figure(largest as f64 / rows as f64),
        rmse: Figure(f64::NAN),
    };
    (Target::Class(constant), score)
}
