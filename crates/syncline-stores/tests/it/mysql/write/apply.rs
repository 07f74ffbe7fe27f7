//! Conditional changes: what stands in the places of rows, by the server's equality and by ours.

use syncline_core::change::{ApplyMode, Mapped, Reason};
use syncline_core::value::{RowBatch, Value, exact};

use super::{Desk, apply, batch, checkpoint, deletes, inserts, int, put, text, updates};

#[tokio::test]
async fn rows_come_change_and_go() {
    let desk =
        Desk::new("CREATE TABLE t (id int PRIMARY KEY, name varchar(20), d decimal(6,2), c char(5), at datetime(3))")
            .await;
    let task = desk.task("t").await;
    let row = |id, name: &str, d: &str| {
        vec![int(id), text(name), Value::Decimal(d.to_owned()), text("ab"), Value::Timestamp(1_000)]
    };
    let (old, new) = (row(1, "a", "1.50"), row(1, "b", "2.5"));
    let applied = apply(&desk, &task, inserts(&[old.clone(), row(2, "x", "3")])).await;
    assert_eq!((applied.inserted, applied.images.len()), (2, 2));
    let applied = apply(&desk, &task, updates(std::slice::from_ref(&old), &[new])).await;
    assert_eq!(applied.updated, 1, "{applied:?}");
    let stored = row(1, "b", "2.50");
    // The image is of what the server has made of it.
    assert_eq!(applied.images[0].after, Some(super::digest(&stored)));
    assert_eq!(exact::decode_owned(applied.images[0].before.as_ref().unwrap()).unwrap(), old);
    let gone = apply(&desk, &task, deletes(&[stored, row(2, "other", "3.00"), row(9, "x", "1")])).await;
    assert_eq!((gone.deleted, gone.moved.len()), (1, 1));
    assert_eq!(desk.shown("SELECT id FROM t"), "2");
}

#[tokio::test]
async fn keys_are_told_apart_by_their_bytes() {
    let desk = Desk::new(
        "CREATE TABLE t (k varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n int);
         INSERT INTO t VALUES ('Anna', 1), ('pad', 2)",
    )
    .await;
    let task = desk.task("t").await;
    let row = |k: &str, n| vec![text(k), int(n)];
    let applied =
        apply(&desk, &task, updates(&[row("ANNA", 1), row("Anna", 1)], &[row("ANNA", 8), row("Anna", 9)])).await;
    assert_eq!((applied.updated, applied.moved.len()), (1, 1), "{applied:?}");
    let applied = apply(&desk, &task, inserts(&[row("anna", 3), row("pad ", 4), row("new", 5)])).await;
    assert_eq!(applied.inserted, 1);
    let reasons: Vec<_> = applied.refused.iter().map(|refusal| (refusal.reason, refusal.found.is_none())).collect();
    assert_eq!(reasons, [(Reason::Unique, true); 2], "{applied:?}");
    let applied = apply(&desk, &task, deletes(&[row("ANNA", 9), row("pad", 2)])).await;
    assert_eq!((applied.deleted, applied.moved.len()), (1, 0));
    assert_eq!(desk.shown("SELECT k, n FROM t ORDER BY k"), "Anna\t9\nnew\t5");
}

/// What the server computes or sets by itself is not ours to write, and stays.
#[tokio::test]
async fn columns_that_are_not_carried_stay_what_they_are() {
    let desk = Desk::new(
        "CREATE TABLE t (id int PRIMARY KEY, n int, twice int AS (n * 2) STORED, kept varchar(9) DEFAULT 'd',
             at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6));
         INSERT INTO t (id, n, kept, at) VALUES (1, 5, 'theirs', '2001-02-03 04:05:06.789')",
    )
    .await;
    let mut task = desk.task("t").await;
    task.columns = vec![0, 1];
    task.mapped = Mapped { kept: vec![3, 4], ..Mapped::default() };
    let row = |id, n| vec![int(id), int(n)];
    let applied = apply(&desk, &task, updates(&[row(1, 5)], &[row(1, 6)])).await;
    assert_eq!(applied.updated, 1);
    assert_eq!(desk.shown("SELECT n, twice, kept, at FROM t"), "6\t12\ttheirs\t2001-02-03 04:05:06.789000");
    let applied = apply(&desk, &task, inserts(&[row(2, 7)])).await;
    assert_eq!((applied.inserted, applied.images[0].before.is_none()), (1, true));
    assert_eq!(desk.shown("SELECT twice, kept FROM t WHERE id = 2"), "14\td");
}

#[tokio::test]
async fn rows_exchange_unique_values_and_keep_what_is_not_carried() {
    let desk = Desk::new(
        "CREATE TABLE t (k varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY, seat int UNIQUE, kept varchar(9));
         INSERT INTO t VALUES ('Anna', 1, 'a'), ('Bert', 2, 'b'), ('Carl', 3, 'c')",
    )
    .await;
    let mut task = desk.task("t").await;
    task.columns = vec![0, 1];
    task.mapped = Mapped { kept: vec![2], ..Mapped::default() };
    let row = |k: &str, seat| vec![text(k), int(seat)];
    let old = [row("Anna", 1), row("Bert", 2), row("CARL", 3)];
    let new = [row("Anna", 2), row("Bert", 1), row("CARL", 4)];
    let clash = apply(&desk, &task, updates(&old[..2], &new[..2])).await;
    assert_eq!(clash.refused.iter().map(|refusal| refusal.reason).collect::<Vec<_>>(), [Reason::Unique; 2]);
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let work = updates(&old, &new);
    let first = transaction.apply(&task, work.clone(), ApplyMode::Displace).await.unwrap();
    let second = transaction.apply(&task, work, ApplyMode::Place).await.unwrap();
    assert_eq!((first.images.len(), first.moved.len(), second.updated, second.images.len()), (2, 1, 2, 0));
    transaction.commit(&checkpoint(1)).await.unwrap();
    writer.forget("run").await.unwrap();
    assert_eq!(desk.shown("SELECT * FROM t ORDER BY k"), "Anna\t2\ta\nBert\t1\tb\nCarl\t3\tc");
}

