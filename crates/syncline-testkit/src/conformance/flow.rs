//! How much the streams of a view pass on at once.

use futures_util::StreamExt;
use syncline_core::change::TableTask;
use syncline_core::limits::STREAM_ROWS;
use syncline_core::store::{Flow, Share, Snapshot};
use syncline_core::value::Value;

use super::rows::{batch, cells, create, create_orders, digests, scan, sum, task};
use super::{Factory, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "flow: streams are held to it, and miss nothing", check: |labs| Box::pin(held(labs)) },
    Promise { name: "flow: digests tell how many rows were read", check: |labs| Box::pin(told(labs)) },
];

const ROWS: usize = 53;

async fn held(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 3, ROWS).await;
    create(&*lab, "CREATE TABLE notes (n $int)").await;
    let notes: Vec<Cells> = (0..ROWS as i64).map(|n| vec![Value::Int(n / 2)]).collect();
    lab.insert("notes", &notes).await;
    let store = lab.open().await;
    for table in ["orders", "notes"] {
        let task = task(&store, table).await;
        let mut snapshot = store.snapshot().await.unwrap();
        let expected = seen(&mut *snapshot, &task).await;
        for (rows, reads_ahead) in [(1, false), (7, false), (7, true), (ROWS, false), (1_000, false)] {
            let flow = Flow { rows, reads_ahead, ..Flow::default() };
            snapshot.set_flow(flow);
            assert!(largest(&mut *snapshot, &task).await <= rows, "{flow:?}");
            assert!(seen(&mut *snapshot, &task).await == expected, "{table}, {flow:?}");
        }
    }
}

/// All that the streams tell.
async fn seen(snapshot: &mut dyn Snapshot, task: &TableTask) -> impl PartialEq + use<> {
    let rows = scan(snapshot, task).await;
    (rows, digests_with_rows(snapshot, task).await, sum(snapshot, task, 1).await)
}

async fn digests_with_rows(snapshot: &mut dyn Snapshot, task: &TableTask) -> Vec<(Cells, u128)> {
    digests(snapshot, task).await.into_iter().map(|(key, digest)| (key, digest.0)).collect()
}

/// The most rows that any stream passes on at once.
async fn largest(snapshot: &mut dyn Snapshot, task: &TableTask) -> usize {
    let mut largest = 0;
    let mut stream = snapshot.scan(task).await.unwrap();
    while let Some(batch) = stream.next().await {
        largest = largest.max(batch.unwrap().len());
    }
    drop(stream);
    let mut all = Vec::new();
    let mut stream = snapshot.digest(task).await.unwrap();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        largest = largest.max(batch.keys.len()).max(batch.read as usize);
        all.extend(cells(&batch.keys));
    }
    drop(stream);
    let mut stream = snapshot.sum(task, Share::ALL).await.unwrap();
    while let Some(part) = stream.next().await {
        largest = largest.max(part.unwrap().sum.rows as usize);
    }
    drop(stream);
    let width = task.key_width();
    let mut stream = snapshot.fetch(task, &batch(width, &all)).await.unwrap();
    let mut fetched = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        largest = largest.max(batch.len());
        fetched += batch.len();
    }
    assert_eq!(fetched, ROWS);
    largest
}

async fn told(labs: Factory<'_>) {
    const MANY: usize = 2 * STREAM_ROWS + 5;
    let lab = labs();
    create_orders(&*lab, 3, MANY).await;
    create(&*lab, "CREATE TABLE notes (n $int)").await;
    lab.insert("notes", &(0..MANY as i64).map(|n| vec![Value::Int(n % 1_000)]).collect::<Vec<_>>()).await;
    let store = lab.open().await;
    for table in ["orders", "notes"] {
        let task = task(&store, table).await;
        let mut snapshot = store.snapshot().await.unwrap();
        let mut stream = snapshot.digest(&task).await.unwrap();
        let (mut read, mut passed) = (0, 0);
        while let Some(batch) = stream.next().await {
            let batch = batch.unwrap();
            (read, passed) = (read + batch.read, passed + batch.digests.len() as u64);
            assert!(read >= passed, "{table}: rows that were not read");
        }
        assert_eq!((read, passed), (MANY as u64, MANY as u64), "{table}");
    }
}
