//! Columns added to a table: told beforehand, read as if they were there, and carried out.

use std::sync::Arc;

use syncline_core::change::TableTask;
use syncline_core::error::Code;
use syncline_core::mapping::additions;
use syncline_core::schema::{SchemaStep, TableSchema, Widened};
use syncline_core::store::Store;
use syncline_core::value::Value;

use super::rows::{checkpoint, create, digests, fetch, keys, objects, read, scan, sum, task, updates, write_in_place};
use super::{Factory, Lab, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "widen: what a table becomes is told beforehand", check: |labs| Box::pin(told(labs)) },
    Promise { name: "widen: reads show what will be in the columns", check: |labs| Box::pin(read_ahead(labs)) },
    Promise { name: "widen: a column that cannot be added is passed over", check: |labs| Box::pin(refused(labs)) },
    Promise { name: "widen: rows that break a condition keep the column out", check: |labs| Box::pin(broken(labs)) },
    Promise { name: "widen: undone with its transaction", check: |labs| Box::pin(dropped(labs)) },
    Promise { name: "widen: a definition that does more is refused", check: |labs| Box::pin(hostile(labs)) },
];

const NARROW: &str = "CREATE TABLE parts (id $int PRIMARY KEY, name $text)";
const WIDE: &str = "CREATE TABLE parts (id $int PRIMARY KEY, name $text, kind $text, weight $real DEFAULT 1.5, \
     stock $int NOT NULL DEFAULT 7 CHECK (stock > 0), note $text DEFAULT 'it''s; new')";

/// A table with rows in one database, and the same with more columns in another.
async fn narrow(lab: &dyn Lab) -> Arc<dyn Store> {
    create(lab, NARROW).await;
    lab.insert("parts", &(1..=50).map(|id| vec![Value::Int(id), Value::text("part")]).collect::<Vec<_>>()).await;
    lab.open().await
}

async fn schema_of(store: &Arc<dyn Store>) -> Arc<TableSchema> {
    Arc::clone(store.snapshot().await.unwrap().schema().await.unwrap().table("parts").unwrap())
}

async fn widened(store: &Arc<dyn Store>, labs: Factory<'_>, model: &str) -> Widened {
    let lab = labs();
    create(&*lab, model).await;
    let (expected, target) = (schema_of(&lab.open().await).await, schema_of(store).await);
    let columns = additions(&expected, &target);
    store.snapshot().await.unwrap().widened(&target, &columns).await.unwrap()
}

fn steps(widened: &Widened) -> Vec<SchemaStep> {
    widened.added.iter().map(|column| SchemaStep::AddColumn(Box::new(column.step.clone()))).collect()
}

async fn carry_out(store: &Arc<dyn Store>, steps: &[SchemaStep]) {
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.define(steps).await.unwrap();
    transaction.commit(&checkpoint("widen", 1)).await.unwrap();
    writer.forget("widen").await.unwrap();
}

async fn told(labs: Factory<'_>) {
    let lab = labs();
    let store = narrow(&*lab).await;
    let before = objects(&*lab).await;
    let widened = widened(&store, labs, WIDE).await;
    assert_eq!(objects(&*lab).await, before, "to be told changes nothing");
    assert_eq!(widened.added.len(), 4, "{widened:?}");
    carry_out(&store, &steps(&widened)).await;
    assert_eq!(format!("{:#?}", schema_of(&store).await), format!("{:#?}", widened.table));
    let last = lab.query("SELECT kind, weight, stock, note FROM parts WHERE id = 50").await;
    let fills: Cells = widened.added.iter().map(|column| column.fill.clone()).collect();
    assert_eq!(last, [fills]);
}

/// The task over all columns, before those are there that are to be added.
fn ahead(widened: &Widened) -> TableTask {
    let mut task = TableTask::whole(Arc::clone(&widened.table));
    let position = |name: &str| task.table.column(name).unwrap();
    task.mapped.fills =
        widened.added.iter().map(|column| (position(&column.step.column.name), column.fill.clone())).collect();
    task
}

