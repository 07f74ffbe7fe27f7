//! Locks, deadlocks and connections that are gone: nothing is half done.

use syncline_core::change::ApplyMode;
use syncline_core::error::Code;
use syncline_core::store::Store as _;

use super::{Desk, apply, batch, checkpoint, inserts, int, updates};

const TWO: &str = "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2)";

fn row(id: i64, n: i64) -> Vec<syncline_core::value::Value> {
    vec![int(id), int(n)]
}

/// The server ends one of two that wait for each other: us, because we have written less.
#[tokio::test]
async fn a_deadlock_is_passing_and_nothing_is_committed_behind_it() {
    let desk = Desk::new(TWO).await;
    let task = desk.task("t").await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let mut theirs = desk.database.session();
    theirs.run("START TRANSACTION; UPDATE t SET n = 20 WHERE id = 2; INSERT INTO t SELECT seq, 0 FROM seq_10_to_99");
    let change = |id, n| updates(&[row(id, id)], &[row(id, n)]);
    transaction.apply(&task, change(1, 10), ApplyMode::InPlace).await.unwrap();
    theirs.send("UPDATE t SET n = 11 WHERE id = 1");
    super::until(|| {
        desk.shown("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE 'UPDATE t SET n = 11 %'") == "1"
    })
    .await;
    let error = transaction.apply(&task, change(2, 21), ApplyMode::InPlace).await.unwrap_err();
    assert_eq!((error.code(), error.is_passing()), (Code::StoreLocked, true), "{error:?}");
    // Whatever is asked of it now would be durable at once.
    let error = transaction.apply(&task, inserts(&[row(5, 5)]), ApplyMode::InPlace).await.unwrap_err();
    assert_eq!(error.code(), Code::Internal, "{error:?}");
    assert_eq!(transaction.commit(&checkpoint(1)).await.unwrap_err().code(), Code::Internal);
    theirs.answer();
    theirs.run("COMMIT");
    assert_eq!(desk.shown("SELECT id, n FROM t WHERE id < 10"), "1\t11\n2\t20");
    // The same work begun anew succeeds.
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, updates(&[row(2, 20)], &[row(2, 21)]), ApplyMode::InPlace).await.unwrap();
    assert_eq!(applied.updated, 1);
    transaction.commit(&checkpoint(2)).await.unwrap();
    assert_eq!(writer.checkpoints().await.unwrap(), [checkpoint(2)]);
}

#[tokio::test]
async fn what_was_committed_since_the_transaction_began_is_seen() {
    let desk = Desk::new(TWO).await;
    let task = desk.task("t").await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    let applied = transaction.apply(&task, updates(&[row(1, 1)], &[row(1, 9)]), ApplyMode::InPlace).await.unwrap();
    assert_eq!(applied.updated, 1);
    desk.database.mariadb("UPDATE t SET n = 7 WHERE id = 2");
    let applied = transaction.apply(&task, updates(&[row(2, 2)], &[row(2, 9)]), ApplyMode::InPlace).await.unwrap();
    assert_eq!((applied.updated, applied.moved.len()), (0, 1));
}

#[tokio::test]
async fn a_connection_that_is_gone_takes_its_rows_back() {
    let desk = Desk::new(TWO).await;
    let task = desk.task("t").await;
    let mut writer = desk.writer().await;
    let mut transaction = writer.begin().await.unwrap();
    transaction.apply(&task, inserts(&[row(5, 5)]), ApplyMode::InPlace).await.unwrap();
    assert!(desk.kill_all() >= 3);
    let error = transaction.commit(&checkpoint(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::ConnectionLost, "{error:?}");
    drop(writer);
    let again = super::MysqlStore::open(super::options(&desk.database), true).await.unwrap();
    assert!(again.writer().await.unwrap().checkpoints().await.unwrap().is_empty());
    assert_eq!(desk.shown("SELECT COUNT(*) FROM t"), "2");
}

/// Nothing of a transaction is left that was dropped in the middle of a call.
#[tokio::test]
async fn a_call_that_is_dropped_is_undone() {
    let desk = Desk::new(TWO).await;
    let task = desk.task("t").await;
    let rows: Vec<_> = (10..2_000).map(|id| row(id, id)).collect();
    let mut writer = desk.writer().await;
    for _ in 0..5 {
        let mut transaction = writer.begin().await.unwrap();
        {
            let mut loading = std::pin::pin!(transaction.load(&task, batch(2, &rows)));
            let _ = futures_util::poll!(&mut loading);
        }
        drop(transaction);
    }
    drop(writer.begin().await.unwrap());
    drop(writer);
    assert_eq!(desk.shown("SELECT COUNT(*) FROM t"), "2");
    assert_eq!(apply(&desk, &task, inserts(&rows)).await.inserted, 1_990);
}
