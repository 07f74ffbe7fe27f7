//! What the checks are written in: tasks, batches, and reading and writing in one call each.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;
use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, Image, PutBatch, RowDigest, TableTask,
};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::limits::STREAM_ROWS;
use syncline_core::schema::Schema;
use syncline_core::store::{Share, Snapshot, Store, Transaction};
use syncline_core::value::{Equality, RowBatch, TableSum, Value, ValueRef, exact, key_order};

use super::{Fixture, Lab};
use crate::fixtures::{Cells, ORDERS};

/// A table of people and seats: a text key that is not the row number, a unique integer, and a note.
pub(super) const SEATS: &str =
    "CREATE TABLE seats (code $text NOT NULL PRIMARY KEY, seat $int NOT NULL UNIQUE, note $text)";

/// A batch to put, or to delete.
pub(super) type Work = (ChangeBatch, ApplyMode);

/// Another program creates a table.
pub(super) async fn create(lab: &dyn Lab, ddl: &str) {
    lab.run_sql(&lab.types().fill(ddl)).await;
}

/// Another program creates `orders` and fills it; returns the rows as they were inserted.
pub(super) async fn create_orders(lab: &dyn Lab, seed: u64, count: usize) -> Vec<Cells> {
    create(lab, ORDERS).await;
    let rows = crate::fixtures::orders(seed, count);
    lab.insert("orders", &rows).await;
    rows
}

/// Another program creates `seats` with `count` rows in the order of no key; returns the rows.
pub(super) async fn create_seats(lab: &dyn Lab, count: i64) -> Vec<Cells> {
    create(lab, SEATS).await;
    let mut rows: Vec<Cells> = (0..count)
        .map(|n| vec![Value::text(format!("guest {n:04}")), Value::Int(n), Value::text(format!("note of {n}"))])
        .collect();
    crate::deterministic::Numbers::new(9).shuffle(&mut rows);
    lab.insert("seats", &rows).await;
    rows
}

/// What the schema holds, seen by another program; nothing where the engine has no query for it.
pub(super) async fn objects(lab: &dyn Lab) -> Vec<Cells> {
    match lab.sql(Fixture::Objects) {
        Some(query) => lab.query(&query).await,
        None => Vec::new(),
    }
}

/// The table's task: all its written columns, and its key.
pub(super) async fn task(store: &Arc<dyn Store>, table: &str) -> TableTask {
    let mut snapshot = store.snapshot().await.unwrap();
    task_of(&snapshot.schema().await.unwrap(), table)
}

pub(super) fn task_of(schema: &Schema, table: &str) -> TableTask {
    let table = schema.table(table).unwrap_or_else(|| panic!("the schema has no table {table}"));
    TableTask::whole(Arc::clone(table))
}

/// All rows, in the order in which they come.
pub(super) async fn scan(snapshot: &mut dyn Snapshot, task: &TableTask) -> Vec<Cells> {
    let mut stream = snapshot.scan(task).await.unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        assert!(!batch.is_empty(), "a stream yields no empty batch");
        assert_eq!(batch.width(), task.columns.len(), "cells in a row");
        rows.extend(cells(&batch));
    }
    rows
}

/// The rows with the keys of `rows`, in the order in which they come.
pub(super) async fn fetch(snapshot: &mut dyn Snapshot, task: &TableTask, keys: &RowBatch) -> Vec<Cells> {
    let mut stream = snapshot.fetch(task, keys).await.unwrap();
    let mut rows = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        assert!(!batch.is_empty(), "a stream yields no empty batch");
        assert!(batch.len() <= STREAM_ROWS, "{} rows in one batch", batch.len());
        rows.extend(cells(&batch));
    }
    rows
}

/// The sum of all rows, read in so many shares.
pub(super) async fn sum(snapshot: &mut dyn Snapshot, task: &TableTask, of: u32) -> TableSum {
    let mut sum = TableSum::default();
    for index in 0..of {
        let mut parts = snapshot.sum(task, Share { index, of }).await.unwrap();
        while let Some(part) = parts.next().await {
            let part = part.unwrap();
            let mut again = TableSum::default();
            part.digests.iter().for_each(|digest| again.add_digest(*digest));
            assert_eq!(again, part.sum, "a part tells what went into it");
            sum.merge(part.sum);
        }
    }
    sum
}

