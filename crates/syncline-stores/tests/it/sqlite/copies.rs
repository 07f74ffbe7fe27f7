//! Tables without a key against a model that shares nothing with them: two bags of rows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use syncline_core::capture::{Compare, Tally};
use syncline_core::change::{
    ApplyMode, ChangeBatch, DeleteBatch, Expectation, Operation, PlannedChange, PutBatch, TableTask, copies, keys_of,
};
use syncline_core::checkpoint::Checkpoint;
use syncline_core::error::Code;
use syncline_core::store::{Snapshot, Store};
use syncline_core::value::{RowBatch, Value, exact};

use super::desk::{Desk, batch, fetch, scan, task_of};

/// Cells that look alike and are not.
fn cell() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::Int(1)),
        Just(Value::Real(1.0)),
        Just(Value::text("1")),
        Just(Value::Bytes(b"1".to_vec())),
        Just(Value::Real(0.0)),
        Just(Value::Real(-0.0)),
        Just(Value::text("A")),
        Just(Value::text("a")),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Vec<Value>>> {
    prop::collection::vec(prop::collection::vec(cell(), 2), 0..24)
}

/// How often each row is there, by its exact bytes.
fn bag(rows: &[Vec<Value>]) -> BTreeMap<Vec<u8>, u64> {
    let mut bag = BTreeMap::new();
    for row in rows {
        *bag.entry(exact::encode_row(row.iter().map(Value::as_ref))).or_insert(0) += 1;
    }
    bag
}

fn desk(rows: &[Vec<Value>]) -> Desk {
    let desk = Desk::with("CREATE TABLE t (a COLLATE NOCASE, b)");
    let conn = desk.other();
    for row in rows {
        let cells = row.iter().map(|cell| match cell {
            Value::Int(value) => rusqlite::types::Value::Integer(*value),
            Value::Real(value) => rusqlite::types::Value::Real(*value),
            Value::Text(bytes) => rusqlite::types::Value::Text(String::from_utf8(bytes.clone()).unwrap()),
            Value::Bytes(bytes) => rusqlite::types::Value::Blob(bytes.clone()),
            _ => rusqlite::types::Value::Null,
        });
        conn.execute("INSERT INTO t VALUES (?1, ?2)", rusqlite::params_from_iter(cells)).unwrap();
    }
    desk
}

async fn decide(
    (source, target): (&mut Box<dyn Snapshot>, &mut Box<dyn Snapshot>),
    task: &TableTask,
) -> (Vec<PlannedChange>, Tally) {
    let (ours, theirs) = (source.digest(task).await.unwrap(), target.digest(task).await.unwrap());
    let mut compare = Compare::of(task, ours, theirs);
    let mut changes = Vec::new();
    while let Some(page) = compare.next_page(5).await.unwrap() {
        changes.extend(page);
    }
    (changes, compare.tally())
}

/// Carries the changes out, counted or not.
async fn carry(
    source: &mut Box<dyn Snapshot>,
    target: &dyn Store,
    task: &TableTask,
    (changes, is_counted): (&[PlannedChange], bool),
) {
    let of =
        |is_delete: bool| changes.iter().filter(move |change| (change.operation == Operation::Delete) == is_delete);
    let keys = keys_of(of(false), copies::WIDTH).unwrap();
    let rows: RowBatch = batch_of(&fetch(source, task, &keys).await);
    let expected = |change: &PlannedChange| match change.copies {
        Some(copies) if is_counted => Expectation::Fewer(copies),
        _ => Expectation::Absent,
    };
    let puts = PutBatch {
        rows,
        expectations: of(false).map(expected).collect(),
        places: Vec::new(),
        keys: of(false).map(|change| change.key.clone()).collect(),
    };
    let deletes = DeleteBatch {
        keys: keys_of(of(true), copies::WIDTH).unwrap(),
        expectations: of(true).map(|change| change.seen.unwrap()).collect(),
        left: if is_counted { of(true).map(|change| change.copies.unwrap()).collect() } else { Vec::new() },
    };
    let mut writer = target.writer().await.unwrap();
    let mut tx = writer.begin().await.unwrap();
    for batch in [ChangeBatch::Put(puts), ChangeBatch::Delete(deletes)] {
        let applied = tx.apply(task, batch, ApplyMode::InPlace).await.unwrap();
        assert!(applied.moved.is_empty() && applied.refused.is_empty());
    }
    tx.commit(&Checkpoint { run: "r".to_owned(), batch: 1 }).await.unwrap();
}

fn batch_of(rows: &[Vec<Value>]) -> RowBatch {
    if rows.is_empty() { RowBatch::new(2) } else { batch(rows) }
}

async fn check(source: &[Vec<Value>], target: &[Vec<Value>], between: &[Vec<Value>]) {
    let (ours, theirs) = (desk(source), desk(target));
    let (source_store, target_store) = (ours.store().await, theirs.store().await);
    let mut source_view = source_store.snapshot().await.unwrap();
    let mut target_view = target_store.snapshot().await.unwrap();
    let task = task_of(&mut source_view, "t").await;
    let (changes, tally) = decide((&mut source_view, &mut target_view), &task).await;
    drop(target_view);
    let (source_bag, target_bag) = (bag(source), bag(target));
    let same: u64 = source_bag.iter().map(|(row, n)| (*n).min(target_bag.get(row).copied().unwrap_or(0))).sum();
    assert_eq!((tally.same, tally.changed), (same, 0));
    assert_eq!((tally.source_rows(), tally.target_rows()), (source.len() as u64, target.len() as u64));
    assert_eq!(changes.len() as u64, tally.differences());
    // Somebody adds rows before anything is written.
    for row in between {
        let cells = batch(std::slice::from_ref(row));
        let mut writer = target_store.writer().await.unwrap();
        let mut tx = writer.begin().await.unwrap();
        assert_eq!(tx.load(&task, cells).await.unwrap(), []);
        tx.commit(&Checkpoint { run: "other".to_owned(), batch: 1 }).await.unwrap();
    }
    carry(&mut source_view, &target_store, &task, (&changes, !between.is_empty())).await;
    let found = bag(&scan(&mut target_store.snapshot().await.unwrap(), &task).await);
    // Of rows that were to be inserted no more than are missing; of those to be deleted, what somebody added stays.
    let mut expected = bag(source);
    let added = bag(between);
    for (row, added) in added {
        let (ours, theirs) = (source_bag.get(&row).copied().unwrap_or(0), target_bag.get(&row).copied().unwrap_or(0));
        expected.insert(row, ours.max(theirs.min(ours) + added));
    }
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn two_tables_are_two_bags_of_rows(
        source in rows(),
        target in rows(),
        between in prop_oneof![Just(Vec::new()), prop::collection::vec(prop::collection::vec(cell(), 2), 1..4)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(&source, &target, &between));
    }
}

#[tokio::test]
async fn without_a_name_for_row_numbers_nothing_can_be_done() {
    let desk = Desk::with("CREATE TABLE t (rowid, oid, _rowid_); INSERT INTO t VALUES (1, 2, 3)");
    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    assert_eq!(snapshot.check_key(&task).await.unwrap_err().code(), Code::TableNoKey);
    let mut digests = snapshot.digest(&task).await.unwrap();
    let first = futures_util::StreamExt::next(&mut digests).await.unwrap();
    assert_eq!(first.unwrap_err().code(), Code::TableNoKey);
}
