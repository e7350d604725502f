//! `Labels`: what the label column holds, found by one scan of it, and how its values become targets.
//!
//! Numbers that are whole, with at most [`CLASSES_GUESSED_MAX`] different ones on train, are classes,
//! other numbers a regression; text and booleans are classes. Limit: [`CLASSES_MAX`] classes. Memory:
//! the classes.

use std::collections::BTreeMap;

use parquet::data_type::{BoolType, ByteArrayType};
use parquet::schema::types::Type;

use super::{DataSet, Shard, Side};
use crate::artifact::Figure;
use crate::artifact::validation::{Rows, Score};
use crate::engine::Cancel;
use crate::error::{DataError, Error, Place, Result, TrainError};
use crate::schema::NumericKind;
use crate::source::parquet::{LeafReader, LeafRun, NumberReader, ParquetFile};
use crate::spec::Task;

/// More different whole numbers are taken for a quantity.
const CLASSES_GUESSED_MAX: usize = 20;
/// More classes than this aren't trained on.
const CLASSES_MAX: usize = 1_000;
/// Rows that are scanned at a time.
const SCAN_ROWS: u64 = 65_536;

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
    /// Predicting the same for every test row.
    pub(in crate::train) baseline: Score,
    /// Sum over the test labels of (label - their mean)^2.
    pub(in crate::train) test_spread: f64,
}

/// One label's value: what distinguishes classes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// A number by the bits that order it.
    Number(i64),
    Text(Vec<u8>),
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

/// What one side's labels are.
#[derive(Debug, Default)]
struct Census {
    spread: Spread,
    classes: BTreeMap<Class, u64>,
    too_many: bool,
    whole: bool,
    textual: bool,
    absent: u64,
    rows: u64,
}

/// Count, mean and sum of squared differences from it, by Welford's update in the order of the rows.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn push(&mut self, value: f64) {
        self.count += 1;
        let off = value - self.mean;
        self.mean += off / self.count as f64;
        self.squares += off * (value - self.mean);
    }

    fn variance(self) -> f64 {
        self.squares / self.count as f64
    }

    /// The standard deviation; 1 where it is 0.
    fn scale(self) -> f64 {
        let scale = self.variance().sqrt();
        if scale > 0.0 { scale } else { 1.0 }
    }
}

/// A run of label values.
enum Values {
    Numbers(Vec<Option<f64>>),
    Texts(Vec<Option<Vec<u8>>>),
}

/// Reads the label of one row group from its first row to its last.
pub(super) enum LabelReader {
    Number(NumberReader, LeafRun<f64>),
    Boolean(LeafReader<BoolType>, LeafRun<bool>),
    Text(
        LeafReader<ByteArrayType>,
        LeafRun<parquet::data_type::ByteArray>,
    ),
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
        let train = Census::of(&data.train, column, cancel)?;
        let test = Census::of(&data.test, column, cancel)?;
        let task = train.task(column, task)?;
        let classes: Vec<Class> = match task {
            Task::Regression => Vec::new(),
            _ => train.classes.keys().cloned().collect(),
        };
        let moments = train.spread;
        let known = |class: &&Class| train.classes.contains_key(class);
        let unknown = match task {
            Task::Regression => 0,
            _ => {
                let labelled = test.rows - test.absent;
                let counted = test.classes.iter().filter(|(class, _)| known(class));
                labelled - counted.map(|(_, count)| count).sum::<u64>()
            }
        };
        let rows = Rows {
            train: train.rows - train.absent,
            test: test.rows - test.absent - unknown,
            train_unlabelled: train.absent,
            test_unlabelled: test.absent,
            test_unknown_class: unknown,
        };
        let baseline = match task {
            Task::Regression => mean_baseline(moments, test.spread),
            _ => class_baseline(&train.classes, &test.classes, rows.test),
        };
        Ok(Self {
            column: column.to_owned(),
            task,
            classes,
            moments,
            scaled: scaled && task == Task::Regression,
            rows,
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
                let target = |value: Option<Vec<u8>>| {
                    value.map_or(Target::Absent, |value| class(Class::Text(value)))
                };
                values.into_iter().map(target).collect()
            }
        })
    }
}

/// R2 and error of the train mean on test, in closed form.
fn mean_baseline(train: Spread, test: Spread) -> Score {
    let off = test.mean - train.mean;
    Score {
        metric: Figure(-off * off / test.variance()),
        rmse: Figure((off * off + test.variance()).sqrt()),
    }
}

/// Accuracy on test of train's largest class; the first of several.
fn class_baseline(train: &BTreeMap<Class, u64>, test: &BTreeMap<Class, u64>, rows: u64) -> Score {
    let largest = train.iter().rev().max_by_key(|(_, count)| **count);
    let right = largest.and_then(|(class, _)| test.get(class)).copied();
    Score {
        metric: Figure(right.unwrap_or(0) as f64 / rows as f64),
        rmse: Figure(f64::NAN),
    }
}