async fn read_ahead(labs: Factory<'_>) {
    let lab = labs();
    let store = narrow(&*lab).await;
    let widened = widened(&store, labs, WIDE).await;
    let ahead = ahead(&widened);
    let mut snapshot = store.snapshot().await.unwrap();
    let (rows, digests_ahead) = (scan(&mut *snapshot, &ahead).await, digests(&mut *snapshot, &ahead).await);
    let (sum_ahead, few) = (sum(&mut *snapshot, &ahead, 2).await, keys(&ahead, &rows[3..9]));
    let fetched = fetch(&mut *snapshot, &ahead, &few).await;
    assert_eq!(snapshot.estimate(&ahead).await.unwrap().rows, 50);
    drop(snapshot);
    carry_out(&store, &steps(&widened)).await;
    let task = task(&store, "parts").await;
    assert_eq!(read(&store, &task).await, rows);
    let mut snapshot = store.snapshot().await.unwrap();
    assert_eq!(digests(&mut *snapshot, &task).await, digests_ahead);
    assert_eq!(sum(&mut *snapshot, &task, 2).await, sum_ahead);
    assert_eq!(fetch(&mut *snapshot, &task, &few).await, fetched);
    drop(snapshot);
    // What was decided on that ground holds.
    let mut changed = rows[3].clone();
    changed[2] = Value::text("bolt");
    let applied = write_in_place(&store, &task, updates(&task, &rows[3..4], &[changed])).await;
    assert_eq!((applied.updated, applied.moved.len()), (1, 0));
}

async fn refused(labs: Factory<'_>) {
    let lab = labs();
    let store = narrow(&*lab).await;
    let model = "CREATE TABLE parts (id $int PRIMARY KEY, name $text, needed $int NOT NULL, kind $text)";
    let widened = widened(&store, labs, model).await;
    assert_eq!(widened.refused.len(), 1);
    assert!(widened.refused[0].0 == "needed" && !widened.refused[0].1.is_empty(), "{:?}", widened.refused);
    assert!(widened.table.column("kind").is_some() && widened.table.column("needed").is_none());
}

async fn broken(labs: Factory<'_>) {
    let lab = labs();
    let store = narrow(&*lab).await;
    let model = "CREATE TABLE parts (id $int PRIMARY KEY, name $text, top $int DEFAULT 40 CHECK (top >= id))";
    let widened = widened(&store, labs, model).await;
    let before = objects(&*lab).await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let error = transaction.define(&steps(&widened)).await.unwrap_err();
    assert_eq!(error.code(), Code::SchemaNotAdded, "{error}");
    assert!(error.why().is_some());
    drop(transaction);
    drop(writer);
    assert_eq!(objects(&*lab).await, before);
}

async fn dropped(labs: Factory<'_>) {
    let lab = labs();
    let store = narrow(&*lab).await;
    let widened = widened(&store, labs, WIDE).await;
    let before = objects(&*lab).await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.define(&steps(&widened)).await.unwrap();
    drop(transaction);
    drop(writer.begin().await.unwrap());
    assert_eq!(objects(&*lab).await, before);
}

async fn hostile(labs: Factory<'_>) {
    let lab = labs();
    let store = narrow(&*lab).await;
    create(&*lab, "CREATE TABLE other (id $int PRIMARY KEY)").await;
    let widened = widened(&store, labs, WIDE).await;
    let before = objects(&*lab).await;
    let mut writer = store.writer().await.unwrap();
    for default in [
        "1; DROP TABLE other",
        "1, more INT",
        "1, ADD COLUMN more INT",
        "(SELECT count(*) FROM other)",
        "1); DROP TABLE other; --",
    ] {
        let mut step = widened.added[0].step.clone();
        step.column.default = Some(default.to_owned());
        let target = schema_of(&store).await;
        let told = store.snapshot().await.unwrap().widened(&target, std::slice::from_ref(&step)).await.unwrap();
        assert_eq!(told.refused.len(), 1, "{default}");
        let mut transaction = writer.begin().await.unwrap();
        let error = transaction.define(&[SchemaStep::AddColumn(Box::new(step))]).await.unwrap_err();
        assert_eq!(error.code(), Code::SchemaNotAdded, "{default}");
        drop(transaction);
    }
    drop(writer.begin().await.unwrap());
    assert_eq!(objects(&*lab).await, before);
}
