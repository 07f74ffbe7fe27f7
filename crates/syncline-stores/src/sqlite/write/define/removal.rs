//! Dropping a table, where nothing of others hangs on it.

use rusqlite::Connection;
use syncline_core::error::{Code, Error};

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select;

/// Drops a table, but not what others have built on it: a trigger would go with it without a word, and a view would be
/// left with nothing to show. Syncline makes neither. Indexes are part of the table and go.
///
/// # Errors
/// `UNDO_STALE`, naming the trigger or view. After the latter the transaction has to be rolled back.
pub(super) fn drop_table(conn: &Connection, table: &str) -> Attempt<()> {
    let on_it = "SELECT name FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE";
    if let Some(trigger) = names(conn, on_it, [table])?.first() {
        return Err(in_use(table, &format!("the trigger {trigger} stands on it")).into());
    }
    let views = names(conn, "SELECT name FROM main.sqlite_schema WHERE type = 'view'", [])?;
    let working = |view: &&String| can_be_read(conn, view);
    let before: Vec<_> = views.iter().filter(working).collect();
    conn.execute_batch(&format!("DROP TABLE {}", select::table(table)?))?;
    match before.into_iter().find(|view| !can_be_read(conn, view)) {
        Some(view) => Err(in_use(table, &format!("the view {view} reads it")).into()),
        None => Ok(()),
    }
}

fn names<P: rusqlite::Params>(conn: &Connection, sql: &str, params: P) -> Attempt<Vec<String>> {
    let mut statement = conn.prepare(sql)?;
    let names = statement.query_map(params, |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(names)
}

/// Whether SQLite can still make a statement of the view.
fn can_be_read(conn: &Connection, view: &str) -> bool {
    select::table(view).is_ok_and(|view| conn.prepare(&format!("SELECT 1 FROM {view}")).is_ok())
}

fn in_use(table: &str, why: &str) -> Error {
    Error::new(Code::UndoStale, format!("{table}, which the run has made, is used by others since"))
        .because(why)
        .leaving("the table is untouched")
        .next("drop what uses it, and undo the same run again", "the table goes then")
}
