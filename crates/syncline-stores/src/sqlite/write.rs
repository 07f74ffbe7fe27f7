//! The writer and its transactions, on the store's resident connection.
//!
//! A transaction is begun with the right to write, so nobody changes a row between its check and its write. Whatever
//! ends a transaction early, a dropped future included, queues a rollback on the thread before anything else is done
//! there.

mod apply;
mod checkpoints;
mod copies;
pub(super) mod cursors;
pub(super) mod define;
mod displaced;
mod rivals;
mod row;
pub(super) mod sequence;

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::Connection;
use syncline_core::change::{Applied, ApplyMode, ChangeBatch, Refusal, TableTask};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::{Code, Error, Result};
use syncline_core::schema::{ForeignKey, SchemaStep, TableSchema};
use syncline_core::store::{Cursor, Orphans, Position, SharedView, Sighting, Transaction, Writer};
use syncline_core::value::RowBatch;

pub(super) use self::define::statements_of;

use super::bulk::{self, Loading, adopt};
use super::connect::failure::{Attempt, Doing};
use super::snapshot::{self, orphans};
use super::thread::ConnectionThread;
use super::track::own_changes;
use crate::one_writer::OneWriter;

/// A run's way to write.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    thread: Arc<ConnectionThread>,
    origin: String,
    _right: OneWriter,
}

impl SqliteWriter {
    /// A writer on the resident connection.
    pub(super) fn new(thread: Arc<ConnectionThread>, right: OneWriter) -> Self {
        Self { thread, origin: String::new(), _right: right }
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    async fn checkpoints(&mut self) -> Result<Vec<Checkpoint>> {
        self.thread.call(Doing::Reading, |conn| checkpoints::read(conn)).await
    }

    async fn begin(&mut self) -> Result<Box<dyn Transaction + '_>> {
        // Made before the first await: if the future is dropped, the transaction that may have begun is undone.
        let transaction = SqliteTransaction::by(&self.thread, self.origin.clone());
        self.thread.call(Doing::Writing, begin).await?;
        Ok(Box::new(transaction))
    }

    fn sign(&mut self, origin: &str) {
        origin.clone_into(&mut self.origin);
    }

    async fn forget(&mut self, run: &str) -> Result<()> {
        let transaction = SqliteTransaction::by(&self.thread, String::new());
        let run = run.to_owned();
        self.thread
            .call(Doing::Writing, move |conn| {
                if checkpoints::exist(conn)? {
                    begin(conn)?;
                    checkpoints::forget(conn, &run)?;
                    conn.execute_batch("COMMIT")?;
                }
                Ok(())
            })
            .await?;
        drop(transaction);
        Ok(())
    }

    async fn unlink(&mut self) -> Result<bool> {
        let transaction = SqliteTransaction::by(&self.thread, String::new());
        let unlink = move |conn: &mut Connection| {
            if !cursors::exist(conn)? {
                return Ok(false);
            }
            begin(conn)?;
            cursors::remove(conn)?;
            checkpoints::forget(conn, "")?;
            conn.execute_batch("COMMIT")?;
            Ok(true)
        };
        let unlinked = self.thread.call(Doing::Writing, unlink).await;
        drop(transaction);
        unlinked
    }
}

/// An open transaction; dropping it queues the rollback, which does nothing after a commit.
struct SqliteTransaction<'w> {
    thread: &'w ConnectionThread,
    /// What rows are on their way by.
    loading: Option<Loading<'w>>,
    /// As [`Writer::sign`].
    origin: String,
    /// Tables that were filled or emptied as a whole, whose rows no log can name one by one.
    in_bulk: BTreeSet<String>,
}

impl<'w> SqliteTransaction<'w> {
    fn by(thread: &'w ConnectionThread, origin: String) -> Self {
        Self { thread, loading: None, origin, in_bulk: BTreeSet::new() }
    }
}

impl Drop for SqliteTransaction<'_> {
    fn drop(&mut self) {
        self.thread.queue(|conn| {
            // Should it fail, `begin` tries again and reports it.
            let _ = rollback(conn);
        });
    }
}

