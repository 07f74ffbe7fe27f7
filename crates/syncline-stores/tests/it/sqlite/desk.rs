//! What the tests share: a database in a directory of its own, seen by the store and by another program.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt;
use rusqlite::Connection;
use syncline_core::change::TableTask;
use syncline_core::schema::{Schema, TableSchema};
use syncline_core::store::{DigestBatch, Snapshot, Store};
use syncline_core::value::{RowBatch, Value, ValueRef};
use syncline_stores::{Access, SqliteStore};

/// A fresh database file.
pub(crate) struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    /// A desk whose database holds what the statements make.
    pub(crate) fn with(sql: &str) -> Self {
        let desk = Self { directory: tempfile::tempdir().unwrap() };
        desk.other().execute_batch(sql).unwrap();
        desk
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.file("desk.db")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Another program's connection.
    pub(crate) fn other(&self) -> Connection {
        let conn = Connection::open(self.path()).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        conn
    }

    pub(crate) async fn store(&self) -> SqliteStore {
        SqliteStore::open_with_lock_wait(&self.path(), Access::Write, Duration::from_millis(200)).await.unwrap()
    }

    pub(crate) async fn schema(&self) -> Schema {
        self.store().await.snapshot().await.unwrap().schema().await.unwrap()
    }

    /// The rows of a query, as another program sees them.
    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<Value>> {
        let conn = self.other();
        let mut statement = conn.prepare(sql).unwrap();
        let width = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            all.push((0..width).map(|column| owned(row.get_ref(column).unwrap())).collect());
        }
        all
    }

    /// Names of the files in the directory.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(crate) fn owned(cell: rusqlite::types::ValueRef<'_>) -> Value {
    match cell {
        rusqlite::types::ValueRef::Null => Value::Null,
        rusqlite::types::ValueRef::Integer(value) => Value::Int(value),
        rusqlite::types::ValueRef::Real(value) => Value::Real(value),
        rusqlite::types::ValueRef::Text(bytes) => Value::Text(bytes.to_vec()),
        rusqlite::types::ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

pub(crate) fn task(table: &Arc<TableSchema>) -> TableTask {
    TableTask::whole(Arc::clone(table))
}

pub(crate) async fn task_of(snapshot: &mut Box<dyn Snapshot>, table: &str) -> TableTask {
    task(snapshot.schema().await.unwrap().table(table).unwrap())
}

pub(crate) fn batch(rows: &[Vec<Value>]) -> RowBatch {
    let mut batch = RowBatch::new(rows.first().map_or(1, Vec::len));
    for row in rows {
        batch.push_row(row.iter().map(Value::as_ref)).unwrap();
    }
    batch
}

pub(crate) fn rows_of<'a>(batches: impl IntoIterator<Item = &'a RowBatch>) -> Vec<Vec<Value>> {
    let rows = batches.into_iter().flat_map(RowBatch::rows);
    rows.map(|row| row.iter().map(ValueRef::to_owned).collect()).collect()
}

pub(crate) async fn scan(snapshot: &mut Box<dyn Snapshot>, task: &TableTask) -> Vec<Vec<Value>> {
    let batches: Vec<RowBatch> = snapshot.scan(task).await.unwrap().try_collect().await.unwrap();
    rows_of(&batches)
}

pub(crate) async fn fetch(snapshot: &mut Box<dyn Snapshot>, task: &TableTask, keys: &RowBatch) -> Vec<Vec<Value>> {
    let batches: Vec<RowBatch> = snapshot.fetch(task, keys).await.unwrap().try_collect().await.unwrap();
    rows_of(&batches)
}

pub(crate) async fn digests(snapshot: &mut Box<dyn Snapshot>, task: &TableTask) -> Vec<DigestBatch> {
    snapshot.digest(task).await.unwrap().try_collect().await.unwrap()
}

/// Key cells in the order of the digest stream.
pub(crate) async fn digest_keys(snapshot: &mut Box<dyn Snapshot>, task: &TableTask) -> Vec<Vec<Value>> {
    rows_of(digests(snapshot, task).await.iter().map(|batch| &batch.keys))
}

pub(crate) fn int(value: i64) -> Value {
    Value::Int(value)
}

pub(crate) fn text(value: &str) -> Value {
    Value::text(value)
}
