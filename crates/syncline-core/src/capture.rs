//! How changes are found at the source: by reading every row, by comparing both sides in key order, whose rows or
//! whose sums are read, by what a log of the source says was touched, or by a column that grows with every write.

mod borders;
pub mod column;
pub mod compare;
pub mod comparison;
pub mod kept;
pub mod paced;
pub mod scan;
pub mod touched;

pub use column::{CursorColumn, CursorRule};
pub use compare::{Compare, Tally};
pub use comparison::{Comparison, SlowLinks, Way};
pub use kept::{KeptRows, Remembered};
pub use paced::PacedStore;
pub use touched::{Touched, compare_keys_of};