#[async_trait]
impl Transaction for SqliteTransaction<'_> {
    async fn define(&mut self, steps: &[SchemaStep]) -> Result<()> {
        let steps = steps.to_vec();
        self.thread
            .call(Doing::Writing, move |conn| steps.iter().try_for_each(|step| define::carry_out(conn, step)))
            .await
    }

    async fn load(&mut self, task: &TableTask, rows: RowBatch) -> Result<Vec<Refusal>> {
        let mut refused = self.load_on(task, rows).await?;
        if let Some(mut loading) = self.loading.take() {
            refused.extend(loading.finish().await?);
        }
        Ok(refused)
    }

    async fn load_on(&mut self, task: &TableTask, rows: RowBatch) -> Result<Vec<Refusal>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.in_bulk.insert(task.table.name.clone());
        self.loading.get_or_insert_with(|| Loading::begin(self.thread, task)).push(task, rows).await
    }

    async fn adopt(&mut self, table: &TableSchema, view: &dyn SharedView) -> Result<Option<u64>> {
        self.in_bulk.insert(table.name.clone());
        adopt::adopt(self.thread, table, view).await
    }

    async fn apply(&mut self, task: &TableTask, batch: ChangeBatch, mode: ApplyMode) -> Result<Applied> {
        let task = task.clone();
        let origin = self.origin.clone();
        let apply = move |conn: &mut Connection| {
            let applied = apply::apply(conn, &task, batch, mode)?;
            own_changes::log(conn, &task, &applied.images, &origin)?;
            Ok(applied)
        };
        self.thread.call(Doing::Writing, apply).await
    }

    async fn is_at(&mut self, position: &Position) -> Result<bool> {
        let read = |conn: &mut Connection| Ok(conn.query_row("PRAGMA main.data_version", [], |row| row.get(0))?);
        let version = self.thread.call(Doing::Reading, read).await?;
        Ok(snapshot::position(self.thread, version) == *position)
    }

    async fn rows(&mut self, task: &TableTask, keys: &RowBatch) -> Result<Sighting> {
        let (task, keys) = (task.clone(), keys.clone());
        self.thread.call(Doing::Writing, move |conn| apply::rows(conn, &task, &keys)).await
    }

    async fn clear(&mut self, task: &TableTask) -> Result<u64> {
        self.in_bulk.insert(task.table.name.clone());
        let task = task.clone();
        self.thread.call(Doing::Writing, move |conn| bulk::clear(conn, &task)).await
    }

    async fn orphans(
        &mut self,
        child: &TableTask,
        foreign_key: &ForeignKey,
        keys: Option<&RowBatch>,
        limit: usize,
    ) -> Result<Orphans> {
        let (child, foreign_key, keys) = (child.clone(), foreign_key.clone(), keys.cloned());
        let work = move |conn: &mut Connection| orphans::find(conn, &child, &foreign_key, keys.as_ref(), limit);
        self.thread.call(Doing::Writing, work).await
    }

    async fn rivals(&mut self, task: &TableTask, rows: &RowBatch) -> Result<Vec<Vec<Vec<u8>>>> {
        let (task, rows) = (task.clone(), rows.clone());
        self.thread.call(Doing::Writing, move |conn| rivals::find(conn, &task, &rows)).await
    }

    async fn sequence(&mut self, table: &str) -> Result<Option<i64>> {
        let table = table.to_owned();
        self.thread.call(Doing::Writing, move |conn| sequence::read(conn, &table)).await
    }

    async fn restore_sequence(&mut self, table: &str, value: Option<i64>) -> Result<()> {
        let table = table.to_owned();
        self.thread.call(Doing::Writing, move |conn| sequence::restore(conn, &table, value)).await
    }

    async fn advance(&mut self, cursors: &[Cursor]) -> Result<()> {
        let cursors = cursors.to_vec();
        self.thread.call(Doing::Writing, move |conn| cursors::write(conn, &cursors)).await
    }

    async fn commit(self: Box<Self>, checkpoint: &Checkpoint) -> Result<()> {
        if self.loading.as_ref().is_some_and(|loading| !loading.is_done()) {
            return Err(Error::new(Code::Internal, "a transaction was to be committed with rows still on their way"));
        }
        let (checkpoint, in_bulk) = (checkpoint.clone(), self.in_bulk.clone());
        self.thread
            .call(Doing::Writing, move |conn| {
                checkpoints::write(conn, &checkpoint)?;
                displaced::forget_all(conn)?;
                own_changes::renew(conn, &in_bulk)?;
                conn.execute_batch("COMMIT")?;
                // The rows are durable; should it fail, `begin` tries again and reports it.
                let _ = adopt::let_go(conn);
                Ok(())
            })
            .await
    }
}

fn begin(conn: &mut Connection) -> Attempt<()> {
    rollback(conn)?;
    Ok(conn.execute_batch("BEGIN IMMEDIATE")?)
}

fn rollback(conn: &Connection) -> Attempt<()> {
    if !conn.is_autocommit() {
        conn.execute_batch("ROLLBACK")?;
    }
    adopt::let_go(conn)
}
