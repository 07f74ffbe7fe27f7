//! Taking a whole table over from a view of another database of the same engine. An engine that has no such way says so
//! each time, and the promises hold.

use std::sync::Arc;

use syncline_core::change::TableTask;
use syncline_core::schema::SchemaStep;
use syncline_core::store::{Snapshot, Store, Transaction};
use syncline_core::value::Value;

use super::rows::{batch, checkpoint, create, create_orders, in_key_order, objects, read, task_of};
use super::{Factory, Fixture, Lab, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "adopt: every row, exactly", check: |labs| Box::pin(every_row(labs)) },
    Promise { name: "adopt: a table stored by its key", check: |labs| Box::pin(clustered(labs)) },
    Promise { name: "adopt: an empty table", check: |labs| Box::pin(empty(labs)) },
    Promise { name: "adopt: dropped, nothing stays", check: |labs| Box::pin(dropped(labs)) },
    Promise { name: "adopt: fires no trigger", check: |labs| Box::pin(no_trigger(labs)) },
    Promise {
        name: "adopt: a view of the past is not taken, its rows can be loaded",
        check: |labs| Box::pin(past(labs)),
    },
    Promise { name: "adopt: the other database is free afterwards", check: |labs| Box::pin(free(labs)) },
];

/// A source with a view of one of its tables, and the store that is to take it over.
struct Pair {
    source: Box<dyn Lab>,
    target: Box<dyn Lab>,
    view: Box<dyn Snapshot>,
    task: TableTask,
    store: Arc<dyn Store>,
}

impl Pair {
    async fn of(labs: Factory<'_>, source: Box<dyn Lab>, table: &str) -> Self {
        let target = labs();
        let mut view = source.open().await.snapshot().await.unwrap();
        let task = task_of(&view.schema().await.unwrap(), table);
        let store = target.open().await;
        Self { source, target, view, task, store }
    }

    /// Creates the table and takes it over; returns how many rows it was, where the engine can do it.
    async fn adopt(&self, transaction: &mut dyn Transaction) -> Option<u64> {
        transaction.define(&[SchemaStep::CreateTable(Arc::clone(&self.task.table))]).await.unwrap();
        let view = self.view.shared()?;
        transaction.adopt(&self.task.table, &*view).await.unwrap()
    }

    /// Takes the table over, commits, and holds what is there against the rows.
    async fn check(&self, rows: Vec<Cells>) {
        let mut writer = self.store.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        let adopted = self.adopt(&mut *transaction).await;
        transaction.commit(&checkpoint("adopt", 1)).await.unwrap();
        if let Some(adopted) = adopted {
            assert_eq!(adopted, rows.len() as u64);
        }
        let expected = if adopted.is_some() { in_key_order(&self.task, rows) } else { Vec::new() };
        assert!(read(&self.store, &self.task).await == expected);
    }
}

async fn every_row(labs: Factory<'_>) {
    let source = labs();
    let rows = create_orders(&*source, 5, 10_001).await;
    let before = objects(&*source).await;
    let pair = Pair::of(labs, source, "orders").await;
    pair.check(rows).await;
    assert_eq!(objects(&*pair.source).await, before, "nothing is left in the source");
}

async fn clustered(labs: Factory<'_>) {
    let source = labs();
    let Some(ddl) = source.sql(Fixture::Clustered) else { return };
    source.run_sql(&ddl).await;
    let rows: Vec<Cells> =
        (0..3_000).map(|n| vec![Value::text(format!("{:04}", n * 7 % 3_000)), Value::Int(n)]).collect();
    source.insert("clustered", &rows).await;
    Pair::of(labs, source, "clustered").await.check(rows).await;
}

async fn empty(labs: Factory<'_>) {
    let source = labs();
    create_orders(&*source, 5, 0).await;
    Pair::of(labs, source, "orders").await.check(Vec::new()).await;
}

async fn dropped(labs: Factory<'_>) {
    let source = labs();
    create_orders(&*source, 5, 3_000).await;
    let pair = Pair::of(labs, source, "orders").await;
    let before = objects(&*pair.target).await;
    let mut writer = pair.store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    pair.adopt(&mut *transaction).await;
    drop(transaction);
    assert!(writer.checkpoints().await.unwrap().is_empty());
    assert_eq!(objects(&*pair.target).await, before);
}

async fn no_trigger(labs: Factory<'_>) {
    let source = labs();
    let Some(ddl) = source.sql(Fixture::Audit) else { return };
    source.run_sql(&ddl).await;
    let rows: Vec<Cells> = (0..10).map(|id| vec![Value::Int(id), Value::Int(id)]).collect();
    source.insert("audited", &rows).await;
    let counted = source.query("SELECT count(*) FROM audit").await;
    let pair = Pair::of(labs, source, "audited").await;
    pair.check(rows).await;
    assert_eq!(pair.source.query("SELECT count(*) FROM audit").await, counted);
}

async fn past(labs: Factory<'_>) {
    let source = labs();
    let rows = create_orders(&*source, 5, 3_000).await;
    let pair = Pair::of(labs, source, "orders").await;
    pair.source.run_sql("DELETE FROM orders WHERE id < 100").await;
    let mut writer = pair.store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(pair.adopt(&mut *transaction).await, None, "the view shows rows that are gone");
    let refused = transaction.load(&pair.task, batch(6, &rows)).await.unwrap();
    assert!(refused.is_empty());
    transaction.commit(&checkpoint("adopt", 1)).await.unwrap();
    assert!(read(&pair.store, &pair.task).await == in_key_order(&pair.task, rows));
}

async fn free(labs: Factory<'_>) {
    let source = labs();
    create_orders(&*source, 5, 100).await;
    let pair = Pair::of(labs, source, "orders").await;
    for commits in [true, false] {
        let mut writer = pair.store.writer().await.unwrap();
        if commits {
            let mut transaction = writer.begin().await.unwrap();
            pair.adopt(&mut *transaction).await;
            transaction.commit(&checkpoint("adopt", 1)).await.unwrap();
            create(&*pair.target, "DROP TABLE orders").await;
        } else {
            let mut transaction = writer.begin().await.unwrap();
            pair.adopt(&mut *transaction).await;
        }
        // Another transaction of the target must not take the other database's lock with its own.
        let transaction = writer.begin().await.unwrap();
        pair.source.run_sql("UPDATE orders SET customer = 'another'").await;
        drop(transaction);
    }
}
