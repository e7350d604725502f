//! Routing: the rows of a run, each to its side, in order.

use crate::kernel::{Parts, Sides};
use crate::source::parquet::LeafRun;

/// Buffers for one run after another, reused: what a [`LeafRun`] holds, of each side.
#[derive(Debug, Default)]
pub(super) struct Router<T> {
    /// Values.
    pub values: Parts<T>,
    /// Definition levels; none if every row of a flat column has a value.
    pub definition: Parts<i16>,
    /// Repetition levels.
    pub repetition: Parts<i16>,
    of_slots: Sides,
    of_values: Sides,
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
        self.values.iter_mut().for_each(Vec::clear);
        self.definition.iter_mut().for_each(Vec::clear);
        self.repetition.iter_mut().for_each(Vec::clear);
    }

    /// Replaces the buffers' content by the rows of `run`; a slot has a value if its definition level
    /// is `top`.
    pub(super) fn route(
        &mut self,
        run: &LeafRun<T>,
        top: i16,
        rows: RunRows<'_>,
        partition: impl Fn(&Sides, usize, &[T], &mut Parts<T>),
    ) {
        self.clear();
        if !run.repetition.is_empty() {
            let slots = &mut self.of_slots;
            slots_of_rows(&run.repetition, rows, slots);
            slots.partition_copy(0, &run.repetition, &mut self.repetition);
            slots.partition_copy(0, &run.definition, &mut self.definition);
            fill_valid(&run.definition, top, &mut self.valid);
            self.of_values.clear();
            slots.compact(0, run.definition.len(), &self.valid, &mut self.of_values);
            partition(&self.of_values, 0, &run.values, &mut self.values);
            return;
        }
        let (sides, first) = (rows.sides, rows.first);
        if run.definition.len() > run.values.len() {
            fill_valid(&run.definition, top, &mut self.valid);
            self.of_values.clear();
            sides.compact(first, rows.rows, &self.valid, &mut self.of_values);
            partition(&self.of_values, 0, &run.values, &mut self.values);
            sides.partition_copy(first, &run.definition, &mut self.definition);
        } else {
            // Every row has a value: levels say nothing.
            partition(sides, first, &run.values, &mut self.values);
        }
    }
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
