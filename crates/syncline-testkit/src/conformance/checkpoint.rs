//! How far a run has come, as the target itself knows it.

use syncline_core::change::ApplyMode;
use syncline_core::store::Writer;

use super::rows::{checkpoint, create_orders, deletes, inserts, objects, read, task};
use super::{Factory, Promise};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "checkpoint: committed with the rows it covers", check: |labs| Box::pin(with_rows(labs)) },
    Promise { name: "checkpoint: a store opened later reads it", check: |labs| Box::pin(reopened(labs)) },
    Promise { name: "checkpoint: one a run, the last; newest last", check: |labs| Box::pin(newest_last(labs)) },
    Promise { name: "checkpoint: one that is not committed is not there", check: |labs| Box::pin(uncommitted(labs)) },
    Promise { name: "forget: removes the run's checkpoint and no other", check: |labs| Box::pin(only_its_own(labs)) },
    Promise { name: "forget: the last one leaves nothing behind", check: |labs| Box::pin(nothing_left(labs)) },
    Promise { name: "forget: twice is once, and never is nothing", check: |labs| Box::pin(twice(labs)) },
];

async fn commit(writer: &mut dyn Writer, run: &str, batch: u64) {
    writer.begin().await.unwrap().commit(&checkpoint(run, batch)).await.unwrap();
}

async fn with_rows(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 100).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut writer = store.writer().await.unwrap();
    assert!(writer.checkpoints().await.unwrap().is_empty());
    for (part, batch) in rows.chunks(25).zip(1..) {
        let mut transaction = writer.begin().await.unwrap();
        transaction.apply(&task, deletes(&task, part), ApplyMode::InPlace).await.unwrap();
        transaction.commit(&checkpoint("run", batch)).await.unwrap();
        assert_eq!(writer.checkpoints().await.unwrap(), [checkpoint("run", batch)]);
        assert_eq!(read(&store, &task).await.len(), 100 - 25 * batch as usize);
    }
}

async fn reopened(labs: Factory<'_>) {
    let lab = labs();
    let store = lab.open().await;
    let name = "2026-01-31 O'Neil \u{1f600}";
    commit(&mut *store.writer().await.unwrap(), name, u64::from(u32::MAX) + 7).await;
    drop(store);
    let checkpoints = lab.open().await.writer().await.unwrap().checkpoints().await.unwrap();
    assert_eq!(checkpoints, [checkpoint(name, u64::from(u32::MAX) + 7)]);
}

async fn newest_last(labs: Factory<'_>) {
    let lab = labs();
    let store = lab.open().await;
    let mut writer = store.writer().await.unwrap();
    // Neither the order of names nor that of batches is the order in time.
    for (run, batch) in [("m", 1), ("m", 2), ("z", 9), ("a", 1), ("a", 2)] {
        commit(&mut *writer, run, batch).await;
    }
    let expected = [checkpoint("m", 2), checkpoint("z", 9), checkpoint("a", 2)];
    assert_eq!(writer.checkpoints().await.unwrap(), expected);
}

async fn uncommitted(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 10).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut writer = store.writer().await.unwrap();
    commit(&mut *writer, "run", 1).await;
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&task, deletes(&task, &rows), ApplyMode::InPlace).await.unwrap();
    drop(transaction);
    assert_eq!(writer.checkpoints().await.unwrap(), [checkpoint("run", 1)]);
}

async fn only_its_own(labs: Factory<'_>) {
    let lab = labs();
    let store = lab.open().await;
    let mut writer = store.writer().await.unwrap();
    for run in ["one", "two", "three"] {
        commit(&mut *writer, run, 1).await;
    }
    writer.forget("two").await.unwrap();
    writer.forget("never was").await.unwrap();
    assert_eq!(writer.checkpoints().await.unwrap(), [checkpoint("one", 1), checkpoint("three", 1)]);
}

async fn nothing_left(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 10).await;
    lab.run_sql("DELETE FROM orders").await;
    let before = objects(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut writer = store.writer().await.unwrap();
    for run in ["one", "two"] {
        commit(&mut *writer, run, 1).await;
    }
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&task, inserts(&task, &rows), ApplyMode::InPlace).await.unwrap();
    transaction.commit(&checkpoint("two", 2)).await.unwrap();
    writer.forget("two").await.unwrap();
    writer.forget("one").await.unwrap();
    assert!(writer.checkpoints().await.unwrap().is_empty());
    assert_eq!(objects(&*lab).await, before);
    drop(writer);
    drop(store);
    assert_eq!(objects(&*lab).await, before, "closed");
    assert_eq!(read(&lab.open().await, &task).await.len(), rows.len(), "the rows stay");
}

async fn twice(labs: Factory<'_>) {
    let lab = labs();
    let before = objects(&*lab).await;
    let store = lab.open().await;
    let mut writer = store.writer().await.unwrap();
    writer.forget("never was").await.unwrap();
    assert_eq!(objects(&*lab).await, before);
    commit(&mut *writer, "run", 1).await;
    for _ in 0..2 {
        writer.forget("run").await.unwrap();
        assert!(writer.checkpoints().await.unwrap().is_empty());
        assert_eq!(objects(&*lab).await, before);
    }
    commit(&mut *writer, "run", 1).await;
    assert_eq!(writer.checkpoints().await.unwrap(), [checkpoint("run", 1)], "begun anew");
}
