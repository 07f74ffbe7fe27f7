//! Rows whose foreign key points at nothing.

use std::sync::Arc;

use syncline_core::change::{ApplyMode, TableTask};
use syncline_core::store::{Orphans, Store};
use syncline_core::value::{RowBatch, Value};

use super::rows::{cells, create, create_orders, deletes, inserts, key_cells, keys, task};
use super::{Factory, Fixture, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise {
        name: "orphans: counted in the whole table, and some named with what they point at",
        check: |labs| Box::pin(whole_table(labs)),
    },
    Promise { name: "orphans: among the keys asked for", check: |labs| Box::pin(by_keys(labs)) },
    Promise {
        name: "orphans: a reference with NULL points at nothing on purpose",
        check: |labs| Box::pin(nulls(labs)),
    },
    Promise { name: "orphans: composite references", check: |labs| Box::pin(composite(labs)) },
    Promise { name: "orphans: a table that references itself", check: |labs| Box::pin(own_table(labs)) },
    Promise { name: "orphans: a reference that names no column", check: |labs| Box::pin(implicit(labs)) },
    Promise { name: "orphans: seen as the transaction leaves them", check: |labs| Box::pin(in_transaction(labs)) },
    Promise {
        name: "orphans: their sum is that of the same rows only, however many of them are named",
        check: |labs| Box::pin(sums(labs)),
    },
    Promise { name: "orphans: a view shows those of its instant", check: |labs| Box::pin(in_view(labs)) },
];

/// The orphans by the first foreign key of `child`: all, or those among `rows`.
async fn orphans(store: &Arc<dyn Store>, child: &TableTask, rows: Option<&[Cells]>) -> Orphans {
    let keys = rows.map(|rows| keys(child, rows));
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.orphans(child, &child.table.foreign_keys[0], keys.as_ref(), LIMIT).await.unwrap()
}

/// The most that are to be named.
const LIMIT: usize = 7;

/// As many as expected, and no others named.
fn check(child: &TableTask, found: &Orphans, expected: &[Cells]) {
    assert_eq!(found.count, expected.len() as u64);
    let named: Vec<Cells> = cells(&found.keys);
    assert_eq!(named.len(), expected.len().min(LIMIT), "as many as fit are named");
    assert_eq!(found.points_at.len(), named.len(), "each with what it points at");
    let column = |name: &String| child.column_names().position(|other| other == name).unwrap();
    let reference: Vec<usize> = child.table.foreign_keys[0].columns.iter().map(column).collect();
    let expected: Vec<(Cells, Cells)> = expected
        .iter()
        .map(|row| (key_cells(child, row), reference.iter().map(|column| row[*column].clone()).collect()))
        .collect();
    for found in named.into_iter().zip(cells(&found.points_at)) {
        assert!(expected.contains(&found), "{found:?} is not among {expected:?}");
    }
}

// A table called `lines` would need quotes in some engines.
const ENTRIES: &str = "CREATE TABLE entries (code $text NOT NULL PRIMARY KEY, o $int, \
     FOREIGN KEY (o) REFERENCES orders (id) ON DELETE CASCADE)";

fn line(n: i64, order: Value) -> Cells {
    vec![Value::text(format!("line {n:03}")), order]
}

/// A hundred lines with parents, then ten without, then five without a reference.
fn lines(parents: &[Cells]) -> (Vec<Cells>, Vec<Cells>, Vec<Cells>) {
    let good = (0..100).map(|n| line(n, parents[n as usize % parents.len()][0].clone())).collect();
    let orphaned = (100..110).map(|n| line(n, Value::Int(1_000_000 + n))).collect();
    let unbound = (110..115).map(|n| line(n, Value::Null)).collect();
    (good, orphaned, unbound)
}

async fn whole_table(labs: Factory<'_>) {
    let lab = labs();
    let parents = create_orders(&*lab, 7, 40).await;
    create(&*lab, ENTRIES).await;
    let (good, orphaned, unbound) = lines(&parents);
    let store = lab.open().await;
    let task = task(&store, "entries").await;
    check(&task, &orphans(&store, &task, None).await, &[]);
    lab.insert("entries", &good).await;
    check(&task, &orphans(&store, &task, None).await, &[]);
    lab.insert("entries", &[orphaned.clone(), unbound].concat()).await;
    check(&task, &orphans(&store, &task, None).await, &orphaned);
}

