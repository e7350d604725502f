//! One sweep over a shard: everything that the checks need, leaf by leaf.
//!
//! Memory: for a row group its fingerprints, keys and labels, 8 bytes each a row, and one run of 16,384
//! rows of one leaf; for a shard one state a feature.

use std::ops::Range;

use super::buffers::Buffers;
use super::canonical::{self, Canonical, absorb};
use super::columns::Watched;
use super::feature::FeatureState;
use super::leaf::{Leaf, RUN_ROWS, Visitor};
use super::measure::ValueSample;
use super::prints::Prints;
use super::published::{Column, Published};
use super::rank::RankKind;
use super::timeline::ShardTimes;
use crate::engine::{Cancel, Event, Observer, Ordered, Pass};
use crate::error::Result;
use crate::kernel::mix;
use crate::schema::NumericKind;
use crate::source::parquet::{LeafRun, NumberReader, ParquetFile};

/// Where every fingerprint begins.
pub(super) const SEED: u64 = 0x243f_6a88_85a3_08d3;

/// What a sweep looks at, and where fingerprints go.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a> {
    pub published: &'a Published,
    pub watched: &'a Watched,
    /// Fingerprints of rows, if there are sides to compare.
    pub rows: Option<&'a Prints>,
    /// Fingerprints of keys, if there are keys.
    pub keys: Option<&'a Prints>,
    /// How times are compared, if they are watched.
    pub time: Option<RankKind>,
    /// Train rows whose hash is below this are kept, to see how often values repeat.
    pub sample_below: u64,
    /// Distinct values kept of each feature.
    pub value_capacity: usize,
    pub buffers: &'a Buffers,
    pub cancel: &'a Cancel,
    pub observer: &'a dyn Observer,
}

/// What one shard, or all of a side, holds.
#[derive(Debug)]
pub(super) struct SideState {
    /// One a feature.
    pub features: Vec<FeatureState>,
    /// For every column, words of the sampled rows; empty but on train.
    pub words: Vec<Vec<u64>>,
    /// For every column that may be a code, its values; `None` elsewhere, and but on train.
    pub codes: Vec<Option<ValueSample>>,
    /// Rows whose key is null.
    pub null_keys: u64,
    /// Of every shard, if times are watched.
    pub times: Vec<ShardTimes>,
}

impl SideState {
    /// Nothing seen yet.
    pub(super) fn new(scan: &Scan<'_>, side: usize) -> Self {
        let labels = &scan.watched.labels;
        let codes = scan.watched.codes.iter().map(|is_code| {
            (side == 0 && *is_code).then(|| ValueSample::new(scan.value_capacity, false))
        });
        let state = || FeatureState::new(scan.value_capacity, (side == 0).then_some(labels.len()));
        Self {
            features: scan.watched.features.iter().map(|_| state()).collect(),
            words: vec![Vec::new(); scan.published.columns.len()],
            codes: codes.collect(),
            null_keys: 0,
            times: Vec::new(),
        }
    }

    /// Takes in the next shard of the side.
    pub(super) fn merge(&mut self, next: Self) {
        for (mine, theirs) in self.features.iter_mut().zip(&next.features) {
            mine.merge(theirs);
        }
        for (mine, theirs) in self.words.iter_mut().zip(next.words) {
            mine.extend(theirs);
        }
        for (mine, theirs) in self.codes.iter_mut().zip(&next.codes) {
            if let (Some(mine), Some(theirs)) = (mine, theirs) {
                mine.merge(theirs);
            }
        }
        self.null_keys += next.null_keys;
        self.times.extend(next.times);
    }
}

/// A label's values in one row group.
#[derive(Debug, Default)]
pub(super) struct LabelRows {
    pub words: Vec<u64>,
    pub numbers: Vec<f64>,
}

impl Scan<'_> {
    /// Work on so many pieces, taken in order.
    pub(super) fn ordered(&self, threads: usize, count: usize) -> Ordered<'_> {
        Ordered {
            threads,
            count,
            cancel: self.cancel,
        }
    }

    /// Sweeps over shard `index` of `side`.
    pub(super) fn shard(&self, side: usize, index: usize) -> Result<SideState> {
        let shard = &self.published.sides[side].shards[index];
        self.published.check_bytes(shard)?;
        let file = self.published.open_shard(shard)?;
        let mut state = SideState::new(self, side);
        state.times.extend(self.time.map(ShardTimes::new));
        let mut first_row = shard.first_row;
        for row_group in 0..file.metadata().num_row_groups() {
            let part = Part {
                scan: self,
                file: &file,
                row_group,
                side,
                first_row,
            };
            first_row += part.sweep(&mut state)?;
        }
        self.observer.event(&Event::Advanced {
            pass: Pass::Audit,
            rows: shard.record.rows,
            bytes: shard.record.bytes,
        });
        Ok(state)
    }
}

