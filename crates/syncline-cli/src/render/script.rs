//! What the SQL scripts of a diff and of a plan have in common.

use syncline::row_difference::RowDifference;

use super::cell::key;
use super::text::{counted, escape};

/// The comment that stands in the place of a statement for a row that a run would hold: the statement would fail, and the
/// script with it.
pub(crate) fn left_out(row: &RowDifference) -> Option<String> {
    let why = row.why_held()?;
    Some(format!("-- left out: {} {}: {why}\n", escape(&row.table), key(row)))
}

/// The end of a script that has so many statements and comments.
pub(crate) fn end(rows: u64, left_out: u64) -> String {
    let rows = counted(rows, "row");
    let left_out = if left_out > 0 { format!(", {left_out} left out") } else { String::new() };
    format!("COMMIT;\n-- {rows}{left_out}\n")
}
