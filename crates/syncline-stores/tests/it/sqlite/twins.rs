//! Several views of one instant: when SQLite gives one, and when it cannot.

use rusqlite::{Connection, ErrorCode};
use syncline_core::store::Store;

use super::desk::{Desk, scan, task_of};

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)";

fn impatient(desk: &Desk) -> Connection {
    let other = desk.other();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    other
}

#[tokio::test]
async fn with_a_log_there_is_one_until_somebody_commits() {
    let desk = Desk::with(&format!("PRAGMA journal_mode = WAL; {TABLE}"));
    let store = desk.store().await;
    let mut first = store.snapshot().await.unwrap();
    let other = desk.other();
    // A transaction that is only open, and a commit of nothing, change nothing.
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (3)").unwrap();
    assert!(first.twin().await.unwrap().is_some());
    other.execute_batch("ROLLBACK; BEGIN; COMMIT").unwrap();
    assert!(first.twin().await.unwrap().is_some());
    other.execute_batch("INSERT INTO t VALUES (3)").unwrap();
    assert!(first.twin().await.unwrap().is_none());
    assert!(store.snapshot().await.unwrap().twin().await.unwrap().is_some());
}

#[tokio::test]
async fn with_a_journal_a_view_keeps_everybody_from_committing_and_so_there_is_one() {
    let desk = Desk::with(TABLE);
    let store = desk.store().await;
    let mut first = store.snapshot().await.unwrap();
    let other = impatient(&desk);
    assert_eq!(
        other.execute_batch("INSERT INTO t VALUES (3)").unwrap_err().sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy)
    );
    let mut twin = first.twin().await.unwrap().unwrap();
    let task = task_of(&mut twin, "t").await;
    assert_eq!(scan(&mut twin, &task).await, scan(&mut first, &task).await);
    drop(first);
    assert!(other.execute_batch("INSERT INTO t VALUES (3)").is_err(), "the twin keeps them out too");
    drop(twin);
    other.execute_batch("INSERT INTO t VALUES (3)").unwrap();
}

/// Such a writer lets no new reader in, and waits for those that are there: nobody may wait for it in turn.
#[tokio::test]
async fn a_writer_that_waits_to_commit_is_not_waited_for() {
    let desk = Desk::with(TABLE);
    // It waits ten seconds for locks, as every run does.
    let store = syncline_stores::SqliteStore::open(&desk.path(), syncline_stores::Access::Write).await.unwrap();
    let mut first = store.snapshot().await.unwrap();
    let other = impatient(&desk);
    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (3)").unwrap();
    assert_eq!(other.execute_batch("COMMIT").unwrap_err().sqlite_error_code(), Some(ErrorCode::DatabaseBusy));
    // The other one never gives up here, so who waits for it waits for ever, or fails.
    assert!(first.twin().await.unwrap().is_none());
    other.execute_batch("ROLLBACK").unwrap();
    assert!(first.twin().await.unwrap().is_some());
}