impl Census {
    fn of(side: &Side, column: &str, cancel: &Cancel) -> Result<Self> {
        let mut census = Self {
            whole: true,
            ..Self::default()
        };
        for shard in &side.shards {
            census.add_shard(shard, column, cancel)?;
        }
        Ok(census)
    }

    fn add_shard(&mut self, shard: &Shard, column: &str, cancel: &Cancel) -> Result<()> {
        let file = ParquetFile::open(&shard.path)?;
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
                self.rows += 1;
                match value {
                    None => self.absent += 1,
                    Some(value) => {
                        self.spread.push(value);
                        self.whole &= value.fract() == 0.0;
                        self.count(Class::number(value));
                    }
                }
            }),
            Values::Texts(values) => values.into_iter().for_each(|value| {
                self.rows += 1;
                match value {
                    None => self.absent += 1,
                    Some(value) => self.count(Class::Text(value)),
                }
            }),
        }
    }

    fn count(&mut self, class: Class) {
        if self.too_many {
            return;
        }
        *self.classes.entry(class).or_default() += 1;
        if self.classes.len() > CLASSES_MAX {
            self.too_many = true;
            self.classes.clear();
        }
    }

    /// What train labels like these are for.
    fn task(&self, column: &str, wanted: Option<Task>) -> Result<Task> {
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
    /// The class of a number; the integers are in the order of the numbers, and 0 is one class.
    fn number(value: f64) -> Self {
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

impl LabelReader {
    fn open(file: &ParquetFile, row_group: usize, column: &str) -> Result<Self> {
        let schema = file.metadata().file_metadata().schema_descr();
        let place = || Place::path(file.path()).column(column);
        let leaf = (0..schema.num_columns())
            .find(|leaf| schema.column(*leaf).path().parts() == [column])
            .ok_or_else(|| unusable(column, "nested or not there").at(place()))?;
        let root: &Type = schema.get_column_root(leaf);
        if let Some(kind) = NumericKind::of(root) {
            let reader = NumberReader::open(file, row_group, leaf, kind)?;
            return Ok(Self::Number(reader, LeafRun::default()));
        }
        if schema.column(leaf).max_rep_level() > 0 {
            return Err(unusable(column, "a list").at(place()));
        }
        match root.get_physical_type() {
            parquet::basic::Type::BOOLEAN => {
                let reader = LeafReader::open(file, row_group, leaf)?;
                Ok(Self::Boolean(reader, LeafRun::default()))
            }
            parquet::basic::Type::BYTE_ARRAY => {
                let reader = LeafReader::open(file, row_group, leaf)?;
                Ok(Self::Text(reader, LeafRun::default()))
            }
            _ => Err(unusable(column, "neither a number, text nor a boolean").at(place())),
        }
    }

    fn is_textual(&self) -> bool {
        matches!(self, Self::Text(..))
    }

    pub(super) fn skip(&mut self, rows: usize) -> Result<()> {
        match self {
            Self::Number(reader, _) => reader.skip(rows),
            Self::Boolean(reader, _) => reader.skip(rows),
            Self::Text(reader, _) => reader.skip(rows),
        }
    }

    fn read(&mut self, rows: usize) -> Result<Values> {
        match self {
            Self::Number(reader, run) => {
                reader.read(rows, run)?;
                let finite = |value: &f64| Some(*value).filter(|value| value.is_finite());
                Ok(Values::Numbers(spread(run, rows, finite)))
            }
            Self::Boolean(reader, run) => {
                reader.read(rows, run)?;
                let number = |value: &bool| Some(f64::from(u8::from(*value)));
                Ok(Values::Numbers(spread(run, rows, number)))
            }
            Self::Text(reader, run) => {
                reader.read(rows, run)?;
                Ok(Values::Texts(spread(run, rows, |value| {
                    Some(value.data().to_vec())
                })))
            }
        }
    }
}

/// One entry a row from the values that are there.
fn spread<T, V>(run: &LeafRun<T>, rows: usize, map: impl Fn(&T) -> Option<V>) -> Vec<Option<V>> {
    if run.definition.is_empty() {
        return run.values.iter().map(map).collect();
    }
    let mut values = run.values.iter();
    let defined = run.definition.iter().take(rows);
    defined
        .map(|level| {
            if *level > 0 {
                values.next().and_then(&map)
            } else {
                None
            }
        })
        .collect()
}

fn unusable(column: &str, found: &'static str) -> Error {
    Error::from(DataError::NotALabel {
        column: column.to_owned(),
        found,
    })
}
