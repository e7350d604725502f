//! Routing: the rows of a run, each to its side, in order.

use crate::kernel::Sides;
use crate::source::parquet::LeafRun;

/// Sides in the order in which their shards are written.
pub(super) const SIDES: usize = 2;

/// Buffers for one run after another, reused.
#[derive(Debug, Default)]
pub(super) struct Router<T> {
    /// Train rows.
    pub train: LeafRun<T>,
    /// Test rows.
    pub test: LeafRun<T>,
    slots: Sides,
    values: Sides,
    valid: Vec<u64>,
}

/// The rows of a run: how many, and where their sides begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct RunRows<'a> {
    /// Sides of all rows of the unit.
    pub sides: &'a Sides,
    /// Index, in the unit, of the run's first row.
    pub first: usize,
    /// Rows in the run.
    pub rows: usize,
}

impl<T: Clone> Router<T> {
    /// Forgets the run and keeps the memory.
    pub(super) fn clear(&mut self) {
        for side in [&mut self.train, &mut self.test] {
            side.values.clear();
            side.definition.clear();
            side.repetition.clear();
        }
    }

    /// Replaces the buffers' content by the rows of `run`; a slot has a value if its definition level
    /// is `top`.
    pub(super) fn route(
        &mut self,
        run: &LeafRun<T>,
        top: i16,
        rows: RunRows<'_>,
        partition: impl Fn(&Sides, usize, &[T], &mut Vec<T>, &mut Vec<T>),
    ) {
        self.clear();
        let (train, test) = (&mut self.train, &mut self.test);
        if !run.repetition.is_empty() {
            slots_of_rows(&run.repetition, rows, &mut self.slots);
            split_levels(
                &self.slots,
                0,
                &run.repetition,
                |side| &mut side.repetition,
                train,
                test,
            );
            split_levels(
                &self.slots,
                0,
                &run.definition,
                |side| &mut side.definition,
                train,
                test,
            );
            fill_valid(&run.definition, top, &mut self.valid);
            self.values.clear();
            self.slots
                .compact(0, run.definition.len(), &self.valid, &mut self.values);
            partition(
                &self.values,
                0,
                &run.values,
                &mut train.values,
                &mut test.values,
            );
            return;
        }
        if run.definition.len() > run.values.len() {
            fill_valid(&run.definition, top, &mut self.valid);
            self.values.clear();
            rows.sides
                .compact(rows.first, rows.rows, &self.valid, &mut self.values);
            partition(
                &self.values,
                0,
                &run.values,
                &mut train.values,
                &mut test.values,
            );
        } else {
            partition(
                rows.sides,
                rows.first,
                &run.values,
                &mut train.values,
                &mut test.values,
            );
        }
        split_levels(
            rows.sides,
            rows.first,
            &run.definition,
            |side| &mut side.definition,
            train,
            test,
        );
    }
}

fn split_levels<T>(
    sides: &Sides,
    first: usize,
    levels: &[i16],
    of: impl Fn(&mut LeafRun<T>) -> &mut Vec<i16>,
    train: &mut LeafRun<T>,
    test: &mut LeafRun<T>,
) {
    sides.partition_copy(first, levels, of(train), of(test));
}

/// The side of each slot: that of its row. A row begins at repetition level 0.
fn slots_of_rows(repetition: &[i16], rows: RunRows<'_>, slots: &mut Sides) {
    slots.clear();
    let mut row = rows.first;
    let mut begun = false;
    for level in repetition {
        if *level == 0 && begun {
            row += 1;
        }
        begun = true;
        if let Some(side) = rows.sides.side(row) {
            slots.push(side);
        }
    }
}

/// One bit per slot, set where the slot has a value.
pub(super) fn fill_valid(definition: &[i16], top: i16, valid: &mut Vec<u64>) {
    valid.clear();
    valid.extend(definition.chunks(64).map(|levels| {
        levels.iter().enumerate().fold(0, |word, (slot, level)| {
            word | (u64::from(*level == top) << slot)
        })
    }));
}
