//! Writing changes whose expectation holds, and the images that take them back.

use std::collections::BTreeSet;

use syncline_core::change::{Applied, ApplyMode};
use syncline_core::value::{Value, exact};

use super::rows::{
    backwards, counts, create, create_orders, create_seats, deletes, digest, image, in_key_order, inserts, key,
    objects, put, read, task, updates, write, write_in_place,
};
use super::{Factory, Fixture, Promise};
use crate::deterministic::Numbers;
use crate::fixtures::{Cells, order, orders};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "apply: inserts", check: |labs| Box::pin(insert(labs)) },
    Promise { name: "apply: updates", check: |labs| Box::pin(update(labs)) },
    Promise { name: "apply: deletes", check: |labs| Box::pin(delete(labs)) },
    Promise { name: "apply: inserts and updates in one batch", check: |labs| Box::pin(both(labs)) },
    Promise { name: "apply: composite keys", check: |labs| Box::pin(composite(labs)) },
    Promise { name: "apply: columns outside the task stay", check: |labs| Box::pin(chosen_columns(labs)) },
    Promise { name: "apply: an empty batch does nothing", check: |labs| Box::pin(empty(labs)) },
    Promise { name: "apply: images taken back restore every cell", check: |labs| Box::pin(taken_back(labs)) },
    Promise { name: "apply: images taken back restore row numbers", check: |labs| Box::pin(row_numbers(labs)) },
    Promise { name: "apply: fires no trigger", check: |labs| Box::pin(no_trigger(labs)) },
    Promise { name: "apply: runs no foreign-key action", check: |labs| Box::pin(no_action(labs)) },
    Promise { name: "apply: a table stored by its key", check: |labs| Box::pin(clustered(labs)) },
];

/// The rows with another customer, quantity and payload; the key stays.
fn edited(rows: &[Cells]) -> Vec<Cells> {
    let mut numbers = Numbers::new(77);
    let edit = |row: &Cells| {
        let mut new = order(0, &mut numbers);
        new[0] = row[0].clone();
        new[1] = row[1].clone();
        // Two draws may be alike, and a row that stays as it is would prove nothing.
        new[2] = Value::text(format!("edited {:?}", new[2]));
        new
    };
    rows.iter().map(edit).collect()
}

/// Exactly one right image for each pair of old and new row.
fn check_images(applied: &Applied, task: &syncline_core::change::TableTask, rows: &[(Option<&Cells>, Option<&Cells>)]) {
    assert_eq!(applied.images.len(), rows.len(), "images");
    for (old, new) in rows {
        let image = image(applied, &key(task, old.or(*new).unwrap()));
        let before = image.before.as_ref().map(|before| exact::decode_owned(before).unwrap());
        assert_eq!(before.as_ref(), *old, "before");
        assert_eq!(image.after, new.map(|row| digest(row)), "after");
    }
}

async fn insert(labs: Factory<'_>) {
    let lab = labs();
    let there = create_orders(&*lab, 7, 10).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let new: Vec<Cells> = (100..3_100).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
    let applied = write_in_place(&store, &task, inserts(&task, &new)).await;
    assert_eq!((counts(&applied), applied.moved.len(), applied.written()), ((3_000, 0, 0), 0, 3_000));
    check_images(&applied, &task, &new.iter().map(|row| (None, Some(row))).collect::<Vec<_>>());
    let stored = lab.query("SELECT * FROM orders ORDER BY id").await;
    assert!(stored == in_key_order(&task, [there, new].concat()));
}

async fn update(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 2_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let new = edited(&old[..1_500]);
    let applied = write_in_place(&store, &task, updates(&task, &old[..1_500], &new)).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((0, 1_500, 0), 0));
    check_images(&applied, &task, &old.iter().zip(&new).map(|(a, b)| (Some(a), Some(b))).collect::<Vec<_>>());
    let stored = lab.query("SELECT * FROM orders ORDER BY id").await;
    assert!(stored == in_key_order(&task, [&new[..], &old[1_500..]].concat()));
}

