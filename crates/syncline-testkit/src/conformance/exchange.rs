//! Rows that exchange unique values: they leave the table, then enter it again where they were.

use syncline_core::change::{Applied, ApplyMode, ChangeBatch, TableTask};
use syncline_core::value::{Value, exact};

use super::rows::{
    Work, backwards, counts, create_seats, deletes, digest, in_key_order, inserts, key, moved, put, read, task,
    updates, write,
};
use super::{Factory, Fixture, Lab, Promise};
use crate::fixtures::Cells;

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "exchange: two rows swap a unique value", check: |labs| Box::pin(swap(labs)) },
    Promise { name: "exchange: a hundred rows shift in a circle", check: |labs| Box::pin(circle(labs)) },
    Promise { name: "exchange: over several batches of a transaction", check: |labs| Box::pin(several_batches(labs)) },
    Promise { name: "exchange: a row takes what a deleted one had", check: |labs| Box::pin(after_delete(labs)) },
    Promise { name: "exchange: a moved row is neither displaced nor placed", check: |labs| Box::pin(moved_row(labs)) },
    Promise { name: "exchange: images restore what was", check: |labs| Box::pin(taken_back(labs)) },
    Promise { name: "exchange: dropped halfway, nothing has moved", check: |labs| Box::pin(dropped(labs)) },
];

/// Each row takes the next one's seat, the last one the first's.
fn shifted(rows: &[Cells]) -> Vec<Cells> {
    let mut new = rows.to_vec();
    for (at, row) in new.iter_mut().enumerate() {
        row[1] = rows[(at + 1) % rows.len()][1].clone();
    }
    new
}

/// Both halves: all rows leave, then those that are put enter. What is deleted does not enter again.
fn halves(batches: &[ChangeBatch]) -> Vec<Work> {
    let puts = batches.iter().filter(|batch| matches!(batch, ChangeBatch::Put(_)));
    let displace = batches.iter().map(|batch| (batch.clone(), ApplyMode::Displace));
    displace.chain(puts.map(|batch| (batch.clone(), ApplyMode::Place))).collect()
}

/// The halves taken together: which of them counts a row is the store's own affair, that it counts once is not.
fn total(halves: Vec<Applied>) -> Applied {
    let mut total = Applied::default();
    for half in halves {
        total.inserted += half.inserted;
        total.updated += half.updated;
        total.deleted += half.deleted;
        total.moved.extend(half.moved);
        total.images.extend(half.images);
    }
    total
}

/// Row numbers by code, where the engine has some.
async fn numbers(lab: &dyn Lab) -> Vec<Cells> {
    let Some(query) = lab.sql(Fixture::SeatNumbers) else { return Vec::new() };
    lab.query(&query).await.into_iter().map(|row| row[..2].to_vec()).collect()
}

fn check_updated(applied: &Applied, task: &TableTask, old: &[Cells], new: &[Cells]) {
    assert_eq!(counts(applied), (0, old.len() as u64, 0));
    assert!(applied.moved.is_empty());
    assert_eq!(applied.images.len(), old.len());
    for (old, new) in old.iter().zip(new) {
        let image = super::rows::image(applied, &key(task, old));
        assert_eq!(exact::decode_owned(image.before.as_ref().unwrap()).unwrap(), *old, "before");
        assert_eq!(image.after, Some(digest(new)), "after");
    }
}

