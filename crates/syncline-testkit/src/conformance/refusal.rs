//! What the database itself refuses, and that nothing stays of it.

use syncline_core::change::{ApplyMode, ChangeBatch, TableTask};
use syncline_core::error::Code;
use syncline_core::value::Value;

use super::rows::{create_orders, create_seats, in_key_order, inserts, objects, read, task, updates, write_in_place};
use super::{Factory, Lab, Promise};
use crate::deterministic::Numbers;
use crate::fixtures::{Cells, order};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "refusal: NOT NULL and CHECK are ROW_REFUSED", check: |labs| Box::pin(rows(labs)) },
    Promise { name: "refusal: a unique value taken is UNIQUE_CLASH", check: |labs| Box::pin(clash(labs)) },
    Promise { name: "refusal: an exchange done in place is UNIQUE_CLASH", check: |labs| Box::pin(exchange(labs)) },
];

/// Applies a batch that is to be refused, after some work that is not, and checks that nothing stays of either.
async fn refused(lab: &dyn Lab, task: &TableTask, good: &ChangeBatch, bad: &ChangeBatch, code: Code) {
    let (tables, objects_before) = (lab.query(&format!("SELECT * FROM {}", task.table.name)).await, objects(lab).await);
    let store = lab.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(task, good, ApplyMode::InPlace).await.unwrap();
    assert!(applied.written() > 0 && applied.moved.is_empty());
    let error = transaction.apply(task, bad, ApplyMode::InPlace).await.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.why().is_some(), "in the database's own words: {error}");
    drop(transaction);
    drop(writer.begin().await.unwrap());
    assert!(writer.checkpoints().await.unwrap().is_empty());
    drop(writer);
    assert!(lab.query(&format!("SELECT * FROM {}", task.table.name)).await == tables, "rows stay as they were");
    assert_eq!(objects(lab).await, objects_before);
}

async fn rows(labs: Factory<'_>) {
    let lab = labs();
    let there = create_orders(&*lab, 7, 50).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let good: Vec<Cells> = (1_000..1_100).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
    for (column, value) in [(3, Value::Int(0)), (3, Value::Null), (1, Value::Null)] {
        let mut bad: Vec<Cells> = (2_000..2_100).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
        bad[70][column] = value.clone();
        refused(&*lab, &task, &inserts(&task, &good), &inserts(&task, &bad), Code::RowRefused).await;
        let mut bad = there.clone();
        bad[40][column] = value;
        refused(&*lab, &task, &inserts(&task, &good), &updates(&task, &there, &bad), Code::RowRefused).await;
    }
    let applied = write_in_place(&store, &task, inserts(&task, &good)).await;
    assert_eq!(applied.inserted, 100, "the store works on");
    assert!(read(&store, &task).await == in_key_order(&task, [there, good].concat()));
}

async fn clash(labs: Factory<'_>) {
    let lab = labs();
    let there = create_seats(&*lab, 50).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let guest = |name: &str, seat: &Value| -> Cells { vec![Value::text(name), seat.clone(), Value::Null] };
    let good = inserts(&task, &[guest("good", &Value::Int(-1))]);
    // Row 0 keeps its seat, so whoever wants it cannot have it.
    let taken = &there[0][1];
    let bad = [guest("fine", &Value::Int(-2)), guest("late", taken)];
    refused(&*lab, &task, &good, &inserts(&task, &bad), Code::UniqueClash).await;
    let mut moving = there[5].clone();
    moving[1] = taken.clone();
    refused(&*lab, &task, &good, &updates(&task, &there[5..6], &[moving]), Code::UniqueClash).await;
}

async fn exchange(labs: Factory<'_>) {
    let lab = labs();
    let there = create_seats(&*lab, 20).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let good = inserts(&task, &[vec![Value::text("good"), Value::Int(-1), Value::Null]]);
    let mut swapped = there[..2].to_vec();
    swapped[0][1] = there[1][1].clone();
    swapped[1][1] = there[0][1].clone();
    refused(&*lab, &task, &good, &updates(&task, &there[..2], &swapped), Code::UniqueClash).await;
}