async fn delete(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 2_000).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let applied = write_in_place(&store, &task, deletes(&task, &old[..1_500])).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((0, 0, 1_500), 0));
    check_images(&applied, &task, &old[..1_500].iter().map(|row| (Some(row), None)).collect::<Vec<_>>());
    let stored = lab.query("SELECT * FROM orders ORDER BY id").await;
    assert!(stored == in_key_order(&task, old[1_500..].to_vec()));
}

async fn both(labs: Factory<'_>) {
    use syncline_core::change::Expectation::{Absent, Digest};
    let lab = labs();
    let old = create_orders(&*lab, 7, 50).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let changed = edited(&old);
    let new: Vec<Cells> = (1_000..1_050).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
    let (mut rows, mut expectations) = (Vec::new(), Vec::new());
    for at in 0..50 {
        rows.extend([changed[at].clone(), new[at].clone()]);
        expectations.extend([Digest(digest(&old[at])), Absent]);
    }
    let applied = write_in_place(&store, &task, put(&task, &rows, expectations)).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((50, 50, 0), 0));
    let updated = old.iter().zip(&changed).map(|(old, new)| (Some(old), Some(new)));
    check_images(&applied, &task, &updated.chain(new.iter().map(|row| (None, Some(row)))).collect::<Vec<_>>());
    assert!(read(&store, &task).await == in_key_order(&task, rows));
}

async fn composite(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE cells (x $int NOT NULL, y $text NOT NULL, n $int, PRIMARY KEY (y, x))").await;
    let old: Vec<Cells> =
        (0..100).map(|n| vec![Value::Int(n % 10), Value::text(format!("y{}", n / 10)), Value::Int(n)]).collect();
    lab.insert("cells", &old).await;
    let store = lab.open().await;
    let task = task(&store, "cells").await;
    let mut new = old[..50].to_vec();
    new.iter_mut().for_each(|row| row[2] = Value::Null);
    let applied = write_in_place(&store, &task, updates(&task, &old[..50], &new)).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((0, 50, 0), 0));
    check_images(&applied, &task, &old.iter().zip(&new).map(|(a, b)| (Some(a), Some(b))).collect::<Vec<_>>());
    let applied = write_in_place(&store, &task, deletes(&task, &old[50..90])).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((0, 0, 40), 0));
    assert_eq!(read(&store, &task).await, in_key_order(&task, [&new[..], &old[90..]].concat()));
}

async fn chosen_columns(labs: Factory<'_>) {
    let lab = labs();
    let all = create_orders(&*lab, 7, 20).await;
    let store = lab.open().await;
    let mut task = task(&store, "orders").await;
    task.columns = vec![2, 0];
    task.key = vec![1];
    let old: Vec<Cells> = all.iter().map(|row| vec![row[2].clone(), row[0].clone()]).collect();
    let new: Vec<Cells> = all.iter().map(|row| vec![Value::text("new"), row[0].clone()]).collect();
    let applied = write_in_place(&store, &task, updates(&task, &old, &new)).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((0, 20, 0), 0), "the digest is over the task's columns");
    check_images(&applied, &task, &old.iter().zip(&new).map(|(a, b)| (Some(a), Some(b))).collect::<Vec<_>>());
    let mut expected = all;
    expected.iter_mut().for_each(|row| row[2] = Value::text("new"));
    expected.sort_by_key(|row| format!("{:?}", row[1]));
    let mut stored = lab.query("SELECT * FROM orders").await;
    stored.sort_by_key(|row| format!("{:?}", row[1]));
    assert_eq!(stored, expected);
}

