//! Tables without a key: rows that nothing but their cells tells apart.

use std::sync::Arc;

use syncline_core::change::{
    Applied, ApplyMode, ChangeBatch, DeleteBatch, Expectation, PutBatch, RowDigest, TableTask, copies,
};
use syncline_core::store::Store;
use syncline_core::value::Value;

use super::rows::{batch, cells, checkpoint, counts, create, digest, digests, fetch, scan, task, write_in_place};
use super::{Factory, Fixture, Lab, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "copies: digests in their order, each copy by itself", check: |labs| Box::pin(in_order(labs)) },
    Promise { name: "copies: rows are fetched from their places", check: |labs| Box::pin(fetched(labs)) },
    Promise { name: "copies: one is deleted, others like it stay", check: |labs| Box::pin(one_deleted(labs)) },
    Promise { name: "copies: what was written is taken back from its images", check: |labs| Box::pin(backwards(labs)) },
    Promise { name: "copies: a row changed at its place is moved", check: |labs| Box::pin(changed(labs)) },
    Promise { name: "copies: none but the one at its place goes uncounted", check: |labs| Box::pin(gone(labs)) },
    Promise { name: "copies: no more are inserted than are missing", check: |labs| Box::pin(not_twice(labs)) },
    Promise { name: "copies: no more are deleted than are too many", check: |labs| Box::pin(not_too_many(labs)) },
    Promise { name: "copies: orphans are named by their places", check: |labs| Box::pin(orphans(labs)) },
    Promise { name: "copies: it is known whether another has committed", check: |labs| Box::pin(position(labs)) },
];

fn row(n: i64, note: Option<&str>) -> Cells {
    vec![Value::Int(n), note.map_or(Value::Null, Value::text)]
}

/// Three equal rows with NULL, two others alike, and one alone.
fn rows() -> Vec<Cells> {
    let (null, two, one) = (row(1, None), row(1, Some("x")), row(2, Some("x")));
    vec![null.clone(), two.clone(), null.clone(), one, two, null]
}

async fn filled(labs: Factory<'_>) -> (Box<dyn Lab>, Arc<dyn Store>, TableTask) {
    let lab = labs();
    create(&*lab, "CREATE TABLE notes (n $int, note $text)").await;
    lab.insert("notes", &rows()).await;
    let store = lab.open().await;
    let task = task(&store, "notes").await;
    (lab, store, task)
}

/// Keys of all rows like this one.
async fn keys_like(store: &Arc<dyn Store>, task: &TableTask, row: &[Value]) -> Vec<Cells> {
    let all = digests(&mut *store.snapshot().await.unwrap(), task).await;
    all.into_iter().filter(|(_, found)| *found == digest(row)).map(|(key, _)| key).collect()
}

fn delete(keys: &[Cells], expected: RowDigest, left: &[u64]) -> ChangeBatch {
    let keys = batch(copies::WIDTH, keys);
    let expectations = vec![expected; keys.len()];
    ChangeBatch::Delete(DeleteBatch { keys, expectations, left: left.to_vec() })
}

fn insert(rows: &[Cells], expectations: Vec<Expectation>) -> ChangeBatch {
    let keys = rows.iter().map(|row| copies::encode(digest(row), 0)).collect();
    ChangeBatch::Put(PutBatch { rows: batch(2, rows), expectations, places: Vec::new(), keys })
}

/// All rows in any order that is the same every time.
async fn read(store: &Arc<dyn Store>, task: &TableTask) -> Vec<Cells> {
    let mut rows = scan(&mut *store.snapshot().await.unwrap(), task).await;
    rows.sort_by_key(|row| digest(row));
    rows
}

fn sorted(mut rows: Vec<Cells>) -> Vec<Cells> {
    rows.sort_by_key(|row| digest(row));
    rows
}

/// Whether a row keeps its place when it changes, and can be given it again.
fn stays_in_place(lab: &dyn Lab) -> bool {
    lab.sql(Fixture::SeatNumbers).is_some()
}

async fn in_order(labs: Factory<'_>) {
    let (_lab, store, task) = filled(labs).await;
    let mut snapshot = store.snapshot().await.unwrap();
    let all = digests(&mut *snapshot, &task).await;
    let mut expected: Vec<_> = rows().iter().map(|row| digest(row)).collect();
    expected.sort();
    assert_eq!(all.iter().map(|(_, digest)| *digest).collect::<Vec<_>>(), expected);
    assert!(all.is_sorted_by(|a, b| super::rows::compare(&a.0, &b.0).is_lt()), "no key twice, and all in order");
    for (key, digest) in &all {
        assert_eq!(key[0], Value::Bytes(digest.0.to_be_bytes().to_vec()), "a key begins with the digest");
    }
}

