//! The table that tells how far each run has come. It exists only while some run is unfinished.

use rusqlite::{Connection, params};
use syncline_core::checkpoint::Checkpoint;

use crate::sqlite::connect::failure::Attempt;
use crate::sqlite::snapshot::select;
use crate::sqlite::write::cursors;

/// All checkpoints, newest last.
pub(super) fn read(conn: &Connection) -> Attempt<Vec<Checkpoint>> {
    if !exist(conn)? {
        return Ok(Vec::new());
    }
    let mut statement = conn.prepare("SELECT run, batch FROM main._syncline_checkpoint ORDER BY seq")?;
    let rows = statement
        .query_map([], |row| Ok(Checkpoint { run: row.get(0)?, batch: row.get::<_, i64>(1)?.unsigned_abs() }))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether there is a table of checkpoints.
pub(super) fn exist(conn: &Connection) -> Attempt<bool> {
    select::table_exists(conn, "_syncline_checkpoint")
}

/// Records a checkpoint in the open transaction.
pub(super) fn write(conn: &Connection, checkpoint: &Checkpoint) -> Attempt<()> {
    conn.execute_batch(
        "CREATE TABLE IF NOT EXISTS main._syncline_checkpoint (
             run TEXT PRIMARY KEY NOT NULL, batch INTEGER NOT NULL, seq INTEGER NOT NULL
         )",
    )?;
    let batch = i64::try_from(checkpoint.batch).unwrap_or(i64::MAX);
    conn.execute(
        "INSERT INTO main._syncline_checkpoint (run, batch, seq)
         VALUES (?1, ?2, (SELECT coalesce(max(seq), 0) + 1 FROM main._syncline_checkpoint))
         ON CONFLICT (run) DO UPDATE SET batch = excluded.batch, seq = excluded.seq",
        params![checkpoint.run, batch],
    )?;
    Ok(())
}

/// Removes a run's checkpoint in the open transaction, and the table with the last one.
pub(super) fn forget(conn: &Connection, run: &str) -> Attempt<()> {
    if !exist(conn)? {
        return Ok(());
    }
    conn.execute("DELETE FROM main._syncline_checkpoint WHERE run = ?1", [run])?;
    let left: bool = conn.query_row("SELECT EXISTS (SELECT 1 FROM main._syncline_checkpoint)", [], |row| row.get(0))?;
    // A database that is written to again and again keeps it: definitions would be read anew by everybody each time.
    if !left && !cursors::exist(conn)? {
        conn.execute_batch("DROP TABLE main._syncline_checkpoint")?;
    }
    Ok(())
}
