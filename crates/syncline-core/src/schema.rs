//! Tables as their databases describe them, how two of them fit together, and the steps that make one like the other.

pub mod contract;
mod meeting;
pub mod report;
pub mod steps;
pub mod table;

pub use contract::{ColumnPair, Mismatch};
pub use meeting::{Grade, Meeting};
pub use report::{Difference, DifferenceKind, Severity};
pub use steps::{AddedColumn, NewColumn, SchemaStep, Translated, Widened};
pub use table::{
    Check, Column, Counter, ForeignKey, Generated, HEEDING_CASE, Index, IndexColumn, Key, NotCarried, Schema,
    TableSchema, Unique, heeds_case, heeds_case_of_columns,
};