async fn fetched(labs: Factory<'_>) {
    let (_lab, store, task) = filled(labs).await;
    let mut snapshot = store.snapshot().await.unwrap();
    let keys: Vec<Cells> = digests(&mut *snapshot, &task).await.into_iter().map(|(key, _)| key).collect();
    let found = fetch(&mut *snapshot, &task, &batch(copies::WIDTH, &keys)).await;
    assert_eq!(found, sorted(rows()));
}

async fn one_deleted(labs: Factory<'_>) {
    let (lab, store, task) = filled(labs).await;
    let keys = keys_like(&store, &task, &row(1, None)).await;
    let applied = write_in_place(&store, &task, delete(&keys[1..2], digest(&row(1, None)), &[])).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((0, 0, 1), 0));
    let left = keys_like(&store, &task, &row(1, None)).await;
    assert_eq!(left.len(), 2);
    if lab.traits().tells_copies_apart {
        assert_eq!(left, [keys[0].clone(), keys[2].clone()]);
    }
    assert_eq!(read(&store, &task).await.len(), rows().len() - 1, "no other row is gone");
    let again = write_in_place(&store, &task, delete(&keys[1..2], digest(&row(2, None)), &[])).await;
    assert_eq!((counts(&again), again.moved.len()), ((0, 0, 0), 0), "nothing is there, and nothing like it");
}

async fn backwards(labs: Factory<'_>) {
    let (lab, store, task) = filled(labs).await;
    let before = digests(&mut *store.snapshot().await.unwrap(), &task).await;
    let new = [row(1, None), row(3, None), row(3, None)];
    let added = write_in_place(&store, &task, insert(&new, vec![Expectation::Absent; 3])).await;
    let keys = keys_like(&store, &task, &row(1, Some("x"))).await;
    let gone = write_in_place(&store, &task, delete(&keys, digest(&row(1, Some("x"))), &[])).await;
    assert_eq!((counts(&added), counts(&gone)), ((3, 0, 0), (0, 0, 2)));
    for image in &added.images {
        let (digest, place) = copies::decode(&image.key).expect("an image has the key of a copy");
        assert_eq!((image.before.is_none(), image.after, image.place), (true, Some(digest), Some(place)));
        let key = vec![Value::Bytes(digest.0.to_be_bytes().to_vec()), Value::Int(place)];
        assert_eq!(write_in_place(&store, &task, delete(&[key], digest, &[])).await.deleted, 1);
    }
    let old = vec![row(1, Some("x")); 2];
    let back = ChangeBatch::Put(PutBatch {
        rows: batch(2, &old),
        expectations: vec![Expectation::Absent; 2],
        places: gone.images.iter().map(|image| image.place).collect(),
        keys: gone.images.iter().map(|image| image.key.clone()).collect(),
    });
    assert_eq!(write_in_place(&store, &task, back.clone()).await.inserted, 2);
    let after = digests(&mut *store.snapshot().await.unwrap(), &task).await;
    if stays_in_place(&*lab) {
        assert_eq!(after, before, "everything is where it was");
        assert_eq!(counts(&write_in_place(&store, &task, back).await), (0, 0, 0), "what is back does not come twice");
    }
    let digests = |rows: &[(Cells, RowDigest)]| rows.iter().map(|(_, digest)| *digest).collect::<Vec<_>>();
    assert_eq!(digests(&after), digests(&before), "everything is back");
}

async fn changed(labs: Factory<'_>) {
    let (lab, store, task) = filled(labs).await;
    let keys = keys_like(&store, &task, &row(2, Some("x"))).await;
    lab.run_sql("UPDATE notes SET note = 'edited' WHERE n = 2").await;
    for left in [&[][..], &[0]] {
        let applied = write_in_place(&store, &task, delete(&keys, digest(&row(2, Some("x"))), left)).await;
        assert_eq!(counts(&applied), (0, 0, 0));
        // Where a change takes a row to another place, nothing is at the old one, and nothing like it elsewhere.
        assert_eq!(applied.moved.len(), usize::from(stays_in_place(&*lab)));
        for moved in &applied.moved {
            assert_eq!(moved.found, Some(super::rows::encoded(&row(2, Some("edited")))));
        }
    }
    assert!(read(&store, &task).await.contains(&row(2, Some("edited"))));
    assert_eq!(read(&store, &task).await.len(), rows().len());
}