async fn empty(labs: Factory<'_>) {
    let lab = labs();
    let rows = create_orders(&*lab, 7, 5).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let puts = [ApplyMode::InPlace, ApplyMode::Displace, ApplyMode::Place].map(|mode| (inserts(&task, &[]), mode));
    // What is deleted does not enter again, so deletes have no second half.
    let gone = [ApplyMode::InPlace, ApplyMode::Displace].map(|mode| (deletes(&task, &[]), mode));
    for work in puts.into_iter().chain(gone) {
        let applied = write(&store, &task, std::slice::from_ref(&work)).await.remove(0);
        assert!(counts(&applied) == (0, 0, 0) && applied.moved.is_empty() && applied.images.is_empty(), "{:?}", work.1);
    }
    assert_eq!(read(&store, &task).await, in_key_order(&task, rows));
}

async fn taken_back(labs: Factory<'_>) {
    let lab = labs();
    let old = create_orders(&*lab, 7, 900).await;
    let before = lab.query("SELECT * FROM orders ORDER BY id").await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let new: Vec<Cells> = (10_000..10_300).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
    let work = [
        (deletes(&task, &old[..300]), ApplyMode::InPlace),
        (updates(&task, &old[300..600], &edited(&old[300..600])), ApplyMode::InPlace),
        (inserts(&task, &new), ApplyMode::InPlace),
    ];
    let images: Vec<_> = write(&store, &task, &work).await.into_iter().flat_map(|applied| applied.images).collect();
    assert_eq!(images.len(), 900);
    let back = write(&store, &task, &backwards(&task, &images)).await;
    assert_eq!(back.iter().map(counts).collect::<Vec<_>>(), [(0, 0, 300), (0, 300, 0), (300, 0, 0)]);
    assert!(back.iter().all(|applied| applied.moved.is_empty()));
    assert!(lab.query("SELECT * FROM orders ORDER BY id").await == before);
    // What was taken back has images too: taking those back does the work again.
    let images: Vec<_> = back.into_iter().flat_map(|applied| applied.images).collect();
    write(&store, &task, &backwards(&task, &images)).await;
    let expected = [&edited(&old[300..600])[..], &new, &old[600..]].concat();
    assert!(read(&store, &task).await == in_key_order(&task, expected), "done again");
}

async fn row_numbers(labs: Factory<'_>) {
    let lab = labs();
    let Some(numbers) = lab.sql(Fixture::SeatNumbers) else { return };
    let old = create_seats(&*lab, 300).await;
    // A hole in the numbers: giving them out anew would close it.
    lab.run_sql("DELETE FROM seats WHERE seat IN (10, 11, 12)").await;
    let old: Vec<Cells> = old.into_iter().filter(|row| !(10..=12).any(|seat| row[1] == Value::Int(seat))).collect();
    let before = (lab.query(&numbers).await, objects(&*lab).await);
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let mut new = old[100..150].to_vec();
    new.iter_mut().for_each(|row| row[2] = Value::Null);
    let fresh = vec![vec![Value::text("fresh"), Value::Int(-1), Value::Null]];
    let work = [
        (deletes(&task, &old[..100]), ApplyMode::InPlace),
        (updates(&task, &old[100..150], &new), ApplyMode::InPlace),
        (inserts(&task, &fresh), ApplyMode::InPlace),
    ];
    let images: Vec<_> = write(&store, &task, &work).await.into_iter().flat_map(|applied| applied.images).collect();
    let places: BTreeSet<_> = images.iter().filter(|image| image.before.is_some()).map(|image| image.place).collect();
    assert_eq!((places.len(), places.contains(&None)), (150, false), "every image of a row has its own number");
    write(&store, &task, &backwards(&task, &images)).await;
    store.writer().await.unwrap().forget("suite").await.unwrap();
    assert!(lab.query(&numbers).await == before.0, "numbers and order");
    assert_eq!(objects(&*lab).await, before.1);
}

