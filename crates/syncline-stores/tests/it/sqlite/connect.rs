//! Opening: what is refused and how, what is left behind, who else holds the file.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use syncline_core::error::Code;
use syncline_core::store::Store;
use syncline_stores::{Access, SqliteStore};

use super::desk::{Desk, int, scan, task_of};

async fn refusal(path: &Path, access: Access) -> Code {
    SqliteStore::open(path, access).await.unwrap_err().code()
}

#[tokio::test]
async fn what_is_not_there_is_missing() {
    let desk = Desk::with("");
    assert_eq!(refusal(&desk.file("absent.db"), Access::Read).await, Code::StoreMissing);
    assert_eq!(refusal(&desk.file("absent.db"), Access::Write).await, Code::StoreMissing);
    assert_eq!(refusal(&desk.file("no/absent.db"), Access::Create).await, Code::StoreMissing);
    assert_eq!(refusal(&desk.path().join("below-a-file.db"), Access::Create).await, Code::StoreMissing);
    assert_eq!(desk.files(), ["desk.db"]);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_not_touched() {
    let desk = Desk::with("");
    assert_eq!(refusal(desk.path().parent().unwrap(), Access::Write).await, Code::NotADatabase);
    let _socket = UnixListener::bind(desk.file("socket")).unwrap();
    assert_eq!(refusal(&desk.file("socket"), Access::Create).await, Code::NotADatabase);
    assert_eq!(refusal(Path::new("/dev/null"), Access::Write).await, Code::NotADatabase);
    for (name, content) in [("short", "hello".to_owned()), ("long", "no database, ".repeat(1_000))] {
        std::fs::write(desk.file(name), &content).unwrap();
        assert_eq!(refusal(&desk.file(name), Access::Create).await, Code::NotADatabase, "{name}");
        assert_eq!(std::fs::read_to_string(desk.file(name)).unwrap(), content);
    }
    assert_eq!(refusal(Path::new("a\0b"), Access::Create).await, Code::UrlInvalid);
}

#[tokio::test]
async fn an_empty_file_is_an_empty_database_and_create_makes_one() {
    let desk = Desk::with("");
    for name in ["made.db", "file:made.db?mode=memory", "with space & 'quote'.db"] {
        let store = SqliteStore::open(&desk.file(name), Access::Create).await.unwrap();
        assert!(store.describe().await.unwrap().writable);
        assert!(store.snapshot().await.unwrap().schema().await.unwrap().tables.is_empty());
        drop(store);
        assert_eq!(std::fs::metadata(desk.file(name)).unwrap().len(), 0, "{name}");
        SqliteStore::open(&desk.file(name), Access::Read).await.unwrap();
    }
}

#[tokio::test]
async fn every_alias_of_a_file_has_the_same_identity() {
    let desk = Desk::with("CREATE TABLE t (a)");
    std::os::unix::fs::symlink(desk.path(), desk.file("link.db")).unwrap();
    std::fs::hard_link(desk.path(), desk.file("hard.db")).unwrap();
    std::fs::copy(desk.path(), desk.file("copy.db")).unwrap();
    let mut identities = Vec::new();
    for name in ["desk.db", "link.db", "hard.db", "./desk.db", "copy.db"] {
        let store = SqliteStore::open(&desk.file(name), Access::Read).await.unwrap();
        identities.push(store.describe().await.unwrap().identity);
    }
    assert!(identities[..4].iter().all(|identity| *identity == identities[0]), "{identities:?}");
    assert_ne!(identities[4], identities[0]);
}

#[tokio::test]
async fn a_file_put_in_the_place_of_the_first_is_noticed() {
    let desk = Desk::with("CREATE TABLE t (a)");
    std::fs::copy(desk.path(), desk.file("copy.db")).unwrap();
    let store = desk.store().await;
    std::fs::rename(desk.file("copy.db"), desk.path()).unwrap();
    let error = store.snapshot().await.err().unwrap();
    assert!(error.what().contains("replaced"), "{error}");
}

#[tokio::test]
async fn a_store_opened_for_reading_cannot_write() {
    let desk = Desk::with("CREATE TABLE t (a)");
    let store = SqliteStore::open(&desk.path(), Access::Read).await.unwrap();
    assert!(!store.describe().await.unwrap().writable);
    assert_eq!(store.writer().await.err().unwrap().code(), Code::StoreReadOnly);
}

#[tokio::test]
async fn a_store_has_one_writer_at_a_time() {
    let desk = Desk::with("CREATE TABLE t (a)");
    let store = desk.store().await;
    let writer = store.writer().await.unwrap();
    assert_eq!(store.writer().await.err().unwrap().code(), Code::StoreLocked);
    drop(writer);
    store.writer().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_others_keep_is_reported_within_the_waiting_time() {
    let desk = Desk::with("CREATE TABLE t (a)");
    let store = desk.store().await;
    let other = desk.other();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let started = Instant::now();
    let mut writer = store.writer().await.unwrap();
    let error = writer.begin().await.err().unwrap();
    assert_eq!(error.code(), Code::StoreLocked);
    assert!(error.what().contains("desk.db"), "{error}");
    assert_eq!(store.snapshot().await.err().unwrap().code(), Code::StoreLocked);
    let opened = SqliteStore::open_with_lock_wait(&desk.path(), Access::Read, Duration::from_millis(50)).await;
    assert_eq!(opened.err().unwrap().code(), Code::StoreLocked);
    assert!(started.elapsed() < Duration::from_secs(5));
    other.execute_batch("COMMIT").unwrap();
    writer.begin().await.unwrap();
}

#[tokio::test]
async fn dropping_a_store_that_waits_for_a_lock_does_not_wait() {
    let desk = Desk::with("CREATE TABLE t (a)");
    let store = SqliteStore::open_with_lock_wait(&desk.path(), Access::Write, Duration::from_secs(60)).await.unwrap();
    let other = desk.other();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let mut writer = store.writer().await.unwrap();
    let started = Instant::now();
    assert!(tokio::time::timeout(Duration::from_millis(50), writer.begin()).await.is_err());
    drop(writer);
    drop(store);
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_damaged_page_is_reported_and_not_read_over() {
    let desk = Desk::with("CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
    desk.other()
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)
             INSERT INTO t SELECT i, hex(randomblob(50)) FROM n",
        )
        .unwrap();
    let mut bytes = std::fs::read(desk.path()).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(desk.path(), bytes).unwrap();

    let store = desk.store().await;
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    let mut stream = snapshot.scan(&task).await.unwrap();
    let error = loop {
        match futures_util::StreamExt::next(&mut stream).await.unwrap() {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::StoreCorrupt);
    assert!(error.why().is_some());
}

#[tokio::test]
async fn reading_a_wal_database_leaves_no_files_behind() {
    let desk = Desk::with("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    assert_eq!(desk.files(), ["desk.db"]);
    let before = std::fs::read(desk.path()).unwrap();
    let store = SqliteStore::open(&desk.path(), Access::Read).await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    assert_eq!(scan(&mut snapshot, &task).await, [[int(1)]]);
    // The store goes first: what came from it lives on and closes for itself.
    drop(store);
    drop(snapshot);
    assert_eq!(desk.files(), ["desk.db"]);
    assert_eq!(std::fs::read(desk.path()).unwrap(), before);
}

#[tokio::test]
async fn a_hot_journal_is_recovered_before_reading() {
    let desk = Desk::with("CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'kept')");
    // A crashed program's files: the database already written, its journal still there.
    let other = desk.other();
    other.execute_batch("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; UPDATE t SET a = 'lost'").unwrap();
    other
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n LIMIT 2000)
             INSERT INTO t SELECT i, hex(randomblob(200)) FROM n",
        )
        .unwrap();
    std::fs::copy(desk.path(), desk.file("crashed.db")).unwrap();
    std::fs::copy(desk.file("desk.db-journal"), desk.file("crashed.db-journal")).unwrap();
    drop(other);

    let store = SqliteStore::open(&desk.file("crashed.db"), Access::Read).await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    let task = task_of(&mut snapshot, "t").await;
    assert_eq!(scan(&mut snapshot, &task).await, [[int(1), super::desk::text("kept")]]);
    drop((snapshot, store));
    assert!(!desk.files().contains(&"crashed.db-journal".to_owned()));
}

#[tokio::test]
async fn opening_a_store_drops_no_lock_of_this_process() {
    let desk = Desk::with("CREATE TABLE t (a)");
    let mine = desk.other();
    mine.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    drop(SqliteStore::open(&desk.path(), Access::Read).await.unwrap());
    // The shell is another process: had our lock gone, it could write.
    let Ok(shell) = std::process::Command::new("sqlite3").arg(desk.path()).arg("INSERT INTO t VALUES (2)").output()
    else {
        return;
    };
    assert!(String::from_utf8_lossy(&shell.stderr).contains("locked"), "{shell:?}");
    mine.execute_batch("COMMIT").unwrap();
}

#[tokio::test]
async fn a_store_says_which_engine_it_is() {
    let desk = Desk::with("CREATE TABLE t (a)");
    let description = desk.store().await.describe().await.unwrap();
    assert_eq!((description.engine, &*description.version), ("sqlite", rusqlite::version()));
}