async fn by_keys(labs: Factory<'_>) {
    let lab = labs();
    let parents = create_orders(&*lab, 7, 40).await;
    create(&*lab, ENTRIES).await;
    let (good, orphaned, unbound) = lines(&parents);
    lab.insert("entries", &[good.clone(), orphaned.clone(), unbound.clone()].concat()).await;
    let store = lab.open().await;
    let task = task(&store, "entries").await;
    check(&task, &orphans(&store, &task, Some(&good)).await, &[]);
    check(&task, &orphans(&store, &task, Some(&unbound)).await, &[]);
    let asked = [&good[..50], &orphaned[..3], &unbound].concat();
    check(&task, &orphans(&store, &task, Some(&asked)).await, &orphaned[..3]);
    let gone = [line(500, Value::Int(1))];
    check(&task, &orphans(&store, &task, Some(&gone)).await, &[]);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let none = transaction.orphans(&task, &task.table.foreign_keys[0], Some(&RowBatch::new(1)), LIMIT).await.unwrap();
    assert_eq!(none.count, 0, "no keys are not all keys");
}

async fn nulls(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 0).await;
    create(&*lab, ENTRIES).await;
    lab.insert("entries", &[line(1, Value::Null), line(2, Value::Null)]).await;
    let store = lab.open().await;
    let task = task(&store, "entries").await;
    check(&task, &orphans(&store, &task, None).await, &[]);
}

async fn composite(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE pairs (a $int NOT NULL, b $text NOT NULL, PRIMARY KEY (a, b), UNIQUE (b, a))").await;
    let ddl = "CREATE TABLE uses (id $int PRIMARY KEY, y $text, x $int, FOREIGN KEY (y, x) REFERENCES pairs (b, a))";
    create(&*lab, ddl).await;
    let pair = |a, b: &str| -> Cells { vec![Value::Int(a), Value::text(b)] };
    lab.insert("pairs", &[pair(1, "one"), pair(2, "two")]).await;
    let row = |id, y: Value, x: Value| -> Cells { vec![Value::Int(id), y, x] };
    let orphaned = [
        // Each half exists, the pair does not.
        row(10, Value::text("two"), Value::Int(1)),
        row(11, Value::text("one"), Value::Int(2)),
        row(12, Value::text("three"), Value::Int(3)),
    ];
    let good = [
        row(1, Value::text("one"), Value::Int(1)),
        row(2, Value::text("two"), Value::Int(2)),
        row(3, Value::text("three"), Value::Null),
        row(4, Value::Null, Value::Int(3)),
        row(5, Value::Null, Value::Null),
    ];
    lab.insert("uses", &[&good[..], &orphaned].concat()).await;
    let store = lab.open().await;
    let task = task(&store, "uses").await;
    check(&task, &orphans(&store, &task, None).await, &orphaned);
    check(&task, &orphans(&store, &task, Some(&good)).await, &[]);
    check(&task, &orphans(&store, &task, Some(&orphaned[1..])).await, &orphaned[1..]);
}

async fn own_table(labs: Factory<'_>) {
    let lab = labs();
    let ddl = "CREATE TABLE people (id $int PRIMARY KEY, boss $int, FOREIGN KEY (boss) REFERENCES people (id))";
    create(&*lab, ddl).await;
    let row = |id, boss: Value| -> Cells { vec![Value::Int(id), boss] };
    let orphaned = [row(4, Value::Int(99))];
    let good = [row(1, Value::Null), row(2, Value::Int(1)), row(3, Value::Int(3))];
    lab.insert("people", &[&good[..], &orphaned].concat()).await;
    let store = lab.open().await;
    let task = task(&store, "people").await;
    check(&task, &orphans(&store, &task, None).await, &orphaned);
    check(&task, &orphans(&store, &task, Some(&good)).await, &[]);
}

