//! Rows without a key, which are written by what is in them.

use syncline_core::change::{ApplyMode, ChangeBatch, DeleteBatch, Expectation, Mapped, PutBatch, TableTask, copies};
use syncline_core::value::{Value, exact};

use super::{Desk, apply, batch, checkpoint, digest, int, text};

/// That rows go, one of each that is named here; `left` says how many must be left, where they are counted.
fn deletes(rows: &[Vec<Value>], left: &[u64]) -> ChangeBatch {
    let keys: Vec<_> = (1..).zip(rows).map(|(place, row)| key(row, place)).collect();
    let expectations = rows.iter().map(|row| digest(row)).collect();
    ChangeBatch::Delete(DeleteBatch { keys: batch(copies::WIDTH, &keys), expectations, left: left.to_vec() })
}

fn key(row: &[Value], place: i64) -> Vec<Value> {
    vec![Value::Bytes(digest(row).0.to_be_bytes().to_vec()), int(place)]
}

fn inserts(rows: &[Vec<Value>]) -> ChangeBatch {
    let keys = rows.iter().map(|row| copies::encode(digest(row), 0)).collect();
    let expectations = vec![Expectation::Absent; rows.len()];
    ChangeBatch::Put(PutBatch { rows: batch(rows[0].len(), rows), expectations, places: Vec::new(), keys })
}

/// More than one statement looks for at once, of a table with an index that has its columns in another order.
#[tokio::test]
async fn many_go_and_their_neighbours_stay() {
    let desk = Desk::new(
        "CREATE TABLE t (n int, s varchar(20) COLLATE utf8mb4_general_ci, KEY (s, n));
         INSERT INTO t SELECT seq % 1500, if(seq % 2, 'a', 'A') FROM seq_1_to_4500; DELETE FROM t WHERE n = 7",
    )
    .await;
    let task = desk.task("t").await;
    let rows: Vec<_> = (0..1_000).map(|n| vec![int(n), text(if n % 2 == 1 { "a" } else { "A" })]).collect();
    let other_case = vec![int(1_200), text("a")];
    let all: Vec<_> = rows.iter().cloned().chain([other_case]).collect();
    let applied = apply(&desk, &task, deletes(&all, &[])).await;
    assert_eq!(
        (applied.deleted, applied.moved.len()),
        (999, 0),
        "neither one that is not there nor one that is like it"
    );
    assert_eq!(desk.shown("SELECT count(*), count(DISTINCT n, s) FROM t WHERE n < 1000"), "1998\t999");
    assert_eq!(desk.shown("SELECT count(*) FROM t WHERE n >= 1000"), "1500");
    let before = applied.images[0].before.as_ref().unwrap();
    assert_eq!(exact::decode_owned(before).unwrap(), rows[0]);
    let counted = apply(&desk, &task, deletes(&[rows[1].clone(), rows[1].clone()], &[1, 1])).await;
    assert_eq!(counted.deleted, 1);
}

/// Two that the server takes for equal are two rows.
#[tokio::test]
async fn cells_of_every_kind_are_told_apart() {
    let desk = Desk::new(
        "CREATE TABLE t (s char(9) CHARACTER SET latin1, d datetime(3), f float, b bit(3), g point, y year, j json);
         INSERT INTO t VALUES ('a', '2024-01-01 00:00:00.125', 0.1, b'101', point(1, 2), 0, '[1]'),
         ('A', '2024-01-01 00:00:00.125', 0.1, b'101', point(1, 2), 0, '[1]'),
         ('a', '2024-01-01 00:00:00.125', 0.1, b'101', point(1, 3), 0, '[1]'),
         ('a', '2024-01-01 00:00:00.125', 0.1, b'101', point(1, 2), 0, '[1] '), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    .await;
    let task = desk.task("t").await;
    let rows = super::super::desk::scan(&mut desk.store.view().await.unwrap(), &task).await;
    for (count, row) in (0..5).rev().zip(rows) {
        let applied = apply(&desk, &task, deletes(&[row.clone(), row], &[])).await;
        assert_eq!(applied.deleted, 1);
        assert_eq!(desk.shown("SELECT count(*) FROM t"), count.to_string());
    }
}

/// What is not carried makes rows that are copies of each other different ones to take back.
#[tokio::test]
async fn what_is_taken_out_again_is_what_was_put() {
    let desk =
        Desk::new("CREATE TABLE t (n int, kept varchar(9) DEFAULT 'new'); INSERT INTO t VALUES (1, 'old')").await;
    let task = TableTask { columns: vec![0], ..desk.task("t").await };
    let task = TableTask { mapped: Mapped { kept: vec![1], ..Mapped::default() }, ..task };
    let (writer, row) = (&mut desk.writer().await, vec![int(1)]);
    let mut transaction = writer.begin().await.unwrap();
    let put = transaction.apply(&task, inserts(&[row.clone(), row.clone()]), ApplyMode::InPlace).await.unwrap();
    let whole = digest(&[int(1), text("new")]);
    assert_eq!(put.images.iter().map(|image| image.after).collect::<Vec<_>>(), [Some(whole); 2]);
    assert_ne!(put.images[0].key, put.images[1].key);
    let places = put.images.iter().map(|image| image.place.unwrap());
    let keys: Vec<_> = places.map(|place| key(&row, place)).collect();
    let seen = transaction.rows(&task, &batch(copies::WIDTH, &keys)).await.unwrap();
    assert_eq!((seen.rows.len(), seen.keys), (2, 2));
    let gone = transaction.apply(&task, deletes(&[row.clone(), row], &[]), ApplyMode::InPlace).await.unwrap();
    assert_eq!(gone.deleted, 2);
    transaction.commit(&checkpoint(1)).await.unwrap();
    assert_eq!(desk.shown("SELECT n, kept FROM t"), "1\told");
}

/// The application's own trigger has a say, and only in its row.
#[tokio::test]
async fn a_row_that_is_not_let_go_is_refused_alone() {
    let desk = Desk::new(
        "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2), (3), (4);
         CREATE TABLE gone (n int, CONSTRAINT two_stays CHECK (n <> 2));
         CREATE TRIGGER keeps BEFORE DELETE ON t FOR EACH ROW INSERT INTO gone VALUES (old.n)",
    )
    .await;
    let task = desk.task("t").await;
    let applied = apply(&desk, &task, deletes(&[1, 2, 3].map(|n| vec![int(n)]), &[])).await;
    assert_eq!((applied.deleted, applied.refused.len()), (2, 1), "{applied:?}");
    assert!(applied.refused[0].words.contains("two_stays"), "{applied:?}");
    assert_eq!(desk.shown("SELECT n FROM t ORDER BY n"), "2\n4");
}
