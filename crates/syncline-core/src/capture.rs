//! How changes are found at the source. So far by comparing: both sides are read in key order.

pub mod compare;

pub use compare::{Compare, Tally};
