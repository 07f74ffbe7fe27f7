//! A row that is not as expected is left as it is and comes back as moved; its neighbours are written.

use std::collections::BTreeSet;

use syncline_core::change::{ApplyMode, Expectation};
use syncline_core::value::Value;

use super::rows::{
    counts, create_orders, deletes, digest, in_key_order, inserts, key, moved, put, read, task, updates, write_in_place,
};
use super::{Factory, Promise};
use crate::deterministic::Numbers;
use crate::fixtures::{Cells, order};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "expectation: absent, but there is a row", check: |labs| Box::pin(not_absent(labs)) },
    Promise { name: "expectation: a digest, but another row is there", check: |labs| Box::pin(changed(labs)) },
    Promise { name: "expectation: a digest, but there is no row", check: |labs| Box::pin(gone(labs)) },
    Promise { name: "expectation: delete a row that has changed", check: |labs| Box::pin(delete_changed(labs)) },
    Promise { name: "expectation: delete a row that is gone already", check: |labs| Box::pin(delete_gone(labs)) },
    Promise { name: "expectation: a row that is as wanted already", check: |labs| Box::pin(there_already(labs)) },
    Promise { name: "expectation: checked against this transaction's rows", check: |labs| Box::pin(own_rows(labs)) },
];

/// Every third of `rows`.
fn thirds(rows: &[Cells]) -> Vec<Cells> {
    rows.iter().step_by(3).cloned().collect()
}

fn other_thirds(rows: &[Cells]) -> Vec<Cells> {
    rows.iter().enumerate().filter(|(at, _)| at % 3 != 0).map(|(_, row)| row.clone()).collect()
}

fn keys_of(task: &syncline_core::change::TableTask, rows: &[Cells]) -> BTreeSet<Vec<u8>> {
    rows.iter().map(|row| key(task, row)).collect()
}

fn renamed(rows: &[Cells], name: &str) -> Vec<Cells> {
    let mut rows = rows.to_vec();
    rows.iter_mut().for_each(|row| row[2] = Value::text(name));
    rows
}

/// SQL by which another program changes or removes every third row.
fn ids(rows: &[Cells]) -> String {
    let ids: Vec<String> = rows
        .iter()
        .map(|row| match row[0] {
            Value::Int(id) => id.to_string(),
            _ => panic!("an id is an integer"),
        })
        .collect();
    ids.join(", ")
}

async fn not_absent(labs: Factory<'_>) {
    let lab = labs();
    let there = create_orders(&*lab, 7, 100).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let fresh: Vec<Cells> = (1_000..1_200).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
    let clashing = renamed(&there, "must not be written");
    // Each clashing row stands between fresh ones.
    let batch: Vec<Cells> = fresh.chunks(2).zip(&clashing).flat_map(|(a, b)| [&a[0], b, &a[1]]).cloned().collect();
    let applied = write_in_place(&store, &task, inserts(&task, &batch)).await;
    assert_eq!(counts(&applied), (200, 0, 0));
    assert_eq!((moved(&applied), applied.moved.len()), (keys_of(&task, &there), 100));
    assert_eq!(applied.images.len(), 200, "no image of what was not written");
    assert!(read(&store, &task).await == in_key_order(&task, [there, fresh].concat()));
}

async fn changed(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 300).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let theirs = renamed(&thirds(&old), "theirs");
    lab.run_sql(&format!("UPDATE orders SET customer = 'theirs' WHERE id IN ({})", ids(&theirs))).await;
    let ours = renamed(&old, "ours");
    let applied = write_in_place(&store, &task, updates(&task, &old, &ours)).await;
    assert_eq!((counts(&applied), applied.images.len()), ((0, 200, 0), 200));
    assert_eq!((moved(&applied), applied.moved.len()), (keys_of(&task, &theirs), 100));
    assert!(read(&store, &task).await == in_key_order(&task, [other_thirds(&ours), theirs].concat()));
}

async fn gone(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 300).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    lab.run_sql(&format!("DELETE FROM orders WHERE id IN ({})", ids(&thirds(&old)))).await;
    let ours = renamed(&old, "ours");
    let applied = write_in_place(&store, &task, updates(&task, &old, &ours)).await;
    assert_eq!((counts(&applied), applied.images.len()), ((0, 200, 0), 200));
    assert_eq!((moved(&applied), applied.moved.len()), (keys_of(&task, &thirds(&old)), 100));
    assert!(read(&store, &task).await == in_key_order(&task, other_thirds(&ours)), "no row was revived");
}

async fn delete_changed(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 300).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let theirs = renamed(&thirds(&old), "theirs");
    lab.run_sql(&format!("UPDATE orders SET customer = 'theirs' WHERE id IN ({})", ids(&theirs))).await;
    let applied = write_in_place(&store, &task, deletes(&task, &old)).await;
    assert_eq!((counts(&applied), applied.images.len()), ((0, 0, 200), 200));
    assert_eq!((moved(&applied), applied.moved.len()), (keys_of(&task, &theirs), 100));
    assert!(read(&store, &task).await == in_key_order(&task, theirs));
}

async fn delete_gone(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 30).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    lab.run_sql(&format!("DELETE FROM orders WHERE id IN ({})", ids(&thirds(&old)))).await;
    let applied = write_in_place(&store, &task, deletes(&task, &old)).await;
    assert_eq!((counts(&applied), applied.images.len()), ((0, 0, 20), 20));
    assert!(applied.moved.is_empty(), "gone is what was wanted");
    assert!(read(&store, &task).await.is_empty());
}

async fn there_already(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 30).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let new = renamed(&old, "new");
    lab.run_sql(&format!("UPDATE orders SET customer = 'new' WHERE id IN ({})", ids(&thirds(&old)))).await;
    let applied = write_in_place(&store, &task, updates(&task, &old, &new)).await;
    assert_eq!((counts(&applied), applied.moved.len(), applied.images.len()), ((0, 20, 0), 0, 20), "updates");
    let applied = write_in_place(&store, &task, inserts(&task, &new)).await;
    assert_eq!((counts(&applied), applied.moved.len(), applied.images.len()), ((0, 0, 0), 0, 0), "inserts");
    assert!(read(&store, &task).await == in_key_order(&task, new));
}

async fn own_rows(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 1).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let (first, second) = (renamed(&old, "first"), renamed(&old, "second"));
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, updates(&task, &old, &first), ApplyMode::InPlace).await.unwrap();
    assert_eq!(applied.updated, 1);
    let stale = transaction.apply(&task, updates(&task, &old, &second), ApplyMode::InPlace).await.unwrap();
    assert_eq!((stale.updated, moved(&stale)), (0, keys_of(&task, &old)), "what it wrote itself counts");
    let expectation = vec![Expectation::Digest(digest(&first[0]))];
    let applied = transaction.apply(&task, put(&task, &second, expectation), ApplyMode::InPlace).await.unwrap();
    assert_eq!(applied.updated, 1);
    transaction.commit(&super::rows::checkpoint("suite", 1)).await.unwrap();
    assert_eq!(read(&store, &task).await, second);
}