/// The sum of these rows.
pub(super) fn sum_of(rows: &[Cells]) -> TableSum {
    let mut sum = TableSum::default();
    sum.add(&batch(rows.first().map_or(1, Vec::len), rows), Equality::Exact, &mut Vec::new());
    sum
}

/// All keys and digests, in the order in which they come.
pub(super) async fn digests(snapshot: &mut dyn Snapshot, task: &TableTask) -> Vec<(Cells, RowDigest)> {
    let mut stream = snapshot.digest(task).await.unwrap();
    let mut all = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        assert!(!batch.keys.is_empty() || batch.read > 0, "a stream yields no empty batch");
        assert_eq!(batch.keys.len(), batch.digests.len(), "one digest a key");
        assert_eq!(batch.keys.width(), task.key_width(), "cells in a key");
        all.extend(cells(&batch.keys).into_iter().zip(batch.digests));
    }
    all
}

/// All rows of a new snapshot, in key order.
pub(super) async fn read(store: &Arc<dyn Store>, task: &TableTask) -> Vec<Cells> {
    let mut snapshot = store.snapshot().await.unwrap();
    let rows = scan(&mut *snapshot, task).await;
    in_key_order(task, rows)
}

pub(super) fn in_key_order(task: &TableTask, mut rows: Vec<Cells>) -> Vec<Cells> {
    rows.sort_by(|a, b| compare(&key_cells(task, a), &key_cells(task, b)));
    rows
}

pub(super) fn compare(a: &[Value], b: &[Value]) -> Ordering {
    key_order::compare_keys(a.iter().map(Value::as_ref), b.iter().map(Value::as_ref))
}

/// Rows of a batch, owned.
pub(super) fn cells(batch: &RowBatch) -> Vec<Cells> {
    batch.rows().map(|row| row.iter().map(ValueRef::to_owned).collect()).collect()
}

/// A batch of rows, each `width` wide.
pub(super) fn batch(width: usize, rows: &[Cells]) -> RowBatch {
    let mut batch = RowBatch::new(width);
    for row in rows {
        batch.push_row(row.iter().map(Value::as_ref)).unwrap();
    }
    batch
}

/// The key cells of a row of the task.
pub(super) fn key_cells(task: &TableTask, row: &[Value]) -> Cells {
    task.key.iter().map(|at| row[*at].clone()).collect()
}

/// The key of a row of the task, in the exact encoding.
pub(super) fn key(task: &TableTask, row: &[Value]) -> Vec<u8> {
    encoded(&key_cells(task, row))
}

/// Keys of rows, in key order.
pub(super) fn keys(task: &TableTask, rows: &[Cells]) -> RowBatch {
    let rows = in_key_order(task, rows.to_vec());
    let keys: Vec<Cells> = rows.iter().map(|row| key_cells(task, row)).collect();
    batch(task.key.len(), &keys)
}

pub(super) fn encoded(row: &[Value]) -> Vec<u8> {
    exact::encode_row(row.iter().map(Value::as_ref))
}

pub(super) fn digest(row: &[Value]) -> RowDigest {
    RowDigest(exact::digest_row(row.iter().map(Value::as_ref), &mut Vec::new()))
}

/// Rows to be inserted.
pub(super) fn inserts(task: &TableTask, rows: &[Cells]) -> ChangeBatch {
    put(task, rows, vec![Expectation::Absent; rows.len()])
}

/// Rows to be updated, each with the row it rests on.
pub(super) fn updates(task: &TableTask, old: &[Cells], new: &[Cells]) -> ChangeBatch {
    put(task, new, old.iter().map(|row| Expectation::Digest(digest(row))).collect())
}

pub(super) fn put(task: &TableTask, rows: &[Cells], expectations: Vec<Expectation>) -> ChangeBatch {
    ChangeBatch::Put(PutBatch { rows: batch(task.columns.len(), rows), expectations, ..PutBatch::default() })
}

