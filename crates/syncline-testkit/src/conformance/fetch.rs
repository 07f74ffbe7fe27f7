//! Rows by their keys.

use syncline_core::value::{RowBatch, Value};

use super::rows::{batch, create, create_orders, fetch, in_key_order, keys, task};
use super::{Factory, Fixture, Promise};
use crate::fixtures::{Cells, order, text_keys};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "fetch: the rows asked for, in the order of the keys", check: |labs| Box::pin(in_order(labs)) },
    Promise { name: "fetch: keys without a row are left out", check: |labs| Box::pin(missing(labs)) },
    Promise { name: "fetch: no keys, no rows", check: |labs| Box::pin(no_keys(labs)) },
    Promise { name: "fetch: ten thousand keys at once", check: |labs| Box::pin(many(labs)) },
    Promise { name: "fetch: composite keys", check: |labs| Box::pin(composite(labs)) },
    Promise { name: "fetch: keys of mixed kinds", check: |labs| Box::pin(mixed(labs)) },
    Promise { name: "fetch: a text key is that text and no other", check: |labs| Box::pin(texts(labs)) },
];

async fn in_order(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 500).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let wanted = in_key_order(&task, rows[..50].to_vec());
    let fetched = fetch(&mut *store.snapshot().await.unwrap(), &task, &keys(&task, &wanted)).await;
    assert_eq!(fetched, wanted);
}

async fn missing(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 200).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut numbers = crate::deterministic::Numbers::new(1);
    // Existing keys are three apart, so these lie between and beyond them.
    let absent: Vec<Cells> = [-10_000, -199, -198, 2, 10_000, i64::MAX].map(|id| order(id, &mut numbers)).to_vec();
    let asked = [&absent[..], &rows[..20]].concat();
    let mut snapshot = store.snapshot().await.unwrap();
    let fetched = fetch(&mut *snapshot, &task, &keys(&task, &asked)).await;
    let expected: Vec<Cells> = in_key_order(&task, asked).into_iter().filter(|row| rows.contains(row)).collect();
    assert_eq!(fetched, expected);
    assert!(fetch(&mut *snapshot, &task, &keys(&task, &absent)).await.is_empty(), "only absent ones");
}

async fn no_keys(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 20).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let fetched = fetch(&mut *store.snapshot().await.unwrap(), &task, &RowBatch::new(1)).await;
    assert!(fetched.is_empty());
}

async fn many(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 12_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let wanted = in_key_order(&task, rows[..10_000].to_vec());
    let mut snapshot = store.snapshot().await.unwrap();
    for _ in 0..2 {
        let fetched = fetch(&mut *snapshot, &task, &keys(&task, &wanted)).await;
        assert!(fetched == wanted, "10,000 keys, {} rows", fetched.len());
    }
}

async fn composite(labs: Factory<'_>) {
    let lab = labs();
    let ddl = "CREATE TABLE cells (x $int NOT NULL, y $text NOT NULL, n $int, PRIMARY KEY (y, x))";
    create(&*lab, ddl).await;
    let all: Vec<Cells> =
        (0..600).map(|n| vec![Value::Int(n % 20 - 10), Value::text(format!("y{}", n / 20)), Value::Int(n)]).collect();
    let (present, absent) = all.split_at(500);
    lab.insert("cells", present).await;
    let store = lab.open().await;
    let mut task = task(&store, "cells").await;
    for key in [vec![1, 0], vec![0, 1]] {
        task.key = key;
        let asked = [&present[100..200], &absent[..50]].concat();
        let fetched = fetch(&mut *store.snapshot().await.unwrap(), &task, &keys(&task, &asked)).await;
        assert_eq!(fetched, in_key_order(&task, present[100..200].to_vec()), "key {:?}", task.key);
    }
}

async fn mixed(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::MixedKey) else { return };
    lab.run_sql(&ddl).await;
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let keys_there = [Value::Int(1), Value::Real(1.5), Value::text("1"), bytes(b"1"), Value::text("a")];
    let rows: Vec<Cells> = keys_there.into_iter().zip(0..).map(|(key, n)| vec![key, Value::Int(n)]).collect();
    lab.insert("mixed", &rows).await;
    let store = lab.open().await;
    let task = task(&store, "mixed").await;
    let absent = [Value::text("1.5"), bytes(b"a"), Value::Int(2)].map(|key| vec![key, Value::Null]).to_vec();
    let asked = keys(&task, &[&rows[..], &absent].concat());
    let fetched = fetch(&mut *store.snapshot().await.unwrap(), &task, &asked).await;
    assert_eq!(fetched, in_key_order(&task, rows));
}

async fn texts(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE named (name $text NOT NULL PRIMARY KEY, n $int)").await;
    let rows: Vec<Cells> = text_keys().into_iter().zip(0..).map(|(key, n)| vec![key, Value::Int(n)]).collect();
    lab.insert("named", &rows).await;
    let store = lab.open().await;
    let task = task(&store, "named").await;
    let mut snapshot = store.snapshot().await.unwrap();
    for row in &rows {
        let fetched = fetch(&mut *snapshot, &task, &batch(1, &[vec![row[0].clone()]])).await;
        assert_eq!(fetched, std::slice::from_ref(row));
    }
}