async fn implicit(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::ImplicitReference) else { return };
    let parents = create_orders(&*lab, 7, 3).await;
    lab.run_sql(&ddl).await;
    let orphaned = [vec![Value::Int(2), Value::Int(5_000)]];
    lab.insert("shipments", &[vec![Value::Int(1), parents[0][0].clone()], orphaned[0].clone()]).await;
    let store = lab.open().await;
    let task = task(&store, "shipments").await;
    check(&task, &orphans(&store, &task, None).await, &orphaned);
}

async fn in_transaction(labs: Factory<'_>) {
    let lab = labs();
    let parents = create_orders(&*lab, 7, LIMIT).await;
    create(&*lab, ENTRIES).await;
    let children: Vec<Cells> = parents.iter().zip(0..).map(|(parent, n)| line(n, parent[0].clone())).collect();
    lab.insert("entries", &children).await;
    let store = lab.open().await;
    let (parent, child) = (task(&store, "orders").await, task(&store, "entries").await);
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&parent, deletes(&parent, &parents[..4]), ApplyMode::InPlace).await.unwrap();
    let found = transaction.orphans(&child, &child.table.foreign_keys[0], None, LIMIT).await.unwrap();
    check(&child, &found, &children[..4]);
    transaction.apply(&child, deletes(&child, &children[..3]), ApplyMode::InPlace).await.unwrap();
    let found = transaction.orphans(&child, &child.table.foreign_keys[0], None, LIMIT).await.unwrap();
    check(&child, &found, &children[3..4]);
}

/// Some go and as many come: the number stays, the sum does not, and is back when they are.
async fn sums(labs: Factory<'_>) {
    let lab = labs();
    let parents = create_orders(&*lab, 7, 4).await;
    create(&*lab, ENTRIES).await;
    let (_, orphaned, _) = lines(&parents);
    let child_of_first = line(1, parents[0][0].clone());
    lab.insert("entries", &[&orphaned[..], &[child_of_first]].concat()).await;
    let store = lab.open().await;
    let (parent, child) = (task(&store, "orders").await, task(&store, "entries").await);
    let foreign_key = &child.table.foreign_keys[0];
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let before = transaction.orphans(&child, foreign_key, None, LIMIT).await.unwrap();
    for limit in [0, 3, 1_000] {
        let again = transaction.orphans(&child, foreign_key, None, limit).await.unwrap();
        assert_eq!((again.count, again.sum), (before.count, before.sum), "named or not");
        assert_eq!(again.marks().len(), limit.min(orphaned.len()), "a mark for each that is named");
    }
    transaction.apply(&child, deletes(&child, &orphaned[..1]), ApplyMode::InPlace).await.unwrap();
    transaction.apply(&parent, deletes(&parent, &parents[..1]), ApplyMode::InPlace).await.unwrap();
    let after = transaction.orphans(&child, foreign_key, None, LIMIT).await.unwrap();
    assert_eq!(after.count, before.count);
    assert_ne!(after.sum, before.sum, "as many, and others");
    transaction.apply(&child, inserts(&child, &orphaned[..1]), ApplyMode::InPlace).await.unwrap();
    transaction.apply(&parent, inserts(&parent, &parents[..1]), ApplyMode::InPlace).await.unwrap();
    let back = transaction.orphans(&child, foreign_key, None, LIMIT).await.unwrap();
    assert_eq!((back.count, back.sum), (before.count, before.sum), "the same rows, in whatever order they lie");
}

async fn in_view(labs: Factory<'_>) {
    let lab = labs();
    let parents = create_orders(&*lab, 7, 40).await;
    create(&*lab, ENTRIES).await;
    let (good, orphaned, unbound) = lines(&parents);
    lab.insert("entries", &[&good[..], &orphaned[..4], &unbound].concat()).await;
    let store = lab.open().await;
    let child = task(&store, "entries").await;
    let in_transaction = orphans(&store, &child, None).await;
    let mut view = store.snapshot().await.unwrap();
    let found = view.orphans(&child, &child.table.foreign_keys[0], None, LIMIT).await.unwrap();
    check(&child, &found, &orphaned[..4]);
    assert_eq!(found.sum, in_transaction.sum, "marked alike");
    let asked = keys(&child, &orphaned[3..6]);
    let found = view.orphans(&child, &child.table.foreign_keys[0], Some(&asked), LIMIT).await.unwrap();
    check(&child, &found, &orphaned[3..4]);
}