/// Rows to be deleted, as they were seen.
pub(super) fn deletes(task: &TableTask, rows: &[Cells]) -> ChangeBatch {
    let expectations = in_key_order(task, rows.to_vec()).iter().map(|row| digest(row)).collect();
    ChangeBatch::Delete(DeleteBatch { keys: keys(task, rows), expectations, left: Vec::new() })
}

/// Writes the batches in one transaction and commits it.
pub(super) async fn write(store: &Arc<dyn Store>, task: &TableTask, work: &[Work]) -> Vec<Applied> {
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let mut applied = Vec::new();
    for (batch, mode) in work {
        applied.push(apply(&mut *transaction, task, batch.clone(), *mode).await);
    }
    transaction.commit(&checkpoint("suite", 1)).await.unwrap();
    applied
}

/// Writes a batch whole, in as many steps as the store takes.
async fn apply(transaction: &mut dyn Transaction, task: &TableTask, batch: ChangeBatch, mode: ApplyMode) -> Applied {
    let mut all = Applied::default();
    let mut rest = Some(batch);
    while let Some(batch) = rest {
        let part = transaction.apply(task, batch, mode).await.unwrap();
        all.inserted += part.inserted;
        all.updated += part.updated;
        all.deleted += part.deleted;
        all.moved.extend(part.moved);
        all.refused.extend(part.refused);
        all.images.extend(part.images);
        rest = part.rest;
    }
    all
}

/// Writes one batch in place and commits it.
pub(super) async fn write_in_place(store: &Arc<dyn Store>, task: &TableTask, batch: ChangeBatch) -> Applied {
    write(store, task, &[(batch, ApplyMode::InPlace)]).await.remove(0)
}

pub(super) fn checkpoint(run: &str, batch: u64) -> Checkpoint {
    Checkpoint { run: run.to_owned(), batch }
}

/// Inserted, updated and deleted.
pub(super) fn counts(applied: &Applied) -> (u64, u64, u64) {
    (applied.inserted, applied.updated, applied.deleted)
}

/// Moved keys, in no order.
pub(super) fn moved(applied: &Applied) -> BTreeSet<Vec<u8>> {
    applied.moved.iter().map(|refusal| refusal.key.clone()).collect()
}

/// The image of the row with this key.
pub(super) fn image<'a>(applied: &'a Applied, key: &[u8]) -> &'a Image {
    let mut images = applied.images.iter().filter(|image| image.key == key);
    let found = images.next().unwrap_or_else(|| panic!("no image of the row with key {key:?}"));
    assert!(images.next().is_none(), "two images of one row");
    found
}

/// The batches that take back what the images show: first what was inserted goes, then what was updated returns to its
/// values, then what was deleted returns to its place.
pub(super) fn backwards(task: &TableTask, images: &[Image]) -> Vec<Work> {
    let before = |image: &Image| exact::decode_owned(image.before.as_ref().unwrap()).unwrap();
    let (mut gone, mut updated, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    for image in images {
        match (&image.before, image.after) {
            (None, Some(after)) => gone.push((exact::decode_owned(&image.key).unwrap(), after)),
            (Some(_), Some(after)) => updated.push((before(image), after)),
            (Some(_), None) => deleted.push((before(image), image.place)),
            (None, None) => panic!("an image of nothing"),
        }
    }
    gone.sort_by(|a, b| compare(&a.0, &b.0));
    let (keys, expectations): (Vec<Cells>, Vec<RowDigest>) = gone.into_iter().unzip();
    let remove =
        ChangeBatch::Delete(DeleteBatch { keys: batch(task.key.len(), &keys), expectations, left: Vec::new() });
    let (rows, marks): (Vec<Cells>, Vec<RowDigest>) = updated.into_iter().unzip();
    let restore = put(task, &rows, marks.into_iter().map(Expectation::Digest).collect());
    let (rows, places): (Vec<Cells>, Vec<Option<i64>>) = deleted.into_iter().unzip();
    let mut revive = inserts(task, &rows);
    if let ChangeBatch::Put(put) = &mut revive
        && places.iter().any(Option::is_some)
    {
        put.places = places;
    }
    [remove, restore, revive].into_iter().map(|batch| (batch, ApplyMode::InPlace)).collect()
}