/// One row group of a shard.
struct Part<'a> {
    scan: &'a Scan<'a>,
    file: &'a ParquetFile,
    row_group: usize,
    side: usize,
    first_row: u64,
}

impl Part<'_> {
    fn leaf(&self, leaf: usize) -> Leaf<'_> {
        Leaf {
            file: self.file,
            row_group: self.row_group,
            leaf,
        }
    }

    /// Looks at all columns; returns how many rows there were.
    fn sweep(&self, state: &mut SideState) -> Result<u64> {
        let rows = self.leaf(0).rows();
        let watched = self.scan.watched;
        let mut labels = self.labels_beforehand(rows)?;
        let sampled = match self.side {
            0 => self.sampled(rows),
            _ => Vec::new(),
        };
        let mut words = self.scan.buffers.take();
        let [prints, keys] = &mut words;
        for (words, store) in [(&mut *prints, self.scan.rows), (&mut *keys, self.scan.keys)] {
            words.clear();
            words.resize(store.map_or(0, |_| rows), SEED);
        }
        for (index, column) in self.labels_first() {
            // A label of train that wasn't read beforehand.
            let is_read = labels.len() == watched.labels.len();
            let is_label = self.side == 0 && !is_read && watched.labels.contains(&index);
            let mut label = is_label.then(|| LabelRows::new(rows));
            let mut sink = ColumnSink {
                prints: watched.compared[index].then_some(&mut prints[..]),
                keys: watched.group.contains(&index).then_some(&mut keys[..]),
                sampled: &sampled,
                sample: &mut state.words[index],
                code: state.codes[index].as_mut(),
                feature: column.feature.map(|feature| &mut state.features[feature]),
                labels: &labels,
                label: label.as_mut(),
                times: state
                    .times
                    .last_mut()
                    .filter(|_| watched.time == Some(index)),
                numbers: Vec::new(),
            };
            for leaf in column.leaves.clone() {
                self.scan.cancel.check()?;
                self.leaf(leaf).visit(&mut sink)?;
                // Of a nested column, the first leaf says enough about how often it repeats.
                sink.sampled = &[];
                sink.code = None;
            }
            if let Some(mut label) = label {
                self.read_numbers(column.leaves.start, &mut label.numbers)?;
                labels.push(label);
            }
        }
        let null = watched.null_key(self.scan.published);
        state.null_keys += keys.iter().filter(|key| **key == null).count() as u64;
        for (store, words) in [(self.scan.rows, prints), (self.scan.keys, keys)] {
            if let Some(store) = store {
                store.extend(self.side, self.first_row, words)?;
            }
        }
        self.scan.buffers.give_back(words);
        Ok(rows as u64)
    }

    /// The rows that are kept: by a hash of their place, so that nothing periodic is taken for equal.
    fn sampled(&self, rows: usize) -> Vec<usize> {
        let is_kept =
            |row: &usize| mix(SEED ^ (self.first_row + *row as u64)) < self.scan.sample_below;
        (0..rows).filter(is_kept).collect()
    }

    /// All columns, the labels before the features that are compared with them.
    fn labels_first(&self) -> impl Iterator<Item = (usize, &Column)> {
        let labels = &self.scan.watched.labels;
        let columns = self.scan.published.columns.iter().enumerate();
        let others = columns.filter(|(index, _)| !labels.contains(index));
        let first = labels
            .iter()
            .map(|index| (*index, &self.scan.published.columns[*index]));
        first.chain(others)
    }

    /// The labels of train, if one of them is a feature and all have to be there before it is looked at.
    fn labels_beforehand(&self, rows: usize) -> Result<Vec<LabelRows>> {
        let columns = &self.scan.published.columns;
        let watched = &self.scan.watched.labels;
        let mut labels = Vec::with_capacity(watched.len());
        let is_feature = |label: &usize| columns[*label].feature.is_some();
        if self.side != 0 || !watched.iter().any(is_feature) {
            return Ok(labels);
        }
        for label in watched {
            let mut found = LabelRows::new(rows);
            for leaf in columns[*label].leaves.clone() {
                self.leaf(leaf).visit(&mut found)?;
            }
            self.read_numbers(columns[*label].leaves.start, &mut found.numbers)?;
            labels.push(found);
        }
        Ok(labels)
    }

    /// Replaces the numbers of a leaf whose type says more than how it is stored.
    fn read_numbers(&self, leaf: usize, numbers: &mut Vec<f64>) -> Result<()> {
        let descriptor = self.file.metadata().row_group(self.row_group).column(leaf);
        let descriptor = descriptor.column_descr();
        let says_more = |kind: &NumericKind| {
            use NumericKind::{Decimal, Float16, UInt32, UInt64};
            matches!(kind, Decimal { .. } | Float16 | UInt32 | UInt64)
        };
        let kind = NumericKind::of(descriptor.self_type()).filter(says_more);
        let Some(kind) = kind.filter(|_| descriptor.max_rep_level() == 0) else {
            return Ok(());
        };
        let rows = self.leaf(leaf).rows();
        let mut reader = NumberReader::open(self.file, self.row_group, leaf, kind)?;
        let (mut run, mut dense) = (LeafRun::default(), Vec::new());
        numbers.clear();
        for first in (0..rows).step_by(RUN_ROWS) {
            reader.read(RUN_ROWS.min(rows - first), &mut run)?;
            let found = canonical::numbers(&run, descriptor.max_def_level(), &mut dense);
            numbers.extend_from_slice(found);
        }
        reader.finish()
    }
}

