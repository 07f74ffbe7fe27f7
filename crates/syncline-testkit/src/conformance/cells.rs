//! Cells of every kind and size, through every call that carries them.

use futures_util::StreamExt;
use syncline_core::change::{Applied, ApplyMode};
use syncline_core::limits::BATCH_BYTES;
use syncline_core::store::RowStream;
use syncline_core::value::{Value, exact};

use super::rows::{
    batch, cells, checkpoint, create, deletes, digest, digests, fetch, image, in_key_order, key, keys, read, scan,
    task, updates, write_in_place,
};
use super::{Factory, Fixture, Promise};
use crate::deterministic::Numbers;
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "cells: every kind is read exactly", check: |labs| Box::pin(kinds_read(labs)) },
    Promise { name: "cells: every kind is loaded exactly", check: |labs| Box::pin(kinds_loaded(labs)) },
    Promise { name: "cells: every kind is updated exactly", check: |labs| Box::pin(kinds_updated(labs)) },
    Promise { name: "cells: wide rows close a batch early", check: |labs| Box::pin(wide_rows(labs)) },
    Promise { name: "cells: one of 20 MB travels", check: |labs| Box::pin(large_cell(labs)) },
];

const MEGABYTE: usize = 1 << 20;

/// Tables `kind_N (id, v)`, one for each column type of the lab, and their rows.
async fn kinds(lab: &dyn super::Lab) -> Vec<(String, Vec<Cells>)> {
    if let Some(types) = lab.sql(Fixture::SampleTypes) {
        lab.run_sql(&types).await;
    }
    let mut tables = Vec::new();
    for (at, (column, values)) in lab.sample_values().into_iter().enumerate() {
        let name = format!("kind_{at}");
        create(lab, &format!("CREATE TABLE {name} (id $int PRIMARY KEY, v {column})")).await;
        let rows = values.into_iter().zip(0..).map(|(value, id)| vec![Value::Int(id), value]).collect();
        tables.push((name, rows));
    }
    tables
}

async fn kinds_read(labs: Factory<'_>) {
    let lab = labs();
    for (table, rows) in kinds(&*lab).await {
        lab.insert(&table, &rows).await;
        let store = lab.open().await;
        let task = task(&store, &table).await;
        let mut snapshot = store.snapshot().await.unwrap();
        assert_eq!(in_key_order(&task, scan(&mut *snapshot, &task).await), rows, "{table}");
        assert_eq!(fetch(&mut *snapshot, &task, &keys(&task, &rows)).await, rows, "{table}");
        let found: Vec<_> = digests(&mut *snapshot, &task).await.into_iter().map(|(_, digest)| digest).collect();
        assert_eq!(found, rows.iter().map(|row| digest(row)).collect::<Vec<_>>(), "{table}");
    }
}

async fn kinds_loaded(labs: Factory<'_>) {
    let lab = labs();
    for (table, rows) in kinds(&*lab).await {
        let store = lab.open().await;
        let task = task(&store, &table).await;
        let mut writer = store.writer().await.unwrap();
        let mut transaction = writer.begin().await.unwrap();
        transaction.load(&task, batch(2, &rows)).await.unwrap();
        transaction.commit(&checkpoint("kinds", 1)).await.unwrap();
        let stored = lab.query(&format!("SELECT id, v FROM {table} ORDER BY id")).await;
        assert_eq!(stored, rows, "{table}");
    }
}

async fn kinds_updated(labs: Factory<'_>) {
    let lab = labs();
    for (table, rows) in kinds(&*lab).await {
        lab.insert(&table, &rows).await;
        let store = lab.open().await;
        let task = task(&store, &table).await;
        // Every value takes the place of its neighbour: expectations, images and writes of every kind at once.
        let mut new = rows.clone();
        for (at, row) in new.iter_mut().enumerate() {
            row[1] = rows[(at + 1) % rows.len()][1].clone();
        }
        let applied = write_in_place(&store, &task, updates(&task, &rows, &new)).await;
        assert_eq!((applied.updated, applied.moved.len()), (rows.len() as u64, 0), "{table}");
        for row in &rows {
            let before = image(&applied, &key(&task, row)).before.as_ref().unwrap();
            assert_eq!(exact::decode_owned(before).unwrap(), *row, "{table}");
        }
        assert_eq!(lab.query(&format!("SELECT id, v FROM {table} ORDER BY id")).await, new, "{table}");
        let applied = write_in_place(&store, &task, deletes(&task, &new)).await;
        assert_eq!((applied.deleted, applied.moved.len()), (rows.len() as u64, 0), "{table}");
    }
}

