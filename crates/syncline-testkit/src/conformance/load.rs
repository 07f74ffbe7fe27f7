//! The wide lane into a table that had no rows, and the way to make it have none.

use syncline_core::change::{ApplyMode, Reason};
use syncline_core::value::{RowBatch, Value, exact};

use super::rows::{batch, checkpoint, counts, create, create_orders, in_key_order, key, objects, put, read, task};
use super::{Factory, Fixture, Promise};
use crate::fixtures::{Cells, ORDERS, orders};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "load: every row, exactly, batch by batch", check: |labs| Box::pin(every_row(labs)) },
    Promise { name: "load: the columns of the task, in its order", check: |labs| Box::pin(chosen_columns(labs)) },
    Promise { name: "load: an empty batch does nothing", check: |labs| Box::pin(empty(labs)) },
    Promise { name: "load: fires no trigger", check: |labs| Box::pin(no_trigger(labs)) },
    Promise { name: "load: takes rows whose parents come later", check: |labs| Box::pin(parents_later(labs)) },
    Promise { name: "clear: every row goes, and is counted", check: |labs| Box::pin(clear(labs)) },
    Promise { name: "clear: fires no trigger", check: |labs| Box::pin(clear_no_trigger(labs)) },
    Promise { name: "load: a refused row is left out, its neighbours stay", check: |labs| Box::pin(refused(labs)) },
];

async fn every_row(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let rows = orders(11, 10_001);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    for part in rows.chunks(5_000) {
        transaction.load(&task, batch(6, part)).await.unwrap();
    }
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    let stored = lab.query("SELECT * FROM orders ORDER BY id").await;
    assert!(stored == in_key_order(&task, rows), "{} rows", stored.len());
}

async fn chosen_columns(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE parts (a $int DEFAULT 7, id $int PRIMARY KEY, b $text, c $text DEFAULT 'c')").await;
    let store = lab.open().await;
    let mut task = task(&store, "parts").await;
    task.columns = vec![2, 1];
    task.key = vec![1];
    let rows: Vec<Cells> = (0..10).map(|id| vec![Value::text(format!("b{id}")), Value::Int(id)]).collect();
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(2, &rows)).await.unwrap();
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    assert_eq!(lab.query("SELECT b, id FROM parts ORDER BY id").await, rows);
    let rest = lab.query("SELECT DISTINCT a, c FROM parts").await;
    assert_eq!(rest, [[Value::Int(7), Value::text("c")]], "the other columns have their defaults");
}

async fn empty(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, RowBatch::new(6)).await.unwrap();
    let applied = transaction.apply(&task, put(&task, &[], Vec::new()), ApplyMode::InPlace).await.unwrap();
    assert_eq!(counts(&applied), (0, 0, 0));
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    assert!(read(&store, &task).await.is_empty());
}

async fn no_trigger(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Audit).filter(|_| lab.traits().silences_triggers) else { return };
    lab.run_sql(&ddl).await;
    let store = lab.open().await;
    let task = task(&store, "audited").await;
    let rows: Vec<Cells> = (0..10).map(|id| vec![Value::Int(id), Value::Int(id)]).collect();
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(2, &rows)).await.unwrap();
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    assert_eq!(lab.query("SELECT count(*) FROM audited").await, [[Value::Int(10)]]);
    assert_eq!(lab.query("SELECT count(*) FROM audit").await, [[Value::Int(0)]]);
}

async fn parents_later(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 1, 0).await;
    create(&*lab, "CREATE TABLE entries (id $int PRIMARY KEY, o $int, FOREIGN KEY (o) REFERENCES orders (id))").await;
    let store = lab.open().await;
    let task = task(&store, "entries").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&task, batch(2, &[vec![Value::Int(1), Value::Int(99)]])).await.unwrap();
    let orphans = transaction.orphans(&task, &task.table.foreign_keys[0], None, 10).await.unwrap();
    assert_eq!(orphans.count, 1, "taken, and found");
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    assert_eq!(lab.query("SELECT o FROM entries").await, [[Value::Int(99)]]);
}

async fn refused(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut rows = in_key_order(&task, orders(7, 200));
    let good = rows.clone();
    let bad = [(20, 3, Value::Int(0), Reason::Check), (150, 3, Value::Null, Reason::NotNull)];
    for (row, column, value, _) in &bad {
        rows[*row][*column] = value.clone();
    }
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let refused = transaction.load(&task, batch(6, &rows)).await.unwrap();
    let found: Vec<_> = refused.iter().map(|refusal| (refusal.key.clone(), refusal.reason)).collect();
    let expected: Vec<_> = bad.iter().map(|(row, _, _, reason)| (key(&task, &rows[*row]), *reason)).collect();
    assert_eq!(found, expected);
    for (refusal, (row, ..)) in refused.iter().zip(&bad) {
        assert!(!refusal.words.is_empty(), "in the database's own words");
        let whole = exact::encode_row(rows[*row].iter().map(Value::as_ref));
        assert_eq!((refusal.row.as_ref(), &refusal.found), (Some(&whole), &None), "with its values");
    }
    // The transaction goes on, with the mended rows too.
    let mended = [good[20].clone(), good[150].clone()];
    assert!(transaction.load(&task, batch(6, &mended)).await.unwrap().is_empty());
    let again = transaction.load(&task, batch(6, &mended[..1])).await.unwrap();
    assert_eq!(again.iter().map(|refusal| refusal.reason).collect::<Vec<_>>(), [Reason::Unique]);
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    assert!(read(&store, &task).await == good);
}

async fn clear(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 3_000).await;
    create(
        &*lab,
        "CREATE TABLE stays (id $int PRIMARY KEY, o $int, FOREIGN KEY (o) REFERENCES orders (id) ON DELETE CASCADE)",
    )
    .await;
    lab.insert("stays", &[vec![Value::Int(1), rows[0][0].clone()]]).await;
    let before = objects(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.clear(&task).await.unwrap(), 3_000);
    assert_eq!(transaction.clear(&task).await.unwrap(), 0, "nothing is left");
    drop(transaction);
    assert_eq!(read(&store, &task).await.len(), 3_000, "dropped, nothing has gone");
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.clear(&task).await.unwrap(), 3_000);
    transaction.commit(&checkpoint("clear", 1)).await.unwrap();
    writer.forget("clear").await.unwrap();
    assert_eq!(lab.query("SELECT count(*) FROM orders").await, [[Value::Int(0)]]);
    assert_eq!(lab.query("SELECT count(*) FROM stays").await, [[Value::Int(1)]], "no foreign-key action ran");
    assert_eq!(objects(&*lab).await, before, "the table itself stays");
}

async fn clear_no_trigger(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Audit).filter(|_| lab.traits().silences_triggers) else { return };
    lab.run_sql(&ddl).await;
    lab.insert("audited", &[vec![Value::Int(1), Value::Int(1)], vec![Value::Int(2), Value::Int(2)]]).await;
    lab.run_sql("DELETE FROM audit").await;
    let store = lab.open().await;
    let task = task(&store, "audited").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(transaction.clear(&task).await.unwrap(), 2);
    transaction.commit(&checkpoint("clear", 1)).await.unwrap();
    assert_eq!(lab.query("SELECT count(*) FROM audit").await, [[Value::Int(0)]]);
}
