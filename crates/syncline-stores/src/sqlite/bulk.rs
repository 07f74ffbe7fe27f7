//! Whole tables: loading rows into an empty one, with one prepared INSERT that is bound again for each row, and
//! emptying one.

use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::error::Result;
use syncline_core::value::RowBatch;

use super::connect::failure::{Attempt, Failure};
use super::snapshot::select;
use super::types::{self, Encoding};

/// Inserts all rows.
///
/// # Errors
/// `ROW_REFUSED` or `UNIQUE_CLASH` for the first row that the database refuses.
pub(super) fn load(conn: &Connection, task: &TableTask, rows: &RowBatch) -> Attempt<()> {
    let encoding = Encoding::of(conn)?;
    // Kept by the connection from batch to batch.
    let mut insert = conn.prepare_cached(&insert(task, None)?)?;
    for row in rows.rows() {
        types::bind(&mut insert, 1, row.iter(), encoding)?;
        insert.raw_execute().map_err(Failure::of_row(&task.table.name))?;
    }
    Ok(())
}

/// Removes all rows and returns how many there were.
pub(super) fn clear(conn: &Connection, task: &TableTask) -> Attempt<u64> {
    let deleted = conn.execute(&format!("DELETE FROM {}", select::table(&task.table.name)?), [])?;
    Ok(deleted as u64)
}

/// The statement that inserts one row, its cells bound from the first parameter on and its row number, where it is
/// given a name, to the parameter after them; NULL there leaves the choice to SQLite.
///
/// OR ABORT, because a table may be defined with ON CONFLICT REPLACE or IGNORE, which would remove another row or drop
/// this one without a word.
pub(super) fn insert(task: &TableTask, rowid: Option<&str>) -> Result<String> {
    let width = task.columns.len();
    let parameters: Vec<String> = (1..=width + usize::from(rowid.is_some())).map(|at| format!("?{at}")).collect();
    let number = rowid.map(|name| format!(", {name}")).unwrap_or_default();
    Ok(format!(
        "INSERT OR ABORT INTO {} ({}{number}) VALUES ({})",
        select::table(&task.table.name)?,
        select::columns(task)?,
        parameters.join(", ")
    ))
}
