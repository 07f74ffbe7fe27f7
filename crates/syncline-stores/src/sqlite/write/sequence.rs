//! The highest row number ever given out in tables with AUTOINCREMENT.

use rusqlite::{Connection, OptionalExtension, params};

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select;

/// The table's entry in `sqlite_sequence`, if it has one.
pub(in crate::sqlite) fn read(conn: &Connection, table: &str) -> Attempt<Option<i64>> {
    // The table comes into being with the first AUTOINCREMENT.
    if !select::table_exists(conn, "sqlite_sequence")? {
        return Ok(None);
    }
    // Anybody may write anything into it, and SQLite goes on from the rows then.
    let sql = "SELECT seq FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE AND typeof(seq) = 'integer'";
    Ok(conn.query_row(sql, [table], |row| row.get(0)).optional()?)
}

/// Sets the entry to `value`, or removes it.
pub(super) fn restore(conn: &Connection, table: &str, value: Option<i64>) -> Attempt<()> {
    if !select::table_exists(conn, "sqlite_sequence")? {
        return Ok(());
    }
    let Some(value) = value else {
        conn.execute("DELETE FROM main.sqlite_sequence WHERE name = ?1 COLLATE NOCASE", [table])?;
        return Ok(());
    };
    let updated =
        conn.execute("UPDATE main.sqlite_sequence SET seq = ?2 WHERE name = ?1 COLLATE NOCASE", params![table, value])?;
    if updated == 0 {
        conn.execute("INSERT INTO main.sqlite_sequence (name, seq) VALUES (?1, ?2)", params![table, value])?;
    }
    Ok(())
}
