//! A filter as MySQL's own SQL.

use syncline_core::change::TableTask;
use syncline_core::error::{Code, Error, Result};

/// The condition that the rows of a task satisfy, with the table's columns behind `qualifier`; `None` for all rows.
///
/// # Errors
/// For any filter: they are not written in this dialect yet.
pub(super) fn condition(task: &TableTask, _qualifier: &str) -> Result<Option<String>> {
    match &task.mapped.filter {
        None => Ok(None),
        Some(_) => Err(Error::new(Code::Internal, "MySQL has no filters yet")),
    }
}