async fn gone(labs: Factory<'_>) {
    let (lab, store, task) = filled(labs).await;
    let keys = keys_like(&store, &task, &row(1, None)).await;
    let first = write_in_place(&store, &task, delete(&keys[..1], digest(&row(1, None)), &[])).await;
    let second = write_in_place(&store, &task, delete(&keys[..1], digest(&row(1, None)), &[])).await;
    if lab.traits().tells_copies_apart {
        assert_eq!((first.deleted, second.deleted, second.moved.len()), (1, 0, 1), "another like it is another row");
        return;
    }
    assert_eq!((first.deleted, second.deleted, second.moved.len()), (1, 1, 0), "another like it is no other row");
    let rest = write_in_place(&store, &task, delete(&keys, digest(&row(1, None)), &[])).await;
    assert_eq!((rest.deleted, rest.moved.len()), (1, 0), "no more than there are");
    assert_eq!(read(&store, &task).await.len(), rows().len() - 3, "and none that is not like it");
}

async fn not_twice(labs: Factory<'_>) {
    let (lab, store, task) = filled(labs).await;
    // Decided when there were three: two more are to come, the fourth and the fifth.
    let new = vec![row(1, None); 2];
    lab.insert("notes", &[row(1, None)]).await;
    let expectations = vec![Expectation::Fewer(4), Expectation::Fewer(5)];
    let applied = write_in_place(&store, &task, insert(&new, expectations)).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((1, 0, 0), 0));
    assert_eq!(keys_like(&store, &task, &row(1, None)).await.len(), 5);
}

async fn not_too_many(labs: Factory<'_>) {
    let (_lab, store, task) = filled(labs).await;
    let keys = keys_like(&store, &task, &row(1, None)).await;
    let null = digest(&row(1, None));
    // Decided when there were three and one was to be left; then another deletes the second.
    write_in_place(&store, &task, delete(&keys[1..2], null, &[])).await;
    let applied = write_in_place(&store, &task, delete(&keys[1..], null, &[1, 1])).await;
    assert_eq!((counts(&applied), applied.moved.len()), ((0, 0, 1), 0));
    assert_eq!(keys_like(&store, &task, &row(1, None)).await.len(), 1);
    // A copy that is elsewhere by now will do.
    let twice = keys_like(&store, &task, &row(1, Some("x"))).await;
    write_in_place(&store, &task, delete(&twice[..1], digest(&row(1, Some("x"))), &[])).await;
    let applied = write_in_place(&store, &task, delete(&twice[..1], digest(&row(1, Some("x"))), &[0])).await;
    assert_eq!(counts(&applied), (0, 0, 1));
}

async fn orphans(labs: Factory<'_>) {
    let lab = labs();
    create(&*lab, "CREATE TABLE owners (id $int NOT NULL PRIMARY KEY)").await;
    create(&*lab, "CREATE TABLE pets (owner $int, name $text, FOREIGN KEY (owner) REFERENCES owners (id))").await;
    let lost = row(7, Some("lost"));
    lab.insert("pets", &[row(7, Some("lost")), vec![Value::Null, Value::text("free")], lost.clone()]).await;
    let store = lab.open().await;
    let task = task(&store, "pets").await;
    let keys = keys_like(&store, &task, &lost).await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let reference = &task.table.foreign_keys[0];
    let found = transaction.orphans(&task, reference, None, 10).await.unwrap();
    assert_eq!((found.count, cells(&found.points_at)), (2, vec![vec![Value::Int(7)]; 2]));
    let named = transaction.rows(&task, &found.keys).await.unwrap();
    assert_eq!(cells(&named.rows), vec![lost.clone(), lost]);
    let one = batch(copies::WIDTH, &keys[..1]);
    assert_eq!(transaction.orphans(&task, reference, Some(&one), 10).await.unwrap().count, 1);
}

async fn position(labs: Factory<'_>) {
    let (lab, store, task) = filled(labs).await;
    let seen = store.snapshot().await.unwrap().position().await.unwrap();
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let tells = lab.traits().tells_positions;
    assert!(transaction.is_at(&seen).await.unwrap() || !tells, "nobody has written");
    let own = insert(&[row(9, None)], vec![Expectation::Absent]);
    let applied: Applied = transaction.apply(&task, own, ApplyMode::InPlace).await.unwrap();
    transaction.commit(&checkpoint("suite", 1)).await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    assert_eq!(applied.inserted, 1);
    assert!(transaction.is_at(&seen).await.unwrap() || !tells, "only this writer has written");
    drop(transaction);
    lab.insert("notes", &[row(10, None)]).await;
    let mut transaction = writer.begin().await.unwrap();
    assert!(!transaction.is_at(&seen).await.unwrap(), "another has written");
}
