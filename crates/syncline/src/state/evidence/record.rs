//! Evidence as the data path writes it, and what of it is forgotten again.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Transaction, params};
use syncline_core::change::Image;
use syncline_core::error::{Code, Error, Result};
use syncline_core::limits;
use syncline_core::state::{CounterRecord, DanglingRecord, Evidence, LoadRecord, TableRecord};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::table_id;
use crate::state::counters;
use crate::state::dangling;
use crate::state::database::{Database, Outcome};
use crate::state::run_record::{to_json, to_sql};

/// Bytes that an image takes beside its key and its row: numbers, digest, and SQLite's own.
const IMAGE_OVERHEAD: i64 = 48;

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
    /// Images that are being written. One call's at most, so that no more than twice its rows are held.
    on_their_way: Arc<Mutex<Option<JoinHandle<Result<()>>>>>,
}

impl RunEvidence {
    pub(in crate::state) fn new(database: Database, run: &str) -> Self {
        Self { database, run: run.to_owned(), on_their_way: Arc::default() }
    }
}

/// Waits for images that are being written.
async fn arrival(images: Option<JoinHandle<Result<()>>>) -> Result<()> {
    match images {
        None => Ok(()),
        Some(images) => images.await.unwrap_or_else(|error| {
            let what = "the task that records before-images has ended";
            Err(Error::new(Code::Internal, what).because(error.to_string()).caused_by(error))
        }),
    }
}

#[async_trait]
impl Evidence for RunEvidence {
    async fn record_table(&self, record: &TableRecord) -> Result<()> {
        self.settle().await?;
        let (run, record) = (self.run.clone(), record.clone());
        let insert = "INSERT INTO evidence_table (run, name, columns, row_number, in_target) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (run, name) DO NOTHING";
        self.database
            .write("record the table of a run", move |tx| {
                let columns = to_json(&record.columns)?;
                tx.prepare_cached(insert)?.execute(params![
                    run,
                    record.table,
                    columns,
                    record.sequence,
                    record.in_target
                ])?;
                Ok(())
            })
            .await
    }

    async fn record_images(&self, batch: u64, table: &str, images: Vec<Image>) -> Result<()> {
        if images.is_empty() {
            return Ok(());
        }
        let bytes: usize = images.iter().map(|image| image.key.len() + image.before.as_ref().map_or(0, Vec::len)).sum();
        let (run, table, database) = (self.run.clone(), table.to_owned(), self.database.clone());
        let mut on_their_way = self.on_their_way.lock().await;
        arrival(on_their_way.take()).await?;
        *on_their_way = Some(tokio::spawn(async move {
            database.write("record before-images", move |tx| insert_images(tx, &run, batch, &table, &images)).await
        }));
        if bytes > limits::IMAGES_AHEAD_BYTES {
            arrival(on_their_way.take()).await?;
        }
        Ok(())
    }

    async fn settle(&self) -> Result<()> {
        arrival(self.on_their_way.lock().await.take()).await
    }

    async fn record_load(&self, batch: u64, load: &LoadRecord) -> Result<()> {
        self.settle().await?;
        let (run, load) = (self.run.clone(), load.clone());
        let insert = "INSERT INTO load (run, batch, name, columns, created, sum, row_number, forms, in_target, sketch) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        self.database
            .write("record a load", move |tx| {
                let (columns, forms) = (to_json(&load.columns)?, to_json(&load.forms)?);
                let batch = to_sql(batch);
                tx.prepare_cached(insert)?.execute(params![
                    run,
                    batch,
                    load.table,
                    columns,
                    load.created,
                    load.sum,
                    load.sequence,
                    forms,
                    load.in_target,
                    load.sketch
                ])?;
                Ok(())
            })
            .await
    }

    async fn record_counter(&self, batch: u64, counter: &CounterRecord) -> Result<()> {
        self.settle().await?;
        let (run, counter) = (self.run.clone(), counter.clone());
        self.database.write("record a counter", move |tx| counters::insert(tx, &run, to_sql(batch), &counter)).await
    }

    async fn record_dangling(&self, records: &[DanglingRecord]) -> Result<()> {
        self.settle().await?;
        let (run, records) = (self.run.clone(), records.to_vec());
        self.database.write("record what points at nothing", move |tx| dangling::insert(tx, &run, &records)).await
    }

    async fn forget_batch(&self, batch: u64) -> Result<()> {
        // Whether they came does not matter: they go.
        let _ = self.settle().await;
        let run = self.run.clone();
        let batch = to_sql(batch);
        self.database.write("forget before-images", move |tx| drop_batches(tx, &run, batch, batch)).await
    }

    async fn seal(&self, batch: u64) -> Result<()> {
        self.settle().await?;
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
