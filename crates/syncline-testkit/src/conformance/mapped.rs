//! A table seen through a mapping: filters, masks, columns that are not carried, and tables made from a description.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::StreamExt;
use syncline_core::change::{ApplyMode, Expectation, Reason, TableTask};
use syncline_core::mapping::{Mapping, MappingRequest, Mask, MaskKey, MaskKind, Resolved};
use syncline_core::schema::{SchemaStep, TableSchema};
use syncline_core::store::{Snapshot, Store};
use syncline_core::value::{Value, exact};

use super::rows::{
    SEATS, cells, checkpoint, counts, create, create_orders, create_seats, deletes, digest, digests, fetch, image,
    in_key_order, inserts, key, keys, moved, put, read, scan, sum, sum_of, task_of, updates, write, write_in_place,
};
use super::{Factory, Fixture, Lab, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "filter: every way of reading shows the same rows", check: |labs| Box::pin(same_rows(labs)) },
    Promise { name: "filter: its meaning is the engine's affair no more", check: |labs| Box::pin(meaning(labs)) },
    Promise { name: "filter: text by its bytes, whatever the collation", check: |labs| Box::pin(by_bytes(labs)) },
    Promise { name: "filter: what is to be written is found outside it too", check: |labs| Box::pin(outside(labs)) },
    Promise { name: "mask: every way of reading shows it", check: |labs| Box::pin(masked(labs)) },
    Promise { name: "kept: cells that are not carried are imaged and stay", check: |labs| Box::pin(kept(labs)) },
    Promise { name: "kept: they come back after an exchange", check: |labs| Box::pin(kept_in_exchange(labs)) },
    Promise { name: "define: a table from its description alone", check: |labs| Box::pin(described(labs)) },
];

/// The table through one filter.
async fn filtered(snapshot: &mut dyn Snapshot, table: &str, filter: &str) -> TableTask {
    let schema = snapshot.schema().await.unwrap();
    let filters = vec![format!("{table}: {filter}")];
    let mapping = Mapping::parse(&MappingRequest { filters, ..MappingRequest::default() }).unwrap();
    let resolved = Resolved::new(&mapping, &schema, &|_| true, 0, None).unwrap();
    let mut task = task_of(&schema, table);
    task.mapped.filter = resolved.view(&task.table).filter.map(Arc::new);
    task
}

/// The task without its last column, which the target keeps.
fn without_last(mut task: TableTask) -> TableTask {
    let last = task.columns.pop().expect("BUG: a task without columns");
    task.mapped.kept = vec![last];
    task
}

async fn whole(store: &Arc<dyn Store>, table: &str) -> TableTask {
    task_of(&store.snapshot().await.unwrap().schema().await.unwrap(), table)
}

async fn same_rows(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 5, 3_000).await;
    let store = lab.open().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = filtered(&mut *snapshot, "orders", "quantity > 50 OR customer IS NULL").await;
    let takes_part = |row: &Cells| matches!(row[3], Value::Int(quantity) if quantity > 50) || row[2] == Value::Null;
    let expected: Vec<Cells> = in_key_order(&task, rows.iter().filter(|row| takes_part(row)).cloned().collect());
    assert!(expected.len() > 100 && expected.len() < rows.len(), "the filter parts the rows");
    assert_eq!(snapshot.count(&task).await.unwrap(), expected.len() as u64);
    let scanned = scan(&mut *snapshot, &task).await;
    assert_eq!(in_key_order(&task, scanned), expected);
    let digested = digests(&mut *snapshot, &task).await;
    let expected_digests: Vec<_> = expected.iter().map(|row| (vec![row[0].clone()], digest(row))).collect();
    assert_eq!(digested, expected_digests);
    for shares in [1, 3] {
        assert_eq!(sum(&mut *snapshot, &task, shares).await, sum_of(&expected), "{shares} shares");
    }
    assert!(snapshot.estimate(&task).await.unwrap().rows > 0);
    assert!(!snapshot.is_empty(&task).await.unwrap());
    let nobody = filtered(&mut *snapshot, "orders", "quantity > 50 AND quantity < 50").await;
    assert_eq!(snapshot.estimate(&nobody).await.unwrap().rows, 0, "no row takes part");
    assert!(snapshot.is_empty(&nobody).await.unwrap(), "no row takes part");
    assert_eq!(fetch(&mut *snapshot, &task, &keys(&task, &rows)).await, expected, "keys of all rows");
    assert_eq!(snapshot.count(&task.unfiltered()).await.unwrap(), rows.len() as u64);
    let none = filtered(&mut *snapshot, "orders", "quantity > 1000000").await;
    assert_eq!(snapshot.estimate(&none).await.unwrap().rows, 0, "no row takes part");
    assert!(snapshot.estimate(&task).await.unwrap().rows >= expected.len() as u64);
}