/// Shifts the first `count` of 300 seats in batches of `size` and checks rows, counts, images and row numbers.
async fn shift(labs: Factory<'_>, count: usize, size: usize) {
    let lab = labs();
    let old = create_seats(&*lab, 300).await;
    let places = numbers(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let new = shifted(&old[..count]);
    let batches = old[..count].chunks(size).zip(new.chunks(size)).map(|(old, new)| updates(&task, old, new));
    let applied = total(write(&store, &task, &halves(&batches.collect::<Vec<_>>())).await);
    check_updated(&applied, &task, &old[..count], &new);
    let expected = in_key_order(&task, [&new[..], &old[count..]].concat());
    assert_eq!(lab.query("SELECT * FROM seats ORDER BY code").await, expected);
    assert_eq!(numbers(&*lab).await, places, "everyone is where he was");
}

async fn swap(labs: Factory<'_>) {
    shift(labs, 2, 2).await;
}

async fn circle(labs: Factory<'_>) {
    shift(labs, 100, 100).await;
}

async fn several_batches(labs: Factory<'_>) {
    shift(labs, 100, 30).await;
}

async fn after_delete(labs: Factory<'_>) {
    let lab = labs();
    let old = create_seats(&*lab, 20).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let (gone, heir, newcomer) = (&old[..2], &old[2..3], vec![Value::text("new"), old[1][1].clone(), Value::Null]);
    let mut inherits = heir.to_vec();
    inherits[0][1] = old[0][1].clone();
    let update = updates(&task, heir, &inherits);
    let insert = inserts(&task, std::slice::from_ref(&newcomer));
    let work = [
        (deletes(&task, gone), ApplyMode::Displace),
        (update.clone(), ApplyMode::Displace),
        (insert.clone(), ApplyMode::Displace),
        (update, ApplyMode::Place),
        (insert, ApplyMode::Place),
    ];
    let applied = total(write(&store, &task, &work).await);
    assert_eq!((counts(&applied), applied.moved.len(), applied.images.len()), ((1, 1, 2), 0, 4));
    let expected = [&inherits[..], &[newcomer], &old[3..]].concat();
    assert_eq!(read(&store, &task).await, in_key_order(&task, expected));
}

async fn moved_row(labs: Factory<'_>) {
    use syncline_core::change::Expectation::{Absent, Digest};
    let lab = labs();
    let old = create_seats(&*lab, 30).await;
    let places = numbers(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    // Rows 0 and 1 swap. Row 2 was edited by another program, row 3 deleted, row 4 is not absent.
    let mut new = shifted(&old[..2]);
    new.extend(old[2..5].iter().map(|row| vec![row[0].clone(), row[1].clone(), Value::text("must not be written")]));
    let expectations = old[..4].iter().map(|row| Digest(digest(row))).chain([Absent]).collect();
    let text = |value: &Value| match value {
        Value::Text(bytes) => String::from_utf8(bytes.clone()).unwrap(),
        other => panic!("a code is a text, not {other:?}"),
    };
    let (edited, deleted) = (text(&old[2][0]), text(&old[3][0]));
    lab.run_sql(&format!("UPDATE seats SET note = 'theirs' WHERE code = '{edited}'")).await;
    lab.run_sql(&format!("DELETE FROM seats WHERE code = '{deleted}'")).await;
    let applied = total(write(&store, &task, &halves(&[put(&task, &new, expectations)])).await);
    assert_eq!((counts(&applied), applied.images.len()), ((0, 2, 0), 2));
    assert_eq!(moved(&applied), old[2..5].iter().map(|row| key(&task, row)).collect());
    let mut theirs = old[2].clone();
    theirs[2] = Value::text("theirs");
    let expected = [&new[..2], &[theirs], &old[4..]].concat();
    assert_eq!(read(&store, &task).await, in_key_order(&task, expected));
    let stay: Vec<Cells> = places.into_iter().filter(|row| row[1] != old[3][0]).collect();
    assert_eq!(numbers(&*lab).await, stay);
}

async fn taken_back(labs: Factory<'_>) {
    let lab = labs();
    let old = create_seats(&*lab, 50).await;
    let places = numbers(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let new = shifted(&old[..10]);
    let work = [
        (deletes(&task, &old[10..20]), ApplyMode::Displace),
        (updates(&task, &old[..10], &new), ApplyMode::Displace),
        (updates(&task, &old[..10], &new), ApplyMode::Place),
    ];
    let applied = total(write(&store, &task, &work).await);
    assert_eq!(counts(&applied), (0, 10, 10));
    let batches: Vec<_> = backwards(&task, &applied.images).into_iter().map(|(batch, _)| batch).collect();
    let back = total(write(&store, &task, &halves(&batches)).await);
    assert_eq!((counts(&back), back.moved.len()), ((10, 10, 0), 0));
    assert_eq!(read(&store, &task).await, in_key_order(&task, old));
    assert_eq!(numbers(&*lab).await, places, "everyone is where he was");
}

async fn dropped(labs: Factory<'_>) {
    let lab = labs();
    let old = create_seats(&*lab, 50).await;
    let places = numbers(&*lab).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let work = updates(&task, &old, &shifted(&old));
    transaction.apply(&task, work.clone(), ApplyMode::Displace).await.unwrap();
    drop(transaction);
    drop(writer.begin().await.unwrap());
    assert_eq!(read(&store, &task).await, in_key_order(&task, old));
    assert_eq!(numbers(&*lab).await, places);
}
