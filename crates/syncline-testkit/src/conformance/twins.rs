//! Several views of one instant.

use futures_util::StreamExt;
use futures_util::future;
use syncline_core::error::Code;
use syncline_core::store::{Flow, Share};
use syncline_core::value::Value;

use super::rows::{create, create_orders, in_key_order, read, scan, sum, task};
use super::{Factory, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "twin: shows the same, at the same time", check: |labs| Box::pin(same(labs)) },
    Promise { name: "twin: none once somebody has committed", check: |labs| Box::pin(never_another(labs)) },
    Promise { name: "twin: stays when the first goes", check: |labs| Box::pin(stays(labs)) },
    Promise { name: "flow: no memory is taken for values that are too large", check: |labs| Box::pin(too_large(labs)) },
];

async fn same(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 5, 500).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut first = store.snapshot().await.unwrap();
    let Some(mut second) = first.twin().await.unwrap() else { return };
    let Some(mut third) = second.twin().await.unwrap() else { panic!("a twin has twins too") };
    if lab.traits().tells_positions {
        assert_eq!(first.position().await.unwrap(), second.position().await.unwrap());
        assert_eq!(first.position().await.unwrap(), third.position().await.unwrap());
    }
    let (one, two, three) =
        future::join3(scan(&mut *first, &task), scan(&mut *second, &task), scan(&mut *third, &task)).await;
    assert!(one == two && two == three);
    let [one, two] = [sum(&mut *first, &task, 1).await, sum(&mut *second, &task, 3).await];
    assert_eq!(one, two);
}

/// What a twin shows is what the first view shows, or there is none.
async fn never_another(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 5, 100).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let before = read(&store, &task).await;
    let mut first = store.snapshot().await.unwrap();
    for sql in ["UPDATE orders SET quantity = quantity + 1 WHERE id = 2", "CREATE TABLE later (id INTEGER PRIMARY KEY)"]
    {
        lab.run_sql(sql).await;
        if let Some(mut twin) = first.twin().await.unwrap() {
            assert!(in_key_order(&task, scan(&mut *twin, &task).await) == before, "after {sql}");
        }
        assert!(in_key_order(&task, scan(&mut *first, &task).await) == before, "after {sql}");
    }
    let mut next = store.snapshot().await.unwrap();
    if let Some(mut twin) = next.twin().await.unwrap() {
        assert_eq!(scan(&mut *twin, &task).await, scan(&mut *next, &task).await);
    }
}

async fn stays(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 5, 100).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let before = read(&store, &task).await;
    let mut first = store.snapshot().await.unwrap();
    let Some(mut twin) = first.twin().await.unwrap() else { return };
    drop(first);
    lab.run_sql("DELETE FROM orders WHERE id = 2").await;
    assert!(in_key_order(&task, scan(&mut *twin, &task).await) == before);
}

async fn too_large(labs: Factory<'_>) {
    const BYTES: usize = 100_000;
    let lab = labs();
    create(&*lab, "CREATE TABLE wide (id $int PRIMARY KEY, value $bytes)").await;
    let row = |id: i64, bytes: usize| vec![Value::Int(id), Value::Bytes(vec![7; bytes])];
    let rows: Vec<Cells> = vec![row(1, BYTES), row(2, BYTES + 1), row(3, 1)];
    lab.insert("wide", &rows).await;
    let store = lab.open().await;
    let task = task(&store, "wide").await;
    let mut snapshot = store.snapshot().await.unwrap();
    snapshot.set_flow(Flow { rows: 1, value_bytes: Some(BYTES), ..Flow::default() });
    let mut digests = snapshot.digest(&task).await.unwrap();
    assert!(digests.next().await.unwrap().is_ok(), "a value that just fits");
    assert_eq!(digests.next().await.unwrap().unwrap_err().code(), Code::ValueTooLarge);
    drop(digests);
    let mut sums = snapshot.sum(&task, Share::ALL).await.unwrap();
    assert!(sums.next().await.unwrap().is_ok());
    assert_eq!(sums.next().await.unwrap().unwrap_err().code(), Code::ValueTooLarge);
    drop(sums);
    snapshot.set_flow(Flow::default());
    assert_eq!(scan(&mut *snapshot, &task).await, rows, "as before");
}
