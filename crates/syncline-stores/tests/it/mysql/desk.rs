//! What the tests of reading share: a database of their own, seen by a view and by another program.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use syncline_core::change::{RowDigest, TableTask};
use syncline_core::store::{RowStream, Snapshot};
use syncline_core::value::{RowBatch, Value, ValueRef};
use syncline_stores::mysql::ConnectOptions;
use syncline_stores::mysql::snapshot::MysqlSnapshot;
use syncline_testkit::mariadb::{Database, Options, Server, fresh_database};

/// A fresh database.
pub(super) struct Desk {
    pub(super) database: Database<'static>,
}

impl Desk {
    /// A desk whose database holds what the statements make.
    pub(super) fn with(sql: &str) -> Self {
        let database = fresh_database();
        database.mariadb(sql);
        Self { database }
    }

    /// As [`Desk::with`], on a server that nobody else uses. It ends with the process.
    pub(super) fn alone(sql: &str) -> Self {
        let server: &'static Server = Box::leak(Box::new(Options::default().without_fsync().start()));
        let database = server.fresh_database();
        database.mariadb(sql);
        Self { database }
    }

    pub(super) fn options(&self) -> ConnectOptions {
        ConnectOptions { database: self.database.name().to_owned(), ..super::options(self.database.server()) }
    }

    pub(super) async fn view(&self) -> MysqlSnapshot {
        self.view_as(self.options()).await
    }

    pub(super) async fn view_as(&self, options: ConnectOptions) -> MysqlSnapshot {
        MysqlSnapshot::open(Arc::new(options)).await.unwrap()
    }

    pub(super) async fn task(&self, table: &str) -> TableTask {
        let schema = self.view().await.schema().await.unwrap();
        let table = schema.table(table).unwrap_or_else(|| panic!("no table {table}"));
        TableTask::whole(Arc::clone(table))
    }

    pub(super) async fn tasks(&self, tables: &[&str]) -> Vec<TableTask> {
        let mut tasks = Vec::new();
        for table in tables {
            tasks.push(self.task(table).await);
        }
        tasks
    }
}

/// All rows that a stream passes on.
pub(super) async fn rows(stream: RowStream<'_>) -> Vec<Vec<Value>> {
    let batches: Vec<RowBatch> = stream.try_collect().await.unwrap();
    batches.iter().flat_map(cells).collect()
}

pub(super) fn cells(batch: &RowBatch) -> Vec<Vec<Value>> {
    batch.rows().map(|row| row.iter().map(ValueRef::to_owned).collect()).collect()
}

pub(super) async fn scan(view: &mut MysqlSnapshot, task: &TableTask) -> Vec<Vec<Value>> {
    rows(view.scan(task).await.unwrap()).await
}

pub(super) async fn digests(view: &mut MysqlSnapshot, task: &TableTask) -> Vec<(Vec<Value>, RowDigest)> {
    let mut stream = view.digest(task).await.unwrap();
    let mut all = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        all.extend(cells(&batch.keys).into_iter().zip(batch.digests));
    }
    all
}

pub(super) async fn fetch(view: &mut MysqlSnapshot, task: &TableTask, keys: &[Vec<Value>]) -> Vec<Vec<Value>> {
    let mut batch = RowBatch::new(task.key_width());
    keys.iter().for_each(|key| batch.push_row(key.iter().map(Into::into)).unwrap());
    rows(view.fetch(task, &batch).await.unwrap()).await
}

/// What went wrong with a stream, after whatever it passed on.
pub(super) async fn failure<T>(
    mut stream: futures_util::stream::BoxStream<'_, syncline_core::error::Result<T>>,
) -> syncline_core::error::Error {
    loop {
        match stream.next().await {
            Some(Ok(_)) => {}
            Some(Err(error)) => return error,
            None => panic!("the stream has come to a good end"),
        }
    }
}
