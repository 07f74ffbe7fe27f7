//! Before-images and loads: what undo needs to take a run back.
//!
//! Written ahead: each call is durable on return, before the target commits the batch it belongs to. What was recorded
//! for batches that never came into the target is forgotten when the run is sealed.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use syncline_core::change::{Image, RowDigest, copies};
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::state::{CounterRecord, DanglingRecord, Evidence, LoadRecord, TableRecord};
use syncline_core::value::{TableSum, exact};

use super::State;
use super::counters;
use super::dangling;
use super::database::{Database, Outcome};
use super::run_record::{read_json, to_count, to_json, to_sql};

/// Bytes that an image takes beside its key and its row: numbers, digest, and SQLite's own.
const IMAGE_OVERHEAD: i64 = 48;

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

/// What is recorded for batches from ?2 to ?3 of the table ?1. Batches only grow, so the search starts at the last
/// image of an earlier batch.
const IMAGES_OF_BATCHES: &str = "table_id = ?1 AND batch BETWEEN ?2 AND ?3 AND sequence > coalesce(
         (SELECT earlier.sequence FROM image AS earlier WHERE earlier.table_id = ?1 AND earlier.batch < ?2
          ORDER BY earlier.sequence DESC LIMIT 1), 0)";

/// The evidence of one run, as the data path writes it. Clones write to the same run.
#[derive(Clone, Debug)]
pub struct RunEvidence {
    database: Database,
    run: String,
}

/// What undoing the images of a table would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageCounts {
    /// Rows the run deleted: they come back.
    pub to_restore: u64,
    /// Rows the run changed: they get their earlier values.
    pub to_revert: u64,
    /// Rows the run added: they go.
    pub to_remove: u64,
}

/// What an image says beside the cells of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The key, in the exact encoding.
    pub key: Vec<u8>,
    /// Whether there was a row before.
    pub was_there: bool,
    /// The digest of that row, where the key has the form of one of a table without a key.
    pub before: Option<RowDigest>,
    /// The engine's own row number, as in the image.
    pub place: Option<i64>,
    /// The digest of what was written.
    pub after: Option<RowDigest>,
}

impl RunEvidence {
    pub(super) fn new(database: Database, run: &str) -> Self {
        Self { database, run: run.to_owned() }
    }
}

#[async_trait]
impl Evidence for RunEvidence {
    async fn record_table(&self, record: &TableRecord) -> Result<()> {
        let (run, record) = (self.run.clone(), record.clone());
        let insert = "INSERT INTO evidence_table (run, name, columns, row_number) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (run, name) DO NOTHING";
        self.database
            .write("record the table of a run", move |tx| {
                let columns = to_json(&record.columns)?;
                tx.prepare_cached(insert)?.execute(params![run, record.table, columns, record.sequence])?;
                Ok(())
            })
            .await
    }

    async fn record_images(&self, batch: u64, table: &str, images: Vec<Image>) -> Result<()> {
        if images.is_empty() {
            return Ok(());
        }
        let (run, table) = (self.run.clone(), table.to_owned());
        self.database.write("record before-images", move |tx| insert_images(tx, &run, batch, &table, &images)).await
    }

    async fn record_load(&self, batch: u64, load: &LoadRecord) -> Result<()> {
        let (run, load) = (self.run.clone(), load.clone());
        let insert = "INSERT INTO load (run, batch, name, columns, created, sum, row_number) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.database
            .write("record a load", move |tx| {
                let columns = to_json(&load.columns)?;
                let batch = to_sql(batch);
                let values = params![run, batch, load.table, columns, load.created, load.sum, load.sequence];
                tx.prepare_cached(insert)?.execute(values)?;
                Ok(())
            })
            .await
    }

    async fn record_counter(&self, batch: u64, counter: &CounterRecord) -> Result<()> {
        let (run, counter) = (self.run.clone(), counter.clone());
        self.database.write("record a counter", move |tx| counters::insert(tx, &run, to_sql(batch), &counter)).await
    }

