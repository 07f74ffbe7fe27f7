//! Transactions: all at once or not at all, and nobody else in between.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, ready, select};
use syncline_core::change::{Applied, ApplyMode, ChangeBatch, Expectation, TableTask};
use syncline_core::error::{Code, Result};
use syncline_core::limits::LOCK_WAIT;
use syncline_core::store::{Store, Writer};
use syncline_core::value::Value;

use super::rows::{
    batch, checkpoint, create, deletes, in_key_order, inserts, key, moved, objects, read, task, updates, write,
};
use super::{Factory, Lab, Promise};
use crate::fixtures::{Cells, ORDERS, orders};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "writer: what is committed is visible to all", check: |labs| Box::pin(committed(labs)) },
    Promise { name: "writer: a dropped transaction leaves nothing", check: |labs| Box::pin(dropped(labs)) },
    Promise {
        name: "writer: dropped with its transaction, it leaves nothing",
        check: |labs| Box::pin(all_dropped(labs)),
    },
    Promise { name: "writer: a call dropped midway leaves no transaction", check: |labs| Box::pin(dropped_call(labs)) },
    Promise {
        name: "writer: a begin dropped midway leaves no transaction",
        check: |labs| Box::pin(dropped_begin(labs)),
    },
    Promise { name: "writer: a commit dropped midway is done or undone", check: |labs| Box::pin(dropped_commit(labs)) },
    Promise { name: "writer: one transaction after the other", check: |labs| Box::pin(one_after_other(labs)) },
    Promise { name: "writer: it waits for another program's lock", check: |labs| Box::pin(waits(labs)) },
    Promise {
        name: "writer: it waits as it begins, where one program writes at a time",
        check: |labs| Box::pin(begin_waits(labs)),
    },
    Promise { name: "writer: what is committed while it waits is seen", check: |labs| Box::pin(while_waiting(labs)) },
    Promise { name: "writer: a lock never let go is STORE_LOCKED", check: |labs| Box::pin(locked(labs)) },
    Promise { name: "writer: snapshots do not keep it from committing", check: |labs| Box::pin(beside_snapshot(labs)) },
];

/// Polls `future` once and drops it.
async fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match select(std::pin::pin!(future), ready(())).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

async fn prepared(labs: Factory<'_>) -> (Box<dyn Lab>, Arc<dyn Store>, TableTask, Vec<Cells>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let rows = in_key_order(&task, orders(7, 2_000));
    (lab, store, task, rows)
}

async fn count(lab: &dyn Lab) -> Value {
    lab.query("SELECT count(*) FROM orders").await[0][0].clone()
}

/// Nothing was written, no transaction is open, and the same writer's store still works.
async fn untouched_and_free(lab: &dyn Lab, store: &Arc<dyn Store>, task: &TableTask, rows: &[Cells]) {
    assert_eq!(count(lab).await, Value::Int(0), "rows that were never committed");
    // Another program can write: it would fail if the lock were still held.
    lab.run_sql("INSERT INTO orders VALUES (1000001, 'probe', NULL, 1, NULL, NULL)").await;
    lab.run_sql("DELETE FROM orders").await;
    let mut writer = store.writer().await.unwrap();
    assert!(writer.checkpoints().await.unwrap().is_empty(), "a checkpoint that was never committed");
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(task, batch(task.columns.len(), rows)).await.unwrap();
    transaction.commit(&checkpoint("probe", 1)).await.unwrap();
    assert!(read(store, task).await == rows, "the next transaction");
}

async fn committed(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(6, &rows)).await.unwrap();
    assert_eq!(count(&*lab).await, Value::Int(0), "before the commit");
    transaction.commit(&checkpoint("r", 1)).await.unwrap();
    assert_eq!(count(&*lab).await, Value::Int(2_000), "to another program");
    assert!(read(&store, &task).await == rows, "to the same store");
    drop(writer);
    drop(store);
    assert!(read(&lab.open().await, &task).await == rows, "to the next store");
}

async fn dropped(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    let before = objects(&*lab).await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(6, &rows)).await.unwrap();
    drop(transaction);
    // The same writer's next transaction starts from what was there before.
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, inserts(&task, &rows[..5]), ApplyMode::InPlace).await.unwrap();
    assert_eq!((applied.inserted, applied.moved.len()), (5, 0));
    drop(transaction);
    drop(writer);
    assert_eq!(objects(&*lab).await, before);
    untouched_and_free(&*lab, &store, &task, &rows).await;
}

