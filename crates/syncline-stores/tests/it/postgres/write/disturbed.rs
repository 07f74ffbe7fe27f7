//! Others who write at the same time, and connections that end.

use std::time::{Duration, Instant};

use futures_util::future;
use syncline_core::change::ApplyMode;
use syncline_core::error::Code;
use syncline_core::value::Value;
use tokio_postgres::{Client, NoTls};

use super::{Desk, INT, TEXT, batch, commit, deletes, inserts, ints, task, updates, write};

const TABLE: &str =
    "CREATE TABLE t (id int8 PRIMARY KEY, n int8); INSERT INTO t SELECT id, id FROM generate_series(1, 9) AS id";

fn columns() -> [(&'static str, syncline_core::value::Kind); 2] {
    [("id", INT), ("n", INT)]
}

async fn other_program(desk: &Desk) -> Client {
    let (client, connection) = tokio_postgres::connect(&desk.database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Waits until somebody waits for a lock in this database.
async fn until_one_waits(desk: &Desk) {
    let until = Instant::now() + Duration::from_secs(20);
    let query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while desk.shown(query) == "0" {
        assert!(Instant::now() < until, "nobody waits");
        // Whoever is to wait may be a part of the same task.
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_changes_while_it_is_waited_for_is_moved() {
    let desk = Desk::new(TABLE).await;
    let (task, other) = (task("t", &columns()), other_program(&desk).await);
    other.batch_execute("BEGIN; UPDATE t SET n = 100 WHERE id = 2; DELETE FROM t WHERE id = 3").await.unwrap();
    other.batch_execute("INSERT INTO t VALUES (10, 100), (11, 11)").await.unwrap();
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let old = ints([[1, 1], [2, 2], [3, 3], [4, 4]]);
    let new = ints([[1, -1], [2, -2], [3, -3], [4, -4]]);
    let changes = transaction.apply(&task, updates(&old, &new), ApplyMode::InPlace);
    let (applied, ()) = future::join(changes, async {
        until_one_waits(&desk).await;
        other.batch_execute("COMMIT").await.unwrap();
    })
    .await;
    let applied = applied.unwrap();
    assert_eq!((applied.updated, applied.moved.len()), (2, 2));
    assert_eq!((applied.moved[0].found.is_some(), applied.moved[1].found.is_some()), (true, false));
    // By now they are seen: one is another row, one is as it is to be.
    let applied =
        transaction.apply(&task, inserts(&ints([[10, 1], [11, 11], [12, 12]])), ApplyMode::InPlace).await.unwrap();
    assert_eq!((applied.inserted, applied.moved.len(), applied.refused.len()), (1, 1, 0));
    commit(transaction).await.unwrap();
    assert_eq!(desk.shown("SELECT string_agg(n::text, ',' ORDER BY id) FROM t"), "-1,100,-4,5,6,7,8,9,100,11,12");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_appears_while_it_is_inserted_is_moved() {
    let desk = Desk::new(TABLE).await;
    let (task, other) = (task("t", &columns()), other_program(&desk).await);
    other.batch_execute("BEGIN; INSERT INTO t VALUES (10, 100), (11, 11)").await.unwrap();
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let changes = transaction.apply(&task, inserts(&ints([[10, 1], [11, 11], [12, 12]])), ApplyMode::InPlace);
    let (applied, ()) = future::join(changes, async {
        until_one_waits(&desk).await;
        other.batch_execute("COMMIT").await.unwrap();
    })
    .await;
    let applied = applied.unwrap();
    assert_eq!((applied.inserted, applied.moved.len(), applied.refused.len()), (1, 1, 0));
    assert!(applied.moved[0].found.is_some());
    commit(transaction).await.unwrap();
    assert_eq!(desk.shown("SELECT string_agg(n::text, ',' ORDER BY id) FROM t WHERE id > 9"), "100,11,12");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_a_parent_away_from_under_its_child() {
    let desk = Desk::new(
        "CREATE TABLE p (id int8 PRIMARY KEY); INSERT INTO p VALUES (1), (2); \
         CREATE TABLE c (id int8 PRIMARY KEY, p int8 REFERENCES p (id))",
    )
    .await;
    let (mut child, other) = (task("c", &[("id", INT), ("p", INT)]), other_program(&desk).await);
    let reference = super::reference("p");
    std::sync::Arc::make_mut(&mut child.table).foreign_keys = vec![reference.clone()];
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&child, inserts(&ints([[7, 1], [8, 3]])), ApplyMode::InPlace).await.unwrap();
    let keys = batch(1, &[vec![Value::Int(7)], vec![Value::Int(8)]]);
    let orphans = transaction.orphans(&child, &reference, Some(&keys), 9).await.unwrap();
    assert_eq!(orphans.count, 1, "the row with a parent that is not there");
    let gone = transaction.apply(&child, deletes(&ints([[8, 3]])), ApplyMode::InPlace).await.unwrap();
    assert_eq!(gone.deleted, 1);
    let (committed, deleted) = future::join(
        async {
            until_one_waits(&desk).await;
            commit(transaction).await
        },
        other.execute("DELETE FROM p WHERE id = 1", &[]),
    )
    .await;
    committed.unwrap();
    assert!(deleted.is_err(), "the parent is referenced by now");
    assert_eq!(desk.shown("SELECT id, p FROM c"), "7|1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_undoes_the_batch_and_can_be_tried_again() {
    let desk = Desk::new(TABLE).await;
    let (task, other) = (task("t", &columns()), other_program(&desk).await);
    // The other looks for deadlocks late, so that it is we who lose.
    other.batch_execute("SET deadlock_timeout = '20s'; BEGIN; UPDATE t SET n = 100 WHERE id = 2").await.unwrap();
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let (old, new) = (ints([[1, 1]]), ints([[1, -1]]));
    transaction.apply(&task, updates(&old, &new), ApplyMode::InPlace).await.unwrap();
    let waits = other.batch_execute("UPDATE t SET n = 100 WHERE id = 1; COMMIT");
    let ours = async {
        until_one_waits(&desk).await;
        let error = transaction.apply(&task, updates(&ints([[2, 2]]), &ints([[2, -2]])), ApplyMode::InPlace).await;
        drop(transaction);
        error.unwrap_err()
    };
    let (theirs, error) = future::join(waits, ours).await;
    theirs.unwrap();
    assert_eq!(error.code(), Code::StoreLocked, "{error:?}");
    assert!(error.why().is_some_and(|why| why.contains("deadlock")), "{error:?}");
    assert_eq!(desk.shown("SELECT n FROM t WHERE id < 3 ORDER BY id"), "100\n100", "nothing of ours");
    drop(writer);
    let applied = write(&desk, &task, updates(&ints([[1, 100]]), &ints([[1, -1]]))).await;
    assert_eq!(applied.updated, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_amid_a_copy_leaves_nothing() {
    let desk = Desk::new("CREATE TABLE t (id int8 PRIMARY KEY, n text)").await;
    let task = task("t", &[("id", INT), ("n", TEXT)]);
    // Somebody is in the way of one row, so the server stops in the middle of the others.
    let other = other_program(&desk).await;
    other.batch_execute("BEGIN; INSERT INTO t VALUES (5000, 'theirs')").await.unwrap();
    let rows: Vec<Vec<Value>> = (0..20_000).map(|id| vec![Value::Int(id), Value::text("x".repeat(100))]).collect();
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, inserts(&rows), ApplyMode::InPlace);
    let (applied, ()) = future::join(applied, async {
        until_one_waits(&desk).await;
        desk.shown(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        );
    })
    .await;
    assert_eq!(applied.unwrap_err().code(), Code::ConnectionLost);
    drop(transaction);
    drop(writer);
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(desk.shown("SELECT count(*) FROM t"), "0");
    assert_eq!(write(&desk, &task, inserts(&rows[..10])).await.inserted, 10, "a new writer has a new session");
}
