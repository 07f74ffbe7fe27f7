//! Before-images and loads: what undo needs to take a run back.
//!
//! Written ahead: each call is durable on return, before the target commits the batch it belongs to. What was recorded
//! for batches that never came into the target is forgotten when the run is sealed.

mod images;
mod record;
#[cfg(test)]
mod tests;

use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use syncline_core::change::RowDigest;
use syncline_core::error::Result;
use syncline_core::state::{LoadRecord, TableRecord};
use syncline_core::value::TableSum;

use super::State;
use super::database::Outcome;
use super::run_record::{read_json, to_count};

pub use self::images::{ImageCounts, Trace};
pub use self::record::RunEvidence;

/// Rows that the run has changed, one a row, as the first image of a row and the mark that its last one left. A row
/// that came and went within the run is none.
pub(super) const NET_IMAGES: &str = "SELECT sequence, key, before, place, written FROM (
         SELECT sequence, table_id, key, before, place,
                (SELECT last.after FROM image AS last WHERE last.table_id = image.table_id AND last.key = image.key
                 ORDER BY last.sequence DESC LIMIT 1) AS written
         FROM image
         WHERE NOT EXISTS (SELECT 1 FROM image AS earlier
                           WHERE earlier.table_id = image.table_id AND earlier.key = image.key
                             AND earlier.sequence < image.sequence))
     WHERE (before IS NOT NULL OR written IS NOT NULL)";

impl State {
    /// The tables a run has before-images of, in the order they were recorded.
    pub async fn evidence_tables(&self, run: &str) -> Result<Vec<TableRecord>> {
        let run = run.to_owned();
        let select = "SELECT name, columns, row_number, in_target FROM evidence_table WHERE run = ?1 ORDER BY id";
        self.database
            .read("read the tables of a run", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let tables = statement.query_map([run], |row| {
                    let columns = read_json(row, 1)?.unwrap_or_default();
                    Ok(TableRecord { table: row.get(0)?, in_target: row.get(3)?, columns, sequence: row.get(2)? })
                })?;
                Ok(tables.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// The loads of a run, in the order they were recorded.
    pub async fn loads(&self, run: &str) -> Result<Vec<LoadRecord>> {
        let run = run.to_owned();
        let select = "SELECT name, columns, created, sum, row_number, forms, in_target, sketch FROM load WHERE run = ?1 \
             ORDER BY sequence";
        self.database
            .read("read the loads of a run", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let loads = statement.query_map([run], |row| {
                    Ok(LoadRecord {
                        table: row.get(0)?,
                        columns: read_json(row, 1)?.unwrap_or_default(),
                        created: row.get(2)?,
                        sum: row.get(3)?,
                        sequence: row.get(4)?,
                        forms: read_json(row, 5)?.unwrap_or_default(),
                        in_target: row.get(6)?,
                        sketch: row.get::<_, Option<Vec<u8>>>(7)?.unwrap_or_default(),
                    })
                })?;
                Ok(loads.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// The batch a run was sealed at: it and all before it are in the target, and none came after it. `None` for a run
    /// that was not sealed, whose target's checkpoint therefore still says how far it came.
    pub async fn sealed_batch(&self, run: &str) -> Result<Option<u64>> {
        let run = run.to_owned();
        self.database
            .read("look up how far a run came", move |connection| {
                let mut statement = connection.prepare_cached("SELECT sealed_batch FROM run WHERE id = ?1")?;
                let batch: Option<i64> = statement.query_row([run], |row| row.get(0)).optional()?.flatten();
                Ok(batch.map(to_count))
            })
            .await
    }
}

/// Rows that a run has changed or loaded, by its evidence.
pub(super) fn rows_on_record(tx: &Transaction<'_>, run: &str) -> Outcome<u64> {
    let count = format!("SELECT count(*) FROM ({NET_IMAGES} AND table_id = ?1)");
    let mut rows = 0;
    let mut tables = tx.prepare_cached("SELECT id FROM evidence_table WHERE run = ?1")?;
    for table_id in tables.query_map([run], |row| row.get::<_, i64>(0))? {
        rows += to_count(tx.prepare_cached(&count)?.query_row([table_id?], |row| row.get(0))?);
    }
    let mut loads = tx.prepare_cached("SELECT sum FROM load WHERE run = ?1")?;
    for sum in loads.query_map([run], |row| row.get::<_, Vec<u8>>(0))? {
        rows += TableSum::rows_of(&sum?).unwrap_or(0);
    }
    Ok(rows)
}

pub(super) fn table_id(connection: &Connection, run: &str, table: &str) -> Outcome<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM evidence_table WHERE run = ?1 AND name = ?2")?;
    Ok(statement.query_row([run, table], |row| row.get(0)).optional()?)
}

pub(super) fn read_digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RowDigest>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(|bytes| RowDigest(u128::from_be_bytes(bytes))))
}