impl LabelRows {
    /// None seen yet of so many rows.
    fn new(rows: usize) -> Self {
        Self {
            words: vec![SEED; rows],
            numbers: Vec::with_capacity(rows),
        }
    }
}

impl Visitor for LabelRows {
    fn run<T: Canonical>(&mut self, first_row: usize, run: &LeafRun<T>, level_max: i16) {
        let words = self.words.get_mut(first_row..).unwrap_or_default();
        canonical::absorb_run(run, level_max, words);
        let mut buffer = Vec::new();
        let numbers = canonical::numbers(run, level_max, &mut buffer);
        self.numbers.extend_from_slice(numbers);
    }
}

/// Everything that wants to see a column's values.
struct ColumnSink<'a> {
    prints: Option<&'a mut [u64]>,
    keys: Option<&'a mut [u64]>,
    /// Rows that are kept, ascending.
    sampled: &'a [usize],
    sample: &'a mut Vec<u64>,
    code: Option<&'a mut ValueSample>,
    feature: Option<&'a mut FeatureState>,
    labels: &'a [LabelRows],
    /// The column as a label, if it is one.
    label: Option<&'a mut LabelRows>,
    /// What takes the column as times, if it holds them.
    times: Option<&'a mut ShardTimes>,
    numbers: Vec<f64>,
}

impl Visitor for ColumnSink<'_> {
    fn run<T: Canonical>(&mut self, first_row: usize, run: &LeafRun<T>, level_max: i16) {
        self.take_words(first_row, run, level_max);
        if let Some(label) = &mut self.label {
            label.run(first_row, run, level_max);
        }
        if let Some(times) = &mut self.times {
            times.run(first_row, run, level_max);
        }
        if let Some(feature) = &mut self.feature {
            let numbers = canonical::numbers(run, level_max, &mut self.numbers);
            let nulls = (numbers.len() - run.values.len()) as u64;
            let rows = first_row..first_row + numbers.len();
            feature.extend(numbers, nulls, &LabelRun::of(self.labels, &rows));
        }
    }
}

impl ColumnSink<'_> {
    fn take_words<T: Canonical>(&mut self, first_row: usize, run: &LeafRun<T>, level_max: i16) {
        for words in [&mut self.prints, &mut self.keys].into_iter().flatten() {
            let words = words.get_mut(first_row..).unwrap_or_default();
            canonical::absorb_run(run, level_max, words);
        }
        if let Some(code) = self.code.as_mut().filter(|code| !code.is_settled()) {
            canonical::words(run, level_max, |_, word| code.take_word(word));
        }
        self.take_sample(first_row, run, level_max);
    }

    fn take_sample<T: Canonical>(&mut self, first_row: usize, run: &LeafRun<T>, level_max: i16) {
        let next = self.sampled.partition_point(|row| *row < first_row);
        let mut wanted = self.sampled[next..]
            .iter()
            .map(|row| row - first_row)
            .peekable();
        if let Some(values) = canonical::one_a_row(run) {
            let here = wanted.map_while(|row| values.get(row));
            self.sample
                .extend(here.map(|value| absorb(SEED, canonical::word(value))));
            return;
        }
        let mut kept = None;
        canonical::words(run, level_max, |row, word| {
            if wanted.next_if_eq(&row).is_some() {
                self.sample.push(absorb(SEED, word));
                kept = Some(row);
            } else if kept == Some(row)
                && let Some(last) = self.sample.last_mut()
            {
                // A list goes on.
                *last = absorb(*last, word);
            }
        });
    }
}

/// The labels of one run of rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelRun<'a> {
    pub words: &'a [u64],
    pub numbers: &'a [f64],
}

impl<'a> LabelRun<'a> {
    fn of(labels: &'a [LabelRows], rows: &Range<usize>) -> Vec<Self> {
        let run = |label: &'a LabelRows| Self {
            words: label.words.get(rows.clone()).unwrap_or_default(),
            numbers: label.numbers.get(rows.clone()).unwrap_or_default(),
        };
        labels.iter().map(run).collect()
    }
}