async fn wide_rows(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE files (id $int PRIMARY KEY, content $bytes)").await;
    let mut numbers = Numbers::new(3);
    let sizes = [1, MEGABYTE - 1, MEGABYTE, MEGABYTE + 1, 0];
    // 2,000 rows of which every hundredth is wide: a batch must not be closed by the number of its rows alone.
    let rows: Vec<Cells> = (0..2_000_usize)
        .map(|id| {
            let size = if id % 100 == 0 { sizes[id / 100 % sizes.len()] } else { 10 };
            vec![Value::Int(id as i64), Value::Bytes(numbers.bytes(size))]
        })
        .collect();
    lab.insert("files", &rows).await;
    let store = lab.open().await;
    let task = task(&store, "files").await;
    let mut snapshot = store.snapshot().await.unwrap();
    let mut stream = snapshot.scan(&task).await.unwrap();
    let seen = bounded(&mut stream).await;
    drop(stream);
    assert!(in_key_order(&task, seen) == rows, "every wide row, once");
    let mut stream = snapshot.fetch(&task, &keys(&task, &rows)).await.unwrap();
    assert!(bounded(&mut stream).await == rows, "every wide row, fetched");
}

/// All rows of a stream whose batches are closed once their cells pass the bound.
async fn bounded(stream: &mut RowStream<'_>) -> Vec<Cells> {
    let mut seen = Vec::new();
    while let Some(batch) = stream.next().await {
        let batch = batch.unwrap();
        // The row that passed the bound, and a batch's sixteen bytes for each of its cells.
        let last = exact::encode_row(batch.row(batch.len() - 1).iter()).len() + 16 * batch.width();
        assert!(batch.bytes().saturating_sub(last) <= BATCH_BYTES, "{} bytes in a batch", batch.bytes());
        seen.extend(cells(&batch));
    }
    seen
}

async fn large_cell(labs: Factory<'_>) {
    let (one, other) = (labs(), labs());
    let rows: Vec<Cells> = vec![
        vec![Value::Int(1), Value::Bytes(vec![1])],
        vec![Value::Int(2), Value::Bytes(Numbers::new(4).bytes(20 * MEGABYTE))],
        vec![Value::Int(3), Value::Bytes(vec![3])],
    ];
    for lab in [&one, &other] {
        create(&**lab, "CREATE TABLE files (id $int PRIMARY KEY, content $bytes)").await;
    }
    one.insert("files", &rows).await;
    let store = one.open().await;
    let from = task(&store, "files").await;
    let found: Vec<_> =
        digests(&mut *store.snapshot().await.unwrap(), &from).await.into_iter().map(|(_, digest)| digest).collect();
    assert_eq!(found, rows.iter().map(|row| digest(row)).collect::<Vec<_>>());
    let read_rows = read(&store, &from).await;
    assert!(read_rows == rows, "read");

    let store = other.open().await;
    let into = task(&store, "files").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.load(&into, batch(2, &read_rows)).await.unwrap();
    transaction.commit(&checkpoint("large", 1)).await.unwrap();
    assert!(other.query("SELECT id, content FROM files ORDER BY id").await == rows, "loaded");

    let mut transaction = writer.begin().await.unwrap();
    let (mut rest, mut applied) = (Some(deletes(&into, &rows)), Applied::default());
    while let Some(batch) = rest {
        let mut part = transaction.apply(&into, batch, ApplyMode::InPlace).await.unwrap();
        rest = part.rest.take();
        applied.images.extend(part.images);
    }
    let before = image(&applied, &key(&into, &rows[1])).before.as_ref().unwrap();
    assert!(exact::decode_owned(before).unwrap() == rows[1], "imaged");
}
