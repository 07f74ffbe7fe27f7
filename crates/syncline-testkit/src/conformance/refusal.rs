//! What the database itself refuses is left as it was and named; its neighbours are written.

use syncline_core::change::{Applied, ApplyMode, ChangeBatch, Reason, TableTask};
use syncline_core::value::{Value, exact};

use super::rows::{
    batch, checkpoint, create_orders, create_seats, deletes, in_key_order, inserts, key, keys, read, task, updates,
};
use super::{Factory, Fixture, Lab, Promise};
use crate::deterministic::Numbers;
use crate::fixtures::{Cells, order};

pub(super) const PROMISES: &[Promise] = &[
    Promise { name: "refusal: rows against NOT NULL and CHECK are left out", check: |labs| Box::pin(rows(labs)) },
    Promise { name: "refusal: a unique value taken leaves its row out", check: |labs| Box::pin(clash(labs)) },
    Promise {
        name: "refusal: a key that is another to us and the same to the engine leaves its row out",
        check: |labs| Box::pin(folded(labs)),
    },
    Promise { name: "refusal: an exchange done in place is a clash", check: |labs| Box::pin(exchange(labs)) },
    Promise { name: "refusal: a rule of the table is no fault of a value", check: |labs| Box::pin(asked(labs)) },
    Promise { name: "refusal: rows are read as the transaction sees them", check: |labs| Box::pin(seen(labs)) },
];

/// Applies a batch of which some rows are to be refused, commits, and checks that exactly those are missing: each is
/// named with its reason, its values and what was found in its place.
async fn refused(
    lab: &dyn Lab,
    task: &TableTask,
    work: ChangeBatch,
    bad: &[(&Cells, Option<&Cells>, Reason)],
) -> Applied {
    let store = lab.open().await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(task, work, ApplyMode::InPlace).await.unwrap();
    assert!(applied.moved.is_empty());
    assert_eq!(applied.images.len() as u64, applied.written(), "an image for each row written, for no other");
    let whole = |row: &Cells| exact::encode_row(row.iter().map(Value::as_ref));
    let found: Vec<_> =
        applied.refused.iter().map(|it| (&it.key, it.reason, it.row.clone(), it.found.clone())).collect();
    let named: Vec<_> = bad.iter().map(|(row, ..)| key(task, row)).collect();
    let expected: Vec<_> = bad
        .iter()
        .zip(&named)
        .map(|((row, found, reason), key)| (key, *reason, Some(whole(row)), found.map(whole)))
        .collect();
    assert!(found == expected, "{} refused, {} expected", found.len(), expected.len());
    assert!(applied.refused.iter().all(|refusal| !refusal.words.is_empty()), "in the database's own words");
    transaction.commit(&checkpoint("refused", 1)).await.unwrap();
    writer.forget("refused").await.unwrap();
    applied
}

async fn rows(labs: Factory<'_>) {
    for (column, value, reason) in
        [(3, Value::Int(0), Reason::Check), (3, Value::Null, Reason::NotNull), (1, Value::Null, Reason::NotNull)]
    {
        let lab = labs();
        let there = create_orders(&*lab, 7, 50).await;
        let store = lab.open().await;
        let task = task(&store, "orders").await;
        let there = in_key_order(&task, there);
        let mut new: Vec<Cells> = (2_000..2_100).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
        new[70][column] = value.clone();
        let applied = refused(&*lab, &task, inserts(&task, &new), &[(&new[70], None, reason)]).await;
        assert_eq!(applied.inserted, 99);
        let mut changed = there.clone();
        changed.iter_mut().zip(0..).for_each(|(row, n)| row[1] = Value::text(format!("changed {n}")));
        changed[40][column] = value;
        let bad = [(&changed[40], Some(&there[40]), reason)];
        let applied = refused(&*lab, &task, updates(&task, &there, &changed), &bad).await;
        assert_eq!(applied.updated, 49);
        changed[40] = there[40].clone();
        new.remove(70);
        assert!(read(&store, &task).await == in_key_order(&task, [changed, new].concat()));
    }
}

async fn clash(labs: Factory<'_>) {
    let lab = labs();
    let there = create_seats(&*lab, 50).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let guest = |name: &str, seat: &Value| -> Cells { vec![Value::text(name), seat.clone(), Value::Null] };
    // Row 0 keeps its seat, so whoever wants it cannot have it.
    let taken = &there[0][1];
    let new = in_key_order(&task, vec![guest("fine", &Value::Int(-2)), guest("late", taken)]);
    let late = new.iter().find(|row| row[1] == *taken).unwrap();
    let applied = refused(&*lab, &task, inserts(&task, &new), &[(late, None, Reason::Unique)]).await;
    assert_eq!(applied.inserted, 1);
    let mut moving = there[5].clone();
    moving[1] = taken.clone();
    let bad = [(&moving, Some(&there[5]), Reason::Unique)];
    refused(&*lab, &task, updates(&task, &there[5..6], std::slice::from_ref(&moving)), &bad).await;
    let fine = new.iter().filter(|row| row[1] != *taken).cloned().collect();
    assert!(read(&store, &task).await == in_key_order(&task, [there, fine].concat()));
}

