//! How changes are found at the source: by reading every row, or by comparing both sides in key order.

pub mod compare;
pub mod paced;
pub mod scan;

pub use compare::{Compare, Tally};
pub use paced::PacedStore;
