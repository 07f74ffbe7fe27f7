//! How changes are found at the source: by reading every row, or by comparing both sides in key order, whose rows or
//! whose sums are read.

mod borders;
pub mod compare;
pub mod comparison;
pub mod paced;
pub mod scan;

pub use compare::{Compare, Tally};
pub use comparison::{Comparison, SlowLinks, Way};
pub use paced::PacedStore;