/// Whether the other row was there before or comes in the same batch: what is said of it is the same.
async fn folded(labs: Factory<'_>) {
    let lab = labs();
    let Some(ddl) = lab.sql(Fixture::OtherCollation) else { return };
    lab.run_sql(&ddl).await;
    let row = |label: &str, n: i64| -> Cells { vec![Value::text(label), Value::Int(n)] };
    lab.insert("labels", &[row("Anna", 1)]).await;
    let store = lab.open().await;
    let task = task(&store, "labels").await;
    let new = [row("ANNA", 2), row("Bert", 3), row("bert", 4)];
    let bad = [(&new[0], None, Reason::Unique), (&new[2], None, Reason::Unique)];
    let applied = refused(&*lab, &task, inserts(&task, &new), &bad).await;
    assert_eq!(applied.inserted, 1);
    let again = [new[0].clone(), new[2].clone()];
    refused(&*lab, &task, inserts(&task, &again), &bad).await;
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let rivals = transaction.rivals(&task, &batch(2, &again)).await.unwrap();
    assert_eq!(rivals, [vec![key(&task, &row("Anna", 1))], vec![key(&task, &new[1])]]);
    assert!(transaction.rows(&task, &keys(&task, &again)).await.unwrap().rows.is_empty(), "those are no such rows");
    let gone = transaction.apply(&task, deletes(&task, &[row("anna", 1)]), ApplyMode::InPlace).await.unwrap();
    assert_eq!((gone.deleted, gone.images.len()), (0, 0), "nor is this one to be deleted");
    drop(transaction);
    drop(writer);
    let there = in_key_order(&task, vec![row("Anna", 1), new[1].clone()]);
    assert_eq!(read(&store, &task).await, there);
}

async fn exchange(labs: Factory<'_>) {
    let lab = labs();
    let there = create_seats(&*lab, 20).await;
    let store = lab.open().await;
    let task = task(&store, "seats").await;
    let there = in_key_order(&task, there);
    let mut swapped = there[..2].to_vec();
    swapped[0][1] = there[1][1].clone();
    swapped[1][1] = there[0][1].clone();
    let bad = [(&swapped[0], Some(&there[0]), Reason::Unique), (&swapped[1], Some(&there[1]), Reason::Unique)];
    refused(&*lab, &task, updates(&task, &there[..2], &swapped), &bad).await;
    assert!(read(&store, &task).await == there);
}

/// Whoever asks which values are at fault hears nothing of what depends on the table, and has changed nothing.
async fn asked(labs: Factory<'_>) {
    let lab = labs();
    let there = create_orders(&*lab, 7, 50).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let mut rows: Vec<Cells> = (2_000..2_010).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
    (rows[3][3], rows[4][3], rows[5][1]) = (Value::Int(0), Value::Null, Value::Null);
    rows[6] = there[0].clone();
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let columns: Vec<usize> = (0..task.columns.len()).collect();
    let found = transaction.misfits(&task, &columns, &batch(task.columns.len(), &rows)).await.unwrap();
    assert!(found.is_empty(), "{found:?}");
    let applied = transaction.apply(&task, inserts(&task, &rows[..3]), ApplyMode::InPlace).await.unwrap();
    assert_eq!((applied.inserted, applied.refused.len()), (3, 0), "the transaction goes on");
    transaction.commit(&checkpoint("asked", 1)).await.unwrap();
    writer.forget("asked").await.unwrap();
    assert!(read(&store, &task).await == in_key_order(&task, [there, rows[..3].to_vec()].concat()));
}

async fn seen(labs: Factory<'_>) {
    let lab = labs();
    let there = create_orders(&*lab, 7, 50).await;
    let store = lab.open().await;
    let task = task(&store, "orders").await;
    let new: Vec<Cells> = (2_000..2_010).map(|id| order(id, &mut Numbers::new(id as u64))).collect();
    let mut writer = store.writer().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&task, inserts(&task, &new), ApplyMode::InPlace).await.unwrap();
    let gone = order(9_999, &mut Numbers::new(1));
    let asked = in_key_order(&task, [&there[..3], &[gone], &new[..2]].concat());
    let found = transaction.rows(&task, &keys(&task, &asked)).await.unwrap();
    let expected = in_key_order(&task, [&there[..3], &new[..2]].concat());
    assert!(super::rows::cells(&found.rows) == expected);
    assert_eq!(found.keys, asked.len());
    assert!(transaction.rows(&task, &batch(1, &[])).await.unwrap().rows.is_empty());
}
