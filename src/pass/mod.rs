//! What one unit does in each pass, and how the results merge. The rooms meet here: values come from
//! `source`, arithmetic from `kernel`, shards go to `sink`.

mod encode;
mod features;
mod fit;
mod footers;
mod histograms;
mod infinities;
mod leaves;
mod part;
mod passing;
mod plan;
mod route;
mod scaling;
mod shuffle;
mod slicer;
mod split;
mod stores;
mod text;
mod units;
mod weights;
mod write;

use crate::engine::{Cancel, Event, Memory, Observer, Ordered, Pass};
use crate::source::discover::InputFile;

pub use fit::{FeatureState, FitPartial, FitTotal, Fitted, fit};
pub use histograms::{Histograms, SideHistograms};
pub use infinities::{Infinities, check_infinities};
pub use part::{CachePart, Part, check_cache, list_units, plan_part};
pub use plan::{Plan, Prepared, Rows, check_unchanged, plan, screen};
pub use scaling::Scaling;
use shuffle::shuffle_bytes;
pub use shuffle::{AllRows, Scattered, Shuffle, gather, scatter, scatter_units};
pub use split::{
    ClassTotal, Routed, RowsOf, SplitPlan, SplitTotal, check_rows, check_split, split,
};
pub use text::settle;
pub use units::{Total, fit_units, missing_units, split_total, split_units, total, write_units};
pub use write::{WriteJob, WritePartial, Written, shard_paths, write, write_kind};

/// What the partial of a unit is called: `fit-0000012`.
fn partial_name(pass: Pass, unit: usize) -> String {
    format!("{pass}-{unit:07}")
}

/// What an output holds already that more is added to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    /// How many inputs it was made from, the first of all: none of their rows is read.
    pub inputs: usize,
    /// How many numbers of units its shards have: those of new ones come after them.
    pub units: u64,
}

/// What the result of all units together is called: `fit-total`.
fn total_name(pass: Pass) -> String {
    format!("{pass}-total")
}

/// What every pass needs to know about the run around it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The input files, in order.
    pub inputs: &'a [InputFile],
    /// What the output holds already.
    pub known: Known,
    /// The budget, which also says how many threads there may be.
    pub memory: &'a Memory,
    /// Asked between pieces of work.
    pub cancel: &'a Cancel,
    /// Told about progress.
    pub observer: &'a dyn Observer,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}

impl<'a> Context<'a> {
    /// Worker threads.
    fn threads(&self) -> usize {
        self.memory.workers()
    }

    /// `count` pieces of work on all threads.
    fn ordered(&self, count: usize) -> Ordered<'a> {
        self.ordered_on(self.threads(), count)
    }

    fn ordered_on(&self, threads: usize, count: usize) -> Ordered<'a> {
        Ordered {
            threads,
            count,
            cancel: self.cancel,
        }
    }

    /// Threads for units, and for the columns inside each: enough units keep every thread busy by
    /// themselves; few units, a huge one for example, are worked on one by one, columns in parallel.
    fn lanes(&self, units: usize) -> (usize, usize) {
        let threads = self.threads();
        if units >= 2 * threads {
            (threads, 1)
        } else {
            (1, threads)
        }
    }

    fn advanced(&self, pass: Pass, rows: u64, bytes: u64) {
        self.observer.event(&Event::Advanced { pass, rows, bytes });
    }
}
