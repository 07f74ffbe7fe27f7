//! Writing to a real server, beside others who write to it.

mod apply;
mod copies;
mod disturbed;
mod load;
mod pending;
mod refused;

use std::sync::Arc;

use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, PutBatch, Refusal, RowDigest, TableTask,
};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::Result;
use syncline_core::schema::{SchemaStep, TableSchema};
use syncline_core::store::{Store, Transaction, Writer};
use syncline_core::value::{RowBatch, Value, exact};
use syncline_stores::mysql::{ConnectOptions, MysqlStore, connect, schema};
use syncline_testkit::mariadb::{Database, Server, fresh_database};

/// A database of the test's own, and a store that writes to it.
struct Desk<'s> {
    database: Database<'s>,
    store: MysqlStore,
}

impl Desk<'static> {
    async fn new(script: &str) -> Self {
        Self::on(fresh_database(), script).await
    }
}

impl<'s> Desk<'s> {
    async fn on(database: Database<'s>, script: &str) -> Self {
        if !script.is_empty() {
            database.mariadb(script);
        }
        let store = MysqlStore::open(options(&database), true).await.unwrap();
        Self { database, store }
    }

    async fn writer(&self) -> Box<dyn Writer> {
        self.store.writer().await.unwrap()
    }

    async fn table(&self, name: &str) -> Arc<TableSchema> {
        let connection = connect(&options(&self.database)).await.unwrap();
        Arc::clone(schema::read(&connection).await.unwrap().table(name).unwrap())
    }

    async fn task(&self, name: &str) -> TableTask {
        TableTask::whole(self.table(name).await)
    }

    /// Cells of a query, rows on lines.
    fn shown(&self, query: &str) -> String {
        self.database.mariadb(query).trim_end().to_owned()
    }

    /// The tables that are there, whoever made them.
    fn tables(&self) -> String {
        self.shown("SHOW TABLES").replace('\n', " ")
    }

    /// Ends the sessions whose last statement begins with this, from another one.
    fn kill_those_at(&self, statement: &str) -> usize {
        let name = self.database.name();
        let query = format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{name}' AND info LIKE '{statement}%' \
             AND id <> CONNECTION_ID()"
        );
        self.kill(&query)
    }

    /// Ends all sessions of the store but the one that is resident, which began first.
    fn kill_all(&self) -> usize {
        let name = self.database.name();
        self.kill(&format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{name}' AND id <> CONNECTION_ID()"
        ))
    }

    /// How many sessions are at a statement with these words.
    fn waiting(&self, words: &str) -> usize {
        let name = self.database.name();
        let query = format!(
            "SELECT id FROM information_schema.processlist WHERE db = '{name}' AND info LIKE '%{words}%' \
             AND id <> CONNECTION_ID()"
        );
        self.shown(&query).lines().count()
    }

    fn kill(&self, query: &str) -> usize {
        let ids: Vec<String> = self.shown(query).lines().map(str::to_owned).collect();
        ids.iter().for_each(|id| drop(self.database.try_mariadb(&format!("KILL {id}"))));
        ids.len()
    }
}

fn options(database: &Database<'_>) -> ConnectOptions {
    ConnectOptions { database: database.name().to_owned(), ..super::options(database.server()) }
}

/// Waits until a condition holds. Whoever calls sees to it that it will.
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it does not come about");
}

fn batch(width: usize, rows: &[Vec<Value>]) -> RowBatch {
    let mut batch = RowBatch::new(width);
    rows.iter().for_each(|row| batch.push_row(row.iter().map(Value::as_ref)).unwrap());
    batch
}

fn digest(row: &[Value]) -> RowDigest {
    RowDigest(exact::digest_row(row.iter().map(Value::as_ref), &mut Vec::new()))
}

fn put(rows: &[Vec<Value>], expectations: Vec<Expectation>) -> ChangeBatch {
    let width = rows.first().map_or(1, Vec::len);
    ChangeBatch::Put(PutBatch { rows: batch(width, rows), expectations, ..PutBatch::default() })
}

fn inserts(rows: &[Vec<Value>]) -> ChangeBatch {
    put(rows, vec![Expectation::Absent; rows.len()])
}

fn updates(old: &[Vec<Value>], new: &[Vec<Value>]) -> ChangeBatch {
    put(new, old.iter().map(|row| Expectation::Digest(digest(row))).collect())
}

fn deletes(rows: &[Vec<Value>]) -> ChangeBatch {
    let keys: Vec<_> = rows.iter().map(|row| row[..1].to_vec()).collect();
    let expectations = rows.iter().map(|row| digest(row)).collect();
    ChangeBatch::Delete(DeleteBatch { keys: batch(1, &keys), expectations, left: Vec::new() })
}

fn checkpoint(batch: u64) -> Checkpoint {
    Checkpoint { run: "run".to_owned(), batch }
}

/// Applies in a transaction of its own.
async fn apply(desk: &Desk<'_>, task: &TableTask, work: ChangeBatch) -> Applied {
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(task, work, ApplyMode::InPlace).await.unwrap();
    transaction.commit(&checkpoint(1)).await.unwrap();
    writer.forget("run").await.unwrap();
    applied
}

/// Loads in a transaction of its own.
async fn load(desk: &Desk<'_>, task: &TableTask, rows: &[Vec<Value>]) -> Vec<Refusal> {
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let refused = transaction.load(task, batch(task.columns.len(), rows)).await.unwrap();
    transaction.commit(&checkpoint(1)).await.unwrap();
    writer.forget("run").await.unwrap();
    refused
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn text(text: &str) -> Value {
    Value::text(text)
}

/// A table to be made, as it is in another database.
async fn model(ddl: &str) -> SchemaStep {
    let desk = Desk::new(ddl).await;
    let name = desk.shown("SHOW TABLES");
    SchemaStep::CreateTable(desk.table(&name).await)
}

/// A private server with this in its configuration.
fn server(settings: &[(&str, &str)]) -> Server {
    let options = syncline_testkit::mariadb::Options::default();
    settings.iter().fold(options, |options, (name, value)| options.setting(name, value)).start()
}

async fn define(transaction: &mut dyn Transaction, steps: Vec<SchemaStep>) -> Result<()> {
    transaction.define(&steps).await
}