async fn all_dropped(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    {
        let mut writer = store.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        transaction.load(&task, batch(6, &rows)).await.unwrap();
    }
    untouched_and_free(&*lab, &store, &task, &rows).await;
}

async fn dropped_call(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    let mut writer = store.writer().await.unwrap();
    for _ in 0..3 {
        let mut transaction = writer.begin().await.unwrap();
        poll_once(transaction.load(&task, batch(6, &rows))).await;
        drop(transaction);
        let mut transaction = writer.begin().await.unwrap();
        let work = inserts(&task, &rows);
        poll_once(transaction.apply(&task, work.clone(), ApplyMode::InPlace)).await;
        drop(transaction);
    }
    drop(writer);
    untouched_and_free(&*lab, &store, &task, &rows).await;
}

async fn dropped_begin(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    let mut writer = store.writer().await.unwrap();
    for _ in 0..3 {
        drop(poll_once(writer.begin()).await);
    }
    drop(writer.begin().await.unwrap());
    poll_once(writer.begin()).await;
    drop(writer);
    drop(poll_once(store.writer()).await);
    drop(poll_once(store.snapshot()).await);
    untouched_and_free(&*lab, &store, &task, &rows).await;
}

async fn dropped_commit(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(6, &rows)).await.unwrap();
    poll_once(transaction.commit(&checkpoint("r", 1))).await;
    // Beginning waits until the commit has gone one way or the other.
    drop(writer.begin().await.unwrap());
    let checkpoints = writer.checkpoints().await.unwrap();
    let stored = read(&store, &task).await;
    match &checkpoints[..] {
        [] => assert!(stored.is_empty(), "undone, and yet {} rows", stored.len()),
        [one] => assert!(*one == checkpoint("r", 1) && stored == rows, "done: {one:?}, {} rows", stored.len()),
        more => panic!("{more:?}"),
    }
    drop(writer);
    lab.run_sql("DELETE FROM orders").await;
}

async fn one_after_other(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    let mut writer = store.writer().await.unwrap();
    for (part, number) in rows.chunks(500).zip(1..) {
        let mut transaction = writer.begin().await.unwrap();
        transaction.apply(&task, inserts(&task, part), ApplyMode::InPlace).await.unwrap();
        transaction.commit(&checkpoint("r", number)).await.unwrap();
        // Between two transactions the database belongs to everybody.
        lab.run_sql("UPDATE orders SET quantity = quantity").await;
    }
    assert!(read(&store, &task).await == rows);
    // What another program commits between is what the next transaction finds.
    lab.run_sql("UPDATE orders SET customer = 'moved'").await;
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, deletes(&task, &rows), ApplyMode::InPlace).await.unwrap();
    assert_eq!((applied.deleted, applied.moved.len()), (0, rows.len()));
}

/// A whole transaction.
async fn write_all(writer: &mut dyn Writer, task: &TableTask, rows: &[Cells]) -> Result<()> {
    let mut transaction = writer.begin().await?;
    transaction.load(task, batch(6, rows)).await?;
    transaction.commit(&checkpoint("r", 1)).await
}

async fn waits(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    let mut writer = store.writer().await.unwrap();
    let lock = lab.hold_lock().await;
    let mut work = Box::pin(write_all(&mut *writer, &task, &rows));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut work).await;
    assert!(early.is_err(), "written while another program keeps everybody from writing");
    drop(lock);
    work.await.unwrap();
    assert_eq!(count(&*lab).await, Value::Int(2_000));
}

async fn begin_waits(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    if !lab.traits().one_writer {
        return;
    }
    let mut writer = store.writer().await.unwrap();
    let lock = lab.hold_lock().await;
    let mut begin = writer.begin();
    let early = tokio::time::timeout(Duration::from_millis(200), &mut begin).await;
    assert!(early.is_err(), "begun while another program holds the right to write");
    drop(lock);
    let mut transaction = begin.await.unwrap();
    transaction.load(&task, batch(6, &rows)).await.unwrap();
    transaction.commit(&checkpoint("r", 1)).await.unwrap();
    assert_eq!(count(&*lab).await, Value::Int(2_000));
}