async fn no_trigger(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Audit).filter(|_| lab.traits().silences_triggers) else { return };
    lab.run_sql(&ddl).await;
    let row = |id, n| -> Cells { vec![Value::Int(id), Value::Int(n)] };
    lab.insert("audited", &[row(1, 1), row(2, 2), row(3, 3)]).await;
    lab.run_sql("DELETE FROM audit").await;
    let store = lab.open().await;
    let task = task(&store, "audited").await;
    write_in_place(&store, &task, inserts(&task, &[row(4, 4)])).await;
    write_in_place(&store, &task, updates(&task, &[row(1, 1)], &[row(1, 10)])).await;
    write_in_place(&store, &task, deletes(&task, &[row(2, 2)])).await;
    let exchange = updates(&task, &[row(3, 3)], &[row(3, 30)]);
    write(&store, &task, &[(exchange.clone(), ApplyMode::Displace), (exchange, ApplyMode::Place)]).await;
    assert_eq!(read(&store, &task).await, [row(1, 10), row(3, 30), row(4, 4)]);
    assert_eq!(lab.query("SELECT what FROM audit").await, Vec::<Cells>::new());
    lab.run_sql("INSERT INTO audited VALUES (9, 9)").await;
    assert!(!lab.query("SELECT what FROM audit").await.is_empty(), "for others they fire as before");
}

async fn no_action(labs: Factory<'_>) {
    let lab = labs();
    create_orders(&*lab, 7, 0).await;
    let parents = orders(7, 4);
    lab.insert("orders", &parents).await;
    let mut children = Vec::new();
    for action in ["CASCADE", "SET NULL", "RESTRICT", "NO ACTION"] {
        let table = format!("on_{}", action.replace(' ', "_").to_lowercase());
        let key = format!("FOREIGN KEY (o) REFERENCES orders (id) ON DELETE {action}");
        create(&*lab, &format!("CREATE TABLE {table} (id $int PRIMARY KEY, o $int, {key})")).await;
        let rows: Vec<Cells> = parents.iter().map(|parent| vec![parent[0].clone(), parent[0].clone()]).collect();
        lab.insert(&table, &rows).await;
        children.push((table, rows));
    }
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let applied = write_in_place(&store, &task, deletes(&task, &parents[..2])).await;
    assert_eq!(applied.deleted, 2);
    let exchange = deletes(&task, &parents[2..]);
    write(&store, &task, &[(exchange, ApplyMode::Displace)]).await;
    assert!(read(&store, &task).await.is_empty());
    for (table, rows) in children {
        let child = super::rows::task(&store, &table).await;
        assert_eq!(read(&store, &child).await, in_key_order(&child, rows), "{table}");
    }
}

async fn clustered(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::Clustered) else { return };
    lab.run_sql(&ddl).await;
    let row = |code: &str, n| -> Cells { vec![Value::text(code), Value::Int(n)] };
    let old: Vec<Cells> = (0..60).map(|n| row(&format!("c{n:02}"), n)).collect();
    lab.insert("clustered", &old).await;
    let store = lab.open().await;
    let task = task(&store, "clustered").await;
    let new: Vec<Cells> = (20..40).map(|n| row(&format!("c{n:02}"), -n)).collect();
    let fresh = [row("fresh", 1)];
    let exchange = updates(&task, &old[20..40], &new);
    let work = [
        (deletes(&task, &old[..20]), ApplyMode::InPlace),
        (exchange.clone(), ApplyMode::Displace),
        (exchange, ApplyMode::Place),
        (inserts(&task, &fresh), ApplyMode::InPlace),
    ];
    let images: Vec<_> = write(&store, &task, &work).await.into_iter().flat_map(|applied| applied.images).collect();
    assert!(images.iter().all(|image| image.place.is_none()), "there are no row numbers");
    assert_eq!(read(&store, &task).await, in_key_order(&task, [&new[..], &old[40..], &fresh].concat()));
    write(&store, &task, &backwards(&task, &images)).await;
    assert_eq!(read(&store, &task).await, old);
}