/// The session has to be at work while this thread waits for the other program.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_not_there_is_not_added_by_others_until_the_end() {
    let desk = Desk::new("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (100, 1)").await;
    let task = desk.task("t").await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let seen = transaction.rows(&task, &batch(1, &[vec![int(1)], vec![int(50)]])).await.unwrap();
    assert_eq!((seen.rows.len(), seen.keys), (1, 2));
    let theirs = desk.database.try_mariadb("SET innodb_lock_wait_timeout = 1; INSERT INTO t VALUES (50, 9)");
    assert!(theirs.stderr.contains("1205"), "{theirs:?}");
    let theirs = desk.database.try_mariadb("SET innodb_lock_wait_timeout = 1; UPDATE t SET n = 2 WHERE id = 1");
    assert!(theirs.stderr.contains("1205"), "{theirs:?}");
    drop(transaction);
    drop(writer);
    desk.database.mariadb("INSERT INTO t VALUES (50, 9)");
}

/// A batch of large rows comes back in parts, each of which fits.
#[tokio::test]
async fn what_comes_back_is_no_larger_than_a_batch() {
    let desk = Desk::new("CREATE TABLE t (id int PRIMARY KEY, b longblob)").await;
    let task = desk.task("t").await;
    let rows: Vec<_> = (0..6).map(|id| vec![int(id), Value::Bytes(vec![id as u8; 1_500_000])]).collect();
    let applied = apply(&desk, &task, inserts(&rows)).await;
    assert_eq!((applied.inserted, applied.rest.is_none()), (6, true));
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let (mut rest, mut deleted, mut parts) = (Some(deletes(&rows)), 0, 0);
    while let Some(batch) = rest {
        let applied = transaction.apply(&task, batch, ApplyMode::InPlace).await.unwrap();
        (deleted, parts, rest) = (deleted + applied.deleted, parts + 1, applied.rest);
    }
    assert_eq!((deleted, parts), (6, 3));
}

/// Only what a rival has that would stay is told, by every unique index, of columns that are computed and of prefixes too.
#[tokio::test]
async fn rivals_are_found_by_every_index() {
    let desk = Desk::new(
        "CREATE TABLE t (id int PRIMARY KEY, a int, folded varchar(20) AS (lower(name)) STORED UNIQUE,
             name varchar(20) NOT NULL CHECK (name <> 'bad'), kept int UNIQUE, UNIQUE (a), UNIQUE (name(2)));
         INSERT INTO t (id, a, name, kept) VALUES (1, 10, 'Anna', 1), (2, 20, 'Bert', 2), (3, 30, 'bad2', 3)",
    )
    .await;
    let mut task = desk.task("t").await;
    task.columns = vec![0, 1, 3];
    task.mapped = Mapped { kept: vec![4], ..Mapped::default() };
    let row = |id, a, name: &str| vec![int(id), int(a), text(name)];
    let asked = [row(9, 10, "zzz"), row(8, 99, "ANNA"), row(7, 98, "Beta"), row(6, 10, "bad"), row(2, 30, "Bert")];
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let rivals = transaction.rivals(&task, &batch(3, &asked)).await.unwrap();
    let key = |id| exact::encode_row([Value::Int(id).as_ref()]);
    assert_eq!(rivals, [vec![key(1)], vec![key(1)], vec![key(2)], vec![], vec![key(3)]]);
}

#[tokio::test]
async fn orphans_are_seen_as_they_are_and_their_parents_stay() {
    let desk = Desk::new(
        "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1), (2);
         CREATE TABLE c (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)",
    )
    .await;
    let task = desk.task("c").await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let rows = [vec![int(1), int(1)], vec![int(2), int(7)], vec![int(3), Value::Null]];
    transaction.apply(&task, inserts(&rows), ApplyMode::InPlace).await.unwrap();
    let key = &task.table.foreign_keys[0];
    for keys in [None, Some(batch(1, &[vec![int(1)], vec![int(2)], vec![int(3)]]))] {
        let orphans = transaction.orphans(&task, key, keys.as_ref(), 5).await.unwrap();
        assert_eq!(orphans.count, 1);
        assert_eq!(orphans.points_at.row(0).get(0), Value::Int(7).as_ref());
    }
    let none = transaction.orphans(&task, key, Some(&RowBatch::new(1)), 5).await.unwrap();
    assert_eq!(none.count, 0);
    let theirs = desk.database.try_mariadb("SET innodb_lock_wait_timeout = 1; DELETE FROM p WHERE id = 1");
    assert!(theirs.stderr.contains("1205"), "{theirs:?}");
}

#[tokio::test]
async fn an_update_of_a_key_that_is_written_otherwise_is_no_other_row() {
    let desk = Desk::new("CREATE TABLE t (k char(5) PRIMARY KEY, n int); INSERT INTO t VALUES ('a', 1)").await;
    let task = desk.task("t").await;
    let work = put(
        &[vec![text("a"), int(2)]],
        vec![syncline_core::change::Expectation::Digest(super::digest(&[text("a"), int(1)]))],
    );
    let applied = apply(&desk, &task, work).await;
    assert_eq!(applied.updated, 1, "{applied:?}");
    assert_eq!(desk.shown("SELECT * FROM t"), "a\t2");
}
