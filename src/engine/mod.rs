//! Running units: threads, memory, cancellation, progress. No arithmetic on data, no building of paths.

mod cancel;
mod child;
pub mod machine;
mod memory;
mod observe;
mod ordered;
mod tally;
mod usage;

pub use cancel::Cancel;
pub use child::{Child, Ended};
pub use memory::{Memory, PagePermit, Permit};
pub use observe::{Event, Observer, Pass, Silent};
pub use ordered::{Feed, Ordered, guarded};
pub use tally::Tally;
pub use usage::{peak_memory_bytes, resident_memory_bytes};
