//! The table that tells how far links into this database have come. It is there as long as one of them has been.

use rusqlite::{Connection, params};
use syncline_core::store::{Cursor, LogPosition};

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select;

/// All cursors.
pub(in crate::sqlite) fn read(conn: &Connection) -> Attempt<Vec<Cursor>> {
    if !exist(conn)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT link, source_table, position, shape FROM main._syncline_cursor ORDER BY link, source_table";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let (link, table, shape) = (row.get(0)?, row.get(1)?, row.get(3)?);
        Ok(Cursor { link, table, position: LogPosition(row.get(2)?), shape })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether there is a table of cursors.
pub(super) fn exist(conn: &Connection) -> Attempt<bool> {
    select::table_exists(conn, "_syncline_cursor")
}

/// Moves these cursors in the open transaction.
pub(super) fn write(conn: &Connection, cursors: &[Cursor]) -> Attempt<()> {
    if cursors.is_empty() {
        return Ok(());
    }
    if !exist(conn)? {
        conn.execute_batch(
            "CREATE TABLE main._syncline_cursor (
                 link TEXT NOT NULL, source_table TEXT NOT NULL, position TEXT NOT NULL, shape TEXT NOT NULL,
                 PRIMARY KEY (link, source_table)
             )",
        )?;
    }
    for Cursor { link, table, position, shape } in cursors {
        conn.prepare_cached(
            "INSERT INTO main._syncline_cursor (link, source_table, position, shape) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (link, source_table) DO UPDATE SET position = excluded.position, shape = excluded.shape",
        )?
        .execute(params![link, table, position.0, shape])?;
    }
    Ok(())
}

/// Removes all cursors in the open transaction.
pub(super) fn remove(conn: &Connection) -> Attempt<()> {
    Ok(conn.execute_batch("DROP TABLE main._syncline_cursor")?)
}
