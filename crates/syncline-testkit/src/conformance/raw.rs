//! Rows that go on their way while others follow, and rows that nobody decodes. An engine that has no way for the latter
//! names no format, and the promises hold.

use std::sync::Arc;

use syncline_core::change::{Reason, Refusal, TableTask};
use syncline_core::schema::SchemaStep;
use syncline_core::store::{Snapshot, Transaction};
use syncline_core::value::{Equality, RowBatch, TableSum, Value, exact};

use futures_util::StreamExt;

use super::rows::{batch, checkpoint, create, create_orders, in_key_order, key, read, task, task_of};
use super::{Factory, Promise};
use crate::fixtures::{Cells, ORDERS, orders};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "load: rows that follow each other, exactly", check: |labs| Box::pin(following(labs)) },
    Promise { name: "load: what is refused on the way is told by the end", check: |labs| Box::pin(told(labs)) },
    Promise { name: "load: rows on their way are there for what is asked next", check: |labs| Box::pin(there(labs)) },
    Promise { name: "load: a commit that leaves refusals unheard fails", check: |labs| Box::pin(unheard(labs)) },
    Promise { name: "load: dropped on the way, nothing stays", check: |labs| Box::pin(dropped(labs)) },
    Promise { name: "load: a key that comes twice to a new table is told", check: |labs| Box::pin(doubled(labs)) },
    Promise { name: "raw: every row, exactly, with its sum", check: |labs| Box::pin(every_row(labs)) },
    Promise { name: "raw: a refused row is left out, its neighbours stay", check: |labs| Box::pin(refused(labs)) },
    Promise { name: "raw: columns of other types have another format", check: |labs| Box::pin(formats(labs)) },
];

/// Rows enough for more than one of whatever a store puts them into on their way.
const MANY: usize = 40_000;
const PART: usize = 2_048;

fn nothing(task: &TableTask) -> RowBatch {
    RowBatch::new(task.columns.len())
}

async fn load_on(transaction: &mut dyn Transaction, task: &TableTask, rows: &[Cells]) -> Vec<Refusal> {
    let mut refused = Vec::new();
    for part in rows.chunks(PART) {
        refused.extend(transaction.load_on(task, batch(task.columns.len(), part)).await.unwrap());
    }
    refused
}

async fn following(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let rows = orders(11, MANY);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert!(load_on(&mut *transaction, &task, &rows).await.is_empty());
    assert!(transaction.load(&task, nothing(&task)).await.unwrap().is_empty());
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    drop(writer);
    assert!(read(&store, &task).await == in_key_order(&task, rows));
}

/// A key, and why its row is refused.
type Told = (Vec<u8>, Reason);

/// Rows of which two cannot be stored, what is left without these, and what is to be told of them.
fn with_two_bad(task: &TableTask) -> (Vec<Cells>, Vec<Cells>, Vec<Told>) {
    let mut rows = in_key_order(task, orders(7, MANY));
    let mut good = rows.clone();
    let last = rows.len() - 1;
    let mut bad = Vec::new();
    for (at, value, reason) in [(20, Value::Int(0), Reason::Check), (last, Value::Null, Reason::NotNull)] {
        rows[at][3] = value;
        bad.push((key(task, &rows[at]), reason));
    }
    good.remove(last);
    good.remove(20);
    (rows, good, bad)
}

fn found(refused: &[Refusal]) -> Vec<Told> {
    refused.iter().map(|refusal| (refusal.key.clone(), refusal.reason)).collect()
}

async fn told(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let (rows, good, bad) = with_two_bad(&task);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let mut refused = load_on(&mut *transaction, &task, &rows).await;
    refused.extend(transaction.load(&task, nothing(&task)).await.unwrap());
    assert_eq!(found(&refused), bad);
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    drop(writer);
    assert!(read(&store, &task).await == good);
}

async fn there(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut rows = in_key_order(&task, orders(7, 300));
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let missing = rows.pop().unwrap();
    rows[3][3] = Value::Int(0);
    let mut refused = load_on(&mut *transaction, &task, &rows).await;
    let keys: Vec<Cells> = rows.iter().take(5).map(|row| vec![row[0].clone()]).collect();
    assert_eq!(transaction.rows(&task, &batch(1, &keys)).await.unwrap().rows.len(), 4);
    refused.extend(transaction.load_on(&task, batch(6, &[missing])).await.unwrap());
    refused.extend(transaction.load(&task, nothing(&task)).await.unwrap());
    assert_eq!(found(&refused), [(key(&task, &rows[3]), Reason::Check)]);
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    drop(writer);
    assert_eq!(read(&store, &task).await.len(), 299);
}

async fn unheard(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut rows = in_key_order(&task, orders(7, 10));
    rows[3][3] = Value::Int(0);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let heard = load_on(&mut *transaction, &task, &rows).await;
    let committed = transaction.commit(&checkpoint("load", 1)).await;
    drop(writer);
    // A store that tells at once has nothing left to tell.
    assert_eq!(committed.is_ok(), !heard.is_empty());
    assert_eq!(read(&store, &task).await.len(), if heard.is_empty() { 0 } else { 9 });
}

