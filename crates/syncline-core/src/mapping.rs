//! How the source is seen through a job: which tables take part.

pub mod tables;

pub use tables::TableFilter;