/// Another program has changed, deleted and inserted rows that are to be written, and commits while the writer waits for
/// it; or thinks better of it.
async fn while_waiting(labs: Factory<'_>) {
    for commits in [true, false] {
        let (lab, store, task, rows) = prepared(labs).await;
        let [changed, deleted, other, free, new] = [0, 1, 2, 3, 4].map(|at| rows[at].clone());
        lab.insert("orders", &rows[..4]).await;
        let id = |row: &Cells| if let Value::Int(id) = row[0] { id } else { panic!("an id is an integer") };
        let theirs = format!(
            "UPDATE orders SET customer = 'theirs' WHERE id IN ({}, {}); DELETE FROM orders WHERE id = {}; \
             INSERT INTO orders VALUES ({}, 'theirs', 'theirs', 1, NULL, NULL)",
            id(&changed),
            id(&other),
            id(&deleted),
            id(&new)
        );
        let pending = lab.begin(&theirs).await;
        let old = [changed.clone(), deleted.clone(), free.clone()];
        let ours = old.clone().map(|mut row| {
            row[2] = Value::text("ours");
            row
        });
        let mut puts = updates(&task, &old, &ours);
        if let ChangeBatch::Put(puts) = &mut puts {
            puts.rows.push_row(new.iter().map(Value::as_ref)).unwrap();
            puts.expectations.push(Expectation::Absent);
        }
        let batches = [puts, deletes(&task, std::slice::from_ref(&other))].map(|batch| (batch, ApplyMode::InPlace));
        let mut work = Box::pin(write(&store, &task, &batches));
        let early = tokio::time::timeout(Duration::from_millis(200), &mut work).await;
        assert!(early.is_err(), "written over what another program has not committed");
        if commits {
            pending.commit().await
        } else {
            drop(pending)
        }
        let applied = work.await;
        let stored = read(&store, &task).await;
        if !commits {
            assert!(applied.iter().all(|applied| applied.moved.is_empty() && applied.refused.is_empty()));
            assert_eq!(stored, in_key_order(&task, [&ours[..], &[new]].concat()));
            continue;
        }
        let left: BTreeSet<_> = applied.iter().flat_map(moved).collect();
        let expected = [&changed, &deleted, &other].map(|row| key(&task, row));
        assert!(expected.iter().all(|key| left.contains(key)), "{applied:?}");
        // To an engine that checks before it waits, the new row is one whose key is taken.
        let clash = applied.iter().flat_map(|applied| &applied.refused).any(|refusal| refusal.key == key(&task, &new));
        assert!(left.contains(&key(&task, &new)) || clash && !lab.traits().one_writer, "{applied:?}");
        assert_eq!(applied.iter().map(Applied::written).sum::<u64>(), 1, "the row nobody else wrote");
        let customers: Vec<_> = stored.iter().map(|row| row[2].clone()).collect();
        let row_of = |row: &Cells| stored.iter().find(|stored| stored[0] == row[0]).map(|row| row[2].clone());
        assert_eq!(customers.len(), 4, "{stored:?}");
        for (row, customer) in [(&changed, "theirs"), (&other, "theirs"), (&new, "theirs"), (&free, "ours")] {
            assert_eq!(row_of(row), Some(Value::text(customer)));
        }
    }
}

async fn locked(labs: Factory<'_>) {
    let (lab, store, task, rows) = prepared(labs).await;
    let mut writer = store.writer().await.unwrap();
    let lock = lab.hold_lock().await;
    let one_writer = lab.traits().one_writer;
    let work =
        async { if one_writer { writer.begin().await.map(drop) } else { write_all(&mut *writer, &task, &rows).await } };
    let refused = tokio::time::timeout(LOCK_WAIT * 3, work).await.expect("it gives up");
    assert_eq!(refused.expect_err("the lock was never let go").code(), Code::StoreLocked);
    drop(lock);
    drop(writer);
    untouched_and_free(&*lab, &store, &task, &rows).await;
}

async fn beside_snapshot(labs: Factory<'_>) {
    let (_lab, store, task, rows) = prepared(labs).await;
    let mut snapshot = store.snapshot().await.unwrap();
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(6, &rows)).await.unwrap();
    transaction.commit(&checkpoint("r", 1)).await.unwrap();
    assert_eq!(snapshot.count(&task).await.unwrap(), 0, "the store's own commits are later commits too");
    assert_eq!(store.snapshot().await.unwrap().count(&task).await.unwrap(), 2_000);
}