async fn dropped(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, ORDERS).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let rows = orders(7, 3_000);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    load_on(&mut *transaction, &task, &rows).await;
    drop(transaction);
    assert!(read(&store, &task).await.is_empty());
    let mut transaction = writer.begin().await.unwrap();
    assert!(transaction.load(&task, batch(6, &rows)).await.unwrap().is_empty());
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    drop(writer);
    assert_eq!(read(&store, &task).await.len(), 3_000);
}

async fn doubled(labs: Factory<'_>) {
    let (source, target) = (labs(), labs());
    create(&*source, ORDERS).await;
    let task = task(&source.open().await, "orders").await;
    let mut rows = in_key_order(&task, orders(7, 300));
    for (copy, of) in [(40, 3), (250, 3), (251, 7)] {
        rows[copy][0] = rows[of][0].clone();
    }
    let store = target.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.define(&[SchemaStep::CreateTable(Arc::clone(&task.table))]).await.unwrap();
    let mut refused = load_on(&mut *transaction, &task, &rows).await;
    refused.extend(transaction.load(&task, nothing(&task)).await.unwrap());
    let mut expected: Vec<_> = [3, 3, 7].iter().map(|row| (key(&task, &rows[*row]), Reason::Unique)).collect();
    let mut told = found(&refused);
    told.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    expected.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(told, expected);
    assert!(refused.iter().all(|refusal| !refusal.words.is_empty()), "in the database's own words");
    transaction.commit(&checkpoint("load", 1)).await.unwrap();
    drop(writer);
    rows.retain(|row| {
        refused.iter().all(|r| r.row.as_ref() != Some(&exact::encode_row(row.iter().map(Value::as_ref))))
    });
    assert_eq!(rows.len(), 297);
    assert!(read(&store, &task).await == in_key_order(&task, rows));
}

/// Takes all rows of a view over, where both ends have one format for them; returns their sum and what was refused.
async fn take_over(
    view: &mut dyn Snapshot,
    from: &TableTask,
    transaction: &mut dyn Transaction,
    task: &TableTask,
) -> Option<(TableSum, Vec<Refusal>)> {
    let format = view.raw_format(from)?;
    assert_eq!(transaction.raw_format(task), Some(format), "tables of one definition");
    let (mut sum, mut refused) = (TableSum::default(), Vec::new());
    let mut batches = view.scan_raw(from).await.unwrap();
    while let Some(rows) = batches.next().await.transpose().unwrap() {
        let mut part = TableSum::default();
        rows.digests.iter().for_each(|digest| part.add_digest(*digest));
        assert_eq!(part, rows.sum);
        sum.merge(part);
        refused.extend(transaction.load_raw_on(task, rows).await.unwrap());
    }
    refused.extend(transaction.load(task, nothing(task)).await.unwrap());
    Some((sum, refused))
}

async fn every_row(labs: Factory<'_>) {
    let (source, target) = (labs(), labs());
    let rows = create_orders(&*source, 11, 10_001).await;
    create(&*target, ORDERS).await;
    let mut view = source.open().await.snapshot().await.unwrap();
    let from = task_of(&view.schema().await.unwrap(), "orders");
    let store = target.open().await;
    let task = task(&store, "orders").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let Some((sum, refused)) = take_over(&mut *view, &from, &mut *transaction, &task).await else { return };
    assert!(refused.is_empty());
    transaction.commit(&checkpoint("raw", 1)).await.unwrap();
    drop(writer);
    let mut expected = TableSum::default();
    expected.add(&batch(6, &rows), Equality::Exact, &mut Vec::new());
    assert_eq!(sum, expected);
    assert!(read(&store, &task).await == in_key_order(&task, rows));
}

async fn refused(labs: Factory<'_>) {
    let (source, target) = (labs(), labs());
    let rows = create_orders(&*source, 7, 400).await;
    let strict = ORDERS.trim_end().strip_suffix(')').unwrap();
    create(&*target, &format!("{strict}, CHECK (id <> {}))", id_of(&rows[30]))).await;
    let mut view = source.open().await.snapshot().await.unwrap();
    let from = task_of(&view.schema().await.unwrap(), "orders");
    let store = target.open().await;
    let task = task(&store, "orders").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let Some((sum, refused)) = take_over(&mut *view, &from, &mut *transaction, &task).await else { return };
    assert_eq!((sum.rows, found(&refused)), (400, vec![(key(&task, &rows[30]), Reason::Check)]));
    transaction.commit(&checkpoint("raw", 1)).await.unwrap();
    drop(writer);
    let mut rest = rows;
    rest.remove(30);
    assert!(read(&store, &task).await == in_key_order(&task, rest));
}

fn id_of(row: &Cells) -> i64 {
    match row[0] {
        Value::Int(id) => id,
        _ => panic!("a key is a number"),
    }
}

async fn formats(labs: Factory<'_>) {
    let (one, other) = (labs(), labs());
    create(&*one, "CREATE TABLE t (id $int PRIMARY KEY, a $text)").await;
    create(&*other, "CREATE TABLE t (id $int PRIMARY KEY, a $bytes)").await;
    let (one, other) = (one.open().await, other.open().await);
    let (from, task) = (task(&one, "t").await, task(&other, "t").await);
    let view = one.snapshot().await.unwrap();
    let mut writer = other.writer().await.unwrap();
    let transaction = writer.begin().await.unwrap();
    let formats = (view.raw_format(&from), transaction.raw_format(&task));
    assert!(formats.0.is_none() || formats.0 != formats.1, "{formats:?}");
}