async fn meaning(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE items (id $int PRIMARY KEY, name $text, price $real)").await;
    let names = ["Apple", "apple", "Äpfel", "a%b", "a_b", "axb", "", "10", "9"];
    let mut rows: Vec<Cells> = (1_i64..)
        .zip(names)
        .map(|(id, name)| vec![Value::Int(id), Value::text(name), Value::Real(id as f64 / 2.0)])
        .collect();
    rows.push(vec![Value::Int(10), Value::Null, Value::Null]);
    lab.insert("items", &rows).await;
    let cases: [(&str, &[i64]); 18] = [
        ("name = 'apple'", &[2]),
        ("name <> 'apple'", &[1, 3, 4, 5, 6, 7, 8, 9]),
        ("NOT name = 'apple'", &[1, 3, 4, 5, 6, 7, 8, 9]),
        ("name < 'a'", &[1, 7, 8, 9]),
        ("name > 'z'", &[3]),
        ("name LIKE 'a%'", &[2, 4, 5, 6]),
        ("name LIKE 'a!%b' ESCAPE '!'", &[4]),
        ("name LIKE 'a_b'", &[4, 5, 6]),
        ("name ILIKE 'APPLE'", &[1, 2]),
        ("name ILIKE 'ä%'", &[]),
        ("name LIKE '_pfel'", &[3]),
        ("name NOT LIKE 'a%'", &[1, 3, 7, 8, 9]),
        ("name IN ('', '9')", &[7, 9]),
        ("name IS NULL", &[10]),
        ("price >= 4", &[8, 9]),
        ("price BETWEEN 1 AND 1.5", &[2, 3]),
        ("price NOT IN (0.5, 1) AND id < 4", &[3]),
        ("id = 1 OR id = 2 AND name = 'x'", &[1]),
    ];
    let store = lab.open().await;
    let mut snapshot = store.snapshot().await.unwrap();
    for (filter, expected) in cases {
        let task = filtered(&mut *snapshot, "items", filter).await;
        let found = in_key_order(&task, scan(&mut *snapshot, &task).await);
        let found: Vec<Value> = found.into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(found, expected.iter().map(|id| Value::Int(*id)).collect::<Vec<_>>(), "{filter}");
    }
}

async fn by_bytes(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::OtherCollation) else { return };
    lab.run_sql(&ddl).await;
    let label = |label: &str| -> Cells { vec![Value::text(label), Value::Int(1)] };
    lab.insert("labels", &[label("a"), label("B"), label("c")]).await;
    let store = lab.open().await;
    let mut snapshot = store.snapshot().await.unwrap();
    for (filter, expected) in
        [("label = 'A'", 0), ("label < 'a'", 1), ("label IN ('b', 'C', 'c')", 1), ("label LIKE 'b'", 0)]
    {
        let task = filtered(&mut *snapshot, "labels", filter).await;
        assert_eq!(snapshot.count(&task).await.unwrap(), expected, "{filter}");
    }
}

async fn outside(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_seats(&*lab, 4).await;
    let store = lab.open().await;
    let task = filtered(&mut *store.snapshot().await.unwrap(), "seats", "seat >= 2").await;
    let by_seat = |seat: i64| rows.iter().find(|row| row[1] == Value::Int(seat)).unwrap().clone();
    let mut wanted = by_seat(0);
    wanted[2] = Value::text("from the source");
    let applied = write_in_place(&store, &task, inserts(&task, std::slice::from_ref(&wanted))).await;
    assert_eq!(moved(&applied), BTreeSet::from([key(&task, &wanted)]), "the row is there, so it is not absent");
    assert_eq!(applied.moved[0].reason, Reason::OutOfFilter);
    assert_eq!(counts(&applied), (0, 0, 0));
    assert_eq!(read(&store, &task.unfiltered()).await, in_key_order(&task, rows.clone()), "nothing has changed");
}

async fn masked(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 9, 500).await;
    let store = lab.open().await;
    let mut task = whole(&store, "orders").await;
    let secret = Arc::new(MaskKey::new([3; 32]));
    let kinds = [(1, MaskKind::Hash), (2, MaskKind::Fake), (4, MaskKind::Fake), (5, MaskKind::Null)];
    task.mapped.masks = kinds.into_iter().map(|(at, kind)| (at, Mask::new(kind, Arc::clone(&secret)))).collect();
    let seen = |row: &Cells| -> Cells {
        let mut row = row.clone();
        task.mapped.masks.iter().for_each(|(at, mask)| row[*at] = mask.apply(row[*at].as_ref()));
        row
    };
    let expected = in_key_order(&task, rows.iter().map(seen).collect());
    assert!(expected != in_key_order(&task, rows.clone()));
    let mut snapshot = store.snapshot().await.unwrap();
    let scanned = scan(&mut *snapshot, &task).await;
    assert!(in_key_order(&task, scanned) == expected, "scan");
    assert_eq!(sum(&mut *snapshot, &task, 2).await, sum_of(&expected), "sum");
    assert!(fetch(&mut *snapshot, &task, &keys(&task, &rows)).await == expected, "fetch");
    let digested: Vec<_> = digests(&mut *snapshot, &task).await.into_iter().map(|(_, digest)| digest).collect();
    assert_eq!(digested, expected.iter().map(|row| digest(row)).collect::<Vec<_>>(), "digest");
    let mut stream = snapshot.digest(&task).await.unwrap();
    while let Some(batch) = stream.next().await {
        assert!(cells(&batch.unwrap().keys).iter().all(|key| rows.iter().any(|row| row[0] == key[0])), "keys stay");
    }
}

