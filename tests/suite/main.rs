//! The command-level tests: one binary, one harness.
//!
//! Every test runs the real `prep` in a fresh directory. What needs Python libraries is in
//! `tests/peers/`, what needs large data in `tests/tpch/` and `benches/peers/`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test that cannot go on stops; a skipped one says so; cases are long tables"
)]

mod audit; // planted leaks are found, none is invented
mod bad_files; // files that cannot be read: an error, or left out on request
mod bombs; // files far larger in memory than on disk
mod columns; // which columns are scaled, which pass through, and their types
mod commit; // the output appears whole or not at all
mod compile_fail; // what must not compile
mod corpora; // third-party files found by PREP_CORPORA
mod engines; // who else does the units, and what machines are told
mod errors; // every kind of bad input, with the whole text of its error
mod examples; // worked examples from scikit-learn users
mod exhausted; // no more disk, file size or descriptors
mod files; // what is found, skipped and refused in directories
mod fuzz_properties; // what must hold for any bytes, with seeds and their mutations
mod harness;
mod identity; // what passes through is not changed; warnings
mod inputs_that_change; // files that change or arrive while they are read
mod invariance; // same bytes whatever the threads and memory; rows never move
mod isolate; // units in processes of their own, some of which die
mod leak; // test rows can't reach the fit
mod locking; // one run at a time on one output
mod numbers; // values that break other programs, against exact arithmetic
mod paths; // which paths are refused, followed, written; any name works
#[cfg(feature = "polars")]
mod polars; // the scaler as Polars expressions
mod report; // histograms, report.json, report.html
mod resume; // a stopped run goes on, and its output shows nothing of it
mod reuse; // fit, transform, merge: a scaler outlives its run
mod rust_api; // the front of the crate for Rust programs
mod shuffle; // rows of a side in a random order
mod signals; // real signals in the middle of real runs
mod splits; // which rows go to which side
mod text; // CSV and TSV
mod tidy; // rules of the source tree
mod units; // a job done by many processes is that of one
mod update; // new files added to an output
mod validate; // networks on raw and on standardized features
mod verify; // good outputs are good, changed ones are found