    async fn record_dangling(&self, records: &[DanglingRecord]) -> Result<()> {
        let (run, records) = (self.run.clone(), records.to_vec());
        self.database.write("record what points at nothing", move |tx| dangling::insert(tx, &run, &records)).await
    }

    async fn forget_batch(&self, batch: u64) -> Result<()> {
        let run = self.run.clone();
        let batch = to_sql(batch);
        self.database.write("forget before-images", move |tx| drop_batches(tx, &run, batch, batch)).await
    }

    async fn seal(&self, batch: u64) -> Result<()> {
        let run = self.run.clone();
        self.database
            .write("record that a run has all its batches in the target", move |tx| {
                drop_batches(tx, &run, to_sql(batch.saturating_add(1)), i64::MAX)?;
                dangling::drop_useless(tx, &run)?;
                tx.execute("UPDATE run SET sealed_batch = ?2 WHERE id = ?1", params![run, to_sql(batch)])?;
                Ok(())
            })
            .await
    }
}

impl State {
    /// The tables a run has before-images of, in the order they were recorded.
    pub async fn evidence_tables(&self, run: &str) -> Result<Vec<TableRecord>> {
        let run = run.to_owned();
        let select = "SELECT name, columns, row_number FROM evidence_table WHERE run = ?1 ORDER BY id";
        self.database
            .read("read the tables of a run", move |connection| {
                let mut statement = connection.prepare_cached(select)?;
                let tables = statement.query_map([run], |row| {
                    let columns = read_json(row, 1)?.unwrap_or_default();
                    Ok(TableRecord { table: row.get(0)?, columns, sequence: row.get(2)? })
                })?;
                Ok(tables.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// Up to `limit` before-images of a table, with their positions, in the order the rows were first changed. Pass
    /// the last position as `after` for the next page, 0 for the first; a page shorter than `limit` is the last.
    ///
    /// A row has one image, however often the run changed it: what it was before the run, and what the run left.
    pub async fn images(&self, run: &str, table: &str, after: u64, limit: usize) -> Result<Vec<(u64, Image)>> {
        let (run, table) = (run.to_owned(), table.to_owned());
        let select = format!("{NET_IMAGES} AND table_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3");
        self.database
            .read("read before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(Vec::new()) };
                let mut statement = connection.prepare_cached(&select)?;
                let values = params![table_id, to_sql(after), to_sql(limit as u64)];
                let images = statement.query_map(values, |row| Ok((to_count(row.get(0)?), read_image(row)?)))?;
                Ok(images.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// As [`State::images`], without the cells of the rows.
    pub async fn traces(&self, run: &str, table: &str, after: u64, limit: usize) -> Result<Vec<(u64, Trace)>> {
        let (run, table) = (run.to_owned(), table.to_owned());
        let select = format!(
            "SELECT sequence, key, before, place, written FROM ({NET_IMAGES} AND table_id = ?1 \
                AND sequence > ?2) ORDER BY sequence LIMIT ?3"
        );
        self.database
            .read("read before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(Vec::new()) };
                let mut statement = connection.prepare_cached(&select)?;
                let (mut traces, mut bytes) = (Vec::new(), 0);
                let mut rows = statement.query(params![table_id, to_sql(after), to_sql(limit as u64)])?;
                while let Some(row) = rows.next()? {
                    let trace = read_trace(row)?;
                    bytes += trace.key.len();
                    traces.push((to_count(row.get(0)?), trace));
                    if bytes > limits::BATCH_BYTES {
                        break;
                    }
                }
                Ok(traces)
            })
            .await
    }

    /// The before-images of the rows with these keys, as [`State::images`] shows them, in the order of the keys; keys
    /// without one are left out. Stops where they pass [`limits::BATCH_BYTES`] and tells how many keys were looked up.
    pub async fn images_by_key(&self, run: &str, table: &str, keys: &[Vec<u8>]) -> Result<(Vec<Image>, usize)> {
        let (run, table, keys) = (run.to_owned(), table.to_owned(), keys.to_vec());
        let select = format!("{NET_IMAGES} AND table_id = ?1 AND key = ?2");
        self.database
            .read("read before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok((Vec::new(), keys.len())) };
                let mut statement = connection.prepare_cached(&select)?;
                let (mut images, mut bytes) = (Vec::new(), 0);
                for (at, key) in keys.iter().enumerate() {
                    if let Some(image) = statement.query_row(params![table_id, key], read_image).optional()? {
                        bytes += image.bytes();
                        images.push(image);
                    }
                    if bytes > limits::BATCH_BYTES {
                        return Ok((images, at + 1));
                    }
                }
                Ok((images, keys.len()))
            })
            .await
    }

    /// The row numbers in the before-images of the rows with these keys, one for each key that has an image.
    pub async fn places_by_key(&self, run: &str, table: &str, keys: &[Vec<u8>]) -> Result<Vec<Option<i64>>> {
        let (run, table, keys) = (run.to_owned(), table.to_owned(), keys.to_vec());
        let select = format!("SELECT place FROM ({NET_IMAGES} AND table_id = ?1 AND key = ?2)");
        self.database
            .read("read before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(Vec::new()) };
                let mut statement = connection.prepare_cached(&select)?;
                let mut places = Vec::with_capacity(keys.len());
                for key in keys {
                    let place = statement.query_row(params![table_id, key], |row| row.get::<_, Option<i64>>(0));
                    places.extend(place.optional()?);
                }
                Ok(places)
            })
            .await
    }

    /// How many rows of a table undoing the run would bring back, change back and remove.
    pub async fn image_counts(&self, run: &str, table: &str) -> Result<ImageCounts> {
        let (run, table) = (run.to_owned(), table.to_owned());
        let select = format!(
            "SELECT count(*) FILTER (WHERE written IS NULL), \
                    count(*) FILTER (WHERE before IS NOT NULL AND written IS NOT NULL), \
                    count(*) FILTER (WHERE before IS NULL) \
             FROM ({NET_IMAGES} AND table_id = ?1)"
        );
        self.database
            .read("count before-images", move |connection| {
                let Some(table_id) = table_id(connection, &run, &table)? else { return Ok(ImageCounts::default()) };
                let counts = connection.prepare_cached(&select)?.query_row([table_id], |row| {
                    let count = |column| Ok::<_, rusqlite::Error>(to_count(row.get(column)?));
                    Ok(ImageCounts { to_restore: count(0)?, to_revert: count(1)?, to_remove: count(2)? })
                })?;
                Ok(counts)
            })
            .await
    }

    /// The loads of a run, in the order they were recorded.
    pub async fn loads(&self, run: &str) -> Result<Vec<LoadRecord>> {
        let run = run.to_owned();
        let select = "SELECT name, columns, created, sum, row_number FROM load WHERE run = ?1 ORDER BY sequence";
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

fn insert_images(tx: &Transaction<'_>, run: &str, batch: u64, table: &str, images: &[Image]) -> Outcome<()> {
    let table_id = table_id(tx, run, table)?.ok_or_else(|| {
        let what = format!("before-images of {table} came without a record of its columns");
        Error::new(Code::Internal, what)
    })?;
    let mut statement = tx.prepare_cached(
        "INSERT INTO image (table_id, batch, place, after, key, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for image in images {
        let after = image.after.map(|digest| digest.0.to_be_bytes());
        statement.execute(params![table_id, to_sql(batch), image.place, after, image.key, image.before])?;
    }
    let size = |image: &Image| 2 * image.key.len() + image.before.as_ref().map_or(0, Vec::len);
    let bytes = to_sql(images.iter().map(size).sum::<usize>() as u64) + IMAGE_OVERHEAD * images.len() as i64;
    tx.prepare_cached("UPDATE evidence_table SET bytes = bytes + ?2 WHERE id = ?1")?
        .execute(params![table_id, bytes])?;
    Ok(())
}

fn drop_batches(tx: &Transaction<'_>, run: &str, first: i64, last: i64) -> Outcome<()> {
    let sizes = format!(
        "SELECT coalesce(sum(2 * length(key) + coalesce(length(before), 0) + {IMAGE_OVERHEAD}), 0) \
         FROM image WHERE {IMAGES_OF_BATCHES}"
    );
    let mut tables = tx.prepare_cached("SELECT id FROM evidence_table WHERE run = ?1")?;
    for table_id in tables.query_map([run], |row| row.get::<_, i64>(0))?.collect::<rusqlite::Result<Vec<_>>>()? {
        let batches = params![table_id, first, last];
        let bytes: i64 = tx.query_row(&sizes, batches, |row| row.get(0))?;
        if bytes > 0 {
            tx.execute(&format!("DELETE FROM image WHERE {IMAGES_OF_BATCHES}"), batches)?;
            tx.execute("UPDATE evidence_table SET bytes = bytes - ?2 WHERE id = ?1", params![table_id, bytes])?;
        }
    }
    tx.execute("DELETE FROM load WHERE run = ?1 AND batch BETWEEN ?2 AND ?3", params![run, first, last])?;
    counters::drop_batches(tx, run, first, last)?;
    // A later attempt at such a table records it anew, with the sequence it has then.
    tx.execute(
        "DELETE FROM evidence_table WHERE run = ?1
           AND NOT EXISTS (SELECT 1 FROM image WHERE image.table_id = evidence_table.id)
           AND NOT EXISTS (SELECT 1 FROM load WHERE load.run = ?1 AND load.name = evidence_table.name)",
        [run],
    )?;
    counters::drop_useless(tx, run)
}

pub(super) fn table_id(connection: &Connection, run: &str, table: &str) -> Outcome<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM evidence_table WHERE run = ?1 AND name = ?2")?;
    Ok(statement.query_row([run, table], |row| row.get(0)).optional()?)
}

/// Reads a row of [`NET_IMAGES`].
fn read_image(row: &Row<'_>) -> rusqlite::Result<Image> {
    Ok(Image { key: row.get(1)?, before: row.get(2)?, place: row.get(3)?, after: read_digest(row, 4)? })
}

fn read_trace(row: &Row<'_>) -> rusqlite::Result<Trace> {
    let key: Vec<u8> = row.get(1)?;
    let cells = row.get_ref(2)?.as_blob_or_null()?;
    let before = cells.filter(|_| copies::decode(&key).is_some()).map(|cells| RowDigest(exact::digest_bytes(cells)));
    Ok(Trace { was_there: cells.is_some(), before, key, place: row.get(3)?, after: read_digest(row, 4)? })
}

pub(super) fn read_digest(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RowDigest>> {
    let bytes: Option<[u8; 16]> = row.get(column)?;
    Ok(bytes.map(|bytes| RowDigest(u128::from_be_bytes(bytes))))
}

/// How SQLite goes about a page of images and a look-up by key.
#[cfg(test)]
pub(super) async fn plans(state: &State) -> Vec<String> {
    let page =
        format!("EXPLAIN QUERY PLAN {NET_IMAGES} AND table_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3");
    let by_key = format!("EXPLAIN QUERY PLAN {NET_IMAGES} AND table_id = ?1 AND key = ?2 LIMIT ?3");
    let plans = state.database.read("explain", move |connection| {
        let mut plans = Vec::new();
        for explain in [page, by_key] {
            let mut statement = connection.prepare(&explain)?;
            let steps = statement.query_map(params![1, 1, 1], |row| row.get(3))?;
            plans.extend(steps.collect::<rusqlite::Result<Vec<String>>>()?);
        }
        Ok(plans)
    });
    plans.await.expect("BUG: the statements can be prepared")
}