async fn kept(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_seats(&*lab, 3).await;
    let store = lab.open().await;
    let full = whole(&store, "seats").await;
    let task = without_last(full.clone());
    let carried = |row: &Cells| row[..2].to_vec();
    let mut changed = carried(&rows[0]);
    changed[1] = Value::Int(90);
    let new = vec![Value::text("new"), Value::Int(91)];
    let put = put(
        &task,
        &[changed.clone(), new.clone()],
        vec![Expectation::Digest(digest(&carried(&rows[0]))), Expectation::Absent],
    );
    let applied = write_in_place(&store, &task, put).await;
    assert_eq!(counts(&applied), (1, 1, 0));
    let after_change = [&changed[..], &rows[0][2..]].concat();
    let after_insert = [&new[..], &[Value::Null]].concat();
    let of_change = image(&applied, &key(&task, &changed));
    assert_eq!(exact::decode_owned(of_change.before.as_ref().unwrap()).unwrap(), rows[0], "the whole row before");
    assert_eq!(of_change.after, Some(digest(&after_change)), "and the mark of the whole row after");
    assert_eq!(image(&applied, &key(&task, &new)).after, Some(digest(&after_insert)));
    let gone = write_in_place(&store, &task, deletes(&task, &[carried(&rows[1])])).await;
    let of_delete = image(&gone, &key(&task, &rows[1]));
    assert_eq!(exact::decode_owned(of_delete.before.as_ref().unwrap()).unwrap(), rows[1]);
    let expected = in_key_order(&full, vec![after_change, after_insert, rows[2].clone()]);
    assert_eq!(read(&store, &full).await, expected);
}

async fn kept_in_exchange(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_seats(&*lab, 2).await;
    let store = lab.open().await;
    let full = whole(&store, "seats").await;
    let task = without_last(full.clone());
    let old: Vec<Cells> = rows.iter().map(|row| row[..2].to_vec()).collect();
    let new = vec![vec![old[0][0].clone(), old[1][1].clone()], vec![old[1][0].clone(), old[0][1].clone()]];
    let batch = updates(&task, &old, &new);
    let halves = [(batch.clone(), ApplyMode::Displace), (batch, ApplyMode::Place)];
    write(&store, &task, &halves).await;
    let expected = new.iter().zip(&rows).map(|(new, row)| [&new[..], &row[2..]].concat()).collect();
    assert_eq!(read(&store, &full).await, in_key_order(&full, expected));
}

async fn described(labs: Factory<'_>) {
    let (from, into) = (labs(), labs());
    create_orders(&*from, 1, 5).await;
    create(&*from, SEATS).await;
    create(
        &*from,
        "CREATE TABLE \"order lines\" (order_id $int NOT NULL, line $int NOT NULL CHECK (line > 0), \
         price $real DEFAULT 1.5, PRIMARY KEY (line, order_id), UNIQUE (price, line), \
         FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE)",
    )
    .await;
    from.run_sql("CREATE INDEX lines_by_price ON \"order lines\" (price DESC)").await;
    let source = tables(&*from).await;
    let store = into.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    // Parents before their children, which here is the order of names backwards.
    for table in source.iter().rev() {
        let mut table = TableSchema::clone(table);
        table.definition.clear();
        table.indexes.iter_mut().for_each(|index| index.definition.clear());
        let index = |index| SchemaStep::CreateIndex { table: table.name.clone(), index };
        let indexes: Vec<_> = table.indexes.iter().cloned().map(index).collect();
        transaction.define(&[SchemaStep::CreateTable(Arc::new(table))]).await.unwrap();
        transaction.define(&indexes).await.unwrap();
    }
    transaction.commit(&checkpoint("describe", 1)).await.unwrap();
    writer.forget("describe").await.unwrap();
    // The text differs, and so may the names the engine gives; nothing else does.
    let described = |table: &Arc<TableSchema>| {
        let mut table = TableSchema::clone(table);
        table.definition.clear();
        table.indexes.iter_mut().for_each(|index| index.definition.clear());
        format!("{table:#?}")
    };
    let made = tables(&*into).await;
    assert_eq!(made.iter().map(described).collect::<Vec<_>>(), source.iter().map(described).collect::<Vec<_>>());
}

async fn tables(lab: &dyn Lab) -> Vec<Arc<TableSchema>> {
    lab.open().await.snapshot().await.unwrap().schema().await.unwrap().tables
}
